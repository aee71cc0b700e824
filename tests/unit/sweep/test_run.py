"""A sweep at work: idempotent, failures recorded, training shared, deaths survived."""

import json
import os
import signal
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lls_hw.config import lower_run, resolve_run
from lls_hw.costs.totals import PART_LABELS
from lls_hw.models.spec.errors import SpecError
from lls_hw.options.run import RunChoices
from lls_hw.sweep import executors, tasks
from lls_hw.sweep.executors import LocalExecutor
from lls_hw.sweep.export import csv_text, write_parquet
from lls_hw.sweep.points import Outcome, Task
from lls_hw.sweep.rows import COLUMNS, flat_rows
from lls_hw.sweep.run import Sweep
from lls_hw.sweep.stop import Stop
from lls_hw.sweep.store import Store
from lls_hw.training.plan import TrainPlan
from lls_hw.training.trainer import limited, train
from tests.unit.sweep.helpers import count_tasks, dump, small_grid, small_net, sweep_into


def test_sweep__rerun_simulates_nothing_and_changes_nothing(tmp_path: Path, monkeypatch) -> None:
    path, grid = tmp_path / "s.db", small_grid(small_net(tmp_path), arrays="8x8,4x4", bits="4,8")
    seen = count_tasks(monkeypatch)
    first = sweep_into(path, grid)
    table, text = dump(path), csv_text(flat_rows(path))
    assert (first.done, first.failed, seen) == (4, 0, ["cost"] * 4)
    again = sweep_into(path, grid)
    assert (again.before, again.done, len(seen)) == (4, 0, 4)
    assert dump(path) == table
    assert csv_text(flat_rows(path)) == text
    more = sweep_into(path, small_grid(small_net(tmp_path), arrays="8x8,4x4,2x2", bits="4,8"))
    assert (more.before, more.done, len(seen)) == (4, 2, 6)


def test_sweep__rows_equal_simulate(tmp_path: Path) -> None:
    from lls_hw.config import lower_run, resolve_run
    from lls_hw.costs.json import ratios, totals_json
    from lls_hw.costs.step import run_costs
    from lls_hw.options.run import RunChoices

    net, path = small_net(tmp_path), tmp_path / "s.db"
    sweep_into(path, small_grid(net, baseline="bp", arrays="4x8", dataflows="os", bits="w4,a8", srams="8"))
    (row,) = flat_rows(path)
    run, _ = resolve_run(
        RunChoices(net=net, rule="lls_m", array="4x8", dataflow="os", bits="w4,a8", sram_kib=8, batch=4, numerics=False)
    )
    totals = totals_json(run_costs(run, lower_run(run)))
    assert list(row) == list(COLUMNS)
    assert row["cycles"] == totals["cycles"]
    assert row["energy_uj"] == totals["energy_uj"]["total"]
    assert sum(row[f"energy_{part}_uj"] for part in PART_LABELS) == pytest.approx(row["energy_uj"])
    assert row["ratio_energy"] == ratios(run_costs(run, lower_run(run)), run_costs(run, lower_run(run, "bp")))["energy"]
    assert (row["rows"], row["cols"], row["dataflow"], row["sram_kib"], row["weight_bits"]) == (4, 8, "os", 8, 4)


def test_sweep__failed_point_is_recorded_and_only_retried_when_asked(tmp_path: Path, monkeypatch) -> None:
    net, path = small_net(tmp_path), tmp_path / "s.db"
    grid = small_grid(net, chips=f"{_tiny_chip(tmp_path)},edge_8x8")
    summary = sweep_into(path, grid)
    assert (summary.done, summary.failed) == (1, 1)
    failed, done = sorted(flat_rows(path), key=lambda row: row["status"] == "done")
    assert failed["status"] == "failed"
    assert failed["error"].startswith("chip.scratchpad.capacity_bytes = 64: layer")
    assert failed["cycles"] is None
    assert done["cycles"] > 0
    seen = count_tasks(monkeypatch)
    assert (sweep_into(path, grid).failed, seen) == (1, [])
    assert (sweep_into(path, grid, retry_failed=True).failed, seen) == (1, ["cost"])


