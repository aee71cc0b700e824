"""Accumulators: energy of an entry, leakage and area, from CACTI rows."""

from dataclasses import dataclass

from lls_hw.models.spec.memory import AccumulatorSpec
from lls_hw.models.spec.technology import Level, SramSpec
from lls_hw.sim.cost.energy_sram import macro_price

MACRO_WORD_BITS = 64
"""Width of the macros' words: two columns' sums of 32 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccumulatorPrice:
    """All accumulators of an array: energy of one entry, read or written; leakage and area of all."""

    macros: int
    macro_bytes: int
    read_pj: float
    write_pj: float
    leak_mw: float
    area_mm2: float


def accumulator_price(
    memory: AccumulatorSpec, cols: int, table: SramSpec, level: Level = "typical"
) -> AccumulatorPrice:
    """Price accumulators as macros of 64-bit words that neighbouring columns share.

    64 // word_bits columns (two of 32 bits, one of more) share a macro of
    `entries` words: the same entry of each is used in the same access, the skew of a cycle between columns being
    held in a register of the array's edge. One column's part of an access is its share. A macro smaller than the
    smallest row takes that row's figures, which bound it from above. Macros lie below their columns: no wires.

    Raises
    ------
    SpecError : a macro is larger than the largest row, or the table has no rows of 64 bits.
    """
    shared = max(1, MACRO_WORD_BITS // memory.word_bits)
    macros = -(-cols // shared) * -(-memory.word_bits // MACRO_WORD_BITS)
    smallest = min((row.size_kb for row in table.rows if row.word_bits == MACRO_WORD_BITS), default=0) * 1024
    macro_bytes = max(smallest, memory.entries * MACRO_WORD_BITS // 8)
    one = macro_price(macro_bytes, MACRO_WORD_BITS, table, level, "chip.accumulators")
    part = -(-memory.word_bits // MACRO_WORD_BITS) / shared
    return AccumulatorPrice(
        macros=macros,
        macro_bytes=macro_bytes,
        read_pj=part * one.read_pj,
        write_pj=part * one.write_pj,
        leak_mw=macros * one.leak_mw,
        area_mm2=macros * one.area_mm2,
    )
