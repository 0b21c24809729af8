"""Names of sessions: ids that sort by time, where a session's file lies, and who does something to it."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SUFFIX = ".ablate"
VIRTUAL = "20000101T"
"""So begin the names of rehearsals: their clock starts there, so that a record depends on its seed alone."""


def utc_now() -> str:
    """Wall-clock time as a label, ISO 8601 in UTC with milliseconds (``2026-11-22T04:25:00.120Z``). Never part of a
    decision."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def account() -> str:
    """Whose process this is; a number where the system knows no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def new_session_id(utc: str) -> str:
    """A ULID: 48 bits of time and 80 of chance, 26 characters, sorts by time (github.com/ulid/spec)."""
    return _ulid(utc, secrets.token_bytes(10))


def seeded_id(seed: int | str, utc: str) -> str:
    """The id of a rehearsal: the same for the same seed and the same (virtual) time."""
    return _ulid(utc, hashlib.sha256(f"{seed}|{utc}".encode()).digest()[:10])


def _ulid(utc: str, chance: bytes) -> str:
    number = (int(datetime.fromisoformat(utc).timestamp() * 1000) << 80) | int.from_bytes(chance, "big")
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


class Dated(NamedTuple):
    """When a session began. ``virtual``: its own date is none (:data:`VIRTUAL`), and this is that of its file."""

    utc: str
    virtual: bool


def dated(path: Path) -> Dated:
    """The time in a file's name, which its header confirms. Of virtual time, and of a file that was renamed, when the
    file was changed last. Raises :class:`OSError`: it is gone."""
    told = re.match(r"(\d{8}T\d{6})Z_", path.name)
    if told is not None and not told[1].startswith(VIRTUAL):
        return Dated(datetime.strptime(told[1] + "+0000", "%Y%m%dT%H%M%S%z").isoformat(), False)
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(microsecond=0)
    return Dated(changed.isoformat(), told is not None)


def session_path(folder: Path, utc: str, bench: str, session_id: str) -> Path:
    """``folder/YYYY/MM/DD/<utc>_<bench>_<id>.ablate``; characters that a file system may refuse become ``-``."""
    when = datetime.fromisoformat(utc).astimezone(UTC)
    name = re.sub(r"[^A-Za-z0-9-]+", "-", bench).strip("-")[:40] or "bench"
    return folder / f"{when:%Y/%m/%d}" / f"{when:%Y%m%dT%H%M%SZ}_{name}_{session_id}{SUFFIX}"
