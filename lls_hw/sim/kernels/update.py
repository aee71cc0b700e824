"""The optimiser's step in integers: momentum, learning rate, stochastic rounding into the master."""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints, Wide
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.scalar import HALF_UP, clamp, farthest, hash32, random_bits, shift_round


@kernel
def momentum_wide(gradient: Ints, grad_shift: Int, momentum: Ints, decay: Int, wide: Wide) -> Int:
    """wide = decay momentum + gradient, at the momentum's fraction plus the decay's.

    `grad_shift` brings the gradient there; returns the largest magnitude. The gradient's codes are
    held to 2**60 so that a scale left far behind saturates instead of overflowing.
    """
    peak = np.int64(0)
    bound = np.int64(1) << 60
    for i in range(gradient.size):
        code = np.int64(gradient[i])
        room = bound >> min(max(-grad_shift, np.int64(0)), np.int64(60))
        code = shift_round(clamp(code, -room, room), grad_shift, HALF_UP, np.int64(0))
        value = np.int64(momentum[i]) * decay + code
        wide[i] = value
        peak = farthest(peak, value)
    return peak


MOMENTUM: Events = {"shifts": 1, "macs": 1}
"""`momentum_wide`, an element: the gradient is brought to the product's scale; the peak is a detector's."""


@kernel
def apply_update(
    step: Ints, rate: Int, shift: Int, room: Int, mode: Int, key: Int, total_bits: Int, master: Ints, origin: Int = 0
) -> tuple[int, int, int, Int]:
    """master = master / 2**room - rate step / 2**(shift + room), rounded once by `mode`, in place.

    `room` (0 or 1) is the fraction bit that the master gives up for a larger range: its last bit joins what is
    rounded. `origin` is the first code's place in its tensor. Returns (saturated, updates wanted, updates that moved
    no code, largest magnitude after).
    """
    high = (np.int64(1) << (total_bits - 1)) - 1
    low = -high - 1
    saturated, wanted, lost = 0, 0, 0
    peak = np.int64(0)
    fine = min(max(shift, np.int64(0)), np.int64(60))  # |rate step| < 2**47: what lies 60 bits below moves nothing
    for i in range(step.size):
        exact = np.int64(step[i]) * rate
        old = np.int64(master[i])
        if room:
            rest = shift_round(exact, shift - fine, HALF_UP, np.int64(0)) - ((old & 1) << fine)
            change = shift_round(rest, fine + 1, mode, random_bits(key, origin + i))
        else:
            change = shift_round(exact, shift, mode, random_bits(key, origin + i))
        if exact != 0:
            wanted += 1
            lost += 1 if change == 0 else 0
        code = (old >> room) - change
        if code < low or code > high:
            saturated += 1
            code = clamp(code, low, high)
        master[i] = code
        peak = farthest(peak, code)
    return saturated, wanted, lost, peak


DESCENT: Events = {"multiplies": 1, "shifts": 1, "adds": 1, "peaks": 1}
"""`apply_update`, an element, beside the rounding and clamping of its change (`Narrowing.events`): lr v; the master at
its scale (`room`), less the change; and the detector that decides the next step's room and copy."""


@kernel
def stream_key(seed: Int, step: Int, stream: Int) -> Int:
    """Key of one tensor's random stream at one step: a hash, so order and threads cannot matter."""
    return hash32(hash32(hash32(np.int64(seed)) ^ np.int64(step)) ^ np.int64(stream))
