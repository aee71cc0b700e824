"""Choice of tile sizes and loop order: fewest DRAM bytes first, then fewest cycles.

Every combination of row cut, channel cuts and loop order is scored at once with integer arrays.
The candidates do not depend on the capacity, so a larger scratchpad can only add choices: DRAM
bytes never grow with it. The score is the exact number of bytes the tiles will move.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from lls_hw.models.spec.memory import DramSpec
from lls_hw.sim.mapping.axes import Piece, TileAxis
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.nest import Dim, Nest, NestOperand

Counted = npt.NDArray[np.int64]
MAX_TIED = 24
"""Candidates of equal traffic whose cycles are compared."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Bytes moved and scratchpad needed by every candidate, indexed [order, row cut, i cut, o cut]."""

    axes: dict[Dim, tuple[TileAxis, ...]]
    orders: tuple[str, ...]
    dram_bytes: Counted
    need_bytes: Counted

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
        )


class _Cuts:
    """The cuts of one loop as padded arrays: [cut, kind of piece]."""

    def __init__(self, axes: tuple[TileAxis, ...], measure: Mapping[str, Callable[[Piece], int]]) -> None:
        width = max(len(axis.runs) for axis in axes)
        self.trips: Counted = np.array([axis.trips for axis in axes], np.int64)
        self.count = self._pad([[n for _, n in axis.kinds()] for axis in axes], width)
        self.of = {
            name: self._pad([[f(piece) for piece, _ in axis.runs] for axis in axes], width)
            for name, f in measure.items()
        }

    @staticmethod
    def _pad(rows: list[list[int]], width: int) -> Counted:
        return np.array([row + [0] * (width - len(row)) for row in rows], np.int64)


