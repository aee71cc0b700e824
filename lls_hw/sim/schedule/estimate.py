"""The cost of a group or an op without its events being run: bytes and energy, and cycles by the busiest unit."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.ops.products import Product
from lls_hw.models.program.ops.update import Update
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.mapping.context import Context, Place
from lls_hw.sim.mapping.nest_ops import fewest_bytes
from lls_hw.sim.mapping.objective import Objective
from lls_hw.sim.mapping.pinned import pin_of
from lls_hw.sim.mapping.schedule import OP_BY_OP
from lls_hw.sim.mapping.tile import EventTally, Into, Plan, Transfer, add_to, moves, walk
from lls_hw.sim.schedule.drain import can_drain, drained
from lls_hw.sim.schedule.drain import plan as plan_drained
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.memory import INSIDE, GroupMemory
from lls_hw.sim.schedule.phases import Phase
from lls_hw.sim.schedule.work import Rows, Worker, is_whole

SPARE_SHARE = 16
"""A group leaves this fraction (1/16) of the scratchpad to small tensors that stay from one group to the next."""

SLOTS = 3
"""Tiles under way at a time, as a rule."""
STAGES = ("array", "vector", "local", "dma_read", "dma_write")
"""The stages of a tile."""


class Estimate(NamedTuple):
    """Bytes, energy of the events, cycles of each of `STAGES`, and of the DRAM bus.

    All are integers: estimates add up in any order, and of ways that cost the same the first one found is taken.
    """

    dram_bytes: int
    dynamic_aj: int
    stage_cycles: tuple[int, ...]
    bus_cycles: int

    @property
    def cycles(self) -> int:
        """The busiest unit's, or, where its stages keep each other waiting, a share of all of them."""
        return max(*self.stage_cycles, self.bus_cycles, sum(self.stage_cycles) // SLOTS)


def attojoules(pj: float) -> int:
    """Energy as an integer."""
    return round(pj * 1_000_000)


def total(parts: Iterable[Estimate]) -> Estimate:
    """Their sum."""
    moved, aj, stages, bus = zip(*parts, strict=True)
    return Estimate(sum(moved), sum(aj), tuple(map(sum, zip(*stages, strict=True))), sum(bus))


class Estimator:
    """Estimates of one program on one chip; each phase, loop, transfer and op is looked at once."""

    def __init__(self, program: Program, chip: AcceleratorSpec, objective: Objective) -> None:
        self.program, self.chip, self.objective = program, chip, objective
        self.room_bytes = chip.scratchpad.capacity_bytes - chip.scratchpad.capacity_bytes // SPARE_SHARE
        self.inside = Context(program, chip, {}, self.room_bytes)
        self.phases: dict[tuple[int, int], tuple[Worker, Estimate] | None] = {}
        self.loops: dict[tuple[tuple[int, int], ...], Estimate | None] = {}
        self.moved: dict[tuple[str, Into], Estimate] = {}
        self.alone: dict[int, tuple[Op, Estimate]] = {}
        self.updates = {op.gradient: op for op in program.ops if isinstance(op, Update)}
        self.pairs: dict[int, tuple[Op, tuple[Estimate, Estimate] | None]] = {}

    def of(self, op: Op) -> Estimate | None:
        """The estimate; None where a group does not fit the scratchpad."""
        return self._of_group(op) if isinstance(op, Group) else self._of_op(op)

    def of_store(self, name: str) -> Estimate:
        """A tensor on its way to DRAM."""
        return self._whole(name, "write")

    def drains(self, product: Product, update: Update) -> bool:
        """Whether an update takes a gradient while it drains."""
        return self.updates.get(product.out) is update and self.pair(product) is not None

    def pair(self, op: Op) -> tuple[Estimate, Estimate] | None:
        """A gradient's product and the update that takes it while it drains, and that update by itself.

        None where the two move no fewer bytes so, where somebody else reads the gradient, and where its mapping is the
        user's.
        """
        if id(op) not in self.pairs:
            update = self.updates.get(op.out) if isinstance(op, Product) else None
            self.pairs[id(op)] = op, None if update is None else self._pair(op, update)  # type: ignore[arg-type]
        return self.pairs[id(op)][1]

    def _pair(self, product: Product, update: Update) -> tuple[Estimate, Estimate] | None:
        readers = [op for op in self.program.ops if product.out in op.reads]
        pinned = pin_of(self.chip, product) is not None
        if pinned or len(readers) > 1 or not can_drain(self._context(product), product, update):
            return None
        both = drained(self.program, product, update)
        found, alone = self._of_plan(plan_drained(self._context(both), both)), self._of_op(update)
        return (found, alone) if found.dram_bytes < self._of_op(product).dram_bytes + alone.dram_bytes else None

    def _context(self, op: Op) -> Context:
        names = dict.fromkeys((*op.reads, *op.writes))
        places = {n: Place(resident=False, load=n in op.reads, store=n in op.writes) for n in names}
        return Context(self.program, self.chip, places, self.chip.scratchpad.capacity_bytes)

    def _of_op(self, op: Op) -> Estimate:
        if id(op) not in self.alone:
            self.alone[id(op)] = op, self._of_plan(OP_BY_OP.plan(self._context(op), op, fewest_bytes))
        return self.alone[id(op)][1]

    def _of_plan(self, plan: Plan) -> Estimate:
        tally: EventTally = {}
        busy: EventTally = {}
        for tile, times in walk(plan.body):
            add_to(tally, tile.tally, times)
            for unit, cycles in zip(plan.route, tile.cycles, strict=False):
                add_to(busy, {unit: cycles}, times)
        for transfer, times, into in moves(plan):
            self._move(tally, busy, transfer, times, into)
        return self._priced(tally, busy)

    def _move(self, tally: EventTally, busy: EventTally, transfer: Transfer, times: int, into: Into) -> None:
        add_to(tally, transfer.counts(self.chip.scratchpad.word_bits, into), times)
        data = transfer.bus_cycles(self.chip.dram)
        add_to(busy, {"dram": data, f"dma_{into}": data + self.chip.dram.latency_cycles}, times)

    def _priced(self, tally: EventTally, busy: EventTally) -> Estimate:
        moved = tally.get("dram_read_bytes", 0) + tally.get("dram_write_bytes", 0)
        stages = tuple(busy.get(stage, 0) for stage in STAGES)
        return Estimate(moved, attojoules(self.objective.dynamic_pj(tally)), stages, busy.get("dram", 0))

    # ------------------------------------------------------------------ groups

    def _of_group(self, group: Group) -> Estimate | None:
        key = tuple((phase.index, phase.part) for phase in group.phases)
        if key not in self.loops:
            self.loops[key] = self._loop(group)
        loop = self.loops[key]
        return None if loop is None else total((loop, *(self._whole(name, "write") for name in group.writes)))

    def _loop(self, group: Group) -> Estimate | None:
        """Its phases and its loads, whatever it stores; None where it does not fit."""
        found = [self._phase(phase) for phase in group.phases]
        parts = [part for part in found if part is not None]
        if len(parts) < len(found):
            return None
        if GroupMemory(self.inside, group, [worker for worker, _ in parts]).least_bytes() > self.room_bytes:
            return None
        return total((*(estimate for _, estimate in parts), *(self._whole(name, "read") for name in group.reads)))

    def _phase(self, phase: Phase) -> tuple[Worker, Estimate] | None:
        """All rows of all samples; None where the op goes by groups of channels."""
        key = phase.index, phase.part
        if key not in self.phases:
            op = phase.op
            ctx = replace(self.inside, places=dict.fromkeys((*op.reads, *op.writes), INSIDE))
            worker = Worker(ctx, phase) if is_whole(ctx, phase) else None
            self.phases[key] = None if worker is None else (worker, self._all_rows(worker))
        return self.phases[key]

    def _all_rows(self, worker: Worker) -> Estimate:
        tally: EventTally = {}
        busy: EventTally = {}
        for times, begins in ((1, True), (self.program.batch - 1, False)):
            work = worker.of(Rows(1, 0, worker.phase.rows, begins, True))
            add_to(tally, work.tally, times)
            for unit, cycles in zip(worker.route, work.cycles, strict=True):
                add_to(busy, {unit: cycles}, times)
        add_to(tally, worker.closing().work)
        return self._priced(tally, busy)

    def _whole(self, name: str, into: Into) -> Estimate:
        """A tensor on its way from or to DRAM."""
        if (name, into) not in self.moved:
            tally: EventTally = {}
            busy: EventTally = {}
            self._move(tally, busy, self.inside.whole(name), 1, into)
            self.moved[name, into] = self._priced(tally, busy)
        return self.moved[name, into]
