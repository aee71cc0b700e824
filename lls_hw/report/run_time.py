"""Charts of what happens when: the timeline, and the scratchpad's filling."""

from collections.abc import Mapping, Sequence
from typing import Any

from lls_hw.report.chart import XY, Axis, Chart, Series, Span, Spans, Table, View
from lls_hw.report.formatting import STAGE_NAMES, UNIT_NAMES, kib, label, percent, short
from lls_hw.report.run_data import by_stage
from lls_hw.report.style import STAGES


def timeline_chart(entries: Sequence[Mapping[str, Any]], cycles: int) -> Chart:
    """The op that each unit serves over time, and the share of cycles that it works for it."""
    spans = tuple(_span(entry) for entry in entries)
    units = tuple(UNIT_NAMES[unit] for unit in UNIT_NAMES if any(entry["unit"] == unit for entry in entries))
    busy: dict[str, int] = {}
    for entry in entries:
        name = label(entry["unit"], UNIT_NAMES)
        busy[name] = busy.get(name, 0) + entry["busy_cycles"]
    shares = ", ".join(f"{unit} {percent(busy[unit], cycles)}" for unit in units)
    caption = (
        "Each bar is one op on one unit, from the unit's first cycle for it to its last; the bar is as thick as the "
        f"unit is busy. Share of the run's {short(cycles)} cycles in which each unit works: {shares}."
    )
    table = Table(
        headings=("op", "unit", "first cycle", "cycle after the last", "busy cycles"),
        rows=tuple(
            (
                entry["op"],
                label(entry["unit"], UNIT_NAMES),
                entry["start_cycle"],
                entry["end_cycle"],
                entry["busy_cycles"],
            )
            for entry in entries
        ),
    )
    colours = {label(stage, STAGE_NAMES): colour for stage, colour in STAGES.items()}
    plot = Spans(spans=spans, units=units, colours=colours, title="cycle")
    return Chart(
        key="timeline", title="Timeline by unit", caption=caption, views=(View(name="", plot=plot),), table=table
    )


def _span(entry: Mapping[str, Any]) -> Span:
    length = entry["end_cycle"] - entry["start_cycle"]
    return Span(
        unit=label(entry["unit"], UNIT_NAMES),
        group=by_stage(entry),
        start=entry["start_cycle"],
        end=entry["end_cycle"],
        share=min(1.0, entry["busy_cycles"] / length) if length else 0.0,
        hover=f"{entry['op']}: busy {entry['busy_cycles']:,} of {length:,} cycles from {entry['start_cycle']:,}",
    )


def occupancy_chart(
    points: Sequence[Sequence[int]], capacity: int | None, peak: int, tensors: Mapping[str, int]
) -> Chart:
    """Bytes in use over time beside the capacity; the fullest moment is marked with what fills it."""
    cycles, used = [point[0] for point in points], [point[1] for point in points]
    at = cycles[used.index(max(used))]
    line = Series(
        name="in use", x=tuple(cycles), y=tuple(value / 1024 for value in used), colour="@blue", mode="lines",
        step=True, fill=True,
    )  # fmt: skip
    mark = Series(
        name="peak", x=(at,), y=(peak / 1024,), colour="@red", symbol="diamond",
        hover=(f"peak {peak:,} bytes at cycle {at:,}",),
    )  # fmt: skip
    roof = (
        Series(
            name="capacity", x=(0, cycles[-1]), y=(capacity / 1024, capacity / 1024), colour="@ink", mode="lines",
            dash="dash",
        ),
    ) if capacity else ()  # fmt: skip
    largest = list(tensors.items())[:3]
    filled = "; ".join(f"{name} {kib(size)}" for name, size in largest)
    share = f", {percent(peak, capacity)} of the capacity of {kib(capacity)}" if capacity else ""
    caption = f"Scratchpad in use over time. It is fullest at cycle {at:,} with {kib(peak)}{share}."
    if filled:
        caption += f" Largest then: {filled}."
    plot = XY(
        series=(line, *roof, mark),
        x=Axis(title="cycle", low=0),
        y=Axis(title="scratchpad in use, KiB", low=0),
        height=360,
    )
    table = Table(headings=("cycle", "bytes in use"), rows=tuple((point[0], point[1]) for point in points))
    return Chart(
        key="occupancy", title="Scratchpad over time", caption=caption, views=(View(name="", plot=plot),), table=table
    )
