"""The roofline: multiply-accumulates a cycle against multiply-accumulates a DRAM byte, of a run or of several rules."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lls_hw.costs.compare import Comparison
from lls_hw.costs.json import stages_json
from lls_hw.models.spec.errors import SpecError
from lls_hw.report.chart import XY, Axis, Chart, Series, Table, View
from lls_hw.report.formatting import percent
from lls_hw.report.levels import level_of
from lls_hw.report.run_data import RunData, StageRow
from lls_hw.report.style import SERIES, rule_colours

GROUPS = {
    "forward": ("forward",),
    "learning signal": ("loss", "local_error", "input_grad"),
    "weight gradient": ("weight_grad",),
}
GROUP_SYMBOLS = {"forward": "circle", "learning signal": "diamond", "weight gradient": "square"}
GROUP_COLOURS = {"forward": "@blue", "learning signal": "@purple", "weight gradient": "@green"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RooflinePoint:
    """A rule's stage group: products a DRAM byte, products a cycle.

    Cycles are the group's own, or the busy ones of the array or the DRAM bus if these are more: then it
    worked under another group's cycles. `waits_for_dram`: the bus is busy for more cycles than the array.
    """

    rule: str
    group: str
    macs_per_byte: float
    macs_per_cycle: float
    waits_for_dram: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWork:
    """The work of one (layer, stage) that a roofline is drawn from, whoever counted it."""

    stage: str
    macs: int
    moved_bytes: int
    cycles: int
    array_busy_cycles: int = 0
    dram_busy_cycles: int = 0


def points_of(rule: str, works: Sequence[StageWork]) -> tuple[RooflinePoint, ...]:
    """A point for each group of stages that multiplies, moves bytes and has cycles of its own.

    Examples
    --------
    >>> points_of("bp", [StageWork(stage="forward", macs=800, moved_bytes=100, cycles=40)])
    (RooflinePoint(rule='bp', group='forward', macs_per_byte=8.0, macs_per_cycle=20.0, waits_for_dram=False),)
    """
    points = []
    for group, names in GROUPS.items():
        stages = [work for work in works if work.stage in names]
        macs, moved = sum(work.macs for work in stages), sum(work.moved_bytes for work in stages)
        busy = (sum(work.array_busy_cycles for work in stages), sum(work.dram_busy_cycles for work in stages))
        cycles = max(*busy, sum(work.cycles for work in stages))
        if min(macs, moved, cycles) > 0:
            points.append(
                RooflinePoint(
                    rule=rule,
                    group=group,
                    macs_per_byte=macs / moved,
                    macs_per_cycle=macs / cycles,
                    waits_for_dram=busy[1] > busy[0],
                )
            )
    return tuple(points)


def work_of(stage: StageRow) -> StageWork:
    """A stage of a result as the roofline counts it."""
    busy, moved = stage["busy_cycles"], stage["dram_bytes"]
    return StageWork(
        stage=stage["stage"],
        macs=stage["macs"],
        moved_bytes=moved["read"] + moved["write"],
        cycles=stage["cycles"],
        array_busy_cycles=busy.get("array", 0),
        dram_busy_cycles=busy.get("dram", 0),
    )


def run_roofline(data: RunData, chip: Mapping[str, Any]) -> Chart:
    """A run's layers and, beside its baseline's, its stages."""
    layers = list(dict.fromkeys(stage["layer"] for stage in data.ours))
    of_layers = [
        (layer, point)
        for layer in layers
        for point in points_of(data.rule, [work_of(stage) for stage in data.ours if stage["layer"] == layer])
    ]
    of_runs = [point for rule, stages in data.runs for point in points_of(rule, [work_of(stage) for stage in stages])]
    peak, _ = _roof(chip)
    points = [*of_layers, *(("all", point) for point in of_runs)]
    layer, best = max(points, key=lambda named: named[1].macs_per_cycle)
    waiting = sum(point.waits_for_dram for _, point in of_layers)
    where = "" if layer == "all" else f" in {layer}"
    caption = (
        f"{_meaning(chip)} Small marks are layers of {data.rule}, large ones whole runs. "
        f"At {waiting} of {len(of_layers)} layer points the DRAM's bus is busy for more cycles than the array. "
        f"The fastest point is {best.rule}'s {best.group}{where} with "
        f"{best.macs_per_cycle:.3g} MACs a cycle ({percent(best.macs_per_cycle, peak)} of the roof). "
        "Stages that move no byte of DRAM are off the picture."
    )
    return _chart("Roofline", caption, chip, points, [*_layer_dots(of_layers), *_run_dots(data, of_runs)])


def rules_roofline(comparison: Comparison) -> Chart:
    """The stages of every rule compared."""
    run, chip = comparison.runs[0], comparison.runs[0].chip.model_dump(mode="json")
    points = [
        point
        for costs in comparison.costs
        for point in points_of(costs.rule, [work_of(stage) for stage in stages_json(costs)])
    ]
    if not points:
        need = "a roofline is drawn over bytes of DRAM, and none are moved"
        raise SpecError("--roofline", run.chip.dram.device, need, "Leave it out, or give the chip a DRAM.")
    title = f"{run.network.name} on {run.chip.name}, batch {run.batch}: one training step"
    return _chart(title, _meaning(chip), chip, [("all", point) for point in points], _rule_dots(points))


def _chart(
    title: str,
    caption: str,
    chip: Mapping[str, Any],
    points: Sequence[tuple[str, RooflinePoint]],
    dots: Sequence[Series],
) -> Chart:
    table = Table(
        headings=("rule", "layer", "stages", "MACs per DRAM byte", "MACs per cycle"),
        rows=tuple((one.rule, layer, one.group, one.macs_per_byte, one.macs_per_cycle) for layer, one in points),
    )
    plot = XY(
        series=(*_roofs([one.macs_per_byte for _, one in points], chip), *dots),
        x=Axis(title="multiply-accumulates per DRAM byte", log=True),
        y=Axis(title="multiply-accumulates per cycle", log=True),
        height=520,
    )
    return Chart(key="roofline", title=title, caption=caption, views=(View(name="", plot=plot),), table=table)


def _roof(chip: Mapping[str, Any]) -> tuple[int, float]:
    """The array's MACs a cycle, and the MACs a DRAM byte from which it and not DRAM is the limit."""
    peak = chip["array"]["rows"] * chip["array"]["cols"]
    return peak, peak / level_of(chip, "dram")["bytes_per_cycle"]