def _tiny_chip(folder: Path) -> str:
    from importlib import resources

    text = (resources.files("lls_hw.models") / "chips" / "edge_8x8.toml").read_text()
    lines = ["capacity_bytes = 64" if line.startswith("capacity_bytes") else line for line in text.splitlines()]
    path = folder / "tiny.toml"
    path.write_text("\n".join(lines))
    return str(path)


def test_sweep__unexpected_exception_is_a_failed_point(tmp_path: Path, monkeypatch) -> None:
    path, grid = tmp_path / "s.db", small_grid(small_net(tmp_path), arrays="8x8,4x4")
    costs = tasks._cost

    def breaks(task: Task):
        if task.run.chip.array.rows == 8:
            raise ZeroDivisionError("one\nover nothing")
        return costs(task)

    monkeypatch.setattr(tasks, "_cost", breaks)
    assert sweep_into(path, grid).failed == 1
    (error,) = [row["error"] for row in flat_rows(path) if row["error"]]
    assert error.startswith("ZeroDivisionError: one over nothing (")


def _npz(folder: Path) -> str:
    rng, path = np.random.default_rng(0), folder / "set.npz"
    pictures = rng.integers(0, 256, (72, 12, 12, 1), np.uint8)
    labels = (np.arange(72) % 4).astype(np.int64)
    train, test = {"train_images": pictures[:48], "train_labels": labels[:48]}, slice(48, None)
    np.savez(path, **train, test_images=pictures[test], test_labels=labels[test])
    return f"npz:{path}"


def test_sweep__arrays_share_one_training(tmp_path: Path, monkeypatch) -> None:
    path, plan = tmp_path / "s.db", TrainPlan(epochs=2, test_limit=16)
    lists = {"arrays": "8x8,16x16", "srams": "64,128", "data": _npz(tmp_path), "batches": "8"}
    grid = small_grid(small_net(tmp_path), plan, seeds="0,1", **lists)
    seen = count_tasks(monkeypatch)
    summary = sweep_into(path, grid)
    assert (summary.done, summary.trained) == (8, 2)
    assert sorted(seen) == ["cost"] * 8 + ["train"] * 2
    rows = flat_rows(path)
    for seed in (0, 1):
        mine = [row for row in rows if row["seed"] == seed]
        assert len({row["training_id"] for row in mine}) == len({row["test_accuracy"] for row in mine}) == 1
        assert 0 <= mine[0]["test_accuracy"] <= 100
    assert len({row["training_id"] for row in rows}) == 2
    table = dump(path)
    assert sweep_into(path, grid).before == 8
    assert (dump(path), len(seen)) == (table, 10)
    assert not path.with_name("s.db.checkpoints").exists()


@pytest.mark.parametrize("rule", ["lls_random", "local_losses"])
def test_sweep__trains_what_train_trains(tmp_path: Path, rule: str) -> None:
    """The same curve for the same command line: smallconv's projections are not averaged under either."""
    data, plan = _npz(tmp_path), TrainPlan(test_limit=16)
    grid = small_grid("smallconv", plan, rules=rule, batches="16", data=data)
    assert sweep_into(tmp_path / "s.db", grid).trained == 1
    with sqlite3.connect(tmp_path / "s.db") as db:
        (stored,) = db.execute("SELECT result FROM trainings").fetchone()
    run, images = resolve_run(RunChoices(net="smallconv", rule=rule, batch=16, data=data, baseline="none", costs=False))
    assert images is not None
    expected = train(run, lower_run(run), limited(run, images, plan), plan).curve
    assert json.loads(stored)["curve"] == list(expected)


def test_sweep__arrays_that_change_bits_train_apart(tmp_path: Path, monkeypatch) -> None:
    """Accumulators that could overflow: the order of additions decides, so rows under ws and is, and os by itself."""
    path, plan = tmp_path / "s.db", TrainPlan(test_limit=16)
    lists = {"arrays": "2x8,16x8,16x16", "dataflows": "ws,is,os", "bits": "w8,a8,e8,acc16", "batches": "8"}
    grid = small_grid(small_net(tmp_path), plan, data=_npz(tmp_path), **lists)
    seen = count_tasks(monkeypatch)
    assert sweep_into(path, grid).done == 9
    assert seen.count("train") == 3
    trained_for: dict[str, set[tuple[int, str]]] = {}
    for row in flat_rows(path):
        trained_for.setdefault(row["training_id"], set()).add((row["rows"], row["dataflow"]))
    assert sorted(map(sorted, trained_for.values())) == [
        [(2, "is"), (2, "ws")], [(2, "os"), (16, "os")], [(16, "is"), (16, "ws")]
    ]  # fmt: skip
    with sqlite3.connect(path) as db:
        found = db.execute("SELECT json_extract(result, '$.array_independent') FROM trainings").fetchall()
    assert found == [(0,), (0,), (0,)]


