"""Samples straight from the pages of a closed session file: SQLite hands over value by value, for four times as much.

Cells and records are as in https://www.sqlite.org/fileformat2.html (1.6 B-tree pages, 2.1 record format). Read is only
what samples look like; at anything else, such as a file that is being written or a page that was damaged, there is no
answer and SQLite has to be asked. Nobody needs to believe this reader: what it reads is held against the hash chain,
and where the two differ SQLite decides (:mod:`controller.records.stretch`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.records.schema import NAN

LEAF, INTERIOR = 13, 5
AT_ONCE = 256  # leaves: arrays that stay in a core's cache
HEADER = 7  # bytes of a record's header: its own length, then the type of each of the six columns
REALS = ("t_s", "value")
ORDER = ("tick", "channel", "t_s", "value", "quality")  # behind the id, which is the row's key and stands as NULL
NULL, REAL, ZERO, ONE = 0, 7, 8, 9  # types of a column; 1 to 6: a whole number of so many bytes, the highest first:
BYTES = np.array([0, 1, 2, 3, 4, 6, 8, 8, 0, 0])
FREE = np.array([0, 56, 48, 40, 32, 16, 0, 0, 0, 0])  # bits of eight bytes that such a number leaves
DEPTH_MAX = 20  # of a tree: SQLite's own limit

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


class Strange(Exception):
    """Not what samples look like."""


class Pages(NamedTuple):
    """``total`` pages of a file, counted from 1."""

    stream: BinaryIO
    size: int
    total: int

    def one(self, number: int) -> bytes:
        """Its bytes."""
        self.stream.seek((number - 1) * self.size)
        return self.stream.read(self.size)

    def many(self, numbers: Sequence[int]) -> Bytes:
        """A row for each. They lie close together, for they were written one after the other."""
        first = min(numbers)
        self.stream.seek((first - 1) * self.size)
        data = self.stream.read((max(numbers) - first + 1) * self.size)
        rows: Bytes = np.frombuffer(data, np.uint8).reshape(-1, self.size)[np.array(numbers) - first]
        return rows


def samples(db: sqlite3.Connection, after: int, last: int, dtype: np.dtype[Any]) -> NDArray[np.void] | None:
    """Samples with ``after`` < id <= ``last`` as an array of ``dtype``; None: ask SQLite."""
    (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    file = db.execute("PRAGMA database_list").fetchone()[2]
    if mode != "delete" or not file or db.total_changes:
        return None  # its writer has it, or was killed; a copy in memory; changes that may not be in the file yet
    (size,), (count,) = (db.execute(f"PRAGMA page_{what}").fetchone() for what in ("size", "count"))
    (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name='samples'").fetchone()
    try:
        with open(file, "rb") as stream:
            pages = Pages(stream, size, count)
            leaves = _leaves(pages, root, after, last)
            parts = [_rows(pages.many(leaves[i : i + AT_ONCE]), dtype) for i in range(0, len(leaves), AT_ONCE)]
        rows = np.concatenate([np.empty(0, dtype), *parts])
    except (Strange, IndexError, ValueError, OSError):
        return None
    ids = rows["id"]
    if not (ids[1:] > ids[:-1]).all():
        return None
    first, end = np.searchsorted(ids, (after, last), side="right")
    return rows[first:end]


def _leaves(pages: Pages, root: int, after: int, last: int) -> list[int]:
    """Numbers of the pages that hold rows of these keys, in order."""
    level = [root]
    for _ in range(DEPTH_MAX):
        if pages.one(level[0])[0] == LEAF:
            return level
        children = (child for page in level for child in _children(pages.one(page), after, last))
        level = list(islice(children, pages.total + 1))
        if len(level) > pages.total or not all(1 <= page <= pages.total for page in level):
            break
    raise Strange("pages in a circle, or that are not there")


def _children(page: bytes, after: int, last: int) -> Iterator[int]:
    """Of a page that is no leaf: pages with keys above that of the one before, and at most their own."""
    if page[0] != INTERIOR:
        raise Strange("not a page of a table")
    before = -1
    for i in range(int.from_bytes(page[3:5])):
        at = int.from_bytes(page[12 + 2 * i : 14 + 2 * i])
        key = _varint(page, at + 4)
        if key > after and before < last:
            yield int.from_bytes(page[at : at + 4])
        before = key
    if before < last:
        yield int.from_bytes(page[8:12])


def _varint(data: bytes, at: int) -> int:
    value = 0
    while data[at] & 0x80:
        value = value << 7 | data[at] & 0x7F
        at += 1
    return value << 7 | data[at]


def _rows(leaves: Bytes, dtype: np.dtype[Any]) -> NDArray[np.void]:
    """All rows of some leaves."""
    data, size = leaves.reshape(-1), leaves.shape[1]
    if (leaves[:, 0] != LEAF).any():
        raise Strange("not a leaf")
    cells = leaves[:, 3].astype(np.int64) << 8 | leaves[:, 4]
    most = int(cells.max(initial=0))
    starts = leaves[:, 8 : 8 + 2 * most].copy().view(">u2") + np.arange(0, data.size, size)[:, None]
    at = starts[np.arange(most) < cells[:, None]]
    if (data[at] & 0x80).any():
        raise Strange("a long row")
    ids, at = _ids(data, at + 1)
    kinds = _eight(data, at + HEADER).view(np.uint8).reshape(-1, 8)  # the last column's first
    if (kinds[:, 6] != HEADER).any() or (kinds[:, 5] != NULL).any() or (kinds[:, :5] > ONE).any():
        raise Strange("another record")
    rows = np.empty(len(ids), dtype)
    rows["id"] = ids
    at = at + HEADER
    for i, name in enumerate(ORDER):
        kind = kinds[:, 4 - i]
        at = at + BYTES[kind]
        values = _eight(data, at)
        rows[name] = _reals(values, kind) if name in REALS else _wholes(values, kind)
    return rows


def _ids(data: Bytes, at: Ints) -> tuple[Ints, Ints]:
    """Numbers of seven bits a byte, and where the bytes behind them are."""
    byte = data[at]
    ids = (byte & 0x7F).astype(np.int64)
    more = byte > 0x7F
    at = at + 1
    while more.any():
        byte = data[at]
        ids = np.where(more, ids << 7 | byte & 0x7F, ids)
        at = at + more
        more &= byte > 0x7F
    return ids, at


def _eight(data: Bytes, end: Ints) -> Ints:
    """The eight bytes before each place, the highest first."""
    every = np.ndarray((data.size - 7,), ">i8", data, strides=(1,))
    return every[end - 8].astype(np.int64)


def _wholes(values: Ints, kind: Bytes) -> Ints:
    if (kind == NULL).any() or (kind == REAL).any():
        raise Strange("no whole number")
    if (kind == ZERO).all():
        return np.zeros_like(values)
    free = FREE[kind]
    return np.where(kind >= ZERO, kind - ZERO, values << free >> free)


def _reals(values: Ints, kind: Bytes) -> NDArray[np.float64]:
    """As doubles: also what stands as a whole number, which takes less room."""
    reals = values.view(np.float64)
    odd = np.flatnonzero(kind != REAL)
    if len(odd):
        null = kind[odd] == NULL
        whole = _wholes(values[odd], np.where(null, ZERO, kind[odd]).astype(np.uint8))
        reals[odd] = np.where(null, NAN, whole)
    reals[np.isnan(reals)] = NAN  # one not-a-number of all
    return reals
