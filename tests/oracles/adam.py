"""Adam's second moment, constants and quotient in whole numbers and fractions."""

import bisect
import math
from fractions import Fraction

from tests.oracles import scalar

BETA2 = Fraction(round(Fraction(999, 1000) * 2**24), 2**24)


def second_scale(moment: list, moment_frac: int, gradient: list, grad_frac: int, bits: int) -> int:
    """The most fraction bits, an even number, at which b2 V + g**2 of the two peaks stays 16 codes below the end."""
    peaks = [max(map(abs, codes)) for codes in (moment, gradient)]
    most = BETA2 * peaks[0] * power(-moment_frac) + (peaks[1] * power(-grad_frac)) ** 2
    if most == 0:
        return bits - 2
    return largest(range(-600, 600, 2), lambda frac: most * power(frac) + 16 < 2 ** (bits - 1))


def second_moment(moment: int, moment_frac: int, gradient: int, grad_frac: int, *, cut: int, frac: int) -> int:
    """b2 V + g**2 with `frac` + 24 fraction bits; the gradient loses `cut` bits, each term is rounded half up."""
    code = scalar.rounded(Fraction(gradient, 2**cut), "half_up")
    square = (code * power(cut - grad_frac)) ** 2
    decayed = BETA2 * moment * power(-moment_frac)
    return sum(scalar.rounded(term * power(frac + 24), "half_up") for term in (decayed, square))


def quotient(first: int, second: int, growth: int, epsilon: int) -> int:
    """M 2**growth / (sqrt((V + 1) 2**30) + epsilon): the root rounded down, the quotient to nearest."""
    return scalar.divided(first * 2**growth, math.isqrt((second + 1) * 2**30) + epsilon)


def largest(fracs: range, fits) -> int:
    """The last of them that fits, where all before it fit as well."""
    return fracs[bisect.bisect_left(fracs, True, key=lambda frac: not fits(frac)) - 1]


def power(exponent: int) -> Fraction:
    return Fraction(2) ** exponent
