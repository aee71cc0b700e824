"""Energy by hand: every figure typed from the published rows, sums in exact fractions. Imports nothing of ours.

Energies in pJ, powers in mW, times in ns (mW x ns = pJ).
"""

import math
from fractions import Fraction

# 45 nm, pJ. Horowitz 2014: 8-bit multiply, 32-bit add. Aladdin (40 nm): register bit, shifter, comparator, XOR.
MUL8, ADD32, REGISTER_BIT = Fraction("0.2"), Fraction("0.1"), Fraction("0.009")
SHIFT32, COMPARE32, XOR32 = Fraction("0.417"), Fraction("0.02947"), Fraction("0.0181")
# LPDDR3: pJ/bit, pJ/bit, pJ, mW.
DRAM_READ, DRAM_WRITE, DRAM_ACTIVATE, DRAM_BACKGROUND = (
    Fraction("4.594"),
    Fraction("4.828"),
    Fraction("3414.6"),
    Fraction("51.6"),
)
# CACTI 7, 45 nm itrs-lstp, 64-bit words: KB -> read pJ, write pJ, leakage mW, mm2.
SRAM = {
    2: (Fraction("2.75566"), Fraction("4.23915"), Fraction("0.000447"), Fraction("0.007542")),
    64: (Fraction("25.8695"), Fraction("19.6486"), Fraction("0.010918"), Fraction("0.209046")),
    128: (Fraction("32.2859"), Fraction("26.065"), Fraction("0.021836"), Fraction("0.429589")),
    256: (Fraction("44.7157"), Fraction("38.4949"), Fraction("0.043673"), Fraction("0.872095")),
    512: (Fraction("68.3493"), Fraction("51.346"), Fraction("0.082574"), Fraction("1.644636")),
    1024: (Fraction("93.5192"), Fraction("76.1829"), Fraction("0.164971"), Fraction("3.262826")),
}
# Leakage, mW (Aladdin, 40 nm): 32-bit multiplier, 32-bit adder, register bit, 32-bit shifter.
LEAK_MUL32, LEAK_ADD32, LEAK_BIT, LEAK_SHIFT32 = (
    Fraction("0.05"),
    Fraction("0.0024"),
    Fraction("0.00007"),
    Fraction("0.0017"),
)


def multiply(a_bits: int, b_bits: int) -> Fraction:
    """0.2 pJ at 8 x 8, growing with the product of the widths."""
    return MUL8 * Fraction(a_bits * b_bits, 64)


def add(bits: int) -> Fraction:
    """0.1 pJ at 32 bits, linear."""
    return ADD32 * Fraction(bits, 32)


def lane_add(acc_bits: int) -> Fraction:
    """An addition and the write of its result."""
    return add(acc_bits) + REGISTER_BIT * acc_bits


def requantise(acc_bits: int) -> Fraction:
    """Shift, round, two comparisons, write."""
    share = Fraction(acc_bits, 32)
    return (SHIFT32 + ADD32 + 2 * COMPARE32) * share + REGISTER_BIT * acc_bits


def draw() -> Fraction:
    """Two 32 x 32 multiplies, one 32-bit add, three 32-bit XORs."""
    return 2 * multiply(32, 32) + ADD32 + 3 * XOR32


def leakage_mw(*, elements: int, vector_lanes: int, local_lanes: int, phase_bits: int, sram_kb: int) -> Fraction:
    """Chip of 8-bit operands, 16-bit masters, 32-bit accumulators, hidden preload."""
    element = LEAK_MUL32 * Fraction(64, 1024) + LEAK_ADD32 + LEAK_BIT * (3 * 8 + 32)
    vector = LEAK_MUL32 * Fraction(256, 1024) + LEAK_ADD32 + LEAK_BIT * 32 + LEAK_SHIFT32
    local = LEAK_MUL32 * Fraction(256, 1024) + LEAK_ADD32 * Fraction(32 + phase_bits, 32) + LEAK_BIT * (32 + phase_bits)
    table = SRAM[2][2]
    return elements * element + vector_lanes * vector + local_lanes * local + table + SRAM[sram_kb][2]


def between(low: tuple[float, float], high: tuple[float, float], x: float) -> float:
    """Point of a straight log-log line through two points, by slope and intercept."""
    slope = (math.log10(high[1]) - math.log10(low[1])) / (math.log10(high[0]) - math.log10(low[0]))
    return float(10 ** (math.log10(low[1]) + slope * (math.log10(x) - math.log10(low[0]))))
