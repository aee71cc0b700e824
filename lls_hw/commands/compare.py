"""`lls-hw compare`: one network and chip under several rules, costs alone."""

from typing import Annotated

import typer

from lls_hw.commands import options as o
from lls_hw.commands.shared import console_for, progress_on, put_json
from lls_hw.models.spec.errors import SpecError

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
    data: o.Data = "synthetic",
    input: o.Input = None,
    classes: o.Classes = None,
    optimizer: o.Optimizer = "momentum",
    momentum: o.Momentum = 0.9,
    json: o.Json = None,
    quiet: o.Quiet = False,
) -> None:
    """Costs of one training step under several rules, with ratios to backpropagation."""
    from lls_hw.config import Choices, resolve_run
    from lls_hw.results import refuse_bad_target

    if json is not None and json != "-":
        refuse_bad_target("--json", json)
    names = [name.strip() for name in rules.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        raise SpecError("--rules", rules, "it takes different names with commas between", f"Write {DEFAULT_RULES}.")
    runs = [
        resolve_run(
            Choices(
                net=net, rule=name, chip=chip, array=array, dataflow=dataflow, bits=bits, sram_kib=sram,
                technology=technology, batch=batch, data=data, input=input, classes=classes, optimizer=optimizer,
                momentum=momentum, baseline="none", numerics=False,
            )
        )[0]
        for name in names
    ]  # fmt: skip
    from lls_hw.comparison import compare_json, compare_runs, compare_table

    with progress_on(quiet) as say:
        comparison = compare_runs(runs, say)
    if not quiet:
        console_for(to_stderr=json == "-").print(compare_table(comparison))
    if json is not None:
        put_json(json, compare_json(comparison))
