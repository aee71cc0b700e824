"""Bounds from below: what a schedule costs at least, however well its tiles overlap."""

from collections.abc import Callable

from lls_hw.models.registry import dram_device
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.event.sums import Sums, whole_part
from lls_hw.sim.mapping.nest_ops import NESTS
from lls_hw.sim.mapping.objective import Objective
from lls_hw.sim.mapping.schedule import Schedule, ScheduledOp
from lls_hw.sim.mapping.tile import Into, add_to, moves, walk


def at_least(schedule: Schedule, objective: Objective) -> float:
    """The objective of all events of a schedule, in as many cycles as its busiest unit works.

    Events do not depend on when they happen; units, DMA queues and the DRAM's bus serve one tile or transfer at a time;
    and the DRAM is in active standby while a transfer is on its way. No run of the schedule is better.
    """
    return _bound(schedule, objective, lambda _op, done: done)


def at_least_mapped(schedule: Schedule, objective: Objective) -> float:
    """The same of a schedule with mappings of fewest bytes, for whatever other mappings of its single ops.

    A nest moves no fewer bytes in any of them, does the same multiply-accumulates, and no more of these in a cycle than
    the array has processing elements. With a second level nothing is said: what lives there depends on the mappings.
    """
    chip = schedule.chip
    if chip.second is not None:
        return 0.0
    into: Into = min(("read", "write"), key=lambda way: objective.dynamic_pj({f"dram_{way}_bytes": 1}))

    def in_any(scheduled: ScheduledOp, done: Sums) -> Sums:
        if type(scheduled.op) not in NESTS:
            return done
        moved = sum(done.tally.get(f"dram_{way}_bytes", 0) for way in ("read", "write"))
        macs, pes = done.tally.get("macs", 0), chip.array.rows * chip.array.cols
        busy = {"array": -(-macs // pes), "dram": -(-moved // chip.dram.bytes_per_cycle)}
        return Sums(tally={f"dram_{into}_bytes": moved, "macs": macs}, busy=busy)

    return _bound(schedule, objective, in_any)


def _bound(schedule: Schedule, objective: Objective, counted: Callable[[ScheduledOp, Sums], Sums]) -> float:
    tally: dict[str, int] = {}
    busy: dict[str, int] = {}
    for scheduled in schedule.ops:
        sums = counted(scheduled, _sums(schedule, scheduled))
        add_to(tally, sums.tally)
        add_to(busy, sums.busy)
    if dram_device(schedule.chip) is not None and schedule.chip.second is None:
        add_to(tally, {"dram_active_cycles": max(busy.get(name, 0) for name in ("dram", "dma_read", "dma_write"))})
    return objective.of(Counts(**tally), max(busy.values(), default=0))


def _sums(schedule: Schedule, scheduled: ScheduledOp) -> Sums:
    """Everything that the op's tiles do."""
    plan, sums = scheduled.plan, Sums()
    for tile, times in walk(plan.body):
        sums.work(whole_part(scheduled.index, plan.route, tile), times)
    for transfer, times, into in moves(plan):
        sums.move(schedule.chip, transfer, times, into, scheduled.second)
    add_to(sums.tally, plan.once)
    return sums
