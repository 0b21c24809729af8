"""What arrives: topics and payloads taken apart, and refused where they are not what they should be.

Unknown fields are no mistake: a bench may be newer than its collector. Everything that a sink will read is looked at
here, so that no message that was acknowledged can stop a sink later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from controller.collect.journal import Arrived
from controller.mqtt.messages import ROOT

TICK = ("seq", "t_s", "state", "demand_w", "permit_w", "setpoint_w", "epoch", "energy_j")
TEXTS = frozenset({"state"})
WHOLE = frozenset({"seq", "epoch"})
NUMBER = frozenset({int, float, type(None)})  # bool, which is an int to Python, is none
_TYPES = dict.fromkeys(TEXTS, frozenset({str})) | dict.fromkeys(WHOLE, frozenset({int}))
MOST_ANNOUNCED = 1000
LATEST_S = 1e9  # of a session's clock: thirty years


class Told(NamedTuple):
    """Something that is not kept: ``what`` is ``status``, ``sessions`` or ``done``."""

    site: str
    bench: str
    what: str
    data: Mapping[str, Any]


class Refused(ValueError):
    """This is no message of ours; the text says why."""


def topics(site: str, bench: str, name: str) -> list[str]:
    """What to subscribe to for one bench; ``+`` for all."""
    root = f"{ROOT}/{site}/{bench}"
    return [f"{root}/status", f"{root}/sessions", f"{root}/session/+/+", f"{root}/backfill/{name}/+"]


def read(topic: str, payload: bytes) -> Arrived | Told | None:
    """A message; None for a retained one that was cleared.

    Raises:
        Refused: it is not what its topic says.
    """
    levels = topic.split("/")
    if len(levels) < 5 or "/".join(levels[:2]) != ROOT:
        raise Refused("its topic is none of ours")
    if not payload:
        return None
    try:
        data = json.loads(payload)
        if not isinstance(data, dict):
            raise TypeError("not an object")
        schema, site, bench, what = data["schema"], levels[2], levels[3], levels[-1]
        if schema == "abl/status/1":
            return Told(site, bench, "status", data)
        if schema == "abl/sessions/1":
            _announced(data)
            return Told(site, bench, "sessions", data)
        if schema == "abl/backfilled/1":
            if not isinstance(data["request"], str):
                raise TypeError("request is no text")
            return Told(site, bench, "done", data)
        session = data["session"]
        _id(session)
        if levels[4] == "session" and session != levels[5]:
            raise ValueError("its topic names another session")
        _CHECKS[schema](data)
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise Refused(f"{type(error).__name__}: {error}"[:200]) from error
    if what == "meta" and schema != "abl/session/1":
        raise Refused(f"schema {schema!r} is not abl/session/1")
    return Arrived(site, bench, session, payload, data)


def _id(session: object) -> None:
    if not isinstance(session, str) or not re.fullmatch("[0-9A-Za-z-]{1,64}", session):
        raise TypeError("session is no id")


def _announced(data: Mapping[str, Any]) -> None:
    if len(data["sessions"]) > MOST_ANNOUNCED:
        raise ValueError(f"more than {MOST_ANNOUNCED} sessions")
    for one in data["sessions"]:
        _id(one["session"])
        if type(one["last_batch"]) is not int or not 0 <= one["last_batch"] < 2**53:
            raise TypeError("last_batch is no whole number")


def _meta(data: Mapping[str, Any]) -> None:
    if not isinstance(data["header"], dict) or not isinstance(data["channels"], list):
        raise TypeError("header or channels are missing")
    if (utc := data["header"].get("utc")) is not None:
        _when(utc)


def _batch(data: Mapping[str, Any]) -> None:
    for name, default in (("batch", None), ("part", 0), ("parts", 1)):
        value = data.get(name, default)
        if type(value) is not int or not 0 <= value < 2**53:
            raise TypeError(f"{name} is no whole number")
    if not data.get("part", 0) < data.get("parts", 1) <= 100_000:
        raise ValueError("part is none of parts")


def _samples(data: Mapping[str, Any]) -> None:
    _batch(data)
    n = data["n"]
    if type(n) is not int or n < 0:
        raise TypeError("n is no whole number")
    for name in TICK:
        _column(name, data[name], n)
    if n:
        _when(data["utc0"])
        if None in data["t_s"]:
            raise TypeError("t_s is no number")
    for name, column in data["channels"].items():
        if "\x00" in name:
            raise ValueError("a channel's name holds a NUL")
        m = len(column["value"])
        for key in ("t_s", "value"):
            _column(f"{name}: {key}", column[key], m)
        codes = column["quality"]
        if len(codes) != m or not set(map(type, codes)) <= {int} or (m and not 0 <= min(codes) <= max(codes) < 128):
            raise TypeError(f"{name}: quality")


def _column(name: str, values: Any, n: int) -> None:
    if not isinstance(values, list) or len(values) != n:
        raise ValueError(f"{name} has not {n} values")
    if not set(map(type, values)) <= (wanted := _TYPES.get(name, NUMBER)):
        raise TypeError(f"{name}: {next(value for value in values if type(value) not in wanted)!r}")
    if name in TEXTS and any("\x00" in value for value in values):
        raise TypeError(f"{name} holds a NUL")
    if name in WHOLE and any(abs(value) >= 2**53 for value in values):
        raise TypeError(f"{name}: a number that nobody counts to")
    if name.endswith("t_s") and any(value is not None and not abs(value) < LATEST_S for value in values):
        raise ValueError(f"{name}: a time that no session has")


def _when(utc: object) -> None:
    """A label of the calendar, with its zone."""
    if not isinstance(utc, str) or datetime.fromisoformat(utc).tzinfo is None:
        raise ValueError(f"{utc!r} is no time in UTC")


def _event(data: Mapping[str, Any]) -> None:
    _batch(data)
    _column("seq", [data["seq"]], 1)
    _column("t_s", [data["t_s"]], 1)
    _when(data["utc"])
    if not isinstance(data["kind"], str) or not isinstance(data["data"], dict):
        raise TypeError("kind or data")


def _closed(data: Mapping[str, Any]) -> None:
    _batch(data)
    if not isinstance(data["summary"], dict) or not re.fullmatch("[0-9a-f]{64}", data["chain_head"]):
        raise TypeError("summary or chain_head")


_CHECKS = {"abl/session/1": _meta, "abl/samples/1": _samples, "abl/events/1": _event, "abl/closed/1": _closed}
