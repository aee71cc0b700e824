"""`lls-hw validate`: one step in integers against float, tensor by tensor, worst first."""

from typing import TYPE_CHECKING, Annotated

import typer

from lls_hw.commands.shared import console_for, progress_on, put_json, read_run
from lls_hw.commands.signature import Shown, with_options
from lls_hw.commands.whole_tables import put_tables
from lls_hw.models.spec import quantities as q
from lls_hw.options.option import Option
from lls_hw.options.results import ResultChoices
from lls_hw.options.run import DEFAULT_OBJECTIVE, DEFAULT_SCHEDULE, RunChoices

if TYPE_CHECKING:
    from lls_hw.fidelity.validate import Validation

ONE_STEP = {
    "dataflow": None, "sram_kib": None, "dram": None, "technology": None, "objective": DEFAULT_OBJECTIVE,
    "fusion": DEFAULT_SCHEDULE, "steps": 1, "accumulate": 1, "baseline": "none", "numerics": True, "costs": False,
}  # fmt: skip


@with_options
def validate(
    choices: Annotated[RunChoices, Shown(fixed=ONE_STEP)],
    min_cosine: Annotated[
        float, Option("Least cosine of a weight gradient; exit status 1 below it.", metavar="X", quantity=q.COSINE)
    ] = 0.9,
    hint: Annotated[bool, Option("Do not look for the width that limits.", negated=True)] = True,
    *,
    results: ResultChoices,
) -> None:
    """One training step in integers held against float; says which width limits."""
    from lls_hw.files import Outputs

    outputs = Outputs({"--json": results.json})
    facts: list[str] = []
    run, images = read_run(choices, outputs, facts)
    assert images is not None, "a run with numerics has pictures"
    from lls_hw.fidelity.validate import validate as run_validation

    with progress_on(results.quiet) as say:
        found = run_validation(run, images, min_cosine=min_cosine, with_hint=hint, progress=say)
    if not results.quiet:
        console_for(to_stderr=outputs.use_stdout).print(*facts, soft_wrap=True)
        print_validation(found, to_stderr=outputs.use_stdout)
    put_json(results.json, found.json)
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
    put_tables(console, table)
    console.print(found.hint())
    if found.missed:
        names = ", ".join(check.tensor for check in found.missed)
        console.print(f"below cosine {found.min_cosine}: {names}")
