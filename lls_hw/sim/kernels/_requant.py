"""The one narrowing loop: round and saturate (or wrap) accumulators into codes."""

import numpy as np

from lls_hw.sim.kernels._jit import Int, Ints, kernel
from lls_hw.sim.kernels._scalar import MAX_SHIFT, STOCHASTIC, clamp, random_bits, shift_round, wrap


@kernel
def requantise_into(acc: Ints, shift: Int, mode: Int, key: Int, total_bits: Int, wraps: Int, out: Ints) -> int:
    """out[i] = narrow(acc[i] / 2**shift); returns how many codes did not fit."""
    high = (np.int64(1) << (total_bits - 1)) - 1
    low = -high - 1
    overflowed = 0
    bits = np.int64(0)
    for i in range(acc.size):
        if mode == STOCHASTIC:
            bits = random_bits(key, i)
        code = shift_round(np.int64(acc[i]), shift, mode, bits)
        if code < low or code > high:
            overflowed += 1
            if wraps and shift < 0:  # the low bits of a left shift are right whatever it lost above
                code = np.int64(acc[i]) << min(-shift, MAX_SHIFT)
            code = wrap(code, total_bits) if wraps else clamp(code, low, high)
        out[i] = code
    return overflowed


@kernel
def max_abs_of(values: Ints) -> Int:
    """Largest magnitude, 0 for no values."""
    most = np.int64(0)
    for i in range(values.size):
        value = np.int64(values[i])
        most = max(most, value if value >= 0 else -value)
    return most
