"""A dataflow as a record of everything that depends on which one an array runs.

One (m, k) @ (k, n) product is cut into folds. Of its three axes one streams through the array, one lies along its
rows, one along its columns; in closed forms and schedules these are called stream, down and across. Where the
columns hold m, the grid runs the transposed product (n, k) @ (k, m).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Literal, NamedTuple, Self, TypeVar

if TYPE_CHECKING:
    from lls_hw.models.spec.accelerator import ArraySpec


T = TypeVar("T")
ProductAxis = Literal["m", "k", "n"]
Stretch = tuple[int, int]
"""(start, length) along one axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayAccesses:
    """Work of one product on the array, in elements (not bytes). Records add.

    macs : multiply-accumulates performed (zeros of full edges included).
    a_reads, b_reads : elements of the left and right operand read from the scratchpad, re-reads per fold included.
    accumulator_reads, accumulator_writes : partial sums of the memory below the array (ws, is).
    outputs : finished elements handed on: read once more from that memory (ws, is).
    operand_shifts : writes of the registers that carry a streaming operand from PE to PE.
    sum_shifts : writes of the partial-sum registers (os: of the accumulators in the PEs).
    stationary_shifts : writes of the registers through which weights (ws) or inputs (is) are loaded.
    stationary_swaps : copies from the loading to the working register (hidden preload only).
    drain_shifts : writes of the drain registers (os), loads included.
    """

    macs: int = 0
    a_reads: int = 0
    b_reads: int = 0
    accumulator_reads: int = 0
    accumulator_writes: int = 0
    outputs: int = 0
    operand_shifts: int = 0
    sum_shifts: int = 0
    stationary_shifts: int = 0
    stationary_swaps: int = 0
    drain_shifts: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})


class Fold(NamedTuple):
    """A patch of what stays, in the order in which kernels read it (`kernels.array_fields`).

    `down` and `across` are the first indices along rows and columns, of which `used` and `width` are held;
    `length` elements stream from index `stream` on. Whether its sums start or finish the outputs comes last.
    """

    down: int
    used: int
    across: int
    width: int
    stream: int
    length: int
    starts: bool
    ends: bool


class Legend(NamedTuple):
    """The four numbers of an element in a picture, in words."""

    moving: str
    other: str
    sums: str
    shifting: str


class RegisterGrid(NamedTuple):
    """The compiled grid: registers of an element, its sequencer and its clock, and which registers a picture shows."""

    fields: int
    schedule: Callable[..., int]
    clock: Callable[..., int]
    other: int
    shifting: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataflow:
    """One way to run a product on R rows x C columns.

    Attributes
    ----------
    streams, rows_hold, columns_hold : which axis of the product streams, and which lie along rows and columns.
    cycles : (stream, down, across, array, turns) -> cycles of the product, fold after fold. What streams does so in
        `turns` even turns, each through all folds of k before the next begins (1 where sums stay in the elements).
    accesses : (stream, down, across, array, turns) -> its accesses; `a` is the operand that enters on the left.
    period : (stream, used, array) -> cycles from a fold that uses so many rows to the next.
    follow : (full, short, array) -> how much later than a patch of the sizes `full` a last one of the sizes
        `short` enters behind full ones; sizes are (stream, down, across).
    folds : (stream, down, across, array, turns), the first three stretches -> the folds in their order.
    registers : (array) -> the compiled grid.
    legend : the words of a picture.
    """

    name: str
    streams: ProductAxis
    rows_hold: ProductAxis
    columns_hold: ProductAxis
    cycles: Callable[[int, int, int, "ArraySpec", int], int]
    accesses: Callable[[int, int, int, "ArraySpec", int], ArrayAccesses]
    period: Callable[[int, int, "ArraySpec"], int]
    follow: Callable[[tuple[int, int, int], tuple[int, int, int], "ArraySpec"], int]
    folds: Callable[[Stretch, Stretch, Stretch, "ArraySpec", int], Iterator[Fold]]
    registers: Callable[["ArraySpec"], RegisterGrid]
    legend: Legend

    @property
    def is_transposed(self) -> bool:
        """Whether the grid runs (n, k) @ (k, m)."""
        return self.columns_hold == "m"

    @property
    def sums_stay(self) -> bool:
        """Whether an element keeps its sum over the whole of k instead of handing it down."""
        return self.streams == "k"

    def roles(self, m: T, k: T, n: T) -> tuple[T, T, T]:
        """(stream, down, across) of what belongs to the axes m, k and n."""
        of = {"m": m, "k": k, "n": n}
        return of[self.streams], of[self.rows_hold], of[self.columns_hold]

    def turns(self, streamed: int, bank_entries: int) -> int:
        """Fewest turns of what streams whose sums fit a bank of accumulators; sums that stay need none."""
        return 1 if self.sums_stay else fold_count(streamed, bank_entries)

    def axes(self, stream: T, down: T, across: T) -> tuple[T, ...]:
        """(m, k, n) of what belongs to stream, rows and columns."""
        of = {self.streams: stream, self.rows_hold: down, self.columns_hold: across}
        return of["m"], of["k"], of["n"]

    def chain_terms(self, rows: int) -> int | None:
        """Most products that are added one after the other from zero; None: all of a sum's.

        Where k lies along the rows, a sum moves down a column of R elements, and what leaves below is added to the
        stored partial sum. Where k streams, an element adds all k products to its own sum.
        """
        return None if self.sums_stay else rows


def fold_count(size: int, side: int) -> int:
    """Folds that cover `size` on an array of that side."""
    return -(-size // side)


def even_pieces(stretch: Stretch, parts: int) -> Iterator[Stretch]:
    """The stretch in so many pieces, as equal as can be, the longer ones first.

    Examples
    --------
    >>> list(even_pieces((10, 7), 3))
    [(10, 3), (13, 2), (15, 2)]
    """
    start, length = stretch
    short, longer = divmod(length, parts)
    for index in range(parts):
        size = short + (index < longer)
        yield start, size
        start += size


def pieces(stretch: Stretch, side: int) -> Iterator[Stretch]:
    """The stretch in pieces of `side`, the last one shorter.

    Examples
    --------
    >>> list(pieces((10, 7), 4))
    [(10, 4), (14, 3)]
    """
    start, length = stretch
    for offset in range(0, length, side):
        yield start + offset, min(side, length - offset)
