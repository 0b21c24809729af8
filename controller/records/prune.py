"""Which sessions may go, and their removal. Nothing goes that is being written, that cannot be read, that is not as it
was recorded, or that its broker does not have yet; and each that goes leaves a line in ``pruned.jsonl``.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from controller.records.fold import fold
from controller.records.hold import being_written
from controller.records.ids import SUFFIX, account, dated, utc_now
from controller.records.opening import connect, logs
from controller.records.past import digest
from controller.records.store import NothingRecorded, RecordError
from controller.records.verify import verify

LOG = "pruned.jsonl"  # in the folder that was pruned


class Choice(NamedTuple):
    """A session that the limits would remove. ``keep``: why it stays all the same; empty: it goes."""

    path: Path
    utc: str
    size_bytes: int
    why: str
    keep: str
    facts: dict[str, Any]


class _Session(NamedTuple):
    path: Path
    utc: str
    virtual: bool
    size_bytes: int


def choose(
    folder: Path,
    *,
    older_than_days: float | None = None,
    keep_bytes: int | None = None,
    now: str | None = None,
    force_unpublished: bool = False,
    force_changed: bool = False,
) -> list[Choice]:
    """The sessions under ``folder`` that are older than ``older_than_days``, and then, the oldest first, those without
    which the rest fits into ``keep_bytes``. At least one of the two must be given.

    ``force_unpublished``: also what the broker does not have; ``force_changed``: also what does not verify.
    """
    if older_than_days is None and keep_bytes is None:
        raise ValueError("say what may go: an age, or a size for what stays")
    found = sorted(_sessions(folder), key=lambda one: (one.utc, one.path))
    oldest = datetime.fromisoformat(now or utc_now()) - timedelta(days=older_than_days or 0.0)
    chosen: list[Choice] = []
    total = sum(one.size_bytes for one in found)
    for one in found:
        if older_than_days is not None and datetime.fromisoformat(one.utc) < oldest:
            why = f"older than {older_than_days:g} days"
        elif keep_bytes is not None and total > keep_bytes:
            why = f"the folder holds {total / 1e6:.1f} MB, {keep_bytes / 1e6:.1f} MB may stay"
        else:
            continue
        if one.virtual:
            why += " (virtual time: its age is that of its file)"
        keep, facts = _judge(one.path, force_unpublished, force_changed)
        chosen.append(Choice(one.path, one.utc, one.size_bytes, why, keep, facts))
        total -= one.size_bytes if not keep else 0
    return chosen


def remove(folder: Path, choice: Choice, who: str | None = None) -> None:
    """Delete one session that was chosen; what was deleted, by whom and why stands in the log before it is gone.

    Raises:
        RecordError: it was opened for writing, or changed, since it was chosen; or it cannot be deleted.
    """
    assert not choice.keep
    try:
        if being_written(choice.path) or _size(choice.path) != choice.size_bytes:
            raise RecordError(choice.path, "the file has changed since it was chosen", "prune again")
        line = {
            "utc": utc_now(),
            "who": who or account(),
            "file": str(choice.path.resolve()),
            "sha256": digest(choice.path),
            "size_bytes": choice.size_bytes,
            "why": choice.why,
            **choice.facts,
        }
        with (folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
            log.flush()
            os.fsync(log.fileno())
        for part in (choice.path, *logs(choice.path), choice.path.with_name(f"{choice.path.name}-shm")):
            part.unlink(missing_ok=True)
    except OSError as error:
        raise RecordError(
            choice.path, f"it cannot be deleted ({error.strerror or error})", "check the permissions of its folder"
        ) from error


def _sessions(folder: Path) -> Iterator[_Session]:
    for path in folder.rglob(f"*{SUFFIX}"):
        if path.is_file() and not path.is_symlink():
            yield _Session(path, *dated(path), _size(path))


def _size(path: Path) -> int:
    return sum(part.stat().st_size for part in (path, *logs(path)) if part.exists())


def _judge(path: Path, force_unpublished: bool, force_changed: bool) -> tuple[str, dict[str, Any]]:
    """Why it stays (empty: it may go), and what the log says of it."""
    try:
        if being_written(path):
            return "it is being written", {}
        fold(path)
        found = verify(path)
        with closing(connect(path)) as db:
            header = {key: json.loads(value) for key, value in db.execute("SELECT key, value FROM header")}
            sent = dict(db.execute("SELECT name, batch FROM cursor").fetchall())
        if "mqtt" in sent:
            sent["mqtt"] = max(sent["mqtt"], _published_since(path, str(header.get("bench"))))
    except NothingRecorded as error:
        return "", {"problem": error.problem}
    except (RecordError, OSError, sqlite3.Error, ValueError) as error:
        problem = error.problem if isinstance(error, RecordError) else str(error)
        return ("" if force_changed else f"it cannot be read: {problem}"), {"problem": problem}
    facts = {"id": header.get("id"), "bench": header.get("bench"), "head": found.head, "verdict": found.verdict}
    if not found.ok and not force_changed:
        return f"it does not verify: {found.problems[0]}", facts
    behind = {name: found.batches - 1 - sent.get(name, -1) for name in {*_outbox(header), *sent}}
    unsent = {name: count for name, count in behind.items() if count > 0}
    if unsent and not force_unpublished:
        told = ", ".join(f"{name} lacks {count} batches" for name, count in sorted(unsent.items()))
        return f"it is not published: {told}", facts
    return "", {**facts, **({"unpublished": unsent} if unsent else {})}


def _published_since(path: Path, bench: str) -> int:
    """The newest batch that went to the broker after the session had ended: that is kept beside the sessions."""
    from controller.mqtt.earlier import Ledger, folder_of, look

    old = look(path, bench) if len(path.resolve().parents) > 3 else None
    return Ledger(folder_of(path.resolve()), bench).reached(old) if old is not None else -1


def _outbox(header: Mapping[str, Any]) -> list[str]:
    """Where a session was to be sent; version 1 says it in the bench file only."""
    if "outbox" in header:
        return list(header["outbox"])
    return ["mqtt"] if re.search(r"^mqtt:", str(header.get("bench_text", "")), re.MULTILINE) else []
