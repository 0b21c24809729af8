"""The hash chain in stretches, each of which can be checked apart from the others, in another process.

The hash of a batch covers the hash before it, as it stands in the file, and the rows of the batch: nothing else has to
be known of the rest of the file. A stretch is read at one go, a query for each table, however small its batches are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from controller.records.samples import Rows, asked, packed
from controller.records.schema import COLUMNS, Batch, Row, chain_hash

PIECE = 300_000  # samples; a process takes about as long to start as to read so many
MOST_BATCHES = 5_000
MAX_PROBLEMS = 20
LIMITS = {"channels": "channel", "ticks": "tick", "samples": "sample", "events": "event", "arrays": "array"}
"""Table -> the field of a batch that names its last row there."""


class Link(NamedTuple):
    """A row of ``chain``."""

    batch: Batch
    digest: bytes


BEGIN = Link(Batch(-1, "", 0.0, 0, -1, 0, 0, 0), bytes(32))
Links = Sequence[Link]  # of a stretch: the first is the one before it


class Checked(NamedTuple):
    """What was found in a stretch: how many rows of each table, and the samples, where they are wanted."""

    problems: list[str]
    counts: dict[str, int]
    samples: Rows | None = None


def chain(db: sqlite3.Connection) -> list[Link]:
    """The whole chain, :data:`BEGIN` first."""
    query = "SELECT n, kind, t_s, channel, tick, sample, event, array, hash FROM chain ORDER BY n"
    return [BEGIN, *(Link(Batch(*fields), digest) for *fields, digest in db.execute(query))]


def cut(links: Links, samples: int, batches: int = MOST_BATCHES) -> Iterator[Links]:
    """The chain in stretches of about so many samples, or batches."""
    first = 0
    for i in range(1, len(links)):
        many = links[i].batch.sample - links[first].batch.sample >= samples or i - first >= batches
        if many or i == len(links) - 1:
            yield links[first : i + 1]
            first = i


def check(db: sqlite3.Connection, links: Links) -> Checked:
    """Check every batch of a stretch but its first, by itself. Ends after :data:`MAX_PROBLEMS`.

    Samples that were read from the file's pages are believed where the chain says that they are right.

    Raises:
        sqlite3.Error, struct.error, AttributeError, TypeError, ValueError, OverflowError: the file is damaged.
    """
    found = _checked(db, links, packed)
    return _checked(db, links, asked) if found.problems else found


def _checked(db: sqlite3.Connection, links: Links, read: Callable[[sqlite3.Connection, int, int], Rows]) -> Checked:
    rows: dict[str, Any] = {}
    ends: dict[str, list[int]] = {}
    for table, field in LIMITS.items():
        limits = [getattr(link.batch, field) for link in links]
        between = (min(limits), max(limits))
        rows[table] = read(db, *between) if table == "samples" else _read(db, table, *between)
        keys = rows[table]["id"] if table == "samples" else np.array([row[0] for row in rows[table]], dtype=np.int64)
        ends[table] = np.searchsorted(keys, limits, side="right").tolist()
    problems: list[str] = []
    counts = dict.fromkeys(LIMITS, 0)
    for i, (before, link) in enumerate(pairwise(links)):
        mine = {table: rows[table][ends[table][i] : ends[table][i + 1]] for table in LIMITS}
        for table in LIMITS:
            counts[table] += len(mine[table])
        problems += _problems(db, before, link, mine)
        if len(problems) >= MAX_PROBLEMS:
            break
    return Checked(problems, counts, rows["samples"])


def _read(db: sqlite3.Connection, table: str, after: int, last: int) -> list[Row]:
    columns, key = COLUMNS[table]
    query = f"SELECT {columns} FROM {table} WHERE {key}>? AND {key}<=? ORDER BY {key}"
    return db.execute(query, (after, last)).fetchall()


def _problems(db: sqlite3.Connection, before: Link, link: Link, rows: dict[str, Any]) -> Iterator[str]:
    batch = link.batch
    where = f"batch {batch.n} (t = {before.batch.t_s:.2f} to {batch.t_s:.2f} s)"
    if batch.n != before.batch.n + 1:
        yield f"batches {before.batch.n + 1} to {batch.n - 1} are gone"
    if (batch.kind == "open") != (before.batch.n < 0) or before.batch.kind == "close":
        yield f"{where} does not belong here"
    pairs: list[Row] = []
    if batch.kind in ("open", "close"):
        pairs = db.execute(f"SELECT key, value FROM {'header' if batch.kind == 'open' else 'summary'}").fetchall()
    if chain_hash(before.digest, batch, rows, pairs) != link.digest:
        yield f"{where} was changed after it was recorded, or the one before it was"
