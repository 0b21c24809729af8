"""The session file, looked at once a second: the newest reading of every channel, and how far behind the broker is."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from controller.mqtt import messages
from controller.mqtt.messages import Subject
from controller.records.opening import connect

MOST_SAMPLES = 20_000  # looked at for a first view of a session that has run for long


class Lag(NamedTuple):
    """``rows``: ticks, samples and events that no broker has acknowledged; ``seconds``: what they span, on the
    session's clock."""

    rows: int = 0
    seconds: float = 0.0


class Watch:
    """Follows one session. Belongs to the publisher's thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sample = -1
        self._about: Subject | None = None
        self._channels: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, Any] | None = None
        """The body of ``latest``: ``session``, ``t_s``, ``utc``, ``state``, set-point, energy, ``channels`` by name;
        None before the first tick."""
        self.lag = Lag()

    def look(self, acknowledged: int) -> None:
        """Look now. ``acknowledged``: the newest batch that the broker has. Raises :class:`RecordError`,
        :class:`sqlite3.Error`."""
        with contextlib.closing(connect(self._path, may_copy=False)) as db:
            if self._about is None:
                self._about = messages.subject(messages.header_of(db))
            row = db.execute("SELECT t_s, tick, sample, event FROM chain ORDER BY n DESC LIMIT 1").fetchone()
            base = db.execute("SELECT t_s, tick, sample, event FROM chain WHERE n=?", (acknowledged,)).fetchone()
            base = base or (self._about.t_start_s, -1, 0, 0)
            self.lag = Lag(sum(row[1:]) - sum(base[1:]), max(0.0, row[0] - base[0]))
            self._read(db, self._about, row[2])

    def _read(self, db: sqlite3.Connection, about: Subject, newest: int) -> None:
        tick = db.execute(
            "SELECT t_s, state, setpoint_w, energy_j, seq FROM ticks ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        if tick is None:
            return
        since = max(self._sample, newest - MOST_SAMPLES)
        for name, unit, value, quality, t_s, _ in db.execute(
            "SELECT name, unit, value, quality, t_request_s, max(samples.id) FROM samples "  # the row of that id
            "JOIN channels ON channels.id = samples.channel WHERE samples.id>? GROUP BY samples.channel",
            (since,),
        ):
            self._channels[name] = {"value": value, "unit": unit, "quality": quality, "t_s": t_s}
        self._sample = newest
        t_s, state, setpoint_w, energy_j, seq = tick
        self.facts = {
            "session": about.session, "simulated": about.simulated, "seq": seq, "t_s": t_s, "utc": about.label(t_s),
            "state": state, "setpoint_w": setpoint_w, "energy_j": energy_j, "channels": dict(self._channels),
        }  # fmt: skip
