"""BatchNorm with LeakyReLU in integers on maps seen as (positions, channels), forward and backward.

Loops run along the channels without a branch on a value, so that they run on vector registers; what
is the same for a whole channel is made once (`offsets`). Bounds as in `norm`. A table beside a kernel says
what it does to one element (or, where said, to one channel), as `events` names it; `LEAKY` or `RELU` joins it.
"""

from typing import NamedTuple

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints, Wide
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.narrow import narrow_row
from lls_hw.sim.kernels.norm import BETA, GUARD, MEAN, RSTD, RSTD_EXP, SCALE, SCALE_EXP
from lls_hw.sim.kernels.scalar import HALF_UP, divide_round, farthest, shift_round

XHAT_FRAC = 14
PEAK_GUARD = 8  # peaks are measured this many bits below the output's least significant one


class Curve(NamedTuple):
    """Fixed point of a layer's map: fraction bits of its beta, LeakyReLU's slope as a multiplier."""

    beta_frac: Int
    slope: Int
    slope_frac: Int


class Cut(NamedTuple):
    """The codes that wide words become: fraction and total bits, rounding and its random stream, overflow.

    Row m of the map begins at element origin + m pitch of its tensor: there its random bits are drawn.
    """

    frac: Int
    bits: Int
    mode: Int
    key: Int
    wraps: Int
    origin: Int
    pitch: Int


@kernel
def offsets(stats: Ints, beta_frac: Int) -> Wide:
    """(2, c): beta - mean scale with SCALE_EXP + GUARD fraction bits, and -mean rstd; exact but for beta's scale."""
    found = np.empty((2, stats.shape[1]), np.int64)
    for c in range(stats.shape[1]):
        frac = np.int64(stats[SCALE_EXP, c]) + GUARD
        beta = shift_round(np.int64(stats[BETA, c]), beta_frac - frac, HALF_UP, np.int64(0))
        found[0, c] = beta - np.int64(stats[MEAN, c]) * np.int64(stats[SCALE, c])
        found[1, c] = -(np.int64(stats[MEAN, c]) * np.int64(stats[RSTD, c]))
    return found


OFFSET: Events = {"shifts": 1, "macs": 1}
"""`offsets`, a channel of the forward pass; the backward one makes the second as well."""
BACK_OFFSETS: Events = {"shifts": 1, "macs": 1, "multiplies": 1}


@kernel
def narrowing_shifts(stats: Ints, out_frac: Int) -> Wide:
    """Bits that every channel's wide words drop on their way to `out_frac` fraction bits."""
    found = np.empty(stats.shape[1], np.int64)
    for c in range(found.size):
        found[c] = np.int64(stats[SCALE_EXP, c]) + GUARD - out_frac
    return found


@kernel
def linear(y: Int, scale: Int, offset: Int) -> Int:
    """gamma (y - mean) / sigma + beta, wide, with SCALE_EXP + GUARD fraction bits."""
    return (np.int64(y) << GUARD) * np.int64(scale) + offset


@kernel
def leaky(value: Int, slope: Int, slope_frac: Int) -> Int:
    """LeakyReLU; a negative value drops four bits before the product with the slope."""
    below = shift_round(value, np.int64(4), HALF_UP, np.int64(0)) * slope
    below = shift_round(below, slope_frac - 4, HALF_UP, np.int64(0))
    return below if value < 0 else value


LEAKY: Events = {"multiplies": 1, "shifts": 1, "compares": 1}
RELU: Events = {"compares": 1}
"""`leaky` or `masked`, an element: the slope's product, and the side. A slope of zero needs no product."""


@kernel
def forward_peak(extremes: Wide, stats: Ints, curve: Curve, at_frac: Int) -> Int:
    """Largest |output|, in units of 2**-at_frac: the map is monotone, so its extremes suffice."""
    peak = np.int64(0)
    offset = offsets(stats, curve.beta_frac)
    for c in range(extremes.shape[1]):
        shift = np.int64(stats[SCALE_EXP, c]) + GUARD - at_frac
        for side in range(2):
            value = linear(extremes[side, c], stats[SCALE, c], offset[0, c])
            value = leaky(value, curve.slope, curve.slope_frac)
            value = shift_round(value, shift, HALF_UP, np.int64(0))
            peak = farthest(peak, value)
    return peak


ENDS: Events = {"macs": 2, "shifts": 2, "peaks": 2}
"""`forward_peak`, a channel: both of its extremes, and twice the activation."""


@kernel
def forward_narrow(y: Ints, stats: Ints, curve: Curve, cut: Cut, first: Int, last: Int, out: Ints) -> int:
    """Rows first ... last - 1 of the activated output as codes; returns overflows."""
    overflows = 0
    channels = y.shape[1]
    offset = offsets(stats, curve.beta_frac)
    shifts = narrowing_shifts(stats, cut.frac)
    wide = np.empty(channels, np.int64)
    for m in range(first, last):
        for c in range(channels):
            value = linear(y[m, c], stats[SCALE, c], offset[0, c])
            wide[c] = leaky(value, curve.slope, curve.slope_frac)
        overflows += narrow_row(
            wide, shifts, cut.mode, cut.key, cut.origin + m * cut.pitch, cut.bits, cut.wraps, out[m]
        )
    return overflows


