"""A real Dask scheduler and two real workers; one is killed in the middle, and every point is there once."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from scripts.kill_sweep import contents, stored
from tests.unit.sweep.helpers import small_net

pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "LLS_HW_THREADS": "1", "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "10s"}


@contextmanager
def dask(*line: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One process of the cluster."""
    with log.open("wb") as stream:
        child = subprocess.Popen(
            [sys.executable, "-m", "dask", *line], cwd=ROOT, env=ENVIRONMENT, stdout=stream, stderr=stream
        )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def wait_for(found, what: str, longest_s: float = 60):
    deadline = time.monotonic() + longest_s
    while not (answer := found()):
        assert time.monotonic() < deadline, f"no {what} within {longest_s} s"
        time.sleep(0.05)
    return answer


def scheduler_address(log: Path) -> str:
    found = re.search(r"(tcp://127\.0\.0\.1:\d+)", log.read_text())
    return found[1] if found else ""


def sweep_line(folder: Path, name: str, *more: str) -> list[str]:
    arrays = ",".join(f"{rows}x{cols}" for rows in (2, 3, 4, 6, 8, 12, 16) for cols in (2, 4, 8, 16, 32))
    return [
        sys.executable, "-m", "lls_hw", "sweep", "--net", small_net(folder), "--rule", "lls,bp", "--batch", "4",
        "--arrays", arrays, "--bits", "4,8", "--out", str(folder / name), "--quiet", *more,
    ]  # fmt: skip


def test_cluster__a_worker_killed_in_the_middle_costs_no_point(tmp_path: Path) -> None:
    with ExitStack() as stack:
        log = tmp_path / "scheduler.log"
        stack.enter_context(
            dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show", log=log)
        )
        address = wait_for(lambda: scheduler_address(log), "scheduler")
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path))
        first, _second = (
            stack.enter_context(dask("worker", address, *options, log=tmp_path / f"worker{index}.log"))
            for index in range(2)
        )
        for index in range(2):
            path = tmp_path / f"worker{index}.log"
            wait_for(lambda path=path: "Registered to" in path.read_text(), "worker")
        line = sweep_line(tmp_path, "cluster.db", "--cluster", address)
        child = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE)
        wait_for(lambda: stored(tmp_path / "cluster.db") >= 8 or child.poll() is not None, "points")
        assert child.poll() is None, "it was done before a worker could be killed"
        os.kill(first.pid, signal.SIGKILL)
        _, err = child.communicate(timeout=120)
        assert child.returncode == 0, err.decode()
    subprocess.run(sweep_line(tmp_path, "here.db", "--jobs", "1"), cwd=ROOT, check=True)
    assert len(contents(tmp_path / "here.db")) == 140
    assert contents(tmp_path / "cluster.db") == contents(tmp_path / "here.db")
