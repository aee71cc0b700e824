"""Pooling between blocks, forward and backward."""

import numpy as np

from lls_hw.models.program.ops.pooling import Pool, PoolBackward
from lls_hw.models.spec.geometry import Window
from lls_hw.sim.functional.machine import IntegerMachine, Runners
from lls_hw.sim.kernels.codes import Wide
from lls_hw.sim.kernels.pool import MEAN_GUARD, max_pool_backward, mean_pool_backward, pool_images
from lls_hw.sim.kernels.threads import run


def windows(intervals: tuple[Window, ...]) -> Wide:
    """Intervals as an (n, 2) array."""
    return np.array(intervals, np.int64)


def run_pool(m: IntegerMachine, op: Pool) -> None:
    """Maximum, whose codes keep their scale, or mean, which is narrower and gets one of its own."""
    x, grid, is_max = m.read(op.source), op.pool.grid, op.pool.kind == "max"
    shape = (op.batch, op.pool.out_h, op.pool.out_w, op.pool.channels)
    out = np.empty(shape, x.codes.dtype if is_max else np.int64)
    rows, cols = windows(grid.rows), windows(grid.cols)

    codes = x.codes.reshape(op.batch, op.pool.in_h, op.pool.in_w, op.pool.channels)

    def work(first: int, last: int) -> None:
        pool_images(codes, rows, cols, is_max, first, last, out)

    run(work, op.batch)
    if is_max:
        m.write(op.out, out, x.frac)
    else:
        m.narrow(op.out, out, x.frac + MEAN_GUARD)


def run_pool_backward(m: IntegerMachine, op: PoolBackward) -> None:
    """The error goes to each window's maximum, found again, or is shared out over the window."""
    delta = m.read(op.error)
    shape = (op.batch, op.pool.in_h, op.pool.in_w, op.pool.channels)
    rows, cols = windows(op.pool.grid.rows), windows(op.pool.grid.cols)
    if op.pool.kind == "avg":
        wide = np.empty(shape, np.int64)
        run(lambda first, last: mean_pool_backward(delta.codes, rows, cols, first, last, wide), op.batch)
        m.narrow(op.out, wide, delta.frac + MEAN_GUARD)
        return
    x = m.read(op.source)
    m.read(op.pooled)  # the unit compares the input with the stored maximum instead of searching
    out = np.empty(shape, delta.codes.dtype)
    run(lambda first, last: max_pool_backward(delta.codes, x.codes, rows, cols, first, last, out), op.batch)
    m.write(op.out, out, delta.frac)


RUNNERS: Runners = {Pool: run_pool, PoolBackward: run_pool_backward}
