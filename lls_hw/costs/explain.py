"""The mapper's candidates, and every line that makes a run's energy; for people and as plain data."""

from pathlib import Path
from typing import Any

from rich.table import Table

from lls_hw.config import RunSpec, load_technology, objective_of
from lls_hw.costs.step import Costs
from lls_hw.models.spec.accelerator import MappingFile
from lls_hw.sim.cost.energy import EnergyRow, explain_energy
from lls_hw.sim.cost.energy_lines import DRAM_PARTS
from lls_hw.sim.event.engine import run_alone
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.explain import Explanation, Mapper, explain_named


def with_mapping(run: RunSpec, path: str) -> RunSpec:
    """The run with the mappings of a TOML file pinned on its chip.

    Raises
    ------
    SpecError : the file cannot be read or holds something else.
    """
    pins = MappingFile.from_toml(Path(path)).op
    return run.model_copy(update={"chip": run.chip.model_copy(update={"mapping": pins})})


def mapping_text(run: RunSpec, costs: Costs, name: str) -> str:
    """Candidates, traffic and winner of an op, or of every product of a layer, by itself; and how it ran in a group."""
    return "\n".join(
        found.text() + (f"\n  ran as: {ran}" if (ran := _ran_as(costs, found)) else "")
        for found in explain_named(costs.program, run.chip, name, mapper=_mapper(run, costs))
    )


def _ran_as(costs: Costs, found: Explanation) -> str | None:
    """The op's tiles where the step ran in groups; its mapping by itself is that of op by op."""
    return costs.events.ops[found.index].mapping if costs.events.groups else None


def _mapper(run: RunSpec, costs: Costs) -> Mapper:
    """The mapper whose mappings were run."""
    return Mapper() if costs.events.mapped_for == "bytes" else Mapper(objective_of(run), run_alone)


def mapping_json(run: RunSpec, costs: Costs, name: str) -> list[dict[str, Any]]:
    """The same as plain data."""
    return [
        {
            "op": found.op,
            "budget_bytes": found.budget_bytes,
            "candidates": found.candidates,
            "fitting": found.fitting,
            "objective": found.objective,
            "ran_as": _ran_as(costs, found),
            "winner": {**_choice(found, found.winner), "estimated_cycles": found.winner_cycles},
            "fewest_bytes": _choice(found, found.fewest_bytes),
            "runners_up": [_choice(found, other) for other in found.runners_up],
        }
        for found in explain_named(costs.program, run.chip, name, mapper=_mapper(run, costs))
    ]


def _choice(found: Explanation, choice: Choice) -> dict[str, Any]:
    return {
        "mapping": choice.text(),
        "order": choice.order,
        "tiles": choice.tiles,
        "dram_bytes": choice.dram_bytes,
        "need_bytes": choice.need_bytes,
        "figure": found.figures.get(choice),
    }


def energy_rows(run: RunSpec, costs: Costs) -> tuple[EnergyRow, ...]:
    """The rows of the whole run; their sum is the total (up to the last bits of a float sum over stages)."""
    return explain_energy(
        costs.events.counts,
        cycles=costs.events.cycles,
        chip=run.chip,
        precision=run.precision,
        technology=load_technology(run),
    )


def energy_table(run: RunSpec, costs: Costs) -> Table:
    """Part, event, count, pJ each, uJ, source; the sum below."""
    table = Table(title=f"energy of one training step of {costs.rule}, event by event", title_justify="left")
    table.add_column("part")
    table.add_column("event")
    for name in ("count", "pJ each", "uJ"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    rows = energy_rows(run, costs)
    for row in rows:
        if row.count:
            table.add_row(
                row.part, row.event, f"{row.count:,}", f"{row.unit_pj:,.6g}", f"{row.total_pj / 1e6:,.4f}", row.source
            )
    table.add_section()
    table.add_row("total", "", "", "", f"{sum(row.total_pj for row in rows) / 1e6:,.4f}", "")
    return table


def energy_json(run: RunSpec, costs: Costs) -> list[dict[str, object]]:
    """The same as plain data; `part` is one of the parts that tables show, `split` its own place in the energy."""
    return [
        {
            "part": "dram" if row.part in DRAM_PARTS else row.part,
            "split": row.part,
            "event": row.event,
            "count": row.count,
            "unit_pj": row.unit_pj,
            "total_pj": row.total_pj,
            "source": row.source,
        }
        for row in energy_rows(run, costs)
    ]
