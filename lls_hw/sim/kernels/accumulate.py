"""The sum of two gradients whose scales differ."""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.scalar import HALF_UP, NEAREST_EVEN, shift_round

SUM: Events = {"shifts": 2, "adds": 1, "peaks": 2}  # the peaks of both operands decide the scale of their sum
MEAN: Events = {"multiplies": 1}


@kernel
def add_aligned(
    total: Ints, total_shift: Int, gradient: Ints, grad_shift: Int, factor: Int, shift: Int, out: Ints
) -> None:
    """out = factor (total / 2**total_shift + gradient / 2**grad_shift) / 2**shift.

    Each operand is rounded once, to even; the mean once, half up. The caller's shifts leave the sum below 2**47;
    factor < 2**15, and factor / 2**shift <= 1; 1 and 0 change nothing.
    """
    for i in range(out.size):
        there = shift_round(np.int64(total[i]), total_shift, NEAREST_EVEN, np.int64(0))
        new = shift_round(np.int64(gradient[i]), grad_shift, NEAREST_EVEN, np.int64(0))
        out[i] = shift_round((there + new) * np.int64(factor), shift, HALF_UP, np.int64(0))
