"""Energy by hand: every figure typed from the published rows, sums in exact fractions. Imports nothing of ours.

Energies in pJ, powers in mW, times in ns (mW x ns = pJ).
"""

import math
from fractions import Fraction

# 45 nm, pJ. Horowitz 2014: 8-bit multiply, 32-bit add. Aladdin (40 nm): register bit, shifter, comparator, XOR.
MUL8, ADD32, REGISTER_BIT = Fraction("0.2"), Fraction("0.1"), Fraction("0.009")
SHIFT32, COMPARE32, XOR32 = Fraction("0.417"), Fraction("0.02947"), Fraction("0.0181")
# LPDDR3-1600 8 Gb x32, currents of 1.8, 1.2 and 1.2 V: pJ/bit, pJ/bit, pJ, and mW by state.
VOLTS = (Fraction("1.8"), Fraction("1.2"), Fraction("1.2"))
CURRENTS_MA = {
    "idd0": (8, 60, 6),
    "idd2n": (Fraction("0.8"), 26, 6),
    "idd2p": (Fraction("0.8"), Fraction("1.8"), Fraction("0.2")),
    "idd3n": (2, 34, 6),
    "idd4r": (2, 230, 6),
    "idd4w": (2, 240, 6),
    "idd5": (28, 150, 6),
}
LPDDR3_MW = {name: sum(v * i for v, i in zip(VOLTS, amps, strict=True)) for name, amps in CURRENTS_MA.items()}
DRAM_READ = (LPDDR3_MW["idd4r"] - LPDDR3_MW["idd3n"]) * Fraction("1.25") / 64
DRAM_WRITE = (LPDDR3_MW["idd4w"] - LPDDR3_MW["idd3n"]) * Fraction("1.25") / 64
DRAM_ACTIVATE = LPDDR3_MW["idd0"] * 60 - LPDDR3_MW["idd3n"] * 42 - LPDDR3_MW["idd2n"] * 18
REFRESH_MW = (LPDDR3_MW["idd5"] - LPDDR3_MW["idd3n"]) * Fraction(210, 3900)
SELF_REFRESH_MW = 2 * (Fraction("1.8") + Fraction("3.27") * Fraction("1.2"))
PHY_BIT, PHY_MW, CONTROLLER_BIT = Fraction("0.96"), 10, 6 * Fraction(45, 65)
ON_MW = REFRESH_MW + PHY_MW
# CACTI 7, 45 nm itrs-lstp: pJ a bit and mm of repeated wire, 30 % slower than the fastest.
WIRE = Fraction("0.375659")
# CACTI 7, 45 nm itrs-lstp, 64-bit words: KB -> read pJ, write pJ, leakage mW, mm2.
SRAM = {
    4: (Fraction("3.38552"), Fraction("6.45356"), Fraction("0.000877"), Fraction("0.013503")),
    2: (Fraction("2.75566"), Fraction("4.23915"), Fraction("0.000447"), Fraction("0.007542")),
    64: (Fraction("25.8695"), Fraction("19.6486"), Fraction("0.010918"), Fraction("0.209046")),
    128: (Fraction("32.2859"), Fraction("26.065"), Fraction("0.021836"), Fraction("0.429589")),
    256: (Fraction("44.7157"), Fraction("38.4949"), Fraction("0.043673"), Fraction("0.872095")),
    512: (Fraction("68.3493"), Fraction("51.346"), Fraction("0.082574"), Fraction("1.644636")),
    1024: (Fraction("93.5192"), Fraction("76.1829"), Fraction("0.164971"), Fraction("3.262826")),
}
# The smallest row of 32-bit words, 1 KB: read pJ, write pJ.
SUMS_1KB = Fraction("1.32373"), Fraction("2.06548")
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


def wires_pj(macros: int, area_mm2: Fraction, word_bits: int = 64) -> float:
    """A word over 3/4 of the side of all macros' square, less 3/4 of one macro's."""
    side, own = math.sqrt(macros * area_mm2), math.sqrt(area_mm2)
    return float(WIRE) * word_bits * 0.75 * (side - own)


def leakage_mw(*, elements: int, vector_lanes: int, local_lanes: int, phase_bits: int, macros: int) -> Fraction:
    """Chip of 8-bit operands, 16-bit masters, 32-bit accumulators, hidden preload."""
    element = LEAK_MUL32 * Fraction(64, 1024) + LEAK_ADD32 + LEAK_BIT * (3 * 8 + 32)
    vector = LEAK_MUL32 * Fraction(256, 1024) + LEAK_ADD32 + LEAK_BIT * 32 + LEAK_SHIFT32
    local = LEAK_MUL32 * Fraction(256, 1024) + LEAK_ADD32 * Fraction(32 + phase_bits, 32) + LEAK_BIT * (32 + phase_bits)
    table = SRAM[2][2]
    return elements * element + vector_lanes * vector + local_lanes * local + table + macros * SRAM[4][2]


def between(low: tuple[float, float], high: tuple[float, float], x: float) -> float:
    """Point of a straight log-log line through two points, by slope and intercept."""
    slope = (math.log10(high[1]) - math.log10(low[1])) / (math.log10(high[0]) - math.log10(low[0]))
    return float(10 ** (math.log10(low[1]) + slope * (math.log10(x) - math.log10(low[0]))))
