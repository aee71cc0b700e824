"""`lls-hw replay`: a costed schedule carried out on real codes, byte by byte."""

from typing import TYPE_CHECKING, Annotated

import typer

from lls_hw.commands.shared import console_for, progress_on, put_json, read_run
from lls_hw.commands.signature import Shown, with_options
from lls_hw.options.results import ResultChoices
from lls_hw.options.run import RunChoices

if TYPE_CHECKING:
    from lls_hw.fidelity.replay import Replay

ONE_STEP = {"steps": 1, "accumulate": 1, "baseline": "none", "numerics": True, "costs": True}


@with_options
def replay(choices: Annotated[RunChoices, Shown(fixed=ONE_STEP)], *, results: ResultChoices) -> None:
    """Carry a costed schedule out on real codes: same bits, same bytes, addresses that fit."""
    from lls_hw.files import Outputs

    outputs = Outputs({"--json": results.json})
    facts: list[str] = []
    run, images = read_run(choices, outputs, facts)
    assert images is not None, "a run with numerics has pictures"
    from lls_hw.fidelity.replay import replay as run_replay

    with progress_on(results.quiet) as say:
        found = run_replay(run, images, progress=say)
    if not results.quiet:
        console = console_for(to_stderr=outputs.use_stdout)
        console.print(*facts, *lines_of(found), sep="\n", soft_wrap=True)
    put_json(results.json, found.json)
    if not found.proof.holds:
        raise typer.Exit(1)


def lines_of(found: "Replay") -> list[str]:
    """The proof in words, or the differences."""
    run, proof = found.run, found.proof
    head = f"{run.network.name}, {run.rule.name}, {run.precision.label()}, batch {run.batch}, schedule {run.schedule}: "
    if not proof.holds:
        most = 10
        rest = len(proof.differences) - most
        more = [f"and {rest} more differences"] if rest > 0 else []
        return [head + "the replay differs", *proof.differences[:most], *more]
    return [
        f"{head}{proof.tiles:,} tiles of {found.schedule} carried out on the codes of step {found.step}",
        f"tensors equal, bit for bit: all {proof.kept} that outlive the step, and {proof.others} of the step's own",
        f"bytes read {proof.read_bytes:,}, written {proof.write_bytes:,}: as the event engine counts, tensor by tensor",
        f"addresses reach {proof.peak_bytes:,} of {proof.capacity_bytes:,} bytes of scratchpad; "
        f"{proof.held_bytes:,} are held at most",
    ]
