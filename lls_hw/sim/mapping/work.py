"""Work of the vector and local units: lane operations per element, each with its reason.

A lane is a multiplier, a shifter, an adder and a comparator in a row, and does one operation a cycle:
an addition, a comparison with its selection, a product or multiply-add, the requantisation of one
word, or a table read. A shift takes no cycle of its own: it stands behind the product or in front of
the addition that it serves. A division or square root takes `DIVIDE_CYCLES` (digit recurrence, one
bit of the result a cycle). Random draws, peak detectors and the phase accumulators of the basis
generator are circuits of their own and take no lane.
"""

from collections.abc import Mapping

from lls_hw.sim.array.elementwise import are_ints

DIVIDE_CYCLES = 32

FREE = frozenset({"rng_draws", "peaks", "phase_steps", "vector_shifts", "local_shifts"})
"""Events that take no lane."""

Work = Mapping[str, int]

WORK: dict[str, Work] = {
    # An accumulator is shifted, rounded and clamped once on its way out of the array.
    "narrow": {"requantises": 1},
    # Stochastic rounding takes one draw a code.
    "draw": {"rng_draws": 1},
    # Bias joins the accumulator before it is narrowed.
    "bias": {"vector_adds": 1},
    # A kernel position of a depthwise convolution on the vector unit.
    "depthwise_tap": {"vector_macs": 1},
    # BatchNorm, pass one: sum and sum of squares of wide pre-activations.
    "norm_sums": {"vector_adds": 1, "vector_wide_macs": 1},
    # Per channel: mean, E[y^2] - mean^2 (2), gamma r, beta - mean gamma r; one reciprocal square root.
    "norm_statistics": {"vector_wide_macs": 5, "vector_divides": 1},
    # Running mean and variance: two multiply-adds each.
    "norm_running": {"vector_wide_macs": 4},
    # BatchNorm, pass two: scale and shift, slope of the negative side, narrow.
    "norm_apply": {"vector_wide_macs": 2, "requantises": 1},
    # Backward, pass one: pre-activation again (1), slope by its sign (1), sums of dz and dz y (1 + 1).
    "norm_back_sums": {"vector_wide_macs": 3, "vector_adds": 1},
    # Per channel: gradients of gamma and beta, then the three coefficients of pass two.
    "norm_back_statistics": {"vector_wide_macs": 6},
    # Backward, pass two: pre-activation and slope again (2), k1 dz + k2 y + k3 (2), narrow.
    "norm_back_apply": {"vector_wide_macs": 4, "requantises": 1},
    # A position spread from a pooled gradient with windows of several sizes is scaled by its own area.
    "spread_uneven": {"vector_wide_macs": 1},
    # Maximum: one comparison a window element.
    "pool_max": {"vector_adds": 1},
    # Average: one addition a window element; the sum is scaled by 1/area and narrowed.
    "pool_sum": {"vector_adds": 1},
    "pool_mean": {"vector_macs": 1, "requantises": 1},
    # Maximum backward: compare with the output again, select the gradient or zero.
    "pool_max_back": {"vector_adds": 2},
    # Average backward: the gradient times 1/area, added at each position (windows may overlap),
    # then narrowed.
    "pool_mean_back": {"vector_macs": 1},
    "pool_spread": {"vector_adds": 1},
    # A gradient and the sum of the earlier ones: the peak of each, both aligned, added.
    "accumulate": {"vector_shifts": 2, "vector_adds": 1, "peaks": 2},
    # The mean of as many as no shift divides by.
    "accumulate_mean": {"vector_multiplies": 1},
    # What decides a scale to come: the largest magnitude of the words that are narrowed.
    "peak": {"peaks": 1},
    # momentum v + g, the gradient brought to the product's scale; then either is narrowed to a step.
    "update_momentum": {"vector_wide_macs": 1, "vector_shifts": 1},
    "update_step": {"requantises": 1},
    # Adam: the gradient cut and squared, the second moment decayed, both at its new scale, added; that is narrowed.
    "update_second": {"vector_shifts": 3, "vector_multiplies": 2, "vector_adds": 1},
    # The step over the root of the second moment: a root, a division, the one and the epsilon.
    "update_quotient": {"vector_divides": 2, "vector_adds": 2},
    # lr v, rounded (with a draw); the master, at the scale that has room, less it; and its peak.
    "update_master": {"vector_multiplies": 1, "requantises": 1, "vector_shifts": 1, "vector_adds": 1, "peaks": 1},
    # The copy is cut.
    "update_copy": {"requantises": 1},
    # Local unit: a position joins its window's sum; windows of several sizes get their reciprocal.
    "latent_sum": {"local_adds": 1},
    "latent_uneven": {"local_macs": 1},
    # Sum of squares of the latents.
    "latent_square": {"local_macs": 1},
    # A projection term: signed addition of a latent; the generator steps once for its sign.
    "projection_term": {"local_adds": 1},
    # r = rsqrt(S), per sample.
    "latent_norm": {"local_divides": 1},
    # g = r (u - z alignment): two products and the narrowing shift.
    "backproject": {"local_macs": 2, "requantises": 1},
    # A random projection's gradient: the product with 1/area and the narrowing shift.
    "backproject_stored": {"local_macs": 1, "requantises": 1},
    # A sine's fraction bits leave u, rounded.
    "backproject_rounded": {"requantises": 1},
    # DRTP: a feedback code changes its sign and is narrowed.
    "select": {"vector_adds": 1, "requantises": 1},
    # Softmax, per class: logit by 1/T, maximum, subtraction, table, sum, probability, target, alignment.
    "softmax_class": {"local_macs": 3, "local_adds": 4, "local_table_reads": 1},
    # The softmax's reciprocal, per sample.
    "softmax_sample": {"local_divides": 1},
    # Logit p_c r and coefficient e_c / T, per basis row.
    "error_row": {"local_macs": 2},
    # The modulation: forward, backward and its own gradient.
    "modulation_entry": {"local_macs": 3},
    # Bias gradient of the classifier, per sample and class, and the narrowing of the error.
    "loss_class": {"local_adds": 1, "requantises": 1},
}


def times(*parts: tuple[str, int]) -> dict[str, int]:
    """Events of so many times each entry.

    Examples
    --------
    >>> times(("narrow", 8), ("bias", 8))
    {'requantises': 8, 'vector_adds': 8}
    """
    total: dict[str, int] = {}
    for name, count in parts:
        for event, number in WORK[name].items():
            total[event] = total.get(event, 0) + number * count
    return {event: number for event, number in total.items() if not are_ints(number) or number}


def lane_cycles(events: Mapping[str, int], lanes: int) -> int:
    """Cycles of a unit with so many lanes, all of them busy until the last round."""
    operations = sum(
        number * (DIVIDE_CYCLES if event.endswith("divides") else 1)
        for event, number in events.items()
        if event not in FREE
    )
    return -(-operations // lanes)
