"""What a replay needs of a session, from a session file or from a fixture (:mod:`controller.replay.fixture`)."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from controller.records.reader import connect
from controller.records.store import RecordError
from safety.types import Quality, Sample, Verb

HEADER = ("id", "utc", "bench", "roles", "kernel", "simulated", "software")
FED = frozenset({"kernel", "inputs", "protocol", "application"})
DECIDED = frozenset({"state", "trip", "refused", "precheck_failed", *(verb.value for verb in Verb)})
"""The events that go into a replay, and those that are compared in it."""
SUFFIX = ".replay.json.gz"


class ReplayError(Exception):
    """A record that cannot be replayed. ``remedy`` is a sentence for a person."""

    def __init__(self, where: object, problem: str, remedy: str) -> None:
        super().__init__(f"{where}: {problem}; {remedy}")
        self.problem, self.remedy = problem, remedy


class Row(NamedTuple):
    """A tick as it was recorded; ``law`` is the law's inner state."""

    seq: int
    t_s: float
    state: str
    demand_w: float | None
    permit_w: float | None
    setpoint_w: float | None
    epoch: int
    energy_j: float | None
    law: Mapping[str, Any]


class Happened(NamedTuple):
    """An event."""

    t_s: float
    kind: str
    data: Mapping[str, Any]


class Reading(NamedTuple):
    """A sample, with the number of the tick that saw it."""

    tick: int
    channel: int
    t_request_s: float
    value: float
    quality: int


@dataclass(frozen=True)
class Recording:
    """``ticks``, ``samples`` and ``events`` are in the order in which they were recorded; ``channels`` by number."""

    name: str
    header: Mapping[str, Any]
    channels: Mapping[int, str]
    ticks: Sequence[Row]
    samples: Sequence[Reading]
    events: Sequence[Happened]

    def stretches(self) -> list[tuple[int, int]]:
        """Where ticks follow each other without a gap, from one kernel's state that was kept to the next: the indices
        in ``ticks`` of the first, and behind the last.

        Raises:
            ReplayError: there is none.
        """
        starts = [int(event.data["tick"]) for event in self.events if event.kind == "kernel"]
        seqs = [row.seq for row in self.ticks]
        found = []
        for k, start in enumerate(starts):
            first = bisect_left(seqs, start)
            until = bisect_left(seqs, starts[k + 1]) if k + 1 < len(starts) else len(seqs)
            last = first
            while last < until and seqs[last] == start + last - first:
                last += 1
            if last > first:
                found.append((first, last))
        if not found:
            raise ReplayError(
                self.name,
                "it does not hold what the kernel was told (it was recorded by an earlier version, or is empty)",
                "sessions recorded from this version on can be replayed",
            )
        return found

    def arrivals(self) -> Iterator[tuple[Row, list[Sample]]]:
        """Each tick with the samples that it saw first."""
        channels, samples, k = self.channels, self.samples, 0
        for row in self.ticks:
            came = []
            while k < len(samples) and samples[k].tick <= row.seq:
                _, channel, t_request_s, value, quality = samples[k]
                came.append(Sample(channels[channel], value, t_request_s, Quality(quality)))
                k += 1
            yield row, came


def read(path: str | Path) -> Recording:
    """A recording, from a session file or a fixture's data (``*.replay.json.gz``).

    Raises:
        RecordError: no such file, or it is no session.
        ReplayError: it is no fixture, or one of a later version.
    """
    path = Path(path)
    if path.name.endswith(SUFFIX):
        from controller.replay import fixture

        return fixture.load(path)
    with contextlib.closing(connect(path)) as db:
        try:
            return _read(path.name, db)
        except (sqlite3.Error, ValueError) as error:
            remedy = "`ablate sessions verify` says where"
            raise RecordError(path, f"the file is damaged ({error})", remedy) from error


def _read(name: str, db: sqlite3.Connection) -> Recording:
    nan = float("nan")
    db.execute("BEGIN")  # one moment of a file that may still be written
    header = {key: json.loads(text) for key, text in db.execute("SELECT key, value FROM header") if key in HEADER}
    channels = dict(db.execute("SELECT id, name FROM channels"))
    ticks = [
        Row._make((*row[:-1], json.loads(row[-1])))
        for row in db.execute(
            "SELECT seq, t_s, state, demand_w, permit_w, setpoint_w, epoch, energy_j, law FROM ticks ORDER BY seq"
        )
    ]
    samples = [
        Reading(tick, channel, nan if t_s is None else t_s, nan if value is None else value, quality)
        for tick, channel, t_s, value, quality in db.execute(
            "SELECT tick, channel, t_request_s, value, quality FROM samples ORDER BY id"
        )
    ]
    events = [
        Happened(t_s, kind, json.loads(data))
        for t_s, kind, data in db.execute("SELECT t_s, kind, data FROM events ORDER BY seq")
        if kind in FED or kind in DECIDED
    ]
    events = [event for event in events if event.data.get("kernel") is not False]  # refused before it was asked
    return Recording(name, header, channels, ticks, samples, events)
