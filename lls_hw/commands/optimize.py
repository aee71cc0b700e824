"""`lls-hw optimize`: the best points of a grid, without evaluating all of it."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lls_hw.commands import options as o
from lls_hw.commands.shared import bar_on, console_for, put_json
from lls_hw.commands.sweep import outputs_of, plan_of
from lls_hw.models.spec import quantities as q

if TYPE_CHECKING:
    from rich.table import Table

    from lls_hw.sweep.pareto import Objective
    from lls_hw.sweep.search import Found

OPTIMIZE_SCHEMA = "lls-hw/optimize/1"
OBJECTIVES_HELP = "energy, latency (both an image), sram, memory, area, accuracy; without --train a proxy of it."


def optimize(
    net: o.Nets,
    rule: o.Rules,
    out: o.Out,
    objectives: Annotated[str, typer.Option(metavar="A,B,...", help=OBJECTIVES_HELP)] = "energy,latency,sram",
    trials: Annotated[int, o.number(q.COUNT, "--trials", help="In all: what earlier runs tried counts.")] = 64,
    seed: Annotated[int, o.number(q.SEED, "--seed", help="Of the search, and of weights, data and rounding.")] = 0,
    chips: o.Chips = "edge_16x16",
    arrays: o.Arrays = None,
    dataflows: o.Flows = None,
    bits: o.BitsList = "8",
    srams: o.Srams = None,
    technologies: o.Technologies = None,
    batches: o.Batches = "8",
    data: o.Data = "synthetic",
    input: o.Input = None,
    classes: o.Classes = None,
    temperature: o.Temperature = 0.5,
    waveform: o.Waveform = "square",
    lr: o.Rate = 0.05,
    optimizer: o.Optimizer = "momentum",
    momentum: o.Momentum = 0.9,
    baseline: o.Baseline = "none",
    train: o.Train = False,
    epochs: o.Epochs = 1,
    schedule: o.Schedule = "cosine",
    limit: o.Limit = None,
    test_limit: o.TestLimit = None,
    checkpoint_every: o.CheckpointEvery = 100,
    jobs: o.Jobs = None,
    cluster: o.Cluster = None,
    retry_failed: o.RetryFailed = False,
    csv: Annotated[str | None, typer.Option(metavar="FILE", help="Write the Pareto front as a table.")] = None,
    json: o.Json = None,
    quiet: o.Quiet = False,
) -> None:
    """Search the lists' combinations for those that nothing beats in every objective at once."""
    outputs = outputs_of(out, csv, None, json)
    from lls_hw.sweep.choices import Choices
    from lls_hw.sweep.grid import Grid
    from lls_hw.sweep.pareto import parse_objectives
    from lls_hw.sweep.store import refuse_target

    refuse_target(Path(out))
    goals = parse_objectives(objectives, trained=train)
    plan = plan_of(train, epochs, schedule, limit, test_limit, checkpoint_every)
    grid = Grid(
        Choices(
            nets=net, rules=rule, chips=chips, arrays=arrays, dataflows=dataflows, bits=bits, srams=srams,
            technologies=technologies, batches=batches, seeds=str(seed), data=data, input=input, classes=classes,
            temperature=temperature, waveform=waveform, learning_rate=lr, optimizer=optimizer, momentum=momentum,
            baseline=baseline,
        ),
        plan,
        proxy=any(goal.name == "accuracy_proxy" for goal in goals),
    )  # fmt: skip
    outputs.spare(grid.files)
    from lls_hw.sweep.executors import executor_for
    from lls_hw.sweep.run import Sweep
    from lls_hw.sweep.search import Search
    from lls_hw.sweep.stop import Stop
    from lls_hw.sweep.store import Store

    stop = Stop()
    with ExitStack() as stack:
        executor = stack.enter_context(executor_for(cluster, jobs))
        store = stack.enter_context(Store(Path(out)))
        stack.enter_context(stop.listening())
        bar = stack.enter_context(bar_on(quiet, "trials"))
        sweep = Sweep(store, executor, stop, retry_failed=retry_failed)
        found = Search(grid, goals, seed, Path(out), sweep.run, bar).run(trials)
    if not quiet:
        console = console_for(to_stderr=outputs.use_stdout)
        console.print(front_table(found, goals, grid.axes))
        console.print(closing_text(found, grid.size), soft_wrap=True, markup=False)
    write(found, goals, csv, json)
    if stop or not found.front:
        raise typer.Exit(stop.status or 1)


def write(found: "Found", goals: "tuple[Objective, ...]", csv: str | None, json: str | None) -> None:
    """The front as a table and as JSON."""
    if csv is not None:
        from lls_hw.sweep.export import write_csv

        write_csv(csv, found.front)
    if json is not None:
        put_json(json, front_json(found, goals))


def front_json(found: "Found", goals: "tuple[Objective, ...]") -> dict[str, Any]:
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


def front_table(found: "Found", goals: "tuple[Objective, ...]", axes: dict[str, tuple[Any, ...]]) -> "Table":
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
    """How much of the grid was looked at."""
    text = f"{found.trials} trials, {len(found.rows)} of {size} combinations"
    if found.failed:
        text += f", {found.failed} failed"
    return text + ("; stopped, and the same command continues" if found.stopped else "")
