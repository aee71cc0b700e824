"""The timeline as Chrome-trace events, which Perfetto and chrome://tracing open."""

from collections.abc import Iterator
from typing import Any

from lls_hw.sim.event.result import EventResult
from lls_hw.sim.mapping.second_level import AT_SECOND

TRACKS = ("array", "vector", "local", "dma_read", "dma_write", "dram")


def trace_json(result: EventResult, clock_mhz: float) -> dict[str, Any]:
    """One track per unit, and counters: the scratchpad's occupancy, and DRAM bandwidth by direction.

    Parameters
    ----------
    clock_mhz : turns cycles into the microseconds that the format wants.

    Examples
    --------
    >>> from lls_hw.sim.event.trace import TRACKS
    >>> TRACKS[0]
    'array'
    """
    events: list[dict[str, Any]] = [
        {"ph": "M", "name": "process_name", "pid": 0, "args": {"name": "chip"}},
        *(
            {"ph": "M", "name": "thread_name", "pid": 0, "tid": tid, "args": {"name": unit}}
            for tid, unit in enumerate(TRACKS)
        ),
    ]
    events += (
        {
            "ph": "X",
            "name": name,
            "cat": unit,
            "pid": 0,
            "tid": TRACKS.index(unit),
            "ts": start / clock_mhz,
            "dur": (end - start) / clock_mhz,
            "args": {"start_cycle": start, "end_cycle": end},
        }
        for unit, name, start, end in result.spans
    )
    events += (
        {"ph": "C", "name": "scratchpad", "pid": 0, "ts": cycle / clock_mhz, "args": {"bytes": used}}
        for cycle, used in result.occupancy
    )
    events += (
        {"ph": "C", "name": "DRAM bytes per cycle", "pid": 0, "ts": cycle / clock_mhz, "args": args}
        for cycle, args in bandwidth(result)
    )
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"cycles": result.cycles}}


WINDOWS = 512
"""The run is cut into this many windows; a window's bandwidth is the mean over its cycles."""


def bandwidth(result: EventResult) -> Iterator[tuple[int, dict[str, float]]]:
    """(first cycle, bytes a cycle each way) of each window: the bus' share of the window times its width."""
    width = max(1, -(-result.cycles // WINDOWS))
    busy = {"dma_read": [0] * (WINDOWS + 1), "dma_write": [0] * (WINDOWS + 1)}
    for unit, name, start, end in result.spans:
        if unit in busy and not name.endswith((" latency", " wake", AT_SECOND)):
            at = start
            while at < end:
                window = at // width
                until = min(end, (window + 1) * width)
                busy[unit][window] += until - at
                at = until
    for window in range(-(-result.cycles // width)):
        share = result.dram_bytes_per_cycle / min(width, result.cycles - window * width)
        yield window * width, {"read": busy["dma_read"][window] * share, "write": busy["dma_write"][window] * share}
