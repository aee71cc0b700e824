"""All pieces of all cuts of a nest as arrays, so that a formula of one tile gives every candidate's total.

A loop has a few dozen cuts, and these a few dozen different pieces. What a tile does is computed once for every
combination of a row piece, an input and an output chunk, as an array [r, i, o] of pieces; a candidate's total is the
sum over the pieces that its cuts have, each as often as it occurs: a product with the cuts' counts along each loop.
Totals are exact: sums of integers in float64 below 2^53.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from lls_hw.sim.mapping.axes import Piece, TileAxis
from lls_hw.sim.mapping.nest import Dim

Counted = npt.NDArray[np.int64]
RealNumbers = npt.NDArray[np.float64]
PLACE: dict[Dim, int] = {"r": 0, "i": 1, "o": 2}
"""The place of a loop among an array's axes."""
Position = Literal["only", "first", "middle", "last"]
End = Literal["first", "last"]


def along(dim: Dim, values: npt.ArrayLike) -> Counted:
    """Numbers of one loop as an array [r, i, o]."""
    found = np.asarray(values)
    return found.reshape([-1 if PLACE[dim] == place else 1 for place in range(3)])


class Cuts:
    """The cuts of one loop, and how many of each piece they have.

    Attributes
    ----------
    pieces : the different ones.
    count : [cut, piece].
    trips : pieces of each cut.
    first, last : index of each cut's first and last piece.
    """

    def __init__(self, axes: Sequence[TileAxis]) -> None:
        self.axes = tuple(axes)
        index: dict[Piece, int] = {}
        for axis in self.axes:
            for piece, _ in axis.runs:
                index.setdefault(piece, len(index))
        self.pieces = tuple(index)
        self.count: Counted = np.zeros((len(self.axes), len(index)), np.int64)
        for row, axis in enumerate(self.axes):
            for piece, number in axis.kinds():
                self.count[row, index[piece]] += number
        self.trips: Counted = self.count.sum(axis=1)
        self.first: Counted = np.array([index[axis.runs[0][0]] for axis in self.axes], np.int64)
        self.last: Counted = np.array([index[axis.runs[-1][0]] for axis in self.axes], np.int64)

    def at(self, position: Position) -> Counted:
        """The part of `count` that stands at a position of the loop."""
        rows, single = np.arange(len(self.axes)), self.trips == 1
        here: Counted = np.zeros_like(self.count)
        if position == "middle":
            return self.count - self.at("first") - self.at("last") - self.at("only")
        where = single if position == "only" else ~single
        end = self.last if position == "last" else self.first
        here[rows[where], end[where]] = 1
        return here

    def spread(self, dim: Dim) -> Piece:
        """One piece whose sizes are arrays over all pieces of the loop."""
        sizes = {name: along(dim, [getattr(piece, name) for piece in self.pieces]) for name in Piece.__slots__}
        return Piece(**cast("Mapping[str, int]", sizes))

    def largest(self, measure: Counted) -> Counted:
        """Of a measure [piece], the largest within each cut."""
        found: Counted = np.where(self.count > 0, measure, 0).max(axis=1)
        return found


class TileGrid:
    """The cuts of a nest's three loops."""

    def __init__(self, axes: Mapping[Dim, Sequence[TileAxis]]) -> None:
        self.cuts = {dim: Cuts(axes[dim]) for dim in PLACE}
        self.at: dict[Dim, Piece] = {dim: cuts.spread(dim) for dim, cuts in self.cuts.items()}
        self.trips = {dim: along(dim, cuts.trips) for dim, cuts in self.cuts.items()}
        self.shape = tuple(len(cuts.axes) for cuts in self.cuts.values())

    def total(self, each: npt.ArrayLike, dims: Sequence[Dim], **part: Counted) -> RealNumbers:
        """Sum of `each` [r, i, o] over the pieces along `dims`, for every cut.

        Parameters
        ----------
        each : an amount per tile; loops outside `dims` have one entry.
        part : the counts along a loop, where not all of its pieces are meant.
        """
        found: RealNumbers = np.asarray(each, np.float64)
        for dim in dims:
            counts = part.get(dim, self.cuts[dim].count).astype(np.float64)
            place = PLACE[dim]
            if found.shape[place] == 1 and counts.shape[1] > 1:
                found = found * along(dim, counts.sum(axis=1))
            else:
                found = np.moveaxis(np.tensordot(counts, found, axes=(1, place)), 0, place)
        return found

    def pick(self, each: npt.ArrayLike, end: End) -> RealNumbers:
        """`each` [r, i, o] at the first (or last) piece of every cut."""
        found: RealNumbers = np.asarray(each, np.float64)
        for dim, cuts in self.cuts.items():
            if found.shape[PLACE[dim]] > 1:
                found = np.take(found, cuts.first if end == "first" else cuts.last, axis=PLACE[dim])
        return found


def whole(total: RealNumbers) -> Counted:
    """Integers of a total of integers."""
    found: Counted = np.rint(total).astype(np.int64)
    return found
