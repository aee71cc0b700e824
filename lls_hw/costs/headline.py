"""A comparison in a sentence."""

from lls_hw.costs.json import ratios
from lls_hw.costs.step import Costs

BUSY_NAMES = {"dram": "the DRAM's bus", "array": "the array", "vector": "the vector unit", "local": "the local unit"}
"""Units that a step may wait for."""
COMPARED = {
    "energy": "the energy",
    "cycles": "the cycles",
    "training_memory": "the training memory where every map is kept",
    "scheduled_memory": "the memory as scheduled",
}
"""Ratios of the sentence, and what they are of."""


def headline(costs: Costs, baseline: Costs) -> str:
    """Quotients of baseline and run, and the unit that works for most cycles under each rule.

    A ratio that does not exist (this run has none of it) is left out.
    """
    times = ratios(costs, baseline)
    parts = [f"{value:.2f} times {what}" for name, what in COMPARED.items() if (value := times[name]) is not None]
    busy = " and ".join(f"{_busiest_text(one)} under {one.rule}" for one in (costs, baseline))
    return f"Beside {costs.rule}, {baseline.rule} takes {', '.join(parts)}; busiest is {busy}."


def busiest(costs: Costs) -> tuple[str, float]:
    """The unit that works for most cycles, and their share of all."""
    busy = {unit: costs.events.busy_cycles.get(unit, 0) for unit in BUSY_NAMES}
    unit = max(busy, key=busy.__getitem__)
    return unit, busy[unit] / max(1, costs.events.cycles)


def _busiest_text(costs: Costs) -> str:
    unit, share = busiest(costs)
    return f"{BUSY_NAMES[unit]} ({share:.0%} of the cycles)"
