"""Output-stationary: rows hold m, columns hold n; sums stay, k terms of both operands stream.

ceil(m/R)·ceil(n/C) folds, strips of columns inside a strip of rows. A fold with ρ rows and ν columns streams k terms.
Row r of a column finishes r cycles after row 0, moves its sum to a drain register in the next cycle and starts the
next fold in that same cycle; when all ρ rows have moved, the drain registers shift down, one row per cycle, and the
next fold's sums follow in their wake:

    τ_0 = 0,  τ_f = τ_{f−1} + max(k, ρ_{f−1}),  end = max over f of τ_f + k + ρ_f + ν_f + R − 2

For one full fold: k + 2R + C − 2.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lls_hw.sim.array.dataflow import ArrayAccesses, Dataflow, Fold, Legend, RegisterGrid, Stretch, fold_count, pieces
from lls_hw.sim.array.elementwise import greatest, pick

if TYPE_CHECKING:
    from lls_hw.models.spec.accelerator import ArraySpec


def cycles(stream: int, down: int, across: int, array: "ArraySpec", _turns: int = 1) -> int:
    """The end above; only the last row of folds is low, only the last column narrow."""
    rows, cols = array.rows, array.cols
    folds, strips = fold_count(down, rows), fold_count(across, cols)
    low = down - (folds - 1) * rows
    last = period(stream, low, array)
    enter = (folds - 1) * strips * period(stream, rows, array) + (strips - 1) * last
    width = across - (strips - 1) * cols
    edge = pick(strips == 1, width, greatest(width, cols - last))
    return enter + stream + low + edge + rows - 2


def period(stream: int, used: int, _array: "ArraySpec") -> int:
    """τ_f − τ_{f−1} after a fold that uses so many rows: a drain longer than its terms sets the pace."""
    return greatest(stream, used)


def follow(full: tuple[int, int, int], short: tuple[int, int, int], array: "ArraySpec") -> int:
    """A patch of fewer terms finishes sooner than the drain before it, and waits until that has made way."""
    stream, down, _ = full
    last = down - (fold_count(down, array.rows) - 1) * array.rows
    return max(stream, stream + last - short[0]) - max(stream, last)


def accesses(stream: int, down: int, across: int, array: "ArraySpec", _turns: int = 1) -> ArrayAccesses:
    """With F_m and F_n folds: left operand m·k·F_n, right k·n·F_m; the sum of row r moves R − r drain registers."""
    macs = stream * down * across
    folds = fold_count(down, array.rows)
    low = down - (folds - 1) * array.rows
    drains = (folds - 1) * (array.rows * (array.rows + 1) // 2) + low * array.rows - low * (low - 1) // 2
    return ArrayAccesses(
        macs=macs,
        a_reads=down * stream * fold_count(across, array.cols),
        b_reads=stream * across * folds,
        outputs=down * across,
        operand_shifts=2 * macs,
        sum_shifts=macs,
        drain_shifts=across * drains,
    )


def folds(stream: Stretch, down: Stretch, across: Stretch, array: "ArraySpec", _turns: int = 1) -> Iterator[Fold]:
    """Strips of columns inside a strip of rows; every fold starts and finishes its sums."""
    for row, used in pieces(down, array.rows):
        for column, width in pieces(across, array.cols):
            yield Fold(row, used, column, width, *stream, starts=True, ends=True)


def registers(_array: "ArraySpec") -> RegisterGrid:
    """The grid of `kernels.array_os`."""
    from lls_hw.sim.kernels import array_os as grid

    return RegisterGrid(
        fields=grid.FIELDS,
        schedule=grid.schedule_os,
        clock=grid.run_os,
        other=grid.B,
        shifting=(grid.DRAIN, grid.DRAIN_VALID),
    )


OUTPUT_STATIONARY = Dataflow(
    name="os",
    streams="k",
    rows_hold="m",
    columns_hold="n",
    cycles=cycles,
    accesses=accesses,
    period=period,
    follow=follow,
    folds=folds,
    registers=registers,
    legend=Legend("input, moving right", "weight, moving down", "sum, staying", "finished, moving down"),
)
