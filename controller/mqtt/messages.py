"""Topics and payloads, version 1. Everything is JSON; consumers ignore fields they do not know.

    abl/v1/<site>/<bench>/birth                   retained  boot_id, bd_seq, software, devices
    abl/v1/<site>/<bench>/status                  retained  online|offline with the same boot_id and bd_seq; also the
    will abl/v1/<site>/<bench>/state                   retained  the daemon's state
    abl/v1/<site>/<bench>/alarm/<monitor>         retained  an empty payload clears it
    abl/v1/<site>/<bench>/session/<id>/meta       retained until the session is closed: header and channels
    abl/v1/<site>/<bench>/session/<id>/samples    one message per committed batch, as columns
    abl/v1/<site>/<bench>/session/<id>/events     one message per event
    abl/v1/<site>/<bench>/cmd/stop                the only thing that is ever listened to, where configured

Delivery is at least once: ``(bench, session, batch)`` identifies a samples message, ``seq0 + i`` its ticks, ``seq`` an
event. A death whose ``boot_id`` and ``bd_seq`` are not the current ones is void; silence of three heartbeats is a death
as well, since a will vanishes together with its broker.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, NamedTuple

from controller.records.schema import to_json


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


def session_meta(db: sqlite3.Connection, stamp: Stamp, session: str) -> str:
    """Header and channels of a session, retained while it runs."""
    header = {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM header ORDER BY key")}
    channels = [
        {"name": name, "unit": unit, "low": low, "high": high, "period_s": period_s}
        for name, unit, low, high, period_s in db.execute(
            "SELECT name, unit, low, high, period_s FROM channels ORDER BY id"
        )
    ]
    body = {"schema": "abl/session/1", **stamp._asdict(), "session": session, "header": header, "channels": channels}
    return to_json(body)


def batch_messages(db: sqlite3.Connection, stamp: Stamp, session: str, n: int, historical: bool) -> list[Message]:
    """The messages of batch ``n``: its events, one by one, and its ticks with their samples, as columns.

    ``historical``: the batch is older than the connection that carries it. The message of the batch that ends a session
    holds its summary and the head of the hash chain, which anchors the file.
    """
    low = db.execute("SELECT tick, sample, event FROM chain WHERE n=?", (n - 1,)).fetchone() or (-1, 0, 0)
    kind, digest, *high = db.execute("SELECT kind, hash, tick, sample, event FROM chain WHERE n=?", (n,)).fetchone()
    common: dict[str, Any] = {**stamp._asdict(), "session": session, "batch": n, "historical": historical}
    messages = [
        Message(
            f"session/{session}/events",
            to_json(
                {
                    "schema": "abl/events/1",
                    **common,
                    "seq": seq,
                    "t_s": t_s,
                    "utc": utc,
                    "kind": what,
                    "data": json.loads(data),
                }
            ),
        )
        for seq, t_s, utc, what, data in db.execute(
            "SELECT seq, t_s, utc, kind, data FROM events WHERE seq>? AND seq<=? ORDER BY seq", (low[2], high[2])
        )
    ]
    if high[0] > low[0]:
        messages.append(Message(f"session/{session}/samples", to_json({**common, **_columns(db, low, high)})))
    if kind == "close":
        summary = {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM summary ORDER BY key")}
        body = {"schema": "abl/closed/1", **common, "summary": summary, "chain_head": digest.hex()}
        messages.append(Message(f"session/{session}/events", to_json(body)))
    return messages


def _columns(db: sqlite3.Connection, low: Any, high: Any) -> dict[str, Any]:
    """Ticks as arrays of equal length, and each channel's readings with their own request times; null is "not a
    number"."""
    names = ("seq", "t_s", "state", "demand_w", "permit_w", "setpoint_w", "epoch", "energy_j")
    ticks = db.execute(
        f"SELECT {', '.join(names)} FROM ticks WHERE seq>? AND seq<=? ORDER BY seq", (low[0], high[0])
    ).fetchall()
    columns = dict(zip(names, map(list, zip(*ticks, strict=True)), strict=True))
    channels: dict[str, dict[str, list[Any]]] = {}
    for name, t_s, value, quality in db.execute(
        "SELECT name, t_request_s, value, quality FROM samples JOIN channels ON channels.id = samples.channel "
        "WHERE samples.id>? AND samples.id<=? ORDER BY samples.id",
        (low[1], high[1]),
    ):
        column = channels.setdefault(name, {"t_s": [], "value": [], "quality": []})
        column["t_s"].append(t_s)
        column["value"].append(value)
        column["quality"].append(quality)
    return {"schema": "abl/samples/1", "seq0": ticks[0][0], "n": len(ticks), **columns, "channels": channels}


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


def alarm(stamp: Stamp, monitor: str, facts: Mapping[str, object] | None) -> Message:
    """An alarm that stands, or (None) the end of one."""
    if facts is None:
        return Message(f"alarm/{monitor}", "", retain=True)
    return Message(
        f"alarm/{monitor}", to_json({"schema": "abl/alarm/1", **stamp._asdict(), "monitor": monitor, **facts}), True
    )
