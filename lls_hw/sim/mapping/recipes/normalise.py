"""Recipes of BatchNorm and of its backward pass: streams on the vector unit."""

from collections.abc import Mapping
from dataclasses import dataclass

from lls_hw.models.program.ops.normalise import BatchNorm, BatchNormBackward, NormBackward, NormOp
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.stream import Flow, Pass, Stream
from lls_hw.sim.mapping.stream_ops import Grouped, Parts, Recipe, Streams, channel_bytes, channel_groups, held_channels
from lls_hw.sim.mapping.tile import Transfer, make_transfer
from lls_hw.sim.mapping.work import times

SUM_BYTES, SQUARE_BYTES = 4, 8
"""Per channel: a 32-bit sum and a 64-bit sum of squares (or of products)."""


def batch_norm(ctx: Context, op: BatchNorm) -> Grouped:
    """Training: sums and ends, statistics, apply. Inference: statistics from the running ones, apply.

    In training the output's scale follows from every channel's ends, so that all groups are summed before the first is
    applied. In inference it is delayed; where it is measured, the ends take a pass of their own.
    """
    shape, small = op.shape, (op.gamma, op.beta, op.running)
    results = tuple(name for name in (op.stats, op.moved) if name is not None)
    looks = ctx.program.precision.scaling != "static" if op.trains else ctx.measures
    peaks = ctx.draw(op.out) if op.trains else ctx.rounded(op.out)
    ends = ("norm_ends", *activation(op), *activation(op)) if looks else ()
    statistics = ("norm_statistics", "norm_running", *ends) if op.trains else ("norm_running_statistics", *ends)
    one = (("norm_sums",) if op.trains else ()) + (("norm_extremes",) if looks else ())

    def phases(group: int) -> Phases:
        flow_y, flow_h = Flow(op.y, group, shape.out_c), Flow(op.out, group, shape.out_c)
        sums = (Pass(f"{op.layer} norm sums", (flow_y,), work=each_of(one, group)),) if one else ()
        work = each_of(("norm_apply", *activation(op), "narrow", *peaks), group)
        return Phases(
            group=group,
            gather=sums,
            reads=held_channels(ctx, small, shape.out_c, group),
            writes=held_channels(ctx, results, shape.out_c, group),
            statistics=each_of(statistics, group),
            rest=(Pass(f"{op.layer} norm apply", (flow_y,), writes=(flow_h,), work=work),),
            again=held_channels(ctx, results[:1] or small, shape.out_c, group),
        )

    each = channel_bytes(ctx, (*small, *results), shape.out_c) + SUM_BYTES + SQUARE_BYTES
    parts = [(phases(group), count) for group, count in channel_groups(ctx, shape.out_c, each)]
    return Grouped(_in_phases(ctx, op, parts), f"{1 + bool(one)} passes over {op.y}")


