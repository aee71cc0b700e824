"""Charts of what happens when: the timeline, the scratchpad's filling, and the roofline."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lls_hw.report.chart import XY, Axis, Chart, Series, Span, Spans, Table, View
from lls_hw.report.formatting import STAGE_NAMES, UNIT_NAMES, kib, label, percent, short
from lls_hw.report.roofline import GROUPS, RooflinePoint, StageWork, points_of
from lls_hw.report.run_data import RunData, StageRow, by_stage
from lls_hw.report.style import STAGES

GROUP_SYMBOLS = {"forward": "circle", "learning signal": "diamond", "weight gradient": "square"}
GROUP_COLOURS = {"forward": "@blue", "learning signal": "@purple", "weight gradient": "@green"}


def timeline_chart(entries: Sequence[Mapping[str, Any]], cycles: int) -> Chart:
    """Which op each unit serves, and how hard it works for it."""
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


def work_of(stage: StageRow) -> StageWork:
    """A stage of the JSON as the roofline counts it."""
    busy = stage.get("busy_cycles") or {}
    moved = stage["dram_bytes"]
    return StageWork(
        stage=stage["stage"],
        macs=stage["macs"],
        moved_bytes=moved["read"] + moved["write"],
        cycles=stage["cycles"],
        array_busy_cycles=busy.get("array", 0),
        dram_busy_cycles=busy.get("dram", 0),
    )


def roofline_chart(data: RunData, chip: Mapping[str, Any]) -> Chart:
    """MACs a cycle against MACs a DRAM byte, under the chip's roof."""
    layers = list(dict.fromkeys(stage["layer"] for stage in data.ours))
    of_layers = [
        (layer, point)
        for layer in layers
        for point in points_of(data.rule, [work_of(stage) for stage in data.ours if stage["layer"] == layer])
    ]
    of_runs = [point for rule, stages in data.runs for point in points_of(rule, [work_of(stage) for stage in stages])]
    peak, speed = chip["array"]["rows"] * chip["array"]["cols"], chip["dram"]["bytes_per_cycle"]
    xs = [point.macs_per_byte for _, point in of_layers] + [point.macs_per_byte for point in of_runs]
    series = (*_roofs(xs, peak, speed, chip["vector"]["lanes"]), *_layer_dots(of_layers), *_run_dots(data, of_runs))
    best = max(of_runs, key=lambda point: point.macs_per_cycle)
    below = sum(point.macs_per_byte < peak / speed for _, point in of_layers)
    caption = (
        "Multiply-accumulates a cycle against multiply-accumulates a DRAM byte. Small marks are layers of "
        f"{data.rule}, large ones whole runs. The array's roof is {peak} MACs a cycle, the slope is DRAM at {speed} "
        f"bytes a cycle; they meet at {peak / speed:.3g} MACs a byte. {below} of {len(of_layers)} layer points lie "
        "left of that, "
        f"where DRAM is the limit. The fastest stage is {best.rule}'s {best.group} with "
        f"{best.macs_per_cycle:.3g} MACs a cycle ({percent(best.macs_per_cycle, peak)} of the roof)."
    )
    rows = [(data.rule, layer, point) for layer, point in of_layers] + [(point.rule, "all", point) for point in of_runs]
    table = Table(
        headings=("rule", "layer", "stages", "MACs per DRAM byte", "MACs per cycle"),
        rows=tuple(
            (rule, layer, point.group, point.macs_per_byte, point.macs_per_cycle) for rule, layer, point in rows
        ),
    )
    plot = XY(
        series=series,
        x=Axis(title="multiply-accumulates per DRAM byte", log=True),
        y=Axis(title="multiply-accumulates per cycle", log=True),
        height=520,
    )
    return Chart(key="roofline", title="Roofline", caption=caption, views=(View(name="", plot=plot),), table=table)


def _roofs(xs: Sequence[float], peak: int, speed: float, lanes: int) -> tuple[Series, ...]:
    low, high = 10 ** math.floor(math.log10(min(xs))), 10 ** math.ceil(math.log10(max(*xs, 4 * peak / speed)))
    ridge = peak / speed
    return (
        Series(
            name=f"array {peak} MACs/cycle, DRAM {speed} B/cycle", x=(low, ridge, high), y=(low * speed, peak, peak),
            colour="@ink", mode="lines",
        ),
        Series(
            name=f"vector unit {lanes} MACs/cycle", x=(min(low, lanes / speed), high), y=(lanes, lanes),
            colour="@grey", mode="lines", dash="dash",
        ),
    )  # fmt: skip


def _layer_dots(points: Sequence[tuple[str, RooflinePoint]]) -> list[Series]:
    return [
        Series(
            name=f"layers: {group}",
            x=tuple(point.macs_per_byte for _, point in points if point.group == group),
            y=tuple(point.macs_per_cycle for _, point in points if point.group == group),
            colour=GROUP_COLOURS[group],
            symbol=GROUP_SYMBOLS[group],
            size=6,
            hover=tuple(_hover(layer, point) for layer, point in points if point.group == group),
        )
        for group in GROUPS
        if any(point.group == group for _, point in points)
    ]


def _run_dots(data: RunData, points: Sequence[RooflinePoint]) -> list[Series]:
    return [
        Series(
            name=f"{point.rule}: {point.group}",
            x=(point.macs_per_byte,),
            y=(point.macs_per_cycle,),
            colour="@red" if point.rule == data.rule else "@ink",
            symbol=GROUP_SYMBOLS[point.group],
            size=9 if point.rule == data.rule else 15,
            hover=(_hover(f"{point.rule}, all layers", point),),
        )
        for point in sorted(points, key=lambda point: point.rule == data.rule)
    ]


def _hover(name: str, point: RooflinePoint) -> str:
    return f"{name}, {point.group}: {point.macs_per_byte:.3g} MAC/B, {point.macs_per_cycle:.3g} MAC/cycle"
