"""Topics and payloads, version 1. Everything is JSON; consumers ignore fields they do not know.

    abl/v1/<site>/<bench>/birth                   retained  what the bench is: software, devices
    abl/v1/<site>/<bench>/status                  retained  online, each heartbeat; offline as farewell, and as the will
    abl/v1/<site>/<bench>/state                   retained  what the daemon is doing
    abl/v1/<site>/<bench>/latest                  retained  the newest reading of each channel, once a second
    abl/v1/<site>/<bench>/alarm/<monitor>         retained  an empty payload clears it
    abl/v1/<site>/<bench>/sessions                retained  the newest sessions that it has, for who was away
    abl/v1/<site>/<bench>/session/<id>/meta       retained until the session is closed: header and channels
    abl/v1/<site>/<bench>/session/<id>/samples    one message per committed batch, as columns
    abl/v1/<site>/<bench>/session/<id>/events     one message per event, and the session's end
    abl/v1/<site>/<bench>/backfill/<asker>/meta|samples|events|done     what somebody asked for again
    abl/v1/<site>/<bench>/cmd/backfill            asks for batches again
    abl/v1/<site>/<bench>/cmd/stop                the only thing that acts on the bench, where configured

Delivery is at least once: ``(bench, session, batch, part)`` identifies a message, ``seq0 + i`` its ticks, ``seq`` an
event. A batch is one commit of the session file; each has at least one message, so that a number that is missing is a
gap. A death whose ``boot_id`` and ``bd_seq`` are not the current ones is void; silence of three heartbeats is a death
as well, since a will vanishes together with its broker.

These dicts are made by hand, for speed; :mod:`controller.mqtt.models` describes them, and the tests hold one to the
other.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from controller.records.schema import to_json

ROOT = "abl/v1"
WINDOW = 10
"""Publications in flight: enough for any network that is near, and what is sent twice after a break is no more."""
MOST_SESSIONS = 50
"""In the announcement of sessions."""
MOST_TICKS = 50
"""In one message: a commit that a slow disk held up may be of any size. While it is put into words nothing else runs in
this interpreter, 1.5 ms for 20 channels; and brokers refuse what is above a megabyte."""


class Message(NamedTuple):
    """One publication; ``topic`` is below the bench's root."""

    topic: str
    payload: str
    retain: bool = False


class Stamp(NamedTuple):
    """What every message carries."""

    bench: str
    boot_id: str
    bd_seq: int
    simulated: bool


