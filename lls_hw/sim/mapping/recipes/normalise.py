"""Recipes of BatchNorm and of its backward pass: streams on the vector unit."""

from lls_hw.models.program.ops.normalise import BatchNorm, BatchNormBackward
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.stream import Flow, Pass, Stream
from lls_hw.sim.mapping.stream_ops import Grouped, Recipe, Streams, channel_bytes, channel_groups, held_channels
from lls_hw.sim.mapping.work import times

SUM_BYTES, SQUARE_BYTES = 4, 8
"""Per channel: a 32-bit sum and a 64-bit sum of squares (or of products)."""


def batch_norm(ctx: Context, op: BatchNorm) -> Grouped:
    """Training: sums, statistics, apply. Inference: statistics from the running ones, apply."""
    shape, small = op.shape, (op.gamma, op.beta, op.running)
    results = tuple(name for name in (op.stats, op.moved) if name is not None)
    each = channel_bytes(ctx, (*small, *results), shape.out_c) + SUM_BYTES + SQUARE_BYTES
    parts = []
    for group, count in channel_groups(ctx, shape.out_c, each):
        flow_y, flow_h = Flow(op.y, group, shape.out_c), Flow(op.out, group, shape.out_c)
        apply = Pass(
            f"{op.layer} norm apply",
            (flow_y,),
            writes=(flow_h,),
            work=times(("norm_apply", group), *((name, group) for name in ctx.draw(op.out))),
        )
        sums = Pass(f"{op.layer} norm sums", (flow_y,), work=times(("norm_sums", group)))
        stream = Stream("vector", op.batch, shape.positions, (sums, apply) if op.trains else (apply,))
        between = times(("norm_statistics", group), *((("norm_running", group),) if op.trains else ()))
        recipe = Recipe(
            stream,
            held_channels(ctx, small, shape.out_c, group),
            held_channels(ctx, results, shape.out_c, group),
            scratch_bytes=(SUM_BYTES + SQUARE_BYTES) * group,
            between=between,
            passes_before=int(op.trains),
        )
        parts.append((recipe, count))
    return Grouped(tuple(parts), f"{1 + op.trains} passes over {op.y}")


def batch_norm_backward(ctx: Context, op: BatchNormBackward) -> Grouped:
    """Sums, per-channel gradients, apply; a pooled gradient is read once a sample, not a position."""
    shape, grads = op.shape, (op.gamma_grad, op.beta_grad)
    each = channel_bytes(ctx, (op.stats, *grads), shape.out_c) + SUM_BYTES + SQUARE_BYTES
    parts = []
    for group, count in channel_groups(ctx, shape.out_c, each):
        spread = _spread_flow(op, group)
        flow_y, flow_delta = Flow(op.y, group, shape.out_c), Flow(op.error, group, shape.out_c)
        per_unit = (flow_y,) if spread else (flow_delta, flow_y)
        sampled = (spread,) if spread else ()
        uneven = (("spread_uneven", group),) if op.spread is not None and not op.spread.is_uniform else ()
        passes = (
            Pass(f"{op.layer} norm backward sums", per_unit, sampled, work=times(("norm_back_sums", group), *uneven)),
            Pass(
                f"{op.layer} norm backward apply",
                per_unit,
                sampled,
                writes=(Flow(op.out, group, shape.out_c),),
                work=times(("norm_back_apply", group), *uneven, *((name, group) for name in ctx.draw(op.out))),
            ),
        )
        recipe = Recipe(
            Stream("vector", op.batch, shape.positions, passes),
            held_channels(ctx, (op.stats,), shape.out_c, group),
            held_channels(ctx, grads, shape.out_c, group),
            scratch_bytes=(SUM_BYTES + SQUARE_BYTES) * group,
            between=times(("norm_back_statistics", group)),
            passes_before=1,
        )
        parts.append((recipe, count))
    return Grouped(tuple(parts), f"2 passes over {op.error} and {op.y}")


def _spread_flow(op: BatchNormBackward, group: int) -> Flow | None:
    """A group's share of the pooled gradient of one sample.

    A linear layer pools along its features: then groups share latents unevenly, and only whole
    groups can be attributed exactly; the shares are rounded so that they add up (see `share`).
    """
    if op.spread is None:
        return None
    latents = op.spread.latents(op.shape.out_c)
    return Flow(op.error, share(latents, group, op.shape.out_c), latents if group < op.shape.out_c else 0)


def share(latents: int, group: int, channels: int) -> int:
    """Latents of `group` of `channels` channels, rounded up (a latent on the border is needed twice).

    Examples
    --------
    >>> share(2048, 64, 128), share(5, 64, 128)
    (1024, 3)
    """
    return -(-latents * group // channels)


STREAMS: Streams = {BatchNorm: batch_norm, BatchNormBackward: batch_norm_backward}
