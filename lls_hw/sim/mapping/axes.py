"""The axes a tile is cut along: runs of equal pieces, and their order with first and last marked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from lls_hw.models.spec.geometry import Window


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of one axis.

    Along channels, `size` is the number of channels. Along rows, `images` whole images or some
    output rows of one: `out_rows` of them read or write `in_rows` rows of the input map, of
    which `fresh_rows` no earlier piece has touched and `final_rows` no later piece will touch; the windows
    of an image's output rows cover `window_rows`, each its own.
    """

    size: int
    images: int = 1
    out_rows: int = 0
    in_rows: int = 0
    fresh_rows: int = 0
    final_rows: int = 0
    window_rows: int = 0


@dataclass(frozen=True, slots=True)
class TileAxis:
    """Runs of equal pieces, the whole repeated `outer` times (once per image)."""

    runs: tuple[tuple[Piece, int], ...]
    outer: int = 1
    by_rows: bool = False

    @property
    def trips(self) -> int:
        """Pieces along the axis."""
        return self.outer * sum(count for _, count in self.runs)

    def kinds(self) -> tuple[tuple[Piece, int], ...]:
        """Every run with the number of its pieces over all repeats."""
        return tuple((piece, count * self.outer) for piece, count in self.runs)

    def total(self, measure: Callable[[Piece], int]) -> int:
        """Sum of a measure over all pieces."""
        return sum(measure(piece) * count for piece, count in self.kinds())


@dataclass(frozen=True, slots=True)
class Step:
    """A place on an axis: a piece, and whether it is the axis' first or last one."""

    piece: Piece
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps repeated."""

    count: int
    body: tuple["Step | Steps", ...]


EXHAUSTIVE = 24
"""Axes up to this length are cut in every size, so the mapping of a small layer is provably the best."""


def chunk_axis(length: int, chunk: int) -> TileAxis:
    """Channels in pieces of `chunk`, the remainder last."""
    whole, rest = divmod(length, chunk)
    runs = [(Piece(size=chunk), whole)] if whole else []
    if rest:
        runs.append((Piece(size=rest), 1))
    return TileAxis(tuple(runs))


def chunk_sizes(length: int, align: int) -> tuple[int, ...]:
    """Chunk sizes worth trying: all of a short axis; else even splits rounded up to `align` and to 8, and small ones.

    Those rounded to 8 are the same for every array, so that a larger one finds what a smaller one found.
    """
    if length <= EXHAUSTIVE:
        return tuple(range(length, 0, -1))
    sizes = {length} | {size for size in (1, 4, align // 2) if 0 < size < length}
    for parts in _parts(length):
        sizes |= {min(length, -(-length // (parts * unit)) * unit) for unit in (8, align)}
    return tuple(sorted(sizes, reverse=True))


def windows_of(out_rows: int, in_rows: int, kernel: int, stride: int, padding: int) -> tuple[Window, ...]:
    """Input rows under each output row of a sliding window, cut to the map."""
    return tuple(
        (max(0, row * stride - padding), max(0, min(in_rows, row * stride - padding + kernel)))
        for row in range(out_rows)
    )


@lru_cache(maxsize=1024)
def row_axes(batch: int, in_rows: int, windows: tuple[Window, ...]) -> tuple[TileAxis, ...]:
    """Ways to cut batch x rows: whole images in even groups, or even groups of rows of one image."""
    rows = len(windows)
    groups = sorted(_sizes(batch), reverse=True)
    axes = [cut_images(batch, images, in_rows, windows) for images in groups]
    sizes = sorted(_sizes(rows) - {rows}, reverse=True)
    return (*axes, *(cut_rows(batch, size, in_rows, windows) for size in sizes))


def _sizes(length: int) -> set[int]:
    """Group sizes worth trying: all of a short axis, else even splits."""
    if length <= EXHAUSTIVE:
        return set(range(1, length + 1))
    return {-(-length // parts) for parts in _parts(length)}


def _parts(length: int) -> Iterator[int]:
    """Numbers of parts worth trying: 1 to 4, then roughly half-octave steps, up to `length`."""
    parts = 1
    while parts < length:
        yield parts
        parts = parts + 1 if parts < 4 else parts + parts // 2 if parts & (parts - 1) == 0 else (parts // 3) * 4
    yield length


def cut_images(batch: int, images: int, in_rows: int, windows: tuple[Window, ...]) -> TileAxis:
    """Whole images in groups, the remainder last."""

    def piece(count: int) -> Piece:
        return Piece(
            size=count,
            images=count,
            out_rows=len(windows),
            in_rows=in_rows,
            fresh_rows=in_rows,
            final_rows=in_rows,
            window_rows=covered(windows),
        )

    whole, rest = divmod(batch, images)
    runs = [(piece(images), whole)]
    if rest:
        runs.append((piece(rest), 1))
    return TileAxis(tuple(runs))


def cut_rows(batch: int, size: int, in_rows: int, windows: tuple[Window, ...]) -> TileAxis:
    """Groups of `size` output rows of one image; rows no window covers join the nearest piece before."""
    starts = range(0, len(windows), size)
    begins, ends, reached = [], [], 0
    for at in starts:
        begins.append(min(windows[at][0], reached))
        reached = max(windows[min(at + size, len(windows)) - 1][1], reached)
        ends.append(reached)
    ends[-1] = in_rows
    runs: list[tuple[Piece, int]] = []
    for index, at in enumerate(starts):
        piece = Piece(
            size=1,
            out_rows=min(size, len(windows) - at),
            in_rows=ends[index] - begins[index],
            fresh_rows=ends[index] - (ends[index - 1] if index else 0),
            final_rows=(begins[index + 1] if index + 1 < len(begins) else in_rows) - begins[index],
            window_rows=covered(windows[at : at + size]),
        )
        if runs and runs[-1][0] == piece:
            runs[-1] = (piece, runs[-1][1] + 1)
        else:
            runs.append((piece, 1))
    return TileAxis(tuple(runs), outer=batch, by_rows=True)


def covered(windows: tuple[Window, ...]) -> int:
    """Rows under windows, those under two counted twice."""
    return sum(end - begin for begin, end in windows)


def steps(axis: TileAxis) -> tuple[Step | Steps, ...]:
    """The axis in order, its first and last piece marked and everything between rolled up."""
    if axis.outer == 1:
        return mark(axis.runs, first=True, last=True)
    middle = mark(axis.runs, first=False, last=False)
    return (
        *mark(axis.runs, first=True, last=False),
        *((Steps(axis.outer - 2, middle),) if axis.outer > 2 else ()),
        *mark(axis.runs, first=False, last=True),
    )


def mark(runs: tuple[tuple[Piece, int], ...], *, first: bool, last: bool) -> tuple[Step | Steps, ...]:
    """Runs in order; their first (last) piece stands alone and is marked if asked."""
    out: list[Step | Steps] = []
    for index, (piece, count) in enumerate(runs):
        is_head, is_tail = first and index == 0, last and index == len(runs) - 1
        if is_head:
            out.append(Step(piece, True, is_tail and count == 1))
        middle = count - is_head - (is_tail and not (is_head and count == 1))
        if middle > 0:
            step = Step(piece, False, False)
            out.append(Steps(middle, (step,)) if middle > 1 else step)
        if is_tail and not (is_head and count == 1):
            out.append(Step(piece, False, True))
    return tuple(out)
