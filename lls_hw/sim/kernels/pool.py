"""Pooling between blocks, and the windows of the local loss."""

import numpy as np

from lls_hw.sim.kernels.codes import Int, Ints, Wide
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.jit import kernel
from lls_hw.sim.kernels.scalar import HALF_UP, shift_round

MEAN_GUARD = 8

MAXIMUM: Events = {"compares": 1}
SUM: Events = {"adds": 1}
"""An element of a window that a maximum, or a sum, looks at."""
SHARE: Events = {"multiplies": 1, "shifts": 1}
"""A word times the reciprocal of its window's area."""


@kernel
def shared(value: Int, share: Int, share_frac: Int) -> Int:
    """value / area with MEAN_GUARD more fraction bits, times its rounded reciprocal: exact for powers of 2."""
    return shift_round(value * share, share_frac - MEAN_GUARD, HALF_UP, np.int64(0))


@kernel
def pool_images(
    x: Ints, rows: Wide, cols: Wide, shares: Wide, share_fracs: Wide, is_max: Int, first: Int, last: Int, out: Ints
) -> int:
    """Maximum, or mean with MEAN_GUARD more fraction bits, of every window; windows may overlap.

    x (batch, h, w, c); rows (out_h, 2) and cols (out_w, 2) are half-open intervals; shares and share_fracs
    (out_h, out_w) are the reciprocals of their areas. Returns the elements looked at.
    """
    looked = 0
    channels = x.shape[3]
    held = np.empty(channels, np.int64)
    for image in range(first, last):
        for i in range(rows.shape[0]):
            for j in range(cols.shape[0]):
                held[:] = -(np.int64(1) << 62) if is_max else 0
                for yy in range(rows[i, 0], rows[i, 1]):
                    for xx in range(cols[j, 0], cols[j, 1]):
                        values = x[image, yy, xx]
                        looked += channels
                        for c in range(channels):
                            value = np.int64(values[c])
                            held[c] = max(held[c], value) if is_max else held[c] + value
                for c in range(channels):
                    out[image, i, j, c] = held[c] if is_max else shared(held[c], shares[i, j], share_fracs[i, j])
    return looked


@kernel
def window_sums(h: Ints, rows: Wide, cols: Wide, out: Ints) -> int:
    """Sums of h (batch, h, w, c) over every window, into out (batch, c, out_h, out_w); returns the elements added."""
    looked = 0
    batch, _, _, channels = h.shape
    sums = np.empty(channels, np.int64)
    for image in range(batch):
        for i in range(rows.shape[0]):
            for j in range(cols.shape[0]):
                sums[:] = 0
                for yy in range(rows[i, 0], rows[i, 1]):
                    for xx in range(cols[j, 0], cols[j, 1]):
                        values = h[image, yy, xx]
                        looked += channels
                        for c in range(channels):
                            sums[c] += np.int64(values[c])
                for c in range(channels):
                    out[image, c, i, j] = sums[c]
    return looked


@kernel
def spread_windows(grad: Ints, rows: Wide, cols: Wide, out: Ints) -> int:
    """out (batch, h, w, c), zeroed here, += each window's gradient at all of its positions; returns how many."""
    out[:] = 0
    looked = 0
    for image in range(out.shape[0]):
        for i in range(rows.shape[0]):
            for j in range(cols.shape[0]):
                for yy in range(rows[i, 0], rows[i, 1]):
                    for xx in range(cols[j, 0], cols[j, 1]):
                        values = out[image, yy, xx]
                        looked += out.shape[3]
                        for c in range(out.shape[3]):
                            values[c] += np.int64(grad[image, c, i, j])
    return looked


@kernel
def max_pool_backward(delta: Ints, x: Ints, rows: Wide, cols: Wide, first: Int, last: Int, out: Ints) -> int:
    """Each window's error goes to its first maximum; out (batch, h, w, c) is zeroed here.

    The windows of a maximum do not overlap, so nothing is added up. Returns the elements compared.
    """
    out[first:last] = 0
    looked = 0
    for image in range(first, last):
        for i in range(rows.shape[0]):
            for j in range(cols.shape[0]):
                for c in range(x.shape[3]):
                    at_y, at_x = rows[i, 0], cols[j, 0]
                    for yy in range(rows[i, 0], rows[i, 1]):
                        looked += cols[j, 1] - cols[j, 0]
                        for xx in range(cols[j, 0], cols[j, 1]):
                            if np.int64(x[image, yy, xx, c]) > np.int64(x[image, at_y, at_x, c]):
                                at_y, at_x = yy, xx
                    out[image, at_y, at_x, c] = delta[image, i, j, c]
    return looked


@kernel
def mean_pool_backward(
    delta: Ints, rows: Wide, cols: Wide, shares: Wide, share_fracs: Wide, first: Int, last: Int, out: Ints
) -> int:
    """out, zeroed here, += error / area over every window, with MEAN_GUARD more fraction bits; returns the sums."""
    out[first:last] = 0
    looked = 0
    channels = delta.shape[3]
    held = np.empty(channels, np.int64)
    for image in range(first, last):
        for i in range(rows.shape[0]):
            for j in range(cols.shape[0]):
                for c in range(channels):
                    held[c] = shared(np.int64(delta[image, i, j, c]), shares[i, j], share_fracs[i, j])
                for yy in range(rows[i, 0], rows[i, 1]):
                    for xx in range(cols[j, 0], cols[j, 1]):
                        values = out[image, yy, xx]
                        looked += channels
                        for c in range(channels):
                            values[c] += held[c]
    return looked
