"""A part of a tensor: an interval along each axis of the shape in which an op sees it."""

from dataclasses import dataclass
from math import prod

from lls_hw.models.spec.geometry import Window


@dataclass(frozen=True, slots=True)
class Region:
    """Half-open intervals `spans` along the axes of `view`.

    Examples
    --------
    >>> part = Region((64, 8), ((16, 32), (0, 4)))
    >>> part.shape, part.elements, part.pieces, part.text
    ((16, 4), 64, (16, 4), '16:32, 0:4')
    """

    view: tuple[int, ...]
    spans: tuple[Window, ...]

    def __post_init__(self) -> None:
        bounds = zip(self.view, self.spans, strict=True)
        assert all(0 <= first <= last <= size for size, (first, last) in bounds), f"{self} leaves its tensor"

    @property
    def shape(self) -> tuple[int, ...]:
        """Codes along each axis."""
        return tuple(last - first for first, last in self.spans)

    @property
    def elements(self) -> int:
        """Codes of the part."""
        return prod(self.shape)

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the tensor."""
        return self.shape == self.view

    @property
    def is_rows(self) -> bool:
        """Whether it is all of the tensor along every axis but the first."""
        return self.shape[1:] == self.view[1:]

    @property
    def pieces(self) -> tuple[int, int]:
        """(number, codes each) of its runs of adjoining codes in a tensor that lies densely, last axis innermost."""
        length, axis = 1, len(self.view)
        while axis and (length == prod(self.view[axis:])):
            axis -= 1
            length *= self.shape[axis]
        return prod(self.shape[:axis]), length

    @property
    def first_code(self) -> int:
        """The place of its first code in the tensor."""
        place = 0
        for size, (first, _) in zip(self.view, self.spans, strict=True):
            place = place * size + first
        return place

    @property
    def text(self) -> str:
        """The intervals in words."""
        return ", ".join(f"{first}:{last}" for first, last in self.spans)

    def runs(self) -> list["Region"]:
        """Its parts that lie without gaps, in order."""
        number, _ = self.pieces
        found, axis = [self], 0
        while len(found) < number:
            found = [part for one in found for part in one.split(axis)]
            axis += 1
        return found

    def split(self, axis: int) -> list["Region"]:
        """One part for each place along an axis."""
        first, last = self.spans[axis]
        before, after = self.spans[:axis], self.spans[axis + 1 :]
        return [Region(self.view, (*before, (at, at + 1), *after)) for at in range(first, last)]

    def within(self, outer: "Region") -> tuple[slice, ...]:
        """The slices of an array of `outer` that are this part."""
        return tuple(slice(a - c, b - c) for (a, b), (c, _) in zip(self.spans, outer.spans, strict=True))

    def is_inside(self, outer: "Region") -> bool:
        """Whether all of it lies in another part of the same view."""
        pairs = zip(self.spans, outer.spans, strict=True)
        return self.view == outer.view and all(c <= a and b <= d for (a, b), (c, d) in pairs)

    def along(self, first: int, last: int) -> "Region":
        """The same part with other bounds along the first axis."""
        return Region(self.view, ((first, last), *self.spans[1:]))


def whole(*view: int) -> Region:
    """All of a tensor."""
    return Region(view, tuple((0, size) for size in view))


def rows(view: tuple[int, ...], first: int, last: int) -> Region:
    """Some of the first axis."""
    return whole(*view).along(first, last)
