"""Does the suite pass every time? Whole runs in random order, some while every core is kept busy by something else.

python scripts/repeat_suite.py --runs 10 --loaded 5        # what follows '--' goes to pytest, such as '-- tests/cli'

The loaded runs are the last ones. `pytest -p randomly --randomly-seed=N` gives one run's order again. The exit status
is 1 if a run failed; its output is kept.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = "{:>4} {:>10} {:>5} {:>6} {:>8}  {}"


@contextmanager
def load(processes: int) -> Iterator[None]:
    """So many processes that do nothing but work."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def run_once(seed: int, more: list[str], log: Path) -> tuple[int, float, str]:
    """(exit status, seconds, pytest's last line) of one run in the order of a seed."""
    line = [sys.executable, "-m", "pytest", "-q", "-p", "randomly", f"--randomly-seed={seed}", *more]
    began = time.monotonic()
    with log.open("w") as stream:
        status = subprocess.run(line, cwd=ROOT, stdout=stream, stderr=stream, check=False).returncode
    return status, time.monotonic() - began, log.read_text().strip().rpartition("\n")[2]


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--loaded", type=int, default=5, help="so many of them under load")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32, help="of the runs' seeds")
    parser.add_argument("pytest", nargs="*", help="for pytest")
    given = parser.parse_args()
    rng, cores, failures = random.Random(given.seed), len(os.sched_getaffinity(0)), 0
    print(COLUMNS.format("run", "seed", "load", "status", "seconds", "result"), flush=True)
    for run in range(given.runs):
        seed = rng.randrange(2**32)
        busy = cores if run >= given.runs - given.loaded else 0
        log = Path(tempfile.mkdtemp(prefix="repeat_suite.")) / f"{seed}.log"
        with load(busy):
            status, seconds, told = run_once(seed, given.pytest, log)
        print(COLUMNS.format(run + 1, seed, busy, status, f"{seconds:.0f}", told), flush=True)
        if status:
            failures += 1
            print(f"     {log}", flush=True)
    print(f"{failures} of {given.runs} runs failed")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
