"""Several rules on one network and chip: the same program factory, the same engine, one table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from lls_hw.config import RunSpec, lower_run
from lls_hw.costs.json import ratios, totals_json
from lls_hw.costs.step import Costs, run_costs, training_memory
from lls_hw.costs.totals import TOTALS, totals_of
from lls_hw.files import package_version
from lls_hw.models.rules.registry import find_rule
from lls_hw.options.run import DEFAULT_BASELINE

COMPARE_SCHEMA = "lls-hw/compare/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Costs per rule, in the order asked for; `against` is what ratios divide: bp, or the first."""

    runs: tuple[RunSpec, ...]
    costs: tuple[Costs, ...]
    against: Costs

    @property
    def inference(self) -> Costs | None:
        """The run over which learning is an overhead, if it was asked for."""
        return next((found for found in self.costs if not find_rule(found.rule).learns), None)


def compare_runs(runs: Sequence[RunSpec], progress: Callable[[str], None] = lambda _: None) -> Comparison:
    """Costs of every run.

    Raises
    ------
    SpecError : the chip cannot hold a tile.
    """
    costs = []
    for run in runs:
        progress(f"costs of {run.rule.name}, batch {run.batch}")
        costs.append(run_costs(run, lower_run(run)))
    against = next((found for found in costs if found.rule == DEFAULT_BASELINE), costs[0])
    return Comparison(runs=tuple(runs), costs=tuple(costs), against=against)


def overhead(costs: Costs, inference: Costs) -> dict[str, float]:
    """This rule's step / inference: what learning adds on top of answering."""
    upside_down = ratios(inference, costs)
    return {name: value for name in ("cycles", "energy", "dram_bytes") if (value := upside_down[name]) is not None} | {
        "macs": costs.macs.training_step / inference.macs.training_step
    }


def compare_json(comparison: Comparison) -> dict[str, Any]:
    """Plain data: totals per rule, ratios reference / rule, and the overhead rule / inference."""
    inference = comparison.inference
    return {
        "schema": COMPARE_SCHEMA,
        "version": package_version(),
        "inputs": comparison.runs[0].model_dump(mode="json", exclude={"rule"}),
        "accumulate": comparison.runs[0].accumulate,
        "against": comparison.against.rule,
        "rules": [
            {
                "rule": costs.rule,
                "totals": totals_json(costs),
                "ratio": ratios(costs, comparison.against),
                "overhead": overhead(costs, inference) if inference else None,
            }
            for costs in comparison.costs
        ],
    }


def batches_json(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """One comparison as it is; several in a list, a batch size each."""
    if len(comparisons) == 1:
        return compare_json(comparisons[0])
    return {
        "schema": COMPARE_SCHEMA,
        "version": package_version(),
        "batches": [{"batch": one.runs[0].batch, **compare_json(one)} for one in comparisons],
    }


def compare_table(comparison: Comparison) -> Table:
    """A row a rule; in brackets how many times less than the reference."""
    run, inference = comparison.runs[0], comparison.inference
    batch = f"batch {run.batch}" + (f" x {run.accumulate}" if run.accumulate > 1 else "")
    title = f"{run.network.name} on {run.chip.name}, {batch}; in brackets {comparison.against.rule} / rule"
    table = Table(title=title, title_justify="left")
    table.add_column("rule", no_wrap=True)
    for total in totals_of("compare"):
        table.add_column(total.heading.replace(" ", "\n"), justify="right", no_wrap=True)
    if inference is not None:
        table.add_column("energy / inference", justify="right")
    for costs in comparison.costs:
        quotient = ratios(costs, comparison.against)
        totals = totals_json(costs)
        cells = [_cell(total.text(total.value(totals)), quotient[total.ratio]) for total in totals_of("compare")]
        more = [f"{overhead(costs, inference)['energy']:.2f}"] if inference is not None else []
        table.add_row(costs.rule, *cells, *more)
    return table


def _cell(value: str, quotient: float | None) -> str:
    return value if quotient is None else f"{value} ({quotient:.2f})"


def memory_table(comparison: Comparison) -> Table:
    """Training memory by part, KiB: what outlives the step, and what is alive when most is."""
    table = Table(title=TOTALS["training_memory_bytes"].heading, title_justify="left")
    table.add_column("part")
    parts = [training_memory(costs.program) for costs in comparison.costs]
    for costs in comparison.costs:
        table.add_column(costs.rule, justify="right")
    for name in parts[0]:
        if any(part[name] for part in parts):
            table.add_row(name, *(f"{part[name] / 1024:,.1f}" for part in parts))
    table.add_section()
    table.add_row("total", *(f"{sum(part.values()) / 1024:,.1f}" for part in parts))
    return table
