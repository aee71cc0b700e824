"""The table of all candidates of a nest: the DRAM bytes that each moves, and the scratchpad that it needs.

Every combination of row cut, channel cuts and loop order is scored at once with integer arrays.
The candidates do not depend on the capacity, so a larger scratchpad can only add choices: DRAM
bytes never grow with it. The score is the exact number of bytes the tiles will move.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lls_hw.models.spec.memory import DramSpec
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.mapping.axes import TileAxis
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.grid import Counted, TileGrid, along, whole
from lls_hw.sim.mapping.nest import Dim, Nest, NestOperand
from lls_hw.sim.mapping.tile import Transfer
from lls_hw.sim.mapping.traffic import Traffic

IMPOSSIBLE_BYTES = 1 << 50
"""Candidates that need more cannot be carried out at all."""
MAX_TIED = 24
"""Candidates of equal traffic whose cycles are compared."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Bytes moved and scratchpad needed by every candidate, indexed [order, row cut, i cut, o cut].

    `held`: whether its sums are held in the accumulators.
    """

    axes: dict[Dim, tuple[TileAxis, ...]]
    orders: tuple[str, ...]
    dram_bytes: Counted
    need_bytes: Counted
    held: npt.NDArray[np.bool_]

    def choice(self, flat: int) -> Choice:
        """The candidate at a flat index."""
        order, r, i, o = (int(at) for at in np.unravel_index(flat, self.dram_bytes.shape))
        return Choice(
            order=self.orders[order],
            rows=self.axes["r"][r],
            ins=self.axes["i"][i],
            outs=self.axes["o"][o],
            dram_bytes=int(self.dram_bytes.flat[flat]),
            need_bytes=int(self.need_bytes.flat[flat]),
            held=bool(self.held.flat[flat]),
        )


class _Scorer:
    """Builds the table of one nest."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic, self.nest, self.depth = traffic, traffic.nest, traffic.depth
        self.grid = traffic.grid

    def table(self) -> Candidates:
        """Every order of every cut."""
        nest, traffic, result = self.nest, self.traffic, self.nest.result
        reads = [operand for operand in nest.reads if operand.in_dram]
        once = {
            (operand, kept): whole(traffic.once(traffic.load(operand, kept=kept), operand, _bus_bytes))
            for operand in reads
            for kept in (False, True)
        }
        partial = whole(traffic.once(traffic.partial(), result, _bus_bytes))
        final = whole(traffic.once(traffic.store(), result, _bus_bytes)) if result.in_dram else 0
        moved = []
        for order in nest.orders:
            total = 2 * (traffic.repeats(result, order) - 1) * partial + final
            keeps = traffic.keeps_halo(order)
            for operand in reads:
                here = np.where(keeps, once[operand, True], once[operand, False])
                total = total + traffic.repeats(operand, order) * here
            moved.append(np.broadcast_to(total, self.grid.shape))
        held = self.held()
        return Candidates(traffic.axes, nest.orders, np.stack(moved), self.needs(held), held)

    def held(self) -> npt.NDArray[np.bool_]:
        """Whether the sums of a candidate are held in the accumulators, [order, r, i, o] (`mapping.sums`)."""
        nest, traffic, banks = self.nest, self.traffic, self.nest.banks
        if banks is None:
            return np.zeros((len(nest.orders), *self.grid.shape), bool)
        stay, leave = self._always(banks.stay(nest, self.grid.at)), self._always(banks.pass_by(nest, self.grid.at))
        cut = np.ones((1, 1, 1), np.int64)
        for dim in nest.ignored(nest.result.side):
            cut = cut * traffic.trips[dim]
        holds = (stay | (leave & (cut == 1))) & (
            nest.narrows | (cut > 1)
        )  # or one tile's sums go where they are wanted
        once = [traffic.repeats(nest.result, order) == 1 for order in nest.orders]
        return np.stack([np.broadcast_to(holds & alone, self.grid.shape) for alone in once])

    def _always(self, holds: bool) -> npt.NDArray[np.bool_]:
        """Whether a condition on tiles holds for all tiles of a cut."""
        here = np.broadcast_to(np.logical_not(holds), tuple(len(cuts.pieces) for cuts in self.grid.cuts.values()))
        found: npt.NDArray[np.bool_] = self.grid.total(here, self.nest.dims) == 0
        return found

    def needs(self, held: npt.NDArray[np.bool_]) -> Counted:
        """Scratchpad bytes of every candidate, [order, r, i, o]."""
        nest = self.nest
        slots = [(operand, self._slot(operand, operand.bits)) for operand in nest.reads if operand.in_dram]
        lines = {operand: self._line(operand) for operand, _ in slots if operand.side == "x"}
        sums = self._slot(nest.result, nest.result_bits(held=False))
        codes = self._slot(nest.result, nest.result_bits(held=True), final=True)
        found = [np.where(here, codes, sums) for here in held]
        return np.stack([self._need(order, slots, lines, out) for order, out in zip(nest.orders, found, strict=True)])

    def _line(self, operand: NestOperand) -> tuple[Counted, Counted]:
        """Bytes of a slot for the most rows that a tile adds, and of the most that wait for the next, [r, i, o]."""
        nest, cuts, at = self.nest, self.grid.cuts, self.grid.at["r"]
        channels = along("i", cuts["i"].largest(_sizes(self.grid, "i")))

        def most(pixels: int) -> Counted:
            elements = along("r", cuts["r"].largest(np.ravel(pixels))) * channels
            return storage_bytes(elements, operand.bits)  # type: ignore[arg-type,return-value]  # arrays of sizes

        return most(nest.loaded_pixels("x", at, kept=True)), most(nest.halo_pixels(at))

    def _slot(self, operand: NestOperand, bits: int, *, final: bool = False) -> Counted:
        """Bytes of the largest tile of a side, or of what a tile finishes, [r, i, o]."""
        nest, grid = self.nest, self.grid
        chunks = {dim: along(dim, grid.cuts[dim].largest(_sizes(grid, dim))) for dim in ("i", "o")}
        if operand.side == "w":
            elements = nest.taps * chunks["i"] * (1 if nest.shared else chunks["o"])
        else:
            rows = grid.at["r"]
            pixels = np.ravel(nest.final_pixels(rows) if final else nest.pixels(operand.side, rows))
            elements = along("r", grid.cuts["r"].largest(pixels)) * chunks[nest.channels(operand.side)[0]]
        return storage_bytes(elements, bits)  # type: ignore[arg-type,return-value]  # arrays through a formula of ints

    def _need(
        self,
        order: str,
        slots: list[tuple[NestOperand, Counted]],
        lines: dict[NestOperand, tuple[Counted, Counted]],
        sums: Counted,
    ) -> Counted:
        traffic, result = self.traffic, self.nest.result
        need = np.zeros(self.grid.shape, np.int64)
        for operand, slot in slots:
            deep = np.where(traffic.visits(operand, order) > 1, self.depth, 1)
            tile = slot * deep
            if operand in lines:
                fresh, halo = lines[operand]
                tile = np.where(traffic.keeps_halo(order), fresh * deep + halo, tile)
            need = need + tile
        spills = traffic.repeats(result, order) > 1
        need = need + sums * (np.where(traffic.visits(result, order) > 1, self.depth, 1) + spills * self.depth)
        if result.side == "x" and order != "iro":  # halo sums pass from one row tile to the next
            by_rows = along("r", [axis.by_rows for axis in traffic.axes["r"]])
            need = np.where(by_rows, np.int64(1) << 60, need)
        return need


