"""The open session, followed in its file: history of the chart, events, newest reading of every channel.

What is shown is what is recorded: a page that comes late, or is reloaded, gets its past from the file. A thread looks
four times a second, each time through a read-only connection of a few milliseconds, so that the daemon finds the file
free when it closes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from controller.panel.columns import Columns
from controller.records.opening import connect
from controller.records.store import RecordError

log = logging.getLogger("controller.panel")

LOOK_S = 0.25
MOST_EVENTS = 500
"""Kept for a page that comes late; all are in the file."""
NOT_SHOWN = frozenset({"kernel", "inputs"})
"""For replay only."""
LONGEST = 2000
"""Characters of an event's text, a protocol's say; the library shows it whole."""

Event = dict[str, Any]


def series_of(roles: Mapping[str, Any]) -> dict[str, str]:
    """What is drawn, by the names that status has -> channel: ``power_w``, ``tissue_c[0]``, ..."""
    source = roles.get("source")
    found: dict[str, str | None] = {
        "power_w": f"{source}.power_w",
        "forward_w": f"{source}.forward_power_w",
        "impedance_ohm": roles.get("impedance"),
        "tip_c": roles.get("tip"),
        "shaft_c": roles.get("shaft"),
        "coolant_c": roles.get("coolant"),
        "flow_ml_min": roles.get("flow"),
    }
    for role, name in (("tissue", "tissue_c"), ("tines", "tine_c")):
        found |= {f"{name}[{n}]": channel for n, channel in enumerate(roles.get(role) or ())}
    return {name: channel for name, channel in found.items() if channel}


class Follower:
    """One bench's open session. ``header``, ``channels`` and ``history`` are of the file that is open now."""

    def __init__(self, roles: Mapping[str, Any]) -> None:
        self._series = series_of(roles)
        self.path: Path | None = None
        self.header: dict[str, Any] = {}
        self.rows = 0
        self.trouble = ""
        """Why the file cannot be read; empty when it can."""
        self.on_events: Callable[[list[Event]], None] = lambda events: None
        self.on_session: Callable[[], None] = lambda: None
        self._forget()

    def _forget(self) -> None:
        self.history = Columns(tuple(self._series))
        self.events: list[Event] = []
        self.channels: dict[str, dict[str, Any]] = {}
        self.t_s = 0.0
        self._names: dict[int, str] = {}
        self._tick, self._sample, self._event = -1, 0, 0
        self.header, self.rows = {}, 0

    async def run(self, session_file: Callable[[], str | None]) -> None:
        """Follow whatever file ``session_file`` names, until cancelled."""
        while True:
            told = session_file()
            if told is not None:
                path = Path(told)
                other = path != self.path
                if other:
                    self._forget()
                    self.path = path
                try:
                    events = await asyncio.to_thread(self.look)
                    self.trouble = ""
                except (RecordError, sqlite3.Error, OSError, ValueError) as error:
                    if str(error) != self.trouble:
                        log.warning("the session file cannot be followed: %s", error)
                    self.trouble = str(error)
                else:
                    if other:
                        self.on_session()
                    if events:
                        self.on_events(events)
            await asyncio.sleep(LOOK_S)

    def look(self) -> list[Event]:
        """Read what was committed since the last look; the new events. In a thread.

        Raises:
            RecordError, sqlite3.Error: it cannot be read now.
        """
        assert self.path is not None
        with contextlib.closing(connect(self.path, may_copy=False)) as db:
            db.execute("BEGIN")
            if not self.header:
                self.header = {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM header")}
            self._read_samples(db)
            found = db.execute(
                "SELECT seq, t_s, utc, kind, data FROM events WHERE seq>? ORDER BY seq", (self._event,)
            ).fetchall()
        if found:
            self._event = found[-1][0]
        self.rows = len(self.history) + self._sample + self._event
        events = [event(*row) for row in found if row[3] not in NOT_SHOWN]
        self.events = [*self.events, *events][-MOST_EVENTS:]
        return events

    def _read_samples(self, db: sqlite3.Connection) -> None:
        self._names = dict(db.execute("SELECT id, name FROM channels"))
        wanted = {channel: n for n, channel in enumerate(self._series.values())}
        place = {number: wanted[name] for number, name in self._names.items() if name in wanted}
        ticks = db.execute(
            "SELECT seq, t_s, setpoint_w, permit_w, energy_j FROM ticks WHERE seq>? ORDER BY seq", (self._tick,)
        ).fetchall()
        if not ticks:
            return
        last = ticks[-1][0]
        samples = iter(
            db.execute(
                "SELECT id, tick, channel, t_request_s, value, quality FROM samples WHERE id>? AND tick<=? ORDER BY id",
                (self._sample, last),
            ).fetchall()
        )
        sample = next(samples, None)
        newest: dict[int, tuple[float, float | None, int]] = {}
        for seq, t_s, setpoint_w, permit_w, energy_j in ticks:
            while sample is not None and sample[1] <= seq:
                self._sample, _, channel, at_s, value, quality = sample
                newest[channel] = (at_s, value, quality)
                if channel in place:
                    self.history.set(place[channel], value if quality == 0 else None)
                sample = next(samples, None)
            self.history.row(t_s, setpoint_w, permit_w, energy_j)
        self._tick, self.t_s = last, ticks[-1][1]
        for channel, (at_s, value, quality) in newest.items():
            self.channels[self._names[channel]] = {"t_s": at_s, "value": value, "quality": quality}


def event(seq: int, t_s: float, utc: str, kind: str, data: str) -> Event:
    """An event as pages get it: long texts are cut, what belongs to replay alone is left out."""
    told = json.loads(data)
    return {"seq": seq, "t_s": t_s, "utc": utc, "kind": kind, "data": _short(told)}


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items() if key != "kernel"}
    if isinstance(value, list):
        return [_short(item) for item in value[:100]]
    return value[:LONGEST] if isinstance(value, str) else value
