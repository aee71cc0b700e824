"""Our fused schedules and AccelForge's optimum: words that cross the pins for chains of layers without barriers.

    python3.12 -m venv af && af/bin/pip install accelforge
    python scripts/reproduce/accelforge.py --accelforge-python af/bin/python [--write docs/accelforge.md]

Forward products, batch 1, 8-bit words, each chain with five scratchpads. AccelForge (Fast and Fusiest Mapper) knows no
double buffers, so the scratchpad of our chip has none; a column beside it has them. Our DRAM has bursts of a word.
Seconds are those of one process: of AccelForge the longest of its `SEARCHES`, each of which gives all scratchpads.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lls_hw.files import package_version
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.event.engine import ScheduleRun, run_best
from lls_hw.sim.mapping.objective import FEWEST_BYTES
from lls_hw.sim.schedule.bound import compulsory_bytes
from lls_hw.sim.schedule.explain import schedule_text
from scripts.reproduce.accelforge_chains import CHAINS, Chain, layers_of, program_of
from scripts.reproduce.accelforge_figures import Least, Row, Side, mappings, page, words_table
from scripts.reproduce.pages import write_between

DRIVER = Path(__file__).with_name("accelforge_driver.py")
SEARCHES = (
    {"finished": True, "uneven": False},
    {"finished": True, "uneven": True},
    {"finished": False, "uneven": True},
)
"""AccelForge's searches: where finished sums alone leave the chip, or any; loops cut evenly, or not. None of them finds
all that another one does, so the fewest words of all count.
"""
LARGEST_BYTES = 1 << 17
"""A scratchpad that holds every chain."""


def ours(program: Program, chip: AcceleratorSpec) -> Side | None:
    """The best schedule for bytes, or op by op; None where the scratchpad is too small for a layer by itself."""
    try:
        runs = [
            run_best(program, chip, FEWEST_BYTES, name, trace=False, batched=True) for name in ("op", "best")
        ]  # fmt: skip
    except SpecError:
        return None
    return min((_side(program, run) for run in runs), key=lambda side: side.words)


def _side(program: Program, run: ScheduleRun) -> Side:
    """Words of a run. A group does not store a map that no later op reads; the last one's store is added here."""
    moved: dict[str, int] = {}
    for op in run.result.ops:
        for way, tensors in (("read", op.dram_read_bytes), ("write", op.dram_write_bytes)):
            for name, size in tensors.items():
                moved[f"{name} {way}"] = moved.get(f"{name} {way}", 0) + size
    out = program.output
    moved.setdefault(f"{out} write", program.tensors[out].size_bytes)
    plans = [op.plan.note for op in run.schedule.ops]
    how = "\n".join((schedule_text(program, run.result.groups), *plans))
    return Side(words=sum(moved.values()), moved=moved, how=how)


def ask(python: str, chain: Chain, search: Mapping[str, bool]) -> dict[str, Any]:
    """AccelForge's answer to one search; it runs in a Python of its own."""
    request = json.dumps({"layers": layers_of(chain), "capacities_bytes": chain.capacities_bytes, **search})
    try:
        done = subprocess.run([python, "-P", str(DRIVER)], input=request, capture_output=True, text=True, check=False)
    except OSError as error:
        refuse(python, f"it cannot be started ({error.strerror}).")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        refuse(python, f"AccelForge did not answer ({last}). Run `pip install accelforge` there, Python 3.12 or newer.")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def refuse(python: str, why: str) -> NoReturn:
    """End with status 2."""
    print(f"--accelforge-python = {python}: {why}", file=sys.stderr)
    raise SystemExit(2)


def compare(chain: Chain, answers: Sequence[Mapping[str, Any]], chip: AcceleratorSpec) -> list[Row]:
    """Both tools' answers, a scratchpad a row; `answers` to `SEARCHES`."""
    program, rows = program_of(chain), []
    for at, size in enumerate(chain.capacities_bytes):
        found = [answer["rows"][at] for answer in answers]
        finished = [row for row, search in zip(found, SEARCHES, strict=True) if search["finished"]]
        begun = time.perf_counter()
        mine = ours(program, sized(chip, size))
        seconds = time.perf_counter() - begun
        rows.append(Row(
            chain=chain.name, capacity_bytes=size, once_words=compulsory_bytes(program), free=theirs(found),
            other=theirs(finished), mine=mine, doubled=ours(program, sized(chip, size, doubled=True)),
            other_seconds=max(answer["seconds"] for answer in answers), mine_seconds=seconds,
        ))  # fmt: skip
    return rows


