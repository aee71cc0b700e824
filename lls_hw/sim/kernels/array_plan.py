"""Which folds run, in which order, and what stands at the edges in each cycle: the array's sequencers.

A fold is a patch of the operand that stays (os: of the outputs). One product takes all its patches; a chain of
groups takes only the patches on the diagonal of its block-diagonal operand, group behind group.
"""

from collections.abc import Iterator

import numpy as np

from lls_hw.sim.kernels.array_ws import LENGTH, SIDE_FOLD, SIDE_INDEX, STREAM_FOLD, STREAM_INDEX, USED
from lls_hw.sim.kernels.jit import Int, Ints, kernel

Span = tuple[int, int]
"""(start, length) along one axis."""


def product_folds(inner: Span, outer: Span, streamed: int, rows: int, cols: int) -> Iterator[tuple[int, ...]]:
    """Weight-stationary folds of one product, k folds inside a strip of columns."""
    for across, width in pieces(outer, cols):
        for down, used in pieces(inner, rows):
            yield (down, used, across, width, 0, streamed, down == inner[0], down + used == sum(inner))


def output_folds(down: Span, outer: Span, inner: Span, rows: int, cols: int) -> Iterator[tuple[int, ...]]:
    """Output-stationary folds of one product, strips of columns inside a strip of rows."""
    for start, used in pieces(down, rows):
        for across, width in pieces(outer, cols):
            yield (start, used, across, width, *inner, 1, 1)


def pieces(span: Span, side: int) -> Iterator[Span]:
    """The span in pieces of `side`, the last one shorter."""
    start, length = span
    for offset in range(0, length, side):
        yield start + offset, min(side, length - offset)


def diagonal_folds(
    sizes: tuple[int, int, int], groups: int, pack: int, rows: int, cols: int, *, output_stationary: bool
) -> Ints:
    """The folds of the patches on the diagonal, patch after patch: one a row, fields as in `array_ws`.

    `sizes` are (streamed rows, inner, outer) of one group's product; one group is a plain product.
    """
    streamed, inner, outer = sizes
    table: list[tuple[int, ...]] = []
    for first in range(0, groups, pack):
        members = min(pack, groups - first)
        down, across = (first * inner, members * inner), (first * outer, members * outer)
        if output_stationary:
            table += output_folds((0, streamed), across, down, rows, cols)
        else:
            table += product_folds(down, across, streamed, rows, cols)
    return np.array(table, np.int64)


def schedule(folds: Ints, rows: int, *, output_stationary: bool, hidden: bool) -> tuple[Ints, int]:
    """The schedule and the cycles filled."""
    most = int(folds[:, USED].sum() + folds[:, LENGTH].sum()) + rows
    plan = np.full((4, most), -1, np.int64)
    if output_stationary:
        return plan, int(schedule_os(folds, plan))
    return plan, int(schedule_ws(folds, hidden, plan))


@kernel
def schedule_ws(folds: Ints, hidden: Int, plan: Ints) -> int:
    """Fill `plan` as the sequencer does: weights to load, a column's as many as rows used, then rows to stream.

    With a second register loading starts as the previous fold starts; without, as its last row enters.
    Returns the cycles filled.
    """
    number = folds.shape[0]
    stream, row, load, index = -1, 0, 0, 0
    loaded, cycle, started = False, 0, 0
    while started < number or stream >= 0:
        plan[STREAM_FOLD, cycle], plan[STREAM_INDEX, cycle] = stream, row
        plan[SIDE_FOLD, cycle], plan[SIDE_INDEX, cycle] = load, index
        cycle += 1
        if load >= 0:
            index += 1
            if index == folds[load, USED]:
                load, loaded = -1, True
        streamed = folds[max(stream, 0), LENGTH]
        if stream >= 0:
            row += 1
            if row == streamed:
                stream = -1
        begins = loaded and stream < 0
        if begins:
            stream, row, loaded = started, 0, False
            started += 1
        trigger = begins if hidden else stream >= 0 and row == streamed - 1
        if trigger and started < number:
            load, index = started, 0
    return cycle


@kernel
def schedule_os(folds: Ints, plan: Ints) -> int:
    """Fill `plan`: a fold's terms, then its drain, a row a cycle. Returns the cycles filled.

    A fold enters behind the last one, and no earlier than lets that one's drain end before its own begins.
    """
    number = folds.shape[0]
    stream, term, drain, row = 0, 0, -1, 0
    cycle = 0
    while stream < number or drain >= 0:
        enters = stream < number and term < folds[stream, LENGTH]
        plan[STREAM_FOLD, cycle], plan[STREAM_INDEX, cycle] = stream if enters else -1, term
        plan[SIDE_FOLD, cycle], plan[SIDE_INDEX, cycle] = drain, row
        cycle += 1
        if drain >= 0:
            row += 1
            if row == folds[drain, USED]:
                drain = -1
        if stream < number:
            term += 1
            streamed = folds[stream, LENGTH]
            if term == streamed:
                drain, row = stream, 0
            following = folds[min(stream + 1, number - 1), LENGTH]
            if term >= max(streamed, streamed + folds[stream, USED] - following):
                stream, term = stream + 1, 0
    return cycle
