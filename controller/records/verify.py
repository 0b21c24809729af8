"""Whether a session file still holds what its writer put there: the hash chain, batch by batch.

Found is any row that was changed, removed, added or moved, and any table, index or trigger that the writer did not
make. A chain cannot show that a file which was never closed has lost its last batches as a whole; such a file is
"unfinished", with the last tick that it holds, unless one of its cursors says that a later batch was published. The
end of the chain that is kept elsewhere (:mod:`controller.records.past`) is the anchor against that.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from controller.records.migrations import lacking
from controller.records.opening import connect
from controller.records.schema import COLUMNS, TABLES, annotation_hash, create
from controller.records.stretch import MAX_PROBLEMS, PIECE, Checked, Links, chain, check, cut

Elsewhere = Callable[[Sequence[Links]], Iterable[Checked]]
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


def verify(path: str | Path, elsewhere: Elsewhere | None = None) -> VerifyResult:
    """Check a whole session file.

    Args:
        path: The session file.
        elsewhere: Checks stretches of the chain, as :func:`controller.records.stretch.check` does, and gives what was
            found in their order; it may have begun with them before it is asked for the first.

    Raises:
        RecordError: the file is not a session, or so damaged that it cannot be opened.
    """
    path = Path(path)
    db = connect(path)
    check = _Check()
    try:
        db.execute("BEGIN")
        check.run(db, elsewhere)
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

    def run(self, db: sqlite3.Connection, elsewhere: Elsewhere | None) -> None:
        links = chain(db)
        stretches = list(cut(links, PIECE))
        parts = map(partial(check, db), stretches) if elsewhere is None else elsewhere(stretches)
        damage = [text for (text,) in db.execute("PRAGMA quick_check(5)") if text != "ok"]
        self.problems += [f"the file is damaged ({text})" for text in damage]
        for part in parts:
            self.problems += part.problems
            for table, hashed in part.counts.items():
                self.counts[table] += hashed
            if len(self.problems) >= MAX_PROBLEMS:
                self.problems.append("there may be more; the check was ended here")
                return
        newest = links[-1]
        self.batches, self.head = len(links) - 1, bytes(newest.digest)
        self.closed = any(link.batch.kind == "close" for link in links)
        self.heads = {link.digest for link in links[1:]}
        query = "SELECT seq, t_s FROM ticks WHERE seq<=? ORDER BY seq DESC LIMIT 1"
        self.last_tick, self.t_durable_s = db.execute(query, (newest.batch.tick,)).fetchone() or (None, None)
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
            if sent > newest.batch.n:
                self.problems.append(f"{name} was sent batch {sent}, but the file ends with batch {newest.batch.n}")
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
        if len({utc for utc, _ in labels}) == 1:  # a rehearsal has no date, and so no clock that could be set
            return
        shifts = [datetime.fromisoformat(utc).timestamp() - t_s for utc, t_s in labels]
        if (moved_s := max(shifts) - min(shifts)) > CLOCK_S:
            self.notes.append(f"the clock of the machine was set meanwhile, by {moved_s:.0f} s; t is not affected")
