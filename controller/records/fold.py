"""What a killed writer left: its write-ahead log, folded into the session file, so that one clean file is left.

Nothing that was committed changes: SQLite takes over the transactions that were whole, as it does for every reader,
and the batch that was being written is not there. A log with more than one commit beyond that point was damaged by
the disk, or the power was cut while it began anew; it is kept beside the file as ``…-wal.cut``, for whoever wants to
look: a kill leaves none.

SQLite 3.7.0 to 3.51.2 can lose commits when two connections write or checkpoint at the same instant
(sqlite.org/wal.html, "the WAL-reset bug"). So a file is folded only by the one who holds it (:mod:`hold`), never
while its writer lives, and SQLite is asked for exclusive use before it looks at the log.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from controller.records.hold import held
from controller.records.opening import connect, logs
from controller.records.store import RecordError


def fold(path: Path) -> bool:
    """Leave ``path`` as a single file, if nobody uses it. Returns whether it is one now; never raises for a file that
    cannot be folded: it is read with its log, as before."""
    if not any(log.exists() for log in logs(path)):
        return True
    try:
        with held(path) as mine:
            return mine and _fold(path)
    except (OSError, RecordError, sqlite3.Error):
        return False


def fold_all(folder: Path) -> None:
    """Fold in every log under ``folder`` whose writer has gone."""
    for log in sorted([*folder.rglob("*-wal"), *folder.rglob("*-journal")]):
        path = log.with_name(log.name.rpartition("-")[0])
        if path.is_file():
            fold(path)


def _fold(path: Path) -> bool:
    connect(path).close()  # ours, and of a version that we know; else it stays as it is
    log, shm = path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")
    db = sqlite3.connect(path, isolation_level=None, timeout=0.0)
    try:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("SELECT count(*) FROM chain").fetchone()  # the moment at which the lock is taken, or refused
        if log.exists():
            _, frames, _ = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if commits_after(log, frames) > 1:
                shutil.copyfile(log, path.with_name(f"{path.name}-wal.cut"))
        folded = db.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
        if folded:
            shm.unlink(missing_ok=True)  # with exclusive use SQLite works without it and leaves it
    finally:
        db.close()
    return folded and not any(part.exists() for part in logs(path))


def commits_after(log: Path, frames: int) -> int:
    """Commits in a log beyond its first ``frames`` frames, which SQLite took over (sqlite.org/fileformat2.html, section
    4). A power cut interrupts one at most."""
    with log.open("rb") as file:
        head = file.read(32)
        if len(head) < 32:
            return 0
        page_bytes, salts = int.from_bytes(head[8:12], "big"), head[16:24]
        found = 0
        file.seek(32 + frames * (24 + page_bytes))
        while len(frame := file.read(24 + page_bytes)) == 24 + page_bytes:
            found += frame[8:16] == salts and frame[4:8] != bytes(4)
    return found
