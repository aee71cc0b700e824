"""Accumulators: energy of an entry, leakage and area, from CACTI rows."""

from dataclasses import dataclass

from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.technology import Level, SramSpec
from lls_hw.sim.cost.energy_sram import KIB, MacroPrice, macro_price

WHERE = "chip.accumulators"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccumulatorPrice:
    """All accumulators of an array: `macros` of them, an access to an entry being one to a macro's word."""

    macros: int
    macro: MacroPrice

    @property
    def leak_mw(self) -> float:
        """Leakage of all macros."""
        return self.macros * self.macro.leak_mw

    @property
    def area_mm2(self) -> float:
        """Area of all macros."""
        return self.macros * self.macro.area_mm2


def accumulator_price(
    chip: AcceleratorSpec, table: SramSpec, level: Level = "typical", *, sum_bits: int = 32
) -> AccumulatorPrice | None:
    """Price a chip's accumulators, if it has any: a macro for every column and bank, below its column, without wires.

    Its words are the narrowest of the rows that hold an entry; a macro smaller than the smallest row takes that row's
    figures, which bound it from above. `sum_bits`: of the run's accumulators, for entries that are as wide as those.

    Raises
    ------
    SpecError : an entry is wider than the rows' words, or a macro larger than the largest row.
    """
    memory = chip.accumulators
    if memory is None:
        return None
    entry_bits = memory.bits(sum_bits)
    widths = sorted({row.word_bits for row in table.rows if row.word_bits >= entry_bits})
    if not widths:
        widest = max(row.word_bits for row in table.rows)
        need = f"the technology has CACTI rows of at most {widest} bits"
        raise SpecError(f"{WHERE}.word_bits", entry_bits, need, f"Use {widest} or less.")
    smallest = min(row.size_kb for row in table.rows if row.word_bits == widths[0]) * KIB
    size_bytes = max(smallest, -(-memory.entries // chip.accumulator_banks) * widths[0] // 8)
    macro = macro_price(size_bytes, widths[0], table, level, WHERE)
    return AccumulatorPrice(macros=chip.accumulator_banks * chip.array.cols, macro=macro)
