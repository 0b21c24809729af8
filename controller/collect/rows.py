"""Messages as rows: what both sinks make of a batch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.collect.journal import Kept

Times = NDArray[np.datetime64]


class Batch(NamedTuple):
    """A message and what it says."""

    kept: Kept
    schema: str
    data: Mapping[str, Any]


class Samples(NamedTuple):
    """Readings of one channel. ``time`` is the calendar (NaT where the request had no time), ``t_s`` the session's
    clock."""

    channel: str
    time: Times
    t_s: list[float | None]
    value: list[float | None]
    quality: list[int]


def batches(messages: Iterable[Kept]) -> Iterator[Batch]:
    """Every message, taken apart."""
    for kept in messages:
        data = json.loads(kept.body)
        yield Batch(kept, data["schema"], data)


def calendar(data: Mapping[str, Any], t_s: list[float | None]) -> Times:
    """Times of the session's clock on the calendar: the first tick's label, and the time since."""
    began = np.datetime64(naive(data["utc0"]), "us")
    since = (np.array(t_s, dtype=float) - float(data["t_s"][0])) * 1e6
    unknown = np.isnan(since)
    found = began + np.round(np.where(unknown, 0, since)).astype("timedelta64[us]")
    found[unknown] = np.datetime64("NaT")
    return np.asarray(found)


def samples(data: Mapping[str, Any]) -> Iterator[Samples]:
    """The channels of a samples message, those without readings left out."""
    for channel, column in data["channels"].items() if data["n"] else ():
        if column["value"]:
            yield Samples(channel, calendar(data, column["t_s"]), column["t_s"], column["value"], column["quality"])


def naive(utc: str) -> datetime:
    """A label as a time in UTC without saying so, as numpy wants it."""
    return datetime.fromisoformat(utc).astimezone(UTC).replace(tzinfo=None)
