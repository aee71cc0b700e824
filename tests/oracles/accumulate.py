"""The sum of gradients at scales of their own, and their mean, in fractions."""

from fractions import Fraction

from tests.oracles import scalar
from tests.oracles.adam import largest, power


def common(a: list, a_frac: int, b: list, b_frac: int, bits: int) -> int:
    """Fraction bits of the sum: those of the finer operand, or as many as let both peaks, rounded up, fit together."""
    peaks = [(max(map(abs, codes)), frac) for codes, frac in ((a, a_frac), (b, b_frac))]
    told = [frac for peak, frac in peaks if peak] or [a_frac]
    most = 2 ** (bits - 1) - 1
    exact = [Fraction(peak) * power(-own) for peak, own in peaks]
    return largest(
        range(max(told) - 200, max(told) + 1), lambda frac: sum(-int(-one * power(frac) // 1) for one in exact) <= most
    )


def added(a: list, a_frac: int, b: list, b_frac: int, frac: int) -> list:
    """Each operand rounded to even at the common scale, then added."""
    return [
        scalar.rounded(Fraction(x) * power(frac - a_frac), "nearest_even")
        + scalar.rounded(Fraction(y) * power(frac - b_frac), "nearest_even")
        for x, y in zip(a, b, strict=True)
    ]


def mean(total: list, frac: int, parts: int) -> tuple:
    """(codes, fraction bits) of total / parts: a matter of scale, or a product with 1 / parts in 15 bits."""
    if parts in {2**k for k in range(40)}:
        return total, frac + parts.bit_length() - 1
    exponent = next(e for e in range(80) if 2**14 <= scalar.rounded(Fraction(2**e, parts), "half_up") < 2**15)
    factor = scalar.rounded(Fraction(2**exponent, parts), "half_up")
    return [scalar.rounded(Fraction(code * factor, 2**15), "half_up") for code in total], frac + exponent - 15
