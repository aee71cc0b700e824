"""SRAM: energy, leakage and area of macros, from CACTI rows, and of memories that are built of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.memory import ScratchpadSpec
from lls_hw.models.spec.prices import Level
from lls_hw.models.spec.sram_rows import AccessPoints, SramRow, SramSpec

KIB = 1024
WHERE = "chip.scratchpad"


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroPrice:
    """One SRAM macro: energy of an access to a word, leakage, area, and time of an access."""

    size_bytes: int
    read_pj: float
    write_pj: float
    leak_mw: float
    area_mm2: float
    access_ns: float


def macro_price(
    size_bytes: int, word_bits: int, table: SramSpec, level: Level = "typical", where: str = WHERE
) -> MacroPrice:
    """Price a macro by log-log interpolation between the two CACTI rows around its size.

        log y = log y0 + (log y1 - log y0) * log(s / s0) / log(s1 / s0)

    for a size s between the neighbouring rows s0 and s1, each quantity y by itself; a row's own size
    gives the row's own figures exactly. `low` and `high` take the other sources' access energies, where
    they cover the macro's size and word.

    Raises
    ------
    SpecError : no rows of that word width, or a size outside the rows (never extrapolated).
    """
    rows = [row for row in table.rows if row.word_bits == word_bits]
    if not rows:
        widths = ", ".join(str(bits) for bits in sorted({row.word_bits for row in table.rows}))
        need = f"the technology has CACTI rows of {widths} bits"
        raise SpecError(f"{where}.word_bits", word_bits, need, "Use one of those.")
    size_kb = size_bytes / KIB
    least, most = rows[0].size_kb, rows[-1].size_kb
    if not least <= size_kb <= most:
        need = f"the CACTI rows of {word_bits} bits cover macros of {least} to {most} KB"
        raise SpecError(f"{where}.macro_bytes", size_bytes, need, f"Use {least * KIB} to {most * KIB} bytes.")
    found = {name: _along(rows, name, size_kb) for name in _QUANTITIES}
    return MacroPrice(
        size_bytes=size_bytes,
        read_pj=_spread(found["read_pj"], table.others, size_kb, word_bits, level),
        write_pj=_spread(found["write_pj"], table.others, size_kb, word_bits, level),
        leak_mw=found["leak_total_mw"],
        area_mm2=found["area_mm2"],
        access_ns=found["access_ns"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SramPrice:
    """A memory of equal macros around one port: an access costs one macro's and the wires to it.

    `wire_mm` is the wires' length: the mean way (along the grid) from a place in a square to the middle of one
    of its edges is 3/4 of the side; a macro's own wires, inside its CACTI figure, are taken off:

        wire = 3/4 * (sqrt(macros * area) - sqrt(area))
    """

    macros: int
    macro: MacroPrice

    @property
    def wire_mm(self) -> float:
        """Length of the wires between a macro and the port, millimetres."""
        return 0.75 * (math.sqrt(self.macros * self.macro.area_mm2) - math.sqrt(self.macro.area_mm2))

    @property
    def leak_mw(self) -> float:
        """Leakage of all macros."""
        return self.macros * self.macro.leak_mw

    @property
    def area_mm2(self) -> float:
        """Area of all macros."""
        return self.macros * self.macro.area_mm2


def sram_price(spec: ScratchpadSpec, table: SramSpec, level: Level = "typical", where: str = WHERE) -> SramPrice:
    """Price a memory as its description builds it.

    Raises
    ------
    SpecError : as `macro_price`.
    """
    return SramPrice(macros=spec.macros, macro=macro_price(spec.macro_bytes, spec.word_bits, table, level, where))


_QUANTITIES = ("read_pj", "write_pj", "leak_total_mw", "area_mm2", "access_ns")


def _along(rows: Sequence[SramRow], quantity: str, size_kb: float) -> float:
    return interpolate([(float(row.size_kb), float(getattr(row, quantity))) for row in rows], size_kb)


def interpolate(points: Sequence[tuple[float, float]], x: float) -> float:
    """Straight line in log-log between the points around x (sorted by x, x within them).

    Examples
    --------
    >>> round(interpolate([(1.0, 2.0), (4.0, 8.0)], 2.0), 12)
    4.0
    """
    for at, value in points:
        if at == x:
            return value
    upper = next(i for i, (at, _) in enumerate(points) if at > x)
    (x0, y0), (x1, y1) = points[upper - 1], points[upper]
    return float(y0 * (y1 / y0) ** (math.log(x / x0) / math.log(x1 / x0)))


def _spread(value_pj: float, others: Sequence[AccessPoints], size_kb: float, word_bits: int, level: Level) -> float:
    """The lowest or highest of CACTI's figure and every other source that covers the memory."""
    figures = [value_pj]
    for other in others:
        points = [(float(row.size_kb), row.access_pj) for row in other.rows]
        if other.word_bits == word_bits and points[0][0] <= size_kb <= points[-1][0]:
            figures.append(interpolate(points, size_kb))
    if level == "typical":
        return value_pj
    return min(figures) if level == "low" else max(figures)
