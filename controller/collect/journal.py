"""The collector's memory: every message that is not yet in all sinks, and what has arrived of each session.

One SQLite file and one connection to it, so that two can never write at the same instant; calls come from several
threads and take turns.
"""

from __future__ import annotations

import copy
import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from controller.collect.ledger import Ledger

_TABLES = """
CREATE TABLE IF NOT EXISTS message(id INTEGER PRIMARY KEY AUTOINCREMENT, session TEXT NOT NULL, site TEXT NOT NULL,
  bench TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS session(session TEXT PRIMARY KEY, ledger TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS cursor(sink TEXT PRIMARY KEY, id INTEGER NOT NULL, cut INTEGER) STRICT;
"""
VERSION = 1
SETTLED = b'{"schema": "openablate/settled/1"}'
"""Not from a bench: nothing more is to come of this session, though no message said so."""


class JournalError(Exception):
    """The journal cannot be used; the text says what to do."""


class Arrived(NamedTuple):
    """A message of a session: its topic's words, its JSON as it came, and what that says."""

    site: str
    bench: str
    session: str
    body: bytes
    data: Mapping[str, Any]


class Kept(NamedTuple):
    """A message in the journal."""

    id: int
    session: str
    site: str
    bench: str
    body: bytes


class Journal:
    """See the module's text.

    Attributes:
        ledgers: Of every session, by id. They change in :meth:`take` and :meth:`change` only; not to be looked at
            meanwhile.
        ended: How many times a session ended or was given up since the start.
    """

    def __init__(self, folder: Path, sinks: Iterable[str]) -> None:
        """Open or make the journal in ``folder``. Raises :class:`JournalError`."""
        self.path = folder / "journal.sqlite"
        self._lock = threading.Lock()
        names = list(sinks)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=0.5)
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")  # a second collector with this journal is refused
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("BEGIN EXCLUSIVE")
            self._db.execute("COMMIT")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise JournalError(f"{self.path} is of a newer version: run a newer openablate")
            self._db.executescript(f"{_TABLES} PRAGMA user_version={VERSION};")
            (newest,) = self._db.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()
            for sink in names:
                (low,) = self._db.execute("SELECT coalesce(min(id) - 1, ?) FROM message", (newest,)).fetchone()
                self._db.execute("INSERT OR IGNORE INTO cursor(sink, id) VALUES(?,?)", (sink, low))
            marks = ",".join("?" * len(names))
            self._db.execute(f"DELETE FROM cursor WHERE sink NOT IN ({marks})", names)
            rows = self._db.execute("SELECT ledger FROM session").fetchall()
        except (sqlite3.Error, OSError) as error:
            hint = (
                "is another collector running with it?" if "locked" in str(error) else "check the folder and its disk"
            )
            raise JournalError(f"{self.path} cannot be used ({error}): {hint}") from error
        self.ended = 0
        self.ledgers: dict[str, Ledger] = {}
        for (text,) in rows:
            ledger = Ledger.of(json.loads(text))
            self.ledgers[ledger.session] = ledger

    def take(self, messages: Iterable[Arrived]) -> list[bool]:
        """Make messages durable; False for each that was here already. All or none.

        Raises:
            JournalError: the disk refuses; the ledgers are as they were.
        """
        with self._lock:
            touched: dict[str, str] = {}
            new: list[bool] = []
            try:
                self._db.execute("BEGIN IMMEDIATE")
                for one in messages:
                    ledger = self.ledgers.get(one.session)
                    if ledger is None:
                        ledger = self.ledgers[one.session] = Ledger(one.site, one.bench, one.session)
                        touched[one.session] = ""
                    touched.setdefault(one.session, json.dumps(ledger.as_dict()))
                    if one.data["schema"] == "abl/session/1":
                        fresh, ledger.described = not ledger.described, True
                    else:
                        fresh = ledger.take(one.data)
                    new.append(fresh)
                    self.ended += fresh and one.data["schema"] == "abl/closed/1"
                    if fresh:
                        self._db.execute(
                            "INSERT INTO message(session, site, bench, body) VALUES(?,?,?,?)",
                            (one.session, one.site, one.bench, one.body),
                        )
                self._keep(touched)
                self._db.execute("COMMIT")
            except BaseException as error:
                self._undo(touched)
                if isinstance(error, sqlite3.Error):
                    raise JournalError(f"{self.path} cannot be written ({error}); free some space") from error
                raise
            return new

    def change(self, *ledgers: Ledger) -> None:
        """Keep ledgers that were changed by hand; of one that is settled now the sinks are told.

        Raises:
            sqlite3.Error: the disk refuses.
        """
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            for ledger in ledgers:
                self.ledgers[ledger.session] = ledger
            self._keep([ledger.session for ledger in ledgers])
            settled = [(one.session, one.site, one.bench, SETTLED) for one in ledgers if one.settled]
            self._db.executemany("INSERT INTO message(session, site, bench, body) VALUES(?,?,?,?)", settled)
            self.ended += len(settled)

    def copies(self, sessions: Iterable[str]) -> list[Ledger]:
        """Ledgers as they are now, to be looked at in another thread."""
        with self._lock:
            return [Ledger.of(copy.deepcopy(self.ledgers[session].as_dict())) for session in sessions]

    def _keep(self, sessions: Iterable[str]) -> None:
        rows = [(session, json.dumps(self.ledgers[session].as_dict())) for session in sessions]
        self._db.executemany("INSERT OR REPLACE INTO session VALUES(?,?)", rows)

    def _undo(self, touched: Mapping[str, str]) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        for session, before in touched.items():
            if before:
                self.ledgers[session] = Ledger.of(json.loads(before))
            else:
                self.ledgers.pop(session, None)

    # -- the sinks' side

    def after(self, sink: str, limit: int, *, whole: bool = False) -> list[Kept]:
        """The next messages for ``sink``, in order of arrival. ``whole``: what is handed out is marked, and handed out
        again as exactly the same messages until :meth:`moved`, whatever happens in between."""
        with self._lock:
            low, cut = self._db.execute("SELECT id, cut FROM cursor WHERE sink=?", (sink,)).fetchone()
            high = cut if cut is not None else 2**62
            rows = self._db.execute(
                "SELECT id, session, site, bench, body FROM message WHERE id>? AND id<=? ORDER BY id LIMIT ?",
                (low, high, -1 if cut is not None else limit),
            ).fetchall()
            if whole and rows and cut is None:
                self._db.execute("UPDATE cursor SET cut=? WHERE sink=?", (rows[-1][0], sink))
            return [Kept(*row) for row in rows]

    def marked(self, sink: str) -> bool:
        """Whether messages were handed out ``whole`` and are not done."""
        with self._lock:
            return self._db.execute("SELECT cut FROM cursor WHERE sink=?", (sink,)).fetchone()[0] is not None

    def moved(self, sink: str, to: int) -> None:
        """Everything up to ``to`` is durable in ``sink``; what is in all sinks is forgotten."""
        with self._lock:
            self._db.execute("UPDATE cursor SET id=?, cut=NULL WHERE sink=?", (to, sink))
            self._db.execute("DELETE FROM message WHERE id <= (SELECT min(id) FROM cursor)")

    def waiting(self) -> dict[str, int]:
        """Messages that each sink has still to take. None is left out of the numbering, so that nothing is counted."""
        with self._lock:
            (newest,) = self._db.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()
            cursors = self._db.execute("SELECT sink, id FROM cursor ORDER BY sink").fetchall()
            return {sink: max(0, newest - low) for sink, low in cursors}

    def size_mb(self) -> float:
        """How much waits: pages in use, not the file's size, which does not shrink."""
        with self._lock:
            (pages,), (free,), (size,) = (
                self._db.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "freelist_count", "page_size")
            )
            return float((pages - free) * size / 1e6)

    def close(self) -> None:
        with self._lock:
            self._db.close()
