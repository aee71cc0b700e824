"""One op while it runs: its buffers, and what has been counted for it so far."""

import simpy

from lls_hw.sim.event.power import Booked
from lls_hw.sim.event.result import CAUSES
from lls_hw.sim.event.waiting import Signal
from lls_hw.sim.mapping.schedule import ScheduledOp
from lls_hw.sim.mapping.tile import Buffer, Tile


class Slots:
    """Free slots of one buffer; once sealed, a slot that comes back returns its bytes to the scratchpad."""

    __slots__ = ("buffer", "free", "reserved", "sealed", "signal")

    def __init__(self, env: simpy.Environment, buffer: Buffer) -> None:
        self.buffer, self.free, self.reserved, self.sealed = buffer, 0, 0, False
        self.signal = Signal(env)


class OpRun:
    """One op while it runs: its buffers, what has been executed, when it began and ended."""

    __slots__ = (
        "active",
        "buffers",
        "done",
        "dram",
        "due_since",
        "end_cycle",
        "executed",
        "first_rests",
        "issue",
        "out",
        "own_stalls",
        "scheduled",
        "stalls",
        "start_cycle",
        "start_machine",
        "wake_cycles",
        "work_ends",
    )

    def __init__(self, env: simpy.Environment, scheduled: ScheduledOp, depth: int) -> None:
        self.scheduled = scheduled
        self.buffers = [Slots(env, buffer) for buffer in scheduled.plan.buffers]
        self.out = Slots(env, scheduled.plan.out)
        self.issue = Slots(env, Buffer("issue", 0, depth))
        self.issue.free = self.issue.reserved = depth
        self.done: simpy.Event = env.event()
        self.executed: dict[Tile, int] = {}
        self.active: dict[str, tuple[int, int]] = {}
        self.dram: Booked = {}
        self.wake_cycles: dict[str, int] = {}
        self.stalls = dict.fromkeys(CAUSES, 0)
        self.own_stalls = dict.fromkeys(CAUSES, 0)
        self.due_since: int | None = None
        self.first_rests = self.work_ends = 0
        self.start_cycle = self.end_cycle = -1
        self.start_machine = 0

    @property
    def label(self) -> str:
        """Layer and kind."""
        op = self.scheduled.op
        return f"{op.layer} {op.stage} ({op.kind})"

    def stall(self, cause: str, begun: int, ended: int) -> None:
        """The first unit stood still (machine time); the op's own are the cycles in which the run waits for it."""
        self.stalls[cause] += ended - begun
        self.own_stall(cause, begun, ended)

    def own_stall(self, cause: str, begun: int, ended: int) -> None:
        """Charge the part of an interval that lies in the op's own time."""
        if self.due_since is not None:
            self.own_stalls[cause] += max(0, ended - max(begun, self.due_since))

    @property
    def sums(self) -> tuple[dict[str, int], ...]:
        """Everything that grows by the same in equal stretches of time."""
        return self.stalls, self.own_stalls, self.dram, self.wake_cycles

    def count(self, tile: Tile, times: int = 1) -> None:
        """Record an executed tile."""
        self.executed[tile] = self.executed.get(tile, 0) + times
