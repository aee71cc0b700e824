"""Products and poolings of a tile: the kernels of the whole op on the rows and channels at hand.

A tile's rows of the input map are laid into a map of their own that already has its padding; rows that the tile does
not have stay out of it, since its windows do not reach them.
"""

from dataclasses import dataclass, replace

import numpy as np

from lls_hw.models.program.ops.pooling import Pool, PoolBackward
from lls_hw.models.spec.geometry import WeightedLayer, Window
from lls_hw.sim.functional.pooling import shares, windows
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.pool import max_pool_backward, mean_pool_backward, pool_images
from lls_hw.sim.kernels.products import Summation, depthwise, forward, input_gradient, weight_gradient
from lls_hw.sim.kernels.requant import container


def flat(shape: WeightedLayer) -> WeightedLayer:
    """A linear layer as a 1 x 1 convolution of its flattened map, as its tiles see it; others as they are."""
    if shape.kind not in ("linear", "classifier"):
        return shape
    size = shape.in_h * shape.in_w * shape.in_c
    return replace(shape, in_h=1, in_w=1, in_c=size, kernel_h=1, kernel_w=1, stride=1, padding=0)


def under(shape: WeightedLayer, outs: Window) -> Window:
    """Rows of the input map under the windows of some output rows, by the layer's geometry alone."""
    first = min(max(0, outs[0] * shape.stride - shape.padding), shape.in_h)
    return first, max(first, min(shape.in_h, (outs[1] - 1) * shape.stride - shape.padding + shape.kernel_h))


def under_pool(rows: tuple[Window, ...], outs: Window) -> Window:
    """As `under`, of a pooling's windows."""
    own = rows[slice(*outs)]
    return min(first for first, _ in own), max(last for _, last in own)


@dataclass(frozen=True, slots=True)
class Frame:
    """Output rows `outs` of a layer, over rows `ins` of its input map, as a small layer without padding.

    `channels` are those at hand of the input and of the output.
    """

    shape: WeightedLayer
    outs: Window
    ins: Window
    channels: tuple[int, int]

    @property
    def small(self) -> WeightedLayer:
        """The small layer."""
        s, (ic, oc) = self.shape, self.channels
        out_h = self.outs[1] - self.outs[0]
        high, wide = (n * s.stride - s.stride + k for n, k in ((out_h, s.kernel_h), (s.out_w, s.kernel_w)))
        return replace(s, in_h=high, in_w=wide, in_c=ic, out_h=out_h, out_c=oc, padding=0)

    def _overlap(self) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """(rows, columns) of the padded map that the input's rows cover, and of the input."""
        s, small = self.shape, self.small
        top, left = self.outs[0] * s.stride - s.padding, -s.padding
        a, b = max(top, self.ins[0]), min(top + small.in_h, self.ins[1])
        c, d = max(left, 0), min(left + small.in_w, s.in_w)
        framed = slice(a - top, max(a, b) - top), slice(c - left, d - left)
        return framed, (slice(a - self.ins[0], max(a, b) - self.ins[0]), slice(c, d))

    def padded(self, x: Ints) -> Ints:
        """The input (images, rows, width, channels) with its padding, cut to what the windows reach."""
        small = self.small
        found = np.zeros((x.shape[0], small.in_h, small.in_w, x.shape[3]), x.dtype)
        (rows, cols), (from_rows, from_cols) = self._overlap()
        found[:, rows, cols] = x[:, from_rows, from_cols]
        return found

    def unpadded(self, acc: Ints) -> Wide:
        """Sums of the padded map at the places of the input's rows."""
        found = np.zeros((acc.shape[0], self.ins[1] - self.ins[0], self.shape.in_w, acc.shape[3]), np.int64)
        (rows, cols), (to_rows, to_cols) = self._overlap()
        found[:, to_rows, to_cols] = acc[:, rows, cols]
        return found


