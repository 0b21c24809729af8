"""What the daemon before this one left without an end: an application whose dose nobody knows (H23).

A daemon that was killed, or lost its mains, could not say what it had delivered. Whoever starts the bench next is told
before anything can be armed: it is part of what is acknowledged and reset, and it is in the new session's record.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from controller.records.opening import connect, find_sessions
from controller.records.store import NothingRecorded, RecordError
from safety.types import Trip

log = logging.getLogger(__name__)

SEARCHED = 50
"""Sessions looked into for the newest one of this bench; a folder may be shared."""
UNTOLD = "whether an application was left without an end cannot be told"


class Unclean(NamedTuple):
    """An application that has no end on record."""

    session: str
    number: int  # of the application in it
    protocol: str
    target: str | None
    recorded_j: float  # at least

    @property
    def text(self) -> str:
        """What a person must know."""
        target = f" on target {self.target}" if self.target is not None else ""
        return (
            f"nobody knows what application {self.number} of session {self.session} (protocol {self.protocol}){target} "
            f"delivered: {self.recorded_j:.0f} J are on record, and then its daemon ended"
        )

    def latched(self, latch: Trip | None, now_s: float) -> Trip:
        """The latch that a start begins with: a cause that is there stays the first, and says this as well."""
        if latch is not None:
            return dataclasses.replace(latch, check=f"{latch.check}; {self.text}")
        check = "take this dose as unknown, look at what ended the daemon (mains, machine, its log), then reset"
        return Trip("H23", "unclean", "daemon", "", self.recorded_j, 0.0, 0.0, now_s, self.text, check)


def unclean_end(folder: Path, owner: Mapping[str, object], *, besides: Path) -> Unclean | None:
    """The application that a bench's newest session under ``folder`` began and did not end; None: there is none.

    Args:
        owner: what the header of a session of this bench says. A rehearsal of the same bench file is another's.
        besides: the session that is being written.
    """
    try:
        paths = find_sessions(folder)
    except (OSError, ValueError) as error:  # another bench has just taken a file away
        log.warning("%s: %s", UNTOLD, error)
        return None
    for path in reversed(paths[-SEARCHED:]):
        if path == besides:
            continue
        try:
            with closing(connect(path)) as db:
                header = {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM header")}
                if {key: header.get(key) for key in owner} == owner:
                    return _left(db, str(header.get("id", path.stem)))
        except NothingRecorded:
            continue
        except (RecordError, sqlite3.Error, ValueError) as error:
            log.warning("%s: %s", UNTOLD, error)
    return None


def _left(db: sqlite3.Connection, session: str) -> Unclean | None:
    if db.execute("SELECT count(*) FROM chain WHERE kind='close'").fetchone()[0]:
        return None
    newest = "SELECT data FROM events WHERE kind=? ORDER BY seq DESC LIMIT 1"
    begun, ended = db.execute(newest, ("application",)).fetchone(), db.execute(newest, ("application_end",)).fetchone()
    if begun is None:
        return None
    told, number = json.loads(begun[0]), json.loads(ended[0])["number"] if ended is not None else None
    if told["number"] == number:
        return None
    energy = db.execute("SELECT energy_j FROM ticks ORDER BY seq DESC LIMIT 1").fetchone()
    return Unclean(session, told["number"], told["protocol"], told["target"], float(energy[0]) if energy else 0.0)
