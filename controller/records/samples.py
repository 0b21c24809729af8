"""Samples as arrays: as they are hashed, and as they are looked at."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from controller.records import pages
from controller.records.schema import NAN

PACKED = np.dtype(
    [("id", "<i8"), ("tick", "<i8"), ("channel", "<i8"), ("t_s", "<f8"), ("value", "<f8"), ("quality", "<i8")]
)
"""The bytes of an array of these are what :func:`controller.records.schema.pack_samples` makes of the same rows."""

Rows = NDArray[np.void]
DTYPES = {"tick": np.int64, "channel": np.int32, "t_s": np.float64, "value": np.float64, "quality": np.int8}
_ROWS = "FROM samples WHERE id>? AND id<=? ORDER BY id"


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples column by column, about half as large: what a chart or an export takes as it is. All of one length."""

    tick: NDArray[np.int64]
    channel: NDArray[np.int32]
    t_s: NDArray[np.float64]
    value: NDArray[np.float64]
    quality: NDArray[np.int8]

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """The same samples."""
        return cls(*(rows[name].astype(dtype) for name, dtype in DTYPES.items()))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """One after the other."""
        columns: list[Any] = [np.empty(0, dtype) for dtype in DTYPES.values()]
        for i, column in enumerate(columns):
            columns[i] = np.concatenate([column, *(part.columns[i] for part in parts)])
        return cls(*columns)

    @property
    def columns(self) -> tuple[NDArray[Any], ...]:
        """In the order of :data:`DTYPES`."""
        return self.tick, self.channel, self.t_s, self.value, self.quality

    def __len__(self) -> int:
        return len(self.tick)


def packed(db: sqlite3.Connection, after: int, last: int) -> Rows:
    """Samples with ``after`` < id <= ``last``, as an array of :data:`PACKED`: from the file's pages where that can be
    and none is missing, else as :func:`asked` has them. Raises as that does.
    """
    rows = pages.samples(db, after, last, PACKED)
    return rows if rows is not None and len(rows) == last - after else asked(db, after, last)


def asked(db: sqlite3.Connection, after: int, last: int) -> Rows:
    """Samples with ``after`` < id <= ``last``, as an array of :data:`PACKED`, as SQLite has them.

    All numbers come as doubles, in one flat stream: what costs time here is each value that SQLite hands over. Whole
    numbers are exact up to 2**53; no tick, channel or quality is ever more, and what is does not become less. For the
    same reason ids are asked for only where some are missing.

    Raises:
        sqlite3.Error: the file is damaged.
        ValueError, TypeError: something there is no number.
    """
    values = chain.from_iterable(
        db.execute(f"SELECT tick, channel, t_request_s, value, quality {_ROWS}", (after, last))
    )
    columns = np.fromiter(values, np.float64).reshape(-1, 5)
    columns[np.isnan(columns)] = NAN  # one not-a-number of all
    rows = np.empty(len(columns), PACKED)
    if len(rows) == last - after:
        rows["id"] = np.arange(after + 1, last + 1)
    else:
        rows["id"] = np.fromiter((i for (i,) in db.execute(f"SELECT id {_ROWS}", (after, last))), np.int64)
    with np.errstate(invalid="ignore"):  # what does not fit is not what was recorded either
        for i, name in enumerate(("tick", "channel", "t_s", "value", "quality")):
            rows[name] = columns[:, i]
    return rows
