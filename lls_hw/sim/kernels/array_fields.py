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
