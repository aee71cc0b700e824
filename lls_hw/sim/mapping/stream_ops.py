"""Plans of the streaming ops: who holds what, and what is done between and after the passes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lls_hw.models.program.ops.base import Op, Operand
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.mapping.axes import TileAxis, chunk_axis
from lls_hw.sim.mapping.context import HELD_CHANNEL_SHARE, Context, sums_of
from lls_hw.sim.mapping.stream import HELD, Flow, Pass, Stream, StreamBuilder, StreamCut
from lls_hw.sim.mapping.tile import Node, Plan, Tile, Transfer, add_to, loop
from lls_hw.sim.mapping.touched import Touched
from lls_hw.sim.mapping.work import lane_cycles, times


@dataclass(frozen=True, slots=True)
class Recipe:
    """One streaming op for one group of channels.

    Attributes
    ----------
    stream : what streams.
    held_reads, held_writes : operands of the whole group.
    scratch_bytes : accumulators (and a stored basis) of the whole group.
    extra_loads : what is loaded with the held operands but is no tensor of the program: a basis kept in DRAM.
    between : work per group after `passes_before` passes (all of them, if None): statistics. The
        held results are finished, and stored, then.
    again : operands and results of the op that an earlier recipe of it read or wrote, and that this one holds.
    sampled : operands that this one holds for what every sample reads of them (`Pass.held_reads`).
    extra_stores : what is stored with the held results but is no tensor of the program: sums for a later recipe.
    """

    stream: Stream
    held_reads: tuple[Flow, ...] = ()
    held_writes: tuple[Flow, ...] = ()
    scratch_bytes: int = 0
    extra_loads: tuple[Transfer, ...] = ()
    between: Mapping[str, int] = field(default_factory=dict)
    passes_before: int | None = None
    again: tuple[Flow, ...] = ()
    sampled: tuple[Flow, ...] = ()
    extra_stores: tuple[Transfer, ...] = ()

    def held_bytes(self, ctx: Context) -> int:
        """Bytes of the held buffer: operands that are not resident, and scratch."""
        flows = {flow.tensor: flow for flow in (*self.held_reads, *self.held_writes, *self.again, *self.sampled)}
        return self.scratch_bytes + sum(
            storage_bytes(flow.codes, ctx.tensor(name).bits)
            for name, flow in flows.items()
            if not ctx.places[name].resident
        )

    def least_bytes(self, ctx: Context) -> int:
        """The smallest working set."""
        return self.held_bytes(ctx) + self.stream.least_bytes(ctx)


Parts = tuple[tuple[Recipe, int], ...]
"""Recipes, each with the number of groups of channels that it serves, in the order of their execution."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """A recipe for each group size of an op's channels, and how many groups of it there are."""

    parts: Parts
    note: str

    def least_bytes(self, ctx: Context) -> int:
        """The smallest working set: that of the largest group."""
        return max(recipe.least_bytes(ctx) for recipe, _ in self.parts)


Streams = dict[type[Op], Callable[[Context, Any], Grouped]]
"""The recipe of each kind of streaming op."""


