"""Runs a folder of small inputs that once failed, and judges each by what its `expect` says.

A case is a folder with `cmd` (shell text) and `expect` (prose). `cmd` runs in a scratch copy of the whole
folder of cases with LLS_HW (a command line of this checkout) and PYTHON set. `JUDGES` holds what of an
`expect` can be checked by a program; a case it does not know is held to what every case demands: no
traceback, and exit status 0, 1 or 2.

    scripts/run_cases.py FOLDER [CASE ...]
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Seen:
    """What a case did: all it printed, and the folder it ran in."""

    text: str
    folder: Path

    @property
    def statuses(self) -> list[int]:
        """Exit statuses that `cmd` printed as `rc N`."""
        return [int(found) for found in re.findall(r"^rc (\d+)$", self.text, re.MULTILINE)]

    @property
    def refusals(self) -> list[str]:
        """Lines by which the program said no."""
        return re.findall(r"^lls-hw: .*$", self.text, re.MULTILINE)

    def numbers(self, pattern: str) -> list[float]:
        """Every number that a pattern's one group finds."""
        return [float(found) for found in re.findall(pattern, self.text)]


def _refused(*words: str) -> Callable[[Seen], bool]:
    """Status 2 throughout, one line each time, and every word in each of them."""
    return lambda seen: (
        set(seen.statuses) <= {2}
        and bool(seen.refusals)
        and all(word in line for line in seen.refusals for word in words)
    )


def _accepted(*words: str) -> Callable[[Seen], bool]:
    return lambda seen: set(seen.statuses) <= {0} and not seen.refusals and all(word in seen.text for word in words)


def _either(*judges: Callable[[Seen], bool]) -> Callable[[Seen], bool]:
    return lambda seen: any(judge(seen) for judge in judges)


def _pipe_and_link_survive(seen: Seen) -> bool:
    link = seen.folder / "link.json"
    return (
        (seen.folder / "pipe").is_fifo()
        and link.is_symlink()
        and "lls-hw/run/1" in (seen.folder / "real.json").read_text()
        and max(seen.numbers(r"(?m)^(\d+)$"), default=0) > 1000
    )


def _sixteen_bits_equal_eight(seen: Seen) -> bool:
    """Both sets are 64 and 192 on average (each draws its own noise), and learnt to the end."""
    means = [(float(dim), float(lit)) for dim, lit in re.findall(r"mean of dim ([\d.]+) of lit ([\d.]+)", seen.text)]
    accuracies = seen.numbers(r'"test_accuracy": ([\d.]+)')
    near = all(abs(dim - 64) < 0.5 and abs(lit - 192) < 0.5 for dim, lit in means)
    return len(means) == 2 and near and accuracies[3::4] == [100.0, 100.0]


def _losses_near_log_two(seen: Seen) -> bool:
    losses = seen.numbers(r"(\d+\.\d+)[],]")
    return len(losses) == 12 and all(abs(loss - 0.6931) < 0.05 for loss in losses)


def _docs_agree(seen: Seen) -> bool:
    page = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    promised = "both numbers are in the error" in page
    return seen.statuses == ([2] if promised else [0])


