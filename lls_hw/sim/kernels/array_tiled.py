"""The sums of the array without its clock: same bits, same overflows, no registers.

`exact_*` are for operands whose bound proves that no partial sum leaves the accumulator; then order
cannot matter. `guarded` repeats every addition of the array in its order: a chain of `depth` products from
zero, then one addition to the stored partial sum.
"""

import numpy as np

from lls_hw.sim.kernels.jit import Int, Ints, kernel
from lls_hw.sim.kernels.scalar import clamp, wrap


@kernel
def exact_narrow(a: Ints, b: Ints, out: Ints) -> None:
    """out = a @ b where every partial sum fits int32: the sums of a row stay in 32-bit lanes."""
    n_rows, n_inner = a.shape
    n_cols = b.shape[1]
    sums = np.empty(n_cols, np.int32)
    for i in range(n_rows):
        sums[:] = 0
        for k in range(n_inner):
            value = np.int32(a[i, k])
            if value != 0:
                for j in range(n_cols):
                    sums[j] = np.int32(sums[j] + value * np.int32(b[k, j]))
        for j in range(n_cols):
            out[i, j] = np.int64(sums[j])


@kernel
def exact_wide(a: Ints, b: Ints, out: Ints) -> None:
    """out = a @ b in int64."""
    n_rows, n_inner = a.shape
    n_cols = b.shape[1]
    for i in range(n_rows):
        out[i, :] = 0
        for k in range(n_inner):
            value = np.int64(a[i, k])
            for j in range(n_cols):
                out[i, j] += value * np.int64(b[k, j])


@kernel
def guarded(a: Ints, b: Ints, depth: Int, bits: Int, wraps: Int, out: Ints) -> int:
    """out = a @ b, chains of `depth` held to `bits` at every addition; returns the overflows."""
    n_rows, n_inner = a.shape
    n_cols = b.shape[1]
    high = (np.int64(1) << (bits - 1)) - 1
    low = -high - 1
    chain = np.zeros(n_cols, np.int64)
    overflows = 0
    for i in range(n_rows):
        for start in range(0, n_inner, depth):
            chain[:] = 0
            for k in range(start, min(start + depth, n_inner)):
                value = np.int64(a[i, k])
                for j in range(n_cols):
                    total = chain[j] + value * np.int64(b[k, j])
                    if total > high or total < low:
                        overflows += 1
                        total = wrap(total, bits) if wraps else clamp(total, low, high)
                    chain[j] = total
            for j in range(n_cols):
                total = chain[j]
                if start > 0:
                    total += out[i, j]
                    if total > high or total < low:
                        overflows += 1
                        total = wrap(total, bits) if wraps else clamp(total, low, high)
                out[i, j] = total
    return overflows
