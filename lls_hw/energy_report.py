"""Every line that makes a run's energy: events, prices, and where the prices are from."""

from rich.table import Table

from lls_hw.config import RunSpec, load_technology
from lls_hw.costs import Costs
from lls_hw.sim.cost.energy import EnergyRow, explain_energy


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
    """The same as plain data."""
    return [
        {
            "part": row.part,
            "event": row.event,
            "count": row.count,
            "unit_pj": row.unit_pj,
            "total_pj": row.total_pj,
            "source": row.source,
        }
        for row in energy_rows(run, costs)
    ]
