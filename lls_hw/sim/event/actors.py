"""The actors: one program of loads, the units, one program of stores."""

from lls_hw.models.spec.memory import ScratchpadSpec
from lls_hw.sim.event.machine import Actor, EventMachine, Item, Process
from lls_hw.sim.event.op_run import OpRun, Slots
from lls_hw.sim.event.waiting import Exclusive
from lls_hw.sim.mapping.second_level import AT_SECOND, SECOND_LATENCY_CYCLES
from lls_hw.sim.mapping.tile import Tile, Transfer


def move(m: EventMachine, actor: Actor, transfer: Transfer) -> Process:
    """One DMA transfer: its queue for the whole time; the DRAM's waking, the latency, then the data bus, or the second
    level's banks.
    """
    if m.queue is not None:  # a queue of one's own is never contended
        yield from _turn(actor, m.queue, "queue")
    at_second = m.chip.second if actor.op is not None and transfer.tensor in actor.op.scheduled.second else None
    yield from _from_dram(m, actor, transfer) if at_second is None else _from_second(m, actor, transfer, at_second)
    if m.queue is not None:
        m.queue.release()
    actor.phase, actor.until = "idle", 0


def _from_second(m: EventMachine, actor: Actor, transfer: Transfer, second: ScratchpadSpec) -> Process:
    """A transfer of the second level, whose banks read and write at once: nobody waits for a port."""
    cycles = SECOND_LATENCY_CYCLES + transfer.second_cycles(second)
    m.span(actor.name, f"{transfer.tensor}{AT_SECOND}", cycles)
    yield m.begin(actor, "second", cycles)


def _from_dram(m: EventMachine, actor: Actor, transfer: Transfer) -> Process:
    """A transfer of the DRAM, once the queue is the actor's."""
    m.book()
    wakes = m.dram.request(int(m.env.now))
    if wakes:
        yield from _wake(m, actor, transfer, wakes)
    if m.chip.dram.latency_cycles:
        m.span(actor.name, f"{transfer.tensor} latency", m.chip.dram.latency_cycles)
        yield m.begin(actor, "latency", m.chip.dram.latency_cycles)
    yield from _turn(actor, m.bus, "bus")
    cycles = transfer.bus_cycles(m.chip.dram)
    m.span(actor.name, transfer.tensor, cycles)
    m.span("dram", transfer.tensor, cycles)
    yield m.begin(actor, "data", cycles)
    m.bus.release()
    m.book()
    m.dram.release(int(m.env.now))


def _wake(m: EventMachine, actor: Actor, transfer: Transfer, cycles: int) -> Process:
    """Wait until the DRAM has left self refresh."""
    assert actor.op is not None, f"{actor.name} works for nobody"
    waited = actor.op.wake_cycles
    waited[actor.name] = waited.get(actor.name, 0) + cycles
    m.span(actor.name, f"{transfer.tensor} wake", cycles)
    yield m.begin(actor, "wake", cycles)


def _turn(actor: Actor, resource: Exclusive, phase: str) -> Process:
    """Wait for one's turn on a DMA queue or the bus."""
    if resource.busy:
        actor.phase, actor.until = phase, 0
        yield resource.wait()
    resource.busy = True


def unit(m: EventMachine, name: str) -> Process:
    """Serve tiles in the order in which they arrive, for ever."""
    actor, line = m.actors[name], m.lines[name]
    while True:
        while not line.items:
            actor.phase, actor.tile, actor.until = "idle", None, 0
            yield line.signal.wait()
        item = line.items.popleft()
        run, tile = item.run, item.tile
        if tile is None:
            _pass_mark(m, item)
            continue
        idle_from = actor.since if actor.op is run else max(actor.since, run.start_machine)
        actor.op, actor.tile = run, tile
        if item.at == 0:
            _stall(run, idle_from, int(m.env.now), item.waited_cycles)
            if tile.takes_out:
                yield from _take(m, actor, run, run.out, _cause_of_no_output(m))
        if item.at in tile.bank_from:  # a later unit may be reading it
            yield from _take(m, actor, run, m.banks, "dependency")
        cycles = tile.cycles[item.at]
        if cycles:
            m.span(name, tile.name, cycles)
            yield m.begin(actor, "work", cycles)
        actor.since = run.work_ends = int(m.env.now)
        if item.at == 0:
            _leave_first(m, run, tile)
        if item.at in tile.bank_until:
            m.free_slot(run, m.banks)
        _hand_on(m, item)


