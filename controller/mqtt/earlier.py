"""Sessions of earlier runs: which of them no broker has in full, and how far each has come.

The file of a session that has ended is never written again, so what was published of it since is remembered beside the
sessions, in ``mqtt-<bench>.json``. Only sessions that were followed from their beginning (their file has a cursor)
count: a rehearsal is nobody's telemetry.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from controller.mqtt.messages import Subject, header_of, subject
from controller.records.hold import being_written
from controller.records.ids import SUFFIX
from controller.records.opening import connect
from controller.records.store import RecordError

log = logging.getLogger("controller.mqtt")

CURSOR = "mqtt"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ID = re.compile(f"[0-7][{_CROCKFORD}]{{25}}")


class Old(NamedTuple):
    """A session file that is no longer written."""

    path: Path
    about: Subject
    head: int  # its newest batch
    acknowledged: int  # the newest batch that a broker has
    closed: bool  # by its writer; else the broker may still hold its meta
    followed: bool  # from its beginning, by a publisher


def folder_of(session_file: Path) -> Path:
    """The folder of all sessions: ``folder/YYYY/MM/DD/file``."""
    return session_file.parents[3]


def began(session: str) -> datetime | None:
    """When a session began, which its id (a ULID) says; None for what is no id."""
    if not _ID.fullmatch(session):
        return None
    milliseconds = 0
    for letter in session[:10]:
        milliseconds = milliseconds * 32 + _CROCKFORD.index(letter)
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None


def find(folder: Path, session: str) -> Path | None:
    """The file of a session; None when it is not in ``folder``."""
    when = began(session)
    if when is None:
        return None
    return next(iter(sorted((folder / f"{when:%Y/%m/%d}").glob(f"*_{session}*{SUFFIX}"))), None)


def look(path: Path, bench: str) -> Old | None:
    """A session file of this bench; None for another's, or for one that cannot be read."""
    try:
        with contextlib.closing(connect(path, may_copy=False)) as db:
            header = header_of(db)
            head, kind = db.execute("SELECT n, kind FROM chain ORDER BY n DESC LIMIT 1").fetchone()
            cursor = db.execute("SELECT batch FROM cursor WHERE name=?", (CURSOR,)).fetchone()
        if header.get("bench") != bench:
            return None
        acknowledged = head if cursor is None else cursor[0]
        return Old(path, subject(header), head, acknowledged, kind == "close", cursor is not None)
    except (RecordError, sqlite3.Error, ValueError, KeyError, TypeError) as error:
        log.warning("mqtt: %s is not published: %s", path, error)
        return None


class Ledger:
    """How far sessions that have ended were published since: session -> newest acknowledged batch."""

    def __init__(self, folder: Path, bench: str) -> None:
        self.path = folder / f"mqtt-{re.sub(r'[^A-Za-z0-9-]+', '-', bench)}.json"
        self._reached: dict[str, int] = {}
        with contextlib.suppress(OSError, ValueError):  # without it, batches are sent twice, which consumers expect
            loaded = json.loads(self.path.read_text(encoding="utf-8"))
            self._reached = {str(key): int(value) for key, value in loaded["acknowledged"].items()}

    def reached(self, old: Old) -> int:
        """The newest batch of ``old`` that a broker has."""
        return max(old.acknowledged, self._reached.get(old.about.session, -1))

    def lacks(self, old: Old) -> bool:
        """Whether something of it is still to be said."""
        return old.acknowledged < old.head or not (old.closed or old.about.session in self._reached)

    def reach(self, session: str, batch: int) -> None:
        """Remember; :meth:`save` makes it last."""
        self._reached[session] = batch

    def save(self, oldest: datetime) -> None:
        """Write it whole, without sessions that are too old to be looked at. A disk that refuses costs repetitions."""
        kept = {key: n for key, n in self._reached.items() if (when := began(key)) is not None and when >= oldest}
        text = json.dumps({"acknowledged": dict(sorted(kept.items()))}, indent=0)
        new = self.path.with_suffix(".new")
        try:
            new.write_text(text + "\n", encoding="utf-8")
            os.replace(new, self.path)
        except OSError as error:
            log.warning("mqtt: %s cannot be written (%s): after a restart some batches are sent twice", new, error)


def _live(path: Path) -> bool:
    """Whether somebody writes it: his own publisher tells it then."""
    try:
        return being_written(path)
    except OSError:
        return True  # gone, or not ours to read


def followed(folder: Path, bench: str, ledger: Ledger, oldest: datetime, but: str) -> Iterator[Old | None]:
    """Sessions of ``bench`` since ``oldest`` that are telemetry, oldest first, without session ``but``. None for each
    file that is not, so that whoever asks can do something else in between.
    """
    for day in sorted(folder.glob("[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]")):
        with contextlib.suppress(ValueError):
            when = datetime(*(int(part) for part in day.parts[-3:]), tzinfo=UTC)  # type: ignore[misc, arg-type]
            if when + timedelta(days=1) < oldest:
                continue
            for path in sorted(day.glob(f"*{SUFFIX}")):
                old = look(path, bench) if but not in path.name and not _live(path) else None
                if old is None or not old.followed or old.about.utc < oldest:
                    yield None
                else:
                    yield old._replace(acknowledged=ledger.reached(old))
