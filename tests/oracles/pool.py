"""Pooling as set operations on windows, which may overlap, in exact fractions."""

from fractions import Fraction

from tests.oracles.scalar import divided, shifted


def windows(length: int, size: int) -> list:
    """Adaptive pooling: floor(i L / s) to ceil((i + 1) L / s)."""
    return [(i * length // size, -((-(i + 1) * length) // size)) for i in range(size)]


def members(plane: list, row: tuple, col: tuple) -> list:
    """Codes of one channel's plane inside a window."""
    return [plane[y][x] for y in range(*row) for x in range(*col)]


def maximum(plane: list, row: tuple, col: tuple) -> int:
    """Largest code of a window."""
    return max(members(plane, row, col))


def reciprocal(area: int) -> tuple:
    """1 / area as a code of 15 bits, rounded half up, and its fraction bits."""
    frac = 14 + (area - 1).bit_length()
    code = divided(2**frac, area)
    return (code, frac) if code < 2**15 else (code // 2, frac - 1)


def shared(value: int, area: int, guard: int) -> int:
    """value / area by the reciprocal, in units of 2**-guard, ties upward."""
    code, frac = reciprocal(area)
    return shifted(value * code, frac - guard, "half_up")


def mean(plane: list, row: tuple, col: tuple, guard: int) -> int:
    """Mean of a window in units of 2**-guard."""
    inside = members(plane, row, col)
    return shared(sum(inside), len(inside), guard)


def spread(values: dict, height: int, width: int) -> list:
    """Plane in which each window's value is added at all of its positions; values[(row, col)]."""
    plane = [[0] * width for _ in range(height)]
    for (row, col), value in values.items():
        for y in range(*row):
            for x in range(*col):
                plane[y][x] += value
    return plane


def exact_mean(plane: list, row: tuple, col: tuple) -> Fraction:
    """Mean without rounding."""
    inside = members(plane, row, col)
    return Fraction(sum(inside), len(inside))
