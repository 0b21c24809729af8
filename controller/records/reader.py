"""Reading a session file: while it is written, after it was closed, or after its writer was killed.

with open_session(path) as session:
    power = session.series("gen.power_w")      # power.t_s, power.value, power.quality: numpy arrays
    trips = [e for e in session.events() if e.kind == "trip"]
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from controller.records.ids import SUFFIX
from controller.records.opening import connect
from controller.records.store import RecordError

__all__ = [
    "Annotation",
    "Channel",
    "Event",
    "Floats",
    "Series",
    "SessionFile",
    "Ticks",
    "connect",
    "find_sessions",
    "open_session",
]

Floats = NDArray[np.float64]


class Channel(NamedTuple):
    """One recorded quantity. None: not declared."""

    name: str
    unit: str
    low: float | None
    high: float | None
    period_s: float | None


class Series(NamedTuple):
    """All samples of a channel, in order of arrival. A reading that was not a number is NaN; quality 0 is good."""

    t_s: Floats
    value: Floats
    quality: NDArray[np.int64]


class Ticks(NamedTuple):
    """The control ticks, one element each."""

    seq: NDArray[np.int64]
    t_s: Floats
    state: list[str]
    demand_w: Floats
    permit_w: Floats
    setpoint_w: Floats
    epoch: NDArray[np.int64]
    energy_j: Floats


class Annotation(NamedTuple):
    """What somebody said of a session after it had ended. ``value``: any JSON value."""

    n: int
    utc: str
    who: str
    key: str
    value: Any


class Event(NamedTuple):
    """Something that happened."""

    seq: int
    t_s: float
    utc: str
    kind: str
    data: dict[str, Any]


class SessionFile:
    """A session as it was when it was opened. Use it as a context manager.

    Attributes:
        header: What the session is (see :meth:`controller.records.session.Recorder.create`).
        channels: By name.
        summary: How it ended; empty while it is being written, or when its writer was killed.
        closed: Whether it was ended by its writer.
    """

    def __init__(self, path: str | Path) -> None:
        """Open ``path``. Raises :class:`RecordError`."""
        self.path = Path(path)
        self._db = connect(self.path)
        try:
            self._db.execute("BEGIN")  # one view of the file, however long it is read
            self.header: dict[str, Any] = self._pairs("header")
            self.summary: dict[str, Any] = self._pairs("summary")
            self.channels: dict[str, Channel] = {}
            self._ids: dict[str, int] = {}
            for number, *channel in self._db.execute(
                "SELECT id, name, unit, low, high, period_s FROM channels ORDER BY id"
            ):
                self.channels[channel[0]] = Channel(*channel)
                self._ids[channel[0]] = number
            self.closed = self._db.execute("SELECT count(*) FROM chain WHERE kind='close'").fetchone()[0] == 1
        except (sqlite3.Error, ValueError) as error:
            self._db.close()
            raise RecordError(self.path, f"the file is damaged ({error})", "look for another copy") from error

    def _pairs(self, table: str) -> dict[str, Any]:
        return {
            key: json.loads(value) for key, value in self._db.execute(f"SELECT key, value FROM {table} ORDER BY key")
        }

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise RecordError(
                self.path, f"the file is damaged ({error})", "`ablate sessions verify` says where"
            ) from error

    def series(self, channel: str) -> Series:
        """All samples of ``channel``; empty for one that was never read.

        Raises:
            KeyError: the session has no such channel.
        """
        rows = self._rows(
            "SELECT t_request_s, value, quality FROM samples WHERE channel=? ORDER BY id", self._ids[channel]
        )
        return Series(
            np.array([row[0] for row in rows], dtype=float),
            np.array([row[1] for row in rows], dtype=float),
            np.array([row[2] for row in rows], dtype=np.int64),
        )

    def ticks(self) -> Ticks:
        """What was wanted, allowed and sent at each tick."""
        rows = self._rows(
            "SELECT seq, t_s, state, demand_w, permit_w, setpoint_w, epoch, energy_j FROM ticks ORDER BY seq"
        )
        seq, t_s, state, demand_w, permit_w, setpoint_w, epoch, energy_j = zip(*rows, strict=True) if rows else [()] * 8
        return Ticks(
            np.array(seq, dtype=np.int64),
            np.array(t_s, dtype=float),
            list(state),
            np.array(demand_w, dtype=float),
            np.array(permit_w, dtype=float),
            np.array(setpoint_w, dtype=float),
            np.array(epoch, dtype=np.int64),
            np.array(energy_j, dtype=float),
        )

    def last_tick(self, from_s: float, until_s: float, state: str | None = None) -> tuple[float, float] | None:
        """(t_s, energy_j) of the newest tick from ``from_s`` to before ``until_s``; None: there is none.

        ``state``: only of ticks in it.
        """
        rows = self._rows(
            "SELECT t_s, energy_j FROM ticks WHERE t_s>=? AND t_s<? AND state=coalesce(?, state) "
            "ORDER BY seq DESC LIMIT 1",
            from_s, until_s, state,
        )  # fmt: skip
        return (float(rows[0][0]), float(rows[0][1] or 0.0)) if rows else None

    def laws(self) -> list[tuple[float, dict[str, Any]]]:
        """(t_s, inner state of the law) of each tick."""
        return [(t_s, json.loads(law)) for t_s, law in self._rows("SELECT t_s, law FROM ticks ORDER BY seq")]

    def events(self, kind: str | None = None) -> list[Event]:
        """Everything that happened, in order; or only the events of one kind."""
        rows = self._rows(
            "SELECT seq, t_s, utc, kind, data FROM events WHERE kind=coalesce(?, kind) ORDER BY seq", kind
        )
        return [Event(seq, t_s, utc, what, json.loads(data)) for seq, t_s, utc, what, data in rows]

    def annotations(self) -> list[Annotation]:
        """What was said of the session after it had ended, in order (``ablate sessions annotate``)."""
        rows = self._rows("SELECT n, utc, who, key, value FROM annotations ORDER BY n")
        return [Annotation(n, utc, who, key, json.loads(value)) for n, utc, who, key, value in rows]

    def metadata(self) -> dict[str, Any]:
        """Who made it, with what, of what, and what others may do with it (:mod:`controller.records.metadata`)."""
        from controller.records.metadata import metadata

        return metadata(self)

    def arrays(self, name: str) -> dict[str, Floats]:
        """The newest arrays of this name (``picture``); empty when there are none."""
        parts: dict[str, Floats] = {}
        for part, shape, data in self._rows("SELECT part, shape, data FROM arrays WHERE name=? ORDER BY id", name):
            parts[part] = np.frombuffer(data, dtype="<f8").reshape(json.loads(shape)).astype(float)
        return parts

    def all_arrays(self, name: str) -> list[tuple[float, dict[str, Floats]]]:
        """(t_s, arrays) of this name, as often as they were kept: one picture for each application."""
        found: list[tuple[float, dict[str, Floats]]] = []
        rows = self._rows("SELECT t_s, part, shape, data FROM arrays WHERE name=? ORDER BY id", name)
        for t_s, part, shape, data in rows:
            if not found or found[-1][0] != t_s or part in found[-1][1]:
                found.append((t_s, {}))
            found[-1][1][part] = np.frombuffer(data, dtype="<f8").reshape(json.loads(shape)).astype(float)
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_session(path: str | Path) -> SessionFile:
    """Open a session file for reading. Raises :class:`RecordError`."""
    return SessionFile(path)


def find_sessions(folder: str | Path) -> list[Path]:
    """All session files under ``folder``, the one written last at the end."""

    def written(path: Path) -> tuple[float, str]:
        log = path.with_name(path.name + "-wal")
        return max(part.stat().st_mtime for part in (path, log) if part.exists()), path.name

    return sorted(Path(folder).rglob(f"*{SUFFIX}"), key=written)
