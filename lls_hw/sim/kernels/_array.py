"""The systolic array clocked register by register, and the same sums without the clock.

State is one int64 array per grid, `regs[field, r, c]`; the fields are named below. A step reads the
present values of the left and upper neighbours and overwrites in place, from the last element to
the first, so every element sees its neighbours as they were before the clock edge. The edges are fed
by a schedule: what stands at row 0 and column 0 in each cycle; row r sees it r cycles later and column c c later.
"""

import numpy as np
from numpy.typing import NDArray

from lls_hw.sim.kernels._jit import Int, kernel
from lls_hw.sim.kernels._scalar import clamp, wrap

Grid = NDArray[np.int64]

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
def narrow(exact: Int, bits: Int, wraps: Int, counts: Grid) -> Int:
    """`exact` held to `bits`, an overflow counted."""
    high = (np.int64(1) << (bits - 1)) - 1
    low = -high - 1
    if exact > high or exact < low:
        counts[OVERFLOWS] += 1
        return wrap(exact, bits) if wraps else clamp(exact, low, high)
    return exact


@kernel
def schedule_ws(streamed: int, used: Grid, hidden: bool, plan: Grid) -> int:
    """Fill `plan` as the sequencer does: `used[f]` weights a column to load, `streamed` rows to stream.

    With a second register loading starts as the previous fold starts; without, as its last row enters.
    Returns the cycles filled.
    """
    folds = used.size
    stream, row, load, index = -1, 0, 0, 0
    loaded, cycle, started = False, 0, 0
    while started < folds or stream >= 0:
        plan[STREAM_FOLD, cycle], plan[STREAM_INDEX, cycle] = stream, row
        plan[SIDE_FOLD, cycle], plan[SIDE_INDEX, cycle] = load, index
        cycle += 1
        if load >= 0:
            index += 1
            if index == used[load]:
                load, loaded = -1, True
        if stream >= 0:
            row += 1
            if row == streamed:
                stream = -1
        begins = loaded and stream < 0
        if begins:
            stream, row, loaded = started, 0, False
            started += 1
        trigger = begins if hidden else stream >= 0 and row == streamed - 1
        if trigger and started < folds:
            load, index = started, 0
    return cycle


@kernel
def schedule_os(streamed: int, used: Grid, plan: Grid) -> int:
    """Fill `plan`: `streamed` terms a fold, then its drain of `used[f]` rows. Returns the cycles filled."""
    folds = used.size
    stream, term, drain, row = 0, 0, -1, 0
    cycle = 0
    while stream < folds or drain >= 0:
        enters = stream < folds and term < streamed
        plan[STREAM_FOLD, cycle], plan[STREAM_INDEX, cycle] = stream if enters else -1, term
        plan[SIDE_FOLD, cycle], plan[SIDE_INDEX, cycle] = drain, row
        cycle += 1
        if drain >= 0:
            row += 1
            if row == used[drain]:
                drain = -1
        if stream < folds:
            term += 1
            if term == streamed:
                drain, row = stream, 0
            if term >= max(streamed, used[stream]):
                stream, term = stream + 1, 0
    return cycle


@kernel
def edges_ws(a: Grid, b: Grid, plan: Grid, filled: int, cycle: int, left: Grid, top: Grid, counts: Grid) -> None:
    """What stands at the edges: `left[field, r]` operand, valid, swap, enable; `top[field, c]` valid, weight, valid."""
    n_rows, n_cols = left.shape[1], top.shape[1]
    n_inner, n_outer = b.shape
    inner_folds = (n_inner + n_rows - 1) // n_rows
    for r in range(n_rows):
        left[:, r] = 0
        now = cycle - r
        if 0 <= now < filled and plan[STREAM_FOLD, now] >= 0:
            inner = plan[STREAM_FOLD, now] % inner_folds * n_rows + r
            if inner < n_inner:
                left[0, r], left[1, r] = np.int64(a[plan[STREAM_INDEX, now], inner]), 1
                left[2, r] = plan[STREAM_INDEX, now] == 0
                counts[STREAM_READS] += 1
        if cycle < filled and plan[SIDE_FOLD, cycle] >= 0:
            left[3, r] = plan[SIDE_INDEX, cycle] >= r
    for c in range(n_cols):
        top[:, c] = 0
        now = cycle - c
        if 0 <= now < filled:
            fold = plan[STREAM_FOLD, now]
            if fold >= 0 and fold // inner_folds * n_cols + c < n_outer:
                top[0, c] = 1
            fold = plan[SIDE_FOLD, now]
            outer = fold // inner_folds * n_cols + c
            if fold >= 0 and outer < n_outer:
                start = fold % inner_folds * n_rows
                last = min(start + n_rows, n_inner) - 1
                top[1, c], top[2, c] = np.int64(b[last - plan[SIDE_INDEX, now], outer]), 1
                counts[SIDE_READS] += 1


@kernel
def step_ws(regs: Grid, left: Grid, top: Grid, form: Grid, counts: Grid) -> None:
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
def collect_ws(regs: Grid, out: Grid, due: Grid, form: Grid, inner_folds: int, counts: Grid) -> None:
    """The accumulators take what stands in the bottom registers; `due[c]` outputs have left column c."""
    n_rows, n_cols = regs.shape[1:]
    streamed = out.shape[0]
    for c in range(n_cols):
        if regs[SUM_VALID, n_rows - 1, c] != 0:
            fold, row = due[c] // streamed, due[c] % streamed
            outer = fold // inner_folds * n_cols + c
            total = regs[SUM, n_rows - 1, c]
            if fold % inner_folds != 0:
                total = narrow(out[row, outer] + total, form[0], form[1], counts)
                counts[ACC_READS] += 1
            out[row, outer] = total
            counts[ACC_WRITES] += 1
            counts[OUTPUTS] += fold % inner_folds == inner_folds - 1
            due[c] += 1


@kernel
def run_ws(
    a: Grid, b: Grid, plan: Grid, filled: int, regs: Grid, form: Grid, out: Grid, counts: Grid, film: Grid
) -> int:
    """Clock the grid until the last sum has left; returns the cycles. `film[cycle]` records `regs`."""
    n_rows, n_cols = regs.shape[1:]
    inner_folds = (b.shape[0] + n_rows - 1) // n_rows
    left, top = np.zeros((4, n_rows), np.int64), np.zeros((3, n_cols), np.int64)
    due = np.zeros(n_cols, np.int64)
    wanted = out.size * inner_folds
    cycle = 0
    while True:
        collect_ws(regs, out, due, form, inner_folds, counts)
        if counts[ACC_WRITES] == wanted:
            counts[OPERAND_SHIFTS] += counts[MACS]
            return cycle
        edges_ws(a, b, plan, filled, cycle, left, top, counts)
        step_ws(regs, left, top, form, counts)
        if cycle < film.shape[0]:
            film[cycle] = regs
        cycle += 1
