"""Is anything lost when a sweep is killed? kill -9 at random moments, then a last run to the end.

python scripts/kill_sweep.py --points 200 --kills 20

Every second kill takes the main process alone, the others its whole process group. In the end the database must
hold every point once and equal an undisturbed sweep's: the same CSV, byte for byte, the same inputs and results.
"""

import argparse
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ARRAYS = [f"{rows}x{cols}" for rows in (4, 8, 12, 16, 24, 32) for cols in (4, 8, 16, 32)]
BITS, SRAMS = ("4", "6", "8", "12"), ("48", "64", "96", "128", "256")


def command(database: Path, points: int, jobs: int) -> list[str]:
    """A sweep of so many points (a multiple of four) of a small network."""
    arrays = ARRAYS[: -(-points // (len(BITS) * len(SRAMS)))]
    srams = SRAMS[: -(-points // (len(BITS) * len(arrays)))]
    assert len(arrays) * len(srams) * len(BITS) == points, f"{points} is no product of these lists"
    return [
        sys.executable, "-m", "lls_hw", "sweep", "--net", "mlperf_tiny_vww", "--rule", "lls_m", "--batch", "1",
        "--baseline", "none", "--arrays", ",".join(arrays), "--bits", ",".join(BITS), "--srams", ",".join(srams),
        "--out", str(database), "--csv", str(database.with_suffix(".csv")), "--jobs", str(jobs), "--quiet",
    ]  # fmt: skip


def stored(database: Path) -> int:
    """Points that are safe so far."""
    if not database.exists():
        return 0
    try:
        with sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True) as db:
            return int(db.execute("SELECT count(*) FROM points").fetchone()[0])
    except sqlite3.Error:  # not made yet
        return 0


def contents(database: Path) -> list[tuple[str, ...]]:
    """Every point but for when it was finished and how long that took."""
    with sqlite3.connect(database) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return db.execute("SELECT id, inputs, label, status, error, result FROM points ORDER BY id").fetchall()


def kill_once(line: list[str], database: Path, rng: random.Random, most_new: int, *, group: bool) -> tuple[int, int]:
    """Start, kill after a random number of new points and a random moment; (exit status, points safe)."""
    before, wanted = stored(database), rng.randint(0, most_new)
    child = subprocess.Popen(line, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)  # loky's obituaries
    deadline = time.monotonic() + 120
    while child.poll() is None and stored(database) < before + wanted and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 0.5))
    with contextlib.suppress(ProcessLookupError):  # it may have finished by itself
        os.killpg(child.pid, signal.SIGKILL) if group else child.kill()
    status = child.wait()
    wait_for_group(child.pid)
    after = stored(database)
    assert after >= before, f"{before} points were stored, and {after} are left"
    return status, after


def wait_for_group(group: int, longest_s: float = 300.0) -> None:
    """Workers whose parent died leave on their own."""
    deadline = time.monotonic() + longest_s
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(f"processes of group {group} outlived their parent by {longest_s} s")


def torture(folder: Path, points: int, kills: int, jobs: int, seed: int) -> list[str]:
    """What happened, a line a kill; raises if a point was lost, doubled or changed."""
    calm, rough = folder / "calm.db", folder / "rough.db"
    subprocess.run(command(calm, points, jobs), cwd=ROOT, check=True)
    rng, told = random.Random(seed), []
    for turn in range(kills):
        line = command(rough, points, jobs)
        status, safe = kill_once(line, rough, rng, points // (kills + 2), group=turn % 2 == 1)
        told.append(f"kill {turn + 1}: status {status}, {safe} of {points} points stored")
    subprocess.run(command(rough, points, jobs), cwd=ROOT, check=True)
    undisturbed, disturbed = contents(calm), contents(rough)
    assert len(disturbed) == points, f"{len(disturbed)} points"
    assert disturbed == undisturbed, "the points differ from an undisturbed sweep's"
    assert calm.with_suffix(".csv").read_bytes() == rough.with_suffix(".csv").read_bytes(), "the tables differ"
    told.append(f"last run: {len(disturbed)} rows, equal to an undisturbed sweep's; the CSV files are the same bytes")
    return told


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in torture(Path(folder), given.points, given.kills, given.jobs, given.seed):
            print(line)


if __name__ == "__main__":
    main()
