"""Energy of a run: integer counts and cycles times a technology's prices. Pure functions."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import Level, TechnologySpec
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.cost.energy_lines import DRAM_PARTS, PARTS, Part, price_list

SHOWN = ("total", "array", "sram", "dram", *DRAM_PARTS, "vector", "local", "leakage")
"""Keys of the energy in the run's JSON."""
STATIC_PARTS: tuple[Part, ...] = ("dram_background", "leakage")
"""Parts that are power times time; the others are dynamic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Energy in pJ by the part of the chip that spends it; `total` is their sum.

    `dram_transfer` holds the device, the PHY and the controller; `leakage` holds the leakage of array,
    scratchpad, vector and local unit; `dram_background` is power over time as well; the rest is dynamic energy.

    Examples
    --------
    >>> (Energy(array=2e6) + Energy(dram_activate=1e6)).to_uj()["total"]
    3.0
    """

    array: float = 0.0
    sram: float = 0.0
    dram_transfer: float = 0.0
    dram_activate: float = 0.0
    dram_background: float = 0.0
    vector: float = 0.0
    local: float = 0.0
    leakage: float = 0.0

    @property
    def total(self) -> float:
        """Sum of the parts, pJ."""
        return math.fsum(getattr(self, part) for part in PARTS)

    @property
    def dram(self) -> float:
        """Transfers, activates and background power, pJ."""
        return math.fsum(getattr(self, part) for part in DRAM_PARTS)

    @property
    def static(self) -> float:
        """Background power and leakage over all cycles, pJ."""
        return math.fsum(getattr(self, part) for part in STATIC_PARTS)

    def __add__(self, other: "Energy") -> "Energy":
        if not isinstance(other, Energy):
            return NotImplemented
        return Energy(**{part: getattr(self, part) + getattr(other, part) for part in PARTS})

    def to_uj(self) -> dict[str, float]:
        """The same in microjoules, under the keys of the run's JSON: `dram` is the sum of its three parts."""
        return {key: getattr(self, key) * 1e-6 for key in SHOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyRow:
    """One line of `--explain-energy`: `count` events of `unit_pj` each, and where that price is from."""

    part: Part
    event: str
    count: int
    unit_pj: float
    source: str

    @property
    def total_pj(self) -> float:
        """count * unit_pj."""
        return self.count * self.unit_pj


def price(
    counts: Counts,
    *,
    cycles: int,
    chip: AcceleratorSpec,
    precision: Precision,
    technology: TechnologySpec,
    level: Level = "typical",
) -> Energy:
    """Energy of `counts` events and `cycles` cycles: the sum of `explain_energy`'s rows by part.

        energy = sum over events of count * pJ + cycles * 1000 / clock_mhz * sum of mW   (mW ns = pJ)

    Linear in counts and cycles, so stages priced one by one sum to the run priced at once.

    Raises
    ------
    SpecError : the technology cannot price this chip: no arithmetic, no such word, no such capacity.
    """
    rows = explain_energy(counts, cycles=cycles, chip=chip, precision=precision, technology=technology, level=level)
    return Energy(**{part: math.fsum(row.total_pj for row in rows if row.part == part) for part in PARTS})


def price_all(
    work: Sequence[tuple[Counts, int]], *, chip: AcceleratorSpec, precision: Precision, technology: TechnologySpec
) -> tuple[Energy, ...]:
    """`price` of many (counts, cycles) on one chip, which looks its price list up once.

    Raises
    ------
    SpecError : as `price`.

    Examples
    --------
    >>> from lls_hw.models.registry import load
    >>> chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip")
    >>> table = load("technology", "cmos_45nm", TechnologySpec, "--technology")
    >>> how = {"chip": chip, "precision": Precision(), "technology": table}
    >>> one = Counts(macs=10, requantises=2)
    >>> price_all([(one, 5)], **how)[0] == price(one, cycles=5, **how)
    True
    """
    lines = price_list(chip, precision, technology, "typical")
    parts = tuple((part, tuple((line.counted, line.unit_pj) for line in lines if line.part == part)) for part in PARTS)
    return tuple(_sum_parts(counts, cycles, parts) for counts, cycles in work)


def _sum_parts(counts: Counts, cycles: int, parts: Iterable[tuple[Part, Iterable[tuple[str, float]]]]) -> Energy:
    """The same products in the same exact sums as `price`."""

    def number(counted: str) -> int:
        return cycles if counted == "cycles" else int(getattr(counts, counted))

    return Energy(**{part: math.fsum(number(counted) * pj for counted, pj in lines) for part, lines in parts})


def price_low_high(
    counts: Counts, *, cycles: int, chip: AcceleratorSpec, precision: Precision, technology: TechnologySpec
) -> tuple[Energy, Energy]:
    """The energy with every price at the lowest, and at the highest, figure its sources give."""

    def at(level: Level) -> Energy:
        return price(counts, cycles=cycles, chip=chip, precision=precision, technology=technology, level=level)

    return at("low"), at("high")


def explain_energy(
    counts: Counts,
    *,
    cycles: int,
    chip: AcceleratorSpec,
    precision: Precision,
    technology: TechnologySpec,
    level: Level = "typical",
) -> tuple[EnergyRow, ...]:
    """Every line that makes the energy, zero counts included; `math.fsum` of a part's rows is that part.

    Raises
    ------
    SpecError : as `price`.
    AssertionError : a negative number of cycles; whoever counted is wrong.
    """
    if cycles < 0:
        raise AssertionError(f"{cycles} cycles for {counts}: time runs from 0")
    lines = price_list(chip, precision, technology, level)
    return tuple(
        EnergyRow(
            part=line.part,
            event=line.event,
            count=cycles if line.counted == "cycles" else int(getattr(counts, line.counted)),
            unit_pj=line.unit_pj,
            source=line.source,
        )
        for line in lines
    )
