"""Groups: phases that share a loop over samples and bands of rows, with the maps between them in tiles only."""

from typing import cast

from lls_hw.models.spec.geometry import Window
from lls_hw.sim.mapping.schedule import ScheduledOp
from lls_hw.sim.mapping.tile import Tile, Transfer
from lls_hw.sim.replay.bench import Bench, OpReplay, Ring
from lls_hw.sim.replay.memory import Area
from lls_hw.sim.replay.phase import phase_of
from lls_hw.sim.replay.places import positions
from lls_hw.sim.replay.region import Region, whole
from lls_hw.sim.replay.rooms import rooms_of
from lls_hw.sim.replay.scratchpad import Scratchpad
from lls_hw.sim.replay.signs import Signs
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.memory import LoopCut
from lls_hw.sim.schedule.tiles import GroupPlanner
from lls_hw.sim.schedule.work import Rows


class RowRing:
    """The rows of a map in a ring: new ones take the place of the oldest.

    Attributes
    ----------
    rows : of the ring; a row takes `row_bytes`.
    head : rows that have come so far.
    """

    def __init__(self, pad: Scratchpad, address: int, rows: int, row_bytes: int) -> None:
        self.pad, self.address, self.rows, self.row_bytes = pad, address, rows, row_bytes
        self.head = 0
        self.areas: list[tuple[Area, int]] = []

    def come(self, name: str, region: Region, bits: int, count: int, *, write: bool) -> list[Area]:
        """Room for a part of so many rows: one area, or two where it reaches round the ring's end.

        Rows that do not fill theirs are areas of their own: they have gaps between them.
        """
        first, last = region.spans[0]
        each, found, at = (last - first) // count, [], self.head
        most = count if each * region.shape[1] * bits == 8 * self.row_bytes else 1
        while at < self.head + count:
            upto = min(at + most, self.head + count, (at // self.rows + 1) * self.rows)
            part = region.along(first + (at - self.head) * each, first + (upto - self.head) * each)
            address = self.address + at % self.rows * self.row_bytes
            found.append(self.pad.open(name, address, part, bits, write=write))
            self.areas.append((found[-1], upto))
            at = upto
        self.head += count
        gone = [one for one in self.areas if one[1] <= self.head - self.rows]
        for area, _ in gone:
            self.pad.close(area)
        self.areas = [one for one in self.areas if one not in gone]
        return found

    def empty(self) -> None:
        """Nothing is in it."""
        for area, _ in self.areas:
            self.pad.close(area)


class GroupReplay(OpReplay):
    """One group.

    Attributes
    ----------
    maps, own : rings of the rows of each map, and of what each sample has of its own. A sample's own operands stay
        while its bands go by: their ring turns from sample to sample.
    """

    def __init__(self, bench: Bench, scheduled: ScheduledOp) -> None:
        super().__init__(bench, scheduled)
        self.group = cast("Group", self.op)
        self.cut = cast("LoopCut", self.plan.form)
        self.planner = GroupPlanner(self.ctx, self.group)
        memory = self.planner.memory
        self.rooms = rooms_of(memory, self.plan)
        self.maps = {
            name: RowRing(self.pad, self.slots(f"{name} (rows)")[0], rows, memory.map_row_bytes[name])
            for name, rows in self.rooms.maps.items()
        }
        self.own = {name: Ring(self.pad, self.slots(f"{name} (sample)")) for name in self.rooms.own}
        self._hold_all()
        self.phases = [phase_of(self, at, worker) for at, worker in enumerate(self.planner.workers)]

    def _hold_all(self) -> None:
        """Operands and results of the whole loop, and a basis that is stored."""
        results = {name for phase in self.group.phases for name in phase.results}
        for name in self.rooms.whole:
            tensor, (address,) = self.tensor(name), self.slots(f"{name} (whole)")
            area = self.pad.open(name, address, whole(*tensor.shape), tensor.bits, write=name in results)
            self.held.append(area)
        for at, worker in enumerate(self.planner.workers):
            signs = Signs.of(worker.phase.op, self.m, self.ctx.chip.local.basis)
            if signs is not None:
                for transfer in self.plan.fills:
                    if transfer.tensor == signs.name:
                        signs.load(transfer, self.bench.dram)
                self.held.append(signs.place(self.slots(f"{at} (scratch)")[0], self.m))

    # ------------------------------------------------------------------ places

    def rows_at(self, name: str, samples: Window, span: Window) -> Region:
        """Some rows of some samples of a map, as (positions, channels)."""
        tensor = self.tensor(name)
        batch, height, width, channels = (
            tensor.shape if len(tensor.shape) == 4 else (tensor.shape[0], 1, 1, tensor.shape[1])
        )
        here = positions(samples, span, height, width)
        return Region((batch * height * width, channels), (here, (0, channels)))

    def sample_at(self, name: str, samples: Window) -> Region:
        """The operands that some samples have of their own."""
        batch = self.group.batch
        each = self.tensor(name).elements // batch
        return Region((batch, each), (samples, (0, each)))

    # ------------------------------------------------------------------ the loop

    def run(self) -> None:
        """Samples in turn, band by band; then what follows from all of them."""
        self.fill()
        tiles, batch = self.tiles(), self.group.batch
        for first in range(0, batch, self.cut.images):
            samples = first, min(first + self.cut.images, batch)
            for at in range(1, self.cut.bands.tiles + 1):
                self.bench.tile = f"samples {samples[0]}:{samples[1]}, band {at} of {self.cut.bands.tiles}"
                self._band(next(tiles), samples, at)
        self.bench.tile = "results"
        for phase in self.phases:
            phase.close()
        for tile in tiles:
            for transfer in tile.stores:
                self.send(transfer, whole(*self.tensor(transfer.tensor).shape))
        self.bench.tile = ""

    def _band(self, tile: Tile, samples: Window, at: int) -> None:
        new = {name: (there[at - 1], there[at]) for name, there in self.cut.bands.maps.items()}
        regions = {name: self.rows_at(name, samples, span) for name, span in new.items() if span[0] < span[1]}
        if at == 1:
            for name, ring in self.own.items():
                ring.take()
                write = name not in self.group.per_sample_reads
                ring.open(name, self.sample_at(name, samples), self.tensor(name).bits, read=True, write=write)
        areas = {name: self._come(name, samples, new[name], regions[name]) for name in regions if name in self.maps}
        for transfer in tile.loads:
            self._bring(transfer, areas)
        for phase, done in zip(self.phases, self.cut.bands.phases, strict=True):
            if done[at - 1] < done[at]:
                begins = samples[0] == 0 and done[at - 1] == 0
                phase.run(samples, Rows(samples[1] - samples[0], done[at - 1], done[at], begins, done[at] == done[-1]))
        for transfer in tile.stores:
            self.send(transfer, regions.get(transfer.tensor) or self.sample_at(transfer.tensor, samples))
        if at == self.cut.bands.tiles:
            for ring in self.own.values():
                ring.give()

    def _come(self, name: str, samples: Window, span: Window, region: Region) -> list[Area]:
        """New rows of a map: to be loaded, or to be computed."""
        count = (samples[1] - samples[0]) * (span[1] - span[0])
        write = name not in self.group.loaded
        return self.maps[name].come(name, region, self.tensor(name).bits, count, write=write)

    def _bring(self, transfer: Transfer, areas: dict[str, list[Area]]) -> None:
        """One load: in one piece from DRAM, and into as many areas as it takes."""
        name = transfer.tensor
        parts = areas.get(name)
        if parts is None:
            ring = self.own[name]
            parts = [area for area in ring.areas[ring.at] if area.tensor == name]
        first = parts[0].region
        region = first.along(first.spans[0][0], parts[-1].region.spans[0][1])
        codes, at = self.bench.dram.load(transfer, region), 0
        for area in parts:
            rows = area.region.shape[0]
            area.write(area.region, codes[at : at + rows])
            at += rows

    def leave(self) -> None:
        """Give all room back."""
        super().leave()
        for rows in self.maps.values():
            rows.empty()
        for ring in self.own.values():
            ring.empty()
