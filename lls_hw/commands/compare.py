"""`lls-hw compare`: one network and chip under several rules, costs alone."""

from typing import Annotated

import typer

from lls_hw.commands import options as o
from lls_hw.commands.shared import console_for, progress_on, put_json
from lls_hw.models.spec import quantities as q
from lls_hw.models.spec.errors import SpecError
from lls_hw.sweep.choices import split_numbers

DEFAULT_RULES = "inference,bp,lls,lls_m,lls_mxm"


def compare(
    net: o.Net,
    rules: Annotated[str, typer.Option(metavar="A,B,...", help="Rules; ratios are against bp, or the first.")] = (
        DEFAULT_RULES
    ),
    chip: o.Chip = "edge_16x16",
    array: o.ArrayShape = None,
    dataflow: o.Flow = None,
    bits: o.Bits = "8",
    sram: o.Sram = None,
    technology: o.Technology = None,
    batch: o.Batch = 8,
    batches: Annotated[
        str | None, typer.Option(metavar="1,8,32", help=f"A table for each batch size ({q.BATCH.range}).")
    ] = None,
    accumulate: Annotated[
        int, o.number(q.STEPS, "--accumulate", help="Batches whose gradients are summed before one update.")
    ] = 1,
    data: o.Data = "synthetic",
    input: o.Input = None,
    classes: o.Classes = None,
    optimizer: o.Optimizer = "momentum",
    momentum: o.Momentum = 0.9,
    roofline: Annotated[str | None, typer.Option(metavar="FILE.svg", help="MACs a cycle against MACs a byte.")] = None,
    json: o.Json = None,
    quiet: o.Quiet = False,
) -> None:
    """Costs of one training step under several rules, with ratios to backpropagation."""
    from lls_hw.config import Choices, files_read, resolve_run
    from lls_hw.files import Outputs, write_whole

    outputs = Outputs({"--json": json, "--roofline": roofline})
    names = [name.strip() for name in rules.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        raise SpecError("--rules", rules, "it takes different names with commas between", f"Write {DEFAULT_RULES}.")
    resolved = [
        [
            resolve_run(
                Choices(
                    net=net, rule=name, chip=chip, array=array, dataflow=dataflow, bits=bits, sram_kib=sram,
                    technology=technology, batch=size, data=data, input=input, classes=classes, optimizer=optimizer,
                    momentum=momentum, baseline="none", numerics=False,
                )
            )
            for name in names
        ]
        for size in ([batch] if batches is None else split_numbers("--batches", batches, q.BATCH))
    ]  # fmt: skip
    outputs.spare(files_read(*resolved[0][0], net=net, chip=chip))
    runs = [[run for run, _ in of_one] for of_one in resolved]
    from lls_hw.costs.compare import batches_json, compare_runs, compare_table, memory_table

    with progress_on(quiet) as say:
        comparisons = [compare_runs(of_one, say, accumulate=accumulate) for of_one in runs]
    if not quiet:
        for comparison in comparisons:
            console_for(to_stderr=outputs.use_stdout).print(compare_table(comparison), memory_table(comparison))
    if roofline is not None:
        from lls_hw.report.roofline import roofline_svg

        write_whole(roofline, roofline_svg(comparisons[0]), "--roofline")
    if json is not None:
        put_json(json, batches_json(comparisons))
