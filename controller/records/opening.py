"""A read-only connection to a session file: what is one, which version it has, and what is said where it is none."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from pathlib import Path

from controller.records.ids import SUFFIX
from controller.records.migrations import lacking, stand_in
from controller.records.schema import APPLICATION_ID, SCHEMA_VERSION, TABLES
from controller.records.store import NothingRecorded, RecordError, Unreadable


def connect(path: Path, *, may_copy: bool = True) -> sqlite3.Connection:
    """A read-only connection to a session file, its unfinished write-ahead log included.

    Args:
        path: The session file.
        may_copy: Read a copy where SQLite finds no room beside the file. False in the process that writes it: to open
            and close a file there, other than through SQLite, would drop the locks that SQLite holds on it.

    Raises:
        RecordError: no such file, not a session, damaged, or of a newer version; says which, and what to do.
    """
    if not path.is_file():
        raise RecordError(path, "there is no such file", "`ablate sessions list` names those that are here")
    try:
        try:
            return _checked(path, _connect(path))
        except sqlite3.OperationalError:
            # A folder that may not be written, with a log that was never folded in: SQLite needs room beside the file.
            if not may_copy or not any(log.exists() for log in logs(path)):
                raise
            return _checked(path, _copy(path))
    except sqlite3.OperationalError as error:
        raise RecordError(path, f"the file cannot be read ({error})", "check its permissions and its disk") from error
    except sqlite3.DatabaseError as error:
        raise Unreadable(
            path,
            f"this is not a session file, or it is damaged or cut short ({error})",
            "look for another copy; a session is complete only together with the -wal file beside it, if there is one",
        ) from error


def logs(path: Path) -> list[Path]:
    """What may lie beside a session whose writer was killed, and belongs to it."""
    return [path.with_name(path.name + end) for end in ("-wal", "-journal")]


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )


def _copy(path: Path) -> sqlite3.Connection:
    with tempfile.TemporaryDirectory(prefix="ablate-") as folder:
        for part in (path, *logs(path)):
            if part.exists():
                shutil.copyfile(part, Path(folder, part.name))
        disk = sqlite3.connect(Path(folder, path.name), isolation_level=None)
        memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with contextlib.closing(disk):
            disk.backup(memory)
    return memory


def _checked(path: Path, db: sqlite3.Connection) -> sqlite3.Connection:
    try:
        _check(path, db)
    except BaseException:
        db.close()
        raise
    return db


def _check(path: Path, db: sqlite3.Connection) -> None:
    (application,), (version,) = (
        db.execute("PRAGMA application_id").fetchone(),
        db.execute("PRAGMA user_version").fetchone(),
    )
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application == 0 and tables == 0:
        raise NothingRecorded(
            path,
            "this is not a session file: it is empty (its writer was killed before it held anything, or a copy failed)",
            "look for another copy; if there is none, delete it",
        )
    if application != APPLICATION_ID:
        raise Unreadable(
            path,
            "this is not a session file: it was made by another program",
            f"session files end in {SUFFIX} and are made by ablate",
        )
    if version > SCHEMA_VERSION:
        raise RecordError(
            path,
            f"the file has schema version {version}, this program knows up to {SCHEMA_VERSION}",
            "open it with a newer version of openablate: pip install --upgrade openablate",
        )
    there = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")}
    if lacks := sorted(TABLES.keys() - lacking(version) - there):
        raise Unreadable(
            path,
            f"the file has no table {', '.join(lacks)}: another program wrote to it, or the copy is not whole",
            "look for another copy; never open a session with a program that writes",
        )
    if not lacking(version) <= there:
        stand_in(db, version)
    db.execute("SELECT count(*) FROM header").fetchone()
