"""BatchNorm with LeakyReLU: over the rationals, and as the documented integer unit.

The exact half works on fractions; only 1 / sigma is irrational and is taken to 2**-120. The
integer half repeats the unit's promises with Python integers: which words are kept, with how many
fraction bits, and where a number is rounded (half up, once a line).
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from tests.oracles import scalar

EPSILON = Fraction(1, 10**5)
GUARD, XHAT = 8, 14


def root(value: Fraction, bits: int = 120) -> Fraction:
    """Square root to a relative 2**-bits or better, from below."""
    grow = 2 * (bits + max(0, value.denominator.bit_length() - value.numerator.bit_length()))
    return Fraction(math.isqrt((value.numerator << grow) // value.denominator), 1 << (grow // 2))


@dataclass
class Exact:
    """One channel: mean, biased variance, 1 / sqrt(variance + epsilon), normalised values."""

    mean: Fraction
    variance: Fraction
    rstd: Fraction
    xhat: list


def statistics(values: list) -> Exact:
    """Of one channel's real values."""
    count = len(values)
    mean = sum(values, Fraction(0)) / count
    variance = sum(((v - mean) ** 2 for v in values), Fraction(0)) / count
    rstd = 1 / root(variance + EPSILON)
    return Exact(mean, variance, rstd, [(v - mean) * rstd for v in values])


def forward(values: list, gamma: Fraction, beta: Fraction, slope: Fraction) -> list:
    """LeakyReLU(gamma xhat + beta)."""
    linear = [gamma * x + beta for x in statistics(values).xhat]
    return [v if v >= 0 else slope * v for v in linear]


def backward(values: list, delta: list, gamma: Fraction, beta: Fraction, slope: Fraction) -> tuple:
    """(gradient of the values, of gamma, of beta)."""
    found = statistics(values)
    error = [d * (1 if gamma * x + beta >= 0 else slope) for d, x in zip(delta, found.xhat, strict=True)]
    count = len(values)
    mean = sum(error) / count
    along = sum(e * x for e, x in zip(error, found.xhat, strict=True)) / count
    grad = [gamma * found.rstd * (e - mean - x * along) for e, x in zip(error, found.xhat, strict=True)]
    return grad, along * count, mean * count


@dataclass
class Words:
    """What the unit keeps of a channel."""

    mean: int
    rstd: int
    rstd_exp: int
    scale: int
    scale_exp: int
    beta: int


def moments(codes: list) -> tuple:
    """(mean with GUARD bits, count x variance with GUARD bits, floored)."""
    count, total = len(codes), sum(codes)
    spread = sum(v * v for v in codes) - Fraction(total * total, count)
    return scalar.divided(total << GUARD, count), math.ceil(spread * 2**GUARD)


