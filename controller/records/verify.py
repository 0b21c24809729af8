"""Whether a session file still holds what its writer put there: the hash chain, batch by batch.

Found is any row that was changed, removed, added or moved. A chain cannot show that a file which was never closed has
lost its last batches as a whole; such a file is reported as not closed, with the last tick that it holds. The head of
the chain that was published over MQTT, or printed in a report, is the anchor against that.
"""

from __future__ import annotations

import sqlite3
import struct
from dataclasses import dataclass
from pathlib import Path

from controller.records.reader import connect
from controller.records.schema import COLUMNS, Batch, Row, chain_hash

MAX_PROBLEMS = 20


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
        return f"as recorded, not closed (still being written, or its writer was killed): {size}, {last}"


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
        self.head = digest  # go on from what is written here, so that each later batch is judged by itself
        self.closed = self.closed or batch.kind == "close"
        self.batches += 1
