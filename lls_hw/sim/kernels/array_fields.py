"""Common parts of the register-level grids: named registers, folds, schedules and counters, and its arithmetic.

State is one int64 array per grid, `regs[field, r, c]`; each grid names the fields that it adds. A step reads the
present values of the left and upper neighbours and overwrites in place, from the last element to
the first, so every element sees its neighbours as they were before the clock edge. The edges are fed
by a schedule: what stands at row 0 and column 0 in each cycle; row r sees it r cycles later and
column c c later.
"""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.scalar import clamp, wrap

# registers of every element: moving operand, its valid bit, sum, its valid bit
A, A_VALID, SUM, SUM_VALID = 0, 1, 2, 3
# rows of the schedule, one column a cycle: fold (-1: nothing) and index within it
STREAM_FOLD, STREAM_INDEX, SIDE_FOLD, SIDE_INDEX = 0, 1, 2, 3
# a fold: what stands along the rows and columns (start, used); which part streams (start, length);
# whether its sums start or finish the outputs
DOWN, USED, ACROSS, WIDTH, STREAM, LENGTH, STARTS, ENDS = range(8)
# a column's accumulators: the fold, and the row of it, whose sum comes next, and where that fold's sums begin; the same
# of the sum that leaves next
IN_FOLD, IN_ROW, IN_BASE, OUT_FOLD, OUT_ROW, OUT_BASE = range(6)
# the form of a run: bits and overflow of a sum, masks of operands and sums, hidden preload; whether sums of an earlier
# product stand in the accumulators, and whether all stay there until the last; entries, which sums fill in a ring,
# and of each of two banks between which sets of sums alternate (0: each begins behind the one before)
BITS, WRAPS, MASK, SUM_MASK, HIDDEN, CONTINUES, WAITS, RING, BANK = range(9)
# counters
(
    MACS, OVERFLOWS, STREAM_READS, SIDE_READS, ACC_READS, ACC_WRITES, OUTPUTS,
    OPERAND_SHIFTS, SUM_SHIFTS, SIDE_SHIFTS, SWAPS, DRAIN_SHIFTS,
    OPERAND_TOGGLES, SUM_TOGGLES, SIDE_TOGGLES, SWAP_TOGGLES, DRAIN_TOGGLES, STEPS,
) = range(18)  # fmt: skip
N_COUNTERS = 18


@kernel
def ones(value: Int) -> Int:
    """Set bits of a non-negative int64 (a tree of partial sums, no multiplication)."""
    value = value - ((value >> 1) & 0x5555555555555555)
    value = (value & 0x3333333333333333) + ((value >> 2) & 0x3333333333333333)
    value = (value + (value >> 4)) & 0x0F0F0F0F0F0F0F0F
    value += value >> 8
    value += value >> 16
    return (value + (value >> 32)) & 127


@kernel
def narrow(exact: Int, bits: Int, wraps: Int, counts: Ints) -> Int:
    """`exact` held to `bits`, an overflow counted."""
    high = (np.int64(1) << (bits - 1)) - 1
    low = -high - 1
    if exact > high or exact < low:
        counts[OVERFLOWS] += 1
        return wrap(exact, bits) if wraps else clamp(exact, low, high)
    return exact


@kernel
def next_fold(folds: Ints, fold: Int, col: Int) -> Int:
    """The first fold from `fold` on in which that column works, or the number of folds."""
    while fold < folds.shape[0] and folds[fold, WIDTH] <= col:
        fold += 1
    return fold


@kernel
def finishing_fold(folds: Ints, fold: Int, col: Int) -> Int:
    """The first fold from `fold` on that finishes sums of that column, or the number of folds."""
    fold = next_fold(folds, fold, col)
    while fold < folds.shape[0] and folds[fold, ENDS] == 0:
        fold = next_fold(folds, fold + 1, col)
    return fold


@kernel
def open_accumulators(folds: Ints, n_cols: Int) -> Ints:
    """State of every column's accumulators before the first sum: `at[field, col]`."""
    at = np.zeros((6, n_cols), np.int64)
    for c in range(n_cols):
        at[IN_FOLD, c], at[OUT_FOLD, c] = next_fold(folds, 0, c), finishing_fold(folds, 0, c)
    return at


@kernel
def accumulate(
    sums: Ints, at: Ints, folds: Ints, col: Int, place: Int, total: Int, length: Int, form: Ints, counts: Ints
) -> None:
    """One sum of a column is stored or added at entry `place` of its fold, which has `length` of them."""
    fold, entry = at[IN_FOLD, col], (at[IN_BASE, col] + place) % form[RING]
    if folds[fold, STARTS] == 0 or form[CONTINUES] != 0:
        total = narrow(sums[col, entry] + total, form[BITS], form[WRAPS], counts)
        counts[ACC_READS] += 1
    sums[col, entry] = total
    at[IN_ROW, col] += 1
    if at[IN_ROW, col] == length:
        at[IN_ROW, col] = 0
        at[IN_FOLD, col] = next_fold(folds, fold + 1, col)
        if folds[fold, ENDS] != 0:
            at[IN_BASE, col] = _behind(at[IN_BASE, col], length, form)


@kernel
def _behind(base: Int, length: Int, form: Ints) -> Int:
    """The place of sums after `length` of them at `base`: behind them, or into the other bank."""
    return form[BANK] - base if form[BANK] != 0 else (base + length) % form[RING]


@kernel
def drain(sums: Ints, at: Ints, folds: Ints, first: Int, size: Int, out: Ints, form: Ints, counts: Ints) -> bool:
    """One finished sum a column leaves for `out`; its rows are (first, size) in a fold. Whether any is still to leave.

    Sums leave when their fold has finished, while the next one's come; those that stay leave after the last.
    """
    left = False
    for c in range(sums.shape[0]):
        fold = at[OUT_FOLD, c]
        if fold < folds.shape[0]:
            left = True
            if at[IN_FOLD, c] > fold and (form[WAITS] == 0 or at[IN_FOLD, c] == folds.shape[0]):
                row = at[OUT_ROW, c]
                out[folds[fold, first] + row, folds[fold, ACROSS] + c] = sums[c, (at[OUT_BASE, c] + row) % form[RING]]
                counts[OUTPUTS] += 1
                at[OUT_ROW, c] += 1
                if row + 1 == folds[fold, size]:
                    at[OUT_ROW, c], at[OUT_FOLD, c] = 0, finishing_fold(folds, fold + 1, c)
                    at[OUT_BASE, c] = _behind(at[OUT_BASE, c], folds[fold, size], form)
    return left
