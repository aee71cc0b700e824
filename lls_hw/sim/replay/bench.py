"""The bench of every replayed op: the memories, the machine, its buffers at their addresses, its transfers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lls_hw.models.program.ops.base import Tensor
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.schedule import Schedule, ScheduledOp
from lls_hw.sim.mapping.tile import Tile, Transfer, unrolled
from lls_hw.sim.replay.dram import Dram
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.machine import TileMachine
from lls_hw.sim.replay.memory import Area
from lls_hw.sim.replay.region import Region, whole
from lls_hw.sim.replay.scratchpad import Scratchpad


class Ring:
    """The slots of one buffer, taken in turn; what lay in a slot is gone when it is taken again."""

    def __init__(self, pad: Scratchpad, addresses: Sequence[int]) -> None:
        self.pad, self.addresses = pad, addresses
        self.areas: list[list[Area]] = [[] for _ in addresses]
        self.at = -1

    def take(self) -> None:
        """The next slot."""
        self.at = (self.at + 1) % len(self.addresses)
        self._empty(self.at)

    def open(self, tensor: str, region: Region, bits: int, *, offset: int = 0, read: bool, write: bool) -> Area:
        """An area in the slot that was taken last."""
        area = self.pad.open(tensor, self.addresses[self.at] + offset, region, bits, read=read, write=write)
        self.areas[self.at].append(area)
        return area

    def give(self) -> None:
        """The slot that was taken last is free: whatever lies in it may be overwritten."""
        self._empty(self.at)

    def empty(self) -> None:
        """Nothing is in any slot."""
        for at in range(len(self.addresses)):
            self._empty(at)

    def _empty(self, at: int) -> None:
        for area in self.areas[at]:
            self.pad.close(area)
        self.areas[at] = []


@dataclass(slots=True)
class Bench:
    """The state of a replay.

    Attributes
    ----------
    addresses : of every buffer of every op, slot by slot, by (place in the schedule, name of the buffer).
    stays : tensors that are in the scratchpad between ops.
    left : the step's own of them, as they stood when they left it.
    """

    schedule: Schedule
    pad: Scratchpad
    dram: Dram
    machine: TileMachine
    addresses: Mapping[tuple[int, str], Sequence[int]]
    stays: dict[str, Area] = field(default_factory=dict)
    left: dict[str, Ints] = field(default_factory=dict)
    tile: str = ""


class OpReplay(ABC):
    """One op of a schedule on the bench: its rings, its held operands, its transfers."""

    def __init__(self, bench: Bench, scheduled: ScheduledOp) -> None:
        self.bench, self.scheduled, self.op, self.plan = bench, scheduled, scheduled.op, scheduled.plan
        self.pad, self.m = bench.pad, bench.machine
        schedule = bench.schedule
        self.ctx = Context(schedule.program, schedule.chip, schedule.residency.places[scheduled.index], 0)
        self.rings = [self.ring(buffer.name) for buffer in self.plan.buffers]
        self.out = self.ring(self.plan.out.name)
        self.held: list[Area] = []
        self.done = 0
        self.held_at, self.held_used = next(iter(self.bench.addresses.get((scheduled.index, "held"), [0]))), 0

    def slots(self, buffer: str) -> Sequence[int]:
        """Addresses of a buffer's slots."""
        return self.bench.addresses[self.scheduled.index, buffer]

    def ring(self, buffer: str) -> Ring:
        """A buffer's slots."""
        return Ring(self.pad, self.bench.addresses.get((self.scheduled.index, buffer), [0]))

    def tensor(self, name: str) -> Tensor:
        """A tensor by name."""
        return self.ctx.tensor(name)

    def is_resident(self, name: str) -> bool:
        """Whether the whole tensor is in the scratchpad while the op runs."""
        return name in self.bench.stays

    def room(self, size_bytes: int) -> int:
        """An address in the held bytes of the op.

        Raises
        ------
        ReplayError : the plan keeps fewer.
        """
        self.held_used += size_bytes
        if self.held_used > self.plan.held_bytes:
            need = f"held operands take {self.held_used} bytes, the plan keeps {self.plan.held_bytes}"
            raise ReplayError(need)
        return self.held_at + self.held_used - size_bytes

    def hold(self, name: str, *, write: bool = False) -> Area:
        """Room for a whole tensor as long as the op runs, unless it is resident."""
        if self.is_resident(name):
            return self.bench.stays[name]
        tensor = self.tensor(name)
        region = whole(*tensor.shape)
        area = self.pad.open(name, self.room(tensor.size_bytes), region, tensor.bits, write=write)
        self.held.append(area)
        return area

    def bring(self, transfer: Transfer, region: Region, area: Area) -> None:
        """One load."""
        area.write(region, self.bench.dram.load(transfer, region))

    def send(self, transfer: Transfer, region: Region) -> None:
        """One store of a result."""
        self.bench.dram.store(transfer, region, self.pad.result(transfer.tensor, region))

    def fill(self) -> None:
        """The transfers before the first tile: whole tensors, into their stays or into held room."""
        areas = {area.tensor: area for area in self.held}
        for transfer in self.plan.fills:
            name = transfer.tensor
            if name not in self.bench.schedule.program.tensors:
                continue  # a basis, which the op brings itself
            area = self.bench.stays.get(name) or areas[name]
            self.bring(transfer, whole(self.bench.dram.places[name].elements), area)

    def tiles(self) -> Iterator[Tile]:
        """The costed tiles, in order."""
        for tile in unrolled(self.plan.body):
            self.done += 1
            yield tile

    @abstractmethod
    def run(self) -> None:
        """Carry the op out."""

    def leave(self) -> None:
        """Give all room back."""
        for ring in (*self.rings, self.out):
            ring.empty()
        for area in self.held:
            self.pad.close(area)
