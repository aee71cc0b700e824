"""Plans of the ops that are nests: GEMMs, depthwise convolutions and poolings."""

from lls_hw.models.program.ops import DepthwiseConv, Direction, Pool, PoolBackward, Product
from lls_hw.models.spec.geometry import PoolLayer, WeightedLayer
from lls_hw.sim.mapping.array_work import ArrayWork
from lls_hw.sim.mapping.axes import windows_of
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.nest import Nest, NestOperand, Side
from lls_hw.sim.mapping.nest_plan import NestBuilder, Pieces, WorkOf
from lls_hw.sim.mapping.pinned import pin_of, pinned_choice, refuse_oversized
from lls_hw.sim.mapping.search import least_bytes, tied
from lls_hw.sim.mapping.tile import Plan, Unit
from lls_hw.sim.mapping.vector_work import DepthwiseWork, PoolBackwardWork, PoolWork

SIDES: dict[Direction, tuple[tuple[Side, Side], Side]] = {
    "forward": (("x", "w"), "y"),
    "weight_grad": (("x", "y"), "w"),
    "input_grad": (("y", "w"), "x"),
}
NestOp = Product | Pool | PoolBackward


def nest_of(ctx: Context, op: NestOp) -> Nest:
    """The op's geometry, and which of its operands stream from DRAM."""
    return _pool_nest(ctx, op) if isinstance(op, Pool | PoolBackward) else _product_nest(ctx, op)


def _product_nest(ctx: Context, op: Product) -> Nest:
    (left, right), result = SIDES[op.direction]
    shape = op.shape
    whole = shape.kind in ("linear", "classifier")  # one position: a 1 x 1 kernel on the flattened map
    flat = shape.in_h * shape.in_w if whole else 1
    return Nest(
        batch=op.batch,
        in_h=1 if whole else shape.in_h,
        in_w=1 if whole else shape.in_w,
        in_c=shape.in_c * flat,
        out_w=shape.out_w,
        out_c=shape.out_c,
        windows=((0, 1),) if whole else _windows(shape),
        taps=1 if whole else shape.kernel_h * shape.kernel_w,
        shared=shape.kind == "depthwise",
        reads=tuple(_operand(ctx, side, name) for side, name in zip((left, right), op.factors, strict=True)),
        result=NestOperand(result, ctx.tensor(op.out).bits, ctx.streams_out(op.out)),
        sum_bits=ctx.program.precision.accumulator_bits,
        narrows=op.direction != "weight_grad",
        align=max(ctx.chip.array.rows, ctx.chip.array.cols),
    )


def _windows(shape: WeightedLayer) -> tuple[tuple[int, int], ...]:
    return windows_of(shape.out_h, shape.in_h, shape.kernel_h, shape.stride, shape.padding)


def _operand(ctx: Context, side: Side, name: str) -> NestOperand:
    return NestOperand(side, ctx.tensor(name).bits, ctx.streams_in(name))


def _pool_sides(op: Pool | PoolBackward) -> tuple[Side, ...]:
    """Forward reads the input map; backward the gradient and, for a maximum, input and output."""
    if isinstance(op, Pool):
        return ("x",)
    return ("y", "x", "y") if op.pool.kind == "max" else ("y",)


def _pool_nest(ctx: Context, op: Pool | PoolBackward) -> Nest:
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
        reads=tuple(_operand(ctx, side, name) for side, name in zip(_pool_sides(op), op.reads, strict=True)),
        result=NestOperand(result, bits, ctx.streams_out(op.out)),
        sum_bits=bits if pool.kind == "max" else ctx.program.precision.accumulator_bits,
        narrows=pool.kind == "avg",
        align=ctx.chip.vector.lanes,
    )


def streamed_names(op: NestOp) -> tuple[str, ...]:
    """Operands that tiles cut, in the order of the nest's reads."""
    return op.factors if isinstance(op, Product) else op.reads


def held_names(op: NestOp) -> tuple[str, ...]:
    """Small operands that stay in the scratchpad for the whole op: the bias."""
    return (op.bias,) if isinstance(op, Product) and op.bias is not None else ()


