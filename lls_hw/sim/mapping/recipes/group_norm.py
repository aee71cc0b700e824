"""Recipes of a norm with statistics of each sample's own: streams on the vector unit, all channels at once.

A sample's sums become its words when its last position has passed, so that the scratchpad holds those of one sample.
"""

from lls_hw.models.program.ops.group_norm import GroupNorm, GroupNormBackward, GroupNormSums, GroupStatistics
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.recipes.normalise import SQUARE_BYTES, SUM_BYTES, activation, each_of, spread_flow, spread_work
from lls_hw.sim.mapping.stream import Flow, Pass, Stream
from lls_hw.sim.mapping.stream_ops import Grouped, Recipe, Streams, held_channels, per_sample
from lls_hw.sim.mapping.tile import add_to
from lls_hw.sim.mapping.work import times

WORD_BYTES = 24
"""Per channel: the six words of a sample, while it passes."""


def group_statistics(ctx: Context, op: GroupStatistics) -> Grouped:
    """Sums; the words of a sample's groups at its end."""
    shape, groups = op.shape, op.shape.norm_groups
    one = Pass(
        f"{op.layer} norm sums",
        (Flow(op.y, shape.out_c),),
        sample_writes=per_sample(ctx, op.batch, op.stats),
        work=each_of(("norm_sums",), shape.out_c),
        sample_work=times(("group_statistics", groups), ("group_joins", shape.out_c - groups)),
    )
    stream = Stream("vector", op.batch, shape.positions, (one,))
    recipe = Recipe(stream, scratch_bytes=(SUM_BYTES + SQUARE_BYTES) * shape.out_c)
    return Grouped(((recipe, 1),), f"1 pass over {op.y}")


def group_norm(ctx: Context, op: GroupNorm) -> Grouped:
    """Scale, offset, activation; a pass before it where the scale is measured."""
    channels = op.shape.out_c
    flow_y, flow_h = Flow(op.y, channels), Flow(op.out, channels)
    small = held_channels(ctx, (op.gamma, op.beta), channels, channels)
    own = per_sample(ctx, op.batch, op.stats)
    measure = Pass(
        f"{op.layer} norm extremes",
        (flow_y,),
        own,
        small,
        work=each_of(("norm_extremes",), channels),
        sample_work=times(
            *((entry, channels) for entry in ("group_words", "norm_ends", *activation(op), *activation(op)))
        ),
    )
    apply = Pass(
        f"{op.layer} norm apply",
        (flow_y,),
        own,
        small,
        writes=(flow_h,),
        work=each_of(("norm_apply", *activation(op), "narrow", *ctx.rounded(op.out)), channels),
        sample_work=times(("group_words", channels)),
    )
    stream = Stream("vector", op.batch, op.shape.positions, (measure, apply) if ctx.measures else (apply,))
    recipe = Recipe(stream, scratch_bytes=WORD_BYTES * channels, sampled=small)
    return Grouped(((recipe, 1),), f"{1 + ctx.measures} passes over {op.y}")


def group_norm_sums(ctx: Context, op: GroupNormSums) -> Grouped:
    """Sums of the error; at a sample's end its pulls, at the last one's the gradients of gamma and beta."""
    channels, grads = op.shape.out_c, (op.gamma_grad, op.beta_grad)
    draws = tuple(name for grad in grads for name in ctx.draw(grad))
    small = held_channels(ctx, (op.gamma, op.beta), channels, channels)
    at_end = times(("group_back_words", channels), ("group_weighs", channels), ("group_pulls", op.shape.norm_groups))
    one = _backward_pass(ctx, op, "sums", ("norm_back_sums",), at_end, pulls=per_sample(ctx, op.batch, op.pulls))
    scratch = (WORD_BYTES + 2 * (SUM_BYTES + SQUARE_BYTES)) * channels
    recipe = Recipe(
        Stream("vector", op.batch, op.shape.positions, (one,)),
        held_writes=held_channels(ctx, grads, channels, channels),
        scratch_bytes=scratch,
        between=each_of(("norm_back_gradients", *draws), channels),
        sampled=small,
    )
    return Grouped(((recipe, 1),), f"1 pass over {op.error} and {op.y}")


def group_norm_backward(ctx: Context, op: GroupNormBackward) -> Grouped:
    """Apply; a pass before it where the scale is measured."""
    channels = op.shape.out_c
    small = held_channels(ctx, (op.gamma, op.beta), channels, channels)
    entries = ("group_apply", "narrow", *ctx.rounded(op.out))
    words = times(("group_back_words", channels))
    measure = (_backward_pass(ctx, op, "peak", ("group_apply", "peak"), words),) if ctx.measures else ()
    apply = _backward_pass(ctx, op, "apply", entries, words, writes=(Flow(op.out, channels),))
    stream = Stream("vector", op.batch, op.shape.positions, (*measure, apply))
    recipe = Recipe(stream, scratch_bytes=WORD_BYTES * channels, sampled=small)
    return Grouped(((recipe, 1),), f"{1 + ctx.measures} passes over {op.error} and {op.y}")


def _backward_pass(
    ctx: Context,
    op: GroupNormSums | GroupNormBackward,
    name: str,
    entries: tuple[str, ...],
    at_end: dict[str, int],
    *,
    writes: tuple[Flow, ...] = (),
    pulls: tuple[Flow, ...] = (),
) -> Pass:
    """A pass over error and y with what a sample has of its own; a pooled error is read once a sample."""
    channels, spread = op.shape.out_c, spread_flow(op, op.shape.out_c)
    own = per_sample(ctx, op.batch, op.stats, op.pulls if isinstance(op, GroupNormBackward) else None)
    sample_work = spread_work(op, channels)
    add_to(sample_work, at_end)
    return Pass(
        f"{op.layer} norm backward {name}",
        (Flow(op.y, channels),) if spread else (Flow(op.error, channels), Flow(op.y, channels)),
        (*own, spread) if spread else own,
        held_channels(ctx, (op.gamma, op.beta), channels, channels),
        writes,
        pulls,
        work=each_of((*entries, *activation(op)), channels),
        sample_work=sample_work,
    )


STREAMS: Streams = {
    GroupStatistics: group_statistics,
    GroupNorm: group_norm,
    GroupNormSums: group_norm_sums,
    GroupNormBackward: group_norm_backward,
}
