"""The one read-write connection to a session file: makes it, adds batches, closes it. Belongs to one thread at a
time."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from controller.records.hold import Hold
from controller.records.schema import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    TABLES,
    Batch,
    Row,
    chain_hash,
    create,
    to_json,
    unit_of,
)
from safety.types import Sample


class RecordError(Exception):
    """A session file cannot be written or read. ``remedy`` is a sentence for a person."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {problem}; {remedy}")
        self.path, self.problem, self.remedy = path, problem, remedy

    def __reduce__(self) -> tuple[type[RecordError], tuple[Path, str, str]]:
        return type(self), (self.path, self.problem, self.remedy)  # it comes back whole from another process


class Unreadable(RecordError):
    """What should be a session file is none, or no whole one: as good as not verified."""

    code = 8  # controller.exits.Exit.VERIFICATION


class NothingRecorded(Unreadable):
    """A session file that holds nothing: its writer was killed before its first commit."""


class Tick(Protocol):
    """The fields of :class:`controller.records.session.TickRow`."""

    @property
    def seq(self) -> int: ...
    @property
    def t_s(self) -> float: ...
    @property
    def state(self) -> str: ...
    @property
    def demand_w(self) -> float: ...
    @property
    def permit_w(self) -> float: ...
    @property
    def setpoint_w(self) -> float: ...
    @property
    def epoch(self) -> int: ...
    @property
    def energy_j(self) -> float: ...
    @property
    def law(self) -> Mapping[str, object]: ...
    @property
    def samples(self) -> Sequence[Sample]: ...


class EventRow(NamedTuple):
    """Something that happened: ``utc`` is the wall-clock label of ``t_s``."""

    seq: int
    t_s: float
    utc: str
    kind: str
    data: Mapping[str, object]


class ArrayRow(NamedTuple):
    """Named arrays of one moment."""

    t_s: float
    name: str
    data: Mapping[str, Any]


time_of: Callable[[Tick | EventRow | ArrayRow], float] = attrgetter("t_s")


def free_bytes(folder: Path) -> int:
    """Space that an ordinary user may still write in ``folder``."""
    return shutil.disk_usage(folder).free


