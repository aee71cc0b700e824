"""What each difference between SCALE-Sim's convention and ours is worth, on the products of vww_cnn.

    python scripts/bench/array_conventions.py [ROWSxCOLS]        # prints the tables of docs/scalesim.md

The walk starts at SCALE-Sim's total and repairs one omission at a time; each line shows its cycles.
"""

import sys
from collections.abc import Iterator

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.topology import ConvLayer
from lls_hw.sim.array import dataflow_of
from lls_hw.sim.array.closed_form import Edges, array_accesses, array_cycles
from lls_hw.sim.array.dataflow import fold_count
from lls_hw.sim.cost.scalesim import scalesim_cycles

Sizes = tuple[int, int, int]
CONV1 = ConvLayer(name="conv1", map_height=130, map_width=130, filter_height=3, filter_width=3, channels=3,
                  filters=32, stride_height=2, stride_width=2)  # fmt: skip
POINTWISE = ((4096, 32, 64), (1024, 64, 128), (1024, 128, 128), (256, 128, 256), (256, 256, 256), (64, 256, 512),
             (64, 512, 512), (1, 512, 2))  # fmt: skip


def products(rounding: str) -> list[Sizes]:
    """(m, k, n) of conv1, the seven pointwise layers and the classifier; depthwise layers run elsewhere."""
    return [CONV1.gemm("up" if rounding == "up" else "down"), *POINTWISE]


def isolated(sizes: Sizes, array: ArraySpec) -> int:
    """Folds one after the other without overlap, each a causal full fold."""
    stream, down, across = dataflow_of(array).roles(*sizes)
    folds = fold_count(down, array.rows) * fold_count(across, array.cols)
    return folds * (2 * array.rows + array.cols + stream - 2)


def walk(array: ArraySpec) -> Iterator[tuple[str, int]]:
    """(what is repaired, total cycles after it)."""

    def ours(hidden: bool, edges: Edges) -> int:
        chosen = array.model_copy(update={"preload_hidden": hidden})
        return sum(array_cycles(*sizes, chosen, edges=edges) for sizes in products("down"))

    yield "SCALE-Sim 3.0.0", sum(scalesim_cycles(*sizes, array) for sizes in products("up"))
    yield "output sizes rounded down", sum(scalesim_cycles(*sizes, array) for sizes in products("down"))
    last = sum(scalesim_cycles(*sizes, array) + 1 for sizes in products("down"))
    yield "a count of cycles, not the last one's index", last
    if dataflow_of(array).sums_stay:
        yield "an os fold waits for its last products", sum(isolated(sizes, array) for sizes in products("down"))
        yield "folds overlap", ours(hidden=True, edges="full")
    else:
        yield "folds overlap (one register for what stays)", ours(hidden=False, edges="full")
        yield "preload hidden (a second register)", ours(hidden=True, edges="full")
    yield "partial folds charged exactly = ours", ours(hidden=True, edges="exact")


def table(rows: int, cols: int) -> list[str]:
    """Markdown lines."""
    lines = ["| | ws | is | os |", "|---|--:|--:|--:|"]
    flows = ("ws", "is", "os")
    arrays = {flow: ArraySpec(rows=rows, cols=cols, dataflow=flow) for flow in flows}
    walks = {flow: list(walk(array)) for flow, array in arrays.items()}
    names = list(dict.fromkeys(name for flow in ("ws", "os") for name, _ in walks[flow]))
    names.sort(key=lambda name: name.startswith("partial"))
    for name in names:
        cells = []
        for flow in flows:
            index = next((i for i, (each, _) in enumerate(walks[flow]) if each == name), None)
            if index is None:
                cells.append("")
            elif name.startswith(("SCALE", "partial")):
                step = walks[flow][index][1] - walks[flow][index - 1][1] if index else 0
                cells.append(f"{walks[flow][index][1]:,}" + (f" ({step:+,})" if index else ""))
            else:
                cells.append(f"{walks[flow][index][1] - walks[flow][index - 1][1]:+,}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    reads = [sum(array_accesses(*s, arrays[flow]).accumulator_reads for s in products("down"))
             for flow in flows]  # fmt: skip
    lines.append(
        f"| partial sums never read back | {' | '.join(f'{count:,} reads' if count else '' for count in reads)} |"
    )
    return lines


def main(shape: str = "16x16") -> None:
    rows, cols = (int(side) for side in shape.split("x"))
    print("\n".join(table(rows, cols)))


if __name__ == "__main__":
    main(*sys.argv[1:])
