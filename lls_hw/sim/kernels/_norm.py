"""BatchNorm with LeakyReLU in integers, forward and backward, on maps seen as (positions, channels).

Per channel the unit keeps six words (`stats` columns): the mean with 8 fraction bits more than y,
1/sigma as mantissa and exponent (per code of y), gamma/sigma as mantissa and exponent, and beta's
master code. All bounds below are for codes of up to 17 bits and up to 2**20 positions.
"""

import numpy as np

from lls_hw.sim.kernels._jit import Int, Ints, kernel
from lls_hw.sim.kernels._scalar import (
    HALF_UP,
    STOCHASTIC,
    bit_length,
    clamp,
    divide_round,
    normalise,
    random_bits,
    shift_round,
    sqrt_ratio,
    wrap,
)

MEAN, RSTD, RSTD_EXP, SCALE, SCALE_EXP, BETA = 0, 1, 2, 3, 4, 5
GUARD = 8  # fraction bits the mean, the variance and the masked error carry beyond their codes
XHAT_FRAC = 14
PEAK_GUARD = 8  # peaks are measured this many bits below the output's least significant one
SHIFT_ROOM = 46  # bits beta may take at the scale of the product
EPS_CODE, EPS_FRAC = 2814749767, 48  # BatchNorm's epsilon, 1e-5
TENTH_CODE, TENTH_FRAC = 26214, 18  # BatchNorm's momentum, 0.1


@kernel
def channel_sums(y: Ints, first: Int, last: Int, sums: Ints, extremes: Ints) -> None:
    """Adds rows first ... last - 1 into sums (2, c) and widens extremes (2, c): least, most."""
    channels = y.shape[1]
    for m in range(first, last):
        for c in range(channels):
            value = np.int64(y[m, c])
            sums[0, c] += value
            sums[1, c] += value * value
            extremes[0, c] = min(extremes[0, c], value)
            extremes[1, c] = max(extremes[1, c], value)


@kernel
def beside_beta(scale: Int, scale_exp: Int, beta: Int, beta_frac: Int) -> tuple[Int, Int]:
    """The scale's mantissa and exponent, held to where beta, brought to it, stays below 2**46."""
    most = beta_frac - GUARD + SHIFT_ROOM - bit_length(beta if beta >= 0 else -beta)
    if scale == 0 or scale_exp > most:
        return shift_round(scale, scale_exp - most, HALF_UP, np.int64(0)), most
    return scale, scale_exp


@kernel
def channel_constants(
    sums: Ints,
    count: Int,
    y_frac: Int,
    gamma: Ints,
    gamma_frac: Int,
    beta: Ints,
    beta_frac: Int,
    stats: Ints,
    variance: Ints,
) -> None:
    """Fills stats (6, c), and count x variance in units of 2**-(2 y_frac + 8) (epsilon excluded).

    With q = floor(S1 / n): n var = S2 - 2 q S1 + n q^2 - (S1 - n q)^2 / n, all terms below 2**54.
    1/sigma = sqrt(n 2**8 / (n var 2**8 + n eps 2**(2 y_frac + 8))) per code of y. Where y's codes are
    so fine that epsilon would pass 2**60, both terms drop an even number of bits.
    The scale's exponent is held to where beta, brought to it, stays below 2**46.
    """
    shift = np.int64(EPS_FRAC - 2 * y_frac - GUARD)
    eps = count * np.int64(EPS_CODE)
    drop = max((bit_length(eps) - shift - 59) & ~1, np.int64(0))
    eps = max(shift_round(eps, shift + drop, HALF_UP, np.int64(0)), np.int64(1))
    for c in range(sums.shape[1]):
        total, squares = sums[0, c], sums[1, c]
        q = total // count
        rest = total - q * count
        spread = squares - 2 * q * total + q * q * count
        variance[c] = (spread << GUARD) - ((rest * rest) << GUARD) // count
        noise = shift_round(np.int64(variance[c]), drop, HALF_UP, np.int64(0)) + eps
        rstd, rstd_exp = sqrt_ratio(np.int64(count) << GUARD, noise)
        rstd_exp += drop >> 1
        scale, scale_exp = normalise(np.int64(gamma[c]) * rstd, gamma_frac + rstd_exp)
        stats[MEAN, c] = divide_round(total << GUARD, count)
        stats[RSTD, c], stats[RSTD_EXP, c] = rstd, rstd_exp
        stats[SCALE, c], stats[SCALE_EXP, c] = beside_beta(scale, scale_exp, np.int64(beta[c]), beta_frac)
        stats[BETA, c] = beta[c]


