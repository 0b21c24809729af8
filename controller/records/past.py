"""The records before this one: whether somebody changed them after their writer had left (H80).

Before a bench starts, its newest record and the one that it ended last are verified; of the latter the end of the hash
chain is remembered outside the file, in the state folder, so that a file that was cut short or written anew as a whole
is noticed too, and the file's SHA-256, so that a day's record that nobody touched is looked through in a second. A
record that is not as it was keeps the bench from starting until somebody has looked at it and said so, with a reason
(``ablate sessions accept``). A file that was moved away is not looked for: archives are moved.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.records.fold import fold_all
from controller.records.ids import SUFFIX, account, session_path, utc_now
from controller.records.opening import connect
from controller.records.store import NothingRecorded, RecordError
from controller.records.verify import verify

LAST, ACCEPTED = "last-record.json", "accepted.jsonl"


class VerificationError(Exception):
    """An earlier record was changed, and nobody has said that he knows (exit code 8)."""


def check(folder: Path, bench: str, state: Path, accepted: Path) -> None:
    """Look at the newest record of ``bench`` in ``folder`` and at the one that ``state`` remembers. Before that, the
    logs of those whose writers were killed are folded in.

    Raises:
        VerificationError: one is not as it was and stands in no line of ``accepted``; names it and says what to do.
    """
    fold_all(folder)
    last = _last(state)
    paths = {
        path.resolve() for path in (_newest(folder, bench), last and Path(last["file"])) if path and path.is_file()
    }
    for path in sorted(paths):
        remembered = last if last is not None and Path(last["file"]).resolve() == path else None
        if remembered is not None and digest(path) == remembered["sha256"]:
            continue
        why = doubt(path, remembered["head"] if remembered is not None else None)
        if why and digest(path) not in _accepted(accepted):
            raise VerificationError(
                f"{path} is not as it was recorded: {why}; `ablate sessions verify` says where. Find out who changed "
                f'it; then: ablate sessions accept {path} "what was found"'
            )


def doubt(path: Path, head: str | None = None) -> str:
    """Why a record cannot be what its writer left; empty when it can. ``head``: the end of its chain, if known."""
    try:
        found = verify(path)
    except NothingRecorded as error:
        return "" if head is None else error.problem  # its writer was killed before it held anything
    except RecordError as error:
        return error.problem
    if not found.ok:
        return found.problems[0]
    if head is not None and found.head != head:
        return "it verifies, but does not end as it did when this bench closed it"
    return ""


def remember(path: Path, state: Path) -> None:
    """Keep the end of ``path``'s chain, which its writer has just closed; what was not closed is not remembered."""
    try:
        with contextlib.closing(connect(path)) as db:
            ended = db.execute("SELECT hash FROM chain WHERE kind='close'").fetchone()
    except (RecordError, sqlite3.Error):
        return
    if ended is not None:
        new = state / f".{LAST}.new"
        told = {"file": str(path.resolve()), "head": ended[0].hex(), "sha256": digest(path)}
        new.write_text(json.dumps(told) + "\n", encoding="utf-8")
        os.replace(new, state / LAST)


def accept(path: Path, reason: str, accepted: Path) -> dict[str, Any]:
    """Append to ``accepted`` that somebody knows of what was done to ``path``; the line that was written."""
    who = {"who": account(), "uid": os.getuid()}
    line = {"utc": utc_now(), **who, "file": str(path.resolve()), "sha256": digest(path), "reason": reason}
    accepted.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with accepted.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**line, "problem": doubt(path)}) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return line


def digest(path: Path) -> str:
    """SHA-256 of the file as it is now: what was accepted is this content and no other."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _newest(folder: Path, bench: str) -> Path | None:
    """By the time in its name, which is that of its beginning."""
    name = session_path(folder, utc_now(), bench, "").name.split("_")[1]
    return max(folder.rglob(f"*_{name}_*{SUFFIX}"), key=lambda path: path.name, default=None)


def _last(state: Path) -> Mapping[str, str] | None:
    try:
        told = json.loads((state / LAST).read_text(encoding="utf-8"))
        return {key: str(told[key]) for key in ("file", "head", "sha256")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _accepted(path: Path) -> set[str]:
    found: set[str] = set()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
        try:
            found.add(str(json.loads(line)["sha256"]))
        except (ValueError, KeyError, TypeError):
            continue
    return found
