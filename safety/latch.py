"""What a bench remembers between two daemons (H35, H74): the latch, that is the trip, and beside it the ledger, which
says whether there must be a latch and when resets were accepted. Reading and writing the files is done by others.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, fields, replace
from typing import Any

from safety.types import Fault, Trip

FORMAT, LEDGER = "openablate-latch-1", "openablate-ledger-1"
_NUMBERS = ("value", "limit", "age_s", "t_s")
_TYPES = {f.name: bool if f.name in ("lockout", "pump_off") else str for f in fields(Trip)}


def render(bench: str, trip: Trip) -> str:
    """One JSON document, closed by a CRC over all the rest. Numbers are written as text: JSON knows no NaN."""
    body = asdict(trip)
    for name in _NUMBERS:
        body[name] = repr(float(body[name]))
    return _seal({"format": FORMAT, "bench": bench, "trip": body})


def render_ledger(bench: str, latched: bool, resets: tuple[float, ...]) -> str:
    """The ledger; ``resets`` are times of the daemon's monotonic clock, which runs on from one daemon to the next."""
    return _seal({"format": LEDGER, "bench": bench, "latched": latched, "resets": [repr(t_s) for t_s in resets]})


def recall(
    latch: str | bytes | None, ledger: str | bytes | None, bench: str, now_s: float
) -> tuple[Trip | None, tuple[float, ...]]:
    """The latched trip and the accepted resets, from the contents of both files; None: there is no such file.

    A ledger that is damaged, or that knows of a latch which is gone, is a lockout. A reset of before the computer's
    start has a time that means nothing now; it is taken for as young as it can be.
    """
    trip = parse(latch, bench) if latch is not None else None
    if ledger is None:
        return trip, ()
    try:
        document = _opened(ledger, LEDGER, bench)
        resets = tuple(min(float(t_s), now_s) for t_s in document["resets"])
        if trip is None and document["latched"]:
            raise ValueError("it is gone, and nobody has reset it")
        return trip, resets
    except Exception as error:
        found = _unreadable(f"{type(error).__name__}: {error}")
        return found if trip is None else replace(trip, lockout=True), ()


def parse(text: str | bytes, bench: str) -> Trip:
    """The latched trip.

    A file that is truncated, garbled or of another bench is a LOCKOUT trip "latch unreadable", never nothing: it may
    once have said LOCKOUT.
    """
    try:
        body = _opened(text, FORMAT, bench)["trip"]
        if {name: type(value) for name, value in body.items()} != _TYPES:
            raise ValueError("fields are missing, foreign or wrong")
        return Trip(**{**body, **{name: float(body[name]) for name in _NUMBERS}})
    except Exception as error:  # whatever it is, it is not a reason to forget a trip
        return _unreadable(f"{type(error).__name__}: {error}")


def _seal(document: dict[str, object]) -> str:
    return json.dumps({**document, "crc32": _crc(document)}, indent=1, sort_keys=True) + "\n"


def _opened(text: str | bytes, form: str, bench: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    crc = document.pop("crc32")
    if crc != _crc(document) or document["format"] != form:
        raise ValueError("checksum or format is wrong")
    if document["bench"] != bench:
        raise ValueError(f"it belongs to bench {document['bench']!r}")
    return document


def _crc(document: object) -> str:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return f"{zlib.crc32(canonical.encode()):08x}"


def _unreadable(problem: str) -> Trip:
    check = "the session files for what had tripped; only then: ablate reset REASON --bench NAME --lockout"
    return Fault("H74", "latch", "latch", f"latch unreadable: {problem}", check, 0.0, lockout=True).trip()
