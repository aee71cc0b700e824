"""The one narrowing loop: round and saturate (or wrap) accumulators into codes."""

import numpy as np

from lls_hw.sim.kernels._jit import Int, Ints, kernel
from lls_hw.sim.kernels._scalar import MAX_SHIFT, STOCHASTIC, clamp, random_bits, shift_round, wrap


@kernel
def requantise_into(
    acc: Ints, shift: Int, mode: Int, key: Int, first: Int, total_bits: Int, wraps: Int, out: Ints
) -> int:
    """out[i] = narrow(acc[i] / 2**shift), element first + i of its tensor; returns how many codes did not fit."""
    high = (np.int64(1) << (total_bits - 1)) - 1
    low = -high - 1
    overflowed = 0
    for i in range(acc.size):
        bits = random_bits(key, first + i) if mode == STOCHASTIC else np.int64(0)
        code = shift_round(np.int64(acc[i]), shift, mode, bits)
        held = clamp(code, low, high)
        overflowed += 1 if held != code else 0
        if wraps:
            if shift < 0:  # the low bits of a left shift are right whatever it lost above
                code = np.int64(acc[i]) << min(-shift, MAX_SHIFT)
            held = wrap(code, total_bits)
        out[i] = held
    return overflowed


@kernel
def narrow_row(
    wide: Ints, shifts: Ints, mode: Int, key: Int, first: Int, total_bits: Int, wraps: Int, out: Ints
) -> int:
    """As `requantise_into` for wide words with a shift each: one row of a map with a scale a channel."""
    high = (np.int64(1) << (total_bits - 1)) - 1
    low = -high - 1
    overflowed = 0
    for c in range(wide.size):
        bits = random_bits(key, first + c) if mode == STOCHASTIC else np.int64(0)
        code = shift_round(wide[c], shifts[c], mode, bits)
        held = clamp(code, low, high)
        overflowed += 1 if held != code else 0
        out[c] = wrap(code, total_bits) if wraps else held
    return overflowed


@kernel
def max_abs_of(values: Ints) -> Int:
    """Largest magnitude, 0 for no values."""
    most = np.int64(0)
    for i in range(values.size):
        value = np.int64(values[i])
        most = max(most, value if value >= 0 else -value)
    return most
