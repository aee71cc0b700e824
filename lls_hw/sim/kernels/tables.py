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
