"""A sweep as flat rows: one a point, in an order and with contents that no interruption changes."""

import contextlib
import json
from pathlib import Path
from typing import Any

from lls_hw.costs.totals import totals_of
from lls_hw.sweep.identity import run_id
from lls_hw.sweep.store import open_read_only

Row = dict[str, Any]
BITS = ("weight_bits", "activation_bits", "error_bits", "master_bits", "accumulator_bits")
TOTALS = totals_of("sweep")
RATIOS = tuple(total.ratio for total in TOTALS if "compare" in total.places)
PER_IMAGE = tuple(total for total in TOTALS if total.per_image)
LABEL = (
    "net", "rule", "chip", "array", "dataflow", "bits", "sram_kib", "batch", "technology", "objective", "schedule",
    "seed", "data", "baseline",
    "optimizer", "waveform", "momentum", "learning_rate", "temperature", "epochs", "limit",
)  # fmt: skip
TEXTS = frozenset(
    ("id", "net", "rule", "chip", "array", "dataflow", "bits", "technology", "objective", "schedule",
     "data", "baseline", "input", "status", "error", "optimizer", "waveform", "design", "training_id")
)  # fmt: skip
"""Columns of text; the others hold numbers."""
WHOLE = frozenset(
    ("rows", "cols", "batch", "seed", "classes", "epochs", "limit", *BITS, *(one.key for one in TOTALS if one.whole))
)  # fmt: skip
"""Columns of whole numbers."""
COLUMNS = (
    "id", "net", "rule", "chip", "array", "rows", "cols", "dataflow", "bits", *BITS, "sram_kib", "batch",
    "technology", "objective", "schedule", "seed", "data", "input", "classes", "baseline",
    "optimizer", "waveform", "momentum", "learning_rate", "temperature", "epochs", "limit", "design", "status", "error",
    *(total.key for total in TOTALS), *(total.per_image for total in PER_IMAGE), *(f"ratio_{name}" for name in RATIOS),
    "test_accuracy", "train_loss", "accuracy_proxy", "training_id",
)  # fmt: skip
"""Every column, in order. Null where a point has no such thing: failed, not trained, no baseline."""


def flat_rows(path: Path) -> list[Row]:
    """One dict a point with the keys of `COLUMNS`, sorted by its choices and then its id.

    Raises
    ------
    SpecError : the file is no sweep's.
    """
    with contextlib.closing(open_read_only(path)) as db:
        learnt = {
            key: (json.loads(inputs), json.loads(result or "null")) for key, inputs, result in db.execute(_LEARNT)
        }
        points: list[StoredPoint] = db.execute(_POINTS).fetchall()
    rows = [_row(point, learnt) for point in points]
    return sorted(rows, key=_order)


def _order(row: Row) -> tuple[tuple[bool, float, str], ...]:
    """Numbers by size, texts by alphabet, nothing last."""
    keys = ("net", "input", "classes", "batch", "weight_bits", "activation_bits", "error_bits", "bits", "chip", "rows")
    return tuple(_sortable(row[key]) for key in (*keys, "cols", *LABEL, "id"))


def _sortable(value: Any) -> tuple[bool, float, str]:  # noqa: ANN401
    if value is None:
        return True, 0.0, ""
    return (False, 0.0, value) if isinstance(value, str) else (False, float(value), "")


StoredPoint = tuple[str, str, str, str, str | None, str | None, str | None]
"""id, inputs, label, status, error, result, training_id."""


_LEARNT = "SELECT id, inputs, result FROM trainings"
_POINTS = "SELECT id, inputs, label, status, error, result, training_id FROM points"


def _row(point: StoredPoint, learnt: dict[str, Any]) -> Row:
    key, inputs, label, status, error, result, training_id = point
    given, chosen = json.loads(inputs), json.loads(label)
    row: Row = dict.fromkeys(COLUMNS)
    learning, curve = learnt.get(training_id or "", (given["learning"], None))
    row |= {"id": key, "status": status, "error": error, "training_id": training_id}
    row |= {name: chosen.get(name) for name in (*LABEL, "input", "classes")}
    row |= {name: given["precision"][name] for name in BITS}
    row |= {"design": _design(given, learning, row["data"])}
    row |= {"rows": given["chip"]["array"]["rows"], "cols": given["chip"]["array"]["cols"]}
    if status == "done" and result is not None:
        found = json.loads(result)
        row |= _costs(found["totals"], row["batch"]) | _ratios(found["ratio"])
        row |= _learnt(curve)
    return row


def _design(given: dict[str, Any], learning: dict[str, Any] | str | None, data: str | None) -> str:
    """The hash that points share if they differ only in the seed; synthetic pictures come from the seed."""
    if isinstance(learning, dict):
        learning = {name: value for name, value in learning.items() if name not in ("seed", "data")}
    return run_id({**given, "learning": learning, "data": data})


def _costs(totals: dict[str, Any], batch: int) -> Row:
    figures = {total.key: total.value(totals) for total in TOTALS}
    return figures | {total.per_image: figures[total.key] / batch for total in PER_IMAGE}


def _ratios(found: dict[str, Any] | None) -> Row:
    return {f"ratio_{name}": found[name] for name in RATIOS} if found else {}


def _learnt(found: dict[str, Any] | None) -> Row:
    """Of the last epoch, as it would be deployed; never the best one, which the test set would have chosen."""
    if found is None:
        return {}
    last = found["curve"][-1] if found.get("curve") else {}
    return {
        "test_accuracy": last.get("test_accuracy"),
        "train_loss": last.get("loss"),
        "accuracy_proxy": found.get("accuracy_proxy"),
    }
