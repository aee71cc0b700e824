"""The output-stationary grid clocked register by register, and its sequencer."""

import numpy as np

from lls_hw.sim.kernels.array_fields import (
    A_VALID,
    ACROSS,
    BITS,
    DOWN,
    DRAIN_SHIFTS,
    DRAIN_TOGGLES,
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

# registers besides the shared ones: first tag with the operand; operand from above and its valid bit; drain register
# and its valid bit; take and hold tags
FIRST, B, B_VALID, DRAIN, DRAIN_VALID, TAKE, HOLD = 4, 5, 6, 7, 8, 9, 10
FIELDS = 11


@kernel
def edges_os(
    a: Ints, b: Ints, folds: Ints, plan: Ints, filled: Int, cycle: Int, left: Ints, top: Ints, counts: Ints
) -> None:
    """Fill the edges: `left[field, r]` operand, valid, first, take, hold; `top[field, c]` operand, valid."""
    n_rows, n_cols = left.shape[1], top.shape[1]
    for r in range(n_rows):
        left[:, r] = 0
        now = cycle - r
        if 0 <= now < filled and plan[STREAM_FOLD, now] >= 0:
            fold, term = plan[STREAM_FOLD, now], plan[STREAM_INDEX, now]
            if r < folds[fold, USED]:
                left[0, r], left[1, r] = np.int64(a[folds[fold, DOWN] + r, folds[fold, STREAM] + term]), 1
                left[2, r] = term == 0
                counts[STREAM_READS] += 1
        if cycle < filled and plan[SIDE_FOLD, cycle] >= 0:
            left[3, r] = plan[SIDE_INDEX, cycle] == r
            left[4, r] = plan[SIDE_INDEX, cycle] > r
    for c in range(n_cols):
        top[:, c] = 0
        now = cycle - c
        if 0 <= now < filled and plan[STREAM_FOLD, now] >= 0:
            fold, term = plan[STREAM_FOLD, now], plan[STREAM_INDEX, now]
            if c < folds[fold, WIDTH]:
                top[0, c], top[1, c] = np.int64(b[folds[fold, STREAM] + term, folds[fold, ACROSS] + c]), 1
                counts[SIDE_READS] += 1


@kernel
def step_os(regs: Ints, left: Ints, top: Ints, form: Ints, counts: Ints) -> None:
    """One clock edge of the output-stationary grid."""
    n_rows, n_cols = regs.shape[1:]
    bits, wraps, mask, sum_mask = form[BITS], form[WRAPS], form[MASK], form[SUM_MASK]
    counts[STEPS] += n_rows * n_cols
    for r in range(n_rows - 1, -1, -1):
        for c in range(n_cols - 1, -1, -1):
            value, valid = (regs[A, r, c - 1], regs[A_VALID, r, c - 1]) if c > 0 else (left[0, r], left[1, r])
            first = regs[FIRST, r, c - 1] if c > 0 else left[2, r]
            take, hold = (regs[TAKE, r, c - 1], regs[HOLD, r, c - 1]) if c > 0 else (left[3, r], left[4, r])
            other, ready = (regs[B, r - 1, c], regs[B_VALID, r - 1, c]) if r > 0 else (top[0, c], top[1, c])
            if hold == 0:
                drained, full = (regs[SUM, r, c], regs[SUM_VALID, r, c]) if take != 0 else (np.int64(0), np.int64(0))
                if take == 0 and r > 0:
                    drained, full = regs[DRAIN, r - 1, c], regs[DRAIN_VALID, r - 1, c]
                regs[DRAIN_VALID, r, c] = full
                if full != 0:
                    counts[DRAIN_SHIFTS] += 1
                    counts[DRAIN_TOGGLES] += ones((regs[DRAIN, r, c] ^ drained) & sum_mask)
                    regs[DRAIN, r, c] = drained
            active = valid & ready
            if take != 0:
                regs[SUM_VALID, r, c] = 0
            if active != 0:
                total = np.int64(0) if first != 0 else regs[SUM, r, c]
                total = narrow(total + value * other, bits, wraps, counts)
                counts[MACS] += 1
                counts[SUM_TOGGLES] += ones((regs[SUM, r, c] ^ total) & sum_mask)
                counts[OPERAND_TOGGLES] += ones((regs[A, r, c] ^ value) & mask) + ones((regs[B, r, c] ^ other) & mask)
                regs[SUM, r, c], regs[SUM_VALID, r, c] = total, 1
                regs[A, r, c], regs[B, r, c] = value, other
            regs[A_VALID, r, c], regs[B_VALID, r, c] = active, active
            regs[FIRST, r, c] = first & active
            regs[TAKE, r, c], regs[HOLD, r, c] = take, hold


@kernel
def collect_os(regs: Ints, sums: Ints, folds: Ints, at: Ints, form: Ints, counts: Ints) -> Int:
    """Accumulators take what stands in the bottom drain registers, the last row of a fold first; how many they took."""
    n_rows, n_cols = regs.shape[1:]
    taken = 0
    for c in range(n_cols):
        if regs[DRAIN_VALID, n_rows - 1, c] != 0:
            used = folds[at[IN_FOLD, c], USED]
            place = used - 1 - at[IN_ROW, c]
            accumulate(sums, at, folds, c, place, regs[DRAIN, n_rows - 1, c], used, form, counts)
            taken += 1
    return taken


@kernel
def run_os(
    a: Ints, b: Ints, folds: Ints, plan: Ints, filled: Int, regs: Ints, sums: Ints, form: Ints, out: Ints,
    counts: Ints, film: Ints,
) -> int:  # fmt: skip
    """Clock the grid until the last sum has left; returns the cycles. `sums`, `out` and `film` as in `run_ws`."""
    n_rows, n_cols = regs.shape[1:]
    left, top = np.zeros((5, n_rows), np.int64), np.zeros((2, n_cols), np.int64)
    at = open_accumulators(folds, n_cols)
    wanted = (folds[:, USED] * folds[:, WIDTH]).sum()
    cycle = 0
    while True:
        left_over = drain(sums, at, folds, DOWN, USED, out, form, counts)
        wanted -= collect_os(regs, sums, folds, at, form, counts)
        if wanted == 0:
            break
        edges_os(a, b, folds, plan, filled, cycle, left, top, counts)
        step_os(regs, left, top, form, counts)
        if cycle < film.shape[0]:
            film[cycle] = regs
        cycle += 1
    while left_over:
        left_over = drain(sums, at, folds, DOWN, USED, out, form, counts)
    counts[SUM_SHIFTS] += counts[MACS]
    counts[OPERAND_SHIFTS] += 2 * counts[MACS]
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
