"""The arithmetic of a nest's tiles, by kind of op: what a tile adds to its sums, and what finished sums become."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.ops.pooling import Pool, PoolBackward
from lls_hw.models.program.ops.products import DepthwiseConv, Gemm, Product
from lls_hw.models.spec.geometry import Window
from lls_hw.sim.functional.products import BIAS, scaled_bias
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.pool import MEAN_GUARD
from lls_hw.sim.kernels.requant import container
from lls_hw.sim.mapping.nest import Nest
from lls_hw.sim.replay.arithmetic import (
    Frame,
    depthwise_sums,
    flat,
    forward_sums,
    input_sums,
    pooled,
    under,
    under_pool,
    unpooled,
    weight_sums,
)
from lls_hw.sim.replay.machine import TileMachine
from lls_hw.sim.replay.places import TilePlace

Operands = Mapping[str, Ints]
"""A tile's parts of the op's operands."""


@dataclass(frozen=True, slots=True)
class ProductTiles:
    """A convolution, a linear layer or a depthwise convolution in one of its directions."""

    op: Product
    nest: Nest
    m: TileMachine

    def needs(self, at: TilePlace) -> Window:
        """Rows of the input map: those that are read, under the windows; those that an input gradient adds to."""
        whole = self.op.source is None or at.is_of_images
        return at.r.ins if whole else under(flat(self.op.shape), at.r.outs)

    def adds(self, operands: Operands, at: TilePlace) -> Wide:
        """The tile's products, summed."""
        op, m = self.op, self.m
        left, right = (operands[name] for name in op.factors)
        rows = self.needs(at)
        if op.source is not None:
            left = left.reshape(-1, rows[1] - rows[0], self.nest.in_w, left.shape[-1])
        channels = at.i[1] - at.i[0], (at.i if self.nest.shared else at.o)[1] - (at.i if self.nest.shared else at.o)[0]
        frame = Frame(flat(op.shape), at.r.outs, rows, channels)
        if isinstance(op, DepthwiseConv):
            return depthwise_sums(m.sums, frame, op.direction, left, right, on_array=m.depthwise_on == "array")
        add = {"forward": forward_sums, "weight_grad": weight_sums, "input_grad": input_sums}[op.direction]
        return add(m.sums, frame, left, right)

    def write(self, total: Wide, at: TilePlace) -> None:
        """With the bias, as codes at the tensor's scale; a weight gradient as it is."""
        op, m = self.op, self.m
        frac = sum(m.fracs[name] for name in op.factors)
        if op.direction == "weight_grad":
            m.write(op.out, total.astype(container(m.tensors[op.out].bits)), frac)
            return
        if isinstance(op, Gemm) and op.bias is not None:
            m.did(BIAS, total.size)
            total = np.add(total, scaled_bias(m, op, frac)[slice(*at.o)])
        m.narrow(op.out, total, frac)


@dataclass(frozen=True, slots=True)
class PoolTiles:
    """A pooling."""

    op: Pool
    nest: Nest
    m: TileMachine

    def needs(self, at: TilePlace) -> Window:
        """Rows of the input map under the windows."""
        return at.r.ins if at.is_of_images else under_pool(self.op.pool.grid.rows, at.r.outs)

    def adds(self, operands: Operands, at: TilePlace) -> Wide:
        """Maxima, or means with guard bits."""
        x, rows = operands[self.op.source], self.needs(at)
        x = x.reshape(-1, rows[1] - rows[0], self.nest.in_w, x.shape[-1])
        return pooled(self.op, x, at.r.outs, rows).astype(np.int64)

    def write(self, total: Wide, at: TilePlace) -> None:
        """Maxima are codes as they are."""
        _write_pooled(self.m, self.op, total, self.m.fracs[self.op.source])


@dataclass(frozen=True, slots=True)
class PoolBackwardTiles:
    """The way back through a pooling."""

    op: PoolBackward
    nest: Nest
    m: TileMachine

    def needs(self, at: TilePlace) -> Window:
        """Rows of the input map that are looked at, and get the errors."""
        return at.r.ins

    def adds(self, operands: Operands, at: TilePlace) -> Wide:
        """Errors at the maxima, or shared out."""
        delta = operands[self.op.error]
        delta = delta.reshape(-1, at.r.outs[1] - at.r.outs[0], self.nest.out_w, delta.shape[-1])
        x = None if self.op.source is None else operands[self.op.source]
        if x is not None:
            x = x.reshape(-1, at.r.ins[1] - at.r.ins[0], self.nest.in_w, x.shape[-1])
        return unpooled(self.op, delta, x, at.r.outs, at.r.ins)

    def write(self, total: Wide, at: TilePlace) -> None:
        """Errors that were moved are codes as they are."""
        _write_pooled(self.m, self.op, total, self.m.fracs[self.op.error])


def _write_pooled(m: TileMachine, op: Pool | PoolBackward, total: Wide, frac: int) -> None:
    if op.pool.kind == "avg":
        m.narrow(op.out, total, frac + MEAN_GUARD)
    else:
        m.write(op.out, total.astype(container(m.tensors[op.out].bits)), frac)


NestTiles = ProductTiles | PoolTiles | PoolBackwardTiles


def work_of(op: Op, nest: Nest, m: TileMachine) -> NestTiles:
    """The arithmetic of an op that is a nest."""
    if isinstance(op, Pool):
        return PoolTiles(op, nest, m)
    if isinstance(op, PoolBackward):
        return PoolBackwardTiles(op, nest, m)
    assert isinstance(op, Product), f"{op.kind} is no nest"
    return ProductTiles(op, nest, m)
