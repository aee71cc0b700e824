"""Python processes that tests start: at the repository's root, no warning in any of them, none outlives its test."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, TypeVar

ROOT = Path(__file__).parents[1]
LONGEST_S = 600
"""After so long a process hangs; nothing that a busy machine delays takes as long."""

Found = TypeVar("Found")


@contextmanager
def started(*line: str, log: IO[str] | int = subprocess.PIPE, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """`python line...` in a group of its own, of which in the end whatever lives is killed.

    Parameters
    ----------
    log : where its output goes, if not to `ended`.
    environment : variables beside the tests' own; PYTHONWARNINGS is "error" there.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    how: dict[str, Any] = {"cwd": ROOT, "env": environment, "stdout": log, "stderr": log, "text": True}
    with subprocess.Popen([sys.executable, *line], start_new_session=True, **how) as child:
        try:
            yield child
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


def ended(child: subprocess.Popen[str], status: int = 0) -> tuple[str, str]:
    """(output, errors) of a process that ends with this status, and without a warning that could not be raised."""
    out, err = child.communicate(timeout=LONGEST_S)
    assert child.returncode == status, err
    assert "Warning" not in err, err
    return out, err


def python(*line: str, status: int = 0, **environment: str) -> tuple[str, str]:
    """(output, errors) of `python line...`."""
    with started(*line, **environment) as child:
        return ended(child, status)


def wait_for(found: Callable[[], Found], what: str, *children: subprocess.Popen[str]) -> Found:
    """Its first true answer; it is a failure if one of these processes ends without it."""
    deadline = time.monotonic() + LONGEST_S
    while time.monotonic() < deadline:
        all_run = all(child.poll() is None for child in children)
        if answer := found():
            return answer
        assert all_run, f"a process ended, and there is no {what}"
        time.sleep(0.005)
    raise AssertionError(f"no {what} within {LONGEST_S} s")
