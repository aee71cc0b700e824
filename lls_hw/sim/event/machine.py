"""The machine's parts: clock, DRAM, scratchpad space, queues between units. SimPy lives here.

A handful of long-lived actors (one per unit and DMA direction) pass tiles to one another. What an actor
is doing is written down in plain fields, so that the whole state of the machine can be compared with an
earlier one (`snapshot`): that is what makes skipping identical tiles exact.
"""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field

import simpy

from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.event.op_run import OpRun, Slots
from lls_hw.sim.event.power import DramPower
from lls_hw.sim.event.waiting import Exclusive, Signal
from lls_hw.sim.mapping.residency import Stay
from lls_hw.sim.mapping.tile import Buffer, Tile, Unit

Process = Generator[simpy.Event, object, None]


@dataclass(slots=True)
class Actor:
    """Present activity of one unit or DMA direction.

    Attributes
    ----------
    phase : "idle", "work", or what it waits for.
    tile : the tile it holds.
    until : cycle at which its current work ends (machine time); 0 while it waits.
    turn : order in which works were started: breaks ties between works that end in one cycle.
    since : cycle since which it has been waiting.
    step : which of its tile's transfers it is at.
    """

    name: str
    phase: str = "idle"
    op: OpRun | None = None
    tile: Tile | None = None
    until: int = 0
    turn: int = 0
    since: int = 0
    step: int = 0


@dataclass(slots=True)
class Item:
    """A tile on its way through an op's route, or (tile None) the op's end mark."""

    run: OpRun
    tile: Tile | None
    at: int
    waited_cycles: int = 0


class Line:
    """A first-in first-out line in front of an actor."""

    __slots__ = ("items", "signal")

    def __init__(self, env: simpy.Environment) -> None:
        self.items: deque[Item] = deque()
        self.signal = Signal(env)

    def put(self, item: Item) -> None:
        """Join the line."""
        self.items.append(item)
        self.signal.wake()


@dataclass(slots=True)
class Record:
    """Sums and events collected while the machine runs."""

    trace: bool
    spans: list[tuple[str, str, int, int]] = field(default_factory=list)
    occupancy: list[tuple[int, int]] = field(default_factory=list)
    peak_bytes: int = 0
    peak_holders: dict[str, int] = field(default_factory=dict)


class EventMachine:
    """Resources, actors and the clock.

    `now` is machine time plus `skipped`: cycles that were not simulated because the machine was
    proven to repeat itself.
    """

    def __init__(self, chip: AcceleratorSpec, *, trace: bool) -> None:
        self.chip, self.env = chip, simpy.Environment()
        self.skipped = 0
        self.turns = 0
        capacity = chip.scratchpad.capacity_bytes
        self.space = simpy.Container(self.env, capacity=capacity, init=capacity)
        self.bus = Exclusive(self.env)
        self.dram = DramPower(chip)
        self.queue = Exclusive(self.env) if chip.dram.dma_queues == "shared" else None
        self.banks = Slots(self.env, Buffer("accumulators", 0, chip.accumulator_banks))
        self.banks.free = self.banks.reserved = self.banks.buffer.depth
        units: tuple[Unit, ...] = ("array", "vector", "local")
        self.actors = {name: Actor(name) for name in (*units, "dma_read", "dma_write")}
        self.lines = {name: Line(self.env) for name in (*units, "dma_write")}
        self.holders: dict[str, int] = {}
        self.asked: list[tuple[simpy.Event, str, int]] = []
        self.users: dict[Stay, int] = {}
        self.due: deque[OpRun] = deque()
        self.record = Record(trace=trace)

    @property
    def now(self) -> int:
        """The current cycle."""
        return int(self.env.now) + self.skipped

    def expect(self, runs: list[OpRun]) -> None:
        """Write down what is still to end, in program order; the run waits for the first."""
        self.due.extend(runs)
        self.next_due()

    def next_due(self) -> None:
        """From now on cycles belong to the first op that has not ended."""
        self.book()
        while self.due and self.due[0].end_cycle >= 0:
            self.due.popleft()
        if self.due and self.due[0].due_since is None:
            self.due[0].due_since = int(self.env.now)

    def book(self) -> None:
        """Enter the DRAM's state since the last booking with the op that the run waits for."""
        if self.due:
            self.dram.book(int(self.env.now), self.due[0].dram)

    def begin(self, actor: Actor, phase: str, cycles: int) -> simpy.Event:
        """Start a piece of work of known length."""
        self.turns += 1
        now = int(self.env.now)
        actor.phase, actor.turn, actor.until = phase, self.turns, now + cycles
        assert actor.op is not None, f"{actor.name} works for nobody"
        known, now = actor.op.active, now + self.skipped
        first = known.get(actor.name)
        known[actor.name] = (now if first is None else first[0], now + cycles)
        return self.env.timeout(cycles)

    def span(self, unit: str, name: str, cycles: int) -> None:
        """Write down a span that starts now."""
        if self.record.trace and cycles:
            now = self.now
            self.record.spans.append((unit, name, now, now + cycles))

    def reserve(self, holder: str, size_bytes: int) -> Process:
        """Take scratchpad space, waiting until there is enough."""
        if size_bytes == 0:
            return
        got = self.space.get(size_bytes)
        self.asked.append((got, holder, size_bytes))
        if not got.triggered:
            yield got
        self._occupy()

    def give_back(self, holder: str, size_bytes: int) -> None:
        """Return scratchpad space; a put never waits, since what returns was taken."""
        if size_bytes == 0:
            return
        self.space.put(size_bytes)
        self.holders[holder] -= size_bytes
        if self.holders[holder] == 0:
            del self.holders[holder]
        self._occupy()

    def _settle(self) -> None:
        """Enter who was granted space: a put grants it at once, before the process that waits for it goes on."""
        for got, holder, size_bytes in self.asked:
            if got.triggered:
                self.holders[holder] = self.holders.get(holder, 0) + size_bytes
        self.asked = [one for one in self.asked if not one[0].triggered]

    def _occupy(self) -> None:
        self._settle()
        used, record = int(self.space.capacity - self.space.level), self.record
        record.occupancy.append((self.now, used))
        if used > record.peak_bytes:
            record.peak_bytes, record.peak_holders = used, dict(self.holders)

    def free_slot(self, run: OpRun, slots: Slots) -> None:
        """A slot is free again."""
        if slots.sealed:
            slots.reserved -= 1
            self.give_back(f"{run.label}: {slots.buffer.name}", slots.buffer.slot_bytes)
        else:
            slots.free += 1
            slots.signal.wake()

    def seal(self, run: OpRun, slots: Slots) -> None:
        """No one will take a slot again: return the free ones."""
        slots.sealed = True
        while slots.free:
            slots.free -= 1
            slots.reserved -= 1
            self.give_back(f"{run.label}: {slots.buffer.name}", slots.buffer.slot_bytes)
