"""A norm with statistics of each sample and group of channels, on maps seen as (positions, channels).

A group keeps three words: the mean and 1/sigma as `norm.moments` makes them. Together with gamma and beta they are the
six words of each of its channels, which `norm_maps` applies. Going back, channels of one group meet in one mean, so
that the error is weighted by gamma first and 1/sigma comes last. Bounds as in `norm`, where the positions of a sample
times the channels of a group are at most 2**20.
"""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints, Wide
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.narrow import narrow_row
from lls_hw.sim.kernels.norm import GUARD, RSTD, RSTD_EXP, SCALE, epsilon_of, moments, put_words
from lls_hw.sim.kernels.norm_maps import XHAT_FRAC, Curve, Cut, backward_peak, linear, masked, normalised, offsets
from lls_hw.sim.kernels.scalar import HALF_UP, divide_round, shift_round

WEIGHT_BITS = 16
"""gamma is cut to so many bits where it weighs an error, and the product to those that the error had."""
PULL_GUARD = 8
"""Fraction bits that the mean along xhat has beyond the other mean."""


@kernel
def group_constants(sums: Wide, count: Int, y_frac: Int, words: Ints) -> None:
    """Fills words (groups, 3) of one sample: mean, mantissa and exponent of 1/sigma, from sums (2, channels)."""
    eps, drop = epsilon_of(count, y_frac)
    each = sums.shape[1] // words.shape[0]
    for g in range(words.shape[0]):
        total, squares = sums[0, g * each], sums[1, g * each]
        for c in range(g * each + 1, (g + 1) * each):
            total += sums[0, c]
            squares += sums[1, c]
        mean, _, rstd, rstd_exp = moments(total, squares, count, eps, drop)
        words[g, 0], words[g, 1], words[g, 2] = mean, rstd, rstd_exp


GROUP_CONSTANTS: Events = {"divides": 5, "macs": 3, "multiplies": 2, "adds": 2, "shifts": 2}
"""`group_constants`, a group; each of its channels but one joins both sums (`JOINS`)."""
JOINS: Events = {"adds": 2}


@kernel
def channel_words(words: Ints, gamma: Ints, gamma_frac: Int, beta: Ints, beta_frac: Int, stats: Ints) -> None:
    """Fills stats (6, c) of one sample from the words of its groups."""
    each = stats.shape[1] // words.shape[0]
    for c in range(stats.shape[1]):
        g = c // each
        put_words(
            stats, c, np.int64(words[g, 0]), np.int64(words[g, 1]), np.int64(words[g, 2]),
            gamma[c], gamma_frac, beta[c], beta_frac,
        )  # fmt: skip


CHANNEL_WORDS: Events = {"multiplies": 1, "shifts": 2}
"""`channel_words`, a channel: gamma/sigma, held beside beta."""


@kernel
def weights_of(gamma: Ints, drop: Int) -> Wide:
    """gamma (c) without its last bits, rounded."""
    found = np.empty(gamma.size, np.int64)
    for c in range(gamma.size):
        found[c] = shift_round(np.int64(gamma[c]), drop, HALF_UP, np.int64(0))
    return found


@kernel
def group_pulls(sums: Wide, weights: Wide, count: Int, pulls: Wide) -> None:
    """Fills pulls (groups, 2) of one sample: means of the weighted error, and of it times xhat (PULL_GUARD more bits).

    `sums` (2, c) are those of `norm_maps.backward_sums`. A product is cut to the error's bits once, after the division.
    By Cauchy-Schwarz the sum of |xhat| over a group is at most its count, so that no sum passes 2**60.
    """
    each = sums.shape[1] // pulls.shape[0]
    for g in range(pulls.shape[0]):
        total, along = np.int64(0), np.int64(0)
        for c in range(g * each, (g + 1) * each):
            total += sums[0, c] * weights[c]
            along += shift_round(sums[1, c], np.int64(XHAT_FRAC), HALF_UP, np.int64(0)) * weights[c]
        drop = np.int64(WEIGHT_BITS - 1)
        pulls[g, 0] = shift_round(divide_round(total, count), drop, HALF_UP, np.int64(0))
        pulls[g, 1] = shift_round(divide_round(along, count), drop - PULL_GUARD, HALF_UP, np.int64(0))


GROUP_PULLS: Events = {"divides": 2}
"""`group_pulls`, a group; each of its channels adds two products (`WEIGHS`)."""
WEIGHS: Events = {"macs": 2}


@kernel
def group_value(
    delta: Int, y: Int, stats: Ints, weight: Int, mean: Int, along: Int, offset: Wide, c: Int, curve: Curve
) -> Int:
    """(gamma error - mean - xhat along) / sigma of channel c, wide; |value| < 2**51."""
    error = masked(delta, linear(y, stats[SCALE, c], offset[0, c]), curve.slope, curve.slope_frac)
    weighted = shift_round(error * weight, np.int64(WEIGHT_BITS - 1), HALF_UP, np.int64(0))
    xhat = normalised(y, stats[RSTD, c], stats[RSTD_EXP, c], offset[1, c])
    pull = xhat * along + (mean << (XHAT_FRAC + PULL_GUARD))
    pull = shift_round(pull, np.int64(XHAT_FRAC + PULL_GUARD), HALF_UP, np.int64(0))
    return (weighted - pull) * np.int64(stats[RSTD, c])


GROUP_APPLY: Events = {"macs": 3, "shifts": 1, "adds": 1, "multiplies": 2}
"""`group_value`, beside activation and narrowing: its input, xhat, the pull, gamma, the rest, times 1/sigma."""


@kernel
def group_narrow(
    delta: Ints,
    y: Ints,
    stats: Ints,
    weights: Wide,
    weight_frac: Int,
    pulls: Wide,
    curve: Curve,
    in_frac: Int,
    cut: Cut,
    first: Int,
    last: Int,
    store: Int,
    out: Ints,
) -> tuple[int, Int]:
    """Rows first ... last - 1 of delta_y, all of one sample, as codes; returns (overflows, peak below the codes).

    `in_frac` and `store` as in `norm_maps.backward_narrow`; `weight_frac` are the fraction bits of `weights`.
    """
    overflows = 0
    channels = y.shape[1]
    each = channels // pulls.shape[0]
    offset = offsets(stats, curve.beta_frac)
    shifts = np.empty(channels, np.int64)
    for c in range(channels):
        shifts[c] = np.int64(stats[RSTD_EXP, c]) + GUARD + weight_frac - (WEIGHT_BITS - 1) - (cut.frac - in_frac)
    wide = np.empty(channels, np.int64)
    least, most = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
    for m in range(first, last):
        for c in range(channels):
            g = c // each
            wide[c] = group_value(delta[m, c], y[m, c], stats, weights[c], pulls[g, 0], pulls[g, 1], offset, c, curve)
            least[c] = min(least[c], wide[c])
            most[c] = max(most[c], wide[c])
        if store:
            overflows += narrow_row(
                wide, shifts, cut.mode, cut.key, cut.origin + m * cut.pitch, cut.bits, cut.wraps, out[m]
            )
    return overflows, backward_peak(least, most, shifts)