def theirs(found: Sequence[Mapping[str, Any] | None]) -> Side | None:
    """The fewest words that AccelForge's searches find for one scratchpad."""
    fit = [row for row in found if row is not None]
    if not fit:
        return None
    best = min(fit, key=lambda row: int(row["words"]))
    return Side(words=best["words"], moved=best["moved"], how="\n".join(best["mapping"]))


def word_chip(name: str) -> AcceleratorSpec:
    """A chip whose DRAM has bursts of a word, and rows that hold all."""
    return load("chips", name, AcceleratorSpec, "--chip").changed("dram", burst_bytes=1, row_bytes=1 << 20)


def sized(chip: AcceleratorSpec, size_bytes: int, *, doubled: bool = False) -> AcceleratorSpec:
    """The chip with another scratchpad."""
    return chip.changed("scratchpad", capacity_bytes=size_bytes, double_buffered=doubled)


def least(chain: Chain, curve: Sequence[tuple[int, int]], chip: AcceleratorSpec) -> Least:
    """Smallest scratchpads in which every tensor moves once: of AccelForge's curve of (bytes, words), and of ours."""
    program = program_of(chain)
    once = compulsory_bytes(program)

    def bisected(*, doubled: bool) -> int:
        low, high = 0, LARGEST_BYTES
        while high - low > 1:
            middle = (low + high) // 2
            side = ours(program, sized(chip, middle, doubled=doubled))
            low, high = (low, middle) if side is not None and side.words == once else (middle, high)
        return high

    first, *layers = chain.shapes[0], *chain.shapes
    rows = first.kernel_h * first.in_w * first.in_c
    for layer, after in zip(layers, [*layers[1:], None], strict=True):
        rows += (after.kernel_h if after else 1) * layer.out_w * layer.out_c
    return Least(
        chain=chain.name, other=min((size for size, words in curve if words == once), default=None),
        mine=bisected(doubled=False), doubled=bisected(doubled=True),
        weights=sum(t.size_bytes for t in program.tensors.values() if t.role == "weight"), rows=rows,
    )  # fmt: skip


def main() -> int:
    """Print the tables, or write them between the marks of a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accelforge-python", required=True, help="a Python with accelforge")
    parser.add_argument("--chip", default="edge_16x16")
    parser.add_argument("--chains", default=",".join(chain.name for chain in CHAINS), help="some of them")
    parser.add_argument("--mappings", type=Path, help="a file for the mappings of all rows")
    parser.add_argument("--write", type=Path, help="a page with <!-- accelforge --> marks")
    args = parser.parse_args()
    chip = word_chip(args.chip)
    chains = [chain for chain in CHAINS if chain.name in args.chains.split(",")]
    rows: list[Row] = []
    leasts: list[Least] = []
    known: dict[object, list[dict[str, Any]]] = {}
    versions = {"lls-hw": package_version()}
    for chain in chains:
        asked = chain.capacities_bytes, json.dumps(layers_of(chain))
        if asked not in known:
            known[asked] = [ask(args.accelforge_python, chain, search) for search in SEARCHES]
        answers = known[asked]
        versions.update(answers[0]["versions"])
        rows += compare(chain, answers, chip)
        curve = [point for answer in answers[:2] for point in answer["curve"]]
        leasts.append(least(chain, curve, chip))
        print("\n".join(words_table(rows)[-len(chain.kib) :]), file=sys.stderr, flush=True)
    if args.mappings is not None:
        args.mappings.write_text(mappings(rows) + "\n")
    text = page({chain.name: chain.text for chain in chains}, rows, leasts, versions)
    if args.write is None:
        print(text)
        return 0
    write_between(args.write, "accelforge", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