def per_sample(ctx: Context, batch: int, *operands: Operand) -> tuple[Flow, ...]:
    """One sample's part of the operands that the op has."""
    return tuple(Flow(name, ctx.tensor(name).elements // batch) for name in operands if name is not None)


def held(ctx: Context, operand: Operand) -> tuple[Flow, ...]:
    """A whole operand, where the op has it."""
    return per_sample(ctx, 1, operand)


def channel_bytes(ctx: Context, names: tuple[str, ...], channels: int) -> int:
    """Bytes per channel of held operands, were none resident."""
    total = sum(storage_bytes(ctx.tensor(name).elements, ctx.tensor(name).bits) for name in dict.fromkeys(names))
    return -(-total // channels)


def narrowed(ctx: Context, one: Pass, name: str, entry: str = "narrow") -> tuple[Pass, ...]:
    """A pass that narrows each word it writes into a tensor.

    Where the tensor's peak is measured first, the words wait in DRAM for a pass of their own that narrows them.
    """
    flow = next(flow for flow in one.writes if flow.tensor == name)
    if not ctx.measures:
        return (replace(one, work=with_each(one.work, flow.codes, entry, *ctx.rounded(name))),)
    sums = replace(flow, tensor=sums_of(name))
    writes = tuple(sums if other is flow else other for other in one.writes)
    cut = with_each({}, flow.codes, entry, *ctx.draw(name))
    return (
        replace(one, writes=writes, work=with_each(one.work, flow.codes, "peak")),
        Pass(f"{one.name}: narrow", (sums,), writes=(flow,), work=cut),
    )


def with_each(work: Mapping[str, int], number: int, *entries: str) -> dict[str, int]:
    """The work, and each entry so many times."""
    total = dict(work)
    add_to(total, times(*((entry, number) for entry in entries)))
    return total


def held_channels(ctx: Context, names: tuple[str, ...], channels: int, group: int) -> tuple[Flow, ...]:
    """The group's part of operands with some rows of one code a channel."""
    return tuple(
        Flow(name, ctx.tensor(name).elements // channels * group, channels if group < channels else 0) for name in names
    )


def held_transfer(ctx: Context, flow: Flow) -> Transfer:
    """A held operand's movement: one piece a row where channels are cut."""
    if flow.full == 0:
        return ctx.piece(flow.tensor, flow.codes)
    rows = ctx.tensor(flow.tensor).elements // flow.full
    return ctx.piece(flow.tensor, flow.codes // rows, segments=rows, span=flow.full * rows)


def channel_groups(ctx: Context, channels: int, held_bytes_each: int) -> tuple[tuple[int, int], ...]:
    """(channels, groups): as few groups as keep held operands within their share of the scratchpad."""
    share = ctx.chip.scratchpad.capacity_bytes // HELD_CHANNEL_SHARE
    size = channels
    while size > 1 and size * held_bytes_each > share:
        size = -(-size // 2)  # halves: latents pooled along features divide with them
    return tuple((piece.size, count) for piece, count in chunk_axis(channels, size).runs)


def plan_stream(ctx: Context, op: Op, grouped: Grouped) -> Plan:
    """Begin, passes, what comes between, end; once for each group of channels.

    Groups of two sizes share buffers, and each may be the hungrier one in another buffer: then the tiles shrink.
    """
    budget = ctx.budget_bytes
    while (plan := _plan_within(ctx, op, grouped, budget)).working_bytes > ctx.budget_bytes:
        budget -= plan.working_bytes - ctx.budget_bytes
    return plan


def _plan_within(ctx: Context, op: Op, grouped: Grouped, budget_bytes: int) -> Plan:
    lanes = ctx.chip.local.lanes if grouped.parts[0][0].stream.unit == "local" else ctx.chip.vector.lanes
    touched = Touched()
    body: list[Node] = []
    cuts: list[StreamCut] = []
    builder = StreamBuilder(ctx, grouped.parts[0][0].stream, lanes)
    for recipe, count in grouped.parts:
        builder.stream = recipe.stream
        axis = recipe.stream.axis(ctx, budget_bytes - recipe.held_bytes(ctx))
        cuts.append(StreamCut(recipe, count, axis))
        body += loop(count, _group(ctx, builder, recipe, axis))
        for _ in range(count):
            touched.add(recipe.stream)
            touched.hold(recipe.held_reads, recipe.held_writes)
    return builder.plan(tuple(body), (touched.reads, touched.writes), ctx.fills(op.reads), grouped.note, tuple(cuts))


def _group(ctx: Context, builder: StreamBuilder, recipe: Recipe, axis: TileAxis) -> tuple[Node, ...]:
    builder.slots[HELD] = max(builder.slots[HELD], recipe.held_bytes(ctx))
    passes = [builder.pass_nodes(axis, one) for one in recipe.stream.passes]
    held_in = (*recipe.held_reads, *recipe.again)
    loads = tuple(held_transfer(ctx, flow) for flow in (*held_in, *recipe.sampled) if ctx.streams_in(flow.tensor))
    loads += recipe.extra_loads
    stores = tuple(held_transfer(ctx, flow) for flow in recipe.held_writes if ctx.streams_out(flow.tensor))
    stores += recipe.extra_stores
    words = {"scratchpad_read_words": _words(ctx, held_in), "scratchpad_write_words": _words(ctx, recipe.held_writes)}
    name = recipe.stream.passes[0].name
    begin = Tile(name=name, cycles=(0,), loads=loads, takes=(HELD,))
    end = Tile(name=name, cycles=(0,), gives=(HELD,))
    compute = lane_cycles(recipe.between, builder.lanes)
    cycles = ctx.served(compute, words)
    between = Tile(
        name=f"{name}: statistics",
        cycles=(cycles,),
        conflict_cycles=cycles - compute,
        stores=stores,
        tally={**recipe.between, **words},
        read_codes={flow.tensor: flow.codes for flow in recipe.held_reads if flow.full},
        written_codes={flow.tensor: flow.codes for flow in recipe.held_writes if flow.full},
    )
    at = len(passes) if recipe.passes_before is None else recipe.passes_before
    before, after = ((node for nodes in part for node in nodes) for part in (passes[:at], passes[at:]))
    return (begin, *before, between, *after, end)


def _words(ctx: Context, flows: tuple[Flow, ...]) -> int:
    return sum(ctx.words(flow.codes, ctx.tensor(flow.tensor).bits) for flow in flows)
