"""The ten things a drawn scene can show, as coloured outlines in a unit box.

x runs from −0.5 to 0.5 and y from 0 (top) to 1 (where it stands). `ink` picks one of the three
colours that a scene gives to an object.
"""

import math
from dataclasses import dataclass

Corner = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A filled polygon, or the ellipse inscribed in a box of two corners."""

    points: tuple[Corner, ...]
    ink: int
    is_ellipse: bool = False


def _polygon(ink: int, *points: Corner) -> Patch:
    return Patch(points=points, ink=ink)


def _box(ink: int, left: float, top: float, right: float, bottom: float) -> Patch:
    return _polygon(ink, (left, top), (right, top), (right, bottom), (left, bottom))


def _ellipse(ink: int, left: float, top: float, right: float, bottom: float) -> Patch:
    return Patch(points=((left, top), (right, bottom)), ink=ink, is_ellipse=True)


_BUSH = (_ellipse(0, -0.5, 0.62, 0.1, 1.0), _ellipse(0, -0.1, 0.68, 0.5, 1.0), _ellipse(1, -0.26, 0.56, 0.24, 0.92))
_STANDING_FIGURE = (
    _polygon(1, (-0.15, 0.5), (-0.01, 0.5), (-0.03, 1.0), (-0.15, 1.0)),
    _polygon(1, (0.01, 0.5), (0.15, 0.5), (0.15, 1.0), (0.03, 1.0)),
    _polygon(0, (-0.17, 0.19), (0.17, 0.19), (0.15, 0.55), (-0.15, 0.55)),
    _polygon(0, (-0.17, 0.19), (-0.28, 0.5), (-0.22, 0.54), (-0.12, 0.3)),
    _polygon(0, (0.17, 0.19), (0.28, 0.5), (0.22, 0.54), (0.12, 0.3)),
    _ellipse(2, -0.09, 0.0, 0.09, 0.18),
)
_HOUSE = (
    _box(0, -0.42, 0.45, 0.42, 1.0),
    _polygon(1, (-0.5, 0.46), (0.0, 0.05), (0.5, 0.46)),
    _box(2, -0.1, 0.65, 0.1, 1.0),
)
_TREE = (_box(1, -0.07, 0.6, 0.07, 1.0), _polygon(0, (-0.38, 0.72), (0.0, 0.0), (0.38, 0.72)))
_CAR = (
    _polygon(0, (-0.28, 0.62), (-0.16, 0.42), (0.2, 0.42), (0.32, 0.62)),
    _box(0, -0.5, 0.6, 0.5, 0.88),
    _ellipse(1, -0.38, 0.76, -0.14, 1.0),
    _ellipse(1, 0.14, 0.76, 0.38, 1.0),
)
_RING = (_ellipse(0, -0.45, 0.1, 0.45, 1.0), _ellipse(2, -0.24, 0.31, 0.24, 0.79))
_CROSS = (_box(0, -0.13, 0.05, 0.13, 1.0), _box(0, -0.45, 0.28, 0.45, 0.54))
_STAR = (
    _polygon(
        0,
        *(
            (radius * math.sin(turn * math.pi / 5), 0.52 - radius * math.cos(turn * math.pi / 5))
            for turn in range(10)
            for radius in (0.5 if turn % 2 == 0 else 0.2,)
        ),
    ),
)
_HOURGLASS = (
    _polygon(0, (-0.36, 0.06), (0.36, 0.06), (0.0, 0.53)),
    _polygon(1, (0.0, 0.53), (0.36, 1.0), (-0.36, 1.0)),
)
_STAIRS = (_box(0, -0.45, 0.78, 0.45, 1.0), _box(1, -0.15, 0.5, 0.45, 0.78), _box(0, 0.15, 0.22, 0.45, 0.5))

SHAPES: tuple[tuple[str, tuple[Patch, ...]], ...] = (
    ("nobody, a bush", _BUSH),
    ("standing figure", _STANDING_FIGURE),
    ("house", _HOUSE),
    ("tree", _TREE),
    ("car", _CAR),
    ("ring", _RING),
    ("cross", _CROSS),
    ("star", _STAR),
    ("hourglass", _HOURGLASS),
    ("stairs", _STAIRS),
)