def _ceil(a: Counted, b: int) -> Counted:
    return -(-a // b)


class _Scorer:
    """Builds the table of one nest."""

    def __init__(
        self, nest: Nest, dram: DramSpec, depth: int, axes: dict[Dim, tuple[TileAxis, ...]] | None = None
    ) -> None:
        self.nest, self.burst, self.depth = nest, dram.burst_bytes, depth
        self.axes = axes or nest.axes()
        size: dict[str, Callable[[Piece], int]] = {"size": lambda piece: piece.size}
        rows: dict[str, Callable[[Piece], int]] = {
            "x": lambda piece: nest.pixels("x", piece),
            "y": lambda piece: nest.pixels("y", piece),
            "final": nest.final_pixels,
        }
        self.cuts = {
            "r": _Cuts(self.axes["r"], rows),
            "i": _Cuts(self.axes["i"], size),
            "o": _Cuts(self.axes["o"], size),
        }
        self.known: dict[tuple[NestOperand, int, str, bool], Counted] = {}
        self.trips = {
            "r": self.cuts["r"].trips[:, None, None],
            "i": self.cuts["i"].trips[None, :, None],
            "o": self.cuts["o"].trips[None, None, :],
        }

    def table(self) -> Candidates:
        """Every order of every cut."""
        moved = np.stack([self._moved(order) for order in self.nest.orders])
        return Candidates(self.axes, self.nest.orders, moved, self.needs())

    def _round(self, size_bytes: Counted) -> Counted:
        return _ceil(size_bytes, self.burst) * self.burst

    def _once(self, operand: NestOperand, bits: int, pixels: str, *, contiguous: bool = False) -> Counted:
        """Bus bytes of moving the whole side once, [r, i, o]; the same for every order."""
        key = (operand, bits, pixels, contiguous)
        if key not in self.known:
            self.known[key] = self._compute_once(operand, bits, pixels, contiguous)
        return self.known[key]

    def _compute_once(self, operand: NestOperand, bits: int, pixels: str, contiguous: bool) -> Counted:
        if operand.side == "w":
            return self._weights_once(bits, contiguous)[None]
        dim, full = self.nest.channels(operand.side)
        rows, chunks = self.cuts["r"], self.cuts[dim]
        pix, size = rows.of[pixels][:, :, None, None], chunks.of["size"][None, None]
        whole = self._round(_ceil(pix * size * bits, 8))
        pieces = pix * self._round(_ceil(size * bits, 8))
        moved = whole if contiguous else np.where(size == full, whole, pieces)
        total: Counted = (moved * rows.count[:, :, None, None] * chunks.count[None, None]).sum(axis=(1, 3))
        return total[:, :, None] if dim == "i" else total[:, None, :]

    def _weights_once(self, bits: int, contiguous: bool) -> Counted:
        nest, ins, outs = self.nest, self.cuts["i"], self.cuts["o"]
        i, o = ins.of["size"][:, :, None, None], outs.of["size"][None, None]
        full_out = 1 if nest.shared else nest.out_c
        whole = self._round(_ceil(nest.taps * i * o * bits, 8))
        taps = nest.taps * self._round(_ceil(i * o * bits, 8))
        pieces = nest.taps * i * self._round(_ceil(o * bits, 8))
        moved = whole if contiguous else np.where(o == full_out, np.where(i == nest.in_c, whole, taps), pieces)
        total: Counted = (moved * ins.count[:, :, None, None] * outs.count[None, None]).sum(axis=(1, 3))
        return total

    def _slot(self, operand: NestOperand, bits: int) -> Counted:
        """Bytes of the largest tile of a side, [r, i, o]."""
        ins, outs = (self.cuts[dim].of["size"].max(axis=1) for dim in ("i", "o"))
        if operand.side == "w":
            return _ceil(self.nest.taps * ins[:, None] * outs[None] * bits, 8)[None]
        pix = self.cuts["r"].of[operand.side].max(axis=1)
        if self.nest.channels(operand.side)[0] == "i":
            return _ceil(pix[:, None] * ins[None] * bits, 8)[:, :, None]
        return _ceil(pix[:, None] * outs[None] * bits, 8)[:, None, :]

    def _repeats(self, operand: NestOperand, order: str) -> Counted:
        total: Counted = np.ones((1, 1, 1), np.int64)
        for dim in self.nest.ignored(operand.side):
            inner = [e for e in self.nest.relevant(operand.side) if order.index(e) > order.index(dim)]
            turning = np.zeros((1, 1, 1), bool)
            for e in inner:
                turning = turning | (self.trips[e] > 1)
            total = total * np.where(turning, self.trips[dim], 1)
        return total

    def _buffers(self, operand: NestOperand, repeats: Counted) -> Counted:
        visits = repeats
        for dim in self.nest.relevant(operand.side):
            visits = visits * self.trips[dim]
        return np.where(visits > 1, self.depth, 1)

    def needs(self) -> Counted:
        """Scratchpad bytes of every candidate, [order, r, i, o]."""
        return np.stack([self._need(order) for order in self.nest.orders])

    def _need(self, order: str) -> Counted:
        nest, result = self.nest, self.nest.result
        need = np.zeros(tuple(len(self.axes[dim]) for dim in ("r", "i", "o")), np.int64)
        for operand in nest.reads:
            if operand.in_dram:
                repeats = self._repeats(operand, order)
                need = need + self._slot(operand, operand.bits) * self._buffers(operand, repeats)
        repeats, slot = self._repeats(result, order), self._slot(result, nest.sum_bits)
        need = need + slot * self._buffers(result, repeats) + np.where(repeats > 1, slot * self.depth, 0)
        if result.side == "x" and order != "iro":  # halo sums pass from one row tile to the next
            by_rows = np.array([axis.by_rows for axis in self.axes["r"]])[:, None, None]
            need = np.where(by_rows, np.int64(1) << 60, need)
        return need

    def _moved(self, order: str) -> Counted:
        nest, result = self.nest, self.nest.result
        moved = np.zeros(tuple(len(self.axes[dim]) for dim in ("r", "i", "o")), np.int64)
        for operand in nest.reads:
            if operand.in_dram:
                moved = moved + self._repeats(operand, order) * self._once(operand, operand.bits, operand.side)
        partial = self._once(result, nest.sum_bits, result.side, contiguous=True)
        moved = moved + 2 * (self._repeats(result, order) - 1) * partial
        return moved + self._once(result, result.bits, "final") if result.in_dram else moved


@lru_cache(maxsize=192)  # a table can hold a megabyte, and a sweep goes through thousands
def candidates_of(nest: Nest, dram: DramSpec, depth: int) -> Candidates:
    """Score every candidate (memoised by shape)."""
    return _Scorer(nest, dram, depth).table()


def score(nest: Nest, dram: DramSpec, depth: int, axes: dict[Dim, tuple[TileAxis, ...]]) -> Candidates:
    """Score given cuts in every order."""
    return _Scorer(nest, dram, depth, axes).table()


@lru_cache(maxsize=4096)
def least_bytes(nest: Nest, dram: DramSpec, depth: int) -> int:
    """Scratchpad bytes of the smallest candidate."""
    return int(_Scorer(nest, dram, depth).needs().min())


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
