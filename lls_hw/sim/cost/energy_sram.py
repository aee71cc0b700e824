"""SRAM: energy, leakage and area of a memory of any capacity, from CACTI rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.technology import AccessPoints, Level, SramRow, SramSpec

KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SramPrice:
    """A scratchpad of `banks` equal memories; an access touches one of them."""

    banks: int
    bank_bytes: float
    read_pj: float
    write_pj: float
    leak_mw: float
    area_mm2: float
    access_ns: float


def sram_price(
    capacity_bytes: int, word_bits: int, table: SramSpec, level: Level = "typical", where: str = "chip.scratchpad"
) -> SramPrice:
    """Price a memory by log-log interpolation between the two CACTI rows around it.

        log y = log y0 + (log y1 - log y0) * log(s / s0) / log(s1 / s0)

    for a capacity s between the neighbouring rows s0 and s1, each quantity y by itself; a row's
    own capacity gives the row's own figures exactly. Above `table.bank_kb` the memory is the
    fewest equal banks of at most that size: an access costs one bank's, leakage and area add
    (the wires between banks are not priced). `low` and `high` take the other sources' access
    energies, where they cover the bank's size and word.

    Raises
    ------
    SpecError : no rows of that word width, or a bank outside the rows (never extrapolated).
    """
    rows = [row for row in table.rows if row.word_bits == word_bits]
    if not rows:
        widths = ", ".join(str(bits) for bits in sorted({row.word_bits for row in table.rows}))
        raise SpecError(
            f"{where}.word_bits", word_bits, f"the technology has CACTI rows of {widths} bits", "Use one of those."
        )
    banks = max(1, -(-capacity_bytes // (table.bank_kb * KIB)))
    size_kb = capacity_bytes / KIB / banks
    if not rows[0].size_kb <= size_kb <= rows[-1].size_kb:
        raise SpecError(
            f"{where}.capacity_bytes",
            capacity_bytes,
            f"{banks} bank(s) of {size_kb:g} KB lie outside the CACTI rows, {rows[0].size_kb} to {rows[-1].size_kb} KB",
            f"Use at least {rows[0].size_kb * KIB} bytes.",
        )
    found = {name: _along(rows, name, size_kb) for name in _QUANTITIES}
    return SramPrice(
        banks=banks,
        bank_bytes=capacity_bytes / banks,
        read_pj=_spread(found["read_pj"], table.others, size_kb, word_bits, level),
        write_pj=_spread(found["write_pj"], table.others, size_kb, word_bits, level),
        leak_mw=banks * found["leak_total_mw"],
        area_mm2=banks * found["area_mm2"],
        access_ns=found["access_ns"],
    )


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
