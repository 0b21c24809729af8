"""Messages as rows: what both sinks make of a batch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
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


class Readings(NamedTuple):
    """Of many messages, a row each. ``time`` is the calendar (NaT where the request had no time), ``t_s`` the session's
    clock; ``columns`` names message and channel of so many rows in turn."""

    columns: list[tuple[Batch, str, int]]
    time: Times
    t_s: list[float | None]
    value: list[float | None]
    quality: list[int]


def batches(messages: Iterable[Kept]) -> Iterator[Batch]:
    """Every message, taken apart."""
    for kept in messages:
        data = json.loads(kept.body)
        yield Batch(kept, data["schema"], data)


def ticks(whole: Iterable[Batch]) -> list[Batch]:
    """The messages that have some."""
    return [batch for batch in whole if batch.schema == "abl/samples/1" and batch.data["n"]]


def calendar(columns: Sequence[tuple[Mapping[str, Any], Sequence[float | None]]]) -> Times:
    """Times of the session's clock on the calendar, of many messages in one go: the first tick's label of each, and
    the time since."""
    began = np.array([naive(data["utc0"]) for data, _ in columns], dtype="datetime64[us]")
    first_s = np.array([data["t_s"][0] for data, _ in columns], dtype=float)
    counts = [len(t_s) for _, t_s in columns]
    t_s = np.array(list(chain.from_iterable(t_s for _, t_s in columns)), dtype=float)
    since = (t_s - np.repeat(first_s, counts)) * 1e6
    unknown = np.isnan(since)
    found = np.repeat(began, counts) + np.round(np.where(unknown, 0, since)).astype("timedelta64[us]")
    found[unknown] = np.datetime64("NaT")
    return np.asarray(found)


def readings(whole: Iterable[Batch]) -> Readings:
    """The channels of all messages, those without readings left out."""
    columns = [
        (batch, channel, told)
        for batch in ticks(whole)
        for channel, told in batch.data["channels"].items()
        if told["value"]
    ]
    t_s, value, quality = (
        list(chain.from_iterable(told[key] for _, _, told in columns)) for key in ("t_s", "value", "quality")
    )
    time = calendar([(batch.data, told["t_s"]) for batch, _, told in columns])
    return Readings(
        [(batch, channel, len(told["value"])) for batch, channel, told in columns], time, t_s, value, quality
    )


@lru_cache(1024)
def naive(utc: str) -> datetime:
    """A label as a time in UTC without saying so, as numpy wants it."""
    return datetime.fromisoformat(utc).astimezone(UTC).replace(tzinfo=None)