def _leave_first(m: EventMachine, run: OpRun, tile: Tile) -> None:
    """The op's first unit has finished with a tile: the next may be issued."""
    run.first_rests = run.work_ends
    run.stall("bank_conflict", run.work_ends - tile.conflict_cycles, run.work_ends)
    if not tile.keeps:
        _give(m, run, tile)
    m.free_slot(run, run.issue)


def _give(m: EventMachine, run: OpRun, tile: Tile) -> None:
    """The slots that a tile is the last to use are free again."""
    for index in tile.gives:
        m.free_slot(run, run.buffers[index])


def _hand_on(m: EventMachine, item: Item) -> None:
    """To the next unit of the route, to the stores, or to rest."""
    run, tile = item.run, item.tile
    assert tile is not None
    route = run.scheduled.plan.route
    if not tile.goes_on:
        run.count(tile)
    elif item.at + 1 < len(route):
        m.lines[route[item.at + 1]].put(Item(run, tile, item.at + 1))
    else:
        m.lines["dma_write"].put(Item(run, tile, item.at + 1))


def _pass_mark(m: EventMachine, item: Item) -> None:
    """The op's end mark follows its last tile; the first unit will take no more output slots."""
    run, route = item.run, item.run.scheduled.plan.route
    if item.at == 0:
        m.seal(run, run.out)
    line = route[item.at + 1] if item.at + 1 < len(route) else "dma_write"
    m.lines[line].put(Item(run, None, item.at + 1))


def _cause_of_no_output(m: EventMachine) -> str:
    """Output slots wait for the store, or else for a later unit."""
    return "dram_write" if m.actors["dma_write"].phase != "idle" else "dependency"


def _take(m: EventMachine, actor: Actor, run: OpRun, slots: Slots, cause: str) -> Process:
    """A free slot; the wait is a stall by the store, or by a later unit."""
    if slots.free == 0:
        begun = int(m.env.now)
        actor.phase, actor.until, actor.since = f"{slots.buffer.name} ({cause})", 0, begun
        while slots.free == 0:
            yield slots.signal.wait()
        run.stall(cause, begun, int(m.env.now))
    slots.free -= 1


def _stall(run: OpRun, begun: int, ended: int, waited_cycles: int) -> None:
    """The first unit was idle: first for what the loads waited for, then for the loads themselves."""
    if ended > begun:
        loading = begun + min(ended - begun, waited_cycles)
        run.stall("dependency", begun, loading)
        run.stall("dram_read", loading, ended)


def store(m: EventMachine) -> Process:
    """Store finished tiles in order; close ops behind their last one."""
    actor, line = m.actors["dma_write"], m.lines["dma_write"]
    while True:
        while not line.items:
            actor.phase, actor.tile, actor.until = "idle", None, 0
            yield line.signal.wait()
        item = line.items.popleft()
        run, tile = item.run, item.tile
        if tile is None:
            _close(m, run)
            continue
        actor.op, actor.tile = run, tile
        for step, transfer in enumerate(tile.stores):
            actor.step = step
            yield from move(m, actor, transfer)
        run.count(tile)
        if tile.keeps:
            _give(m, run, tile)
        if tile.gives_out:
            m.free_slot(run, run.out)


def _close(m: EventMachine, run: OpRun) -> None:
    """All tiles are stored: the op ends, and what it was the last to use leaves the scratchpad."""
    run.end_cycle = m.now
    run.own_stall("dependency", run.first_rests, run.work_ends)  # its last tiles on the later units of the route
    run.own_stall("dram_write", max(run.first_rests, run.work_ends), int(m.env.now))
    m.next_due()
    for stay in run.scheduled.uses:
        m.users[stay] -= 1
        if m.users[stay] == 0:
            m.give_back(stay.tensor, stay.size_bytes)
    m.give_back(f"{run.label}: held", run.scheduled.plan.held_bytes)
    run.done.succeed()


def reserve_slot(m: EventMachine, actor: Actor, run: OpRun, slots: Slots) -> Process:
    """Space for one more slot of a buffer, the first times one is needed."""
    if slots.reserved < slots.buffer.depth:
        actor.phase = "space"
        yield from m.reserve(f"{run.label}: {slots.buffer.name}", slots.buffer.slot_bytes)
        slots.reserved += 1
        m.free_slot(run, slots)


def take(actor: Actor, slots: Slots) -> Process:
    """A free slot of a buffer."""
    while slots.free == 0:
        actor.phase = "input slot"
        yield slots.signal.wait()
    slots.free -= 1
    actor.phase = "idle"


def after(m: EventMachine, actor: Actor, run: OpRun) -> Process:
    """Wait until an earlier op has ended."""
    if not run.done.processed:
        actor.phase = f"end of {run.label}"
        yield run.done
    actor.phase = "idle"
