"""Draws data moving through a small array: one grid a cycle, as a self-contained SVG."""

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.errors import SpecError

if TYPE_CHECKING:
    from lls_hw.sim.array.dataflow import Legend
    from lls_hw.sim.array.registers import ArrayRecord

CELL, GAP, TITLE, FRAMES_A_LINE = 58, 26, 22, 6
DRAWN_SIDE, DRAWN_STREAM, DRAWN_BITS = 4, 6, 5  # what a picture of a layer is clipped to
MAX_CELLS = 4000  # a picture of a larger run says nothing
MOVING, STAYING, SUM, SHIFTING, IDLE = "#1f5fbf", "#555555", "#b3470b", "#1d7a3a", "#bbbbbb"
COLOURS = (MOVING, STAYING, SUM, SHIFTING)


def draw_product(name: str, sizes: tuple[int, int, int], array: ArraySpec) -> str:
    """SVG text: the first fold of an (m, k) @ (k, n) product, clipped to a small array and few streaming elements.

    Operands are random codes of `DRAWN_BITS` bits from seed 0; the title says what was clipped.
    """
    import numpy as np

    from lls_hw.sim.array import dataflow_of
    from lls_hw.sim.array.registers import run_array

    rows, cols = min(array.rows, DRAWN_SIDE), min(array.cols, DRAWN_SIDE)
    small = ArraySpec(rows=rows, cols=cols, dataflow=array.dataflow)
    limits = dataflow_of(array).axes(DRAWN_STREAM, rows, cols)
    m, k, n = (min(size, limit) for size, limit in zip(sizes, limits, strict=True))
    rng, half = np.random.default_rng(0), 1 << (DRAWN_BITS - 1)
    a, b = rng.integers(-half, half, (m, k)), rng.integers(-half, half, (k, n))
    run = run_array(a, b, small, record_cycles=DRAWN_STREAM + 4 * DRAWN_SIDE)
    assert run.record is not None
    whole = f"{name}: first fold of {sizes} on {array.rows}x{array.cols} {array.dataflow}"
    return draw_array(run.record, f"{whole}, clipped to {(m, k, n)} on {rows}x{cols}, random codes")


def draw_array(record: "ArrayRecord", title: str = "") -> str:
    """SVG text: the registers of every element after each recorded cycle.

    A cell shows the moving operand (top left), the stationary or descending one (top right), the sum (middle) and the
    loading register (os: the drain register) on its last line. Empty registers are left out; a cell that multiplied in
    this cycle is filled.

    Raises
    ------
    SpecError : the record is empty or too large to be read as a picture.
    """
    cycles, rows, cols = record.moving.shape
    if not 0 < cycles * rows * cols <= MAX_CELLS:
        need = f"a picture holds 1 to {MAX_CELLS} cells (cycles x rows x cols)"
        raise SpecError("draw", f"{cycles}x{rows}x{cols}", need, "Draw a smaller array or a smaller product.")
    wide, high = cols * CELL + GAP, rows * CELL + GAP + TITLE
    across = min(FRAMES_A_LINE, cycles)
    legend, legend_end = _legend(record.dataflow.legend, title)
    width = max(across * wide + GAP, 560, legend_end)
    height = -(-cycles // across) * high + 2 * GAP + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="ui-monospace, monospace" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        legend,
    ]
    for cycle in range(cycles):
        left, top = GAP + cycle % across * wide, 2 * GAP + cycle // across * high
        parts.append(f'<g transform="translate({left},{top})">')
        parts.append(f'<text y="{TITLE - 8}" fill="#222">cycle {cycle}</text>')
        parts += [_cell(record, cycle, r, c) for r in range(rows) for c in range(cols)]
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _legend(legend: "Legend", title: str) -> tuple[str, int]:
    """Title and the colours' meaning, and where they end."""
    parts, x, end = [], GAP, 0
    for text, colour in ((title, "#222"), *zip(legend, COLOURS, strict=True)):
        if text:
            parts.append(f'<text x="{x}" y="{GAP}" fill="{colour}">{escape(text)}</text>')
            end = x + 78 * len(text) // 10  # a character is 7.8 wide
            x += 8 * len(text) + GAP
    return "".join(parts), end


def _cell(record: "ArrayRecord", cycle: int, r: int, c: int) -> str:
    """One element after one cycle."""
    here = (cycle, r, c)
    busy = bool(record.moving_valid[here])
    held = not record.dataflow.sums_stay and bool(record.moving_valid[: cycle + 1, r, c].any())
    lines = [
        (record.moving[here], busy, 4, 17, "start", MOVING),
        (record.other[here], busy or held, CELL - 4, 17, "end", STAYING),
        (record.sums[here], bool(record.sums_valid[here]), CELL // 2, 34, "middle", SUM),
        (record.shifting[here], bool(record.shifting_valid[here]), CELL // 2, 51, "middle", SHIFTING),
    ]
    x, y = c * CELL, r * CELL + TITLE
    fill = "#eef4ff" if busy else "white"
    text = "".join(
        f'<text x="{x + dx}" y="{y + dy}" text-anchor="{anchor}" fill="{colour}">{int(value)}</text>'
        for value, live, dx, dy, anchor, colour in lines
        if live
    )
    return f'<rect x="{x}" y="{y}" width="{CELL}" height="{CELL}" fill="{fill}" stroke="{IDLE}"/>{text}'