def held_bytes(ctx: Context, op: NestOp) -> int:
    """Their bytes, where they are not resident anyway."""
    return sum(ctx.tensor(name).size_bytes for name in held_names(op) if not ctx.places[name].resident)


def nest_least_bytes(ctx: Context, op: NestOp) -> int:
    """The smallest working set."""
    nest, dram, held = nest_of(ctx, op), ctx.chip.dram, held_bytes(ctx, op)
    pin = pin_of(ctx.chip, op)
    if pin is None:
        return held + least_bytes(nest, dram, ctx.depth)
    need = held + pinned_choice(nest, pin, dram, ctx.depth).need_bytes
    budget = ctx.chip.scratchpad.capacity_bytes
    refuse_oversized(nest, pin, dram, ctx.depth, need_bytes=need, budget_bytes=budget)
    return need


def plan_nest(ctx: Context, op: NestOp) -> Plan:
    """The best mapping of the op, as tiles."""
    nest, held = nest_of(ctx, op), held_names(op)
    route, work = work_of(ctx, nest, op)
    budget = ctx.budget_bytes - held_bytes(ctx, op)
    choice = mapping_of(ctx, nest, work, op, budget)
    builder = NestBuilder(ctx, nest, (*streamed_names(op), op.out), choice, work)
    fills = ctx.fills(op.reads) + tuple(ctx.whole(name) for name in held if not ctx.places[name].resident)
    plan = builder.plan(route, held_bytes(ctx, op), fills)
    touched = {**plan.touched_reads, **{name: ctx.tensor(name).elements for name in held}}
    return Plan(**{**{f: getattr(plan, f) for f in plan.__slots__}, "touched_reads": touched})


def work_of(ctx: Context, nest: Nest, op: NestOp) -> tuple[tuple[Unit, ...], WorkOf]:
    """Route of the op, and what one of its tiles does there."""
    extras = ctx.draw(op.out) + (("bias",) if held_names(op) else ())
    if isinstance(op, Pool):
        return ("vector",), PoolWork(ctx, nest, op.pool)
    if isinstance(op, PoolBackward):
        return ("vector",), PoolBackwardWork(ctx, nest, op.pool, extras)
    if isinstance(op, DepthwiseConv) and ctx.chip.depthwise_on == "vector":
        return ("vector",), DepthwiseWork(ctx, nest, op.direction, op.shape.kernel_h, extras)
    route: tuple[Unit, ...] = ("array", "vector") if nest.narrows else ("array",)
    return route, ArrayWork(ctx, nest, op.direction, extras)


def mapping_of(ctx: Context, nest: Nest, work: WorkOf, op: NestOp, budget_bytes: int) -> Choice:
    """The user's mapping, or the mapper's."""
    pin = pin_of(ctx.chip, op)
    if pin is not None:
        return pinned_choice(nest, pin, ctx.chip.dram, ctx.depth)
    return choose(ctx, nest, work, budget_bytes)


def choose(ctx: Context, nest: Nest, work: WorkOf, budget_bytes: int) -> Choice:
    """Fewest DRAM bytes, then fewest estimated cycles, then fewest tiles and the first order."""
    choices = tied(nest, ctx.chip.dram, ctx.depth, budget_bytes)
    return min(choices, key=lambda choice: estimate_cycles(ctx, nest, work, choice)) if len(choices) > 1 else choices[0]


def estimate_cycles(ctx: Context, nest: Nest, work: WorkOf, choice: Choice) -> int:
    """Longest of the units' totals, plus one tile's passage through the rest: only ranks ties."""
    largest: Pieces = {dim: choice.axis(dim).runs[0][0] for dim in ("r", "i", "o")}
    tile = work(largest, True, True).cycles
    visits = sum(choice.visits(nest, operand) for operand in (*nest.reads, nest.result) if operand.in_dram)
    moves = choice.dram_bytes // ctx.chip.dram.bytes_per_cycle + visits * ctx.chip.dram.latency_cycles
    passage = sum(tile) + moves // max(1, choice.tiles)
    return max(moves, choice.tiles * max(tile)) + passage
