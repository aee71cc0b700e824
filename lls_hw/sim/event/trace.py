"""The timeline as Chrome-trace events, which Perfetto and chrome://tracing open."""

from typing import Any

from lls_hw.sim.event.result import EventResult

TRACKS = ("array", "vector", "local", "dma_read", "dma_write", "dram")


def trace_json(result: EventResult, clock_mhz: float) -> dict[str, Any]:
    """One track per unit, and a counter of the scratchpad's occupancy.

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
    return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": {"cycles": result.cycles}}
