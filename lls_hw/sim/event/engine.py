"""`run_events`: one program on one chip, cycle by integer cycle, until all its work is done."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from heapq import heappop, heappush

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.event.account import results, sum_tiles
from lls_hw.sim.event.actors import store, unit
from lls_hw.sim.event.least import at_least, at_least_mapped
from lls_hw.sim.event.loader import UNITS, Loader
from lls_hw.sim.event.machine import EventMachine
from lls_hw.sim.event.op_run import OpRun
from lls_hw.sim.event.result import EventResult
from lls_hw.sim.mapping.nest_ops import Chooser, chooser, fewest_bytes
from lls_hw.sim.mapping.objective import FEWEST_BYTES, Objective, ObjectiveName
from lls_hw.sim.mapping.schedule import Schedule, ScheduledOp, schedule_program
from lls_hw.sim.mapping.second_level import sizes
from lls_hw.sim.mapping.tile import Plan
from lls_hw.sim.schedule.best import candidates
from lls_hw.sim.schedule.names import RunOrder
from lls_hw.sim.schedule.plan import GroupPlans


def run_events(
    program: Program,
    chip: AcceleratorSpec,
    *,
    objective: Objective = FEWEST_BYTES,
    schedule: RunOrder = "op",
    trace: bool = False,
    batched: bool = True,
) -> EventResult:
    """Simulate a program on a chip.

    Every op's mapping is chosen for the op alone; in a program ops overlap. So the program is run with the mappings
    of fewest DRAM bytes as well, and of the runs the best one counts.

    Parameters
    ----------
    objective : what mappings and schedules are chosen for.
    schedule : "op": op by op. "fused": groups of ops that share their tiles, nothing computed twice. "best": the best
        of these and of groups that may compute maps again, by their runs.
    trace : also keep the timeline of every tile on every unit.
    batched : skip runs of identical tiles once the machine repeats itself; changes no number.

    Raises
    ------
    SpecError : the scratchpad cannot hold one tile of some op; the chip has a second level, and steps have
        several batches.
    RuntimeError : the machine is stuck, with its state. That is our bug.

    Examples
    --------
    >>> from lls_hw.models.program.lower import lower
    >>> from lls_hw.models.registry import load, load_network
    >>> from lls_hw.models.rules.registry import parse_rule
    >>> chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip")
    >>> result = run_events(lower(load_network("smallconv"), parse_rule("inference"), batch=1), chip)
    >>> result.macs == sum(op.macs for op in result.ops), result.cycles == sum(s.cycles for s in result.stages)
    (True, True)
    """
    return run_best(program, chip, objective, schedule, trace=trace, batched=batched).result


def run_best(
    program: Program, chip: AcceleratorSpec, objective: Objective, schedule: RunOrder, *, trace: bool, batched: bool
) -> "ScheduleRun":
    """As `run_events`, with the schedule that was run."""
    _check_second(program, chip)
    with collected_once():
        return _best(_orders(program, chip, objective, schedule), objective, trace=trace, batched=batched)


def _check_second(program: Program, chip: AcceleratorSpec) -> None:
    """A second level serves one step: between micro-steps, each planned by itself, its tensors would change places."""
    if chip.second is not None and program.accumulate > 1:
        need = f"the chip's second level '{chip.second.name}' serves steps of one batch"
        raise SpecError("accumulate", program.accumulate, need, "Use 1, or remove the level.")


@dataclass(frozen=True, slots=True)
class ScheduleRun:
    """A schedule and its run."""

    schedule: Schedule
    result: EventResult


@dataclass(frozen=True, slots=True)
class _Way:
    """A schedule to run: what its mappings were chosen for, and its groups where ops share their tiles."""

    schedule: Schedule
    mapped_for: ObjectiveName
    groups: tuple[Op, ...]

    def run(self, *, trace: bool, batched: bool) -> ScheduleRun:
        result = run_schedule(self.schedule, trace=trace, batched=batched)
        return ScheduleRun(self.schedule, replace(result, mapped_for=self.mapped_for, groups=self.groups))


@dataclass(frozen=True, slots=True)
class _Order:
    """Ops or groups in an order, with their mappings of fewest bytes or others."""

    planned: Callable[[Chooser], Schedule]
    plain: Schedule
    groups: tuple[Op, ...] = ()

    def ways(self, objective: Objective) -> tuple[_Way, ...]:
        """With mappings for the objective, and of fewest bytes where those are others."""
        plain = _Way(self.plain, "bytes", self.groups)
        if objective.name == "bytes":
            return (plain,)
        chosen = _Way(self.planned(chooser(objective, run_alone)), objective.name, self.groups)
        return (chosen,) if chosen.schedule.mappings == self.plain.mappings else (chosen, plain)


def _orders(program: Program, chip: AcceleratorSpec, objective: Objective, schedule: RunOrder) -> list[_Order]:
    """Op by op, unless it is to be fused, and the groups that were found; a chip that is too small is refused first."""

    def by_op(choose: Chooser) -> Schedule:
        return schedule_program(program, chip, choose)

    orders = [_Order(by_op, by_op(fewest_bytes))]
    for found in candidates(program, chip, schedule, objective):
        plans = GroupPlans(program, found, chip).schedule
        orders.append(_Order(plans, plans(fewest_bytes), found))
    return orders[1:] if schedule == "fused" and len(orders) > 1 else orders


def _best(orders: Sequence[_Order], objective: Objective, *, trace: bool, batched: bool) -> ScheduleRun:
    """The best run of all orders and mappings; of equal ones the first.

    Branch and bound, best first: what has the lowest bound is looked at more closely, an order by choosing its
    mappings, a schedule by running it; a run that no bound undercuts is the best of all.
    """
    open_: list[tuple[float, int, int, _Order | _Way | ScheduleRun]] = []
    for at, order in enumerate(orders):
        heappush(open_, (at_least_mapped(order.plain, objective), at, 0, order))
    while True:
        _, at, nth, best = heappop(open_)
        if isinstance(best, ScheduleRun):
            return best
        if isinstance(best, _Way):
            run = best.run(trace=trace, batched=batched)
            heappush(open_, (objective.of(run.result.counts, run.result.cycles), at, nth, run))
        else:
            for number, way in enumerate(best.ways(objective)):
                heappush(open_, (at_least(way.schedule, objective), at, number, way))


@contextmanager
def collected_once() -> Iterator[None]:
    """Look for garbage when the run is over: its tiles and processes live as long as it does, or are freed by count.

    Looking hundreds of times in between costs a tenth of the run and finds nothing.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
            gc.collect(0)


