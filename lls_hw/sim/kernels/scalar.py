"""Integer scalars every kernel shares: rounding shifts, divisions, roots, random bits.

All values are int64. Bounds on the arguments stand in each docstring and are what the callers
prove; inside them nothing overflows, compiled or not.
"""

import numpy as np

from lls_hw.sim.kernels.codes import Int
from lls_hw.sim.kernels.jit import kernel

NEAREST_EVEN, HALF_UP, FLOOR, STOCHASTIC = 0, 1, 2, 3
MANTISSA_BITS = 16
MAX_SHIFT = 62


@kernel
def hash32(x: Int) -> Int:
    """Mix 32 bits into 32 bits (multiply-xorshift, two rounds); a bijection of 0 .. 2**32 - 1."""
    mask = np.int64(0xFFFFFFFF)
    x = np.int64(x) & mask
    x = (((x >> 16) ^ x) * np.int64(0x45D9F3B)) & mask
    x = (((x >> 16) ^ x) * np.int64(0x45D9F3B)) & mask
    return (x >> 16) ^ x


@kernel
def random_bits(key: Int, index: Int) -> Int:
    """32 random bits that depend only on the stream's key and the element's index."""
    return hash32(hash32(np.int64(index)) ^ np.int64(key))


@kernel
def shift_round(value: Int, shift: Int, mode: Int, bits: Int) -> Int:
    """value / 2**shift rounded by `mode`; `bits` are 32 random bits (stochastic only).

    |value| < 2**62; a shift above 62 counts as 62; a negative shift is an exact left shift whose
    result is held to +-2**62, so that a scale left far behind saturates instead of overflowing.
    There is no branch on the value or the shift, so that a loop of these runs on vector registers.
    """
    left = min(max(-shift, np.int64(0)), np.int64(MAX_SHIFT))
    right = min(max(shift, np.int64(0)), np.int64(MAX_SHIFT))
    room = (np.int64(1) << MAX_SHIFT) >> left
    value = min(max(value, -room), room) << left
    unit = np.int64(1) << right
    floor = value >> right
    if mode == FLOOR:
        return floor
    if mode == STOCHASTIC:
        draw = (bits << max(right - 32, np.int64(0))) & (unit - 1)
        return floor + (np.int64(1) if value & (unit - 1) > draw else np.int64(0))
    if mode == HALF_UP:
        return (value + (unit >> 1)) >> right
    some = min(right, np.int64(1))
    return (value + (unit >> 1) - some + (floor & some)) >> right


@kernel
def divide_round(value: Int, by: Int) -> Int:
    """value / by to the nearest integer, ties upward; by > 0, |value| + by < 2**62."""
    return (2 * value + by) // (2 * by)


@kernel
def bit_length(value: Int) -> Int:
    """Bits of a non-negative number: 0 for 0, n for 2**(n-1) .. 2**n - 1."""
    count = np.int64(0)
    while value > 0:
        value >>= 1
        count += 1
    return count


@kernel
def isqrt(value: Int) -> Int:
    """floor(sqrt(value)) for 0 <= value < 2**62, digit by digit as a serial root unit does it."""
    root = np.int64(0)
    bit = np.int64(1) << 60
    while bit > value:
        bit >>= 2
    while bit > 0:
        if value >= root + bit:
            value -= root + bit
            root = (root >> 1) + bit
        else:
            root >>= 1
        bit >>= 2
    return root


@kernel
def normalise(value: Int, exponent: Int) -> tuple[Int, Int]:
    """(mantissa, exponent) with the same value * 2**-exponent and 2**15 <= |mantissa| < 2**16.

    The mantissa is rounded to nearest (ties upward); zero stays (0, 0). |value| < 2**62.
    """
    magnitude = value if value >= 0 else -value
    if magnitude == 0:
        return np.int64(0), np.int64(0)
    shift = bit_length(magnitude) - MANTISSA_BITS
    mantissa = shift_round(magnitude, shift, HALF_UP, np.int64(0))
    if mantissa == np.int64(1) << MANTISSA_BITS:
        mantissa >>= 1
        shift += 1
    return (mantissa if value >= 0 else -mantissa), exponent - shift


@kernel
def sqrt_ratio(num: Int, den: Int) -> tuple[Int, Int]:
    """sqrt(num / den) as (mantissa, exponent), value = mantissa * 2**-exponent.

    0 < num < 2**62, 0 < den < 2**63. The divisor is cut to 26 bits and the quotient has at least
    35, so the relative error is below 2**-25 (cut) + 2**-17 (root) + 2**-16 (mantissa) < 2**-15.
    """
    cut = max(bit_length(den) - 26, np.int64(0))
    den = den >> cut
    grow = MAX_SHIFT - bit_length(num)
    if (grow + cut) & 1:
        grow -= 1
    if grow >= 0:
        quotient = (num << grow) // den
    else:
        quotient = (num >> -grow) // den
    # sqrt(num / (den 2**cut)) = sqrt(quotient 2**-(grow + cut)); the sum is even
    return normalise(isqrt(quotient), (grow + cut) >> 1)


@kernel
def clamp(value: Int, low: Int, high: Int) -> Int:
    """Saturation."""
    return min(max(value, low), high)


@kernel
def farthest(peak: Int, value: Int) -> Int:
    """The larger of a peak and a value's magnitude: what a peak detector keeps."""
    return max(peak, value if value >= 0 else -value)


@kernel
def wrap(value: Int, bits: Int) -> Int:
    """Two's-complement wrap to `bits` bits."""
    half = np.int64(1) << (bits - 1)
    return ((value + half) & ((half << 1) - 1)) - half
