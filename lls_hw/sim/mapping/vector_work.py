"""Work of one vector tile: depthwise convolutions and poolings."""

from dataclasses import dataclass

from lls_hw.models.program.ops.base import Direction
from lls_hw.models.spec.geometry import PoolLayer
from lls_hw.sim.mapping.array_work import lane_events, narrowing
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.nest import Nest, Side
from lls_hw.sim.mapping.nest_plan import Pieces, TileWork
from lls_hw.sim.mapping.tile import add_to
from lls_hw.sim.mapping.work import lane_cycles, times


def _finish(ctx: Context, tally: dict[str, int]) -> TileWork:
    compute = lane_cycles(lane_events(tally), ctx.chip.vector.lanes)
    cycles = ctx.served(compute, tally)
    return TileWork((cycles,), tally, cycles - compute)


@dataclass(frozen=True, slots=True)
class DepthwiseWork:
    """A depthwise convolution on the vector unit, one channel a lane.

    Weights (or the sums of their gradient) stay in lane registers, and a row of inputs passes once
    for each kernel row: the columns of a window are kept in registers.
    """

    ctx: Context
    nest: Nest
    direction: Direction
    kernel_rows: int
    finish: tuple[str, ...]

    def __call__(self, at: Pieces, starts: bool, finishes: bool) -> TileWork:
        """Work of one tile."""
        nest, words = self.nest, self.ctx.words
        outputs = nest.pixels("y", at["r"]) * at["i"].size
        tally = times(("depthwise_tap", nest.taps * outputs))
        bits = {operand.side: operand.bits for operand in (*nest.reads, nest.result)}
        taps = nest.taps * at["i"].size
        x = nest.elements("x", at)
        read = {
            "forward": words(self.kernel_rows * x, bits["x"]) + words(taps, bits["w"]),
            "weight_grad": words(self.kernel_rows * x, bits["x"]) + words(outputs, bits["y"]),
            "input_grad": words(self.kernel_rows * outputs, bits["y"]) + words(taps, bits["w"]),
        }[self.direction]
        sums = taps if self.direction == "weight_grad" else nest.elements(nest.result.side, at)
        tally["scratchpad_read_words"] = read + (0 if starts else words(sums, nest.sum_bits))
        tally["scratchpad_write_words"] = words(sums, nest.sum_bits)
        if finishes and nest.narrows:
            add_to(tally, narrowing(self.ctx, nest, at, self.finish))
        return _finish(self.ctx, tally)


@dataclass(frozen=True, slots=True)
class PoolWork:
    """Maximum or average over windows; every window element is looked at once a window."""

    ctx: Context
    nest: Nest
    pool: PoolLayer
    finish: tuple[str, ...]

    def __call__(self, at: Pieces, starts: bool, finishes: bool) -> TileWork:
        """Work of one tile."""
        outputs = nest_outputs(self.nest, at)
        looked = window_elements(self.nest, self.pool, at)
        tally = (
            times(("pool_max", looked))
            if self.pool.kind == "max"
            else times(("pool_sum", looked), *((name, outputs) for name in ("pool_share", *self.finish)))
        )
        tally["scratchpad_read_words"] = self.ctx.words(looked, side_bits(self.nest, "x"))
        tally["scratchpad_write_words"] = self.ctx.words(outputs, self.nest.result.bits)
        return _finish(self.ctx, tally)


@dataclass(frozen=True, slots=True)
class PoolBackwardWork:
    """The gradient of a pooling, window by window."""

    ctx: Context
    nest: Nest
    pool: PoolLayer
    finish: tuple[str, ...]

    def __call__(self, at: Pieces, starts: bool, finishes: bool) -> TileWork:
        """Work of one tile."""
        nest, words = self.nest, self.ctx.words
        outputs, looked = nest_outputs(nest, at), window_elements(nest, self.pool, at)
        if self.pool.kind == "max":
            tally = times(("pool_max", looked))
            read = words(looked, side_bits(nest, "x")) + words(outputs, side_bits(nest, "y"))
        else:
            tally = times(("pool_share", outputs), ("pool_sum", looked))
            read = words(outputs, side_bits(nest, "y")) + words(looked, nest.sum_bits)
        tally["scratchpad_read_words"] = read
        tally["scratchpad_write_words"] = words(looked, nest.sum_bits if nest.narrows else nest.result.bits)
        if nest.narrows:
            add_to(tally, narrowing(self.ctx, nest, at, self.finish))
        return _finish(self.ctx, tally)


def side_bits(nest: Nest, side: Side) -> int:
    """Bits that are read at each place of a side's maps, all of them together."""
    return sum(operand.bits for operand in nest.reads if operand.side == side)


def nest_outputs(nest: Nest, at: Pieces) -> int:
    """Pooled values of a tile."""
    return nest.pixels("y", at["r"]) * at["i"].size


def window_elements(nest: Nest, pool: PoolLayer, at: Pieces) -> int:
    """Window elements of a tile, those under two windows counted twice."""
    return at["r"].images * at["r"].window_rows * sum(end - begin for begin, end in pool.grid.cols) * at["i"].size
