"""A bound from below: what a schedule costs at least, however well its tiles overlap."""

from lls_hw.models.registry import dram_device
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.event.sums import Sums, whole_part
from lls_hw.sim.mapping.objective import Objective
from lls_hw.sim.mapping.schedule import Schedule, ScheduledOp
from lls_hw.sim.mapping.tile import Into, Transfer, add_to, walk


def at_least(schedule: Schedule, objective: Objective) -> float:
    """The objective of all events of a schedule, in as many cycles as its busiest unit works.

    Events do not depend on when they happen; units, DMA queues and the DRAM's bus serve one tile or transfer at a time;
    and the DRAM is in active standby while a transfer is on its way. No run of the schedule is better.
    """
    sums = Sums()
    for scheduled in schedule.ops:
        _add(sums, schedule, scheduled)
    if dram_device(schedule.chip) is not None and not schedule.second.names:
        on_the_way = max(sums.busy.get(queue, 0) for queue in ("dma_read", "dma_write"))
        add_to(sums.tally, {"dram_active_cycles": on_the_way})
    return objective.of(Counts(**sums.tally), max(sums.busy.values(), default=0))


def _add(sums: Sums, schedule: Schedule, scheduled: ScheduledOp) -> None:
    plan, chip = scheduled.plan, schedule.chip

    def move(transfer: Transfer, times: int, into: Into) -> None:
        (sums.move_second if transfer.tensor in scheduled.second else sums.move)(chip, transfer, times, into)

    for tile, times in walk(plan.body):
        sums.work(whole_part(scheduled.index, plan.route, tile), times)
        for transfer in tile.loads:
            move(transfer, times, "read")
        for transfer in tile.stores:
            move(transfer, times, "write")
    for transfer in plan.fills:
        move(transfer, 1, "read")
    add_to(sums.tally, plan.once)
