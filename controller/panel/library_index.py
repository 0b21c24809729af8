"""Which sessions there are, one line each. A session is asked for by its id, never by a path."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.panel.library_models import Integrity, SessionList, SessionRow
from controller.records.hold import being_written
from controller.records.ids import SUFFIX
from controller.records.opening import logs
from controller.records.outcome import COMPLETED, CUT_OFF, TRIPPED, UNDER_WAY, WHY, outcome
from controller.records.reader import SessionFile, open_session
from controller.records.store import RecordError

ID = re.compile(r"(?:[0-9A-HJKMNP-TV-Z]{26}(?:~\d{1,6})?|x-[0-9a-f]{16})")
BEGAN = re.compile(r"\d{8}T\d{6}Z_")
ZONE = ("long_axis_mm", "short_axis_mm", "volume_ml")


class NoSession(LookupError):
    """No session has this id."""


class Index:
    """The sessions below a folder. What was read of a file is kept for as long as the file stays as it is."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[Path, tuple[SessionRow, str]] = {}  # row, and what is searched

    def path(self, session: str) -> Path:
        """The file of a session. Raises :class:`NoSession`."""
        found = self._files().get(session) if ID.fullmatch(session) else None
        if found is None:
            raise NoSession(f"there is no session {session[:40]!r} in {self.folder}")
        return found

    def row(self, session: str) -> SessionRow:
        """One line. Raises :class:`NoSession`."""
        path = self.path(session)
        return _judged(self._row(session, path)[0], path, {})

    def list(
        self, limit: int, offset: int, find: str, verdicts: Mapping[str, tuple[str, str, str]], budget_s: float
    ) -> SessionList:
        """A page of the list, the newest session first.

        Args:
            find: words that all must be there: in id, bench, protocol, result, notes, date, "simulated" or "real".
            verdicts: id -> (stamp, verdict, text) of what was verified; it counts for a file that is still the same.
            budget_s: files not looked at before are opened for so long at most; the next call goes on from there.
        """
        files, until = self._files(), time.monotonic() + budget_s
        words = find.casefold().split()
        complete, matching, page = True, 0, []
        for number, (session, path) in enumerate(files.items()):
            if not words:
                matching = len(files)
                if not offset <= number < offset + limit:
                    continue
            elif time.monotonic() > until and path not in self._known:
                complete = False
                continue
            row, searched = self._row(session, path)
            if words:
                if not all(word in searched for word in words):
                    continue
                matching += 1
                if not offset < matching <= offset + limit:
                    continue
            page.append(_judged(row, path, verdicts))
        return SessionList(
            sessions=page, matching=matching, files=len(files), complete=complete, folder=str(self.folder)
        )

    def _files(self) -> dict[str, Path]:
        """By id, the newest first."""
        found: list[tuple[str, Path]] = []
        for path in self.folder.rglob(f"*{SUFFIX}"):
            began = path.name if BEGAN.match(path.name) else _written(path)
            found.append((began, path))
        files: dict[str, Path] = {}
        for _, path in sorted(found, reverse=True):
            name = path.stem.rpartition("_")[2]
            if not ID.fullmatch(name) or name in files:
                name = f"x-{hashlib.sha256(str(path.relative_to(self.folder)).encode()).hexdigest()[:16]}"
            files[name] = path
        return files

    def _row(self, session: str, path: Path) -> tuple[SessionRow, str]:
        now = stamp(path)
        known = self._known.get(path)
        if known is None or known[0].stamp != now or known[0].id != session:
            known = self._known[path] = _read(session, path, now)
        return known


def stamp(path: Path) -> str:
    """Another one whenever the file, or what was not folded into it yet, was written to."""
    parts = [part.stat() for part in (path, *logs(path)) if part.exists()]
    return "-".join(f"{part.st_size}.{part.st_mtime_ns}" for part in parts)


def _written(path: Path) -> str:
    try:
        return f"{datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y%m%dT%H%M%SZ}_"
    except OSError:  # it was removed meanwhile
        return ""


def _judged(row: SessionRow, path: Path, verdicts: Mapping[str, tuple[str, str, str]]) -> SessionRow:
    """With what changes while the file does not."""
    more: dict[str, Any] = {}
    if not row.closed and not row.problem:
        try:
            more["being_written"] = being_written(path)
            if more["being_written"] and row.result == CUT_OFF:  # its daemon lives: nothing was cut
                text = row.result_text.replace(WHY[CUT_OFF], WHY[UNDER_WAY]).replace(CUT_OFF, UNDER_WAY)
                more |= {"result": UNDER_WAY, "result_text": text}
        except OSError:
            more["being_written"] = False
    if row.id in verdicts and verdicts[row.id][0] == row.stamp:
        _, verdict, text = verdicts[row.id]
        more["integrity"] = Integrity.model_validate({"verdict": verdict, "text": text})
    return row.model_copy(update=more)


def _read(session: str, path: Path, now: str) -> tuple[SessionRow, str]:
    bare = {"id": session, "file": path.name, "stamp": now}
    try:
        size = path.stat().st_size
        with open_session(path) as opened:
            row = SessionRow(**bare, size_bytes=size, **_facts(opened))
            return row, _searched(row, opened)
    except RecordError as error:
        row = SessionRow(**bare, size_bytes=size, problem=error.problem, remedy=error.remedy)
    except OSError as error:
        row = SessionRow(**bare, size_bytes=0, problem=f"the file cannot be read ({error.strerror})")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        problem = f"its header is none that this program wrote ({error.__class__.__name__})"
        row = SessionRow(**bare, size_bytes=size, problem=problem, remedy="`ablate sessions verify` says more")
    return row, f"{row.id} {row.file} {row.problem}".casefold()


def _facts(session: SessionFile) -> dict[str, Any]:
    header, plans, ended = session.header, session.events("plan"), outcome(session)
    result = ended.facts
    protocols = session.events("protocol")
    name = protocols[-1].data.get("name") if protocols else header.get("protocol")
    if plans:
        name = plans[-1].data.get("name")
    trip = result.get("trip") or next((event.data for event in session.events("trip")), None)
    why = trip.get("text") if isinstance(trip, Mapping) and ended.result == TRIPPED else result.get("reason")
    why = why if ended.result != COMPLETED else None
    several = ended.text if len(ended.applications) > 1 else None
    zone = result.get("zone")
    return {
        "utc": str(header.get("utc", "")),
        "bench": str(header.get("bench", "")),
        "protocol": str(name) if name is not None else None,
        "result": ended.result,
        "result_text": "; ".join(str(text) for text in (several, why) if text),
        "duration_s": result.get("duration_s"),
        "energy_j": result.get("energy_j"),
        "zone": {key: float(zone[key]) for key in ZONE if zone.get(key) is not None} if zone else None,
        "simulated": bool(header.get("simulated")),
        "closed": session.closed,
    }


def _searched(row: SessionRow, session: SessionFile) -> str:
    origin = {True: "simulated", False: "real"}[bool(row.simulated)]
    specimens = [event.data.get("plan", {}).get("specimen") for event in session.events("plan")]
    notes = [(note.who, note.key, note.value) for note in session.annotations()]
    who = session.header.get("who")
    told = json.dumps([specimens, notes, who, session.header.get("metadata")], ensure_ascii=False)
    parts = (row.id, row.file, row.utc, row.bench, row.protocol or "", row.result, row.result_text, origin, told)
    return " ".join(parts).casefold()
