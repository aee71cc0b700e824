"""Rounding, roots, hashes as mathematics: whole numbers and fractions, nothing of ours."""

import math
from fractions import Fraction

HALF = Fraction(1, 2)


def mix32(x: int) -> int:
    """Multiply-xorshift: twice x <- (x ^ x // 2**16) * 0x45D9F3B mod 2**32, then x ^ x // 2**16."""
    x %= 2**32
    for _ in range(2):
        x = (x ^ x // 2**16) * 0x45D9F3B % 2**32
    return x ^ x // 2**16


def draw32(key: int, index: int) -> int:
    """Random bits of element `index` of the stream `key`."""
    return mix32(mix32(index) ^ key)


def stream(seed: int, step: int, name: int) -> int:
    """Key of one tensor at one step."""
    return mix32(mix32(mix32(seed) ^ step) ^ name)


def rounded(exact: Fraction, rounding: str) -> int:
    """A rational number rounded once."""
    if rounding == "floor":
        return math.floor(exact)
    if rounding == "half_up":
        return math.floor(exact + HALF)
    if rounding == "nearest_even":
        return round(exact)
    raise ValueError(rounding)


def shifted(code: int, shift: int, rounding: str, random: int = 0) -> int:
    """code / 2**shift, rounded once; growing is exact.

    Stochastic: up where the rest exceeds a draw in [0, 1), made of the low `shift` of the 32 random
    bits, or of all of them followed by zeros.
    """
    if shift <= 0:
        return code * 2**-shift
    exact = Fraction(code, 2**shift)
    if rounding != "stochastic":
        return rounded(exact, rounding)
    rest = exact - math.floor(exact)
    draw = Fraction(random, 2**32) if shift > 32 else Fraction(random % 2**shift, 2**shift)
    return math.floor(exact) + (rest > draw)


def divided(value: int, by: int) -> int:
    """Nearest integer, ties upward."""
    return math.floor(Fraction(value, by) + HALF)


def floating(value: int, exponent: int, bits: int = 16) -> tuple[int, int]:
    """value * 2**-exponent as the nearest `bits`-bit mantissa (ties away from zero) and its exponent."""
    if value == 0:
        return 0, 0
    size = Fraction(abs(value))
    shift = 0
    while size >= 2**bits:
        size, shift = size / 2, shift + 1
    while size < 2 ** (bits - 1):
        size, shift = size * 2, shift - 1
    mantissa = math.floor(size + HALF)
    if mantissa == 2**bits:
        mantissa, shift = mantissa // 2, shift + 1
    return (mantissa if value > 0 else -mantissa), exponent - shift


def saturated(code: int, bits: int) -> int:
    """Nearest code of `bits` bits."""
    return max(-(2 ** (bits - 1)), min(2 ** (bits - 1) - 1, code))


def wrapped(code: int, bits: int) -> int:
    """The one code of `bits` bits that is congruent modulo 2**bits."""
    return (code + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def squared_error(mantissa: int, exponent: int, num: int, den: int) -> Fraction:
    """(mantissa 2**-exponent)**2 / (num / den) - 1: twice the relative error of the root, about."""
    return Fraction(mantissa**2) * Fraction(2) ** (-2 * exponent) * Fraction(den, num) - 1
