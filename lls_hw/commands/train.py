"""`lls-hw train`: epochs of training in integers on real data, beside the float reference."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lls_hw.commands.shared import bar_on, console_for, put_json, read_run
from lls_hw.commands.signature import Shown, with_options
from lls_hw.commands.whole_tables import put_tables
from lls_hw.options.option import Option
from lls_hw.options.results import ResultChoices
from lls_hw.options.run import DEFAULT_SCHEDULE, RunChoices
from lls_hw.training.plan import TrainPlan

if TYPE_CHECKING:
    from lls_hw.config import RunSpec
    from lls_hw.files import Outputs
    from lls_hw.models.data import Images
    from lls_hw.training.result import TrainReport

MANY_STEPS = {"fusion": DEFAULT_SCHEDULE, "steps": 1, "baseline": "none", "numerics": True, "costs": True}


@with_options
def train(
    choices: Annotated[RunChoices, Shown(fixed=MANY_STEPS)],
    plan: TrainPlan,
    results: ResultChoices,
    *,
    float_: Annotated[bool, Option("Also train the float reference.", ("--float",), after="test_limit")] = False,
    costs: Annotated[
        bool, Option("Leave out cycles and energy per image.", negated=True, after="checkpoint_every")
    ] = True,
) -> None:
    """Train in integers, test after every epoch; Ctrl-C stops with everything saved."""
    outputs = _outputs(results.json, plan, with_float=float_)
    facts: list[str] = []
    run, images = read_run(replace(choices, costs=costs), outputs, facts)
    assert images is not None, "a run with numerics has pictures"
    report, status = _run(run, images, plan, with_float=float_, quiet=results.quiet, facts=facts)
    if not results.quiet:
        print_report(report, to_stderr=outputs.use_stdout)
    put_json(results.json, report.json)
    if status:
        raise typer.Exit(status)


def _outputs(json: str | None, plan: TrainPlan, *, with_float: bool) -> "Outputs":
    """The files of a training; the float run keeps a checkpoint of its own beside the integers'."""
    from lls_hw.files import Outputs

    checkpoint = None if plan.checkpoint is None else str(plan.checkpoint)
    outputs = Outputs({"--json": json}, read_back={"--checkpoint": checkpoint})
    if plan.float_checkpoint is not None and with_float:
        outputs.add("--checkpoint", str(plan.float_checkpoint))
    return outputs


def _run(
    run: "RunSpec", images: "Images", plan: "TrainPlan", *, with_float: bool, quiet: bool, facts: list[str]
) -> tuple["TrainReport", int]:
    """The report, and the exit status: 0, or 128 + the signal that stopped the run."""
    from lls_hw.models.data import summary
    from lls_hw.training.result import train_report

    def announce(images: "Images") -> None:
        for line in () if quiet else (*facts, *summary(images)):
            console_for(to_stderr=True).print(line, soft_wrap=True)

    with stop_on_signals() as caught, bar_on(quiet, "steps") as progress:
        report = train_report(
            run, images, plan, with_float=with_float, progress=progress, stop=lambda: bool(caught), announce=announce
        )
    return report, 128 + caught[0] if report.stopped and caught else 0


@contextmanager
def stop_on_signals() -> Iterator[list[int]]:
    """The signals caught so far: the first asks to stop, a second one of the same kind kills."""
    caught: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def print_report(report: "TrainReport", *, to_stderr: bool) -> None:
    """The curve and what it took."""
    from lls_hw.training.result import closing_text, curve_table

    console = console_for(to_stderr=to_stderr)
    table: Any = curve_table(report)
    put_tables(console, table)
    console.print(closing_text(report))
