"""The systolic array clocked register by register, and the same sums without the clock.

State is one int64 array per grid, `regs[field, r, c]`; the fields are named below. A step reads the
present values of the left and upper neighbours and overwrites in place, from the last element to
the first, so every element sees its neighbours as they were before the clock edge. The edges are fed
by a schedule (`array_plan`): what stands at row 0 and column 0 in each cycle; row r sees it r cycles later and
column c c later.
"""

import numpy as np

from lls_hw.sim.kernels.jit import Int, Ints, kernel
from lls_hw.sim.kernels.scalar import clamp, wrap

# fields of both grids: moving operand, its valid bit, sum
A, A_VALID, SUM, SUM_VALID = 0, 1, 2, 3
# weight-stationary: swap tag with the operand; loading register with valid bit and enable; working register
SWAP, LOAD, LOAD_VALID, ENABLE, WORK = 4, 5, 6, 7, 8
WS_FIELDS = 9
# output-stationary: first tag with the operand; operand from above; drain register, take and hold tags
FIRST, B, B_VALID, DRAIN, DRAIN_VALID, TAKE, HOLD = 4, 5, 6, 7, 8, 9, 10
OS_FIELDS = 11
# rows of the schedule, one column a cycle: fold (-1: nothing) and index within it
STREAM_FOLD, STREAM_INDEX, SIDE_FOLD, SIDE_INDEX = 0, 1, 2, 3
# a fold: what stands along the rows and columns (start, used); which part streams (os: of k; else all rows);
# whether its sums start or finish the outputs
DOWN, USED, ACROSS, WIDTH, STREAM, LENGTH, STARTS, ENDS = range(8)
FOLD_FIELDS = 8
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
def edges_ws(
    a: Ints, b: Ints, folds: Ints, plan: Ints, filled: Int, cycle: Int, left: Ints, top: Ints, counts: Ints
) -> None:
    """What stands at the edges: `left[field, r]` operand, valid, swap, enable; `top[field, c]` valid, weight, valid."""
    n_rows, n_cols = left.shape[1], top.shape[1]
    for r in range(n_rows):
        left[:, r] = 0
        now = cycle - r
        if 0 <= now < filled and plan[STREAM_FOLD, now] >= 0:
            fold = plan[STREAM_FOLD, now]
            if r < folds[fold, USED]:
                left[0, r], left[1, r] = np.int64(a[plan[STREAM_INDEX, now], folds[fold, DOWN] + r]), 1
                left[2, r] = plan[STREAM_INDEX, now] == 0
                counts[STREAM_READS] += 1
        if cycle < filled and plan[SIDE_FOLD, cycle] >= 0:
            left[3, r] = plan[SIDE_INDEX, cycle] >= r
    for c in range(n_cols):
        top[:, c] = 0
        now = cycle - c
        if 0 <= now < filled:
            fold = plan[STREAM_FOLD, now]
            if fold >= 0 and c < folds[fold, WIDTH]:
                top[0, c] = 1
            fold = plan[SIDE_FOLD, now]
            if fold >= 0 and c < folds[fold, WIDTH]:
                last = folds[fold, DOWN] + folds[fold, USED] - 1
                top[1, c], top[2, c] = np.int64(b[last - plan[SIDE_INDEX, now], folds[fold, ACROSS] + c]), 1
                counts[SIDE_READS] += 1


