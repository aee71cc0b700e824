"""`lls-hw cycles`: a SCALE-Sim topology's layers on an array, in our convention or in SCALE-Sim's."""

from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from lls_hw.commands.shared import console_for
from lls_hw.commands.signature import with_options
from lls_hw.commands.whole_tables import put_tables
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.quantities import CLOSED_SIDE, read_sides
from lls_hw.options.option import Option
from lls_hw.options.results import ResultChoices
from lls_hw.sim.array import DATAFLOWS

if TYPE_CHECKING:
    from rich.table import Table

    from lls_hw.models.spec.accelerator import ArraySpec
    from lls_hw.sim.cost.scalesim import Convention, LayerCycles

SIDES = ("rows", "columns")
CONVENTIONS: "dict[str, Convention]" = {"ours": "ours", "scalesim": "scalesim"}
DRAW_HELP = "Picture (SVG) of the first layer's first fold, clipped to at most 4x4 elements, random codes of seed 0."


@with_options
def cycles(
    topology: Annotated[Path, Option("SCALE-Sim's table of layers, conv or GEMM.", metavar="FILE.csv")],
    array: Annotated[
        str | None, Option(f"Rows x columns of the array (each {CLOSED_SIDE.range}).", metavar="RxC")
    ] = None,
    dataflow: Annotated[str | None, Option("Stationary operand.", metavar="|".join(DATAFLOWS))] = None,
    config: Annotated[
        Path | None, Option("SCALE-Sim cfg: array and dataflow where options are absent.", metavar="FILE.cfg")
    ] = None,
    convention: Annotated[str, Option("How cycles are counted.", metavar="|".join(CONVENTIONS))] = "ours",
    *,
    results: ResultChoices,
    draw: Annotated[str | None, Option(DRAW_HELP, metavar="FILE.svg", after="json")] = None,
) -> None:
    """Cycles, utilization and mapping efficiency of every layer of a SCALE-Sim topology."""
    from lls_hw.models.topology import read_topology
    from lls_hw.sim.cost.scalesim import layer_cycles

    if convention not in CONVENTIONS:
        raise SpecError("--convention", convention, "no such convention", "Use ours or scalesim.")
    chosen = _array(array, dataflow, config)
    from lls_hw.files import Outputs, write_whole

    outputs = Outputs({"--json": results.json, "--draw": draw})
    outputs.spare([("--topology", topology), *([("--config", config)] if config is not None else [])])
    layers = read_topology(topology)
    lines = layer_cycles(layers, chosen, convention=CONVENTIONS[convention])
    picture = None
    if draw is not None:
        from lls_hw.report.array_drawing import draw_product

        first = lines[0]
        picture = draw_product(first.name, (first.m, first.k, first.n), chosen)
    if not results.quiet:
        title = f"{topology.name} on {chosen.rows}x{chosen.cols}, {chosen.dataflow}, convention: {convention}"
        table = _table(lines, title, chosen.rows * chosen.cols, CONVENTIONS[convention])
        put_tables(console_for(to_stderr=outputs.use_stdout), table)
    if results.json is not None:
        write_whole(results.json, _text(lines), "--json")
    if draw is not None and picture is not None:
        write_whole(draw, picture, "--draw")


def _array(array: str | None, dataflow: str | None, config: Path | None) -> "ArraySpec":
    """The options' array, else the cfg's."""
    from lls_hw.models.spec.accelerator import ArraySpec
    from lls_hw.sim.array import named_dataflow

    flow = None if dataflow is None else named_dataflow("--dataflow", dataflow)
    sides = None if array is None else read_sides("--array", array, CLOSED_SIDE, names=SIDES, example="16x16")
    if config is not None:
        from lls_hw.models.topology import read_array_config

        found = read_array_config(config)
        if sides is None and found.rows is not None and found.cols is not None:
            sides = found.rows, found.cols
        if flow is None and found.dataflow is not None:
            flow = named_dataflow(f"{config.name}: Dataflow", found.dataflow)
    if sides is None:
        raise SpecError("--array", None, "the array's sides are needed", "Write, for example, 16x16, or give --config.")
    if flow is None:
        raise SpecError(
            "--dataflow", None, "what stays in the array is needed", f"Use {', '.join(DATAFLOWS)}, or give --config."
        )
    rows, cols = sides
    return ArraySpec(rows=rows, cols=cols, dataflow=flow.name)


def _text(lines: "list[LayerCycles]") -> str:
    """A list of records, strict JSON."""
    return dumps([asdict(line) for line in lines], indent=1, allow_nan=False) + "\n"


def _table(lines: "list[LayerCycles]", title: str, elements: int, convention: "Convention") -> "Table":
    """Lines and a total; the total's utilization is all products over all element cycles, its mapping is left out."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_footer=True)
    spent, work = sum(line.cycles for line in lines), sum(line.m * line.k * line.n for line in lines)
    table.add_column("layer", "all", overflow="fold")
    for name, total in (
        ("m", ""), ("k", ""), ("n", ""), ("cycles", f"{spent:,}"),
        ("utilization", f"{100 * work / (spent * elements):.2f}%" if spent else ""), ("mapping efficiency", ""),
    ):  # fmt: skip
        table.add_column(name, total, justify="right", no_wrap=True)
    share = 1 if convention == "scalesim" else 100
    for line in lines:
        table.add_row(
            line.name,
            *(f"{size:,}" for size in (line.m, line.k, line.n, line.cycles)),
            f"{share * line.utilization:.2f}%",
            f"{share * line.mapping_efficiency:.2f}%",
        )
    return table
