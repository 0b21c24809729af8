"""Samples as PostgreSQL's binary COPY takes them, for half of what text costs on either side.

A row is the count of its fields, then of each its length and its bytes, high byte first; the length -1 is NULL
(postgresql.org/docs/current/sql-copy.html, "Binary Format"). Times are microseconds since 2000 (datatype/timestamp.h).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controller.collect.rows import Readings, naive

COLUMNS = "time, t_s, value, quality, bench, session, channel"
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH = np.datetime64("2000-01-01", "us")


def samples(found: Readings) -> bytes:
    """All of ``found``, empty when there is none. A reading whose request has no time stands at its message's first
    tick; no number (None) is NULL."""
    if not found.columns:
        return b""
    which = np.repeat(np.arange(len(found.columns)), [count for _, _, count in found.columns])
    names = [_texts(batch.kept.bench, batch.kept.session, channel) for batch, channel, _ in found.columns]
    first = np.array([naive(batch.data["utc0"]) for batch, _, _ in found.columns], dtype="datetime64[us]")
    time = np.where(np.isnat(found.time), first[which], found.time)
    t_s, value = np.array(found.t_s, dtype=float), np.array(found.value, dtype=float)
    columns = {"time": time - _EPOCH, "t_s": t_s, "value": value, "quality": np.array(found.quality)}
    # Rows of equal length are laid out in one go.
    length = np.array([len(name) for name in names])[which]
    alike = length * 4 + np.isnan(t_s) * 2 + np.isnan(value)
    padded = np.array(names)
    parts = [_HEADER]
    for one in np.unique(alike):
        rows = np.flatnonzero(alike == one)
        kinds = {"time": ">i8", "t_s": "" if one & 2 else ">f8", "value": "" if one & 1 else ">f8", "quality": ">i2"}
        fields = {name: column[rows] for name, column in columns.items()}
        parts.append(_rows(fields, kinds, padded[which[rows]], one >> 2))
    return b"".join((*parts, _TRAILER))


def _rows(fields: dict[str, NDArray[Any]], kinds: dict[str, str], names: NDArray[np.bytes_], length: int) -> bytes:
    """Rows with the same fields NULL (those without a kind) and names of the same length."""
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in kinds.items():
        layout += [(f"{name}_length", ">i4"), *([(name, kind)] if kind else [])]
    rows = np.empty(len(names), dtype=[*layout, ("names", f"S{length}")])
    rows["fields"] = len(COLUMNS.split(", "))
    rows["names"] = names
    for name, kind in kinds.items():
        rows[f"{name}_length"] = np.dtype(kind).itemsize if kind else -1
        if kind:
            rows[name] = fields[name]
    return rows.tobytes()


@lru_cache(10_000)
def _texts(*words: str) -> bytes:
    """Text fields. PostgreSQL's text has no NUL."""
    fields = [word.replace("\0", "\ufffd").encode() for word in words]
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)