def forward_sums(sums: Summation, frame: Frame, x: Ints, w: Ints) -> Wide:
    """Sums (images x rows x width, out channels) of a tile; x (images, rows, width, channels), w (taps, in, out)."""
    nothing = np.zeros(frame.channels[1], np.int64)
    acc, _ = forward(sums, frame.small, frame.padded(x), np.ascontiguousarray(w).reshape(-1, w.shape[-1]), nothing)
    return acc.astype(np.int64)


def weight_sums(sums: Summation, frame: Frame, x: Ints, delta: Ints) -> Wide:
    """Sums (taps, in, out); delta (images x rows x width, out channels)."""
    acc, _ = weight_gradient(sums, frame.small, frame.padded(x), np.ascontiguousarray(delta))
    return acc.astype(np.int64).reshape(-1, *frame.channels)


def input_sums(sums: Summation, frame: Frame, delta: Ints, w: Ints) -> Wide:
    """Sums (images, rows, width, in channels) at the input's rows."""
    small = frame.small
    errors = np.ascontiguousarray(delta).reshape(-1, small.out_h, small.out_w, small.out_c)
    acc, _ = input_gradient(sums, small, errors, np.ascontiguousarray(w).reshape(-1, w.shape[-1]))
    return frame.unpadded(acc)


def depthwise_sums(sums: Summation, frame: Frame, direction: str, left: Ints, right: Ints, *, on_array: bool) -> Wide:
    """Sums of one direction of a depthwise convolution, of the op's two operands in their order."""
    small, bits = frame.small, sums.accumulator_bits
    taps = (small.kernel_h, small.kernel_w, small.in_c)
    outs = (-1, small.out_h, small.out_w, small.in_c)
    if direction == "forward":
        x, w = frame.padded(left), np.ascontiguousarray(right).reshape(taps)
        out = np.zeros((x.shape[0], *outs[1:]), container(bits))
        depthwise(sums, small, direction, x, w, out, on_array=on_array)
        return out.astype(np.int64).reshape(-1, small.in_c)
    if direction == "input_grad":
        delta, w = np.ascontiguousarray(left).reshape(outs), np.ascontiguousarray(right).reshape(taps)
        acc = np.zeros((len(delta), small.in_h, small.in_w, small.in_c), container(bits))
        depthwise(sums, small, direction, acc, w, delta, on_array=on_array)
        return frame.unpadded(acc)
    x, delta = frame.padded(left), np.ascontiguousarray(right).reshape(outs)
    acc = np.zeros(taps, container(bits))
    depthwise(sums, small, direction, x, acc, delta, on_array=on_array)
    return acc.astype(np.int64).reshape(-1, small.in_c)


def pooled(op: Pool, x: Ints, outs: Window, ins: Window) -> Ints:
    """Output rows `outs` of a pooling from rows `ins` of its map (images, rows, width, channels)."""
    grid, is_max = op.pool.grid, op.pool.kind == "max"
    codes, fracs = (part[slice(*outs)] for part in shares(grid))
    here = windows(grid.rows)[slice(*outs)] - ins[0]
    shape = (x.shape[0], outs[1] - outs[0], op.pool.out_w, x.shape[3])
    out = np.empty(shape, x.dtype if is_max else np.int64)
    pool_images(x, here, windows(grid.cols), codes, fracs, is_max, 0, len(x), out)
    return out


def unpooled(op: PoolBackward, delta: Ints, x: Ints | None, outs: Window, ins: Window) -> Wide:
    """The error of output rows `outs` at rows `ins` of the map (images, rows, width, channels)."""
    grid = op.pool.grid
    here, cols = windows(grid.rows)[slice(*outs)] - ins[0], windows(grid.cols)
    shape = (len(delta), ins[1] - ins[0], op.pool.in_w, delta.shape[3])
    out = np.empty(shape, np.int64)
    if x is None:
        codes, fracs = (part[slice(*outs)] for part in shares(grid))
        mean_pool_backward(delta, here, cols, codes, fracs, 0, len(delta), out)
    else:
        max_pool_backward(delta, x, here, cols, 0, len(delta), out)
    return out
