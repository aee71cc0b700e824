"""Adam's second moment and its quotient in integers."""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints, Wide
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.scalar import HALF_UP, divide_round, isqrt, shift_round

ROOT_GROWTH = 30
"""Bits a second moment grows by before its root is taken: even, and 32-bit codes stay below 2**62."""


@kernel
def second_moment_wide(
    gradient: Ints, cut: Int, moment: Ints, decay: Int, moment_shift: Int, square_shift: Int, wide: Wide
) -> None:
    """wide = decay moment / 2**moment_shift + (gradient / 2**cut)**2 / 2**square_shift, each rounded half up.

    |gradient / 2**cut| <= 2**30, and the caller's shifts leave the sum below 2**56.
    """
    for i in range(gradient.size):
        code = shift_round(np.int64(gradient[i]), cut, HALF_UP, np.int64(0))
        square = shift_round(code * code, square_shift, HALF_UP, np.int64(0))
        wide[i] = shift_round(np.int64(moment[i]) * decay, moment_shift, HALF_UP, np.int64(0)) + square


SECOND_MOMENT: Events = {"shifts": 3, "multiplies": 2, "adds": 1}


@kernel
def quotients(first: Ints, second: Ints, growth: Int, epsilon: Int, out: Wide) -> None:
    """out = first 2**growth / (sqrt((second + 1) 2**ROOT_GROWTH) + epsilon), to nearest.

    The one that is added is half a code of doubt: what lies below the last bit of a second moment is not zero.
    0 <= second < 2**31, |first| 2**growth < 2**61, 0 <= epsilon <= 2**60.
    """
    for i in range(first.size):
        root = isqrt((np.int64(second[i]) + 1) << ROOT_GROWTH)
        out[i] = divide_round(np.int64(first[i]) << growth, root + epsilon)


QUOTIENT: Events = {"adds": 2, "divides": 2}
"""`quotients`, an element: a root and a division; the shifts are by constants."""
