"""Every op's planner, by kind."""

from functools import lru_cache

from lls_hw.models.program.ops.base import Op
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.nest_ops import NESTS, Chooser, fewest_bytes, nest_least_bytes, plan_nest
from lls_hw.sim.mapping.recipes import accumulate, frozen, group_norm, local, loss, normalise, update
from lls_hw.sim.mapping.stream_ops import Grouped, Streams, plan_stream
from lls_hw.sim.mapping.tile import Plan

STREAMS: Streams = {
    **normalise.STREAMS,
    **frozen.STREAMS,
    **group_norm.STREAMS,
    **local.STREAMS,
    **loss.STREAMS,
    **accumulate.STREAMS,
    **update.STREAMS,
}


def plan_op(ctx: Context, op: Op, choose: Chooser = fewest_bytes) -> Plan:
    """The op's tiles for `ctx.budget_bytes` of scratchpad beside the resident tensors."""
    if type(op) in NESTS:
        return plan_nest(ctx, op, choose)
    return _stream_plan(_Stream(ctx, op))


class _Stream:
    """A streaming op with everything its plan depends on; of the chip, that is all but the array.

    Points of a sweep differ in arrays and dataflows more than in anything else, and share these plans. Tiles are
    never written to, and an op stands in a program once, so two runs may hold the same ones.
    """

    __slots__ = ("ctx", "known", "op")

    def __init__(self, ctx: Context, op: Op) -> None:
        chip = ctx.chip
        self.ctx, self.op = ctx, op
        places = tuple(ctx.places.values())
        parts = (chip.scratchpad, chip.dram, chip.vector, chip.local)
        self.known = (id(ctx.program), id(op), ctx.budget_bytes, places, parts)

    def __hash__(self) -> int:
        return hash(self.known)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Stream) and self.known == other.known  # both hold their programs: ids are theirs


@lru_cache(maxsize=4096)
def _stream_least_bytes(stream: _Stream) -> int:
    return recipe_of(stream.ctx, stream.op).least_bytes(stream.ctx)


@lru_cache(maxsize=1536)  # as many as a network of 110 such ops needs for a dozen scratchpads
def _stream_plan(stream: _Stream) -> Plan:
    return plan_stream(stream.ctx, stream.op, recipe_of(stream.ctx, stream.op))


def least_working_bytes(ctx: Context, op: Op) -> int:
    """Scratchpad bytes of the op's smallest tiles."""
    if type(op) in NESTS:
        return nest_least_bytes(ctx, op)
    return _stream_least_bytes(_Stream(ctx, op))


def recipe_of(ctx: Context, op: Op) -> Grouped:
    """The streaming recipe of an op."""
    recipe = STREAMS.get(type(op))
    if recipe is None:
        raise AssertionError(f"no planner for {op.kind}: an op that only one engine knows is a bug")
    return recipe(ctx, op)
