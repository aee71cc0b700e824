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
    # A channel's bias is brought to the accumulator's scale, once an op; it joins each sum before the narrowing.
    "bias_scale": {"requantises": 1},
    "bias": {"vector_adds": 1},
    # A kernel position of a depthwise convolution on the vector unit.
    "depthwise_tap": {"vector_macs": 1},
    # LeakyReLU: the slope's product beside the word itself, and the one that its sign selects. ReLU selects 0.
    "leaky": {"vector_multiplies": 1, "vector_shifts": 1, "vector_compares": 1},
    "relu": {"vector_compares": 1},
    # BatchNorm, pass one: sum and sum of squares of wide pre-activations, and their two ends.
    "norm_sums": {"vector_adds": 1, "vector_wide_macs": 1},
    "norm_extremes": {"vector_compares": 2},
    # Per channel: n var = S2 - 2 q S1 + n q^2 - (S1 - n q)^2 / n, with q = S1 // n; the mean; 1 / sigma, a quotient and
    # its root; gamma / sigma; beta and the mean's share of it as one offset.
    "norm_statistics": {
        "vector_wide_macs": 4,
        "vector_multiplies": 3,
        "vector_adds": 2,
        "vector_shifts": 5,
        "vector_divides": 5,
    },
    # Running mean and variance: the batch's own at their scale, clamped, a tenth of the difference added.
    "norm_running": {
        "vector_multiplies": 2,
        "vector_adds": 4,
        "vector_compares": 4,
        "vector_shifts": 2,
        "vector_divides": 1,
    },
    # Inference: the mean clamped, the variance not below 0 and epsilon added, 1 / sigma, gamma / sigma, the offset.
    "norm_running_statistics": {
        "vector_wide_macs": 1,
        "vector_multiplies": 1,
        "vector_adds": 1,
        "vector_compares": 3,
        "vector_shifts": 5,
        "vector_divides": 2,
    },
    # A channel's ends through the map (and the activation), at one common scale: the output's peak.
    "norm_ends": {"vector_wide_macs": 2, "vector_shifts": 2, "peaks": 2},
    # BatchNorm, pass two: scale and offset; the activation and the narrowing follow.
    "norm_apply": {"vector_wide_macs": 1},
    # Backward, pass one: pre-activation again (1), the error by its sign (the activation), its sum, xhat (1), and the
    # sum of their product (1).
    "norm_back_sums": {"vector_wide_macs": 3, "vector_adds": 1, "vector_shifts": 1},
    # Per channel: both offsets again, two means; gradients of gamma and beta are narrowed at their own peak.
    "norm_back_statistics": {"vector_wide_macs": 1, "vector_multiplies": 1, "vector_shifts": 1, "vector_divides": 2},
    "norm_back_gradients": {"requantises": 2, "peaks": 2},
    # Backward, pass two: pre-activation and xhat again (2), the mean and xhat's pull (1), the error less it, times the
    # scale.
    "norm_back_apply": {"vector_wide_macs": 3, "vector_adds": 1, "vector_multiplies": 1, "vector_shifts": 1},
    # Frozen norm, backward: pre-activation again, the error by its sign (the activation) times the scale; its sum for
    # beta. Per channel the gradient of beta at the peak of all.
    "frozen_apply": {"vector_wide_macs": 1, "vector_multiplies": 1},
    "frozen_sum": {"vector_adds": 1},
    "frozen_gradient": {"requantises": 1, "peaks": 1},
    # Group norm. A channel's sums join those of its group; per sample and group n var, mean and 1 / sigma as above; per
    # sample and channel gamma / sigma and the offset, where the group's words are used.
    "group_joins": {"vector_adds": 2},
    "group_statistics": {
        "vector_wide_macs": 3,
        "vector_multiplies": 2,
        "vector_adds": 2,
        "vector_shifts": 2,
        "vector_divides": 5,
    },
    "group_words": {"vector_wide_macs": 1, "vector_multiplies": 1, "vector_shifts": 3},
    # Backward: per sample and channel both offsets, its part of the gradients of gamma and beta, and of two weighted
    # sums; per sample and group two means.
    "group_back_words": {"vector_wide_macs": 1, "vector_multiplies": 2, "vector_shifts": 3},
    "group_weighs": {"vector_wide_macs": 2, "vector_adds": 2},
    "group_pulls": {"vector_divides": 2},
    # Pre-activation and xhat again (2), the error by its sign (the activation) times gamma, less the mean and xhat's
    # pull (1), times 1 / sigma.
    "group_apply": {"vector_wide_macs": 3, "vector_adds": 1, "vector_multiplies": 2, "vector_shifts": 1},
    # A pooled gradient at a position that lies under several windows: one addition for each but the first.
    "spread_overlap": {"vector_adds": 1},
    # A word times the reciprocal of its window's area: an average, or a window's gradient by position.
    "pool_share": {"vector_multiplies": 1, "vector_shifts": 1},
    # A window element: compared with the largest so far (backward: with the output), or added.
    "pool_max": {"vector_compares": 1},
    "pool_sum": {"vector_adds": 1},
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
    # Local unit: a position joins its window's sum; a latent of windows of several sizes is weighed, a wide one cut.
    "latent_sum": {"local_adds": 1},
    "latent_weight": {"local_multiplies": 1},
    "latent_cut": {"local_requantises": 1},
    # Sum of squares of the latents.
    "latent_square": {"local_macs": 1},
    # A projection term: signed addition of a latent (the generator steps for its sign), or a wider entry's product.
    "projection_term": {"local_adds": 1},
    "projection_product": {"local_macs": 1},
    # 1 / sqrt(S), per sample: a quotient, its root, and that as mantissa and exponent.
    "latent_norm": {"local_divides": 2, "local_shifts": 1},
    # u less zhat times the alignment, times r: zhat, its pull and the product with r; the alignment's scale per sample.
    "backproject": {"local_multiplies": 3, "local_shifts": 2, "local_adds": 1},
    "backproject_sample": {"local_shifts": 1},
    # A window's share, or its weight where windows differ.
    "backproject_weight": {"local_multiplies": 1, "local_shifts": 1},
    # A sine's fraction bits leave u, rounded.
    "backproject_rounded": {"local_shifts": 1},
    # A sum of the local unit leaves it as a code.
    "local_narrow": {"local_requantises": 1},
    # DRTP: a feedback code changes its sign; the narrowing follows.
    "select": {"vector_adds": 1},
    # Softmax, per class: the maximum; how far below it in octaves (a difference, log2 e); the table's two entries and
    # the line between them (a difference, a product, a difference), shifted by the whole octaves; the sum; the division
    # by it; the target.
    "softmax_class": {
        "local_compares": 1,
        "local_adds": 5,
        "local_multiplies": 2,
        "local_table_reads": 2,
        "local_shifts": 1,
        "local_divides": 1,
    },
    # The sum times the batch, per sample.
    "softmax_sample": {"local_multiplies": 1},
    # Logits and coefficients are clamped at both ends.
    "clamp": {"local_compares": 2},
    # By 1 / T and to its scale: a logit or coefficient. By r: a projection of normalised latents.
    "by_temperature": {"local_multiplies": 1, "local_shifts": 1},
    "by_norm": {"local_multiplies": 1, "local_shifts": 1},
    # A random projection's share, cut.
    "by_share": {"local_multiplies": 1, "local_requantises": 1},
    # The modulation: an entry's product in a logit and in a coefficient, each sum to its scale, its own gradient.
    "modulation_vector": {"local_multiplies": 2, "local_macs": 1},
    "modulation_matrix": {"local_macs": 3},
    "modulation_scale": {"local_shifts": 1},
    # A class's part of the alignment.
    "alignment": {"local_macs": 1},
    # The classifier, per sample and class: logit by 1 / T to its scale; the error by 1 / T, and its part of the bias.
    "loss_class": {"local_multiplies": 2, "local_shifts": 1, "local_adds": 1},
    # The bias' sum by 1 / T. A small gradient that is narrowed at its own peak.
    "loss_bias": {"local_multiplies": 1},
    "local_gradient": {"local_requantises": 1, "peaks": 1},
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
