"""What a sweep meets when it is continued: other lists, other names, a database that was never finished."""

import sqlite3
from pathlib import Path

import pytest

from lls_hw.files import UnwritableError
from lls_hw.models.spec.errors import SpecError
from lls_hw.sweep import tasks
from lls_hw.sweep.grid import Grid
from lls_hw.sweep.rows import flat_rows
from lls_hw.sweep.store import Store
from lls_hw.training.plan import TrainPlan
from tests.unit.sweep.helpers import dump, small_grid, small_net, sweep_into
from tests.unit.sweep.test_run import _npz

PLAN = TrainPlan(test_limit=16, checkpoint_every=1)


def stop_in_the_middle(monkeypatch: pytest.MonkeyPatch, path: Path, grid: Grid) -> None:
    """A training that dies after its second step, its checkpoint on the disk."""
    from lls_hw.training import trainer

    save, saved = trainer.save, []

    def dying(*arguments: object) -> None:
        save(*arguments)
        saved.append(1)
        if len(saved) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "save", dying)
        with pytest.raises(KeyboardInterrupt):
            sweep_into(path, grid)


@pytest.mark.parametrize("arrays", ["4x4", "8x8,4x4", "4x4,8x8,16x16"])
def test_sweep__killed_training_continues_with_other_arrays(tmp_path: Path, monkeypatch, arrays: str) -> None:
    path, data, net = tmp_path / "s.db", _npz(tmp_path), small_net(tmp_path)
    stop_in_the_middle(monkeypatch, path, small_grid(net, PLAN, arrays="4x4,8x8", data=data, batches="8"))
    assert len(list((tmp_path / "s.db.checkpoints").glob("*.npz"))) == 1
    renamed = tmp_path / "other.toml"
    renamed.write_text(Path(net).read_text().replace('name = "small"', 'name = "other"', 1))
    grid = small_grid(str(renamed), PLAN, arrays=arrays, data=data, batches="8")
    summary = sweep_into(path, grid)
    assert (summary.done, summary.failed, summary.trained) == (grid.size, 0, 1)
    assert not (tmp_path / "s.db.checkpoints").exists()
    fresh = tmp_path / "fresh.db"
    sweep_into(fresh, grid)
    assert [row["train_loss"] for row in flat_rows(path)] == [row["train_loss"] for row in flat_rows(fresh)]


def test_sweep__unwritable_checkpoint_is_no_failed_point(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "s.db"
    grid = small_grid(small_net(tmp_path), PLAN, data=_npz(tmp_path), batches="8")

    def full(_task: tasks.Task) -> dict[str, object]:
        raise UnwritableError("--checkpoint", "x", "it cannot be written (no room)", "Make room.")

    with monkeypatch.context() as patch:
        patch.setattr(tasks, "_train", full)
        with pytest.raises(SpecError, match=r"^--out = .*no room.*Make room, then repeat the command"):
            sweep_into(path, grid)
    assert dump(path) == {"points": [], "trainings": []}
    assert sweep_into(path, grid).done == 1


def test_grid__nets_of_different_classes_train_together(tmp_path: Path) -> None:
    text = Path(small_net(tmp_path)).read_text()
    classes = next(line for line in text.splitlines() if line.startswith("classes"))
    other = tmp_path / "five.toml"
    other.write_text(text.replace(classes, "classes = 5").replace('name = "small"', 'name = "five"', 1))
    grid = small_grid(f"{tmp_path / 'small.toml'},{other}", TrainPlan(limit=8, test_limit=8), batches="8")
    summary = sweep_into(tmp_path / "s.db", grid)
    assert (summary.done, summary.failed) == (2, 0)


def test_ids__do_not_hang_on_constants_that_a_rule_never_sees(tmp_path: Path) -> None:
    net = small_net(tmp_path)

    def ids(**how: object) -> set[str]:
        return {point.id for point in small_grid(net, PLAN, batches="8", **how).points()}

    assert ids(rules="bp", temperature=0.5) == ids(rules="bp", temperature=2.0)
    assert ids(rules="lls", temperature=0.5).isdisjoint(ids(rules="lls", temperature=2.0))
    assert ids(optimizer="sgd", momentum=0.9) == ids(optimizer="sgd", momentum=0.5)
    assert ids(momentum=0.9).isdisjoint(ids(momentum=0.5))


def test_rows__design_tells_optimizers_apart_and_seeds_not(tmp_path: Path) -> None:
    path, net, data = tmp_path / "s.db", small_net(tmp_path), _npz(tmp_path)
    for optimizer in ("sgd", "momentum"):
        plan = TrainPlan(limit=8, test_limit=8)
        sweep_into(path, small_grid(net, plan, optimizer=optimizer, seeds="0,1", data=data, batches="8"))
    rows = flat_rows(path)
    assert len(rows) == 4
    assert len({row["design"] for row in rows}) == 2
    assert len({(row["design"], row["optimizer"]) for row in rows}) == 2


def test_store__goes_on_where_it_was_killed_before_its_first_table(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA journal_mode = WAL")
    db.close()
    assert path.stat().st_size > 0
    with Store(path) as store:
        assert store.known("points") == {}


def test_store__second_name_of_a_file_is_the_same_file(tmp_path: Path) -> None:
    path, link = tmp_path / "s.db", tmp_path / "link.db"
    link.symlink_to(path)
    with Store(path), pytest.raises(SpecError, match="another process is writing it"), Store(link):
        pass
