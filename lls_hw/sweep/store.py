"""The finished points in one SQLite file: one writer, one transaction a point, nothing lost to a kill.

Why this survives
-----------------
- WAL with `synchronous=FULL`: a commit is on the disk when it returns, so a power cut loses no more than a
  `kill -9` does. The sync costs about a millisecond beside a tenth of a second for the cheapest point.
- Only the process that holds `flock` on FILE.db.lock writes. The kernel drops that lock with the process,
  however it dies: there is no stale lock file to remove.
- Readers (`rows`, the report) need no lock: WAL shows them the last commit.
"""

import contextlib
import errno
import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from lls_hw.models.spec.errors import SpecError
from lls_hw.sweep.identity import MODEL_VERSION, canonical
from lls_hw.sweep.points import Label, Outcome

SCHEMA = "lls-hw/sweep/1"
_BESIDE = (".lock", "-wal", "-shm", "-journal", ".checkpoints")
StoreTable = Literal["points", "trainings"]
_CREATE = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE points(id TEXT PRIMARY KEY, inputs TEXT NOT NULL, label TEXT NOT NULL, status TEXT NOT NULL,
    error TEXT, result TEXT, training_id TEXT, seconds REAL NOT NULL, finished_at TEXT NOT NULL);
CREATE TABLE trainings(id TEXT PRIMARY KEY, inputs TEXT NOT NULL, status TEXT NOT NULL,
    error TEXT, result TEXT, seconds REAL NOT NULL, finished_at TEXT NOT NULL);
"""


def beside(path: str) -> list[str]:
    """The files beside a database while a sweep runs: named after the file itself, also where `path` is a link."""
    return [f"{os.path.realpath(path)}{ending}" for ending in _BESIDE]


def refuse_target(path: Path) -> None:
    """Refuse, before any work and without touching it, a file that cannot be a sweep's.

    Raises
    ------
    SpecError : no such folder, no permission, or the file is something else.
    """
    from lls_hw.files import refuse_bad_target

    refuse_bad_target("--out", str(path), read_back=True)
    if path.exists() and path.stat().st_size and not _is_unborn(path):
        with contextlib.closing(open_read_only(path)):
            pass


def _is_unborn(path: Path) -> bool:
    """Whether it is a database that was killed before its first table."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            return bool(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0)
    except sqlite3.Error:
        return False


def open_read_only(path: Path, option: str = "--out") -> sqlite3.Connection:
    """A connection that cannot write, to a file that is proven to be a sweep's.

    Raises
    ------
    SpecError : it does not exist, is no database, or holds something else.
    """
    if not path.is_file():
        raise SpecError(option, str(path), "there is no such file", "Give the database of a sweep.")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    except sqlite3.OperationalError as error:
        raise SpecError(option, str(path), f"it cannot be opened ({error})", "Check its permissions.") from None
    try:
        found = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    except sqlite3.DatabaseError as error:
        connection.close()
        need = f"it is no database of a sweep ({error})"
        raise SpecError(option, str(path), need, "Choose another name.") from None
    if found is None or found[0] != SCHEMA:
        connection.close()
        need = f"its schema is {found[0] if found else 'unknown'}, and this version reads {SCHEMA}"
        raise SpecError(option, str(path), need, "Choose another name.")
    return connection


class Store:
    """The one writer of a sweep's database; a context that holds the lock."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()  # a second name of the file is the same file
        self._lock: int | None = None
        self._db: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        self._lock = _locked(self.path)
        try:
            refuse_target(self.path)
            with self._refusing():
                self._open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Fold the log into the file, which then stands alone, and let go of the lock."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):  # a reader, or no room: the log stays, and is read with the file
                self._db.execute("PRAGMA journal_mode = DELETE")
            self._db.close()
        if self._lock is not None:
            os.close(self._lock)
        self._db = self._lock = None

    def _open(self) -> None:
        from lls_hw.files import package_version

        db = sqlite3.connect(self.path, isolation_level=None)  # transactions are written out below
        self._db = db
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return
        with self._transaction():
            for statement in _CREATE.split(";"):
                db.execute(statement)
            facts = (("schema", SCHEMA), ("version", package_version()), ("model_version", str(MODEL_VERSION)))
            db.executemany("INSERT INTO meta VALUES (?, ?)", facts)

    @property
    def db(self) -> sqlite3.Connection:
        """The open connection."""
        assert self._db is not None, "the store is not open"
        return self._db

    def known(self, table: StoreTable) -> dict[str, str]:
        """Status by id."""
        return dict(self.db.execute(f"SELECT id, status FROM {table}"))

    def result(self, table: StoreTable, key: str) -> Any:  # noqa: ANN401  (whatever was stored)
        """The stored result; None where there is none."""
        found = self.db.execute(f"SELECT result FROM {table} WHERE id = ?", (key,)).fetchone()
        return json.loads(found[0]) if found and found[0] else None

    def error(self, table: StoreTable, key: str) -> str | None:
        """The stored error; None where there is none."""
        found = self.db.execute(f"SELECT error FROM {table} WHERE id = ?", (key,)).fetchone()
        return found[0] if found else None

    def put_point(
        self, outcome: Outcome, inputs: Mapping[str, Any], label: Label, training_id: str | None = None
    ) -> None:
        """One finished point, on the disk when this returns; a retried one is replaced."""
        row = (outcome["id"], canonical(inputs), json.dumps(label), *_how(outcome), training_id, *_when(outcome))
        self._put("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def put_training(self, outcome: Outcome, inputs: Mapping[str, Any]) -> None:
        """One finished training."""
        row = (outcome["id"], canonical(inputs), *_how(outcome), *_when(outcome))
        self._put("INSERT OR REPLACE INTO trainings VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def _put(self, statement: str, row: tuple[Any, ...]) -> None:
        with self._refusing(), self._transaction():
            self.db.execute(statement, row)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self.db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """A disk that refuses becomes one line; everything committed stays."""
        try:
            yield
        except (sqlite3.OperationalError, OSError) as error:
            need = f"it cannot be written ({error}); what was finished before is stored"
            raise SpecError("--out", str(self.path), need, "Make room, then repeat the command.") from None


def _how(outcome: Outcome) -> tuple[str, str | None, str | None]:
    result = outcome["result"]
    return outcome["status"], outcome["error"], None if result is None else canonical(result)


def _when(outcome: Outcome) -> tuple[float, str]:
    return float(outcome["seconds"]), datetime.now(UTC).isoformat(timespec="milliseconds")


def _locked(path: Path) -> int:
    """The lock's file handle.

    Raises
    ------
    SpecError : another process writes this sweep, or the folder refuses.
    """
    from lls_hw.files import refuse_bad_target

    refuse_bad_target("--out", str(path))
    name = path.with_name(path.name + ".lock")
    try:
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise SpecError("--out", str(path), f"{name.name}: {error.strerror}", "Choose another folder.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise SpecError(
                "--out", str(path), f"it cannot be locked ({error.strerror})", "Use a local disk."
            ) from None
        need = "another process is writing it"
        raise SpecError("--out", str(path), need, "Wait for it, or choose another name.") from None
    return handle
