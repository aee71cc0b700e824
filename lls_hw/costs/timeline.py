"""Course of a run, small enough for its JSON: a timeline by op and unit, and the scratchpad's filling."""

from collections.abc import Sequence
from typing import Any

from lls_hw.sim.event.result import EventResult

OCCUPANCY_POINTS = 2000
UNIT_ORDER = ("array", "vector", "local", "dma_read", "dma_write")


def timeline_json(events: EventResult) -> list[dict[str, Any]]:
    """One entry per op and unit, in program order.

    From `start_cycle` to `end_cycle` the unit served the op; `busy_cycles` of them it worked. A unit
    serves ops one after another, so entries of one unit do not overlap.
    """
    return [
        {
            "op": f"{op.layer} {op.stage} ({op.kind})",
            "layer": op.layer,
            "stage": op.stage,
            "unit": unit,
            "start_cycle": op.active[unit][0],
            "end_cycle": op.active[unit][1],
            "busy_cycles": op.busy_cycles.get(unit, 0),
        }
        for op in events.ops
        for unit in UNIT_ORDER
        if unit in op.active
    ]


def occupancy_json(events: EventResult) -> list[list[int]]:
    """[cycle, bytes in use] whenever it changes; at most 2 000 points, and the fullest moment is one of them."""
    settled = dict(events.occupancy)  # of several changes in one cycle the last stays ...
    for cycle, used in events.occupancy:  # ... unless an earlier one filled more
        settled[cycle] = max(settled[cycle], used)
    return [list(point) for point in thinned(sorted(settled.items()), OCCUPANCY_POINTS)]


def thinned(points: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """At most so many of the points: of each stretch of cycles the lowest and the highest, and the last of all.

    Every stretch keeps its maximum, so the drawn line is nowhere lower than the true one by a whole stretch.

    Examples
    --------
    >>> thinned([(0, 1), (1, 9), (2, 3), (3, 2), (90, 4)], 5)
    [(0, 1), (1, 9), (2, 3), (3, 2), (90, 4)]
    >>> thinned([(0, 1), (1, 9), (2, 3), (3, 2), (90, 4)], 4)
    [(0, 1), (1, 9), (90, 4)]
    """
    if len(points) <= most:
        return list(points)
    stretches = max(1, (most - 1) // 2)
    width = -(-(points[-1][0] + 1) // stretches)
    kept: list[tuple[int, int]] = []
    at = 0
    while at < len(points):
        limit = (points[at][0] // width + 1) * width
        end = at
        while end < len(points) and points[end][0] < limit:
            end += 1
        part = points[at:end]
        kept += sorted({min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])})
        at = end
    if kept[-1] != points[-1]:
        kept.append(points[-1])
    return kept
