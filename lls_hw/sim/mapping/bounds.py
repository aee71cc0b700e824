"""The least that every candidate costs: its events exactly, its cycles from below.

The events of a candidate (and so its dynamic energy) are the sum over its tiles. Its cycles depend on how loads, units
and stores overlap, which only the event engine knows; but no schedule of an op alone is shorter than any of these, each
the length of a chain in which nothing can overlap:

- the first tile's loads, all of the first unit's work, the last tile's work behind it, the last store;
- all loads, the last tile's work, its store;
- the first tile's loads and work, all stores; or all of the last unit's work and the last store;
- one latency, then every cycle of the data bus;
- where loads and stores share a queue, all of them; with one slot a buffer, loads and the first unit take turns, and
  so do units and stores.

A store holds the data bus from its beginning to its end. Meanwhile only tiles that are loaded already can be worked
on, so what a store takes beyond one tile's work is likely, not certain, to be lost: `likely_cycles` counts it, and
serves to look at the promising candidates first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.mapping.grid import Counted, End, Position, RealNumbers
from lls_hw.sim.mapping.nest import NestOperand
from lls_hw.sim.mapping.nest_plan import TileWork, TileWorker, WorkOf
from lls_hw.sim.mapping.objective import FIGURES, Objective
from lls_hw.sim.mapping.tile import Into, Transfer
from lls_hw.sim.mapping.traffic import Traffic

FLAGS: dict[Position, tuple[bool, bool]] = {
    "only": (True, True), "first": (True, False), "middle": (False, False), "last": (False, True),
}  # fmt: skip
"""Whether a tile starts its sums and whether it finishes them, by its position along the summed loop."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of every candidate, [order, r, i, o]: dynamic energy in pJ, cycles from below, and likely ones."""

    pj: RealNumbers
    cycles: RealNumbers
    likely_cycles: RealNumbers

    def least(self, objective: Objective, dram_bytes: Counted) -> RealNumbers:
        """The objective from below."""
        return self._figure(objective, dram_bytes, self.cycles)

    def likely(self, objective: Objective, dram_bytes: Counted) -> RealNumbers:
        """The objective with the likely cycles."""
        return self._figure(objective, dram_bytes, self.likely_cycles)

    def _figure(self, objective: Objective, dram_bytes: Counted, cycles: RealNumbers) -> RealNumbers:
        found: RealNumbers = FIGURES[objective.name](dram_bytes, self.pj + objective.cycle_pj * cycles, cycles)
        return found


@dataclass(frozen=True, slots=True)
class _Moves:
    """Transfers of one side, each tile once: energy, cycles of their queue and of the bus; of the first, the last."""

    pj: RealNumbers
    queue: RealNumbers
    bus: RealNumbers
    first: RealNumbers
    last: RealNumbers


@dataclass(frozen=True, slots=True)
class _Units:
    """Work of all tiles: energy, cycles by unit; the least that the first and the last tile take, by unit."""

    pj: RealNumbers
    cycles: tuple[RealNumbers, ...]
    first: tuple[RealNumbers, ...]
    last: tuple[RealNumbers, ...]


