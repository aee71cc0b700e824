"""A real Dask scheduler and two real workers; one is killed in the middle, and every point is there once."""

import re
import signal
from contextlib import ExitStack
from pathlib import Path
from subprocess import Popen

import pytest

from scripts.kill_sweep import contents
from tests.children import python, started, wait_for
from tests.unit.sweep.helpers import small_net

pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")

DIES = """
import os, signal
from lls_hw.sweep import tasks

evaluate, count = tasks.evaluate, iter(range(1, 100))
def dying(task):
    if next(count) == 12:
        os.kill(os.getpid(), signal.SIGKILL)
    return evaluate(task)
tasks.evaluate = dying
"""
"""What a worker loads so as to die in the middle of its second chunk."""
USERS_RULE = "tests.unit.rules.fixed_head:FIXED_HEAD"
"""Workers find it by the name that was written, as they find the shipped ones."""


def dask(stack: ExitStack, *line: str, log: Path, **environment: str) -> Popen[str]:
    """One process of the cluster."""
    stream = stack.enter_context(log.open("w"))
    return stack.enter_context(started("-m", "dask", *line, log=stream, LLS_HW_THREADS="1", **environment))


def scheduler_address(log: Path) -> str:
    found = re.search(r"(tcp://127\.0\.0\.1:\d+)", log.read_text())
    return found[1] if found else ""


def sweep_line(folder: Path, name: str, *more: str) -> list[str]:
    arrays = ",".join(f"{rows}x{cols}" for rows in (2, 3, 4, 6, 8, 12, 16) for cols in (2, 4, 8, 16, 32))
    return [
        "-m", "lls_hw", "sweep", "--net", small_net(folder), "--rule", f"lls,{USERS_RULE}", "--batch", "4",
        "--arrays", arrays, "--bits", "4,8", "--out", str(folder / name), "--quiet", *more,
    ]  # fmt: skip


def test_cluster__a_worker_killed_in_the_middle_costs_no_point(tmp_path: Path) -> None:
    (tmp_path / "dies.py").write_text(DIES)
    with ExitStack() as stack:
        log = tmp_path / "scheduler.log"
        options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
        # it runs nothing of ours, and warns of what else happens on this machine, such as a port that is taken
        scheduler = dask(stack, "scheduler", *options, log=log, PYTHONWARNINGS="default")
        address = wait_for(lambda: scheduler_address(log), "scheduler", scheduler)
        workers = []
        for name, more in (("dying", ("--preload", str(tmp_path / "dies.py"))), ("living", ())):
            log = tmp_path / f"{name}.log"
            options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path))
            workers.append(dask(stack, "worker", address, *options, *more, log=log))
            wait_for(lambda log=log: "Registered to" in log.read_text(), "worker", workers[-1])
        assert python(*sweep_line(tmp_path, "cluster.db", "--cluster", address)) == ("", "")
        assert [worker.poll() for worker in workers] == [-signal.SIGKILL, None]
    python(*sweep_line(tmp_path, "here.db", "--jobs", "1"))
    assert len(contents(tmp_path / "here.db")) == 140
    assert contents(tmp_path / "cluster.db") == contents(tmp_path / "here.db")
