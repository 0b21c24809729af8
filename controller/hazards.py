"""The hazard table: what can go wrong, what notices it, and what proves that. ``safety/hazards.toml`` says what each
key means; whoever needs the table reads it and calls :func:`parse`. No decision is made from it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

IDS = tuple(f"H{number:02}" for number in range(1, 83))
ACTIONS = ("INH", "STOP", "TRIP", "LOCK")
ALARMS = ("high", "medium", "low", "none")
KINDS: Mapping[str, tuple[str, ...]] = {
    "interlock": ("interlock", "threshold", "action", "injection", "proof"),
    "process": ("threshold", "reason", "proof"),
    "wiring": ("check", "reason"),
    "site": ("check", "reason"),
    "open": ("missing",),
}
"""Kinds of rows, each with the keys that must not be empty."""
REQUIRED = ("id", "title", "kind", "action", "alarm", "latch")
LISTS = ("action", "interlock", "injection", "proof")
TEXTS = ("id", "title", "kind", "alarm", "latch", "threshold", "check", "reason", "missing")


@dataclass(frozen=True, slots=True)
class Hazard:
    """One row. ``trips_within_s``: from the moment at which the fault can be seen to 0 W; None: there is no bound."""

    id: str
    title: str
    kind: str
    action: tuple[str, ...]
    alarm: str
    latch: str
    interlock: tuple[str, ...] = ()  # "module: name of the monitor"
    threshold: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)  # dotted name in the code -> its value
    trips_within_s: float | None = None
    injection: tuple[str, ...] = ()  # faults as in --fault, or tests
    proof: tuple[str, ...] = ()  # tests
    check: str = ""
    reason: str = ""
    missing: str = ""


def parse(text: str) -> tuple[Hazard, ...]:
    """The rows of a table in TOML, in order.

    Raises:
        ValueError: it is no TOML, a row is not as it must be (the text names it), or the ids are not all there once.
    """
    rows = tuple(_row(row) for row in tomllib.loads(text).get("hazard", []))
    ids = [row.id for row in rows]
    if ids != list(IDS):
        wrong = sorted({*IDS} ^ {*ids}) or sorted(i for i in IDS if ids.count(i) > 1) or "their order"
        raise ValueError(f"hazards are H01 to H82, each once and in order; look at {wrong}")
    return rows


def _row(row: Mapping[str, Any]) -> Hazard:
    for wrong in _wrong(row):
        raise ValueError(f"hazard {row.get('id')}: {wrong}")
    values: dict[str, Any] = {key: tuple(value) if key in LISTS else value for key, value in row.items()}
    return Hazard(**values)


def _wrong(row: Mapping[str, Any]) -> Iterator[str]:
    types = {**dict.fromkeys(TEXTS, str), **dict.fromkeys(LISTS, list), "numbers": dict, "trips_within_s": float}
    yield from (f"{key} is unknown, or not of its type" for key in row if type(row[key]) is not types.get(key))
    yield from (f"{key} is missing" for key in REQUIRED if key not in row)
    kind, action = row["kind"], row["action"]
    if kind not in KINDS or row["alarm"] not in ALARMS or any(act not in ACTIONS for act in action):
        yield f"kind is one of {', '.join(KINDS)}; alarm of {', '.join(ALARMS)}; action some of {', '.join(ACTIONS)}"
    yield from (f"{kind} needs {key}" for key in KINDS[kind] if not row.get(key))
    latch = "lockout" if "LOCK" in action else "latched" if "TRIP" in action else "none"
    if row["latch"] != latch:
        yield f"latch is {latch} after {', '.join(action) or 'no action'}"