class _Bounding:
    """Builds the bounds of one nest on one chip."""

    def __init__(self, traffic: Traffic, chip: AcceleratorSpec, objective: Objective) -> None:
        self.traffic, self.grid, self.nest = traffic, traffic.grid, traffic.nest
        self.chip, self.objective, self.trips = chip, objective, traffic.trips

    def table(self, work: WorkOf) -> Bounds:
        """Every order of every cut, with its sums where `work` has them."""
        nest, traffic, result = self.nest, self.traffic, self.nest.result
        units = self._units(work)
        loads = [
            (o, [self._moves(traffic.load(o, kept=kept), o, "read") for kept in (False, True)])
            for o in nest.reads
            if o.in_dram
        ]
        back, out = (self._moves(traffic.partial(), result, into) for into in ("read", "write"))
        stores = [self._moves(traffic.store(), result, "write")] if result.in_dram else []
        pj, cycles, likely = [], [], []
        for order in nest.orders:
            again = traffic.repeats(result, order) - 1
            keeps = traffic.keeps_halo(order)
            chosen = [(operand, _either(keeps, *moves)) for operand, moves in loads]
            read = [(traffic.repeats(operand, order), moves) for operand, moves in chosen] + [(again, back)]
            write = [(np.ones_like(again), moves) for moves in stores] + [(again, out)]
            pj.append(self._spread(units.pj + sum(n * moves.pj for n, moves in (*read, *write))))
            first = sum(moves.first for _, moves in chosen)
            last = sum(moves.last for moves in stores)
            chains = [self._spread(c) for c in self._chains(units, read, write, first, last)]
            cycles.append(np.maximum.reduce(chains))
            likely.append(np.maximum(cycles[-1], chains[0] + self._starved(units, read, write, order)))
        return Bounds(np.stack(pj), np.stack(cycles), np.stack(likely))

    def _chains(
        self,
        units: _Units,
        reads: list[tuple[Counted, _Moves]],
        writes: list[tuple[Counted, _Moves]],
        first_load: RealNumbers | int,
        last_store: RealNumbers | int,
    ) -> Iterable[RealNumbers | int]:
        """Lengths of the chains at the head of this file."""
        read = sum(n * moves.queue for n, moves in reads)
        write = sum(n * moves.queue for n, moves in writes)
        yield first_load + units.cycles[0] + sum(units.last[1:]) + last_store
        yield read + sum(units.last) + last_store
        yield first_load + units.first[0] + np.maximum(write, sum(units.cycles[1:]) + last_store)
        yield self.chip.dram.latency_cycles + sum(n * moves.bus for n, moves in (*reads, *writes))
        if self.chip.dram.dma_queues == "shared":
            yield read + write
        if self.traffic.depth == 1:
            yield read + units.cycles[0]
            yield sum(units.cycles) + write

    def _starved(
        self, units: _Units, reads: list[tuple[Counted, _Moves]], writes: list[tuple[Counted, _Moves]], order: str
    ) -> RealNumbers:
        """Cycles for which the first unit is likely to wait behind stores, if its tiles need loads."""
        tiles = self.trips["r"] * self.trips["i"] * self.trips["o"]
        stores = self.traffic.visits(self.nest.result, order)
        held = sum(n * moves.bus for n, moves in writes) / stores
        load, work = sum(n * moves.queue for n, moves in reads) / tiles, units.cycles[0] / tiles
        lost: RealNumbers = np.where(load > 0, np.maximum(0.0, held + load - work) * (stores - 1), 0.0)
        return lost

    def _spread(self, amount: RealNumbers | int) -> RealNumbers:
        found: RealNumbers = np.broadcast_to(amount, self.grid.shape)
        return found

    def _units(self, work: WorkOf) -> _Units:
        """Tiles differ by their position along the loop of their sums, of which there is at most one."""
        summed = self.nest.ignored(self.nest.result.side)
        assert len(summed) <= 1, f"{self.nest}: sums run along {summed}"
        at = {position: work(self.grid.at, *flags) for position, flags in FLAGS.items() if summed or position == "only"}
        found: list[RealNumbers] = [np.zeros((1, 1, 1))]
        for position, tile in at.items():
            part = {dim: self.grid.cuts[dim].at(position) for dim in summed}
            amounts = (self.objective.dynamic_pj(tile.tally), *tile.cycles)
            totals = [self.grid.total(_cube(amount), self.nest.dims, **part) for amount in amounts]
            found = [a + b for a, b in zip(found, totals, strict=True)] if len(found) > 1 else totals
        opening, closing = at.get("first", at["only"]), at["only"]
        return _Units(
            pj=found[0], cycles=tuple(found[1:]), first=self._ends(opening, "first"), last=self._ends(closing, "last")
        )

    def _ends(self, tile: TileWork, end: End) -> tuple[RealNumbers, ...]:
        return tuple(self.grid.pick(_cube(cycles), end) for cycles in tile.cycles)

    def _moves(self, transfer: Transfer, operand: NestOperand, into: Into) -> _Moves:
        dram, dims = self.chip.dram, self.nest.relevant(operand.side)
        data = transfer.bus_cycles(dram)
        queue = _cube(data + dram.latency_cycles * np.greater(transfer.elements, 0))
        energy = self.objective.dynamic_pj(transfer.counts(self.chip.scratchpad.word_bits, into))
        return _Moves(
            pj=self.grid.total(_cube(energy), dims),
            queue=self.grid.total(queue, dims),
            bus=self.grid.total(_cube(data), dims),
            first=self.grid.pick(queue, "first"),
            last=self.grid.pick(queue, "last"),
        )


def _either(holds: npt.NDArray[np.bool_], no: _Moves, yes: _Moves) -> _Moves:
    """The transfers of every cut, by a condition on it."""
    return _Moves(**{f.name: np.where(holds, getattr(yes, f.name), getattr(no, f.name)) for f in fields(_Moves)})


def _cube(amount: npt.ArrayLike) -> RealNumbers:
    """An amount as an array [r, i, o], also where it is the same for all tiles."""
    found: RealNumbers = np.asarray(amount, np.float64)
    return found if found.ndim == 3 else found.reshape(1, 1, 1)


def bounds_of(
    traffic: Traffic, chip: AcceleratorSpec, objective: Objective, worker: TileWorker, held: npt.NDArray[np.bool_]
) -> Bounds:
    """Bounds of every candidate of a nest, in the order of `candidates_of`; `held` is its table's."""
    bounding = _Bounding(traffic, chip, objective)
    bounds = bounding.table(worker.work)
    if worker.held is None or not held.any():
        return bounds
    other = bounding.table(worker.held)
    return Bounds(*(np.where(held, getattr(other, f.name), getattr(bounds, f.name)) for f in fields(Bounds)))
