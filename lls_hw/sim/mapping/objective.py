"""The objective of a mapping: energy, cycles, their product, or DRAM bytes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast, get_args

from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.choices import chosen
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.counts import NAMES, Counts
from lls_hw.sim.cost.energy_lines import price_list

ObjectiveName = Literal["energy", "cycles", "edp", "bytes"]
OBJECTIVES: tuple[ObjectiveName, ...] = get_args(ObjectiveName)

Figure = Callable[[Any, Any, Any], Any]
FIGURES: dict[ObjectiveName, Figure] = {
    "energy": lambda dram_bytes, pj, cycles: pj,
    "cycles": lambda dram_bytes, pj, cycles: cycles,
    "edp": lambda dram_bytes, pj, cycles: pj * cycles,
    "bytes": lambda dram_bytes, pj, cycles: dram_bytes,
}
"""(DRAM bytes, energy, cycles) -> the figure to make small: of numbers or of arrays. None falls as another grows."""
UNITS: dict[ObjectiveName, str] = {"energy": "pJ", "cycles": "cycles", "edp": "pJ cycles", "bytes": "bytes"}
PRICED = frozenset({"energy", "edp"})
"""Objectives that depend on prices; a mapping chosen for the others is the same in every technology."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A figure to make small, with the prices it needs.

    Attributes
    ----------
    event_pj : (field of `Counts`, pJ each).
    cycle_pj : leakage and background power over one cycle, pJ.

    Examples
    --------
    >>> Objective("edp", (("macs", 2.0),), 0.5).of(Counts(macs=10), 40)
    1600.0
    """

    name: ObjectiveName = "bytes"
    event_pj: tuple[tuple[str, float], ...] = ()
    cycle_pj: float = 0.0

    def of(self, counts: Counts, cycles: int) -> float:
        """The figure of a run."""
        moved = counts.dram_read_bytes + counts.dram_write_bytes
        pj = math.fsum((*(getattr(counts, event) * price for event, price in self.event_pj), cycles * self.cycle_pj))
        return float(FIGURES[self.name](moved, pj, cycles))

    def dynamic_pj(self, tally: Mapping[str, Any]) -> Any:  # noqa: ANN401  (a number or an array of them)
        """Energy of events alone, without the time they take."""
        return sum(tally[event] * price for event, price in self.event_pj if event in tally)


FEWEST_BYTES = Objective()
"""The objective that needs no prices: fewest DRAM bytes, ties broken by estimated cycles."""


def named_objective(where: str, name: str) -> ObjectiveName:
    """The name, if it is one.

    Raises
    ------
    SpecError : it is none.
    """
    return cast("ObjectiveName", chosen(where, name, OBJECTIVES, "mappings are chosen for"))


@lru_cache(maxsize=64)
def objective_on(
    name: ObjectiveName, chip: AcceleratorSpec, precision: Precision, technology: TechnologySpec
) -> Objective:
    """The objective with the prices that it needs, typical ones, on a chip.

    Raises
    ------
    SpecError : the technology cannot price this chip.
    """
    if name not in PRICED:
        return Objective(name)
    event_pj: dict[str, float] = {}
    cycle_pj = 0.0
    for line in price_list(chip, precision, technology, "typical"):
        if line.counted == "cycles":
            cycle_pj += line.unit_pj
            continue
        for event, times in _events_in(line.counted):
            event_pj[event] = event_pj.get(event, 0.0) + times * line.unit_pj
    return Objective(name, tuple(event_pj.items()), cycle_pj)


@lru_cache(maxsize=64)
def _events_in(counted: str) -> tuple[tuple[str, int], ...]:
    """A counted number as a sum of fields of `Counts`: itself, or what a property of it grows by with each."""
    if counted in NAMES:
        return ((counted, 1),)
    base = {**dict.fromkeys(NAMES, 1), "macs": 1 + len(NAMES)}
    start = getattr(Counts(**base), counted)
    grown = ((event, getattr(Counts(**{**base, event: base[event] + 1}), counted) - start) for event in NAMES)
    return tuple((event, times) for event, times in grown if times)
