"""The weight-stationary grid clocked register by register, and its sequencer."""

import numpy as np

from lls_hw.sim.kernels.array_fields import (
    A_VALID,
    ACC_WRITES,
    ACROSS,
    BITS,
    DOWN,
    HIDDEN,
    IN_FOLD,
    IN_ROW,
    LENGTH,
    MACS,
    MASK,
    OPERAND_SHIFTS,
    OPERAND_TOGGLES,
    SIDE_FOLD,
    SIDE_INDEX,
    SIDE_READS,
    SIDE_SHIFTS,
    SIDE_TOGGLES,
    STEPS,
    STREAM,
    STREAM_FOLD,
    STREAM_INDEX,
    STREAM_READS,
    SUM,
    SUM_MASK,
    SUM_SHIFTS,
    SUM_TOGGLES,
    SUM_VALID,
    SWAP_TOGGLES,
    SWAPS,
    USED,
    WIDTH,
    WRAPS,
    A,
    accumulate,
    drain,
    narrow,
    ones,
    open_accumulators,
)
from lls_hw.sim.kernels.codes import Int, Ints
from lls_hw.sim.kernels.jit import kernel

# registers besides the shared ones: swap tag with the operand; loading register, its valid bit and enable; working one
SWAP, LOAD, LOAD_VALID, ENABLE, WORK = 4, 5, 6, 7, 8
FIELDS = 9


@kernel
def edges_ws(
    a: Ints, b: Ints, folds: Ints, plan: Ints, filled: Int, cycle: Int, left: Ints, top: Ints, counts: Ints
) -> None:
    """Fill the edges: `left[field, r]` operand, valid, swap, enable; `top[field, c]` valid, weight, valid."""
    n_rows, n_cols = left.shape[1], top.shape[1]
    for r in range(n_rows):
        left[:, r] = 0
        now = cycle - r
        if 0 <= now < filled and plan[STREAM_FOLD, now] >= 0:
            fold = plan[STREAM_FOLD, now]
            if r < folds[fold, USED]:
                row = folds[fold, STREAM] + plan[STREAM_INDEX, now]
                left[0, r], left[1, r] = np.int64(a[row, folds[fold, DOWN] + r]), 1
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
    """One clock edge of the weight-stationary grid."""
    n_rows, n_cols = regs.shape[1:]
    bits, wraps, mask, sum_mask, hidden = form[BITS], form[WRAPS], form[MASK], form[SUM_MASK], form[HIDDEN]
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
def collect_ws(regs: Ints, sums: Ints, folds: Ints, at: Ints, form: Ints, counts: Ints) -> None:
    """The accumulators take what stands in the bottom registers."""
    n_rows, n_cols = regs.shape[1:]
    for c in range(n_cols):
        if regs[SUM_VALID, n_rows - 1, c] != 0:
            length = folds[at[IN_FOLD, c], LENGTH]
            accumulate(sums, at, folds, c, at[IN_ROW, c], regs[SUM, n_rows - 1, c], length, form, counts)
            counts[ACC_WRITES] += 1


@kernel
def run_ws(
    a: Ints, b: Ints, folds: Ints, plan: Ints, filled: Int, regs: Ints, sums: Ints, form: Ints, out: Ints,
    counts: Ints, film: Ints,
) -> int:  # fmt: skip
    """Clock the grid until the last sum has left; returns the cycles. `film[cycle]` records `regs`.

    `sums[c]` are the accumulators below column c; what is finished leaves them for `out`.
    """
    n_rows, n_cols = regs.shape[1:]
    left, top = np.zeros((4, n_rows), np.int64), np.zeros((3, n_cols), np.int64)
    at = open_accumulators(folds, n_cols)
    wanted = (folds[:, LENGTH] * folds[:, WIDTH]).sum()
    cycle = 0
    while True:
        left_over = drain(sums, at, folds, STREAM, LENGTH, out, form, counts)
        collect_ws(regs, sums, folds, at, form, counts)
        if counts[ACC_WRITES] == wanted:
            break
        edges_ws(a, b, folds, plan, filled, cycle, left, top, counts)
        step_ws(regs, left, top, form, counts)
        if cycle < film.shape[0]:
            film[cycle] = regs
        cycle += 1
    while left_over:
        left_over = drain(sums, at, folds, STREAM, LENGTH, out, form, counts)
    counts[OPERAND_SHIFTS] += counts[MACS]
    return cycle


@kernel
def schedule_ws(hidden: Int, folds: Ints, plan: Ints) -> int:
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
        if stream >= 0:
            row += 1
            if row == folds[stream, LENGTH]:
                stream = -1
        begins = loaded and stream < 0
        if begins:
            stream, row, loaded = started, 0, False
            started += 1
        trigger = begins if hidden else stream >= 0 and row == folds[stream, LENGTH] - 1
        if trigger and started < number:
            load, index = started, 0
    return cycle
