"""Hold the float reference against the goldens of the published implementation.

    python scripts/conformance.py DIR [--rules a,b]

A line a case; the last line is ``worst relative error: X``. Exit status 0 if every array satisfies
max|a - b| <= 1e-6 max|b| + 1e-9, 1 if one does not, 2 if the input is wrong.
"""

import argparse
import json
import math
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lls_hw.models.reference.golden import rule_name
from lls_hw.models.rules.registry import rules
from lls_hw.models.spec.errors import SpecError


def main(argv: Sequence[str] | None = None) -> int:
    """Judge every chosen case and return the exit status."""
    parser = argparse.ArgumentParser(description="Compare the float reference with golden training steps.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder with index.json and one .npz per case")
    parser.add_argument("--rules", help="only these rules, separated by commas")
    args = parser.parse_args(argv)
    try:
        return _run(args.folder, _chosen(_index(args.folder), args.rules))
    except SpecError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2


def _run(folder: Path, entries: Sequence[dict[str, Any]]) -> int:
    from lls_hw.models.reference.conformance import judge

    worst, passed = 0.0, True
    for entry in entries:
        verdict = judge(entry, _arrays(folder / str(entry["file"])))
        word = "pass" if verdict.passed else "FAIL"
        name = Path(str(entry["file"])).stem
        print(f"{word}  {name}: {verdict.worst:.2e} over {verdict.arrays} arrays (worst {verdict.array})", flush=True)
        passed = passed and verdict.passed
        worst = verdict.worst if math.isnan(verdict.worst) else max(worst, verdict.worst)
    print(f"worst relative error: {worst:.3e}")
    return 0 if passed else 1


def _index(folder: Path) -> list[dict[str, Any]]:
    path = folder / "index.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError("DIR", str(path), f"it cannot be read ({error})", "Give a folder of goldens.") from None
    if not isinstance(entries, list) or not all(isinstance(e, dict) and "file" in e for e in entries):
        raise SpecError("DIR", str(path), "it must be a list of cases with a 'file'", "Give a folder of goldens.")
    return entries


def _chosen(entries: list[dict[str, Any]], asked: str | None) -> list[dict[str, Any]]:
    if asked is None and entries:
        return entries
    wanted = {rule_name(name.strip()) for name in (asked or "").split(",")}
    present = {rule_name(str(entry.get("rule"))) for entry in entries}
    if not entries or not wanted <= set(rules()) or not wanted & present:
        raise SpecError("--rules", asked, f"the cases have {', '.join(sorted(present))}", "Choose among them.")
    return [entry for entry in entries if rule_name(str(entry.get("rule"))) in wanted]


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise SpecError("DIR", str(path), f"it cannot be read ({error})", "Restore the file.") from None


if __name__ == "__main__":
    sys.exit(main())
