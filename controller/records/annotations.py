"""What is said of a session after it has ended: a title, an author, what was found on the specimen, an error noticed
later. Annotations are added, never changed; they stand beside the sealed record, chained by hashes of their own.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from controller.records.fold import fold
from controller.records.hold import held
from controller.records.ids import utc_now
from controller.records.migrations import upgrade
from controller.records.opening import connect
from controller.records.schema import annotation_hash, to_json
from controller.records.store import RecordError

KEY = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
LONGEST = 100_000  # characters of one annotation
NOTE = "note"  # the key of a text without one


def annotate(path: Path, who: str, fields: Mapping[str, object], utc: Callable[[], str] = utc_now) -> list[int]:
    """Add one annotation for each of ``fields`` (key: any JSON value); all of them or none. Returns their numbers.

    Raises:
        ValueError: nobody, or a key or a value that cannot be kept; says which.
        RecordError: the file is being written, is no session, or cannot be written; says which, and what to do.
    """
    if not who.strip():
        raise ValueError("say who annotates")
    written = {key: to_json(value) for key, value in fields.items()}
    for key, value in written.items():
        if KEY.fullmatch(key) is None:
            raise ValueError(f"{key!r} is no key: lower-case letters, digits, _ . -, at most 40, a letter first")
        if len(value) > LONGEST:
            raise ValueError(f"{key} has {len(value)} characters, {LONGEST} can be kept: keep a file, and name it here")
    connect(path).close()  # says what is wrong with it, if anything is
    if not fold(path):
        raise RecordError(path, "the session is being written or read", "annotate it when it has ended")
    try:
        with held(path) as mine:
            if not mine:
                raise RecordError(path, "the session is being written", "annotate it when it has ended")
            with closing(sqlite3.connect(path, isolation_level=None, timeout=1.0)) as db:
                return _add(db, who, written, utc())
    except (sqlite3.Error, OSError) as error:
        raise RecordError(
            path, f"nothing could be added to the file ({error})", "check its permissions, and those of its folder"
        ) from error


def _add(db: sqlite3.Connection, who: str, written: Mapping[str, str], utc: str) -> list[int]:
    db.execute("PRAGMA synchronous=FULL")
    db.execute("BEGIN IMMEDIATE")
    upgrade(db)
    (head,) = db.execute("SELECT hash FROM chain ORDER BY n DESC LIMIT 1").fetchone()
    last = db.execute("SELECT n, hash FROM annotations ORDER BY n DESC LIMIT 1").fetchone()
    first, before = (last[0] + 1, last[1]) if last else (1, bytes(32))
    for n, (key, value) in enumerate(written.items(), start=first):
        before = annotation_hash(before, n, utc, who, key, value, head)
        db.execute("INSERT INTO annotations VALUES(?,?,?,?,?,?,?)", (n, utc, who, key, value, head, before))
    db.execute("COMMIT")
    return list(range(first, first + len(written)))
