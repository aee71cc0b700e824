"""Matrix products as the array performs them: chain by chain, row by row, every addition guarded.

A chain is `depth` products of one output, added one after the other from zero; the accumulator then adds the
chain to what it holds. Where sums move down a column of the array, a chain is as long as the column is high;
where sums stay in their elements, it is the whole of k. Folds along m and n touch other outputs, so they
change no bit and need no loop. Sums that provably fit take the shorter way of `blas.py`, which shares the
gathering and the folding of columns.
"""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.scalar import clamp, wrap

WHOLE_CHAIN_BLOCK = 64  # positions unfolded at a time where a chain holds all of them


@kernel
def chain_guarded(
    a: Ints, b: Ints, acc: Ints, total_bits: Int, wraps: Int, continues: Int, chain: Ints
) -> tuple[int, int]:
    """acc[m, n] += a[m, k] @ b[k, n], one chain along k; returns (products, overflows).

    `continues`: the chain goes on from what `acc` holds instead of starting from zero and being added to it.
    Every addition is held to `total_bits`; `chain` is room for one row of sums.
    """
    n_rows, n_inner = a.shape
    n_cols = b.shape[1]
    high = (np.int64(1) << (total_bits - 1)) - 1
    low = -high - 1
    macs = 0
    overflows = 0
    for m in range(n_rows):
        for n in range(n_cols):
            chain[n] = acc[m, n] if continues else 0
        for k in range(n_inner):
            value = np.int64(a[m, k])
            for n in range(n_cols):
                total = chain[n] + value * np.int64(b[k, n])
                if total < low or total > high:
                    overflows += 1
                    total = wrap(total, total_bits) if wraps else clamp(total, low, high)
                chain[n] = total
            macs += n_cols
        for n in range(n_cols):
            total = chain[n] if continues else np.int64(acc[m, n]) + chain[n]
            if total < low or total > high:
                overflows += 1
                total = wrap(total, total_bits) if wraps else clamp(total, low, high)
            acc[m, n] = total
    return macs, overflows


