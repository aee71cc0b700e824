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
    per_sample,
)
from lls_hw.sim.mapping.work import times


def loss(ctx: Context, op: Loss) -> Grouped:
    """Cross-entropy of the classifier, on the local unit's softmax."""
    work = times(
        ("softmax_class", op.classes),
        ("softmax_sample", 1),
        ("loss_class", op.classes),
        *((name, op.classes) for name in ctx.draw(op.error)),
    )
    one = Pass(
        f"{op.layer} loss",
        per_sample(ctx, op.batch, op.logits, op.labels),
        writes=per_sample(ctx, op.batch, op.error),
        work=work,
    )
    recipe = Recipe(Stream("local", op.batch, 1, (one,)), held_writes=held(ctx, op.bias_grad))
    return Grouped(((recipe, 1),), "sample by sample")


def target_project(ctx: Context, op: TargetProject) -> Grouped:
    """Each sample's row of the feedback with its sign turned; a group's feedback and all labels are held."""
    shape = op.shape
    parts = []
    for group, count in channel_groups(ctx, shape.out_c, channel_bytes(ctx, (op.feedback,), shape.out_c)):
        one = Pass(
            f"{op.layer} target",
            writes=(Flow(op.error, group, shape.out_c),),
            work=times(("select", group), *((name, group) for name in ctx.draw(op.error))),
            sample_work={"scratchpad_read_words": ctx.words(shape.positions * group, ctx.tensor(op.feedback).bits)},
        )
        kept = (*held_channels(ctx, (op.feedback,), shape.out_c, group), Flow(op.labels, op.batch))
        parts.append((Recipe(Stream("vector", op.batch, shape.positions, (one,)), kept), count))
    return Grouped(tuple(parts), "sample by sample")


STREAMS: Streams = {Loss: loss, TargetProject: target_project}
