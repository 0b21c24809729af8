"""Whether a session file still holds what its writer put there: the hash chain, batch by batch.

Found is any row that was changed, removed, added or moved, and any table, index or trigger that the writer did not
make. A chain cannot show that a file which was never closed has lost its last batches as a whole; such a file is
"unfinished", with the last tick that it holds, unless one of its cursors says that a later batch was published. The
end of the chain that is kept elsewhere (:mod:`controller.records.past`) is the anchor against that.
"""

from __future__ import annotations

import sqlite3
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from controller.records.migrations import lacking
from controller.records.opening import connect
from controller.records.schema import COLUMNS, TABLES, Batch, Row, annotation_hash, chain_hash, create

MAX_PROBLEMS = 20
CLOCK_S = 2.0  # labels and times of events may differ by this much more at one event than at another
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""A label before it was made by a clock that was never set (1970); virtual time begins with it."""


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What :func:`verify` found. ``ok``: nothing was changed; ``closed``: its writer ended it (else it is live, or was
    killed)."""

    path: Path
    ok: bool
    closed: bool
    problems: tuple[str, ...]
    batches: int
    ticks: int
    samples: int
    events: int
    last_tick: int | None
    t_durable_s: float | None  # time of the newest tick in the file
    head: str  # hash of the last batch, hexadecimal
    annotations: int = 0
    notes: tuple[str, ...] = ()  # what is strange, but no change: the wall clock was wrong, or was set meanwhile

    @property
    def verdict(self) -> str:
        """``recorded``: whole, and as it was recorded. ``unfinished``: nothing in it was changed, but its writer did
        not end it: it is being written, or it was killed, or its end was cut off. ``changed``: it is not as it was."""
        return "changed" if not self.ok else "recorded" if self.closed else "unfinished"

    @property
    def text(self) -> str:
        """One sentence for a person."""
        size = f"{self.ticks} ticks, {self.samples} samples, {self.events} events in {self.batches} batches"
        if not self.ok:
            return f"NOT as recorded: {self.problems[0]}" + (
                f" (and {n} more)" if (n := len(self.problems) - 1) else ""
            )
        if self.closed:
            return f"as recorded: {size}"
        last = "no tick yet" if self.t_durable_s is None else f"newest tick at t = {self.t_durable_s:.3f} s"
        return f"unfinished (still being written, or its writer was killed): as recorded so far, {size}, {last}"


def verify(path: str | Path) -> VerifyResult:
    """Check a whole session file.

    Raises:
        RecordError: the file is not a session, or so damaged that it cannot be opened.
    """
    path = Path(path)
    db = connect(path)
    check = _Check()
    try:
        db.execute("BEGIN")
        check.run(db)
    except (sqlite3.Error, struct.error, AttributeError, TypeError, ValueError, OverflowError) as error:
        check.problems.append(f"the file is damaged ({error})")
    finally:
        db.close()
    return VerifyResult(
        path,
        not check.problems,
        check.closed,
        tuple(check.problems),
        check.batches,
        check.counts["ticks"],
        check.counts["samples"],
        check.counts["events"],
        check.last_tick,
        check.t_durable_s,
        check.head.hex(),
        check.annotations,
        tuple(check.notes),
    )


