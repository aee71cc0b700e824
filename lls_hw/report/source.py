"""Reads what the other commands wrote, and says which kind it is."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lls_hw.models.spec.errors import SpecError
from lls_hw.report.formatting import listed

SCHEMAS = {"lls-hw/run/1": "run", "lls-hw/train/1": "train", "lls-hw/compare/1": "compare", "lls-hw/sweep/1": "sweep"}
REQUIRED = {"run": ("inputs", "totals", "stages", "numerics"), "train": ("inputs", "curve")}
"""Keys that every version has written; what a run was made without is null."""
SQLITE_MAGIC = b"SQLite format 3\x00"
WANTED = "a file that `lls-hw simulate --json`, `train --json`, `compare --json` or `sweep --out` wrote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One results file. `data` is its JSON, or for a sweep {"rows": one flat dict a point}."""

    kind: str
    path: Path
    data: dict[str, Any]


def read_source(path: str) -> Source:
    """The file, checked as far as its schema.

    Raises
    ------
    SpecError : it is missing, unreadable, broken, or none of ours.
    """
    file = Path(path)
    if not file.is_file():
        raise SpecError("FILE", path, "there is no such file", f"Give {WANTED}.")
    try:
        with file.open("rb") as opened:
            head = opened.read(len(SQLITE_MAGIC))
        if head == SQLITE_MAGIC:
            return _sweep(file)
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SpecError("FILE", path, f"it cannot be read ({error.strerror})", "Check its permissions.") from None
    except UnicodeDecodeError:
        raise SpecError("FILE", path, "it is neither JSON nor an SQLite database", f"Give {WANTED}.") from None
    return _from_json(file, text)


def _from_json(file: Path, text: str) -> Source:
    try:
        data = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except json.JSONDecodeError as error:
        where = f"it is not valid JSON (line {error.lineno}: {error.msg})"
        raise SpecError("FILE", str(file), where, "Write it again; it may have been cut short.") from None
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise SpecError("FILE", str(file), f"it is not valid JSON ({why})", f"Give {WANTED}.") from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(schema, str) or SCHEMAS.get(schema, "sweep") == "sweep":
        shown = "no schema" if schema is None else f"schema {schema!r}"
        raise SpecError("FILE", str(file), f"it has {shown}; a report needs {WANTED}", "Choose one of those.")
    kind = SCHEMAS[schema]
    missing = [key for key in REQUIRED.get(kind, ()) if key not in data]
    if missing:
        raise broken(str(file), f"no {listed(missing)}")
    return Source(kind=kind, path=file, data=data)


def broken(path: str, why: str) -> SpecError:
    """The error of a file that lacks what its schema promises."""
    need = f"its schema promises more than it holds ({' '.join(why.split())})"
    return SpecError("FILE", path, need, "Write it again with this version.")


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _refuse(text[:20])


def _sweep(file: Path) -> Source:
    import sqlite3

    from lls_hw.sweep.rows import flat_rows
    from lls_hw.sweep.store import open_read_only

    try:
        open_read_only(file, "FILE").close()
        rows = flat_rows(file)
    except (sqlite3.Error, KeyError, ValueError) as error:
        if isinstance(error, SpecError):
            raise
        need = f"it is no whole database of a sweep ({error})"
        raise SpecError("FILE", str(file), need, f"Give {WANTED}.") from None
    return Source(kind="sweep", path=file, data={"rows": rows})
