"""The page of a sweep: the page's own script draws its charts from the rows; some are drawn here for papers."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lls_hw.report.chart import Card, Page, Section, Table
from lls_hw.report.sweep_data import CHOICES, INPUTS, PLURALS, Measure, PointRow, number, present, varied
from lls_hw.report.sweep_figures import sweep_figures

TRAINED = ("optimizer", "momentum", "learning_rate", "temperature", "waveform", "epochs", "limit")
COLOURS = ("rule", "net", "dataflow", "array", "bits", *TRAINED)
SYMBOLS = ("bits", "dataflow", "array", "rule", *TRAINED)
FACETS = ("array", "dataflow", "net")


def sweep_page(rows: Sequence[PointRow], path: Path, title: str | None) -> Page:
    """Everything a sweep's database holds."""
    done = [row for row in rows if row.get("status") == "done"]
    failed = [row for row in rows if row.get("status") != "done"]
    measures = present(done)
    default = defaults(done, measures) if len(measures) > 1 else None
    seeds = _count(rows, "seed")
    sections = [
        Section(key="explore", title="Explore", text=_intro(done, measures)) if default else _nothing(),
        *([_failed(failed)] if failed else []),
    ]
    return Page(
        kind="sweep",
        title=title or f"Sweep {path.name}",
        subtitle=f"{len(rows):,} points: "
        + (", ".join(f"{_count(rows, key)} {PLURALS[key]}" for key in varied(rows)) or "one design")
        + (f", {seeds} seeds" if seeds > 1 else ""),
        cards=_cards(done, failed, measures),
        sections=tuple(sections),
        sweep=_for_script(done, measures, default) if default else None,
        figures=sweep_figures(done, measures, default) if default else (),
    )


def _count(rows: Sequence[PointRow], key: str) -> int:
    return len({row.get(key) for row in rows} - {None})


def _intro(done: Sequence[PointRow], measures: Sequence[Measure]) -> tuple[str, ...]:
    keys = {measure.key for measure in measures}
    if "test_accuracy" not in keys:
        return ("No point was trained, so there is no accuracy to set against the costs.",)
    without = sum(row.get("test_accuracy") is None for row in done)
    return (f"{without} finished points have no accuracy and stand only in the charts of costs.",) if without else ()


def _nothing() -> Section:
    return Section(key="none", title="Nothing to draw", text=("No point has finished with results.",))


def _cards(done: Sequence[PointRow], failed: Sequence[PointRow], measures: Sequence[Measure]) -> tuple[Card, ...]:
    cards = [Card(name="Points finished", value=f"{len(done):,}"), Card(name="Points failed", value=f"{len(failed):,}")]
    keys = {measure.key: measure for measure in measures}
    told = ("energy_per_image_uj", "cycles_per_image", "test_accuracy")
    return (*cards, *(_best(done, keys[key]) for key in told if key in keys))


def _best(done: Sequence[PointRow], measure: Measure) -> Card:
    """The best point; of equally good ones the one with the least energy, of equal energies the most accurate."""
    second = ("test_accuracy", True) if measure.key == "energy_per_image_uj" else ("energy_per_image_uj", False)

    def badness(row: PointRow) -> tuple[float, float]:
        return _bad(row, measure.key, more=measure.better > 0), _bad(row, second[0], more=second[1])

    best = min(done, key=badness)
    named = ", ".join(f"{key} {best[key]}" for key in varied(done)[:4] if best.get(key) is not None)
    word = "Highest" if measure.better > 0 else "Lowest"
    value = best[measure.key]
    shown = f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
    return Card(
        name=f"{word} {measure.label}", value=f"{shown} {measure.unit}".strip(), beside=(named,) if named else ()
    )


def _bad(row: PointRow, key: str, *, more: bool) -> float:
    value = number(row.get(key))
    return math.inf if value is None else -value if more else value


def _failed(failed: Sequence[PointRow]) -> Section:
    keys = tuple(key for key in CHOICES if any(row.get(key) is not None for row in failed))
    rows = tuple((*(row.get(key) for key in keys), row.get("error") or row.get("status")) for row in failed)
    table = Table(headings=(*keys, "error"), rows=rows)
    count = "1 point" if len(failed) == 1 else f"{len(failed)} points"
    text = (f"{count} failed and cannot be drawn. A rerun with --retry-failed tries again.",)
    return Section(key="failed", title="Failed points", text=text, tables=(("Failed points and their errors", table),))


def defaults(done: Sequence[PointRow], measures: Sequence[Measure]) -> dict[str, str]:
    """The first picture: energy against accuracy where there is one, else against cycles."""
    keys = [measure.key for measure in measures]
    x = keys[0]
    y = "test_accuracy" if "test_accuracy" in keys else "cycles_per_image" if "cycles_per_image" in keys else keys[1]
    changes = varied(done)
    colour = next((key for key in COLOURS if key in changes), "rule")
    symbol = next((key for key in SYMBOLS if key in changes and key != colour), colour)
    facet = next((key for key in FACETS if key in changes and key not in (colour, symbol)), "")
    panels = len({row.get(facet) for row in done}) if facet else 0
    return {"x": x, "y": y, "colour": colour, "symbol": symbol, "facet": facet if 1 < panels <= 6 else ""}


def _for_script(done: Sequence[PointRow], measures: Sequence[Measure], default: Mapping[str, str]) -> dict[str, Any]:
    changes = varied(done)
    choices = [key for key in CHOICES if any(row.get(key) is not None for row in done)]
    columns: list[dict[str, Any]] = [
        {"key": key, "title": key, "kind": "choice", "shown": key in changes or key in ("net", "rule")}
        for key in choices
    ]
    columns.append(
        {"key": "seed", "title": "seed", "kind": "input", "shown": len({row.get("seed") for row in done}) > 1}
    )
    columns += [
        {
            "key": one.key, "title": one.title, "label": one.label, "unit": one.unit, "better": one.better,
            "log": one.log, "kind": "measure", "shown": one.key in SHOWN,
        }
        for one in measures
        if one.key not in choices
    ]  # fmt: skip
    kept = ("id", "seed", "rows", "cols", *choices, *INPUTS, *(measure.key for measure in measures))
    return {
        "rows": [{key: _told(row.get(key)) for key in dict.fromkeys((*kept, "design"))} for row in done],
        "keys": list(dict.fromkeys(kept)),
        "columns": columns,
        "inputs": INPUTS,
        "told": changes or ("net", "rule"),
        "defaults": default,
        "parallel": (*changes, *AXES),
    }


def _told(value: Any) -> Any:  # noqa: ANN401  (any cell)
    """A cell as strict JSON."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


AXES = ("energy_per_image_uj", "cycles_per_image", "sram_peak_bytes", "area_mm2", "test_accuracy")
"""Measures of the parallel coordinates."""
SHOWN = frozenset(
    ("energy_per_image_uj", "test_accuracy", "cycles_per_image", "time_ms", "sram_peak_bytes", "training_memory_bytes",
     "area_mm2", "utilization", "accuracy_proxy")
)  # fmt: skip
"""Measures that are columns of the table of points."""