class _Check:
    def __init__(self) -> None:
        self.problems: list[str] = []
        self.closed = False
        self.batches = 0
        self.counts = dict.fromkeys(COLUMNS, 0)
        self.last_tick: int | None = None
        self.t_durable_s: float | None = None
        self.head = bytes(32)
        self.heads: set[bytes] = set()
        self.annotations = 0
        self.notes: list[str] = []

    def run(self, db: sqlite3.Connection) -> None:
        damage = [text for (text,) in db.execute("PRAGMA quick_check(5)") if text != "ok"]
        self.problems += [f"the file is damaged ({text})" for text in damage]
        before = Batch(-1, "", 0.0, 0, -1, 0, 0, 0)
        for *fields, digest in db.execute(
            "SELECT n, kind, t_s, channel, tick, sample, event, array, hash FROM chain ORDER BY n"
        ):
            batch = Batch(*fields)
            self._batch(db, before, batch, digest)
            before = batch
            if len(self.problems) >= MAX_PROBLEMS:
                self.problems.append("there may be more; the check was ended here")
                return
        if self.batches == 0:
            self.problems.append("the chain is empty")
        for table, hashed in self.counts.items():
            (there,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()
            if there != hashed:
                self.problems.append(
                    f"{abs(there - hashed)} rows of {table} are {'not in the chain' if there > hashed else 'gone'}"
                )
        if not self.closed and db.execute("SELECT count(*) FROM summary").fetchone() != (0,):
            self.problems.append("there is a summary, but the batch that ended the session is gone")
        for name, sent in db.execute("SELECT name, batch FROM cursor ORDER BY name"):
            if sent > before.n:
                self.problems.append(f"{name} was sent batch {sent}, but the file ends with batch {before.n}")
        self._annotations(db)
        self._objects(db)
        self._clock(db)

    def _annotations(self, db: sqlite3.Connection) -> None:
        """Each is chained to the one before, and names a batch that the file had ended with."""
        before = bytes(32)
        for n, utc, who, key, value, head, digest in db.execute(
            "SELECT n, utc, who, key, value, head, hash FROM annotations ORDER BY n"
        ):
            self.annotations += 1
            if n != self.annotations or annotation_hash(before, n, utc, who, key, value, head) != digest:
                self.problems.append(f"annotation {n} was changed, or the one before it was, or is gone")
            elif head not in self.heads:
                self.problems.append(f"annotation {n} was made of another session, or of more than there is now")
            before = digest

    def _objects(self, db: sqlite3.Connection) -> None:
        """Tables as their writer made them, and nothing beside them."""
        (version,) = db.execute("PRAGMA user_version").fetchone()
        ours = {table: create(table) for table in TABLES}
        for name, sql in db.execute("SELECT name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL ORDER BY name"):
            if ours.pop(name, None) != sql:
                self.problems.append(f"{name!r} is not of the session's writer: another program changed the file")
        if gone := sorted(ours.keys() - lacking(version)):
            self.problems.append(f"the file has no table {', '.join(gone)}")

    def _clock(self, db: sqlite3.Connection) -> None:
        """Wall-clock labels are no evidence; where they cannot be right, it is said."""
        labels = db.execute("SELECT utc, t_s FROM events ORDER BY seq").fetchall()
        if not labels:
            return
        if datetime.fromisoformat(labels[0][0]) < EARLIEST:
            self.notes.append(f"the clock of the machine was wrong: it said {labels[0][0]}")
        shifts = [datetime.fromisoformat(utc).timestamp() - t_s for utc, t_s in labels]
        if (moved_s := max(shifts) - min(shifts)) > CLOCK_S:
            self.notes.append(f"the clock of the machine was set meanwhile, by {moved_s:.0f} s; t is not affected")

    def _batch(self, db: sqlite3.Connection, before: Batch, batch: Batch, digest: bytes) -> None:
        where = f"batch {batch.n} (t = {before.t_s:.2f} to {batch.t_s:.2f} s)"
        if batch.n != before.n + 1:
            self.problems.append(f"batches {before.n + 1} to {batch.n - 1} are gone")
        if (batch.kind == "open") != (before.n < 0) or self.closed:
            self.problems.append(f"{where} does not belong here")
        limits = {"channels": 3, "ticks": 4, "samples": 5, "events": 6, "arrays": 7}  # fields of Batch
        rows: dict[str, list[Row]] = {}
        for table, field in limits.items():
            columns, key = COLUMNS[table]
            query = f"SELECT {columns} FROM {table} WHERE {key}>? AND {key}<=? ORDER BY {key}"
            rows[table] = db.execute(query, (before[field], batch[field])).fetchall()
            self.counts[table] += len(rows[table])
        pairs: list[Row] = []
        if batch.kind in ("open", "close"):
            pairs = db.execute(f"SELECT key, value FROM {'header' if batch.kind == 'open' else 'summary'}").fetchall()
        if chain_hash(self.head, batch, rows, pairs) != digest:
            self.problems.append(f"{where} was changed after it was recorded, or the one before it was")
        if rows["ticks"]:
            self.last_tick, self.t_durable_s = rows["ticks"][-1][0], rows["ticks"][-1][1]
        self.heads.add(digest)
        self.head = digest  # go on from what is written here, so that each later batch is judged by itself
        self.closed = self.closed or batch.kind == "close"
        self.batches += 1
