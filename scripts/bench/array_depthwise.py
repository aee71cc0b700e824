"""What the depthwise layers of vww_cnn cost on the default chip: on the array and on the vector unit.

python scripts/bench/array_depthwise.py        # prints the table of docs/array.md, one image
"""

from collections.abc import Iterator

from lls_hw.models.registry import load, load_network
from lls_hw.models.spec.accelerator import AcceleratorSpec, ArraySpec
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.resolve import resolve
from lls_hw.sim.array.grouped import Groups, convolution_groups, grouped_costs, grouped_cycles


def cycles(one: Groups, array: ArraySpec, lanes: int) -> list[int]:
    """Cycles of each way, in the order of the table's columns."""
    by_is, by_os = (array.model_copy(update={"dataflow": name}) for name in ("is", "os"))
    return [
        grouped_cycles(one, array, chained=False),
        grouped_cycles(one, array),
        grouped_cycles(one, by_is),
        grouped_cycles(one, by_os),
        next(cost.cycles for cost in grouped_costs(one, by_os, lanes) if cost.way == "packed"),
        next(cost.cycles for cost in grouped_costs(one, array, lanes) if cost.way == "vector"),
    ]


def table() -> Iterator[str]:
    """Markdown lines."""
    chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip")
    array = chip.array
    yield "| layer | groups | m | ws, each drained | ws, chained | is, chained | os, chained | os, packed | vector |"
    yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    totals = [0] * 6
    for layer in resolve(load_network("vww_cnn")):
        if isinstance(layer, WeightedLayer) and layer.kind == "depthwise":
            one = convolution_groups(layer, layer.in_c)
            row = cycles(one, array, chip.vector.lanes)
            totals = [total + cell for total, cell in zip(totals, row, strict=True)]
            yield f"| {layer.name} | {one.groups} | {one.m:,} | {' | '.join(f'{cell:,}' for cell in row)} |"
    yield f"| all | | | {' | '.join(f'{total:,}' for total in totals)} |"


if __name__ == "__main__":
    print("\n".join(table()))
