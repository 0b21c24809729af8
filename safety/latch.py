"""The latch file's content: a trip survives a restart (H35, H74). Reading and writing the file is done by others."""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import asdict, fields

from safety.types import Trip

FORMAT = "openablate-latch-1"
_TEXTS = ("hazard", "monitor", "device", "channel", "text", "check")
_NUMBERS = ("value", "limit", "age_s", "t_s")
_FLAGS = ("lockout", "pump_off")


def render(bench: str, trip: Trip) -> str:
    """One JSON document, closed by a CRC over all the rest. Numbers are written as text: JSON knows no NaN."""
    body = asdict(trip)
    for name in _NUMBERS:
        body[name] = repr(float(body[name]))
    document = {"format": FORMAT, "bench": bench, "trip": body}
    return json.dumps({**document, "crc32": _crc(document)}, indent=1, sort_keys=True) + "\n"


def parse(text: str | bytes, bench: str) -> Trip:
    """The latched trip.

    A file that is truncated, garbled or of another bench is a LOCKOUT trip "latch unreadable", never nothing: it may
    once have said LOCKOUT.
    """
    try:
        document = json.loads(text)
        crc = document.pop("crc32")
        if crc != _crc(document) or document["format"] != FORMAT:
            raise ValueError("checksum or format is wrong")
        if document["bench"] != bench:
            raise ValueError(f"it belongs to bench {document['bench']!r}")
        body = document["trip"]
        if set(body) != {f.name for f in fields(Trip)}:
            raise ValueError("fields are missing or foreign")
        if not all(isinstance(body[n], str) for n in (*_TEXTS, *_NUMBERS)) or not all(
            isinstance(body[n], bool) for n in _FLAGS
        ):
            raise ValueError("fields have wrong types")
        return Trip(**{**body, **{name: float(body[name]) for name in _NUMBERS}})
    except Exception as error:  # whatever it is, it is not a reason to forget a trip
        return _unreadable(f"{type(error).__name__}: {error}")


def _crc(document: object) -> str:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return f"{zlib.crc32(canonical.encode()):08x}"


def _unreadable(problem: str) -> Trip:
    return Trip(
        hazard="H74",
        monitor="latch",
        device="latch",
        channel="",
        value=math.nan,
        limit=math.nan,
        age_s=0.0,
        t_s=0.0,
        text=f"latch unreadable: {problem}",
        check="the session files for what had tripped; only then remove the latch file by hand",
        lockout=True,
    )
