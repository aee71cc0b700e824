"""Constants of the integer path, made with whole numbers and fractions only."""

from fractions import Fraction
from functools import cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from lls_hw.sim.kernels.softmax import TABLE_BITS, TABLE_FRAC

PI = Fraction(3141592653589793238462643383279502884197, 10**39)
BASIS_LOW, BASIS_HIGH = 50, 512  # radians per sample, arXiv 2405.15868
MANTISSA_BITS = 15


@cache
def exp2_table() -> NDArray[np.int64]:
    """2**(-i / 256) with 16 fraction bits, i = 0 ... 256, from eight exact square roots."""
    guard = 160
    root = Fraction(1, 2)
    for _ in range(TABLE_BITS):
        root = Fraction(isqrt((root.numerator << (2 * guard)) // root.denominator), 1 << guard)
    entries = []
    power = Fraction(1)
    for _ in range((1 << TABLE_BITS) + 1):
        entries.append(int(power * (1 << TABLE_FRAC) + Fraction(1, 2)))
        power = Fraction(int(power * root * (1 << guard)), 1 << guard)
    return np.array(entries, np.int64)


@cache
def basis_increments(rows: int, phase_bits: int) -> NDArray[np.int64]:
    """Phase steps of the square basis: f_c / (2 pi) turns in units of 2**-phase_bits, modulo 1.

    f = linspace(50, 512, rows); one row has f = 50.
    """
    steps = []
    for c in range(rows):
        frequency = BASIS_LOW + Fraction(c * (BASIS_HIGH - BASIS_LOW), max(rows - 1, 1))
        turns = frequency / (2 * PI)
        steps.append(int(turns * (1 << phase_bits) + Fraction(1, 2)) % (1 << phase_bits))
    return np.array(steps, np.int64)


WAVE_GUARD = 192  # fraction bits of the recurrence: its rounding grows with 1 / sin f and the entries squared


@cache
def cosine_table(rows: int, latents: int, frac: int) -> NDArray[np.int16]:
    """round(2**frac sin(f_c t)), t = 0 ... latents - 1, the largest code standing for +1; f as in `basis_increments`.

    sin((t + 1) f) = 2 cos(f) sin(t f) - sin((t - 1) f) in whole numbers, from Taylor's sums of sin f and cos f.
    """
    cut, most = WAVE_GUARD - frac, (1 << frac) - 1
    out = np.zeros((rows, latents), np.int16)
    for c in range(rows):
        sine, cosine = _turned(BASIS_LOW + Fraction(c * (BASIS_HIGH - BASIS_LOW), max(rows - 1, 1)))
        before, now = 0, sine
        for t in range(1, latents):
            out[c, t] = min((now + (1 << (cut - 1))) >> cut, most)
            before, now = now, ((2 * cosine * now + (1 << (WAVE_GUARD - 1))) >> WAVE_GUARD) - before
    return out


def _turned(angle: Fraction) -> tuple[int, int]:
    """(sin, cos) of an angle in radians with WAVE_GUARD fraction bits, less than 2**-100 from the truth."""
    rest = angle % (2 * PI)
    x = (rest.numerator << WAVE_GUARD) // rest.denominator
    sums, term, order = [0, 0], 1 << WAVE_GUARD, 0
    while term:
        sums[order % 2] += term if order % 4 < 2 else -term
        order += 1
        term = (term * x >> WAVE_GUARD) // order
    return sums[1], sums[0]


def mantissa(value: Fraction, bits: int = MANTISSA_BITS) -> tuple[int, int]:
    """(code, frac_bits) of a positive constant, code in [2**(bits - 1), 2**bits), to nearest.

    Examples
    --------
    >>> mantissa(Fraction(1, 100))
    (20972, 21)
    >>> mantissa(Fraction(2))
    (16384, 13)
    """
    frac = 0
    while value * Fraction(2) ** frac < 1 << (bits - 1):
        frac += 1
    while value * Fraction(2) ** frac >= 1 << bits:
        frac -= 1
    code = int(value * Fraction(2) ** frac + Fraction(1, 2))
    return (code, frac) if code < 1 << bits else (code >> 1, frac - 1)