def _bus_bytes(transfer: Transfer) -> int:
    return transfer.bus_bytes


def _sizes(grid: TileGrid, dim: Dim) -> Counted:
    return np.array([piece.size for piece in grid.cuts[dim].pieces], np.int64)


@lru_cache(maxsize=192)  # a table can hold a megabyte, and a sweep goes through thousands
def candidates_of(nest: Nest, dram: DramSpec, depth: int) -> Candidates:
    """Score every candidate (memoised by shape)."""
    return _Scorer(Traffic(nest, dram, depth)).table()


def score(nest: Nest, dram: DramSpec, depth: int, axes: dict[Dim, tuple[TileAxis, ...]]) -> Candidates:
    """Score given cuts in every order."""
    return _Scorer(Traffic(nest, dram, depth, axes)).table()


@lru_cache(maxsize=4096)
def least_bytes(nest: Nest, dram: DramSpec, depth: int) -> int:
    """Scratchpad bytes of the smallest candidate."""
    scorer = _Scorer(Traffic(nest, dram, depth))
    return int(scorer.needs(scorer.held()).min())


@lru_cache(maxsize=1024)
def _thresholds(nest: Nest, dram: DramSpec, depth: int) -> Counted:
    """The budgets at which the best candidates change, ascending: where one joins that moves no more than all before.

    Between two of them `tied` is the same, so that scratchpads of many sizes share its answer.
    """
    table = candidates_of(nest, dram, depth)
    order = np.argsort(table.need_bytes, axis=None, kind="stable")
    need, moved = table.need_bytes.ravel()[order], table.dram_bytes.ravel()[order]
    found: Counted = np.unique(need[moved == np.minimum.accumulate(moved)])
    return found


def tied(nest: Nest, dram: DramSpec, depth: int, budget_bytes: int) -> tuple[Choice, ...]:
    """Candidates that fit and move the fewest bytes; fewest tiles first, one order per cut.

    Raises
    ------
    AssertionError : nothing fits (the planner must have left `least_bytes`).
    """
    steps = _thresholds(nest, dram, depth)
    at = int(np.searchsorted(steps, budget_bytes, side="right"))
    assert at > 0, f"no mapping of {nest} fits {budget_bytes} bytes"
    return _tied(nest, dram, depth, int(steps[at - 1]))


@lru_cache(maxsize=1024)
def _tied(nest: Nest, dram: DramSpec, depth: int, budget_bytes: int) -> tuple[Choice, ...]:
    table = candidates_of(nest, dram, depth)
    moved = np.where(table.need_bytes <= budget_bytes, table.dram_bytes, np.iinfo(np.int64).max)
    best = int(moved.min())
    _, rows, ins, outs = moved.shape
    flat = np.flatnonzero(moved == best)
    cut = flat % (rows * ins * outs)
    _, first = np.unique(cut, return_index=True)
    flat = flat[first]
    r, i, o = np.unravel_index(flat % (rows * ins * outs), (rows, ins, outs))
    tiles = np.array([axis.trips for axis in table.axes["r"]])[r]
    tiles = tiles * np.array([axis.trips for axis in table.axes["i"]])[i]
    tiles = tiles * np.array([axis.trips for axis in table.axes["o"]])[o]
    return tuple(table.choice(int(at)) for at in flat[np.argsort(tiles, kind="stable")][:MAX_TIED])
