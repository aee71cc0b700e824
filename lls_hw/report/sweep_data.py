"""A sweep's flat rows: which columns there are, which are better high, and means over seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lls_hw.costs.totals import TOTALS, Total, totals_of

PointRow = Mapping[str, Any]
PLURALS = {
    "net": "networks", "rule": "rules", "array": "arrays", "dataflow": "dataflows", "bits": "bit widths",
    "sram_kib": "scratchpad sizes", "batch": "batch sizes", "technology": "technologies",
    "objective": "objectives", "schedule": "schedules", "data": "data sets",
    "chip": "chips", "baseline": "baselines", "optimizer": "optimizers", "momentum": "momenta",
    "learning_rate": "learning rates", "temperature": "temperatures",
    "waveform": "waveforms", "epochs": "numbers of epochs", "limit": "image limits",
}  # fmt: skip
CHOICES = tuple(PLURALS)
INPUTS = (*CHOICES, "input", "classes", "rows", "cols", "weight_bits", "activation_bits", "error_bits", "master_bits",
          "accumulator_bits")  # fmt: skip
"""Columns that make a design where a row has no `design`, the hash of all that decides a point but the seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A column of numbers. `better` is -1 where less is better, 1 where more is, 0 where neither."""

    key: str
    label: str
    unit: str
    better: int = -1
    log: bool = True

    @property
    def title(self) -> str:
        """Label and unit."""
        return f"{self.label}, {self.unit}" if self.unit else self.label


def _of_total(total: Total) -> Measure:
    label = f"{total.label} of a step" if total.per_image else total.label
    return Measure(key=total.key, label=label, unit=total.unit, better=total.better, log=total.log)


def _per_image(total: Total) -> Measure:
    return Measure(key=total.per_image, label=f"{total.label} per image", unit=total.unit, better=total.better)


def _of_ratio(total: Total) -> Measure:
    log = total.key.startswith("macs_")  # a factor of thousands
    return Measure(key=f"ratio_{total.ratio}", label=f"baseline's {total.label} / own", unit="", better=1, log=log)


_TOTALS = totals_of("sweep")
_LEARNT = (
    Measure(key="test_accuracy", label="test accuracy", unit="%", better=1, log=False),
    Measure(key="accuracy_proxy", label="accuracy proxy", unit="", better=1, log=False),
    Measure(key="train_loss", label="training loss", unit="", log=False),
)
MEASURES = (
    _per_image(TOTALS["energy_uj"]),
    *_LEARNT,
    _per_image(TOTALS["cycles"]),
    *(_of_total(total) for total in _TOTALS),
    Measure(key="sram_kib", label="scratchpad capacity", unit="KiB"),
    *(_of_ratio(total) for total in _TOTALS if "compare" in total.places),
)
"""Every column of numbers that points are compared by, the best known first."""


def present(rows: Sequence[PointRow]) -> tuple[Measure, ...]:
    """Measures that some row has, the best known first."""
    return tuple(measure for measure in MEASURES if any(number(row.get(measure.key)) is not None for row in rows))


def varied(rows: Sequence[PointRow]) -> tuple[str, ...]:
    """Choices of which the rows have more than one value; one that another decides is left out.

    None is no value: a training's choices do not matter to a point of costs alone.

    Examples
    --------
    >>> varied([{"array": "8x8", "chip": "small", "rule": "bp"}, {"array": "9x9", "chip": "large", "rule": "bp"}])
    ('array',)
    """
    kept: list[str] = []
    for key in CHOICES:
        values = len({row.get(key) for row in rows} - {None})
        decided = any(
            len({(row.get(other), row.get(key)) for row in rows}) == len({row.get(other) for row in rows})
            for other in kept
        )
        if values > 1 and not decided:
            kept.append(key)
    return tuple(kept)


def number(value: Any) -> float | None:  # noqa: ANN401  (any cell)
    """The value as a finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """One design: its inputs, and for two measures the mean over its seeds and y's standard deviation."""

    row: PointRow
    x: float
    y: float
    spread: float
    seeds: int


def designs(rows: Sequence[PointRow], x: str, y: str) -> list[Design]:
    """Rows that differ in nothing but the seed become one point; rows without either measure are left out.

    Rows of the same seed count as one, so `spread` is over seeds alone.
    """
    groups: dict[Any, list[tuple[float, float, PointRow]]] = {}
    for row in rows:
        at = number(row.get(x)), number(row.get(y))
        if at[0] is not None and at[1] is not None:
            groups.setdefault(design_of(row), []).append((at[0], at[1], row))
    found = []
    for group in groups.values():
        by_seed: dict[Any, list[tuple[float, float]]] = {}
        for at_x, at_y, row in group:
            by_seed.setdefault(row.get("seed"), []).append((at_x, at_y))
        xs, ys = ([statistics.fmean(pair[at] for pair in pairs) for pairs in by_seed.values()] for at in (0, 1))
        spread = statistics.stdev(ys) if len(ys) > 1 else 0.0
        mean_x, mean_y = statistics.fmean(xs), statistics.fmean(ys)
        found.append(Design(row=group[0][2], x=mean_x, y=mean_y, spread=spread, seeds=len(by_seed)))
    return found


def design_of(row: PointRow) -> str | tuple[Any, ...]:
    """The key that points have in common if they differ only by their seed."""
    return row.get("design") or tuple(row.get(key) for key in INPUTS)


def by_size(values: Sequence[Any]) -> list[Any]:
    """Distinct values, numbers and the first number in a text by size, the rest by alphabet."""
    return sorted(dict.fromkeys(values), key=_size)


def _size(value: Any) -> tuple[float, str]:  # noqa: ANN401
    if isinstance(value, (int, float)):
        return float(value), ""
    digits = "".join(letter if letter.isdigit() else " " for letter in str(value)).split()
    sizes = [float(digit) for digit in digits[:2]]
    return math.prod(sizes) if "x" in str(value) and sizes else (sizes[0] if sizes else math.inf), str(value)
