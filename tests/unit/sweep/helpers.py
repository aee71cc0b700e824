"""Small grids, and a count of what is really simulated."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from lls_hw.sweep import tasks
from lls_hw.sweep.choices import SweepChoices
from lls_hw.sweep.executors import LocalExecutor
from lls_hw.sweep.grid import Grid
from lls_hw.sweep.run import Summary, Sweep
from lls_hw.sweep.store import Store
from lls_hw.training.plan import TrainPlan
from tests.unit.training.helpers import SMALL_TOML


def small_net(folder: Path) -> str:
    path = folder / "small.toml"
    path.write_text(SMALL_TOML)
    return str(path)


def small_grid(net: str, plan: TrainPlan | None = None, *, proxy: bool = False, **lists: Any) -> Grid:
    given = {"rules": "lls_m", "batches": "4", "baseline": "none", **lists}
    return Grid(SweepChoices(nets=net, **given), plan, proxy=proxy)


def sweep_into(path: Path, grid: Grid, **how: Any) -> Summary:
    with Store(path) as store:
        return Sweep(store, LocalExecutor(1), **how).run(grid.points())


def dump(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every cell of both tables, times included."""
    with sqlite3.connect(path) as db:
        return {name: db.execute(f"SELECT * FROM {name} ORDER BY id").fetchall() for name in ("points", "trainings")}


def count_tasks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of the tasks evaluated in this process from now on."""
    seen: list[str] = []
    evaluate = tasks.evaluate

    def counted(task: tasks.Task) -> dict[str, Any]:
        seen.append(task.kind)
        return evaluate(task)

    monkeypatch.setattr(tasks, "evaluate", counted)
    return seen
