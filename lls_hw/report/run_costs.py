"""Charts of a run's energy, cycles and memory, beside the baseline's."""

from collections.abc import Mapping, Sequence
from typing import Any

from lls_hw.costs.totals import PART_LABELS, TOTALS
from lls_hw.report.chart import Bars, Cell, Chart, Segment, Stack, Table, View
from lls_hw.report.formatting import STALL_NAMES, energy, factor, kib, label, percent, short
from lls_hw.report.run_data import (
    RunData,
    SplitStage,
    by_layer,
    by_layer_and_stage,
    by_stage,
    cycle_split,
    energy_split,
    rows_of,
    stacks_of,
    turned,
)
from lls_hw.report.style import SERIES


def energy_chart(data: RunData) -> Chart:
    """The energy by layer, stage and component."""
    ours = sum(stage["energy_uj"]["total"] for stage in data.ours)
    parts = _summed([energy_split(stage) for stage in data.ours])
    most, layer = max(parts, key=lambda part: parts[part]), _largest(data, lambda stage: stage["energy_uj"]["total"])
    caption = (
        f"Energy of one training step of {data.rule}: {energy(ours)}, of which "
        f"{percent(parts[most], ours)} is {label(most, PART_LABELS)}. The most expensive layer is {layer[0]} "
        f"({energy(layer[1])})."
    )
    theirs = sum(stage["energy_uj"]["total"] for stage in data.theirs)
    if theirs:
        caption += f" Hatched bars beside it are {data.baseline}: {energy(theirs)}, {factor(theirs / ours)} as much."
    views = _views(data, energy_split, "energy, µJ", "µJ", "by component")
    return Chart(key="energy", title="Energy", caption=caption, views=views, table=_table(data, energy_split, "µJ"))


def cycles_chart(data: RunData) -> Chart:
    """The cycles by layer and stage, and the causes of stalls."""
    ours = sum(stage["cycles"] for stage in data.ours)
    layer = _largest(data, lambda stage: stage["cycles"])
    caption = (
        f"Cycles of one training step of {data.rule}: {short(ours)}.{_stalls(data, ours)} The longest layer is "
        f"{layer[0]} ({percent(layer[1], ours)})."
    )
    theirs = sum(stage["cycles"] for stage in data.theirs)
    if theirs:
        caption += (
            f" Hatched bars beside it are {data.baseline}: {short(theirs)} cycles, {factor(theirs / ours)} as many."
        )
    views = _views(data, cycle_split, "cycles", "cycles", "by cause")
    return Chart(key="cycles", title="Cycles", caption=caption, views=views, table=_table(data, cycle_split, "cycles"))


def _stalls(data: RunData, cycles: float) -> str:
    """A sentence on the share of time in which a unit stands still, and its causes; empty where none does."""
    causes = _summed([cycle_split(stage) for stage in data.ours])
    causes.pop("working")
    stalled = sum(causes.values())
    if not stalled:
        return ""
    worst = max(causes, key=lambda cause: causes[cause])
    return (
        f" In {percent(stalled, cycles)} of them the first unit of the op that the run waits for stands still, mostly "
        f"because it {STALL_NAMES[worst]} ({percent(causes[worst], cycles)})."
    )


def _summed(splits: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Sums by part; a part that a stage does not name is nothing there."""
    parts = dict.fromkeys(part for one in splits for part in one)
    return {part: sum(one.get(part, 0.0) for one in splits) for part in parts}


def _views(data: RunData, split: SplitStage, title: str, unit: str, turned_name: str) -> tuple[View, ...]:
    views = []
    for name, kind in (("by layer", by_layer), ("by stage", by_stage), ("by layer and stage", by_layer_and_stage)):
        rows = rows_of(data, kind)
        plot = Bars(rows=rows, stacks=stacks_of(data, rows, kind, split), title=title, unit=unit)
        views.append(View(name=name, plot=plot))
    rows, stacks = turned(data, split)
    views.insert(2, View(name=turned_name, plot=Bars(rows=rows, stacks=stacks, title=title, unit=unit)))
    return tuple(views)


def _table(data: RunData, split: SplitStage, unit: str) -> Table:
    """Every layer and stage of every run."""
    parts = list(dict.fromkeys(part for _, stages in data.runs for stage in stages for part in split(stage)))
    names = [f"{label(part, PART_LABELS | STALL_NAMES)}, {unit}" for part in parts]
    whole = unit == "cycles"
    rows: list[tuple[Cell, ...]] = []
    for rule, stages in data.runs:
        for stage in stages:
            found = split(stage)
            values = [found.get(part, 0.0) for part in parts]
            numbers = [round(value) if whole else value for value in (sum(values), *values)]
            rows.append((rule, stage["layer"], by_stage(stage), *numbers))
    return Table(headings=("rule", "layer", "stage", f"total, {unit}", *names), rows=tuple(rows))


def _largest(data: RunData, size: Any) -> tuple[str, float]:  # noqa: ANN401
    sums: dict[str, float] = {}
    for stage in data.ours:
        sums[stage["layer"]] = sums.get(stage["layer"], 0.0) + size(stage)
    return max(sums.items(), key=lambda item: item[1])


def memory_chart(data: RunData, totals: Mapping[str, Any], theirs: Mapping[str, Any] | None) -> Chart:
    """Training memory by what it holds."""
    runs = [(data.rule, totals), *([(str(data.baseline), theirs)] if theirs else [])]
    parts = [part for part in totals["training_memory"] if any(one["training_memory"][part] for _, one in runs)]
    rows = tuple(label(part, {}) for part in parts)
    unit, scale = ("MiB", 1 << 20) if totals["training_memory_bytes"] >= 1 << 20 else ("KiB", 1 << 10)
    stacks = tuple(
        Stack(
            name=name,
            segments=(
                Segment(
                    name=TOTALS["training_memory_bytes"].label,
                    colour=SERIES[0],
                    values=tuple(one["training_memory"][part] / scale for part in parts),
                ),
            ),
        )
        for name, one in runs
    )
    own = totals["training_memory_bytes"]
    caption = f"What one training step of {data.rule} must remember, most of it at one moment: {kib(own)}."
    if theirs:
        other = theirs["training_memory_bytes"]
        caption += f" Hatched: {data.baseline}, {kib(other)}, {factor(other / own)} as much."
    table = Table(
        headings=("part", *(f"{name}, bytes" for name, _ in runs)),
        rows=tuple((label(part, {}), *(one["training_memory"][part] for _, one in runs)) for part in parts),
    )
    plot = Bars(rows=rows, stacks=stacks, title=f"training memory, {unit}", unit=unit)
    views = (View(name="by part", plot=plot),)
    return Chart(key="memory", title="Training memory", caption=caption, views=views, table=table)
