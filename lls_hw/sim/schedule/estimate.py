"""The cost of a group or an op without its events being run: bytes and events, and cycles by the busiest unit."""

from collections.abc import Mapping
from dataclasses import dataclass

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.ops.products import Product
from lls_hw.models.program.ops.update import Update
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.mapping.context import Context, Place
from lls_hw.sim.mapping.nest_ops import fewest_bytes
from lls_hw.sim.mapping.schedule import OP_BY_OP
from lls_hw.sim.mapping.tile import EventTally, Into, Plan, Transfer, add_to, make_transfer, walk
from lls_hw.sim.schedule.drain import can_drain, drained
from lls_hw.sim.schedule.drain import plan as plan_drained
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.memory import INSIDE
from lls_hw.sim.schedule.tiles import GroupPlanner
from lls_hw.sim.schedule.work import Rows, Worker, is_whole

SPARE_SHARE = 16
"""A group leaves this fraction (1/16) of the scratchpad to small tensors that stay from one group to the next."""


SLOTS = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """Events, and cycles of each unit and of the DRAM bus."""

    tally: Mapping[str, int]
    busy_cycles: Mapping[str, int]

    @property
    def cycles(self) -> int:
        """The busiest unit's, or, where its stages keep each other waiting, a share of all of them."""
        stages = sum(n for unit, n in self.busy_cycles.items() if unit != "dram")
        return max(*self.busy_cycles.values(), stages // SLOTS, 0)

    @property
    def dram_bytes(self) -> int:
        """Both directions."""
        return self.tally.get("dram_read_bytes", 0) + self.tally.get("dram_write_bytes", 0)


class Estimator:
    """Estimates of one program on one chip, every phase and op looked at once."""

    def __init__(self, program: Program, chip: AcceleratorSpec) -> None:
        self.program, self.chip = program, chip
        self.room_bytes = chip.scratchpad.capacity_bytes - chip.scratchpad.capacity_bytes // SPARE_SHARE
        self.phases: dict[tuple[int, int], Estimate | None] = {}
        self.alone: dict[int, tuple[Op, Estimate]] = {}
        self.fits: dict[tuple[tuple[int, int], ...], bool] = {}

    def of(self, op: Op) -> Estimate | None:
        """The estimate; None where a group does not fit the scratchpad."""
        return self._of_group(op) if isinstance(op, Group) else self._of_op(op)

    def drains(self, product: Product, update: Update) -> bool:
        """Whether an update can take a gradient while it drains, and moves fewer bytes so; nobody else may read it."""
        readers = [op for op in self.program.ops if product.out in op.reads]
        if len(readers) > 1 or not can_drain(self._context(product), product, update):
            return False
        both = drained(self.program, product, update)
        apart = self._of_op(product).dram_bytes + self._of_op(update).dram_bytes
        return self._of_plan(plan_drained(self._context(both), both)).dram_bytes < apart

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
        moves: list[tuple[Transfer, int, Into]] = [(transfer, 1, "read") for transfer in plan.fills]
        for tile, times in walk(plan.body):
            add_to(tally, tile.tally, times)
            for unit, cycles in zip(plan.route, tile.cycles, strict=False):
                add_to(busy, {unit: cycles}, times)
            moves += [(transfer, times, "read") for transfer in tile.loads]
            moves += [(transfer, times, "write") for transfer in tile.stores]
        for transfer, times, into in moves:
            self._move(tally, busy, transfer, times, into)
        return Estimate(tally, busy)

    def _move(self, tally: EventTally, busy: EventTally, transfer: Transfer, times: int, into: Into) -> None:
        add_to(tally, transfer.counts(self.chip.scratchpad.word_bits, into), times)
        data = transfer.bus_cycles(self.chip.dram)
        add_to(busy, {"dram": data, f"dma_{into}": data + self.chip.dram.latency_cycles}, times)

    def _of_group(self, group: Group) -> Estimate | None:
        key = tuple((phase.index, phase.part) for phase in group.phases)
        parts = [self._phase(group, at) for at in range(len(key))]
        if key not in self.fits:
            self.fits[key] = None not in parts and self._least_bytes(group) <= self.room_bytes
        if not self.fits[key]:
            return None
        tally: EventTally = {}
        busy: EventTally = {}
        for part in parts:
            assert part is not None
            add_to(tally, part.tally)
            add_to(busy, part.busy_cycles)
        ctx = self._context(group)
        for name in group.reads:
            self._move(tally, busy, ctx.whole(name), 1, "read")
        for name in group.writes:
            self._move(tally, busy, ctx.whole(name), 1, "write")
        return Estimate(tally, busy)

    def of_store(self, name: str) -> Estimate:
        """A tensor on its way to DRAM."""
        tally: EventTally = {}
        busy: EventTally = {}
        size = self.program.tensors[name].elements
        transfer = make_transfer(
            self.chip.dram, name, self.program.tensors[name].bits, segments=1, segment_elements=size, span_elements=size
        )
        self._move(tally, busy, transfer, 1, "write")
        return Estimate(tally, busy)

    def _least_bytes(self, group: Group) -> int:
        return GroupPlanner(self._context(group), group).memory.least_bytes()

    def _phase(self, group: Group, at: int) -> Estimate | None:
        """All rows of all samples; None where the op goes by groups of channels."""
        phase = group.phases[at]
        key = phase.index, phase.part
        if key not in self.phases:
            op = phase.op
            ctx = Context(self.program, self.chip, dict.fromkeys((*op.reads, *op.writes), INSIDE), self.room_bytes)
            self.phases[key] = self._whole(Worker(ctx, phase), group.batch) if is_whole(ctx, phase) else None
        return self.phases[key]

    def _whole(self, worker: Worker, batch: int) -> Estimate:
        tally: EventTally = {}
        busy: EventTally = {}
        for times, begins in ((1, True), (batch - 1, False)):
            work = worker.of(Rows(1, 0, worker.phase.rows, begins, True))
            add_to(tally, work.tally, times)
            for unit, cycles in zip(worker.route, work.cycles, strict=True):
                add_to(busy, {unit: cycles}, times)
        closing = worker.closing()
        add_to(tally, closing.work)
        return Estimate(tally, busy)