APPLY: Events = {"macs": 1}
"""`forward_narrow`, beside activation and narrowing."""


@kernel
def masked(delta: Int, value: Int, slope: Int, slope_frac: Int) -> Int:
    """Error in front of the activation whose input was `value`, with GUARD more fraction bits than delta.

    The sign is that of the word that met the slope: `value` without its last four bits, rounded.
    """
    error = np.int64(delta)
    below = shift_round(error * slope, slope_frac - GUARD, HALF_UP, np.int64(0))
    return below if shift_round(value, np.int64(4), HALF_UP, np.int64(0)) < 0 else error << GUARD


@kernel
def normalised(y: Int, rstd: Int, rstd_exp: Int, offset: Int) -> Int:
    """xhat with XHAT_FRAC fraction bits."""
    wide = (np.int64(y) << GUARD) * np.int64(rstd) + offset
    return shift_round(wide, np.int64(rstd_exp) + GUARD - XHAT_FRAC, HALF_UP, np.int64(0))


@kernel
def backward_sums(delta: Ints, y: Ints, stats: Ints, curve: Curve, first: Int, last: Int, sums: Wide) -> None:
    """Adds rows into sums (2, c): of the masked error, and of the masked error times xhat.

    By Cauchy-Schwarz sum |xhat| <= positions, so the second stays below 2**(25 + 14 + 20).
    """
    channels = y.shape[1]
    offset = offsets(stats, curve.beta_frac)
    for m in range(first, last):
        for c in range(channels):
            value = linear(y[m, c], stats[SCALE, c], offset[0, c])
            error = masked(delta[m, c], value, curve.slope, curve.slope_frac)
            sums[0, c] += error
            sums[1, c] += error * normalised(y[m, c], stats[RSTD, c], stats[RSTD_EXP, c], offset[1, c])


BACK_SUMS: Events = {"macs": 3, "shifts": 1, "adds": 1}
"""`backward_sums`, beside the activation: its input, xhat, and the two sums."""


@kernel
def backward_means(sums: Wide, count: Int, means: Wide) -> None:
    """means (2, c): mean error (GUARD bits) and mean error x xhat (GUARD + 8 bits)."""
    for c in range(sums.shape[1]):
        means[0, c] = divide_round(sums[0, c], count)
        means[1, c] = shift_round(divide_round(sums[1, c], count), np.int64(XHAT_FRAC - 8), HALF_UP, np.int64(0))


MEANS: Events = {"divides": 2}
"""`backward_means`, a channel."""


@kernel
def backward_value(delta: Int, y: Int, stats: Ints, means: Wide, offset: Wide, c: Int, curve: Curve) -> Int:
    """gamma/sigma (error - mean - xhat mean_xhat) of channel c, wide; |value| < 2**51.

    The mean is whole at the scale of the pull, so that it joins the product before the one rounding.
    """
    error = masked(delta, linear(y, stats[SCALE, c], offset[0, c]), curve.slope, curve.slope_frac)
    xhat = normalised(y, stats[RSTD, c], stats[RSTD_EXP, c], offset[1, c])
    pull = xhat * means[1, c] + (means[0, c] << (XHAT_FRAC + 8))
    return (error - shift_round(pull, np.int64(XHAT_FRAC + 8), HALF_UP, np.int64(0))) * np.int64(stats[SCALE, c])


BACK_APPLY: Events = {"macs": 3, "shifts": 1, "adds": 1, "multiplies": 1}
"""`backward_value`, beside activation and narrowing: its input, xhat, the pull, error less it, times the scale."""


@kernel
def backward_peak(least: Wide, most: Wide, shifts: Wide) -> Int:
    """Largest magnitude at PEAK_GUARD bits below the codes: rounding is monotone, so extremes suffice."""
    peak = np.int64(0)
    for c in range(shifts.size):
        for value in (least[c], most[c]):
            fine = shift_round(value, shifts[c] - PEAK_GUARD, HALF_UP, np.int64(0))
            peak = farthest(peak, fine)
    return peak


@kernel
def backward_narrow(
    delta: Ints,
    y: Ints,
    stats: Ints,
    means: Wide,
    curve: Curve,
    in_frac: Int,
    cut: Cut,
    first: Int,
    last: Int,
    store: Int,
    out: Ints,
) -> tuple[int, Int]:
    """Rows of delta_y as codes; returns (overflows, peak in units of 2**-(cut.frac + 8)).

    `in_frac` counts delta's and y's fraction bits: delta_frac - y_frac. With `store` false only
    the peak is measured (the first of two passes).
    """
    overflows = 0
    channels = y.shape[1]
    offset = offsets(stats, curve.beta_frac)
    shifts = narrowing_shifts(stats, cut.frac - in_frac)
    wide = np.empty(channels, np.int64)
    least, most = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
    for m in range(first, last):
        for c in range(channels):
            value = backward_value(delta[m, c], y[m, c], stats, means, offset, c, curve)
            least[c] = min(least[c], value)
            most[c] = max(most[c], value)
            wide[c] = value
        if store:
            overflows += narrow_row(
                wide, shifts, cut.mode, cut.key, cut.origin + m * cut.pitch, cut.bits, cut.wraps, out[m]
            )
    return overflows, backward_peak(least, most, shifts)
