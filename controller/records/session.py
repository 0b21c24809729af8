"""The session file as it is being written: one SQLite file, one owner thread, nothing of it on the control loop.

``Recorder.tick`` appends to a queue and returns; the owner thread, which holds the only read-write connection (so that
two connections can never write or checkpoint at the same instant), commits what has gathered every 80 ms, so that a
process killed at any moment has lost less than the last 100 ms. Everything else opens the file read-only
(:mod:`controller.records.reader`).

A rehearsal runs hundreds of times faster than real time and has nothing to lose but itself: ``threaded=False`` commits
inline, by virtual time, so that one seed gives one chain of hashes, and waits for the disk once, when it is closed.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from controller.records.ids import new_session_id, session_path, utc_now
from controller.records.store import ArrayRow, EventRow, RecordError, Store, free_bytes, time_of
from safety.types import RecordStatus, Sample

__all__ = ["RecordError", "Recorder", "TickRow"]

INTERVAL_S = 0.08  # between commits of the owner thread: with the commit itself it stays below the promised 100 ms
INLINE_INTERVAL_S = 5.0  # of virtual time between commits when there is no thread
INLINE_TICKS = 1000  # or this many ticks, whichever comes first
SLOW_COMMIT_S = 0.25  # a disk that takes longer cannot be trusted to keep the record (H36)
SLOW_HOLD_S = 1.0  # how long a slow commit stays in the status, so that every tick rate sees it
SPACE_CHECK_S = 5.0
MIN_FREE_BYTES = 500_000_000  # below this no session is begun (H36)
STOP_FREE_BYTES = 100_000_000  # below this a running one is no longer healthy
MAX_WAITING = 200_000  # rows held while the disk refuses them; more are counted as lost
WEIGHTY = frozenset({"trip", "state", "arm", "fire", "stop", "off"})  # events that are committed at once


_NOTHING: Mapping[str, object] = MappingProxyType({})


class TickRow(NamedTuple):
    """What one control tick leaves behind. The row is kept, not copied: hand over fresh ``samples`` and ``law``
    objects.

    ``samples`` are those that arrived since the last tick, in order of arrival; ``law`` is the law's inner state.
    """

    seq: int
    t_s: float
    state: str
    demand_w: float
    permit_w: float
    setpoint_w: float
    epoch: int
    samples: Sequence[Sample] = ()
    law: Mapping[str, object] = _NOTHING
    energy_j: float = 0.0


class Recorder:
    """Writes one session. Made by :meth:`create`; every method but ``create`` and ``close`` returns at once.

    Attributes:
        path: The session file.
        session_id: Its id.
        head: Number of the newest durable batch; a reader that follows the file polls this before it touches the disk.
    """

    def __init__(
        self, store: Store, utc: Callable[[], str], t_s: float, interval_s: float | None, free: Callable[[Path], int]
    ) -> None:
        self._store, self._utc, self._interval_s, self._free = store, utc, interval_s, free
        self.path: Path = store.path
        self.session_id: str = store.session_id
        self.head: int = store.head
        self._waiting: deque[TickRow | EventRow | ArrayRow] = deque()
        self._batch: list[TickRow | EventRow | ArrayRow] = []  # the owner's: taken from the queue, not yet durable
        self._event_seq = 0
        self._t_accepted_s = self._t_durable_s = t_s
        self._t_committed_s = t_s  # inline: virtual time of the last commit
        self._cursors: dict[str, int] = {}
        self._cursors_written: dict[str, int] = {}
        self._lost = 0
        self._problem = ""  # why the last commit failed
        self._space_problem = ""
        self._slow = (-math.inf, 0.0)  # (when it ended, how long it took), in time.monotonic()
        self._busy_since: float | None = None
        self._summary: dict[str, object] | None = None  # set by finish()
        self._finished = threading.Event()
        self._closing = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def create(
        cls,
        folder: str | Path,
        header: Mapping[str, object],
        channels: Sequence[Mapping[str, object]],
        *,
        utc: Callable[[], str] = utc_now,
        threaded: bool = True,
        new_id: Callable[[], str] | None = None,
        t_s: float = 0.0,
        min_free_bytes: int = MIN_FREE_BYTES,
        free: Callable[[Path], int] = free_bytes,
    ) -> Recorder:
        """Begin a session in ``folder/YYYY/MM/DD/<utc>_<bench>_<id>.ablate``.

        Args:
            folder: Where sessions live; made when missing.
            header: What the session is, any JSON values. Read by others: ``bench`` (its name), ``bench_text``,
                ``bench_sha256``, ``protocol``, ``protocol_text``, ``protocol_sha256``, ``software``, ``drivers``,
                ``devices``, ``roles``, ``limits``, ``law``, ``applicator``, ``simulated``, ``seed``. ``id``, ``utc``,
                ``t_start_s`` and ``schema`` are added.
            channels: One mapping for each: ``name`` (``gen.forward_power_w``), and where known ``unit``, ``low``,
                ``high``, ``period_s``. A channel that turns up later is added with the unit its name says.
            utc: Wall-clock label, ISO 8601 in UTC; injected by a rehearsal.
            threaded: False commits inline by the rows' own time; for rehearsals.
            new_id: Session id; default: a new ULID of ``utc()``. A rehearsal derives it from its seed
                (:func:`ids.seeded_id`).
            t_s: Now, on the clock of the ticks.
            min_free_bytes: Less free space than this is refused.
            free: How free space is measured.

        Raises:
            RecordError: The folder cannot be written, or has too little space; says which, and what to do.
        """
        label = utc()
        session_id = new_id() if new_id is not None else new_session_id(label)
        path = session_path(Path(folder), label, str(header.get("bench", "bench")), session_id)
        whole = {**header, "id": session_id, "utc": label, "t_start_s": t_s}
        store = Store.create(path, whole, channels, min_free_bytes=min_free_bytes, free=free, durable=threaded)
        recorder = cls(store, utc, t_s, INTERVAL_S if threaded else None, free)
        if threaded:
            recorder._thread = threading.Thread(target=recorder._own, name="records", daemon=True)
            recorder._thread.start()
        return recorder

    # -- the caller's side: the control loop

    def tick(self, row: TickRow) -> None:
        """Take one tick. Costs an append; never raises, never waits."""
        if len(self._waiting) + len(self._batch) >= MAX_WAITING:
            self._lost += 1
            return
        self._waiting.append(row)
        self._t_accepted_s = row.t_s
        if self._interval_s is None and (
            row.t_s - self._t_committed_s >= INLINE_INTERVAL_S or len(self._waiting) >= INLINE_TICKS
        ):
            self._commit()

    def event(self, t_s: float, kind: str, data: Mapping[str, object] | None = None) -> int:
        """Take one event and return its number. A trip or a change of state is committed at once."""
        self._event_seq += 1
        self._waiting.append(EventRow(self._event_seq, t_s, self._utc(), kind, data or {}))
        if kind in WEIGHTY:
            if self._interval_s is None:
                self._commit()
            else:
                self._wake.set()
        return self._event_seq

    def arrays(self, t_s: float, name: str, data: Mapping[str, Any]) -> None:
        """Keep named arrays of numbers, such as ``picture`` (``r_mm``, ``z_mm``, ``temperature_c``, ``damage``)."""
        self._waiting.append(ArrayRow(t_s, name, dict(data)))

    def cursor(self, name: str, batch: int) -> None:
        """Move a reader's cursor: everything up to ``batch`` has arrived where ``name`` takes it. From any thread."""
        self._cursors[name] = batch

    def status(self) -> RecordStatus:
        """Whether the record can be kept, and the time of the newest tick that is safe on disk.

        Inline there is nobody who could be killed apart from the record, so every accepted tick counts as durable.
        """
        durable = self._t_accepted_s if self._interval_s is None else self._t_durable_s
        text = self._trouble()
        return RecordStatus(durable, not text, text)

    # -- the end

    def finish(self, summary: Mapping[str, object] | None = None, timeout_s: float = 5.0) -> None:
        """Write everything that waits and the summary, and end the chain. Cursors may still move until :meth:`close`.

        Raises:
            RecordError: The disk did not take it within ``timeout_s``; the file holds what was durable before.
        """
        if self._finished.is_set():
            return
        self._summary = dict(summary or {})
        if self._thread is None:
            self._commit()
        else:
            self._wake.set()
            self._finished.wait(timeout_s)
        if not self._finished.is_set():
            raise RecordError(
                self.path,
                self._trouble() or "the session could not be ended in time",
                "what was durable before is in the file; check the disk",
            )

    def close(self, summary: Mapping[str, object] | None = None, timeout_s: float = 5.0) -> None:
        """Finish, fold the write-ahead log in and leave a single clean file. A second call does nothing.

        Raises:
            RecordError: As :meth:`finish`.
        """
        if self._closing:
            return
        try:
            self.finish(summary, timeout_s)
        finally:
            self._closing = True
            if self._thread is None:
                self._commit()
                self._store.close()
            else:
                self._wake.set()
                self._thread.join(timeout_s)

    # -- the owner's side

    def _own(self) -> None:
        next_check_s = time.monotonic() + SPACE_CHECK_S
        while True:
            self._wake.wait(self._interval_s)
            self._wake.clear()
            closing = self._closing
            self._commit()
            if closing:
                self._store.close()
                return
            if time.monotonic() >= next_check_s:
                next_check_s = time.monotonic() + SPACE_CHECK_S
                self._check_space()

    def _commit(self) -> None:
        """Make what waits durable. A refusal keeps the rows for the next try and shows in the status."""
        batch, waiting = self._batch, self._waiting
        summary, cursors = self._summary, self._cursors
        for _ in range(len(waiting)):
            batch.append(waiting.popleft())
        if not batch and (summary is None or self._finished.is_set()) and cursors == self._cursors_written:
            return
        cursors = dict(cursors)
        self._busy_since = began = time.monotonic()
        try:
            if batch or cursors != self._cursors_written:
                self._store.write(batch, cursors)
            if batch:
                self._t_durable_s = max(self._t_durable_s, max(map(time_of, batch)))
                batch.clear()
            if summary is not None and not self._finished.is_set():
                self._store.end(cursors, {**summary, "rows_lost": self._lost} if self._lost else summary)
                self._finished.set()
            self._cursors_written = cursors
            self._problem = ""
        except (
            Exception
        ) as error:  # the thread must live: the next try may succeed, and the status says why this one did not
            self._problem = f"the session file cannot be written ({error})"
        finally:
            self._busy_since = None
            self.head = self._store.head
            self._t_committed_s = self._t_accepted_s
            if (took := time.monotonic() - began) > SLOW_COMMIT_S:
                self._slow = (began + took, took)

    def _check_space(self) -> None:
        try:
            space = self._free(self.path.parent)
        except OSError as error:
            self._space_problem = f"the folder of the session file cannot be read ({error.strerror})"
            return
        short = space < STOP_FREE_BYTES
        self._space_problem = f"only {space / 1e6:.0f} MB are free on the disk of {self.path.parent}" if short else ""

    def _trouble(self) -> str:
        if self._lost:
            return f"{self._lost} ticks could not be kept: the disk has refused them for too long"
        if self._problem or self._space_problem:
            return self._problem or self._space_problem
        if self._thread is None:
            return ""  # inline: how long a commit takes is no part of virtual time
        now, busy_since = time.monotonic(), self._busy_since
        if busy_since is not None and now - busy_since > SLOW_COMMIT_S:
            return f"the disk has not answered for {now - busy_since:.1f} s"
        ended, took = self._slow
        if now - ended < SLOW_HOLD_S:
            return f"the disk took {took:.2f} s to keep the record (at most {SLOW_COMMIT_S} s)"
        if not self._thread.is_alive() and not self._closing:
            return "the recording thread has died"
        return ""
