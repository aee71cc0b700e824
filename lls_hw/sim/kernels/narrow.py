"""The one narrowing loop: round and saturate (or wrap) accumulators into codes."""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints, Wide
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.scalar import MAX_SHIFT, STOCHASTIC, clamp, farthest, random_bits, shift_round, wrap


@kernel
def wrapped(value: Int, shift: Int, code: Int, total_bits: Int) -> Int:
    """`code`, which is value / 2**shift, wrapped; a left shift's low bits are right whatever it lost above."""
    grown = value << min(max(-shift, np.int64(0)), np.int64(MAX_SHIFT))
    return wrap(grown if shift < 0 else code, total_bits)


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
        out[i] = wrapped(np.int64(acc[i]), shift, code, total_bits) if wraps else held
    return overflowed


@kernel
def requantise_rows(
    acc: Ints, shift: Int, mode: Int, key: Int, first: Int, pitch: Int, total_bits: Int, wraps: Int, out: Ints
) -> int:
    """As `requantise_into` for rows (n, length) of which each begins `pitch` elements after the one before."""
    overflowed = 0
    for row in range(acc.shape[0]):
        overflowed += requantise_into(acc[row], shift, mode, key, first + row * pitch, total_bits, wraps, out[row])
    return overflowed


@kernel
def narrow_row(
    wide: Wide, shifts: Wide, mode: Int, key: Int, first: Int, total_bits: Int, wraps: Int, out: Ints
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
        out[c] = wrapped(wide[c], shifts[c], code, total_bits) if wraps else held
    return overflowed


@kernel
def max_abs_of(values: Ints) -> Int:
    """Largest magnitude, 0 for no values."""
    most = np.int64(0)
    for i in range(values.size):
        most = farthest(most, np.int64(values[i]))
    return most
