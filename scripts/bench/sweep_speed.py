"""Points a second and memory of a cost-only sweep, on this machine's cores and through Dask.

python scripts/bench/sweep_speed.py --points 1000            # joblib, a worker a core
python scripts/bench/sweep_speed.py --points 1000 --dask     # scheduler and two workers on loopback

Memory is the largest sum, over all processes of the sweep, of what each holds alone (Pss); processor seconds are
those of the sweep's processes, which other work on the machine does not change much.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARRAYS, DATAFLOWS = "8x8,16x16,32x32,16x32,12x12", "ws,os,is"
BITS = ("4", "5", "6", "7", "8", "9", "10", "12", "14", "16")
SRAMS = ("48", "64", "96", "128", "192", "256", "384")
TICKS = os.sysconf("SC_CLK_TCK")


def command(database: Path, points: int) -> list[str]:
    """`vww_cnn`, LLS-M, batch 1: five arrays, three dataflows, ten precisions and as many scratchpads as needed."""
    srams = SRAMS[: -(-points // 150)]
    return [
        sys.executable, "-m", "lls_hw", "sweep", "--net", "vww_cnn", "--rule", "lls_m", "--batch", "1", "--baseline",
        "none", "--arrays", ARRAYS, "--dataflows", DATAFLOWS, "--bits", ",".join(BITS), "--srams", ",".join(srams),
        "--out", str(database),
    ]  # fmt: skip


class Watch:
    """Memory and processor time of process groups, sampled from /proc."""

    def __init__(self, groups: list[int]) -> None:
        self.groups, self.peak_mb, self.cpu_s = groups, 0.0, 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._spent: dict[int, float] = {}

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.cpu_s = sum(self._spent.values())

    def _sample(self) -> None:
        while not self._over.wait(1.0):
            held_kb = 0
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    held_kb += self._one(entry)
            self.peak_mb = max(self.peak_mb, held_kb / 1024)

    def _one(self, entry: Path) -> int:
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(stat[2]) not in self.groups:
                return 0
            self._spent[int(entry.name)] = (int(stat[11]) + int(stat[12])) / TICKS
            found = re.search(r"Pss:\s+(\d+)", (entry / "smaps_rollup").read_text())
        except OSError:
            return 0
        return int(found[1]) if found else 0


@contextmanager
def dask(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """A scheduler and two workers; its address and their process groups."""
    children = []

    def start(*line: str) -> None:
        log = (folder / f"dask{len(children)}.log").open("wb")
        env = {**os.environ, "LLS_HW_THREADS": "1"}
        full = [sys.executable, "-m", "dask", *line]
        children.append(subprocess.Popen(full, stdout=log, stderr=log, env=env, start_new_session=True))

    start("scheduler", "--host", "127.0.0.1", "--port", "8795", "--no-dashboard", "--no-show")
    for _ in range(2):
        start("worker", "tcp://127.0.0.1:8795", "--nthreads", "1", "--no-dashboard", "--local-directory", str(folder))
    try:
        time.sleep(6)
        yield "tcp://127.0.0.1:8795", [child.pid for child in children]
    finally:
        for child in children:
            child.terminate()
            child.wait()


def measure(line: list[str], groups: list[int]) -> str:
    """One sweep in a line."""
    began = time.perf_counter()
    child = subprocess.Popen(line, cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE, text=True)
    with Watch([child.pid, *groups]) as watch:
        said, _ = child.communicate()
    seconds = time.perf_counter() - began
    return f"{said.strip()}\nwall {seconds:.1f} s, processor {watch.cpu_s:.1f} s, peak memory {watch.peak_mb:.0f} MB"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1000, help="At least so many: 150 for every scratchpad.")
    parser.add_argument("--dask", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        line = command(folder / "speed.db", given.points)
        print(f"load of the machine before: {os.getloadavg()[0]:.1f}")
        if given.dask:
            with dask(folder) as (address, groups):
                print(measure([*line, "--cluster", address], groups))
        else:
            print(measure(line, []))


if __name__ == "__main__":
    main()
