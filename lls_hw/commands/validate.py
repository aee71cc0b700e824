"""`lls-hw validate`: one step in integers against float, tensor by tensor, worst first."""

from typing import TYPE_CHECKING, Annotated

import typer

from lls_hw.commands import options as o
from lls_hw.commands.shared import console_for, progress_on, put_json
from lls_hw.models.spec import quantities as q

if TYPE_CHECKING:
    from lls_hw.fidelity.validate import Validation


def validate(
    net: o.Net,
    rule: o.Rule,
    chip: o.Chip = "edge_16x16",
    array: o.ArrayShape = None,
    bits: o.Bits = "8",
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
    min_cosine: Annotated[
        float,
        o.number(
            q.COSINE, "--min-cosine", metavar="X", help="Least cosine of a weight gradient; exit status 1 below it."
        ),
    ] = 0.9,
    no_hint: Annotated[bool, typer.Option("--no-hint", help="Do not look for the width that limits.")] = False,
    json: o.Json = None,
    quiet: o.Quiet = False,
) -> None:
    """One training step in integers held against float; says which width limits."""
    from lls_hw.config import Choices, files_read, resolve_run
    from lls_hw.files import Outputs

    outputs = Outputs({"--json": json})
    run, images = resolve_run(
        Choices(
            net=net,
            rule=rule,
            chip=chip,
            array=array,
            bits=bits,
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
            costs=False,
        )
    )
    assert images is not None, "a run with numerics has pictures"
    outputs.spare(files_read(run, images, net=net, chip=chip))
    from lls_hw.fidelity.validate import validate as run_validation

    with progress_on(quiet) as say:
        found = run_validation(run, images, min_cosine=min_cosine, with_hint=not no_hint, progress=say)
    if not quiet:
        print_validation(found, to_stderr=outputs.use_stdout)
    put_json(json, found.json() if json is not None else {})
    if found.missed:
        raise typer.Exit(1)


def print_validation(found: "Validation", *, to_stderr: bool) -> None:
    """The table, the hint and the verdict."""
    from rich.table import Table

    title = f"{found.run.network.name}, {found.run.rule.name}, {found.run.precision.label()}: one step against float"
    table = Table("tensor", title=title, title_justify="left")
    for heading in ("bits", "cosine", "SQNR dB", "same codes: cosine", "SQNR dB", "saturated"):
        table.add_column(heading, justify="right")
    for c in found.checks:
        shared = (f"{c.same_codes_cosine:.5f}", f"{c.same_codes_sqnr_db:.1f}")
        table.add_row(c.tensor, str(c.bits), f"{c.cosine:.5f}", f"{c.sqnr_db:.1f}", *shared, str(c.saturated))
    console = console_for(to_stderr=to_stderr)
    console.print(table)
    console.print(found.hint())
    if found.missed:
        names = ", ".join(check.tensor for check in found.missed)
        console.print(f"below cosine {found.min_cosine}: {names}")
