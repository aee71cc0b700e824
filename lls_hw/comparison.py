"""Several rules on one network and chip: the same program factory, the same engine, one table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from lls_hw.config import RunSpec
from lls_hw.costs import Costs, run_costs
from lls_hw.results import package_version, ratios, totals_json

COMPARE_SCHEMA = "lls-hw/compare/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Costs per rule, in the order asked for; `against` is what ratios divide: bp, or the first."""

    runs: tuple[RunSpec, ...]
    costs: tuple[Costs, ...]
    against: Costs


def compare_runs(runs: Sequence[RunSpec], progress: Callable[[str], None] = lambda _: None) -> Comparison:
    """Costs of every run.

    Raises
    ------
    SpecError : a rule has no lowering, or the chip cannot hold a tile.
    """
    costs = []
    for run in runs:
        progress(f"costs of {run.rule.name}")
        costs.append(run_costs(run))
    against = next((found for found in costs if found.rule == "bp"), costs[0])
    return Comparison(runs=tuple(runs), costs=tuple(costs), against=against)


def compare_json(comparison: Comparison) -> dict[str, Any]:
    """Plain data: totals per rule, and ratios reference / rule."""
    return {
        "schema": COMPARE_SCHEMA,
        "version": package_version(),
        "inputs": comparison.runs[0].model_dump(mode="json", exclude={"rule"}),
        "against": comparison.against.rule,
        "rules": [
            {"rule": costs.rule, "totals": totals_json(costs), "ratio": ratios(costs, comparison.against)}
            for costs in comparison.costs
        ],
    }


def compare_table(comparison: Comparison) -> Table:
    """A row a rule; in brackets how many times less than the reference."""
    run = comparison.runs[0]
    title = f"{run.network.name} on {run.chip.name}, batch {run.batch}; in brackets {comparison.against.rule} / rule"
    table = Table(title=title, title_justify="left")
    table.add_column("rule", no_wrap=True)
    for name in ("cycles", "energy, uJ", "DRAM, kB", "peak scratchpad, kB", "training memory, kB", "signal MACs, M"):
        table.add_column(name, justify="right")
    for costs in comparison.costs:
        quotient = ratios(costs, comparison.against)
        counts = costs.events.counts
        cells = (
            ("cycles", costs.events.cycles, "{:,.0f}"),
            ("energy", costs.energy.total / 1e6, "{:,.1f}"),
            ("dram_bytes", (counts.dram_read_bytes + counts.dram_write_bytes) / 1e3, "{:,.1f}"),
            ("sram_peak", costs.events.scratchpad_peak_bytes / 1e3, "{:,.1f}"),
            ("training_memory", costs.program.training_memory_bytes() / 1e3, "{:,.1f}"),
            ("learning_signal_macs", costs.macs.learning_signal / 1e6, "{:,.3f}"),
        )
        table.add_row(costs.rule, *(_cell(value, form, quotient[key]) for key, value, form in cells))
    return table


def _cell(value: float, form: str, quotient: float | None) -> str:
    return form.format(value) if quotient is None else f"{form.format(value)} ({quotient:.2f})"
