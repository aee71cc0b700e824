"""`lls-hw sweep`: a grid of runs in one database, started, killed and continued with the same command."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lls_hw.commands.shared import console_for, put_json
from lls_hw.commands.signature import Shown, with_options
from lls_hw.commands.sweeping import TrainPoints, at_work, outputs_of, refuse_idle
from lls_hw.options.option import Option
from lls_hw.options.results import ResultChoices
from lls_hw.sweep.choices import SweepChoices, SweepWork
from lls_hw.training.plan import TrainPlan

if TYPE_CHECKING:
    from lls_hw.sweep.run import Summary


@with_options
def sweep(
    choices: SweepChoices,
    train: TrainPoints = False,
    *,
    plan: Annotated[TrainPlan, Shown(fixed={"checkpoint": None}, prefix="With --train: ")],
    work: SweepWork,
    csv: Annotated[str | None, Option("Write the whole database as a table.", metavar="FILE")] = None,
    parquet: Annotated[str | None, Option("The same as Parquet.", metavar="FILE")] = None,
    results: ResultChoices,
) -> None:
    """Every combination of the lists, each once; what is in the database already is not run again."""
    refuse_idle(plan, train=train)
    outputs = outputs_of(work, {"--csv": csv, "--parquet": parquet, "--json": results.json})
    if parquet is not None:
        from lls_hw.sweep.export import need_parquet

        need_parquet()
    from lls_hw.sweep.grid import Grid, refuse_many

    grid = Grid(choices, plan if train else None)
    outputs.spare(grid.files)
    refuse_many(grid)
    points, began = grid.points(), time.perf_counter()
    with at_work(work, "points", results) as (evaluator, bar):
        evaluator.progress = bar
        summary = evaluator.run(points)
    if not results.quiet:
        console = console_for(to_stderr=outputs.use_stdout)
        console.print(closing_text(summary, work.out, time.perf_counter() - began), soft_wrap=True)
    export(work.out, csv, parquet)
    put_json(results.json, lambda: sweep_json(work.out, {point.id for point in points}, summary))
    if evaluator.stop or summary.failed:
        raise typer.Exit(evaluator.stop.status or 1)


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
    """The number of points, their rate, the failures, and the command that goes on after a stop."""
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