def test_sweep__rule_that_cannot_train_fails_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    grid = small_grid(
        small_net(tmp_path), TrainPlan(test_limit=16), rules="inference,lls", data=_npz(tmp_path), batches="8"
    )
    summary = sweep_into(path, grid)
    assert (summary.done, summary.failed) == (1, 1)
    (row,) = [row for row in flat_rows(path) if row["status"] == "failed"]
    assert row["rule"] == "inference"
    assert row["error"].startswith("--rule = 'inference': it learns nothing")


def test_sweep__changed_data_is_refused_by_the_worker(tmp_path: Path) -> None:
    path, data = tmp_path / "s.db", _npz(tmp_path)
    grid = small_grid(small_net(tmp_path), TrainPlan(test_limit=16), data=data, batches="8")
    points = grid.points()
    held = dict(np.load(tmp_path / "set.npz"))
    held["train_images"] = 255 - held["train_images"]
    np.savez(tmp_path / "set.npz", **held)
    with Store(path) as store:
        assert Sweep(store, LocalExecutor(1)).run(points).failed == 1
    assert "the pictures here are not those of the machine" in flat_rows(path)[0]["error"]


def test_parquet__holds_the_same_rows(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra 'parquet' is not installed")
    path = tmp_path / "s.db"
    sweep_into(path, small_grid(small_net(tmp_path), chips=f"{_tiny_chip(tmp_path)},edge_8x8"))
    rows = flat_rows(path)
    write_parquet(str(tmp_path / "s.parquet"), rows)
    table = parquet.read_table(tmp_path / "s.parquet")
    assert table.column_names == list(COLUMNS)
    assert table.to_pylist() == rows
    assert str(table.schema.field("cycles").type) == "int64"
    assert str(table.schema.field("test_accuracy").type) == "double"


def test_stop__a_signal_while_waiting_ends_the_sweep_with_everything_stored(tmp_path: Path) -> None:
    path, grid, stop = tmp_path / "s.db", small_grid(small_net(tmp_path), arrays="8x8,4x4,2x2,8x4"), Stop()
    finished = []

    def progress(_text: str, done: int, _total: int) -> None:
        finished.append(done)
        if done == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with stop.listening(), Store(path) as store:
        summary = Sweep(store, LocalExecutor(1), stop, progress).run(grid.points())
    assert (summary.stopped, summary.done, summary.left, stop.status) == (True, 2, 2, 143)
    assert len(flat_rows(path)) == 2
    assert sweep_into(path, grid).done == 2


def suicidal(parts: Sequence[Task]) -> list[Outcome]:
    """A worker that dies of one point."""
    for task in parts:
        if task.run.chip.array.rows == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    return tasks.evaluate_all(list(parts))


def test_local__a_point_that_kills_its_worker_fails_alone(tmp_path: Path, monkeypatch) -> None:
    path, grid = tmp_path / "s.db", small_grid(small_net(tmp_path), arrays="8x8,4x4,2x2,8x4,4x8")
    monkeypatch.setattr(executors, "evaluate_all", suicidal)
    with Store(path) as store:
        summary = Sweep(store, LocalExecutor(2)).run(grid.points())
    assert (summary.done, summary.failed) == (4, 1)
    (row,) = [row for row in flat_rows(path) if row["status"] == "failed"]
    assert row["array"] == "2x2"
    assert "killed, or out of memory" in row["error"]


def test_worker_of_another_model_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tasks, "MODEL_VERSION", 99)
    with pytest.raises(SpecError, match="a worker runs model 99"):
        sweep_into(tmp_path / "s.db", small_grid(small_net(tmp_path)))
