"""Naive twin of the tile pipeline: a max-plus recurrence, one line a stage. Imports nothing of ours."""

from collections.abc import Sequence


def pipeline_ends(
    loads: Sequence[int], computes: Sequence[int], drains: Sequence[int], depth: int
) -> list[tuple[int, int, int]]:
    """When each tile is loaded, computed and drained, with `depth` buffers on either side.

    A load waits for the load before it and for the buffer of the tile `depth` earlier to be
    computed; a compute waits for its load, the compute before it, and the output buffer `depth`
    earlier to be drained; a drain waits for its compute and the drain before it.
    """
    ends: list[tuple[int, int, int]] = []

    def end(tile: int, stage: int) -> int:
        return ends[tile][stage] if tile >= 0 else 0

    for i, (load, compute, drain) in enumerate(zip(loads, computes, drains, strict=True)):
        loaded = max(end(i - 1, 0), end(i - depth, 1)) + load
        computed = max(end(i - 1, 1), loaded, end(i - depth, 2)) + compute
        drained = max(end(i - 1, 2), computed) + drain
        ends.append((loaded, computed, drained))
    return ends


def shares(ends: Sequence[int]) -> list[int]:
    """Cycle by cycle: whose turn it is, the first item that has not ended."""
    out = [0] * len(ends)
    for cycle in range(max(ends, default=0)):
        out[next(i for i, end in enumerate(ends) if end > cycle)] += 1
    return out
