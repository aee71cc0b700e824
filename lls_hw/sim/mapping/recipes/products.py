"""Recipes of convolutions and linear layers: nests on the array, or depthwise on the vector unit."""

from dataclasses import replace

from lls_hw.models.program.ops.base import Direction
from lls_hw.models.program.ops.products import DepthwiseConv, Gemm, Product
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.sim.mapping.array_work import ArrayWork
from lls_hw.sim.mapping.axes import windows_of
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.nest import Nest, Side
from lls_hw.sim.mapping.nest_plan import NestRecipe, Nests, TileWorker, nest_operand, nest_result
from lls_hw.sim.mapping.sums import SumBanks, sum_banks
from lls_hw.sim.mapping.tile import Unit
from lls_hw.sim.mapping.vector_work import DepthwiseWork
from lls_hw.sim.mapping.work import times

SIDES: dict[Direction, tuple[tuple[Side, Side], Side]] = {
    "forward": (("x", "w"), "y"),
    "weight_grad": (("x", "y"), "w"),
    "input_grad": (("y", "w"), "x"),
}


def product_nest(ctx: Context, op: Product) -> Nest:
    """Geometry of a layer's product, in the sides that its direction multiplies."""
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
        reads=tuple(nest_operand(ctx, side, name) for side, name in zip((left, right), op.factors, strict=True)),
        result=nest_result(ctx, result, op.out, narrows=op.direction != "weight_grad"),
        sum_bits=ctx.program.precision.accumulator_bits,
        narrows=op.direction != "weight_grad",
        align=max(ctx.chip.array.rows, ctx.chip.array.cols),
        banks=_banks(ctx, op),
    )


def _banks(ctx: Context, op: Product) -> SumBanks | None:
    """The accumulators, for whole products on the array; a depthwise channel would fill one column's alone."""
    if op.shape.kind == "depthwise":
        return None
    overlaps = op.shape.kind == "conv" and op.shape.kernel_h * op.shape.kernel_w > 1
    scatters = op.direction == "input_grad" and overlaps
    return sum_banks(ctx.chip, ctx.program.precision.accumulator_bits, scatters=scatters)


def _windows(shape: WeightedLayer) -> tuple[tuple[int, int], ...]:
    return windows_of(shape.out_h, shape.in_h, shape.kernel_h, shape.stride, shape.padding)


def on_array(ctx: Context, nest: Nest, op: Product) -> TileWorker:
    """The array, and the vector unit where sums are narrowed."""
    route: tuple[Unit, ...] = ("array", "vector") if nest.narrows else ("array",)
    work = ArrayWork(ctx, nest, op.direction, finish(ctx, op))
    return TileWorker(route, work, None if nest.banks is None else replace(work, held=True))


def depthwise(ctx: Context, nest: Nest, op: DepthwiseConv) -> TileWorker:
    """The unit that the chip runs depthwise convolutions on."""
    if ctx.chip.depthwise_on == "array":
        return on_array(ctx, nest, op)
    return TileWorker(("vector",), DepthwiseWork(ctx, nest, op.direction, op.shape.kernel_h, finish(ctx, op)))


def finish(ctx: Context, op: Product) -> tuple[str, ...]:
    """Work on a finished sum: the bias, then what becomes of it."""
    return (*ctx.finish(op.out), *(("bias",) if op.bias is not None else ()))


def bias(op: Product) -> tuple[str, ...]:
    """The operand that stays in the scratchpad for the whole op."""
    return () if op.bias is None else (op.bias,)


def scale_bias(ctx: Context, op: Product) -> dict[str, int]:
    """The bias at the accumulators' scale: read, requantised and written, once a channel."""
    if op.bias is None:
        return {}
    tensor, bits = ctx.tensor(op.bias), ctx.program.precision.accumulator_bits
    words = {
        "scratchpad_read_words": ctx.words(tensor.elements, tensor.bits),
        "scratchpad_write_words": ctx.words(tensor.elements, bits),
    }
    return {**times(("bias_scale", tensor.elements)), **words}


NESTS: Nests = {
    Gemm: NestRecipe(product_nest, on_array, held=bias, once=scale_bias),
    DepthwiseConv: NestRecipe(product_nest, depthwise, held=bias, once=scale_bias),
}
