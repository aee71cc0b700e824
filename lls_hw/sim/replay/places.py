"""The places of a nest's tiles in its maps: what `NestBuilder` rolls up, unrolled and counted from the first row."""

from collections.abc import Iterator
from dataclasses import dataclass

from lls_hw.models.spec.geometry import Window
from lls_hw.sim.mapping.axes import TileAxis
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.nest import Dim, Nest, NestOperand
from lls_hw.sim.replay.region import Region


@dataclass(frozen=True, slots=True)
class RowPlace:
    """A piece of the axis of rows.

    Attributes
    ----------
    images : samples.
    outs, ins : rows of the output map, and of the input map, halo included.
    fresh : rows of the input map that no earlier piece of the image has touched.
    final : rows of the input map that no later piece will touch.
    waits : rows of the input map that the next piece needs as well.
    """

    images: Window
    outs: Window
    ins: Window
    fresh: Window
    final: Window
    waits: Window


@dataclass(frozen=True, slots=True)
class TilePlace:
    """A tile: its pieces, and whether each is its axis' first or last one."""

    r: RowPlace
    i: Window
    o: Window
    first: dict[Dim, bool]
    last: dict[Dim, bool]
    number: tuple[int, int, int]

    @property
    def is_of_images(self) -> bool:
        """Whether it has several whole samples, all of whose rows are there."""
        return self.r.images[1] - self.r.images[0] > 1

    @property
    def text(self) -> str:
        """The place in words."""
        (a, b), (c, d) = self.r.images, self.r.outs
        return f"tile of samples {a}:{b}, rows {c}:{d}, channels {self.i[0]}:{self.i[1]} to {self.o[0]}:{self.o[1]}"


def row_places(axis: TileAxis, nest: Nest) -> list[RowPlace]:
    """All pieces of the axis of rows."""
    found: list[RowPlace] = []
    whole_in, whole_out = (0, nest.in_h), (0, len(nest.windows))
    if not axis.by_rows:
        at = 0
        for piece, count in axis.runs:
            for _ in range(count):
                images = at, at + piece.images
                found.append(RowPlace(images, whole_out, whole_in, whole_in, whole_in, (nest.in_h, nest.in_h)))
                at += piece.images
        return found
    for image in range(axis.outer):
        out, end = 0, 0
        for piece in (piece for piece, count in axis.runs for _ in range(count)):
            begin, came = end + piece.fresh_rows - piece.in_rows, end
            end += piece.fresh_rows
            done = begin + piece.final_rows
            rows = RowPlace((image, image + 1), (out, out + piece.out_rows), (begin, end), (came, end), (begin, done),
                            (min(done, end), end))  # fmt: skip
            found.append(rows)
            out += piece.out_rows
    return found


def _chunks(axis: TileAxis) -> list[Window]:
    found, at = [], 0
    for piece in (piece for piece, count in axis.runs for _ in range(count)):
        found.append((at, at + piece.size))
        at += piece.size
    return found


def tile_places(choice: Choice, nest: Nest) -> Iterator[TilePlace]:
    """Every tile in the order of its execution."""
    rows, ins, outs = row_places(choice.rows, nest), _chunks(choice.ins), _chunks(choice.outs)
    lengths: dict[Dim, int] = {"r": len(rows), "i": len(ins), "o": len(outs)}
    order: list[Dim] = list(choice.order)  # type: ignore[arg-type]  # orders are spelt with dims
    for a in range(lengths[order[0]]):
        for b in range(lengths[order[1]]):
            for c in range(lengths[order[2]]):
                at: dict[Dim, int] = dict(zip(order, (a, b, c), strict=True))
                first = {dim: at[dim] == 0 for dim in order}
                last = {dim: at[dim] == lengths[dim] - 1 for dim in order}
                number = at["r"], at["i"], at["o"]
                yield TilePlace(rows[at["r"]], ins[at["i"]], outs[at["o"]], first, last, number)


def positions(images: Window, span: Window, height: int, width: int) -> Window:
    """Adjoining positions of a map (batch, height, width): rows of one image, or whole images."""
    assert images[1] - images[0] == 1 or span == (0, height), f"rows {span} of several images do not adjoin"
    return (images[0] * height + span[0]) * width, ((images[1] - 1) * height + span[1]) * width


def part_of(nest: Nest, operand: NestOperand, at: TilePlace, span: Window | None = None) -> Region:
    """A tile's part of a side of the nest; `span`: these rows of the map."""
    if operand.side == "w":
        if nest.shared:
            return Region((nest.taps, nest.in_c), ((0, nest.taps), at.i))
        return Region((nest.taps, nest.in_c, nest.out_c), ((0, nest.taps), at.i, at.o))
    if operand.side == "x":
        here = positions(at.r.images, at.r.ins if span is None else span, nest.in_h, nest.in_w)
        return Region((nest.batch * nest.in_h * nest.in_w, nest.in_c), (here, at.i))
    height = len(nest.windows)
    here = positions(at.r.images, at.r.outs if span is None else span, height, nest.out_w)
    channels, full = (at.i, nest.in_c) if nest.shared else (at.o, nest.out_c)
    return Region((nest.batch * height * nest.out_w, full), (here, channels))
