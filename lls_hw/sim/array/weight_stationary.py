"""Weight-stationary: rows hold k, columns hold n; weights stay, m rows of inputs stream, sums move down.

ceil(k/R)·ceil(n/C) folds, k folds inside a strip of columns. A fold that uses κ rows and ν columns loads κ weight rows,
one per cycle, farthest first; row r takes part in the last κ − r of those cycles only. Then m input rows enter, row r
delayed by r cycles, column c by c. Sums start at zero above the top row and leave below row R − 1, through unused rows
unchanged. If the first input row of fold f enters at cycle τ_f:

    τ_0 = κ_0
    τ_f = τ_{f−1} + max(L_{f−1}, κ_f)        second weight register: fold f loads from cycle τ_{f−1} on
    τ_f = τ_{f−1} + L_{f−1} − 1 + κ_f        one register: loading follows the last input row down the array
    end = max over f of τ_f + L_f + R + ν_f − 2

L is m, or, where m sums a column are more than the accumulators hold, the rows of a turn: the m rows are cut into G
turns of ⌈m/G⌉ and ⌊m/G⌋ rows, the longer ones first, and every turn runs through all k folds of the strip before the
next one begins. So its sums are finished when they leave, and weights are loaded G times.

The end is that of the last fold, or of the last full-width fold where the last strip is narrow and short.
For one full fold: 2R + C + m − 2.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from lls_hw.sim.array.dataflow import (
    ArrayAccesses,
    Dataflow,
    Fold,
    Legend,
    RegisterGrid,
    Stretch,
    even_pieces,
    fold_count,
    pieces,
)
from lls_hw.sim.array.elementwise import greatest, least, pick

if TYPE_CHECKING:
    from lls_hw.models.spec.accelerator import ArraySpec


def cycles(stream: int, down: int, across: int, array: "ArraySpec", turns: int = 1) -> int:
    """The end above; only k folds and turns differ in period, only the last strip in width."""
    rows, cols = array.rows, array.cols
    strips = fold_count(across, cols)
    last, longer = divmod(stream, turns)
    strip = (turns - longer) * _turn(last, down, array) + longer * _turn(last + 1, down, array)
    first = least(rows, down)
    enter = first + strip * strips - period(last, first, array)
    width = across - (strips - 1) * cols
    edge = pick(strips == 1, width, greatest(width, cols - strip))
    return enter + last + rows + edge - 2


def _turn(length: int, down: int, array: "ArraySpec") -> int:
    """From the first row of a turn to that of the next: each k fold begins a period after one of the turn's length."""
    whole, rest = divmod(down, array.rows)
    return whole * period(length, array.rows, array) + pick(rest == 0, 0, period(length, rest, array))


def period(stream: int, used: int, array: "ArraySpec") -> int:
    """τ_f − τ_{f−1} of a fold that uses so many rows."""
    return greatest(stream, used) if array.preload_hidden else stream - 1 + used


def follow(full: tuple[int, int, int], short: tuple[int, int, int], array: "ArraySpec") -> int:
    """Measured at the start of loading: τ counts from the first operand, and a patch by itself begins at its own κ."""
    first, first_short = min(full[1], array.rows), min(short[1], array.rows)
    return period(full[0], first_short, array) - period(full[0], first, array) + first - first_short


def accesses(stream: int, down: int, across: int, array: "ArraySpec", turns: int = 1) -> ArrayAccesses:
    """With F_k and F_n folds and κ_i rows in k fold i: left operand m·k·F_n, right k·n·G; each sum crosses R registers
    per k fold; weight rows of a fold move Σ_r (κ − r) = κ(κ+1)/2 registers per column and turn."""
    macs, held, sums = stream * down * across, turns * down * across, stream * across
    folds = fold_count(down, array.rows)
    last = down - (folds - 1) * array.rows
    loaded = (folds - 1) * (array.rows * (array.rows + 1) // 2) + last * (last + 1) // 2
    return ArrayAccesses(
        macs=macs,
        a_reads=stream * down * fold_count(across, array.cols),
        b_reads=held,
        accumulator_reads=sums * (folds - 1),
        accumulator_writes=sums * folds,
        outputs=sums,
        operand_shifts=macs,
        sum_shifts=sums * array.rows * folds,
        stationary_shifts=turns * across * loaded,
        stationary_swaps=held if array.preload_hidden else 0,
    )


def folds(stream: Stretch, down: Stretch, across: Stretch, array: "ArraySpec", turns: int = 1) -> Iterator[Fold]:
    """k folds inside a turn inside a strip of columns; the first of a turn starts its sums, the last finishes them."""
    for column, width in pieces(across, array.cols):
        for row, length in even_pieces(stream, turns):
            for inner, used in pieces(down, array.rows):
                starts, ends = inner == down[0], inner + used == sum(down)
                yield Fold(inner, used, column, width, row, length, starts=starts, ends=ends)


def registers(array: "ArraySpec") -> RegisterGrid:
    """The grid of `kernels.array_ws`."""
    from lls_hw.sim.kernels import array_ws as grid

    return RegisterGrid(
        fields=grid.FIELDS,
        schedule=partial(grid.schedule_ws, array.preload_hidden),
        clock=grid.run_ws,
        other=grid.WORK if array.preload_hidden else grid.LOAD,
        shifting=(grid.LOAD, grid.LOAD_VALID),
    )


WEIGHT_STATIONARY = Dataflow(
    name="ws",
    streams="m",
    rows_hold="k",
    columns_hold="n",
    cycles=cycles,
    accesses=accesses,
    period=period,
    follow=follow,
    folds=folds,
    registers=registers,
    legend=Legend("input, moving right", "weight, staying", "sum, moving down", "next weight, loading"),
)
