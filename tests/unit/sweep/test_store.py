"""The database: one writer, foreign files refused untouched, a full disk loses nothing finished."""

import sqlite3
from pathlib import Path

import pytest

from lls_hw.models.spec.errors import SpecError
from lls_hw.sweep.rows import flat_rows
from lls_hw.sweep.store import Store, open_read_only, refuse_target
from tests.unit.sweep.helpers import dump, small_grid, small_net, sweep_into


def test_store__second_writer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with (
        Store(path),
        pytest.raises(SpecError, match=r"^--out = '.*s\.db': another process is writing it\. Wait"),
        Store(path),
    ):
        pass
    with Store(path):  # the lock went with its holder
        pass


def test_store__readers_need_no_lock(tmp_path: Path) -> None:
    path, grid = tmp_path / "s.db", small_grid(small_net(tmp_path), arrays="8x8,4x4")
    sweep_into(path, grid)
    with Store(path):
        assert len(flat_rows(path)) == 2
    assert not path.with_name("s.db-wal").exists()


@pytest.mark.parametrize("content", [b"id,net\n1,small\n", b"SQLite format 3\0" + b"torn" * 300])
def test_store__file_that_is_no_database_is_refused_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=r"^--out = .*: it is no database of a sweep \(.*Choose another name\.$"):
        refuse_target(path)
    with pytest.raises(SpecError), Store(path):
        pass
    assert path.read_bytes() == content


def test_store__foreign_database_and_other_schema_are_refused(tmp_path: Path) -> None:
    foreign, future = tmp_path / "foreign.db", tmp_path / "future.db"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE songs(title TEXT)")
    with Store(future) as store:
        store.db.execute("UPDATE meta SET value = 'lls-hw/sweep/9'")
    with pytest.raises(SpecError, match="no such table: meta"):
        refuse_target(foreign)
    with pytest.raises(SpecError, match="its schema is lls-hw/sweep/9, and this version reads lls-hw/sweep/1"):
        refuse_target(future)
    with pytest.raises(SpecError, match="there is no such file"):
        open_read_only(tmp_path / "nothing.db")


def test_store__full_disk_keeps_what_was_finished(tmp_path: Path) -> None:
    path, grid = tmp_path / "s.db", small_grid(small_net(tmp_path), arrays="2x2,2x4,4x2,4x4,8x4,4x8,8x8,8x2")
    with Store(path) as store:
        from lls_hw.sweep.executors import LocalExecutor
        from lls_hw.sweep.run import Sweep

        pages = store.db.execute("PRAGMA page_count").fetchone()[0]
        store.db.execute(f"PRAGMA max_page_count = {pages + 5}")
        with pytest.raises(SpecError, match=r"cannot be written \(database or disk is full\).*Make room, then repeat"):
            Sweep(store, LocalExecutor(1)).run(grid.points())
    stored = dump(path)["points"]
    assert 0 < len(stored) < 8
    assert sweep_into(path, grid).before == len(stored)
    assert [row for row in dump(path)["points"] if row in stored] == stored
    assert len(flat_rows(path)) == 8
