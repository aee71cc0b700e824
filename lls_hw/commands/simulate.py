"""`lls-hw simulate`: one training step, its costs beside a baseline, and its integers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lls_hw.commands import options as o
from lls_hw.commands.shared import console_for, progress_on, put_json
from lls_hw.models.spec import quantities as q
from lls_hw.models.spec.errors import SpecError

if TYPE_CHECKING:
    from lls_hw.api import RunResult


def simulate(
    net: o.Net,
    rule: o.Rule,
    chip: o.Chip = "edge_16x16",
    array: o.ArrayShape = None,
    dataflow: o.Flow = None,
    bits: o.Bits = "8",
    sram: o.Sram = None,
    technology: o.Technology = None,
    batch: o.Batch = 8,
    steps: Annotated[int, o.number(q.STEPS, "--steps", help="Training steps in integers; costs are of one.")] = 1,
    seed: o.Seed = 0,
    data: o.Data = "synthetic",
    input: o.Input = None,
    classes: o.Classes = None,
    temperature: o.Temperature = 0.5,
    waveform: o.Waveform = "square",
    lr: o.Rate = 0.05,
    optimizer: o.Optimizer = "momentum",
    momentum: o.Momentum = 0.9,
    no_numerics: Annotated[bool, typer.Option("--no-numerics", help="Costs alone.")] = False,
    no_costs: Annotated[bool, typer.Option("--no-costs", help="Integers alone.")] = False,
    baseline: Annotated[str, typer.Option(metavar="RULE|none", help="Rule to compare the costs with.")] = "bp",
    mapping: Annotated[str | None, typer.Option(metavar="FILE.toml", help="Tiles and loop order of named ops.")] = None,
    explain: Annotated[str | None, typer.Option(metavar="OP|LAYER", help="Why its mappings were chosen.")] = None,
    explain_energy: Annotated[bool, typer.Option("--explain-energy", help="The lines that make the energy.")] = False,
    json: o.Json = None,
    trace: Annotated[str | None, typer.Option(metavar="FILE", help="Timeline for Perfetto.")] = None,
    quiet: o.Quiet = False,
) -> None:
    """One training step on the chip: costs beside a baseline, and the step itself in integers."""
    from lls_hw.config import Choices, files_read, resolve_run
    from lls_hw.files import Outputs, json_text, write_whole

    if trace is not None and no_costs:
        raise SpecError("--trace", trace, "a timeline is made of costs", "Leave out --no-costs.")
    if no_costs and (explain is not None or explain_energy or mapping is not None):
        raise SpecError("--no-costs", True, "explanations and mappings are of costs", "Leave out --no-costs.")
    if no_numerics and no_costs:
        raise SpecError("--no-costs", True, "nothing is left to simulate beside --no-numerics", "Leave one out.")
    outputs = Outputs({"--json": json, "--trace": trace})
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
            steps=steps,
            seed=seed,
            data=data,
            input=input,
            classes=classes,
            temperature=temperature,
            waveform=waveform,
            learning_rate=lr,
            optimizer=optimizer,
            momentum=momentum,
            baseline=baseline,
            numerics=not no_numerics,
            costs=not no_costs,
        )
    )
    from lls_hw.api import simulate as run_simulation

    outputs.spare(files_read(run, images, net=net, chip=chip))
    if mapping is not None:
        from lls_hw.costs.explain import with_mapping

        run = with_mapping(run, mapping)
        outputs.spare([("--mapping", Path(mapping))])
    with progress_on(quiet) as say:
        result = run_simulation(run, images, trace=trace is not None, progress=say)
    if trace is not None and result.costs is not None:
        from lls_hw.sim.event.trace import trace_json

        write_whole(trace, json_text(trace_json(result.costs.events, run.chip.clock_mhz)), "--trace")
    if not quiet:
        print_run(result, to_stderr=outputs.use_stdout)
    more = _explanations(result, explain, explain_energy, quiet=quiet, to_stderr=outputs.use_stdout)
    put_json(json, {**result.json(), **more} if json is not None else {})


def _explanations(
    result: "RunResult", name: str | None, energy: bool, *, quiet: bool, to_stderr: bool
) -> dict[str, object]:
    """Print what was asked to be explained, and hand it on for the JSON."""
    if name is None and not energy:
        return {}
    from lls_hw.costs.explain import energy_json, energy_table, mapping_json, mapping_text

    more: dict[str, object] = {}
    if result.costs is None:
        return more
    console = console_for(to_stderr=to_stderr)
    if name is not None:
        more["explain"] = mapping_json(result.run, result.costs, name)
        if not quiet:
            console.print(mapping_text(result.run, result.costs, name), soft_wrap=True)
    if energy:
        more["explain_energy"] = energy_json(result.run, result.costs)
        if not quiet:
            console.print(energy_table(result.run, result.costs))
    return more


def print_run(result: "RunResult", *, to_stderr: bool) -> None:
    """The tables of a run."""
    from lls_hw.costs import tables as costs_tables
    from lls_hw.fidelity import tables as fidelity_tables

    console = console_for(to_stderr=to_stderr)
    costs, numerics, below = result.costs, result.numerics, []
    if costs is not None:
        console.print(costs_tables.stage_table(costs), costs_tables.totals_table(costs, result.baseline))
        below.append(costs_tables.closing_text(costs, result.run.chip))
    if numerics is not None:
        console.print(fidelity_tables.float_table(numerics))
        below.append(fidelity_tables.closing_text(numerics))
    console.print(*below, sep="\n")