def _meaning(chip: Mapping[str, Any]) -> str:
    (peak, ridge), speed = _roof(chip), level_of(chip, "dram")["bytes_per_cycle"]
    return (
        "Multiply-accumulates a cycle against multiply-accumulates a DRAM byte. The array's roof is "
        f"{peak} MACs a cycle, the slope is DRAM at {speed} bytes a cycle; they meet at "
        f"{ridge:.3g} MACs a byte."
    )


def _roofs(xs: Sequence[float], chip: Mapping[str, Any]) -> tuple[Series, ...]:
    """The array's peak with the slope of DRAM, and the vector unit's."""
    (peak, ridge), lanes = _roof(chip), chip["vector"]["lanes"]
    speed = level_of(chip, "dram")["bytes_per_cycle"]
    low, high = 10 ** math.floor(math.log10(min(xs))), 10 ** math.ceil(math.log10(max(*xs, 4 * ridge)))
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


def _rule_dots(points: Sequence[RooflinePoint]) -> list[Series]:
    """A colour a rule; later rules are drawn smaller, over earlier ones."""
    rules, colours = list(dict.fromkeys(point.rule for point in points)), rule_colours()
    return [
        Series(
            name=f"{point.rule}: {point.group}",
            x=(point.macs_per_byte,),
            y=(point.macs_per_cycle,),
            colour=colours.get(point.rule, SERIES[rules.index(point.rule) % len(SERIES)]),
            symbol=GROUP_SYMBOLS[point.group],
            size=max(7, 15 - 2 * rules.index(point.rule)),
            hover=(_hover(point.rule, point),),
        )
        for point in points
    ]


def _hover(name: str, point: RooflinePoint) -> str:
    return f"{name}, {point.group}: {point.macs_per_byte:.3g} MAC/B, {point.macs_per_cycle:.3g} MAC/cycle"
