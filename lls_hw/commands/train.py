"""`lls-hw train`: epochs of training in integers on real data, beside the float reference."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lls_hw.commands import options as o
from lls_hw.commands.shared import bar_on, console_for, put_json
from lls_hw.models.spec import quantities as q

if TYPE_CHECKING:
    from lls_hw.config import RunSpec
    from lls_hw.files import Outputs
    from lls_hw.models.data import Images
    from lls_hw.training.plan import TrainPlan
    from lls_hw.training.result import TrainReport


def train(
    net: o.Net,
    rule: o.Rule,
    chip: o.Chip = "edge_16x16",
    array: o.ArrayShape = None,
    dataflow: o.Flow = None,
    bits: o.Bits = "8",
    sram: o.Sram = None,
    technology: o.Technology = None,
    batch: o.Batch = 8,
    seed: o.Seed = 0,
    data: o.Data = "synthetic",
    input: o.Input = None,
    classes: o.Classes = None,
    temperature: o.Temperature = 0.5,
    waveform: o.Waveform = "square",
    lr: o.Rate = 0.05,
    optimizer: o.Optimizer = "momentum",
    momentum: o.Momentum = 0.9,
    epochs: Annotated[int, o.number(q.EPOCHS, "--epochs", help="Passes over the training images.")] = 1,
    schedule: Annotated[
        str, typer.Option(metavar="constant|cosine|multistep", help="Of the learning rate.")
    ] = "cosine",
    limit: Annotated[int | None, o.number(q.COUNT, "--limit", help="Train on N images, chosen by the seed.")] = None,
    test_limit: Annotated[int | None, o.number(q.COUNT, "--test-limit", help="Test on the first N images.")] = None,
    float_: Annotated[bool, typer.Option("--float", help="Also train the float reference.")] = False,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="FILE", help="Resumed from if it exists; kept up to date.")
    ] = None,
    checkpoint_every: Annotated[
        int, o.number(q.COUNT, "--checkpoint-every", metavar="K", help="Steps between checkpoints.")
    ] = 100,
    no_costs: Annotated[bool, typer.Option("--no-costs", help="Leave out cycles and energy per image.")] = False,
    json: o.Json = None,
    quiet: o.Quiet = False,
) -> None:
    """Train in integers, test after every epoch; Ctrl-C stops with everything saved."""
    from lls_hw.config import Choices, files_read, resolve_run

    plan = _plan(epochs, schedule, limit, test_limit, checkpoint, checkpoint_every)
    outputs = _outputs(json, checkpoint, with_float=float_)
    run, images = resolve_run(
        Choices(
            net=net,
            rule=rule,
            chip=chip,
            array=array,
            dataflow=dataflow,
            bits=bits,
            sram_kib=sram,
            technology=technology,
            batch=batch,
            seed=seed,
            data=data,
            input=input,
            classes=classes,
            temperature=temperature,
            waveform=waveform,
            learning_rate=lr,
            optimizer=optimizer,
            momentum=momentum,
            baseline="none",
            costs=not no_costs,
        )
    )
    assert images is not None, "a run with numerics has pictures"
    outputs.spare(files_read(run, images, net=net, chip=chip))
    report, status = _run(run, images, plan, with_float=float_, quiet=quiet)
    if not quiet:
        print_report(report, to_stderr=outputs.use_stdout)
    put_json(json, report.json() if json is not None else {})
    if status:
        raise typer.Exit(status)


def _plan(
    epochs: int, schedule: str, limit: int | None, test_limit: int | None, checkpoint: str | None, every: int
) -> "TrainPlan":
    from lls_hw.training.plan import TrainPlan

    path = None if checkpoint is None else Path(checkpoint)
    return TrainPlan(epochs=epochs, schedule=schedule, limit=limit, test_limit=test_limit, checkpoint=path, every=every)


def _outputs(json: str | None, checkpoint: str | None, *, with_float: bool) -> "Outputs":
    """The files of a training; the float run keeps a checkpoint of its own beside the integers'."""
    from lls_hw.files import Outputs
    from lls_hw.training.plan import FLOAT_ENDING

    outputs = Outputs({"--json": json}, read_back={"--checkpoint": checkpoint})
    if checkpoint is not None and with_float:
        outputs.add("--checkpoint", f"{checkpoint}{FLOAT_ENDING}")
    return outputs


def _run(
    run: "RunSpec", images: "Images", plan: "TrainPlan", *, with_float: bool, quiet: bool
) -> tuple["TrainReport", int]:
    """The report, and the exit status: 0, or 128 + the signal that stopped the run."""
    from lls_hw.training.result import train_report

    with stop_on_signals() as caught, bar_on(quiet, "steps") as progress:
        report = train_report(run, images, plan, with_float=with_float, progress=progress, stop=lambda: bool(caught))
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
    console.print(table)
    console.print(closing_text(report))