@kernel
def gather_rows(
    x: Ints, stride: Int, pad: Int, kernel_h: Int, kernel_w: Int, out_h: Int, out_w: Int, first: Int, out: Ints
) -> None:
    """Rows `first` ... of the implicit im2col of x (batch, h, w, c) into out (rows, k)."""
    _, height, width, channels = x.shape
    for r in range(out.shape[0]):
        position = first + r
        image = position // (out_h * out_w)
        y0 = (position // out_w) % out_h * stride - pad
        x0 = position % out_w * stride - pad
        k = 0
        for ky in range(kernel_h):
            for kx in range(kernel_w):
                yy, xx = y0 + ky, x0 + kx
                if 0 <= yy < height and 0 <= xx < width:
                    for c in range(channels):
                        out[r, k + c] = x[image, yy, xx, c]
                else:
                    for c in range(channels):
                        out[r, k + c] = 0
                k += channels


@kernel
def forward_rows(
    x: Ints,
    w: Ints,
    bias: Ints,
    stride: Int,
    pad: Int,
    kernel_h: Int,
    kernel_w: Int,
    out_h: Int,
    out_w: Int,
    first: Int,
    last: Int,
    depth: Int,
    total_bits: Int,
    wraps: Int,
    acc: Ints,
) -> tuple[int, int]:
    """acc[first:last] = im2col(x)[first:last] @ w + bias; returns (products, overflows)."""
    inner, n_cols = w.shape
    step = 32
    block = np.empty((step, inner), x.dtype)
    chain = np.empty(n_cols, np.int64)
    macs, overflows = 0, 0
    for m0 in range(first, last, step):
        m1 = min(m0 + step, last)
        gather_rows(x, stride, pad, kernel_h, kernel_w, out_h, out_w, m0, block[: m1 - m0])
        for m in range(m0, m1):
            for n in range(n_cols):
                acc[m, n] = bias[n]
        for k0 in range(0, inner, depth):
            k1 = min(k0 + depth, inner)
            a = block[: m1 - m0, k0:k1]
            done, over = chain_guarded(a, w[k0:k1], acc[m0:m1], total_bits, wraps, 0, chain)
            macs += done
            overflows += over
    return macs, overflows


@kernel
def weight_grad_rows(
    x: Ints,
    delta: Ints,
    stride: Int,
    pad: Int,
    kernel_h: Int,
    kernel_w: Int,
    out_h: Int,
    out_w: Int,
    first: Int,
    last: Int,
    depth: Int,
    total_bits: Int,
    wraps: Int,
    acc: Ints,
) -> tuple[int, int]:
    """acc[first:last] = (im2col(x)^T @ delta)[first:last], chains of `depth` positions; returns as `forward_rows`."""
    channels = x.shape[3]
    positions, n_cols = delta.shape
    inner = kernel_h * kernel_w * channels
    continues = int(depth >= positions)
    step = min(depth, WHOLE_CHAIN_BLOCK) if continues else depth
    block = np.empty((step, inner), x.dtype)
    turned = np.empty((last - first, step), x.dtype)
    chain = np.empty(n_cols, np.int64)
    acc[first:last] = 0
    macs, overflows = 0, 0
    for p0 in range(0, positions, step):
        p1 = min(p0 + step, positions)
        gather_rows(x, stride, pad, kernel_h, kernel_w, out_h, out_w, p0, block[: p1 - p0])
        for k in range(first, last):
            for p in range(p1 - p0):
                turned[k - first, p] = block[p, k]
        a = turned[:, : p1 - p0]
        done, over = chain_guarded(a, delta[p0:p1], acc[first:last], total_bits, wraps, continues, chain)
        macs += done
        overflows += over
    return macs, overflows


@kernel
def input_grad_images(
    delta: Ints,
    w_turned: Ints,
    stride: Int,
    pad: Int,
    kernel_h: Int,
    kernel_w: Int,
    first: Int,
    last: Int,
    depth: Int,
    total_bits: Int,
    wraps: Int,
    acc: Ints,
) -> tuple[int, int]:
    """acc[image] += col2im(delta[image] @ w^T) for images first ... last - 1.

    delta (batch, out_h, out_w, out_c), w_turned (out_c, k), acc (batch, h, w, c), zeroed here.
    The columns of a tap are added into the accumulators of the input map.
    """
    _, out_h, out_w, out_c = delta.shape
    _, height, width, channels = acc.shape
    inner = w_turned.shape[1]
    high = (np.int64(1) << (total_bits - 1)) - 1
    low = -high - 1
    columns = np.empty((out_w, inner), acc.dtype)
    chain = np.empty(inner, np.int64)
    acc[first:last] = 0
    macs, overflows = 0, 0
    for image in range(first, last):
        for oy in range(out_h):
            columns[:] = 0
            for k0 in range(0, out_c, depth):
                k1 = min(k0 + depth, out_c)
                a = delta[image, oy, :, k0:k1]
                done, over = chain_guarded(a, w_turned[k0:k1], columns, total_bits, wraps, 0, chain)
                macs += done
                overflows += over
            for ox in range(out_w):
                for ky in range(kernel_h):
                    for kx in range(kernel_w):
                        yy, xx = oy * stride - pad + ky, ox * stride - pad + kx
                        if 0 <= yy < height and 0 <= xx < width:
                            k = (ky * kernel_w + kx) * channels
                            for c in range(channels):
                                total = np.int64(acc[image, yy, xx, c]) + np.int64(columns[ox, k + c])
                                if total < low or total > high:
                                    overflows += 1
                                    total = wrap(total, total_bits) if wraps else clamp(total, low, high)
                                acc[image, yy, xx, c] = total
    return macs, overflows


@kernel
def add_columns(columns: Ints, stride: Int, pad: Int, kernel_h: Int, kernel_w: Int, acc: Ints) -> None:
    """acc (batch, h, w, c) += col2im(columns (batch, out_h, out_w, k)); no sum can leave acc."""
    batch, out_h, out_w, _ = columns.shape
    _, height, width, channels = acc.shape
    for image in range(batch):
        for oy in range(out_h):
            for ox in range(out_w):
                taps = columns[image, oy, ox]
                for ky in range(kernel_h):
                    for kx in range(kernel_w):
                        yy, xx = oy * stride - pad + ky, ox * stride - pad + kx
                        if 0 <= yy < height and 0 <= xx < width:
                            k = (ky * kernel_w + kx) * channels
                            sums = acc[image, yy, xx]
                            for c in range(channels):
                                sums[c] += taps[k + c]
