"""What a session file holds, and the bytes over which its hash chain runs.

The file is SQLite (``application_id`` ``ABLT``, ``user_version`` = schema version), so that any SQLite tool can read
it. Rows are only ever added, in batches, one per commit; the row of a batch in ``chain`` names the last row of each
table that belongs to it, and holds ``sha256(hash of the batch before || canonical bytes of the batch)``. Canonical
bytes are fixed for ever by the pack functions below: little-endian integers (64 bits) and doubles, UTF-8 text with its
length, tables in the order channels, ticks, samples, events, arrays, each after its count. The first batch (``open``)
also covers the header, the last (``close``) the summary. What is said of a session later stands in ``annotations``,
outside that chain and with one of its own. ``docs/session-file.md`` is written from here.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from struct import Struct
from typing import Any, NamedTuple, Protocol

APPLICATION_ID = 0x41424C54  # "ABLT"
SCHEMA_VERSION = 2  # what each version has: migrations.py

TABLES = {  # STRICT: a column holds its type or NULL; NULL in a REAL column is "not a number"; header, law, data: JSON
    "header": "key TEXT PRIMARY KEY, value TEXT NOT NULL",
    "channels": "id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unit TEXT NOT NULL,"
    " low REAL, high REAL, period_s REAL",
    "ticks": "seq INTEGER PRIMARY KEY, t_s REAL NOT NULL, state TEXT NOT NULL, demand_w REAL, permit_w REAL,"
    " setpoint_w REAL, epoch INTEGER NOT NULL, energy_j REAL, law TEXT NOT NULL",
    "samples": "id INTEGER PRIMARY KEY, tick INTEGER NOT NULL, channel INTEGER NOT NULL, t_request_s REAL, value REAL,"
    " quality INTEGER NOT NULL",  # tick: the first that saw the sample
    "events": "seq INTEGER PRIMARY KEY, t_s REAL NOT NULL, utc TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL",
    "arrays": "id INTEGER PRIMARY KEY, t_s REAL NOT NULL, name TEXT NOT NULL, part TEXT NOT NULL, shape TEXT NOT NULL,"
    " data BLOB NOT NULL",  # little-endian doubles, row by row
    "chain": "n INTEGER PRIMARY KEY, kind TEXT NOT NULL, t_s REAL NOT NULL, channel INTEGER NOT NULL,"
    " tick INTEGER NOT NULL, sample INTEGER NOT NULL, event INTEGER NOT NULL, array INTEGER NOT NULL,"
    " hash BLOB NOT NULL",
    "cursor": "name TEXT PRIMARY KEY, batch INTEGER NOT NULL",  # outside the chain: it moves
    "summary": "key TEXT PRIMARY KEY, value TEXT NOT NULL",
    "annotations": "n INTEGER PRIMARY KEY, utc TEXT NOT NULL, who TEXT NOT NULL, key TEXT NOT NULL,"
    " value TEXT NOT NULL, head BLOB NOT NULL, hash BLOB NOT NULL",  # head: of the sealed chain, at that time
}


def create(table: str) -> str:
    """The statement that makes a table, and that ``sqlite_schema`` then holds."""
    return f"CREATE TABLE {table}({TABLES[table]}) STRICT"


COLUMNS = {  # table -> (columns in canonical order, key)
    "channels": ("id, name, unit, low, high, period_s", "id"),
    "ticks": ("seq, t_s, state, demand_w, permit_w, setpoint_w, epoch, energy_j, law", "seq"),
    "samples": ("id, tick, channel, t_request_s, value, quality", "id"),
    "events": ("seq, t_s, utc, kind, data", "seq"),
    "arrays": ("id, t_s, name, part, shape, data", "id"),
}

Row = tuple[Any, ...]


class Packed(Protocol):
    """Rows that are in memory as they are hashed: an array."""

    def __len__(self) -> int: ...
    def tobytes(self) -> bytes: ...


NAN = math.nan

UNITS = {
    "_w_per_min": "W/min",
    "_ml_min": "ml/min",
    "_ohm": "ohm",
    "_kpa": "kPa",
    "_w": "W",
    "_c": "degC",
    "_s": "s",
    "_j": "J",
    "_hz": "Hz",
    "_v": "V",
    "_a": "A",
    "_mm": "mm",
    "_ml": "ml",
    "_on": "1",
    "_closed": "1",
    "_flag": "1",
}


def unit_of(channel: str) -> str:
    """The unit that a channel's name carries (``gen.power_w`` -> ``W``); two-valued channels have unit ``1``; else
    empty."""
    return next((unit for suffix, unit in UNITS.items() if channel.endswith(suffix)), "")


class Batch(NamedTuple):
    """One row of ``chain`` without its hash: the last row of each table up to and with this batch."""

    n: int
    kind: str  # "open" | "rows" | "close"
    t_s: float
    channel: int
    tick: int
    sample: int
    event: int
    array: int


_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, default=str).encode


def to_json(value: object) -> str:
    """Canonical JSON: sorted keys, ASCII, no spaces; a number that JSON cannot hold becomes null."""
    try:
        return _ENCODE(value)
    except (TypeError, ValueError):
        return _ENCODE(_plain(value))


def _plain(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


_COUNT = Struct("<q").pack
_HEAD = Struct("<qd5q").pack
_TICK = Struct("<qd4dq").pack
_SAMPLE = Struct("<3q2dq").pack
_NUMBERED = Struct("<qd").pack
_BOUNDS = Struct("<3d").pack


def real(value: Any) -> float:
    """A stored REAL as hashed: NULL is the one not-a-number, and there is no negative zero (SQLite stores neither)."""
    return NAN if value is None or value != value else value + 0.0


def text(value: str | bytes) -> bytes:
    """Text or a blob as hashed: its length, then its bytes."""
    data = value.encode() if isinstance(value, str) else value
    return _COUNT(len(data)) + data


def pack_pairs(rows: Iterable[Row]) -> bytes:
    """Header or summary, in the order of the keys."""
    return b"".join(text(key) + text(value) for key, value in sorted(rows))


def pack_channels(rows: Sequence[Row]) -> bytes:
    return b"".join(
        _COUNT(i) + text(name) + text(unit) + _BOUNDS(real(low), real(high), real(period_s))
        for i, name, unit, low, high, period_s in rows
    )


def pack_ticks(rows: Sequence[Row]) -> bytes:
    return b"".join(
        [
            _TICK(seq, t_s, real(demand), real(permit), real(setpoint), real(energy), epoch) + text(state) + text(law)
            for seq, t_s, state, demand, permit, setpoint, epoch, energy, law in rows
        ]
    )


def pack_samples(rows: Sequence[Row] | Packed) -> bytes:
    if not isinstance(rows, Sequence):
        return rows.tobytes()
    pack, nan = _SAMPLE, NAN
    return b"".join(
        [pack(i, tick, ch, nan if t is None else t, nan if v is None else v, q) for i, tick, ch, t, v, q in rows]
    )


def pack_events(rows: Sequence[Row]) -> bytes:
    return b"".join(_NUMBERED(seq, t_s) + text(utc) + text(kind) + text(data) for seq, t_s, utc, kind, data in rows)


def pack_arrays(rows: Sequence[Row]) -> bytes:
    return b"".join(
        _NUMBERED(i, t_s) + text(name) + text(part) + text(shape) + text(data)
        for i, t_s, name, part, shape, data in rows
    )


PACK: Mapping[str, Callable[[Any], bytes]] = {
    "channels": pack_channels,
    "ticks": pack_ticks,
    "samples": pack_samples,
    "events": pack_events,
    "arrays": pack_arrays,
}


def chain_hash(
    before: bytes, batch: Batch, rows: Mapping[str, Sequence[Row] | Packed], pairs: Iterable[Row] = ()
) -> bytes:
    """The hash of a batch. ``pairs`` is the header in the ``open`` batch, the summary in the ``close`` batch."""
    digest = hashlib.sha256(before)
    digest.update(_HEAD(batch.n, batch.t_s, *batch[3:]) + text(batch.kind) + pack_pairs(pairs))
    for table, pack in PACK.items():
        digest.update(_COUNT(len(rows[table])) + pack(rows[table]))
    return digest.digest()


def annotation_hash(before: bytes, n: int, utc: str, who: str, key: str, value: str, head: bytes) -> bytes:
    """The hash of an annotation. ``before``: that of the one before it; 32 zero bytes for the first."""
    said = text(utc) + text(who) + text(key) + text(value) + text(head)
    return hashlib.sha256(before + _COUNT(n) + said).digest()
