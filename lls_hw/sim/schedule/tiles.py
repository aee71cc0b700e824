"""From a group to the tiles that the event engine runs."""

from collections.abc import Hashable
from dataclasses import replace
from functools import cached_property
from itertools import groupby

from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.tile import Buffer, EventTally, Node, Plan, Tile, TilePart, Transfer, Unit, add_to, loop
from lls_hw.sim.mapping.work import lane_cycles
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.memory import INSIDE, GroupMemory, LoopCut
from lls_hw.sim.schedule.work import Rows, Worker

MOST_SLOTS = 4
"""Tiles under way at a time, from load to store: two where the scratchpad is double buffered, or more that fit."""


class GroupPlanner:
    """Plans one group for the scratchpad that is left beside the resident tensors."""

    def __init__(self, ctx: Context, group: Group) -> None:
        places = {
            name: ctx.places.get(name, INSIDE) for phase in group.phases for name in (*phase.op.reads, *phase.op.writes)
        }
        self.ctx, self.group = replace(ctx, places={**places, **ctx.places}), group
        self.workers = [Worker(self.ctx, phase) for phase in group.phases]
        self.memory = GroupMemory(self.ctx, group, self.workers)
        self.route, self.stops = _route(self.workers)
        self.known: dict[Hashable, Tile] = {}

    def choose(self) -> tuple[LoopCut, int]:
        """The cut, and the slots (tiles under way at a time), with the fewest estimated cycles.

        A stage takes its share of the loop's work, a transfer its latency too. A tile follows the other after the
        longest time for which it needs one resource, or, if longer, when a slot is free:

            cycles = tiles x max(longest resource, sum of stages / slots) + sum of stages
        """
        best: tuple[int, LoopCut, int] | None = None
        for one in self.memory.cuts():
            held, slot = self.memory.held_bytes(one), self.memory.slot_bytes(one)
            for slots in range(self.ctx.depth, MOST_SLOTS + 1 if self.ctx.depth > 1 else 2):
                if held + slots * slot <= self.ctx.budget_bytes:
                    cycles = self._cycles(one, slots)
                    if best is None or cycles < best[0]:
                        best = cycles, one, slots
        assert best is not None, f"{self.group.layer}: no cut of {self.group.kind} fits {self.ctx.budget_bytes} bytes"
        return best[1:]

    def _cycles(self, one: LoopCut, slots: int) -> int:
        tiles = -(-self.group.batch // one.images) * one.bands.tiles
        dram, own = self.ctx.chip.dram, self.totals
        moves = [
            self._moved_bytes(names) // (dram.bytes_per_cycle * tiles) + len(names) * dram.latency_cycles
            for names in (self._moving(self.group.loaded, into=True), self._moving(self.group.stored_maps, into=False))
        ]
        stages = [*moves, *(cycles // tiles for cycles in own)]
        by_unit: EventTally = {"bus": sum(moves)}
        for unit, cycles in zip(self.route, own, strict=True):
            add_to(by_unit, {unit: cycles // tiles})
        return tiles * max(*by_unit.values(), sum(stages) // slots) + sum(stages)

    @cached_property
    def totals(self) -> list[int]:
        """Cycles at each stop of the route, over all samples."""
        found = [0] * len(self.route)
        for worker, stops in zip(self.workers, self.stops, strict=True):
            work = worker.of(Rows(1, 0, worker.phase.rows, False, True))
            for stop, cycles in zip(stops, work.cycles, strict=True):
                found[stop] += cycles * self.group.batch
        return found

    def _moving(self, names: tuple[str, ...], *, into: bool) -> list[str]:
        return [name for name in names if (self.ctx.streams_in(name) if into else self.ctx.streams_out(name))]

    def _moved_bytes(self, names: list[str]) -> int:
        return sum(self.ctx.tensor(name).size_bytes for name in names)

    def plan(self) -> Plan:
        """The group's plan."""
        (one, slots), group, places = self.choose(), self.group, self.ctx.places
        slot = Buffer("bands", self.memory.slot_bytes(one), slots)
        body = (*self._body(one), *self._closing())
        fills = self.ctx.fills(group.reads)
        fills += tuple(self.ctx.whole(name) for name in group.held if not places[name].resident)
        fills += tuple(t for w in self.workers if not w.is_nest for t in w.recipe.extra_loads)
        return Plan(
            route=self.route,
            buffers=(slot,),
            out=Buffer("out", 0, self.ctx.depth),
            held_bytes=self.memory.held_bytes(one),
            fills=fills,
            body=body,
            touched_reads={name: self.ctx.tensor(name).elements for name in group.reads},
            touched_writes={name: self.ctx.tensor(name).elements for name in group.writes},
            note=self._note(one),
            form=one,
            owners=self._owners(),
        )

    def _owners(self) -> dict[str, int]:
        """A load belongs to the first op that needs it, a store to the op that makes it."""
        found: dict[str, int] = {}
        for phase in self.group.phases:
            needed = (*(read.tensor for read in phase.maps), *phase.per_sample_reads, *phase.held)
            made = (*phase.results, *phase.per_sample_writes, *((phase.out,) if phase.out else ()))
            for name in (*needed, *made):
                found.setdefault(name, phase.index)
        for phase in self.group.phases:
            found.update(dict.fromkeys(phase.results, phase.index))
        basis = {t.tensor: w.phase.index for w in self.workers if not w.is_nest for t in w.recipe.extra_loads}
        return {**found, **basis}

    def _note(self, one: LoopCut) -> str:
        if one.bands.tiles == 1:
            return f"{self.group.kind}, tiles of {one.images} samples"
        return f"{self.group.kind}, {one.bands.tiles} bands a sample"

    def _body(self, one: LoopCut) -> tuple[Node, ...]:
        """Samples one after the other; all but the first, and perhaps a smaller last, are alike."""
        whole, rest = divmod(self.group.batch, one.images)
        first = self._sample(one, one.images, begins=True)
        others = self._sample(one, one.images, begins=False) if whole > 1 else ()
        last = self._sample(one, rest, begins=False) if rest else ()
        if first == others:
            return (*loop(whole, _rolled(first)), *_rolled(last))
        return (*_rolled(first), *loop(whole - 1, _rolled(others)), *_rolled(last))

    def _sample(self, one: LoopCut, images: int, *, begins: bool) -> tuple[Tile, ...]:
        """Tiles of a sample, or of some whole ones; tiles of the same work are one object."""
        tiles = []
        for at in range(1, one.bands.tiles + 1):
            rows = tuple(
                Rows(images, done[at - 1], done[at], begins and done[at - 1] == 0, done[at - 1] < done[at] == done[-1])
                for done in one.bands.phases
            )
            moved = tuple(there[at] - there[at - 1] for there in one.bands.maps.values())
            ends = at == 1, at == one.bands.tiles
            key = (tuple(w.shape(r) for w, r in zip(self.workers, rows, strict=True)), moved, ends)
            if key not in self.known:
                self.known[key] = self._make(rows, one, at)
            tiles.append(self.known[key])
        return tuple(tiles)

    def _make(self, rows: tuple[Rows, ...], one: LoopCut, at: int) -> Tile:
        cycles, parts, conflicts = [0] * len(self.route), [], 0
        banks: list[tuple[int, int]] = []
        tally: EventTally = {}
        for worker, stops, mine in zip(self.workers, self.stops, rows, strict=True):
            if mine.first == mine.last:
                continue
            work = worker.of(mine)
            busy: EventTally = {}
            for stop, number in zip(stops, work.cycles, strict=True):
                cycles[stop] += number
                add_to(busy, {self.route[stop]: number})
            if stops[0] == 0:
                conflicts += work.conflict_cycles
            if work.banked:
                banks.append((stops[0], stops[-1] if worker.holds else stops[0]))
            add_to(tally, work.tally)
            phase = worker.phase
            again = (phase.index, phase.part) in self.group.again
            parts.append(TilePart(phase.index, work.tally, busy, work.signal_macs, again))
        images = rows[0].images
        return Tile(
            name=self.group.layer,
            cycles=tuple(cycles),
            loads=self._loads(one, at, images),
            takes=(0,),
            gives=(0,),
            stores=self._stores(one, at, images),
            tally=tally,
            signal_macs=sum(part.signal_macs for part in parts if not part.again),
            conflict_cycles=conflicts,
            bank_from=tuple(dict.fromkeys(first for first, _ in banks)),
            bank_until=tuple(dict(sorted(banks)).values()),
            keeps=True,
            parts=tuple(parts),
        )

    def _loads(self, one: LoopCut, at: int, images: int) -> tuple[Transfer, ...]:
        group, streams = self.group, self.ctx.streams_in
        moves = [self._rows(name, one, at, images) for name in group.loaded if streams(name)]
        if at == 1:
            moves += [self._own(name, images) for name in group.per_sample_reads if streams(name)]
        return tuple(move for move in moves if move is not None)

    def _stores(self, one: LoopCut, at: int, images: int) -> tuple[Transfer, ...]:
        group, streams = self.group, self.ctx.streams_out
        moves = [self._rows(name, one, at, images) for name in group.stored_maps if streams(name)]
        if at == one.bands.tiles:
            moves += [self._own(name, images) for name in group.per_sample_writes if streams(name)]
        return tuple(move for move in moves if move is not None)

    def _rows(self, name: str, one: LoopCut, at: int, images: int) -> Transfer | None:
        there = one.bands.maps[name]
        count = there[at] - there[at - 1]
        return self.ctx.piece(name, images * count * self.memory.row_codes(name)) if count else None

    def _own(self, name: str, images: int) -> Transfer:
        return self.ctx.piece(name, images * (self.ctx.tensor(name).elements // self.group.batch))

    def _closing(self) -> tuple[Tile, ...]:
        """A last tile: statistics of the sums, and the results on their way out."""
        cycles, parts = [0] * len(self.route), []
        tally: EventTally = {}
        for worker, stops in zip(self.workers, self.stops, strict=True):
            closing = worker.closing()
            own = dict(closing.work)
            add_to(own, {"scratchpad_read_words": closing.read_words, "scratchpad_write_words": closing.write_words})
            if not any(own.values()):
                continue
            number = 0 if worker.is_nest else self.ctx.served(lane_cycles(closing.work, worker.lanes), own)
            cycles[stops[0]] += number
            add_to(tally, own)
            phase = worker.phase
            again = (phase.index, phase.part) in self.group.again
            parts.append(TilePart(phase.index, own, {self.route[stops[0]]: number}, 0, again))
        stores = tuple(self.ctx.whole(name) for name in self.group.results if self.ctx.streams_out(name))
        if not parts and not stores:
            return ()
        return (Tile(self.group.layer, tuple(cycles), stores=stores, tally=tally, keeps=True, parts=tuple(parts)),)


def _route(workers: list[Worker]) -> tuple[tuple[Unit, ...], list[tuple[int, ...]]]:
    """Units that a tile visits one after the other, and each phase's stops; neighbours on a unit share one."""
    route: list[Unit] = []
    stops = []
    for worker in workers:
        mine = []
        for unit in worker.route:
            if not route or route[-1] != unit:
                route.append(unit)
            mine.append(len(route) - 1)
        stops.append(tuple(mine))
    return tuple(route), stops


def _rolled(tiles: tuple[Tile, ...]) -> tuple[Node, ...]:
    """Tiles in their order, neighbours of the same work rolled up."""
    nodes: list[Node] = []
    for _, same in groupby(tiles, key=id):
        run = list(same)
        nodes += loop(len(run), (run[0],))
    return tuple(nodes)