@kernel
def step_ws(regs: Ints, left: Ints, top: Ints, form: Ints, counts: Ints) -> None:
    """One clock edge of the weight-stationary grid; `form`: accumulator bits, wraps, operand and sum mask, hidden."""
    n_rows, n_cols = regs.shape[1:]
    bits, wraps, mask, sum_mask, hidden = form[0], form[1], form[2], form[3], form[4]
    counts[STEPS] += n_rows * n_cols
    for r in range(n_rows - 1, -1, -1):
        for c in range(n_cols - 1, -1, -1):
            value, valid = (regs[A, r, c - 1], regs[A_VALID, r, c - 1]) if c > 0 else (left[0, r], left[1, r])
            swap, enable = (regs[SWAP, r, c - 1], regs[ENABLE, r, c - 1]) if c > 0 else (left[2, r], left[3, r])
            total, running = (regs[SUM, r - 1, c], regs[SUM_VALID, r - 1, c]) if r > 0 else (np.int64(0), top[0, c])
            active = valid & running
            if active != 0:
                weight = regs[LOAD, r, c]
                if hidden != 0:
                    if swap != 0:
                        counts[SWAPS] += 1
                        counts[SWAP_TOGGLES] += ones((regs[WORK, r, c] ^ weight) & mask)
                        regs[WORK, r, c] = weight
                    weight = regs[WORK, r, c]
                total = narrow(total + value * weight, bits, wraps, counts)
                counts[MACS] += 1
                counts[OPERAND_TOGGLES] += ones((regs[A, r, c] ^ value) & mask)
                regs[A, r, c] = value
            if running != 0:
                counts[SUM_SHIFTS] += 1
                counts[SUM_TOGGLES] += ones((regs[SUM, r, c] ^ total) & sum_mask)
                regs[SUM, r, c] = total
            regs[A_VALID, r, c] = active
            regs[SWAP, r, c] = swap & active
            regs[SUM_VALID, r, c] = running
            regs[ENABLE, r, c] = enable
            if enable != 0:
                above, full = (regs[LOAD, r - 1, c], regs[LOAD_VALID, r - 1, c]) if r > 0 else (top[1, c], top[2, c])
                regs[LOAD_VALID, r, c] = full
                if full != 0:
                    counts[SIDE_SHIFTS] += 1
                    counts[SIDE_TOGGLES] += ones((regs[LOAD, r, c] ^ above) & mask)
                    regs[LOAD, r, c] = above


@kernel
def next_fold(folds: Ints, fold: Int, col: Int) -> Int:
    """The first fold from `fold` on in which that column works, or the number of folds."""
    while fold < folds.shape[0] and folds[fold, WIDTH] <= col:
        fold += 1
    return fold


@kernel
def collect_ws(regs: Ints, out: Ints, folds: Ints, due: Ints, form: Ints, counts: Ints) -> None:
    """The accumulators take what stands in the bottom registers; `due[:, c]` is the fold and row column c waits for."""
    n_rows, n_cols = regs.shape[1:]
    for c in range(n_cols):
        if regs[SUM_VALID, n_rows - 1, c] != 0:
            fold, row = due[0, c], due[1, c]
            outer = folds[fold, ACROSS] + c
            total = regs[SUM, n_rows - 1, c]
            if folds[fold, STARTS] == 0:
                total = narrow(out[row, outer] + total, form[0], form[1], counts)
                counts[ACC_READS] += 1
            out[row, outer] = total
            counts[ACC_WRITES] += 1
            counts[OUTPUTS] += folds[fold, ENDS]
            due[1, c] += 1
            if due[1, c] == out.shape[0]:
                due[0, c], due[1, c] = next_fold(folds, fold + 1, c), 0


@kernel
def run_ws(
    a: Ints, b: Ints, folds: Ints, plan: Ints, filled: Int, regs: Ints, form: Ints, out: Ints, counts: Ints, film: Ints
) -> int:
    """Clock the grid until the last sum has left; returns the cycles. `film[cycle]` records `regs`."""
    n_rows, n_cols = regs.shape[1:]
    left, top = np.zeros((4, n_rows), np.int64), np.zeros((3, n_cols), np.int64)
    due = np.zeros((2, n_cols), np.int64)
    for c in range(n_cols):
        due[0, c] = next_fold(folds, 0, c)
    wanted = out.shape[0] * folds[:, WIDTH].sum()
    cycle = 0
    while True:
        collect_ws(regs, out, folds, due, form, counts)
        if counts[ACC_WRITES] == wanted:
            counts[OPERAND_SHIFTS] += counts[MACS]
            return cycle
        edges_ws(a, b, folds, plan, filled, cycle, left, top, counts)
        step_ws(regs, left, top, form, counts)
        if cycle < film.shape[0]:
            film[cycle] = regs
        cycle += 1
