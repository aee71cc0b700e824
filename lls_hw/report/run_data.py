"""The content of a run's JSON, in the shapes that charts need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lls_hw.costs.totals import PART_LABELS
from lls_hw.report.chart import Segment, Stack
from lls_hw.report.formatting import STAGE_NAMES, STALL_NAMES, label
from lls_hw.report.style import PARTS, STAGES, STALLS

StageRow = Mapping[str, Any]
SplitStage = Callable[[StageRow], Mapping[str, float]]
RowName = Callable[[StageRow], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunData:
    """A run beside its baseline; `theirs` is empty without one."""

    rule: str
    baseline: str | None
    ours: tuple[StageRow, ...]
    theirs: tuple[StageRow, ...]

    @property
    def runs(self) -> tuple[tuple[str, tuple[StageRow, ...]], ...]:
        """(rule, stages), the run itself first."""
        both = ((self.rule, self.ours), (str(self.baseline), self.theirs))
        return both if self.theirs else both[:1]


def run_data(data: Mapping[str, Any]) -> RunData:
    """The run's stages and its baseline's."""
    baseline = data.get("baseline") or {}
    return RunData(
        rule=rule_name(data),
        baseline=baseline.get("rule"),
        ours=tuple(data.get("stages") or ()),
        theirs=tuple(baseline.get("stages") or ()),
    )


def rule_name(data: Mapping[str, Any]) -> str:
    """The rule of a run."""
    return str(((data.get("inputs") or {}).get("rule") or {}).get("name", "this run"))


def energy_split(stage: StageRow) -> dict[str, float]:
    """Microjoules by part, without the total."""
    return {part: float(value) for part, value in stage["energy_uj"].items() if part in PART_LABELS}


def cycle_split(stage: StageRow) -> dict[str, float]:
    """Cycles in which the first unit works, and in which it stands still, by cause."""
    stalls = {cause: float(count) for cause, count in stage["stall_causes"].items()}
    return {"working": float(stage["cycles"]) - sum(stalls.values()), **stalls}


def by_layer(stage: StageRow) -> str:
    """The layer."""
    return str(stage["layer"])


def by_stage(stage: StageRow) -> str:
    """The stage of training."""
    return label(str(stage["stage"]), STAGE_NAMES)


def by_layer_and_stage(stage: StageRow) -> str:
    """Both, which is unique."""
    return f"{stage['layer']} · {by_stage(stage)}"


def rows_of(data: RunData, kind: RowName) -> tuple[str, ...]:
    """Row labels of both runs: layers in program order, stages in the order in which a step does them."""
    layers = list(dict.fromkeys(stage["layer"] for stage in (*data.ours, *data.theirs)))
    steps = list(STAGES)

    def place(stage: StageRow) -> tuple[int, int]:
        step = steps.index(stage["stage"]) if stage["stage"] in steps else len(steps)
        return (0 if kind is by_stage else layers.index(stage["layer"])), step

    return tuple(dict.fromkeys(kind(stage) for stage in sorted((*data.ours, *data.theirs), key=place)))


def stacks_of(data: RunData, rows: Sequence[str], kind: RowName, split: SplitStage) -> tuple[Stack, ...]:
    """For each run the sums by row and part; parts that nobody has are left out."""
    sums = [_sums(stages, kind, split) for _, stages in data.runs]
    parts = [
        part
        for part in dict.fromkeys(part for one in sums for part in one)
        if any(any(one.get(part, {}).values()) for one in sums)
    ]
    return tuple(
        Stack(
            name=name,
            segments=tuple(
                Segment(
                    name=label(part, PART_LABELS | STALL_NAMES),
                    colour=(PARTS | STALLS).get(part, "@sky"),
                    values=tuple(one.get(part, {}).get(row, 0.0) for row in rows),
                )
                for part in parts
            ),
        )
        for (name, _), one in zip(data.runs, sums, strict=True)
    )


def _sums(stages: Sequence[StageRow], kind: RowName, split: SplitStage) -> dict[str, dict[str, float]]:
    sums: dict[str, dict[str, float]] = {}
    for stage in stages:
        for part, value in split(stage).items():
            row = sums.setdefault(part, {})
            row[kind(stage)] = row.get(kind(stage), 0.0) + value
    return sums


def turned(data: RunData, split: SplitStage) -> tuple[tuple[str, ...], tuple[Stack, ...]]:
    """Rows are parts and colours are stages."""
    tables = [_sums(stages, lambda stage: str(stage["stage"]), split) for _, stages in data.runs]
    parts = [
        part
        for part in dict.fromkeys(part for one in tables for part in one)
        if any(any(one.get(part, {}).values()) for one in tables)
    ]
    stages = [name for name in STAGES if any(name in row for one in tables for row in one.values())]
    stacks = tuple(
        Stack(
            name=name,
            segments=tuple(
                Segment(
                    name=label(stage, STAGE_NAMES),
                    colour=STAGES[stage],
                    values=tuple(one.get(part, {}).get(stage, 0.0) for part in parts),
                )
                for stage in stages
            ),
        )
        for (name, _), one in zip(data.runs, tables, strict=True)
    )
    return tuple(label(part, PART_LABELS | STALL_NAMES) for part in parts), stacks