@kernel
def activated(y: Int, stats: Ints, c: Int, beta_frac: Int, slope: Int, slope_frac: Int) -> Int:
    """LeakyReLU(gamma (y - mean) / sigma + beta), wide, with SCALE_EXP[c] + 8 fraction bits."""
    centred = (np.int64(y) << GUARD) - np.int64(stats[MEAN, c])
    frac = np.int64(stats[SCALE_EXP, c]) + GUARD
    value = centred * np.int64(stats[SCALE, c])
    value += shift_round(np.int64(stats[BETA, c]), beta_frac - frac, HALF_UP, np.int64(0))
    if value < 0:
        value = shift_round(
            shift_round(value, np.int64(4), HALF_UP, np.int64(0)) * slope, slope_frac - 4, HALF_UP, np.int64(0)
        )
    return value


@kernel
def running_update(stats: Ints, variance: Ints, count: Int, y_frac: Int, frac: Int, running: Ints) -> None:
    """running (2, c) += 0.1 (batch - running): mean and unbiased variance with `frac` fraction bits."""
    most = np.int64((1 << 31) - 1)
    for c in range(stats.shape[1]):
        mean = shift_round(np.int64(stats[MEAN, c]), np.int64(y_frac + GUARD - frac), HALF_UP, np.int64(0))
        unbiased = divide_round(variance[c], max(count - 1, np.int64(1)))
        spread = shift_round(unbiased, np.int64(2 * y_frac + GUARD - frac), HALF_UP, np.int64(0))
        for row in range(2):
            new = clamp(mean if row == 0 else spread, -most, most)
            old = np.int64(running[row, c])
            running[row, c] = old + shift_round(
                (new - old) * np.int64(TENTH_CODE), np.int64(TENTH_FRAC), HALF_UP, np.int64(0)
            )


@kernel
def forward_peak(extremes: Ints, stats: Ints, beta_frac: Int, slope: Int, slope_frac: Int, at_frac: Int) -> Int:
    """Largest |output|, in units of 2**-at_frac: the map is monotone, so its extremes suffice."""
    peak = np.int64(0)
    for c in range(extremes.shape[1]):
        shift = np.int64(stats[SCALE_EXP, c]) + GUARD - at_frac
        for side in range(2):
            value = activated(extremes[side, c], stats, c, beta_frac, slope, slope_frac)
            value = shift_round(value, shift, HALF_UP, np.int64(0))
            peak = max(peak, value if value >= 0 else -value)
    return peak


@kernel
def forward_narrow(
    y: Ints,
    stats: Ints,
    beta_frac: Int,
    slope: Int,
    slope_frac: Int,
    out_frac: Int,
    total_bits: Int,
    mode: Int,
    key: Int,
    wraps: Int,
    first: Int,
    last: Int,
    out: Ints,
) -> int:
    """Rows first ... last - 1 of the activated output as codes; returns overflows."""
    high = (np.int64(1) << (total_bits - 1)) - 1
    low = -high - 1
    overflows = 0
    bits = np.int64(0)
    channels = y.shape[1]
    for m in range(first, last):
        for c in range(channels):
            value = activated(y[m, c], stats, c, beta_frac, slope, slope_frac)
            shift = np.int64(stats[SCALE_EXP, c]) + GUARD - out_frac
            if mode == STOCHASTIC:
                bits = random_bits(key, m * channels + c)
            code = shift_round(value, shift, mode, bits)
            if code < low or code > high:
                overflows += 1
                code = wrap(code, total_bits) if wraps else clamp(code, low, high)
            out[m, c] = code
    return overflows


