"""`lls-hw simulate`: one training step, its costs beside a baseline, and its integers."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from lls_hw.commands.shared import console_for, progress_on, put_json, read_run
from lls_hw.commands.signature import with_options
from lls_hw.commands.whole_tables import put_tables
from lls_hw.models.spec.errors import SpecError
from lls_hw.options.option import Option
from lls_hw.options.results import ResultChoices
from lls_hw.options.run import RunChoices

if TYPE_CHECKING:
    from lls_hw.api import RunResult


@with_options
def simulate(
    choices: RunChoices,
    results: ResultChoices,
    *,
    mapping: Annotated[
        str | None, Option("Tiles and loop order of named ops.", metavar="FILE.toml", after="baseline")
    ] = None,
    explain: Annotated[str | None, Option("Why its mappings were chosen.", metavar="OP|LAYER", after="mapping")] = None,
    explain_energy: Annotated[bool, Option("The lines that make the energy.", after="explain")] = False,
    explain_schedule: Annotated[
        bool, Option("Groups of ops: what each loads, stores and computes again.", after="explain_energy")
    ] = False,
    wide: Annotated[bool, Option("Every part of the energy in the table of layers.", after="explain_schedule")] = False,
    trace: Annotated[str | None, Option("Timeline for Perfetto.", metavar="FILE", after="json")] = None,
) -> None:
    """One training step on the chip: costs beside a baseline, and the step itself in integers."""
    from lls_hw.files import Outputs

    if trace is not None and not choices.costs:
        raise SpecError("--trace", trace, "a timeline is made of costs", "Leave out --no-costs.")
    if not choices.costs and (explain is not None or explain_energy or explain_schedule or mapping is not None):
        raise SpecError("--no-costs", True, "explanations and mappings are of costs", "Leave out --no-costs.")
    if not choices.numerics and not choices.costs:
        raise SpecError("--no-costs", True, "nothing is left to simulate beside --no-numerics", "Leave one out.")
    outputs = Outputs({"--json": results.json, "--trace": trace})
    facts: list[str] = []
    run, images = read_run(choices, outputs, facts)
    from lls_hw.api import simulate as run_simulation

    if mapping is not None:
        from lls_hw.costs.explain import with_mapping

        outputs.spare([("--mapping", Path(mapping))])
        run = with_mapping(run, mapping)
    with progress_on(results.quiet) as say:
        result = run_simulation(run, images, trace=trace is not None, progress=say)
    if trace is not None:
        write_trace(result, trace)
    if not results.quiet:
        console_for(to_stderr=outputs.use_stdout).print(*facts, soft_wrap=True)
        print_run(result, wide=wide, to_stderr=outputs.use_stdout)
    asked = Asked(explain, energy=explain_energy, schedule=explain_schedule)
    more = _explanations(result, asked, quiet=results.quiet, to_stderr=outputs.use_stdout)
    put_json(results.json, lambda: {**result.json(), **more})


def write_trace(result: "RunResult", path: str) -> None:
    """The timeline as a file for Perfetto."""
    from lls_hw.files import json_text, write_whole
    from lls_hw.sim.event.trace import trace_json

    assert result.costs is not None, "a traced run has costs"
    write_whole(path, json_text(trace_json(result.costs.events, result.run.chip.clock_mhz)), "--trace")


@dataclass(frozen=True, slots=True)
class Asked:
    """Explanations asked for: the mappings of an op or layer, the energy, the schedule."""

    name: str | None
    energy: bool
    schedule: bool


def _explanations(result: "RunResult", asked: Asked, *, quiet: bool, to_stderr: bool) -> dict[str, object]:
    """Print what was asked to be explained, and hand it on for the JSON."""
    if asked == Asked(None, energy=False, schedule=False):
        return {}
    from lls_hw.costs.explain import energy_json, energy_table, mapping_json, mapping_text
    from lls_hw.sim.schedule.explain import schedule_text

    more: dict[str, object] = {}
    if result.costs is None:
        return more
    console = console_for(to_stderr=to_stderr)
    if asked.name is not None:
        more["explain"] = mapping_json(result.run, result.costs, asked.name)
        if not quiet:
            console.print(mapping_text(result.run, result.costs, asked.name), soft_wrap=True)
    if asked.energy:
        more["explain_energy"] = energy_json(result.run, result.costs)
        if not quiet:
            put_tables(console, energy_table(result.run, result.costs))
    if asked.schedule and not quiet:
        console.print(schedule_text(result.costs.program, result.costs.events.groups), soft_wrap=True)
    return more


def print_run(result: "RunResult", *, wide: bool, to_stderr: bool) -> None:
    """The tables of a run."""
    from lls_hw.costs import tables as costs_tables
    from lls_hw.fidelity import tables as fidelity_tables

    console = console_for(to_stderr=to_stderr)
    costs, numerics, below = result.costs, result.numerics, []
    if costs is not None:
        put_tables(console, costs_tables.stage_table(costs, wide=wide))
        put_tables(console, costs_tables.totals_table(costs, result.baseline, result.run.chip))
        if result.baseline is not None:
            from lls_hw.costs.headline import headline

            console.print(headline(costs, result.baseline))
        below.append(costs_tables.closing_text(costs, result.run.chip))
    if numerics is not None:
        put_tables(console, fidelity_tables.float_table(numerics))
        below.append(fidelity_tables.closing_text(numerics))
    console.print(*below, sep="\n")
