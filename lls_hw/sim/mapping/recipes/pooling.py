"""Recipes of poolings and of their backward pass: nests on the vector unit."""

from lls_hw.models.program.ops.pooling import Pool, PoolBackward
from lls_hw.models.spec.geometry import PoolLayer
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.nest import Nest, Side
from lls_hw.sim.mapping.nest_plan import NestRecipe, Nests, TileWorker, nest_operand, nest_result
from lls_hw.sim.mapping.vector_work import PoolBackwardWork, PoolWork


def _pool_sides(op: Pool | PoolBackward) -> tuple[Side, ...]:
    """Forward reads the input map; backward the gradient and, for a maximum, input and output."""
    if isinstance(op, Pool):
        return ("x",)
    return ("y", "x", "y") if op.pool.kind == "max" else ("y",)


def pool_nest(ctx: Context, op: Pool | PoolBackward) -> Nest:
    """Geometry of a pooling: channels apart, windows of the grid."""
    pool: PoolLayer = op.pool
    result: Side = "y" if isinstance(op, Pool) else "x"
    bits = ctx.tensor(op.out).bits
    return Nest(
        batch=op.batch,
        in_h=pool.in_h,
        in_w=pool.in_w,
        in_c=pool.channels,
        out_w=pool.out_w,
        out_c=pool.channels,
        windows=pool.grid.rows,
        taps=1,
        shared=True,
        reads=tuple(nest_operand(ctx, side, name) for side, name in zip(_pool_sides(op), op.reads, strict=True)),
        result=nest_result(ctx, result, op.out, narrows=pool.kind == "avg"),
        sum_bits=bits if pool.kind == "max" else ctx.program.precision.accumulator_bits,
        narrows=pool.kind == "avg",
        align=ctx.chip.vector.lanes,
    )


def pool(ctx: Context, nest: Nest, op: Pool) -> TileWorker:
    """Windows on the vector unit."""
    return TileWorker(("vector",), PoolWork(ctx, nest, op.pool, ctx.finish(op.out)))


def pool_backward(ctx: Context, nest: Nest, op: PoolBackward) -> TileWorker:
    """Windows on the vector unit."""
    return TileWorker(("vector",), PoolBackwardWork(ctx, nest, op.pool, ctx.finish(op.out)))


NESTS: Nests = {Pool: NestRecipe(pool_nest, pool), PoolBackward: NestRecipe(pool_nest, pool_backward)}
