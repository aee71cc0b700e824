"""Pooling as set operations on windows, which may overlap, in exact fractions."""

from fractions import Fraction

from tests.oracles.scalar import divided


def windows(length: int, size: int) -> list:
    """Adaptive pooling: floor(i L / s) to ceil((i + 1) L / s)."""
    return [(i * length // size, -((-(i + 1) * length) // size)) for i in range(size)]


def members(plane: list, row: tuple, col: tuple) -> list:
    """Codes of one channel's plane inside a window."""
    return [plane[y][x] for y in range(*row) for x in range(*col)]


def maximum(plane: list, row: tuple, col: tuple) -> int:
    """Largest code of a window."""
    return max(members(plane, row, col))


def mean(plane: list, row: tuple, col: tuple, guard: int) -> int:
    """Mean of a window in units of 2**-guard, to nearest, ties upward."""
    inside = members(plane, row, col)
    return divided(sum(inside) * 2**guard, len(inside))


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