@kernel
def masked(delta: Int, y: Int, stats: Ints, c: Int, beta_frac: Int, slope: Int, slope_frac: Int) -> Int:
    """Error in front of the activation, with GUARD more fraction bits than delta."""
    value = np.int64(delta)
    if activated(y, stats, c, beta_frac, np.int64(1), np.int64(4)) < 0:
        return shift_round(value * slope, slope_frac - GUARD, HALF_UP, np.int64(0))
    return value << GUARD


@kernel
def normalised(y: Int, stats: Ints, c: Int) -> Int:
    """xhat with XHAT_FRAC fraction bits."""
    centred = (np.int64(y) << GUARD) - np.int64(stats[MEAN, c])
    shift = np.int64(stats[RSTD_EXP, c]) + GUARD - XHAT_FRAC
    return shift_round(centred * np.int64(stats[RSTD, c]), shift, HALF_UP, np.int64(0))


@kernel
def backward_sums(
    delta: Ints, y: Ints, stats: Ints, beta_frac: Int, slope: Int, slope_frac: Int, first: Int, last: Int, sums: Ints
) -> None:
    """Adds rows into sums (2, c): of the masked error, and of the masked error times xhat.

    By Cauchy-Schwarz sum |xhat| <= positions, so the second stays below 2**(25 + 14 + 20).
    """
    channels = y.shape[1]
    for m in range(first, last):
        for c in range(channels):
            error = masked(delta[m, c], y[m, c], stats, c, beta_frac, slope, slope_frac)
            sums[0, c] += error
            sums[1, c] += error * normalised(y[m, c], stats, c)


@kernel
def backward_means(sums: Ints, count: Int, means: Ints) -> None:
    """means (2, c): mean error (GUARD bits) and mean error x xhat (GUARD + 8 bits)."""
    for c in range(sums.shape[1]):
        means[0, c] = divide_round(sums[0, c], count)
        means[1, c] = shift_round(divide_round(sums[1, c], count), np.int64(XHAT_FRAC - 8), HALF_UP, np.int64(0))


@kernel
def backward_value(
    delta: Int, y: Int, stats: Ints, means: Ints, c: Int, beta_frac: Int, slope: Int, slope_frac: Int
) -> Int:
    """gamma/sigma (error - mean - xhat mean_xhat), wide; |value| < 2**51."""
    error = masked(delta, y, stats, c, beta_frac, slope, slope_frac)
    pull = shift_round(normalised(y, stats, c) * means[1, c], np.int64(XHAT_FRAC + 8), HALF_UP, np.int64(0))
    return (error - means[0, c] - pull) * np.int64(stats[SCALE, c])


@kernel
def backward_narrow(
    delta: Ints,
    y: Ints,
    stats: Ints,
    means: Ints,
    beta_frac: Int,
    slope: Int,
    slope_frac: Int,
    in_frac: Int,
    out_frac: Int,
    total_bits: Int,
    mode: Int,
    key: Int,
    wraps: Int,
    first: Int,
    last: Int,
    store: Int,
    out: Ints,
) -> tuple[int, Int]:
    """Rows of delta_y as codes; returns (overflows, peak in units of 2**-(out_frac + 8)).

    `in_frac` counts delta's and y's fraction bits: delta_frac - y_frac. With `store` false only
    the peak is measured (the first of two passes).
    """
    high = (np.int64(1) << (total_bits - 1)) - 1
    low = -high - 1
    overflows = 0
    bits = np.int64(0)
    peak = np.int64(0)
    channels = y.shape[1]
    for m in range(first, last):
        for c in range(channels):
            value = backward_value(delta[m, c], y[m, c], stats, means, c, beta_frac, slope, slope_frac)
            shift = in_frac + GUARD + np.int64(stats[SCALE_EXP, c]) - out_frac
            fine = shift_round(value, shift - PEAK_GUARD, HALF_UP, np.int64(0))
            peak = max(peak, fine if fine >= 0 else -fine)
            if store:
                if mode == STOCHASTIC:
                    bits = random_bits(key, m * channels + c)
                code = shift_round(value, shift, mode, bits)
                if code < low or code > high:
                    overflows += 1
                    code = wrap(code, total_bits) if wraps else clamp(code, low, high)
                out[m, c] = code
    return overflows, peak
