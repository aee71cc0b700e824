"""`lls-hw optimize`: the best points of a grid, without evaluating all of it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lls_hw.commands.shared import console_for, put_json
from lls_hw.commands.signature import Shown, with_options
from lls_hw.commands.sweeping import TrainPoints, at_work, outputs_of, refuse_idle
from lls_hw.commands.whole_tables import put_tables
from lls_hw.costs.totals import TOTALS
from lls_hw.models.spec import quantities as q
from lls_hw.options.option import Option
from lls_hw.options.results import ResultChoices
from lls_hw.sweep.choices import SweepChoices, SweepWork
from lls_hw.training.plan import TrainPlan

if TYPE_CHECKING:
    from rich.table import Table

    from lls_hw.sweep.pareto import SweepGoal
    from lls_hw.sweep.search import Found

OPTIMIZE_SCHEMA = "lls-hw/optimize/1"
GOALS = ", ".join(total.objective for total in TOTALS.values() if total.objective)
OBJECTIVES_HELP = f"{GOALS}, accuracy; energy and latency are an image's, accuracy without --train a proxy."


@with_options
def optimize(
    choices: Annotated[SweepChoices, Shown(fixed={"seeds": "0"}, defaults={"baseline": "none"})],
    train: TrainPoints = False,
    *,
    plan: Annotated[TrainPlan, Shown(fixed={"checkpoint": None}, prefix="With --train: ")],
    work: SweepWork,
    objectives: Annotated[str, Option(OBJECTIVES_HELP, metavar="A,B,...", after="out")] = "energy,latency,sram",
    trials: Annotated[
        int, Option("In all: what earlier runs tried counts.", quantity=q.COUNT, after="objectives")
    ] = 64,
    seed: Annotated[
        int, Option("Of the search, and of weights, data and rounding.", quantity=q.SEED, after="trials")
    ] = 0,
    csv: Annotated[str | None, Option("Write the Pareto front as a table.", metavar="FILE")] = None,
    results: ResultChoices,
) -> None:
    """Search the lists' combinations for those that nothing beats in every objective at once."""
    refuse_idle(plan, train=train)
    outputs = outputs_of(work, {"--csv": csv, "--json": results.json})
    from lls_hw.sweep.grid import Grid
    from lls_hw.sweep.pareto import parse_objectives
    from lls_hw.sweep.search import Search

    goals = parse_objectives(objectives, trained=train)
    proxy = any(goal.name == "accuracy_proxy" for goal in goals)
    grid = Grid(replace(choices, seeds=str(seed)), plan if train else None, proxy=proxy)
    outputs.spare(grid.files)
    with at_work(work, "trials", results) as (evaluator, bar):
        found = Search(grid, goals, seed, Path(work.out), evaluator.run, bar).run(trials)
    if not results.quiet:
        console = console_for(to_stderr=outputs.use_stdout)
        put_tables(console, front_table(found, goals, grid.axes))
        console.print(closing_text(found, grid.size), soft_wrap=True)
    write(found, goals, csv, results.json)
    if evaluator.stop or not found.front:
        raise typer.Exit(evaluator.stop.status or 1)


def write(found: "Found", goals: "tuple[SweepGoal, ...]", csv: str | None, json: str | None) -> None:
    """The front as a table and as JSON."""
    if csv is not None:
        from lls_hw.sweep.export import write_csv

        write_csv(csv, found.front)
    put_json(json, lambda: front_json(found, goals))


def front_json(found: "Found", goals: "tuple[SweepGoal, ...]") -> dict[str, Any]:
    """Plain data under schema "lls-hw/optimize/1"."""
    from lls_hw.files import package_version

    return {
        "schema": OPTIMIZE_SCHEMA,
        "version": package_version(),
        "objectives": [{"name": goal.name, "column": goal.column, "goal": goal.goal} for goal in goals],
        "trials": found.trials,
        "points": len(found.rows),
        "failed": found.failed,
        "stopped": found.stopped,
        "front": [{**row, "objectives": {goal.name: goal.value(row) for goal in goals}} for row in found.front],
    }


CHOSEN = {"chip": "chip", "sram": "sram_kib"}


def front_table(found: "Found", goals: "tuple[SweepGoal, ...]", axes: dict[str, tuple[Any, ...]]) -> "Table":
    """A line a point of the front: what was chosen where there was a choice, and what it gives."""
    from rich.table import Table

    chosen = [CHOSEN.get(name, name) for name, values in axes.items() if len(values) > 1]
    table = Table("id", *chosen, title="Pareto front", title_justify="left")
    for goal in goals:
        table.add_column(goal.name + (", an image" if goal.per_image or goal.name == "energy" else ""), justify="right")
    for row in found.front:
        table.add_row(row["id"], *(str(row[name]) for name in chosen), *(f"{goal.value(row):,.4g}" for goal in goals))
    return table


def closing_text(found: "Found", size: int) -> str:
    """The share of the grid that was looked at."""
    text = f"{found.trials} trials, {len(found.rows)} of {size} combinations"
    if found.failed:
        text += f", {found.failed} failed"
    return text + ("; stopped, and the same command continues" if found.stopped else "")
