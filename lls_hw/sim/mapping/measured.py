"""A product's second pass where its scale is measured first: sums that waited in DRAM come back and are narrowed."""

from dataclasses import replace

from lls_hw.models.program.ops.base import Op
from lls_hw.sim.mapping.context import Context, sums_of
from lls_hw.sim.mapping.stream import OUT, UNITS, Flow, Pass, Stream, StreamBuilder
from lls_hw.sim.mapping.tile import Buffer, Loop, Node, Plan, Tile
from lls_hw.sim.mapping.work import times


def second_pass(ctx: Context, op: Op) -> Stream:
    """Sum by sum through the vector unit."""
    name = op.result
    work = times(*((entry, 1) for entry in ("narrow", *ctx.draw(name))))
    one = Pass(f"{op.layer} {op.stage} narrow", (Flow(sums_of(name), 1),), writes=(Flow(name, 1),), work=work)
    return Stream("vector", 1, ctx.tensor(name).elements, (one,))


def second_pass_least_bytes(ctx: Context, op: Op) -> int:
    """Its smallest working set."""
    return second_pass(ctx, op).least_bytes(ctx)


def narrow_afterwards(ctx: Context, op: Op, plan: Plan) -> Plan:
    """The plan of the sums, and after it the pass that narrows them, in the scratchpad that the plan leaves.

    A tile of the second pass has no work on the array, which it only passes on its route.
    """
    name = op.result
    stream = second_pass(ctx, op)
    builder = StreamBuilder(ctx, stream, ctx.chip.vector.lanes)
    room = ctx.budget_bytes - plan.working_bytes + plan.out.total_bytes
    nodes = builder.nodes(max(min(room // 2, ctx.budget_bytes - plan.working_bytes), stream.least_bytes(ctx)))
    made: dict[int, Tile] = {}
    buffers = (*plan.buffers, Buffer("sums again", builder.slots[UNITS], ctx.depth))
    out = replace(plan.out, slot_bytes=max(plan.out.slot_bytes, builder.slots[OUT]))
    return replace(
        plan,
        buffers=buffers,
        out=out,
        body=(*plan.body, *(_routed(node, plan, made) for node in nodes)),
        touched_writes={**plan.touched_writes, name: ctx.tensor(name).elements},
    )


def _routed(node: Node, plan: Plan, made: dict[int, Tile]) -> Node:
    """Tiles of the second pass on the route of the first, with their own input buffer behind the plan's."""
    if isinstance(node, Loop):
        return Loop(node.count, tuple(_routed(part, plan, made) for part in node.body))
    if id(node) not in made:
        taken, on_array = (len(plan.buffers),), len(plan.route) - 1
        made[id(node)] = replace(
            node,
            cycles=(0,) * on_array + node.cycles,
            conflict_cycles=0 if on_array else node.conflict_cycles,
            takes=taken,
            gives=taken,
            takes_out=node.takes_out or bool(on_array),
            gives_out=node.gives_out or bool(on_array),
        )
    return made[id(node)]
