"""A recorded session as arrays and, where pandas or polars are installed, as frames.

import controller.records

session = controller.records.open("my.ablate")
power = session["gen.power_w"]          # power.t_s, power.value, power.quality: numpy arrays
frame = session.wide().pandas()        # one row for each control tick, one column for each channel
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.records.ids import utc_now
from controller.records.opening import connect
from controller.records.reader import Series, SessionFile
from controller.records.samples import Samples, packed
from controller.records.schema import Batch
from controller.records.store import RecordError
from controller.records.stretch import PIECE
from controller.records.tables import Field, Table, Words

Reader = Callable[[Path, int], Samples]
NO_READING = -1  # quality of a tick that saw no sample
_WHERE = "`ablate sessions verify` says where"

_TICKS = (
    Field("seq", "integer", "", "number of the control tick"),
    Field("t_s", "number", "s", "the bench's own clock, which never jumps"),
    Field("utc", "datetime", "", "the session's wall-clock start plus the time since on the bench's clock"),
    Field("state", "string", "", "state of the safety kernel"),
    Field("demand_w", "number", "W", "what the law wanted"),
    Field("permit_w", "number", "W", "what safety allowed"),
    Field("setpoint_w", "number", "W", "what was sent"),
    Field("epoch", "integer", "", "rises on every arm, stop, trip and reconnection"),
    Field("energy_j", "number", "J", "delivered so far"),
    Field("law", "string", "", "inner state of the law, JSON"),
)
_NUMBERS = ("seq", "t_s", "demand_w", "permit_w", "setpoint_w", "epoch", "energy_j")
_AFTER = (
    Field("quality", "integer", "", "highest code among the row's samples: 0 good, 1 bad, 2 uncertain; -1 no sample"),
    Field("events", "string", "", "kinds of the events since the row before, in order, joined by ;"),
)
_SAMPLES = (
    Field("tick", "integer", "", "the first control tick that saw the sample"),
    Field("channel", "string", "", "device.quantity; its unit stands in the table of channels"),
    Field("t_request_s", "number", "s", "when it was asked for, on the bench's clock"),
    Field("value", "number", "", "empty: the device sent no number"),
    Field("quality", "integer", "", "0 good, 1 bad, 2 uncertain"),
)
_EVENTS = (
    Field("seq", "integer", "", "number of the event"),
    Field("t_s", "number", "s", "the bench's own clock"),
    Field("utc", "datetime", "", "wall clock"),
    Field("kind", "string", "", "what happened"),
    Field("data", "string", "", "its details, JSON"),
)
_CHANNELS = (
    Field("channel", "string", "", "device.quantity"),
    Field("unit", "string", "", "empty: none"),
    Field("low", "number", "", "lowest value that can be, in the channel's unit; empty: not declared"),
    Field("high", "number", "", "highest"),
    Field("period_s", "number", "s", "expected time between samples; empty: not declared"),
)


class Picture(NamedTuple):
    """Arrays that were kept together, such as the damage seen at the end of an application."""

    t_s: float
    name: str
    parts: dict[str, NDArray[np.float64]]


def read_samples(path: Path, newest: int, after: int = 0) -> Samples:
    """All samples with ``after`` < id <= ``newest``, in order of arrival."""
    try:
        with contextlib.closing(connect(path)) as db:
            firsts = range(after, newest, PIECE)
            return Samples.joined([Samples.of(packed(db, first, min(first + PIECE, newest))) for first in firsts])
    except (sqlite3.Error, ValueError, TypeError) as error:
        raise RecordError(path, f"the file is damaged ({error})", _WHERE) from error


class Recording(SessionFile):
    """A session, as it was when it was opened, with everything that :class:`SessionFile` has, and tables.

    About 30 bytes of memory for each sample, taken when the first one is looked at.

    Attributes:
        newest: The newest batch: number, kind and the last row of each table.
        chain_head: Hash of that batch, hexadecimal.
    """

    def __init__(self, path: str | Path, reader: Reader = read_samples) -> None:
        """Open ``path``; ``reader`` fetches the samples. Raises :class:`RecordError`."""
        super().__init__(path)
        self._reader = reader
        *batch, digest = self._rows(
            "SELECT n, kind, t_s, channel, tick, sample, event, array, hash FROM chain ORDER BY n DESC LIMIT 1"
        )[0]
        self.newest, self.chain_head = Batch(*batch), str(digest.hex())

    # -- tables

    def wide(self) -> Table:
        """Ticks: one row for each control tick, with the newest sample of each channel that it was the first to see."""
        channels = list(self.channels.values())
        texts = self._rows("SELECT state, law FROM ticks ORDER BY seq")
        numbers = self._numbers(f"SELECT {', '.join(_NUMBERS)} FROM ticks ORDER BY seq", len(_NUMBERS))
        ticks: dict[str, Any] = {name: numbers[:, i].copy() for i, name in enumerate(_NUMBERS)}
        ticks.update({name: ticks[name].astype(np.int64) for name in ("seq", "epoch")})
        values, worst = self._spread(ticks["seq"], len(channels))
        columns: dict[str, Any] = {
            **ticks,
            "state": Words.of(state for state, _ in texts),
            "utc": self._utc(ticks["t_s"]),
            "law": Words.of(law for _, law in texts),
            "quality": worst,
            "events": self._marks(ticks["t_s"]),
            **{channel.name: values[i] for i, channel in enumerate(channels)},
        }
        measured = tuple(Field(c.name, "number", "" if c.unit == "1" else c.unit, "measured") for c in channels)
        return self._table("ticks", (*_TICKS, *measured, *_AFTER), columns)

    def long(self) -> Table:
        """Samples: one row for each sample, in order of arrival."""
        rows, names = self._samples, tuple(self.channels)
        columns: dict[str, Any] = {
            "tick": rows.tick,
            "channel": Words(rows.channel - np.int32(1), names),
            "t_request_s": rows.t_s,
            "value": rows.value,
            "quality": rows.quality,
        }
        return self._table("samples", _SAMPLES, columns)

    def event_table(self) -> Table:
        """One row for each event."""
        events = self.events()
        columns = {
            "seq": np.array([event.seq for event in events], dtype=np.int64),
            "t_s": np.array([event.t_s for event in events], dtype=float),
            "utc": np.array([_naive(event.utc) for event in events], dtype="datetime64[us]"),
            "kind": Words.of([event.kind for event in events]),
            "data": Words.of([text for (text,) in self._rows("SELECT data FROM events ORDER BY seq")]),
        }
        return self._table("events", _EVENTS, columns)

    def channel_table(self) -> Table:
        """One row for each channel."""
        rows = list(self.channels.values())
        columns: dict[str, Any] = {
            "channel": Words.of([row.name for row in rows]),
            "unit": Words.of([row.unit for row in rows]),
            **{key: np.array([getattr(row, key) for row in rows], dtype=float) for key in ("low", "high", "period_s")},
        }
        return self._table("channels", _CHANNELS, columns)

    def tables(self) -> dict[str, Table]:
        """All four, by name: ``ticks`` (wide), ``samples`` (long), ``events``, ``channels``."""
        made = (self.wide(), self.long(), self.event_table(), self.channel_table())
        return {table.name: table for table in made}

    def series(self, channel: str) -> Series:
        """All samples of one channel, from the table in memory. Raises :class:`KeyError`."""
        if channel not in self._ids:
            raise KeyError(f"{channel!r}: {self.path} has no such channel; it has {', '.join(self._ids)}")
        rows = self._samples
        mine = rows.channel == self._ids[channel]
        return Series(rows.t_s[mine], rows.value[mine], rows.quality[mine].astype(np.int64))

    __getitem__ = series

    def pictures(self) -> list[Picture]:
        """Everything that was kept as arrays, by name and time."""
        names = [name for (name,) in self._rows("SELECT DISTINCT name FROM arrays ORDER BY name")]
        return [Picture(t_s, name, parts) for name in names for t_s, parts in self.all_arrays(name)]

    @property
    def about(self) -> dict[str, str]:
        """Which session this is, for a frame's or a file's metadata."""
        told = {key: str(self.header[key]) for key in ("id", "bench", "utc", "protocol") if self.header.get(key)}
        simulated = {True: "true", False: "false"}[bool(self.header.get("simulated"))]
        return {**told, "simulated": simulated, "chain_head": self.chain_head}

    # -- how they are made

    @cached_property
    def _samples(self) -> Samples:
        rows = self._reader(self.path, self.newest.sample)
        if len(rows) and not 1 <= rows.channel.min() <= rows.channel.max() <= len(self.channels):
            raise RecordError(self.path, "a sample names a channel that is not there", _WHERE)
        return rows

    def _table(self, name: str, fields: tuple[Field, ...], columns: dict[str, Any]) -> Table:
        return Table(name, fields, {field.name: columns[field.name] for field in fields}, self.about)

    def _spread(self, seq: NDArray[np.int64], channels: int) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
        """The newest sample of each tick and channel, and the highest code of quality of each tick."""
        rows = self._samples
        tick = rows.tick
        runs = np.flatnonzero(
            np.diff(tick, prepend=tick[:1] - 1)
        )  # a tick sees many samples: where those of each begin
        at = np.repeat(np.searchsorted(seq, tick[runs]), np.diff(runs, append=len(rows)))
        values, worst = np.full((channels, len(seq)), np.nan), np.full(len(seq), NO_READING, dtype=np.int8)
        values[rows.channel - 1, at] = rows.value  # in order of arrival: the newest stays
        worst[at] = 0
        poor = np.flatnonzero(rows.quality)
        np.maximum.at(worst, at[poor], rows.quality[poor])
        return values, worst

    def _utc(self, t_s: NDArray[np.float64]) -> NDArray[np.datetime64]:
        began = np.datetime64(_naive(str(self.header["utc"])), "us")
        since = np.round((t_s - float(self.header["t_start_s"])) * 1e6).astype("timedelta64[us]")
        return np.asarray(began + since)

    def _marks(self, t_s: NDArray[np.float64]) -> Words:
        """Which events fell between a tick and the one before it; those after the last tick stand with the last."""
        marks: dict[int, list[str]] = {}
        for event in self.events() if len(t_s) else ():
            marks.setdefault(min(int(np.searchsorted(t_s, event.t_s)), len(t_s) - 1), []).append(event.kind)
        words = Words.of(["", *(";".join(kinds) for kinds in marks.values())])
        codes = np.zeros(len(t_s), np.int32)
        codes[list(marks)] = words.codes[1:]
        return Words(codes, words.names)

    def _numbers(self, query: str, width: int) -> NDArray[np.float64]:
        """Rows of numbers, None as NaN; read as :func:`controller.records.samples.packed` does."""
        try:
            return np.fromiter(chain.from_iterable(self._db.execute(query)), np.float64).reshape(-1, width)
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise RecordError(self.path, f"the file is damaged ({error})", _WHERE) from error


def _naive(utc: str) -> datetime:
    return datetime.fromisoformat(utc or utc_now()).astimezone(UTC).replace(tzinfo=None)
