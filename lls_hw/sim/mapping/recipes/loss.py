"""Recipes of a classifier's loss, on the local unit's softmax, and of a target's projection."""

from lls_hw.models.program.ops.loss import Loss, TargetProject
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.stream import Flow, Pass, Stream
from lls_hw.sim.mapping.stream_ops import (
    Grouped,
    Recipe,
    Streams,
    channel_bytes,
    channel_groups,
    held,
    held_channels,
    narrowed,
    per_sample,
)
from lls_hw.sim.mapping.work import times


def loss(ctx: Context, op: Loss) -> Grouped:
    """Cross-entropy of the classifier, on the local unit's softmax."""
    work = times(*((name, op.classes) for name in ("loss_class", "clamp", "softmax_class")), ("softmax_sample", 1))
    one = Pass(
        f"{op.layer} loss",
        per_sample(ctx, op.batch, op.logits, op.labels),
        writes=per_sample(ctx, op.batch, op.error),
        work=work,
    )
    bias = ("loss_bias", "local_gradient", *ctx.draw(op.bias_grad))
    recipe = Recipe(
        Stream("local", op.batch, 1, narrowed(ctx, one, op.error, "local_narrow")),
        held_writes=held(ctx, op.bias_grad),
        between=times(*((name, op.classes) for name in bias)),
    )
    return Grouped(((recipe, 1),), "sample by sample")


def target_project(ctx: Context, op: TargetProject) -> Grouped:
    """Each sample's row of the feedback with its sign turned; a group's feedback and all labels are held.

    A row has a code for every value of a sample's error, in the error's own order. It is cut into runs of adjoining
    codes, whole bursts each but for the row's end, which cross channels: what a tile loads and stores is contiguous.
    """
    row = op.shape.positions * op.shape.out_c
    parts = []
    for group, count in _runs(ctx, op, row):
        one = Pass(
            f"{op.layer} target",
            writes=(Flow(op.error, group, row),),
            work=times(*((name, group) for name in ("select", "narrow", *ctx.draw(op.error)))),
            sample_work={"scratchpad_read_words": ctx.words(group, ctx.tensor(op.feedback).bits)},
        )
        kept = (*held_channels(ctx, (op.feedback,), row, group), Flow(op.labels, op.batch))
        parts.append((Recipe(Stream("vector", op.batch, 1, (one,)), kept), count))
    return Grouped(tuple(parts), "sample by sample, a run of adjoining codes at a time")


def _runs(ctx: Context, op: TargetProject, row: int) -> list[tuple[int, int]]:
    """(codes, runs) of a row: bursts of the narrower tensor's codes, the rest of the last one in a run of its own."""
    bits = min(ctx.tensor(op.feedback).bits, ctx.tensor(op.error).bits)
    burst = max(1, ctx.chip.dram.burst_bytes * 8 // bits)
    each = burst * channel_bytes(ctx, (op.feedback,), row)
    whole = [(bursts * burst, count) for bursts, count in channel_groups(ctx, -(-row // burst), each)]
    (last, count), over = whole[-1], sum(codes * count for codes, count in whole) - row
    return [*whole[:-1], *([(last, count - 1)] if count > 1 else []), (last - over, 1)] if over else whole


STREAMS: Streams = {Loss: loss, TargetProject: target_project}
