"""A whole program on one chip: residency first, then every op's tiles, then who waits for whom."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.memory import NO_DRAM
from lls_hw.sim.mapping.context import Context, Place
from lls_hw.sim.mapping.dispatch import least_working_bytes, plan_op
from lls_hw.sim.mapping.nest_ops import Chooser, fewest_bytes
from lls_hw.sim.mapping.on_chip import on_chip, refuse_moves
from lls_hw.sim.mapping.residency import Residency, Stay, plan_residency
from lls_hw.sim.mapping.second_level import NO_SECOND, SecondLevel, plan_second_level
from lls_hw.sim.mapping.tile import Plan

ROOM_SHARE = 2
"""Tiles may claim this fraction (1/2) of the scratchpad against tensors that would like to stay."""


@dataclass(frozen=True, slots=True)
class ScheduledOp:
    """One op in its place.

    Attributes
    ----------
    arrives : resident tensors that take up their space here.
    uses : resident tensors the op touches; the last of their users to end gives the space back.
    load_after : op that must have ended before a tensor is loaded from DRAM.
    start_after : ops that must have ended before the first tile is worked on.
    second : tensors that live in the second memory on the chip instead of in DRAM.
    """

    index: int
    op: Op
    plan: Plan
    arrives: tuple[Stay, ...]
    uses: tuple[Stay, ...]
    load_after: Mapping[str, int]
    start_after: tuple[int, ...]
    second: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Schedule:
    """A program's tiles in order on one chip: the input of the event engine."""

    program: Program
    chip: AcceleratorSpec
    residency: Residency
    ops: tuple[ScheduledOp, ...]
    second: SecondLevel = NO_SECOND

    @property
    def mappings(self) -> tuple[str, ...]:
        """Every op's mapping in words; two schedules of a program on a chip that have the same are the same."""
        return tuple(scheduled.plan.note for scheduled in self.ops)


@dataclass(frozen=True, slots=True)
class Planner:
    """The way in which ops become tiles: the smallest working set of one, and its plan."""

    least_bytes: Callable[[Context, Op], int] = least_working_bytes
    plan: Callable[[Context, Op, Chooser], Plan] = plan_op


OP_BY_OP = Planner()


def schedule_program(
    program: Program, chip: AcceleratorSpec, choose: Chooser = fewest_bytes, planner: Planner = OP_BY_OP
) -> Schedule:
    """Map every op of a program onto a chip; `choose` picks the mappings of its nests.

    Mappings are those of the chip without a second level; what lives there is chosen afterwards, by what it saves.

    Raises
    ------
    SpecError : the scratchpad cannot hold one tile of some op, or, of a chip without DRAM, the whole step; says how
        much would.
    """
    if chip.second is not None:
        return _with_second(schedule_program(program, chip.without("second"), choose, planner), chip)
    capacity = chip.scratchpad.capacity_bytes
    alone = chip.dram.device == NO_DRAM
    residency = on_chip(program, chip, planner.least_bytes) if alone else _resident(program, chip, planner)
    before, ops = _Before(), []
    for index, op in enumerate(program.ops):
        budget = capacity - residency.resident_bytes[index]
        ctx = Context(program, chip, residency.places[index], budget)
        plan = planner.plan(ctx, op, choose)
        assert plan.working_bytes <= budget, f"op {index} {op.layer} {op.kind}: {plan.working_bytes} of {budget} bytes"
        if alone:
            refuse_moves(op, plan)
        ops.append(_place(index, op, plan, residency, before))
        before.note(index, op)
    return Schedule(program, chip, residency, tuple(ops))


def _resident(program: Program, chip: AcceleratorSpec, planner: Planner) -> Residency:
    """Tensors that stay between ops, beside tiles that use their room well."""
    least = _least_bytes(program, chip, planner)
    capacity = chip.scratchpad.capacity_bytes
    if max(least) > capacity:
        raise _too_small(program, chip, least, planner)
    rooms = [max(need, _room(program, op, capacity)) for need, op in zip(least, program.ops, strict=True)]
    return plan_residency(program, capacity, rooms)