def run_schedule(schedule: Schedule, *, trace: bool = False, batched: bool = True) -> EventResult:
    """Simulate a schedule; see `run_events`."""
    m = EventMachine(schedule.chip, trace=trace)
    runs, tiles = execute(m, schedule.ops, batched=batched)
    found = results(schedule.program, schedule.chip, m, runs, tiles)
    if schedule.chip.second is None:
        return found
    second, capacity = schedule.second, schedule.chip.second.capacity_bytes
    return replace(found, second_bytes=capacity, second_peak_bytes=second.peak_bytes, second_tensors=sizes(second))


def run_alone(op: Op, plan: Plan, chip: AcceleratorSpec) -> tuple[Counts, int]:
    """Events and cycles of one op by itself on an empty chip."""
    m = EventMachine(chip, trace=False)
    alone = ScheduledOp(index=0, op=op, plan=plan, arrives=(), uses=(), load_after={}, start_after=())
    (run,), _ = execute(m, (alone,), batched=True)
    (sums,) = sum_tiles(run, chip, {id(op): 0}).values()
    return Counts(**sums.tally, **run.dram), m.now


def execute(m: EventMachine, ops: Sequence[ScheduledOp], *, batched: bool) -> tuple[list[OpRun], int]:
    """Let the machine run ops until all have ended; also the number of tiles that were stepped through."""
    depth = 2 if m.chip.scratchpad.double_buffered else 1
    runs = [OpRun(m.env, scheduled, depth) for scheduled in ops]
    for run in runs:
        for stay in run.scheduled.uses:
            m.users[stay] = m.users.get(stay, 0) + 1
    m.expect(runs)
    loader = Loader(m, runs, batched=batched)
    m.env.process(loader.process())
    m.env.process(store(m))
    for name in UNITS:
        m.env.process(unit(m, name))
    try:
        m.env.run(until=m.env.all_of([run.done for run in runs]))
    except RuntimeError as error:
        raise RuntimeError(stuck(m, runs)) from error
    assert not m.holders, f"space left behind: {m.holders}"
    assert m.banks.free == m.banks.reserved, "a bank of the accumulators is still in use"
    return runs, loader.simulated_tiles


def stuck(m: EventMachine, runs: list[OpRun]) -> str:
    """The state of a machine that cannot go on."""
    actors = ", ".join(f"{a.name}: {a.phase} {a.tile.name if a.tile else ''}".strip() for a in m.actors.values())
    open_ops = [run.label for run in runs if not run.done.triggered]
    return (
        f"the machine is stuck at cycle {m.now}: {len(open_ops)} ops have not ended, the first is {open_ops[0]}; "
        f"{actors}; {m.space.level} bytes free of {m.space.capacity}; held: {m.holders}"
    )
