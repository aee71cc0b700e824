"""Pooling between blocks, forward and backward."""

from fractions import Fraction

import numpy as np

from lls_hw.models.program.ops.pooling import Pool, PoolBackward
from lls_hw.models.spec.geometry import PoolGrid, Window
from lls_hw.sim.functional.machine import IntegerMachine, Runners
from lls_hw.sim.kernels.codes import Wide
from lls_hw.sim.kernels.pool import MAXIMUM, MEAN_GUARD, SHARE, SUM, max_pool_backward, mean_pool_backward, pool_images
from lls_hw.sim.kernels.tables import mantissa
from lls_hw.sim.kernels.threads import run


def windows(intervals: tuple[Window, ...]) -> Wide:
    """Intervals as an (n, 2) array."""
    return np.array(intervals, np.int64)


def shares(grid: PoolGrid) -> tuple[Wide, Wide]:
    """Reciprocals of the areas of a grid's windows, (rows, cols): codes and their fraction bits."""
    pairs = [mantissa(Fraction(1, area)) for area in grid.areas]
    codes, fracs = np.array(pairs, np.int64).reshape(len(grid.rows), len(grid.cols), 2).transpose(2, 0, 1)
    return np.ascontiguousarray(codes), np.ascontiguousarray(fracs)


def run_pool(m: IntegerMachine, op: Pool) -> None:
    """Maximum, whose codes keep their scale, or mean, which is narrower and gets one of its own."""
    x, grid, is_max = m.read(op.source), op.pool.grid, op.pool.kind == "max"
    shape = (op.batch, op.pool.out_h, op.pool.out_w, op.pool.channels)
    out = np.empty(shape, x.codes.dtype if is_max else np.int64)
    areas = windows(grid.rows), windows(grid.cols), *shares(grid)

    codes = x.codes.reshape(op.batch, op.pool.in_h, op.pool.in_w, op.pool.channels)

    def work(first: int, last: int) -> int:
        return pool_images(codes, *areas, is_max, first, last, out)

    m.did(MAXIMUM if is_max else SUM, sum(run(work, op.batch)))
    if is_max:
        m.write(op.out, out, x.frac)
    else:
        m.did(SHARE, out.size)
        m.narrow(op.out, out, x.frac + MEAN_GUARD)


def run_pool_backward(m: IntegerMachine, op: PoolBackward) -> None:
    """The error goes to each window's maximum, found again, or is shared out over the window."""
    delta, grid = m.read(op.error), op.pool.grid
    shape = (op.batch, op.pool.in_h, op.pool.in_w, op.pool.channels)
    rows, cols = windows(grid.rows), windows(grid.cols)
    if op.pool.kind == "avg":
        wide, areas = np.empty(shape, np.int64), shares(grid)

        def share(first: int, last: int) -> int:
            return mean_pool_backward(delta.codes, rows, cols, *areas, first, last, wide)

        m.did(SUM, sum(run(share, op.batch)))
        m.did(SHARE, delta.codes.size)
        m.narrow(op.out, wide, delta.frac + MEAN_GUARD)
        return
    x = m.read(op.source)
    m.read(op.pooled)  # the unit compares the input with the stored maximum instead of searching
    out = np.empty(shape, delta.codes.dtype)

    def send(first: int, last: int) -> int:
        return max_pool_backward(delta.codes, x.codes, rows, cols, first, last, out)

    m.did(MAXIMUM, sum(run(send, op.batch)))
    m.write(op.out, out, delta.frac)


RUNNERS: Runners = {Pool: run_pool, PoolBackward: run_pool_backward}
