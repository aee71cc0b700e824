"""Recipes of the vector unit's streaming ops: BatchNorm, its backward, updates."""

from lls_hw.models.program.ops import BatchNorm, BatchNormBackward, TargetProject, Update
from lls_hw.models.spec.qformat import storage_bytes
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.stream import Flow, Pass, Stream
from lls_hw.sim.mapping.stream_ops import Grouped, Recipe, channel_groups
from lls_hw.sim.mapping.work import times

SUM_BYTES, SQUARE_BYTES = 4, 8
"""Per channel: a 32-bit sum and a 64-bit sum of squares (or of products)."""


def _channel_bytes(ctx: Context, names: tuple[str, ...], channels: int) -> int:
    """Bytes per channel of held operands, were none resident."""
    total = sum(storage_bytes(ctx.tensor(name).elements, ctx.tensor(name).bits) for name in dict.fromkeys(names))
    return -(-total // channels)


def _held(ctx: Context, names: tuple[str, ...], channels: int, group: int) -> tuple[Flow, ...]:
    """The group's part of operands with some rows of one code a channel."""
    return tuple(
        Flow(name, ctx.tensor(name).elements // channels * group, channels if group < channels else 0) for name in names
    )


def batch_norm(ctx: Context, op: BatchNorm) -> Grouped:
    """Training: sums, statistics, apply. Inference: statistics from the running ones, apply."""
    shape, small = op.shape, (op.gamma, op.beta, op.running)
    results = tuple(name for name in (op.stats, op.moved) if name is not None)
    each = _channel_bytes(ctx, (*small, *results), shape.out_c) + SUM_BYTES + SQUARE_BYTES
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
            _held(ctx, small, shape.out_c, group),
            _held(ctx, results, shape.out_c, group),
            scratch_bytes=(SUM_BYTES + SQUARE_BYTES) * group,
            between=between,
            passes_before=int(op.trains),
        )
        parts.append((recipe, count))
    return Grouped(tuple(parts), f"{1 + op.trains} passes over {op.y}")


def batch_norm_backward(ctx: Context, op: BatchNormBackward) -> Grouped:
    """Sums, per-channel gradients, apply; a pooled gradient is read once a sample, not a position."""
    shape, grads = op.shape, (op.gamma_grad, op.beta_grad)
    each = _channel_bytes(ctx, (op.stats, *grads), shape.out_c) + SUM_BYTES + SQUARE_BYTES
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
            _held(ctx, (op.stats,), shape.out_c, group),
            _held(ctx, grads, shape.out_c, group),
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


def update(ctx: Context, op: Update) -> Grouped:
    """One pass over the parameter: gradient, momentum and master in; momentum, master and copy out."""
    flows_in = tuple(Flow(name, 1) for name in op.reads)
    flows_out = tuple(Flow(name, 1) for name in op.writes)
    parts = (("update_momentum", 1),) if op.momentum is not None else ()
    copies = (("update_copy", 1),) if op.copy is not None else ()
    draws = (("draw", 1),) if ctx.program.precision.update_rounding == "stochastic" else ()
    work = times(*parts, ("update_master", 1), *draws, *copies)
    one = Pass(f"{op.parameter} update", flows_in, writes=flows_out, work=work)
    return Grouped(((Recipe(Stream("vector", 1, op.elements, (one,))), 1),), "element by element")


def target_project(ctx: Context, op: TargetProject) -> Grouped:
    """Each sample's row of the feedback with its sign turned; a group's feedback and all labels are held."""
    shape = op.shape
    parts = []
    for group, count in channel_groups(ctx, shape.out_c, _channel_bytes(ctx, (op.feedback,), shape.out_c)):
        one = Pass(
            f"{op.layer} target",
            writes=(Flow(op.error, group, shape.out_c),),
            work=times(("select", group), *((name, group) for name in ctx.draw(op.error))),
            sample_work={"scratchpad_read_words": ctx.words(shape.positions * group, ctx.tensor(op.feedback).bits)},
        )
        held = (*_held(ctx, (op.feedback,), shape.out_c, group), Flow(op.labels, op.batch))
        parts.append((Recipe(Stream("vector", op.batch, shape.positions, (one,)), held), count))
    return Grouped(tuple(parts), "sample by sample")