def _with_second(found: Schedule, chip: AcceleratorSpec) -> Schedule:
    """The schedule, with tensors that live in the chip's second level."""
    assert chip.second is not None, f"{chip.name} has no second level"
    where = f"chip.memory.{list(chip.levels).index('second')}"
    if chip.second.idle_leak_share < 1:
        need = "macros of the second level are always on"
        raise SpecError(f"{where}.idle_leak_share", chip.second.idle_leak_share, need, "Use 1.")
    if chip.dram.device == NO_DRAM:
        need = "without a DRAM everything is in the scratchpad"
        raise SpecError(where, chip.second.name, need, "Remove it, and give the scratchpad its capacity.")
    level = plan_second_level(found.program, [op.plan for op in found.ops], chip.second.capacity_bytes)
    ops = tuple(replace(op, second=level.names) for op in found.ops)
    return replace(found, chip=chip, ops=ops, second=level)


def _room(program: Program, op: Op, capacity_bytes: int) -> int:
    """Bytes an op would use well: all its operands twice, but no more than its share."""
    total = sum(program.tensors[name].size_bytes for name in (*op.reads, *op.writes))
    return min(capacity_bytes // ROOM_SHARE, 2 * total)


def _nothing_resident(op: Op) -> dict[str, Place]:
    names = dict.fromkeys((*op.reads, *op.writes))
    return {name: Place(resident=False, load=name in op.reads, store=name in op.writes) for name in names}


def _least_bytes(program: Program, chip: AcceleratorSpec, planner: Planner) -> list[int]:
    """Smallest working set of each op, with nothing resident."""
    capacity = chip.scratchpad.capacity_bytes
    alone = [Context(program, chip, _nothing_resident(op), capacity) for op in program.ops]
    return [planner.least_bytes(ctx, op) for ctx, op in zip(alone, program.ops, strict=True)]


def _too_small(program: Program, chip: AcceleratorSpec, least: list[int], planner: Planner) -> SpecError:
    """The complaint, with a capacity at which every op fits."""
    found = chip.scratchpad.capacity_bytes
    need = max(least)
    culprit = program.ops[least.index(need)]
    enough = need
    while (wanted := max(_least_bytes(program, chip.changed("scratchpad", capacity_bytes=enough), planner))) > enough:
        enough = wanted
    kind = "double-buffered " if chip.scratchpad.double_buffered else ""
    return SpecError(
        "chip.scratchpad.capacity_bytes",
        found,
        f"layer '{culprit.layer}' needs {enough} bytes for one {kind}tile of its {culprit.stage} ({culprit.kind})",
        f"Raise capacity_bytes to {enough}.",
    )


class _Before:
    """Ops so far: who wrote each tensor last, and who has touched it."""

    def __init__(self) -> None:
        self.writer: dict[str, int] = {}
        self.users: dict[str, list[int]] = {}

    def note(self, index: int, op: Op) -> None:
        """An op joins the past."""
        self.writer.update(dict.fromkeys(op.writes, index))
        for name in dict.fromkeys((*op.reads, *op.writes)):
            self.users.setdefault(name, []).append(index)


def _place(index: int, op: Op, plan: Plan, residency: Residency, before: _Before) -> ScheduledOp:
    """Find whom the op waits for: writers of what it reads or writes, and all users of what it writes in place.

    (A tensor in DRAM needs no wait for its readers: loads are issued in program order, so theirs are done.)
    """
    places = residency.places[index]
    load_after: dict[str, int] = {}
    start_after: set[int] = set()
    for name in op.reads:
        writer = before.writer.get(name)
        if writer is not None and places[name].load:
            load_after[name] = writer
        elif writer is not None:
            start_after.add(writer)
    for name in op.writes:
        if name in before.writer:
            start_after.add(before.writer[name])
        if places[name].resident:
            start_after.update(before.users.get(name, ()))
    here = [stay for stay in residency.stays if stay.first <= index <= stay.last]
    stays = [stay for stay in here if stay.tensor in places or index in (stay.first, stay.last)]
    return ScheduledOp(
        index=index,
        op=op,
        plan=plan,
        arrives=tuple(stay for stay in stays if stay.first == index),
        uses=tuple(stays),
        load_after=load_after,
        start_after=tuple(sorted(start_after)),
    )