def root_ratio(num: int, den: int) -> tuple:
    """sqrt(num / den): divisor cut to 26 bits, quotient of 35 to 62 bits, floor root, 16-bit mantissa."""
    cut = max(den.bit_length() - 26, 0)
    grow = 62 - num.bit_length()
    grow -= (grow + cut) % 2
    quotient = math.floor(math.floor(Fraction(num) * Fraction(2) ** grow) / Fraction(den // 2**cut))
    return scalar.floating(math.isqrt(quotient), (grow + cut) // 2)


def half_up(value: int, shift: int) -> int:
    """value / 2**shift, ties upward, exact when growing."""
    return scalar.shifted(value, shift, "half_up")


def linear(y: int, kept: Words, beta_frac: int) -> int:
    """gamma (y - mean) / sigma + beta with scale_exp + GUARD fraction bits."""
    centred = (y << GUARD) - kept.mean
    return centred * kept.scale + half_up(kept.beta, beta_frac - kept.scale_exp - GUARD)


def output(y: int, kept: Words, beta_frac: int, slope: tuple) -> int:
    """LeakyReLU of it; a negative value drops four bits before the product with the slope."""
    value = linear(y, kept, beta_frac)
    if value >= 0:
        return value
    return half_up(half_up(value, 4) * slope[0], slope[1] - 4)


def masked(delta: int, y: int, kept: Words, beta_frac: int, slope: tuple) -> int:
    """Error in front of the activation with GUARD more bits; the sign is that of the rounded quarter byte."""
    if half_up(linear(y, kept, beta_frac), 4) < 0:
        return half_up(delta * slope[0], slope[1] - GUARD)
    return delta << GUARD


def normalised(y: int, kept: Words) -> int:
    """xhat with XHAT bits."""
    return half_up(((y << GUARD) - kept.mean) * kept.rstd, kept.rstd_exp + GUARD - XHAT)


def gradient(deltas: list, codes: list, kept: Words, beta_frac: int, slope: tuple) -> tuple:
    """(wide delta_y of every value, sum of error, sum of error x xhat)."""
    count = len(codes)
    errors = [masked(d, y, kept, beta_frac, slope) for d, y in zip(deltas, codes, strict=True)]
    xhats = [normalised(y, kept) for y in codes]
    along = sum(e * x for e, x in zip(errors, xhats, strict=True))
    mean = scalar.divided(sum(errors), count)
    mean_along = half_up(scalar.divided(along, count), XHAT - 8)
    wide = [(e - mean - half_up(x * mean_along, XHAT + 8)) * kept.scale for e, x in zip(errors, xhats, strict=True)]
    return wide, sum(errors), along


def running(old: int, new: int) -> int:
    """old + 0.1 (new - old), the tenth being 26214 / 2**18, rounded half up."""
    return old + half_up((new - old) * 26214, 18)


def frozen_words(statistics_codes: tuple, y_frac: int, gamma: int, gamma_frac: int, beta: int, beta_frac: int) -> Words:
    """Of constants (mean, variance) with 16 fraction bits: held mean, 1 / sqrt(variance + epsilon), gamma / sigma.

    The scale's exponent is held to where beta, brought to it, stays below 2**46.
    """
    mean, variance = statistics_codes
    fine = 16 + 24
    epsilon = math.floor(EPSILON * 2**fine + Fraction(1, 2))
    rstd, rstd_exp = root_ratio(2**fine, max(variance, 0) * 2**24 + epsilon)
    rstd_exp += y_frac
    scale, scale_exp = scalar.floating(gamma * rstd, gamma_frac + rstd_exp)
    most = beta_frac - GUARD + 46 - abs(beta).bit_length()
    if scale == 0 or scale_exp > most:
        scale, scale_exp = half_up(scale, scale_exp - most), most
    held = max(-(2**27), min(2**27, half_up(mean, 16 - y_frac - GUARD)))
    return Words(held, rstd, rstd_exp, scale, scale_exp, beta)


def frozen_gradient(deltas: list, codes: list, kept: Words, beta_frac: int, slope: tuple) -> tuple:
    """(wide delta_y of every value, sum of error): statistics are constants, so no mean is taken out."""
    errors = [masked(d, y, kept, beta_frac, slope) for d, y in zip(deltas, codes, strict=True)]
    return [e * kept.scale for e in errors], sum(errors)


def group_words(channels: list, y_frac: int) -> tuple:
    """(mean with GUARD bits, mantissa and exponent of 1 / sigma per code of y) of one sample's group of channels.

    For codes of up to 20 fraction bits; finer ones drop bits of the variance.
    """
    codes = [v for channel in channels for v in channel]
    count = len(codes)
    mean, spread = moments(codes)
    epsilon = math.floor(EPSILON * 2**48 + Fraction(1, 2))
    rstd, rstd_exp = root_ratio(count << GUARD, spread + max(1, half_up(count * epsilon, 48 - 2 * y_frac - GUARD)))
    return mean, rstd, rstd_exp


def group_weights(gammas: list, bits: int) -> list:
    """gamma cut to 16 bits."""
    return [half_up(g, max(bits - 16, 0)) for g in gammas]


def group_gradient(deltas: list, channels: list, kept: list, weights: list, beta_frac: int, slope: tuple) -> tuple:
    """(wide delta_y of every channel's values, sums of error, sums of error x xhat) of one sample's group.

    A product with gamma drops 15 bits; means are divided first.
    """
    count = sum(len(channel) for channel in channels)
    rows = list(zip(deltas, channels, kept, strict=True))
    errors = [[masked(d, y, k, beta_frac, slope) for d, y in zip(ds, ys, strict=True)] for ds, ys, k in rows]
    xhats = [[normalised(y, k) for y in ys] for ys, k in zip(channels, kept, strict=True)]
    along = [sum(e * x for e, x in zip(es, xs, strict=True)) for es, xs in zip(errors, xhats, strict=True)]
    plain = [sum(es) for es in errors]
    mean = half_up(scalar.divided(sum(s * w for s, w in zip(plain, weights, strict=True)), count), 15)
    pull = sum(half_up(s, XHAT) * w for s, w in zip(along, weights, strict=True))
    pull = half_up(scalar.divided(pull, count), 15 - 8)
    wide = [
        [
            (half_up(e * w, 15) - half_up(x * pull + (mean << (XHAT + 8)), XHAT + 8)) * k.rstd
            for e, x in zip(es, xs, strict=True)
        ]
        for es, xs, w, k in zip(errors, xhats, weights, kept, strict=True)
    ]
    return wide, plain, along
