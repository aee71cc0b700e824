"""Depthwise convolution and its two gradients, channel-last, one multiply-accumulate at a time.

The vector unit keeps one accumulator per output; taps are added in row-major order. The `exact`
and guarded forms differ as in `gemm`.
"""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.scalar import clamp, wrap


@kernel
def add_products(sums: Ints, values: Ints, weights: Ints, total_bits: Int, wraps: Int, exact: Int) -> int:
    """sums[c] += values[c] * weights[c]; returns overflows (products: one per channel)."""
    channels = sums.size
    if exact:
        for c in range(channels):
            sums[c] += np.int64(values[c]) * np.int64(weights[c])
        return 0
    high = (np.int64(1) << (total_bits - 1)) - 1
    low = -high - 1
    overflows = 0
    for c in range(channels):
        total = np.int64(sums[c]) + np.int64(values[c]) * np.int64(weights[c])
        if total < low or total > high:
            overflows += 1
            total = wrap(total, total_bits) if wraps else clamp(total, low, high)
        sums[c] = total
    return overflows


@kernel
def depthwise_images(
    x: Ints,
    w: Ints,
    out: Ints,
    direction: Int,
    stride: Int,
    pad: Int,
    first: Int,
    last: Int,
    total_bits: Int,
    wraps: Int,
    exact: Int,
) -> tuple[int, int]:
    """Images first ... last - 1 in one of three directions; returns (products, overflows).

    x (batch, h, w, c), w (kh, kw, c), out (batch, out_h, out_w, c). direction 0 writes
    out += x * w; 1 (input gradient) writes x += out * w; 2 (weight gradient) writes w += x * out.
    What is written holds zeros on entry. A tap on the padding multiplies by zero: it is counted,
    as the unit spends its cycle, and changes nothing.
    """
    _, height, width, channels = x.shape
    kernel_h, kernel_w, _ = w.shape
    _, out_h, out_w, _ = out.shape
    macs, overflows = 0, 0
    for image in range(first, last):
        for oy in range(out_h):
            for ox in range(out_w):
                for ky in range(kernel_h):
                    for kx in range(kernel_w):
                        macs += channels
                        yy, xx = oy * stride - pad + ky, ox * stride - pad + kx
                        if 0 <= yy < height and 0 <= xx < width:
                            a, b, c = x[image, yy, xx], w[ky, kx], out[image, oy, ox]
                            if direction == 0:
                                overflows += add_products(c, a, b, total_bits, wraps, exact)
                            elif direction == 1:
                                overflows += add_products(a, c, b, total_bits, wraps, exact)
                            else:
                                overflows += add_products(b, a, c, total_bits, wraps, exact)
    return macs, overflows