class Subject(NamedTuple):
    """A session as its messages name it. ``utc`` and ``t_start_s`` tie its clock to the calendar."""

    session: str
    simulated: bool
    utc: datetime
    t_start_s: float

    def label(self, t_s: float) -> str:
        """``t_s`` of the session's clock as the calendar had it when the session began."""
        when = self.utc + timedelta(seconds=t_s - self.t_start_s)
        return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def header_of(db: sqlite3.Connection) -> dict[str, Any]:
    """What the session is."""
    return {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM header ORDER BY key")}


def subject(header: Mapping[str, Any]) -> Subject:
    """From a session's header."""
    return Subject(
        str(header["id"]),
        bool(header.get("simulated")),
        datetime.fromisoformat(header["utc"]),
        float(header["t_start_s"]),
    )


def session_meta(db: sqlite3.Connection, stamp: Stamp, more: Mapping[str, object] | None = None) -> str:
    """Header and channels of a session, retained while it runs."""
    header = header_of(db)
    about = subject(header)
    channels = [
        {"name": name, "unit": unit, "low": low, "high": high, "period_s": period_s}
        for name, unit, low, high, period_s in db.execute(
            "SELECT name, unit, low, high, period_s FROM channels ORDER BY id"
        )
    ]
    who = stamp._replace(simulated=about.simulated)._asdict()
    body = {
        "schema": "abl/session/1", **who, "session": about.session, "header": header, "channels": channels,
        **(more or {}),
    }  # fmt: skip
    return to_json(body)


def batch_messages(
    db: sqlite3.Connection,
    stamp: Stamp,
    about: Subject,
    n: int,
    historical: bool,
    more: Mapping[str, object] | None = None,
) -> list[tuple[str, str]]:
    """The messages of batch ``n``, as (``samples`` or ``events``, payload): its events, one by one, and its ticks with
    their samples, as columns.

    ``historical``: the batch is older than the connection that carries it. The message of the batch that ends a session
    holds its summary and the head of the hash chain, which anchors the file. A batch without ticks and events (the
    first, or a picture alone) is told by a samples message without ticks.
    """
    low = db.execute("SELECT tick, sample, event FROM chain WHERE n=?", (n - 1,)).fetchone() or (-1, 0, 0)
    kind, digest, *high = db.execute("SELECT kind, hash, tick, sample, event FROM chain WHERE n=?", (n,)).fetchone()
    bodies: list[tuple[str, dict[str, Any]]] = [
        (
            "events",
            {"schema": "abl/events/1", "seq": seq, "t_s": t_s, "utc": utc, "kind": what, "data": json.loads(data)},
        )
        for seq, t_s, utc, what, data in db.execute(
            "SELECT seq, t_s, utc, kind, data FROM events WHERE seq>? AND seq<=? ORDER BY seq", (low[2], high[2])
        )
    ]
    if kind == "close":
        summary = {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM summary ORDER BY key")}
        bodies.append(("events", {"schema": "abl/closed/1", "summary": summary, "chain_head": digest.hex()}))
    else:
        for first in range(low[0], high[0], MOST_TICKS) or ([high[0]] if not bodies else []):
            ticks = (first, min(first + MOST_TICKS, high[0]))
            bodies.append(("samples", _columns(db, ticks, (low[1], high[1]), about)))
    common: dict[str, Any] = {
        **stamp._replace(simulated=about.simulated)._asdict(),
        "session": about.session, "batch": n, "parts": len(bodies), "historical": historical, **(more or {}),
    }  # fmt: skip
    return [(where, to_json({**common, "part": part, **body})) for part, (where, body) in enumerate(bodies)]


_TICK = ("seq", "t_s", "state", "demand_w", "permit_w", "setpoint_w", "epoch", "energy_j")


def _columns(
    db: sqlite3.Connection, between: tuple[int, int], samples: tuple[int, int], about: Subject
) -> dict[str, Any]:
    """Ticks as arrays of equal length, and each channel's readings with their own request times; null is "not a
    number"."""
    ticks = db.execute(f"SELECT {', '.join(_TICK)} FROM ticks WHERE seq>? AND seq<=? ORDER BY seq", between).fetchall()
    columns: dict[str, Any] = {name: [row[i] for row in ticks] for i, name in enumerate(_TICK)}
    channels: dict[str, dict[str, list[Any]]] = {}
    for name, t_s, value, quality in db.execute(
        "SELECT name, t_request_s, value, quality FROM samples JOIN channels ON channels.id = samples.channel "
        "WHERE samples.id>? AND samples.id<=? AND tick>? AND tick<=? ORDER BY samples.id",
        (*samples, *between),
    ):
        column = channels.setdefault(name, {"t_s": [], "value": [], "quality": []})
        column["t_s"].append(t_s)
        column["value"].append(value)
        column["quality"].append(quality)
    return {
        "schema": "abl/samples/1",
        "seq0": ticks[0][0] if ticks else None,
        "utc0": about.label(ticks[0][1]) if ticks else None,
        "n": len(ticks),
        **columns,
        "channels": channels,
    }


def status(stamp: Stamp, online: bool, **more: object) -> Message:
    """The bench is there, or (as a will, or as a farewell) it is not."""
    body = {"schema": "abl/status/1", **stamp._asdict(), "state": "online" if online else "offline", **more}
    return Message("status", to_json(body), retain=True)


def birth(stamp: Stamp, facts: Mapping[str, object]) -> Message:
    """What the bench is, sent first after every connection."""
    return Message("birth", to_json({"schema": "abl/birth/1", **stamp._asdict(), **facts}), retain=True)


def state(stamp: Stamp, facts: Mapping[str, object]) -> Message:
    """What the daemon is doing."""
    return Message("state", to_json({"schema": "abl/state/1", **stamp._asdict(), **facts}), retain=True)


def latest(stamp: Stamp, facts: Mapping[str, object]) -> Message:
    """The newest reading of every channel (:mod:`controller.mqtt.watch`)."""
    return Message("latest", to_json({"schema": "abl/latest/1", **stamp._asdict(), **facts}), retain=True)


def sessions(stamp: Stamp, found: Sequence[Mapping[str, object]]) -> Message:
    """The newest sessions that batches can be asked for of (:class:`controller.mqtt.catchup.CatchUp`)."""
    return Message("sessions", to_json({"schema": "abl/sessions/1", **stamp._asdict(), "sessions": found}), retain=True)


def alarm(stamp: Stamp, monitor: str, facts: Mapping[str, object] | None) -> Message:
    """An alarm that stands, or (None) the end of one."""
    if facts is None:
        return Message(f"alarm/{monitor}", "", retain=True)
    body = {"schema": "abl/alarm/1", **stamp._asdict(), **facts, "monitor": monitor}
    return Message(f"alarm/{monitor}", to_json(body), retain=True)


def backfilled(stamp: Stamp, reply_to: str, facts: Mapping[str, object]) -> Message:
    """The end of the answer to a request."""
    return Message(f"backfill/{reply_to}/done", to_json({"schema": "abl/backfilled/1", **stamp._asdict(), **facts}))
