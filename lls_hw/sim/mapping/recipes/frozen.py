"""Recipe of the way back through a norm whose statistics are constants: one stream on the vector unit."""

from lls_hw.models.program.ops.normalise import FrozenNormBackward
from lls_hw.sim.mapping.context import Context, sums_of
from lls_hw.sim.mapping.recipes.normalise import activation, each_of, spread_flow, spread_work
from lls_hw.sim.mapping.stream import Flow, Pass, Stream
from lls_hw.sim.mapping.stream_ops import Grouped, Parts, Recipe, Streams, channel_bytes, channel_groups, held_channels
from lls_hw.sim.mapping.tile import Transfer, make_transfer

SUM_BYTES = 8
"""Per channel: a 64-bit sum of the error."""


def frozen_norm_backward(ctx: Context, op: FrozenNormBackward) -> Grouped:
    """Apply, with the sum for beta on the way; a pass before it where the scale is measured.

    The gradient of beta has one scale, that of its peak over all channels: where channels are cut, sums go to DRAM,
    and are narrowed when all are there.
    """
    small = (op.gamma, op.beta, op.running)
    each = channel_bytes(ctx, (*small, op.beta_grad), op.shape.out_c) + SUM_BYTES
    groups = channel_groups(ctx, op.shape.out_c, each)
    note = f"{1 + ctx.measures} passes over {op.error} and {op.y}"
    if len(groups) == 1 and groups[0][1] == 1:
        return Grouped(((_whole(ctx, op, small), 1),), note)
    first: Parts = tuple((_sums(ctx, op, small, group), count) for group, count in groups)
    return Grouped((*first, *((_narrowing(ctx, op, group), count) for group, count in groups)), note)


def _constants(group: int) -> dict[str, int]:
    return each_of(("norm_running_statistics",), group)


def _gradient(ctx: Context, op: FrozenNormBackward, group: int) -> dict[str, int]:
    return each_of(("frozen_gradient", *ctx.draw(op.beta_grad)), group)


def _whole(ctx: Context, op: FrozenNormBackward, small: tuple[str, ...]) -> Recipe:
    """All channels at once. Constants are made before the pass and the gradient after it: charged together."""
    channels = op.shape.out_c
    return Recipe(
        _stream(ctx, op, channels),
        held_channels(ctx, small, channels, channels),
        held_channels(ctx, (op.beta_grad,), channels, channels),
        SUM_BYTES * channels,
        between=each_of(("norm_running_statistics", "frozen_gradient", *ctx.draw(op.beta_grad)), channels),
    )


def _sums(ctx: Context, op: FrozenNormBackward, small: tuple[str, ...], group: int) -> Recipe:
    """A group of channels, whose sums go out."""
    return Recipe(
        _stream(ctx, op, group),
        held_channels(ctx, small, op.shape.out_c, group),
        scratch_bytes=SUM_BYTES * group,
        between=_constants(group),
        extra_stores=_moved(ctx, op, group),
    )


def _narrowing(ctx: Context, op: FrozenNormBackward, group: int) -> Recipe:
    """A group's sums come back and become its gradient; no map passes."""
    return Recipe(
        Stream("vector", 1, 1, (Pass(f"{op.layer} norm backward gradient"),)),
        (),
        held_channels(ctx, (op.beta_grad,), op.shape.out_c, group),
        SUM_BYTES * group,
        _moved(ctx, op, group),
        _gradient(ctx, op, group),
    )


def _moved(ctx: Context, op: FrozenNormBackward, group: int) -> tuple[Transfer, ...]:
    """A group's sums on their way out or back."""
    name, bits = sums_of(op.out), 8 * SUM_BYTES
    return (make_transfer(ctx.chip.dram, name, bits, segments=1, segment_elements=group, span_elements=group),)


def _stream(ctx: Context, op: FrozenNormBackward, group: int) -> Stream:
    shape, spread = op.shape, spread_flow(op, group)
    flow_y, flow_delta = Flow(op.y, group, shape.out_c), Flow(op.error, group, shape.out_c)

    def one(name: str, *entries: str, writes: tuple[Flow, ...] = ()) -> Pass:
        return Pass(
            f"{op.layer} norm backward {name}",
            (flow_y,) if spread else (flow_delta, flow_y),
            (spread,) if spread else (),
            writes=writes,
            work=each_of((*entries, *activation(op)), group),
            sample_work=spread_work(op, group),
        )

    measure = (one("peak", "frozen_apply", "peak"),) if ctx.measures else ()
    entries = ("frozen_apply", "frozen_sum", "narrow", *ctx.rounded(op.out))
    apply = one("apply", *entries, writes=(Flow(op.out, group, shape.out_c),))
    return Stream("vector", op.batch, shape.positions, (*measure, apply))


STREAMS: Streams = {FrozenNormBackward: frozen_norm_backward}
