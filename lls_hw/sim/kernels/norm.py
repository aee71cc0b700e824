"""BatchNorm's words: sums, and what the unit keeps of a channel for both directions (`norm_maps`).

Per channel the unit keeps six words (`stats` rows): the mean with 8 fraction bits more than y,
1/sigma as mantissa and exponent (per code of y), gamma/sigma as mantissa and exponent, and beta's
master code. All bounds below are for codes of up to 17 bits and up to 2**20 positions.
"""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints, Wide
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.scalar import HALF_UP, bit_length, clamp, divide_round, normalise, shift_round, sqrt_ratio

MEAN, RSTD, RSTD_EXP, SCALE, SCALE_EXP, BETA = 0, 1, 2, 3, 4, 5
GUARD = 8  # fraction bits the mean, the variance and the masked error carry beyond their codes
SHIFT_ROOM = 46  # bits beta may take at the scale of the product
EPS_CODE, EPS_FRAC = 2814749767, 48  # BatchNorm's epsilon, 1e-5
TENTH_CODE, TENTH_FRAC = 26214, 18  # BatchNorm's momentum, 0.1


@kernel
def channel_sums(y: Ints, first: Int, last: Int, sums: Wide, extremes: Wide) -> None:
    """Adds rows first ... last - 1 into sums (2, c) and widens extremes (2, c): least, most."""
    channels = y.shape[1]
    for m in range(first, last):
        for c in range(channels):
            value = np.int64(y[m, c])
            sums[0, c] += value
            sums[1, c] += value * value
            extremes[0, c] = min(extremes[0, c], value)
            extremes[1, c] = max(extremes[1, c], value)


SUMS: Events = {"adds": 1, "macs": 1}
EXTREMES: Events = {"compares": 2}
"""`channel_sums`, an element: the sums, and what the scale of the output needs."""


@kernel
def beside_beta(scale: Int, scale_exp: Int, beta: Int, beta_frac: Int) -> tuple[Int, Int]:
    """The scale's mantissa and exponent, held to where beta, brought to it, stays below 2**46."""
    most = beta_frac - GUARD + SHIFT_ROOM - bit_length(beta if beta >= 0 else -beta)
    if scale == 0 or scale_exp > most:
        return shift_round(scale, scale_exp - most, HALF_UP, np.int64(0)), most
    return scale, scale_exp


@kernel
def epsilon_of(count: Int, y_frac: Int) -> tuple[Int, Int]:
    """count x epsilon in units of 2**-(2 y_frac + 8), and how many bits it and its like drop to stay below 2**60.

    Where y's codes are so fine that epsilon would pass 2**60, both terms of a variance drop an even number of bits.
    """
    shift = np.int64(EPS_FRAC - 2 * y_frac - GUARD)
    eps = count * np.int64(EPS_CODE)
    drop = max((bit_length(eps) - shift - 59) & ~1, np.int64(0))
    return max(shift_round(eps, shift + drop, HALF_UP, np.int64(0)), np.int64(1)), drop


@kernel
def moments(total: Int, squares: Int, count: Int, eps: Int, drop: Int) -> tuple[Int, Int, Int, Int]:
    """(mean with GUARD bits, count x variance in units of 2**-(2 y_frac + 8), mantissa and exponent of 1/sigma).

    With q = floor(S1 / n): n var = S2 - 2 q S1 + n q^2 - (S1 - n q)^2 / n, all terms below 2**54.
    1/sigma = sqrt(n 2**8 / (n var 2**8 + n eps 2**(2 y_frac + 8))) per code of y.
    """
    q = total // count
    rest = total - q * count
    spread = squares - 2 * q * total + q * q * count
    variance = (spread << GUARD) - ((rest * rest) << GUARD) // count
    noise = shift_round(variance, drop, HALF_UP, np.int64(0)) + eps
    rstd, rstd_exp = sqrt_ratio(np.int64(count) << GUARD, noise)
    return divide_round(total << GUARD, count), variance, rstd, rstd_exp + (drop >> 1)


@kernel
def put_words(
    stats: Ints, c: Int, mean: Int, rstd: Int, rstd_exp: Int, gamma: Int, gamma_frac: Int, beta: Int, beta_frac: Int
) -> None:
    """The six words of channel c; the scale's exponent is held to where beta, brought to it, stays below 2**46."""
    scale, scale_exp = normalise(np.int64(gamma) * rstd, gamma_frac + rstd_exp)
    stats[MEAN, c] = mean
    stats[RSTD, c], stats[RSTD_EXP, c] = rstd, rstd_exp
    stats[SCALE, c], stats[SCALE_EXP, c] = beside_beta(scale, scale_exp, np.int64(beta), beta_frac)
    stats[BETA, c] = beta


@kernel
def channel_constants(
    sums: Wide,
    count: Int,
    y_frac: Int,
    gamma: Ints,
    gamma_frac: Int,
    beta: Ints,
    beta_frac: Int,
    stats: Ints,
    variance: Wide,
) -> None:
    """Fills stats (6, c), and count x variance in units of 2**-(2 y_frac + 8) (epsilon excluded)."""
    eps, drop = epsilon_of(count, y_frac)
    for c in range(sums.shape[1]):
        mean, variance[c], rstd, rstd_exp = moments(sums[0, c], sums[1, c], count, eps, drop)
        put_words(stats, c, mean, rstd, rstd_exp, gamma[c], gamma_frac, beta[c], beta_frac)


CONSTANTS: Events = {"divides": 5, "macs": 3, "multiplies": 3, "adds": 2, "shifts": 4}
"""`channel_constants`, a channel: n var (two divisions), the mean, 1/sigma (a quotient and its root), gamma/sigma."""


@kernel
def running_update(stats: Ints, variance: Wide, count: Int, y_frac: Int, frac: Int, running: Ints) -> None:
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


RUNNING: Events = {"divides": 1, "multiplies": 2, "adds": 4, "compares": 4, "shifts": 2}
"""`running_update`, a channel: the unbiased variance, both words clamped, and a tenth of the way to each."""