JUDGES: dict[str, Callable[[Seen], bool]] = {
    "01-output-overwrites-input": lambda seen: (
        _refused("--json", "another option names the same file")(seen)
        and 'name = "n"' in (seen.folder / "mine.toml").read_text()
    ),
    "02-output-replaces-pipe-or-link": _pipe_and_link_survive,
    "03-sixteen-bit-grey-is-white": _either(_sixteen_bits_equal_eight, _refused("g16")),
    "04-coco-unlisted-category-means-nobody": lambda seen: (
        seen.statuses == [0, 2, 2, 2]
        and "6 without a person, 6 with" in seen.text
        and sum("instances_train.json" in line for line in seen.refusals) == 3
    ),
    "06-batch-column-read-as-stride": _either(_accepted(" 512 "), _refused("Batch Size")),
    "08-truncated-conv-row-becomes-gemm": _refused("line 3"),
    "09-comment-after-last-comma": _accepted("24,243"),
    "10-empty-test-set-is-0-percent": _either(_refused("test"), _accepted('"test_accuracy": null')),
    "11-test-pictures-unchecked": _refused("pictures"),
    "12-block-named-pool1": _either(_accepted(), _refused("pool1")),
    "14-classes-0-ignored": _refused("--classes"),
    "16-cfg-without-dataflow": lambda seen: _accepted(" 48 ")(seen) and seen.statuses == [0, 0],
    "17-bom-and-toml": lambda seen: seen.statuses == [0, 0] or _refused("byte-order mark")(seen),
    "18-folder-named-images-hides-pictures": _either(_accepted("[0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]"), _refused()),
    "20-two-outputs-one-file": lambda seen: (
        _refused("another option names the same file")(seen) and seen.statuses == [2, 2, 2]
    ),
    "21-file-name-with-two-dots": _accepted(),
    "22-undecodable-picture-traceback": _refused("it is not a picture that can be decoded"),
    "24-price-overflow": _refused("value"),
    "26-docs-say-class-numbers-are-compared": _docs_agree,
    "27-float-reference-explodes-on-constant-pictures": _losses_near_log_two,
}


def run_case(case: Path, scratch: Path) -> Seen:
    """Run one case in a fresh copy of the folder of cases."""
    place = Path(shutil.copytree(case.parent, scratch / case.name))
    for folder, names, files in os.walk(place):
        for name in (*names, *files):
            Path(folder, name).chmod(0o755)
    place.chmod(0o755)
    command = scratch / f"{case.name}.lls-hw"
    asked = os.environ.get("PYTHONWARNINGS", "")
    line = f'PYTHONPATH="{ROOT}" PYTHONWARNINGS="{asked}" exec "{sys.executable}" -m lls_hw "$@"'
    command.write_text(f"#!/bin/sh\n{line}\n")
    command.chmod(0o755)
    environment = {
        **os.environ,
        "PYTHONWARNINGS": "",  # the cases' own scripts leave files open
        "PYTHONDEVMODE": "",
        "LLS_HW": str(command),
        "PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        ["/bin/sh", str(place / case.name / "cmd")],
        cwd=place / case.name, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        timeout=LONGEST_SECONDS, text=True, errors="replace",
    )  # fmt: skip
    return Seen(done.stdout, place / case.name)


def verdict(name: str, seen: Seen) -> str:
    """What is wrong with what a case did; empty if nothing that can be judged here."""
    if seen.text.count("Traceback (most recent call last)") > len(re.findall(r"(?m)^lls_hw.*SpecError: ", seen.text)):
        return "a traceback"  # a `SpecError` out of a call in Python is a refusal
    if not set(seen.statuses) <= {0, 1, 2}:
        return f"exit statuses {seen.statuses}"
    judge = JUDGES.get(name)
    return "" if judge is None or judge(seen) else "not what its expect says"


def main() -> int:
    """Run what was asked for; the number of cases that fail."""
    parser = argparse.ArgumentParser(description="Run small inputs that once failed.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("case", nargs="*")
    asked = parser.parse_args()
    cases = sorted(path.parent for path in asked.folder.resolve().glob("*/cmd"))
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases:
            if asked.case and not any(case.name.startswith(name) for name in asked.case):
                continue
            seen = run_case(case, Path(scratch))
            wrong = verdict(case.name, seen)
            known = "" if case.name in JUDGES else " (judged by its exit statuses alone; read its expect)"
            print(f"{'FAILED' if wrong else 'ok':7}{case.name}{': ' + wrong if wrong else known}", flush=True)
            failed += bool(wrong)
            if wrong or known:
                print(seen.text)
    return failed


if __name__ == "__main__":
    sys.exit(main())
