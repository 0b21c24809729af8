"""The one thing that may be asked over MQTT: STOP. It can only make the bench safer, and it must have been asked just
now."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import NamedTuple

from drivers.plain import plain

TOPIC = "cmd/stop"
MAX_AGE_S = 5.0
MAX_BYTES = 4096
MOST = 10
"""Messages that are heard in a second. The first is never held back, and one STOP is enough."""


class Stop(NamedTuple):
    """A message as judged; ``ignored`` says why it is no STOP, and is empty for one."""

    ignored: str
    who: str = ""
    reason: str = ""


class Crowd:
    """Lets through what a person can ask, and keeps a flood from the daemon and its log."""

    def __init__(self) -> None:
        self._until_s, self._seen = 0.0, 0

    def holds_back(self, now_s: float) -> int:
        """0: it may pass. Else how many this second has held back with it."""
        if now_s >= self._until_s:
            self._until_s, self._seen = now_s + 1.0, 0
        self._seen += 1
        return max(0, self._seen - MOST)


def judge(wanted: str | None, topic: str, payload: bytes, retained: bool, now: datetime) -> Stop:
    """Judge one message.

    The payload is a JSON object with optional ``who``, ``reason`` and ``utc``; a payload that cannot be read is a STOP
    all the same. ``wanted`` is the topic of this bench's STOP, or None where the bench file accepts none. The age is a
    courtesy against a broker that delivers late, judged by wall-clock time: a wrong clock can lose a STOP, which is why
    MQTT is no E-stop.
    """
    if topic != wanted:
        return Stop("nothing but STOP is accepted, and only where the bench file says so")
    if retained:
        return Stop("it is retained, so nobody has asked for it now")
    if not payload:
        return Stop("it is empty: a retained message was cleared")
    if len(payload) > MAX_BYTES:
        return Stop(f"it is longer than {MAX_BYTES} bytes")
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        data = {}
    age_s = _age_s(data.get("utc"), now)
    if age_s is not None and age_s > MAX_AGE_S:
        return Stop(f"it is {age_s:.0f} s old, at most {MAX_AGE_S:.0f} s are allowed")
    return Stop("", f"mqtt {plain(data.get('who', 'unknown'), 80)}", plain(data.get("reason", ""), 200))


def _age_s(label: object, now: datetime) -> float | None:
    if not isinstance(label, str):
        return None
    try:
        when = datetime.fromisoformat(label)
    except ValueError:
        return None
    return (now - (when if when.tzinfo else when.replace(tzinfo=UTC))).total_seconds()
