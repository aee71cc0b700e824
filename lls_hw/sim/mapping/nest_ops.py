"""Plans of the ops that are nests of loops: their recipe, the mapper's or the user's choice, tiles."""

from collections.abc import Callable
from dataclasses import replace

from lls_hw.models.program.ops.base import Op
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.least_cost import Alone, least_cost, trial_of
from lls_hw.sim.mapping.measured import narrow_afterwards, second_pass_least_bytes
from lls_hw.sim.mapping.nest import Nest
from lls_hw.sim.mapping.nest_plan import NestBuilder, Nests, Pieces, TileWorker, result_name
from lls_hw.sim.mapping.objective import Objective
from lls_hw.sim.mapping.pinned import pin_of, pinned_choice, refuse_oversized
from lls_hw.sim.mapping.recipes import pooling, products
from lls_hw.sim.mapping.search import least_bytes, tied
from lls_hw.sim.mapping.tile import Plan

Chooser = Callable[[Context, Nest, Op, TileWorker, int], Choice]
"""(context, nest, op, work, bytes of scratchpad) -> the mapping, of those that fit."""
NESTS: Nests = {**products.NESTS, **pooling.NESTS}


def nest_of(ctx: Context, op: Op) -> Nest:
    """The op's geometry, and which of its operands stream from DRAM."""
    return NESTS[type(op)].nest(ctx, op)


def work_of(ctx: Context, nest: Nest, op: Op) -> TileWorker:
    """Route of the op, and what one of its tiles does there."""
    return NESTS[type(op)].work(ctx, nest, op)


def held_names(op: Op) -> tuple[str, ...]:
    """Small operands that stay in the scratchpad for the whole op."""
    return NESTS[type(op)].held(op)


def streamed_names(op: Op) -> tuple[str, ...]:
    """Operands that tiles cut, in the order of the nest's reads."""
    held = held_names(op)
    return tuple(name for name in op.reads if name not in held)


def held_bytes(ctx: Context, op: Op) -> int:
    """Their bytes, where they are not resident anyway."""
    return sum(ctx.tensor(name).size_bytes for name in held_names(op) if not ctx.places[name].resident)


def nest_least_bytes(ctx: Context, op: Op) -> int:
    """The smallest working set."""
    nest, dram, held = nest_of(ctx, op), ctx.chip.dram, held_bytes(ctx, op)
    pin = pin_of(ctx.chip, op)
    waits = second_pass_least_bytes(ctx, op) if nest.narrows and ctx.measures else 0
    if pin is None:
        return held + waits + least_bytes(nest, dram, ctx.depth)
    need = held + waits + pinned_choice(nest, pin, dram, ctx.depth).need_bytes
    budget = ctx.chip.scratchpad.capacity_bytes
    refuse_oversized(nest, pin, dram, ctx.depth, need_bytes=need, budget_bytes=budget)
    return need


def plan_nest(ctx: Context, op: Op, choose: Chooser) -> Plan:
    """The best mapping of the op, as tiles."""
    nest, held = nest_of(ctx, op), held_names(op)
    worker = work_of(ctx, nest, op)
    measured = nest.narrows and ctx.measures
    budget = ctx.budget_bytes - held_bytes(ctx, op) - (second_pass_least_bytes(ctx, op) if measured else 0)
    choice = mapping_of(ctx, nest, op, budget, choose)
    names = (*streamed_names(op), result_name(ctx, op.result, narrows=nest.narrows))
    builder = NestBuilder(ctx, nest, names, choice, worker.work_for(choice))
    fills = ctx.fills(op.reads) + tuple(ctx.whole(name) for name in held if not ctx.places[name].resident)
    plan = builder.plan(worker.route, held_bytes(ctx, op), fills)
    touched = {**plan.touched_reads, **{name: ctx.tensor(name).elements for name in held}}
    plan = replace(plan, touched_reads=touched, once=NESTS[type(op)].once(ctx, op))
    return narrow_afterwards(ctx, op, plan) if measured else plan


def mapping_of(ctx: Context, nest: Nest, op: Op, budget_bytes: int, choose: Chooser) -> Choice:
    """The user's mapping, or the mapper's."""
    pin = pin_of(ctx.chip, op)
    if pin is not None:
        return pinned_choice(nest, pin, ctx.chip.dram, ctx.depth)
    return choose(ctx, nest, op, work_of(ctx, nest, op), budget_bytes)


def fewest_bytes(ctx: Context, nest: Nest, _op: Op, worker: TileWorker, budget_bytes: int) -> Choice:
    """Fewest DRAM bytes, then fewest estimated cycles, then fewest tiles and the first order."""
    choices = tied(nest, ctx.chip.dram, ctx.depth, budget_bytes)
    if len(choices) == 1:
        return choices[0]
    return min(choices, key=lambda choice: estimate_cycles(ctx, nest, worker, choice))


def chooser(objective: Objective, alone: Alone) -> Chooser:
    """The mapper of an objective; `alone` runs an op by itself, to compare the best few."""
    if objective.name == "bytes":
        return fewest_bytes

    def choose(ctx: Context, nest: Nest, op: Op, worker: TileWorker, budget_bytes: int) -> Choice:
        first = fewest_bytes(ctx, nest, op, worker, budget_bytes)
        return least_cost(objective, trial_of(ctx, nest, op, worker, alone), budget_bytes, first)

    return choose


def estimate_cycles(ctx: Context, nest: Nest, worker: TileWorker, choice: Choice) -> int:
    """Longest of the units' totals, plus one tile's passage through the rest: only ranks ties."""
    largest: Pieces = {dim: choice.axis(dim).runs[0][0] for dim in ("r", "i", "o")}
    tile = worker.work_for(choice)(largest, True, True).cycles
    visits = sum(choice.visits(nest, operand) for operand in (*nest.reads, nest.result) if operand.in_dram)
    moves = choice.dram_bytes // ctx.chip.dram.bytes_per_cycle + visits * ctx.chip.dram.latency_cycles
    passage = sum(tile) + moves // max(1, choice.tiles)
    return max(moves, choice.tiles * max(tile)) + passage
