"""`lls-hw sweep`: a grid of runs in one database, started, killed and continued with the same command."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lls_hw.commands import options as o
from lls_hw.commands.shared import bar_on, console_for, put_json

if TYPE_CHECKING:
    from lls_hw.files import Outputs
    from lls_hw.sweep.run import Summary
    from lls_hw.training.plan import TrainPlan


def sweep(
    net: o.Nets,
    rule: o.Rules,
    out: o.Out,
    chips: o.Chips = "edge_16x16",
    arrays: o.Arrays = None,
    dataflows: o.Flows = None,
    bits: o.BitsList = "8",
    srams: o.Srams = None,
    technologies: o.Technologies = None,
    batches: o.Batches = "8",
    seeds: o.Seeds = "0",
    data: o.Data = "synthetic",
    input: o.Input = None,
    classes: o.Classes = None,
    temperature: o.Temperature = 0.5,
    waveform: o.Waveform = "square",
    lr: o.Rate = 0.05,
    optimizer: o.Optimizer = "momentum",
    momentum: o.Momentum = 0.9,
    baseline: o.Baseline = "bp",
    train: o.Train = False,
    epochs: o.Epochs = 1,
    schedule: o.Schedule = "cosine",
    limit: o.Limit = None,
    test_limit: o.TestLimit = None,
    checkpoint_every: o.CheckpointEvery = 100,
    jobs: o.Jobs = None,
    cluster: o.Cluster = None,
    retry_failed: o.RetryFailed = False,
    csv: o.Csv = None,
    parquet: o.Parquet = None,
    json: o.Json = None,
    quiet: o.Quiet = False,
) -> None:
    """Every combination of the lists, each once; what is in the database already is not run again."""
    outputs = outputs_of(out, csv, parquet, json)
    from lls_hw.sweep.choices import Choices
    from lls_hw.sweep.grid import Grid, refuse_many
    from lls_hw.sweep.store import refuse_target

    refuse_target(Path(out))
    plan = plan_of(train, epochs, schedule, limit, test_limit, checkpoint_every)
    grid = Grid(
        Choices(
            nets=net, rules=rule, chips=chips, arrays=arrays, dataflows=dataflows, bits=bits, srams=srams,
            technologies=technologies, batches=batches, seeds=seeds, data=data, input=input, classes=classes,
            temperature=temperature, waveform=waveform, learning_rate=lr, optimizer=optimizer, momentum=momentum,
            baseline=baseline,
        ),
        plan,
    )  # fmt: skip
    refuse_many(grid)
    outputs.spare(grid.files)
    from lls_hw.sweep.executors import executor_for
    from lls_hw.sweep.run import Sweep
    from lls_hw.sweep.stop import Stop
    from lls_hw.sweep.store import Store

    points, stop, began = grid.points(), Stop(), time.perf_counter()
    with ExitStack() as stack:
        executor = stack.enter_context(executor_for(cluster, jobs))
        store = stack.enter_context(Store(Path(out)))
        stack.enter_context(stop.listening())
        bar = stack.enter_context(bar_on(quiet, "points"))
        summary = Sweep(store, executor, stop, bar, retry_failed).run(points)
    if not quiet:
        console = console_for(to_stderr=outputs.use_stdout)
        console.print(closing_text(summary, out, time.perf_counter() - began), soft_wrap=True, markup=False)
    export(out, csv, parquet)
    if json is not None:
        put_json(json, sweep_json(out, {point.id for point in points}, summary))
    if stop or summary.failed:
        raise typer.Exit(stop.status or 1)


def outputs_of(out: str, csv: str | None, parquet: str | None, json: str | None) -> "Outputs":
    """The files of a sweep, those that SQLite, the lock and trainings put beside its database included."""
    from lls_hw.files import Outputs
    from lls_hw.sweep.store import BESIDE

    outputs = Outputs({}, read_back={"--out": out})
    for ending in BESIDE:
        outputs.add("--out", f"{out}{ending}")
    for option, path in (("--csv", csv), ("--parquet", parquet), ("--json", json)):
        outputs.claim(option, path)
    if parquet is not None:
        from lls_hw.sweep.export import need_parquet

        need_parquet()
    return outputs


def plan_of(
    train: bool, epochs: int, schedule: str, limit: int | None, test_limit: int | None, every: int
) -> "TrainPlan | None":
    """The budget of every training; None for costs alone."""
    from lls_hw.training.plan import TrainPlan

    plan = TrainPlan(epochs=epochs, schedule=schedule, limit=limit, test_limit=test_limit, every=every)
    return plan if train else None


def export(out: str, csv: str | None, parquet: str | None) -> None:
    """The whole database as tables."""
    if csv is None and parquet is None:
        return
    from lls_hw.sweep.export import write_csv, write_parquet
    from lls_hw.sweep.rows import flat_rows

    rows = flat_rows(Path(out))
    if csv is not None:
        write_csv(csv, rows)
    if parquet is not None:
        write_parquet(parquet, rows)


def sweep_json(out: str, wanted: set[str], summary: "Summary") -> dict[str, Any]:
    """This command's points, whoever evaluated them."""
    from lls_hw.files import package_version
    from lls_hw.sweep.rows import flat_rows
    from lls_hw.sweep.store import SCHEMA

    return {
        "schema": SCHEMA,
        "version": package_version(),
        "database": out,
        "counts": {
            "points": summary.points, "stored_before": summary.before, "done": summary.done,
            "failed": summary.failed, "trainings": summary.trained, "left": summary.left,
        },
        "points": [row for row in flat_rows(Path(out)) if row["id"] in wanted],
    }  # fmt: skip


def closing_text(summary: "Summary", out: str, seconds: float) -> str:
    """How many, how fast, what failed, and what to do after a stop."""
    parts = [f"{summary.points} points", f"{summary.done} done now"]
    if summary.before:
        parts.append(f"{summary.before} were in {out}")
    if summary.trained:
        parts.append(f"{summary.trained} trainings")
    if summary.failed:
        parts.append(f"{summary.failed} failed")
    if summary.left:
        parts.append(f"{summary.left} left")
    if summary.done:
        parts.append(f"{summary.done / seconds:.2f} points/s in {seconds:.1f} s")
    lines = [", ".join(parts)]
    lines += [f"failed: {error}" for error in dict.fromkeys(summary.errors[:3])]
    if summary.stopped:
        lines.append("stopped; everything finished is stored, and the same command continues")
    elif summary.failed:
        lines.append("every error stands in the column 'error'; --retry-failed tries again")
    return "\n".join(lines)
