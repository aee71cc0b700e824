"""Pareto fronts of two measures."""

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]], *, lower_x: bool, lower_y: bool) -> list[int]:
    """Indices of the points that no other beats, by x; of equal points the first stands for all.

    A point beats another if it is at least as good in both measures and better in one.

    Examples
    --------
    >>> front([(1, 5), (2, 9), (3, 7), (4, 9), (2, 9)], lower_x=True, lower_y=False)
    [0, 1]
    """
    ways = (1 if lower_x else -1, 1 if lower_y else -1)
    costs = [(ways[0] * x, ways[1] * y, index) for index, (x, y) in enumerate(points)]
    found, best = [], float("inf")
    for x, y, index in sorted(costs):
        if y < best:
            found.append((ways[0] * x, index))
            best = y
    return [index for _, index in sorted(found)]
