"""What the daemon before this one left without an end: an application whose dose nobody knows (H23).

A daemon that was killed, or lost its mains, could not say what it had delivered. Whoever starts the bench next is told
before anything can be armed: it is part of what is acknowledged and reset, and it is in the new session's record.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from controller.daemon.latch import replace
from controller.records.opening import connect
from controller.records.store import NothingRecorded, RecordError
from safety.types import Trip

log = logging.getLogger(__name__)


class Unclean(NamedTuple):
    """An application that has no end on record, or a session in which there may be one."""

    session: str  # its file
    text: str  # what a person must know
    recorded_j: float  # at least

    def latched(self, latch: Trip | None, now_s: float) -> Trip:
        """The latch that a start begins with: a cause that is there stays the first, and says this as well."""
        if latch is None:
            check = "take this dose as unknown, look at what ended the daemon (mains, machine, its log), then reset"
            return Trip("H23", "unclean", "daemon", "", self.recorded_j, 0.0, 0.0, now_s, self.text, check)
        if self.text in (latch.text + latch.check):  # said by a daemon that did not come further than that
            return latch
        return dataclasses.replace(latch, check=f"{latch.check}; {self.text}")


class UnderWay:
    """``<state dir>/session.txt``: the session file that this bench's daemon is writing, wherever that lies. It is gone
    when that was closed. ``path`` None: a rehearsal, which leaves nothing to anybody.
    """

    def __init__(self, path: Path | None) -> None:
        self._path, self._begun = path, False

    def left(self) -> Unclean | None:
        """What the daemon before this one had begun and not ended; None: nothing."""
        try:
            session = Path(self._path.read_text().strip()) if self._path is not None else None
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            return _unreadable(str(self._path), error)
        return None if session is None else _left(session)

    def begins(self, session: Path) -> None:
        """This session is written from now on; from here the one before it is forgotten."""
        if self._path is not None:
            try:
                replace(self._path, f"{session.resolve()}\n")
                self._begun = True
            except OSError as error:
                log.error("which session is under way could not be written down: %s", error)

    def ends(self) -> None:
        """It was closed."""
        if self._path is not None and self._begun:
            self._path.unlink(missing_ok=True)


def _unreadable(session: str, error: Exception) -> Unclean:
    text = f"nobody knows whether an application was under way when the daemon before this one ended: {error}"
    return Unclean(session, text, 0.0)


def _left(session: Path) -> Unclean | None:
    newest = "SELECT data FROM events WHERE kind=? ORDER BY seq DESC LIMIT 1"
    try:
        with closing(connect(session)) as db:
            closed = db.execute("SELECT count(*) FROM chain WHERE kind='close'").fetchone()[0]
            begun = db.execute(newest, ("application",)).fetchone()
            ended = db.execute(newest, ("application_end",)).fetchone()
            energy = db.execute("SELECT energy_j FROM ticks ORDER BY seq DESC LIMIT 1").fetchone()
    except NothingRecorded:
        return None
    except (RecordError, sqlite3.Error) as error:
        return _unreadable(str(session), error)
    if closed or begun is None:
        return None
    told = json.loads(begun[0])
    if ended is not None and json.loads(ended[0])["number"] == told["number"]:
        return None
    recorded_j = float(energy[0]) if energy is not None else 0.0
    what = f"protocol {told['protocol']}" + (f", target {told['target']}" if told["target"] is not None else "")
    text = (
        f"nobody knows what application {told['number']} of session {session.stem} ({what}) delivered: "
        f"{recorded_j:.0f} J are on record, and then its daemon ended"
    )
    return Unclean(str(session), text, recorded_j)