def batch_norm_backward(ctx: Context, op: BatchNormBackward) -> Grouped:
    """Sums, per-channel gradients, apply; a pooled gradient is read once a sample, not a position.

    The gradients of gamma and beta share a scale each, that of their own peak over all channels.
    """
    shape, grads = op.shape, (op.gamma_grad, op.beta_grad)
    draws = tuple(name for grad in grads for name in ctx.draw(grad))
    statistics = ("norm_back_statistics", "norm_back_gradients", *draws)

    def phases(group: int) -> Phases:
        spread = spread_flow(op, group)
        flow_y, flow_delta = Flow(op.y, group, shape.out_c), Flow(op.error, group, shape.out_c)
        per_unit = (flow_y,) if spread else (flow_delta, flow_y)

        def one(name: str, *entries: str, writes: tuple[Flow, ...] = ()) -> Pass:
            return Pass(
                f"{op.layer} norm backward {name}",
                per_unit,
                (spread,) if spread else (),
                writes=writes,
                work=each_of((*entries, *activation(op)), group),
                sample_work=spread_work(op, group),
            )

        narrow = ("norm_back_apply", "narrow", *ctx.rounded(op.out))
        measure = (one("peak", "norm_back_apply", "peak"),) if ctx.measures else ()
        return Phases(
            group=group,
            gather=(one("sums", "norm_back_sums"),),
            reads=held_channels(ctx, (op.stats,), shape.out_c, group),
            writes=held_channels(ctx, grads, shape.out_c, group),
            statistics=each_of(statistics, group),
            rest=(*measure, one("apply", *narrow, writes=(Flow(op.out, group, shape.out_c),))),
            again=held_channels(ctx, (op.stats,), shape.out_c, group),
            carries_sums=True,
        )

    each = channel_bytes(ctx, (op.stats, *grads), shape.out_c) + SUM_BYTES + SQUARE_BYTES
    parts = [(phases(group), count) for group, count in channel_groups(ctx, shape.out_c, each)]
    return Grouped(_in_phases(ctx, op, parts), f"{2 + ctx.measures} passes over {op.error} and {op.y}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """One group of channels: the pass that gathers, what follows from it, the passes that need all groups' results.

    Attributes
    ----------
    again : operands of the group that the second phase holds, if it is parted from the first.
    carries_sums : whether the sums, too, are carried from phase to phase, and the held results finished in the second.
    """

    group: int
    gather: tuple[Pass, ...]
    reads: tuple[Flow, ...]
    writes: tuple[Flow, ...]
    statistics: Mapping[str, int]
    rest: tuple[Pass, ...]
    again: tuple[Flow, ...]
    carries_sums: bool = False


def _in_phases(ctx: Context, op: BatchNorm | BatchNormBackward, parts: list[tuple[Phases, int]]) -> Parts:
    """A group that is alone passes from phase to phase; several take the first phase together, then the second.

    Between the phases a group's statistics, and its sums where they are needed, go to DRAM and come back.
    """
    units = op.shape.positions
    if len(parts) == 1 and parts[0][1] == 1:
        one = parts[0][0]
        stream = Stream("vector", op.batch, units, (*one.gather, *one.rest))
        at = len(one.gather)
        return ((Recipe(stream, one.reads, one.writes, scratch_bytes(one), (), one.statistics, at), 1),)
    first = [(_first_phase(ctx, op, one), count) for one, count in parts if one.gather]
    return (*first, *((_second_phase(ctx, op, one), count) for one, count in parts))


def scratch_bytes(one: Phases) -> int:
    """Sums of a group's channels."""
    return (SUM_BYTES + SQUARE_BYTES) * one.group


def _sums(ctx: Context, op: BatchNorm | BatchNormBackward, one: Phases) -> tuple[Transfer, ...]:
    """A group's sums on their way out or back."""
    name, words = f"{op.out}@sums", 2 * one.group
    bits = 8 * (SUM_BYTES + SQUARE_BYTES) // 2
    return (make_transfer(ctx.chip.dram, name, bits, segments=1, segment_elements=words, span_elements=words),)


def _first_phase(ctx: Context, op: BatchNorm | BatchNormBackward, one: Phases) -> Recipe:
    stream = Stream("vector", op.batch, op.shape.positions, one.gather)
    if one.carries_sums:
        return Recipe(stream, one.reads, scratch_bytes=scratch_bytes(one), extra_stores=_sums(ctx, op, one))
    return Recipe(stream, one.reads, one.writes, scratch_bytes(one), between=one.statistics)


def _second_phase(ctx: Context, op: BatchNorm | BatchNormBackward, one: Phases) -> Recipe:
    stream = Stream("vector", op.batch, op.shape.positions, one.rest)
    if not one.gather:
        return Recipe(stream, one.reads, one.writes, between=one.statistics, passes_before=0)
    if one.carries_sums:
        sums = _sums(ctx, op, one)
        return Recipe(stream, (), one.writes, scratch_bytes(one), sums, one.statistics, 0, one.again)
    return Recipe(stream, passes_before=0, again=one.again)


def activation(op: NormOp) -> tuple[str, ...]:
    """Work entry of the activation."""
    return ("leaky",) if op.shape.negative_slope else ("relu",)


def each_of(entries: tuple[str, ...], number: int) -> dict[str, int]:
    """Events of each entry so many times."""
    return times(*((entry, number) for entry in entries))


def spread_work(op: NormBackward, group: int) -> dict[str, int]:
    """A group's work per sample to find the pooled gradient at every position: in each pass that reads it."""
    if op.spread is None:
        return {}
    shape, grid = op.shape, op.spread
    alike = 1 if grid.channels is not None else shape.out_c
    overlaps = sum(grid.areas) * alike - shape.positions * shape.out_c
    shares = grid.latents(shape.out_c) if op.means else 0
    work = (("spread_overlap", overlaps), ("pool_share", shares))
    return times(*((name, share(number, group, shape.out_c)) for name, number in work))


def spread_flow(op: NormBackward, group: int) -> Flow | None:
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