class Store:
    """See the module's text. ``head`` is the number of the newest batch, ``hash`` its hash."""

    def __init__(self, path: Path, session_id: str, db: sqlite3.Connection, hold: Hold) -> None:
        self.path, self.session_id, self._db, self._hold = path, session_id, db, hold
        self._last = Batch(-1, "", 0.0, 0, -1, 0, 0, 0)
        self.hash = bytes(32)
        self._channels: dict[str, int] = {}
        self._laws: tuple[object, str] = (None, "{}")

    @property
    def head(self) -> int:
        return self._last.n

    @classmethod
    def create(
        cls,
        path: Path,
        header: Mapping[str, object],
        channels: Sequence[Mapping[str, object]],
        *,
        min_free_bytes: int,
        free: Callable[[Path], int] = free_bytes,
        durable: bool = True,
    ) -> Store:
        """Make the file with its header on disk. ``durable`` False: the disk is waited for once, at the end. Raises
        :class:`RecordError`."""
        folder = path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            space = free(folder)
            if space < min_free_bytes:
                raise RecordError(
                    folder,
                    f"only {space / 1e6:.0f} MB are free, {min_free_bytes / 1e6:.0f} MB are needed to begin a session",
                    "free some space or set records.folder to another disk",
                )
            path, hold = _claim(path)
        except OSError as error:
            reason = error.strerror or str(error)
            raise RecordError(folder, f"session files cannot be written here ({reason})", _WRITE_REMEDY) from error
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
        try:
            if db.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
                raise sqlite3.OperationalError("write-ahead logging is refused: a network file system?")
            db.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
            db.execute("BEGIN IMMEDIATE")
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            for table in TABLES:
                db.execute(create(table))
            store = cls(path, str(header["id"]), db, hold)
            store._write_batch("open", float(str(header["t_start_s"])), [], header, channels)
            db.execute("COMMIT")
            for made in (folder, *folder.parents[:3]):  # year, month and day may be new as well
                _sync_folder(made)
        except (sqlite3.Error, OSError) as error:
            db.close()
            for part in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                part.unlink(missing_ok=True)
            hold.release()
            raise RecordError(folder, f"a session file cannot be begun here ({error})", _WRITE_REMEDY) from error
        return store

    def write(self, rows: Iterable[Tick | EventRow | ArrayRow], cursors: Mapping[str, int]) -> None:
        """Add one batch durably. Raises :class:`sqlite3.Error`; then nothing was added and the same rows may be tried
        again."""
        self._commit(rows, cursors, None)

    def end(self, cursors: Mapping[str, int], summary: Mapping[str, object]) -> None:
        """Add the last batch: the summary. Raises as :meth:`write`."""
        self._commit((), cursors, summary)

    def _commit(
        self,
        rows: Iterable[Tick | EventRow | ArrayRow],
        cursors: Mapping[str, int],
        summary: Mapping[str, object] | None,
    ) -> None:
        before = (self._last, self.hash, dict(self._channels))
        waiting = list(rows)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            if summary is not None:
                self._write_batch("close", self._last.t_s, [], summary)
            elif waiting:
                self._write_batch("rows", max(map(time_of, waiting)), waiting)
            self._db.executemany("INSERT OR REPLACE INTO cursor VALUES(?,?)", list(cursors.items()))
            self._db.execute("COMMIT")
        except BaseException:
            self._last, self.hash, self._channels = before
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise

    def _write_batch(
        self,
        kind: str,
        t_s: float,
        waiting: Sequence[Tick | EventRow | ArrayRow],
        pairs: Mapping[str, object] | None = None,
        channels: Sequence[Mapping[str, object]] = (),
    ) -> None:
        last, db = self._last, self._db
        rows: dict[str, list[Row]] = {"channels": [], "ticks": [], "samples": [], "events": [], "arrays": []}
        for channel in channels:
            self._add_channel(rows["channels"], channel)
        sample, array = last.sample, last.array
        for row in waiting:
            if isinstance(row, EventRow):
                rows["events"].append((row.seq, row.t_s, row.utc, row.kind, to_json(row.data)))
            elif isinstance(row, ArrayRow):
                for part, shape, data in _flat(row.data):
                    array += 1
                    rows["arrays"].append((array, row.t_s, row.name, part, shape, data))
            else:
                rows["ticks"].append(self._tick(row))
                sample = self._samples(row, sample, rows)
        named = sorted((key, to_json(value)) for key, value in (pairs or {}).items())
        batch = Batch(
            last.n + 1,
            kind,
            t_s,
            len(self._channels),
            rows["ticks"][-1][0] if rows["ticks"] else last.tick,
            sample,
            rows["events"][-1][0] if rows["events"] else last.event,
            array,
        )
        self.hash = chain_hash(self.hash, batch, rows, named)
        if named:
            db.executemany(f"INSERT INTO {'header' if kind == 'open' else 'summary'} VALUES(?,?)", named)
        for table, new in rows.items():
            if new:
                db.executemany(f"INSERT INTO {table} VALUES({','.join('?' * len(new[0]))})", new)
        db.execute("INSERT INTO chain VALUES(?,?,?,?,?,?,?,?,?)", (*batch, self.hash))
        self._last = batch

    def _tick(self, row: Tick) -> Row:
        law = to_json(row.law) if row.law else "{}"
        return (
            row.seq, row.t_s, row.state, row.demand_w + 0.0, row.permit_w + 0.0, row.setpoint_w + 0.0, row.epoch,
            row.energy_j + 0.0, law,
        )  # fmt: skip

    def _samples(self, row: Tick, sample: int, rows: dict[str, list[Row]]) -> int:
        tick, known, add = row.seq, self._channels, rows["samples"].append
        for name, value, t_request_s, quality in row.samples:
            channel = known.get(name)
            if channel is None:
                channel = self._add_channel(rows["channels"], {"name": name})
            value += 0.0
            sample += 1
            add((
                sample, tick, channel, t_request_s if t_request_s == t_request_s else None,
                value if value == value else None, int(quality),
            ))  # fmt: skip
        return sample

    def _add_channel(self, rows: list[Row], channel: Mapping[str, object]) -> int:
        name, number = str(channel["name"]), len(self._channels) + 1
        self._channels[name] = number
        low, high, period_s = (_number(channel.get(key)) for key in ("low", "high", "period_s"))
        rows.append((number, name, str(channel.get("unit") or unit_of(name)), low, high, period_s))
        return number

    def close(self) -> None:
        """Fold the write-ahead log into the file, so that one clean file is left, and let go of it.

        A reader that still holds the file keeps its log beside it; nothing is lost, the two files belong together.
        """
        try:
            deadline = time.monotonic() + 1.0
            while True:
                try:
                    self._db.execute("PRAGMA synchronous=FULL")  # also for who did not wait so far: what is left stays
                    self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    self._db.execute("PRAGMA journal_mode=DELETE")
                    break
                except sqlite3.OperationalError:
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.02)
        finally:
            self._db.close()
            self._hold.release()


_WRITE_REMEDY = "check records.folder, its permissions and the disk's free space"


def _claim(path: Path) -> tuple[Path, Hold]:
    """Make an empty file that nobody has; a rehearsal repeated with its seed gets a number behind the same name."""
    for number in range(1, 10_000):
        candidate = path if number == 1 else path.with_name(f"{path.stem}~{number}{path.suffix}")
        try:
            descriptor = os.open(candidate, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_CLOEXEC", 0), 0o640)
        except FileExistsError:
            continue
        return candidate, Hold(candidate, descriptor)
    raise FileExistsError(17, "ten thousand sessions of this name exist")


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # some systems cannot; the file itself is synced all the same
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _number(value: object) -> float | None:
    return float(value) + 0.0 if isinstance(value, (int, float)) else None


def _flat(data: Mapping[str, Any]) -> Iterable[tuple[str, str, bytes]]:
    import numpy as np  # only for pictures: the daemon starts without it

    for part in sorted(data):
        values = np.ascontiguousarray(data[part], dtype="<f8")
        yield part, to_json(list(np.shape(data[part]))), values.tobytes()
