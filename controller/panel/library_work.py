"""The library's process: it opens files, so that the panel's loop need not (``python -m controller.panel.library_work
RECORDS BENCH``).

Standard input brings one question a line, ``{"verb": ..., ...}``; the answer is a line ``{"status", "type", "length"}``
and as many bytes. It ends when its standard input does, which is when the panel dies, however it dies.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from controller.config.problems import ConfigError
from controller.panel import library_frames, library_protocols
from controller.panel.following import series_of
from controller.panel.library_index import Index, NoSession, stamp
from controller.panel.library_models import EventList, EventTold, Integrity, Refusal, SessionTold, Verified
from controller.panel.library_protocols import NoProtocol
from controller.panel.library_samples import MOST_POINTS, Course, samples
from controller.panel.library_session import Gone, told
from controller.records.outcome import alive
from controller.records.reader import open_session
from controller.records.store import NothingRecorded, RecordError
from controller.records.tables import Missing

NICE = 10
"""Whatever it computes, the bench's daemon comes first."""
FOR_REPLAY = ("kernel", "inputs")
HTML, JSON = "text/html", "application/json"


class Answer(NamedTuple):
    """As HTTP has it."""

    status: int
    type: str
    body: bytes


class Library:
    """Answers questions about one bench's records and protocols. Every method of a verb is named by it."""

    def __init__(self, records: Path, bench: str) -> None:
        self._index = Index(records)
        self._bench = bench
        self._frames = library_frames.Frames()
        self._told: SessionTold | None = None  # the last one: pages ask for the same more than once

    def answer(self, question: Mapping[str, Any]) -> Answer:
        """What a question is answered. Nothing that a file holds can raise here."""
        asked = dict(question)
        verb: Callable[..., BaseModel | Answer] = getattr(self, f"verb_{asked.pop('verb')}")
        try:
            found = verb(**asked)
        except (NoSession, NoProtocol) as error:
            return refused(404, str(error))
        except (NothingRecorded, Gone) as error:
            return refused(409, error.problem, error.remedy)
        except RecordError as error:
            return refused(422, error.problem, error.remedy)
        except ConfigError as error:
            return refused(422, str(error))
        except KeyError as error:
            return refused(400, str(error.args[0]))
        except Missing as error:
            return refused(501, str(error))
        except OSError as error:
            return refused(503, f"{error.filename or 'a file'}: {error.strerror or error}")
        return found if isinstance(found, Answer) else Answer(200, JSON, found.model_dump_json().encode())

    # -- sessions

    def verb_list(
        self, limit: int, offset: int, find: str, verdicts: Mapping[str, tuple[str, str, str]], budget_s: float
    ) -> BaseModel:
        return self._index.list(limit, offset, find, verdicts, budget_s)

    def verb_session(self, session: str) -> BaseModel:
        path, row = self._index.path(session), self._index.row(session)
        if self._told is None or self._told.session.stamp != row.stamp or self._told.session.id != session:
            self._told = told(row, path)
        return self._told.model_copy(update={"session": row})

    def verb_samples(
        self, session: str, channels: list[str], points: int, span_s: tuple[float, float] | None = None
    ) -> BaseModel:
        with Course(self._index.path(session)) as opened:
            return samples(opened, session, zero_s(opened), channels, min(points, MOST_POINTS), span_s)

    def verb_events(self, session: str, limit: int, offset: int, everything: bool) -> BaseModel:
        with open_session(self._index.path(session)) as opened:
            found = [e for e in opened.events() if everything or e.kind not in FOR_REPLAY]
            page = [EventTold(**event._asdict()) for event in found[offset : offset + limit]]
            return EventList(session=session, zero_s=zero_s(opened), events=page, total=len(found))

    def verb_verify(self, session: str) -> BaseModel:
        from controller.records.verify import verify

        path = self._index.path(session)
        now, found = stamp(path), verify(path)
        return Verified(
            session=session,
            stamp=now,
            integrity=Integrity(verdict=found.verdict, text=found.text),
            problems=list(found.problems),
            notes=list(found.notes),
            ticks=found.ticks,
            samples=found.samples,
            events=found.events,
            batches=found.batches,
            head=found.head,
        )

    def verb_report(self, session: str) -> Answer:
        path = self._index.path(session)
        try:
            from controller.report.page import render
        except ImportError as error:
            raise Missing(f"{error}: pip install 'openablate[report]'") from error
        live = alive(path)
        with open_session(path) as opened:
            try:
                return Answer(200, HTML, render(opened, live=live).encode())
            except ImportError as error:
                raise Missing(f"{error}: pip install 'openablate[report]'") from error

    def verb_export(self, session: str, form: str, out: str) -> Answer:
        """The path of a file in the folder ``out``, which whoever asked sends and removes."""
        from controller.panel.library_session import exported

        return Answer(200, "text/plain", str(exported(self._index.path(session), form, Path(out))).encode())

    def verb_file(self, session: str) -> Answer:
        path = self._index.path(session)
        with open_session(path) as opened:
            if not opened.closed:
                raise Gone(path, "the session is not closed", "its file is whole once it is")
        return Answer(200, "text/plain", str(path.resolve()).encode())

    # -- playback

    def verb_play(self, session: str) -> BaseModel:
        return self._frames.begin(self._index.path(session), session)

    def verb_frames(self, session: str, after_s: float, until_s: float, spacing_s: float) -> BaseModel:
        return self._frames.between(self._index.path(session), after_s, until_s, spacing_s)

    def verb_at(self, session: str, t_s: float) -> BaseModel:
        return self._frames.at(self._index.path(session), t_s)

    def verb_history(self, session: str, until_s: float, seconds: float, points: int) -> BaseModel:
        with Course(self._index.path(session)) as opened:
            series = [
                name
                for name, channel in series_of(opened.header.get("roles") or {}).items()
                if channel in opened.channels
            ]
            wanted = [*series, "setpoint_w", "permit_w", "energy_j"]
            return samples(opened, session, zero_s(opened), wanted, points, (until_s - seconds, until_s))

    # -- the bench

    def verb_protocols(self) -> BaseModel:
        return library_protocols.listed(self._bench)

    def verb_protocol(self, name: str) -> BaseModel:
        return library_protocols.shown(self._bench, name)

    def verb_predict(self, name: str, tissue: str | None) -> BaseModel:
        return library_protocols.predicted(self._bench, name, tissue)


def zero_s(session: Any) -> float:
    """The first FIRE; where there was none, the beginning."""
    fired = (e.t_s for e in session.events() if e.kind == "fire" or e.data.get("to") == "FIRING")
    return next(fired, float(session.header.get("t_start_s") or 0.0))


def refused(status: int, error: str, remedy: str = "") -> Answer:
    """Why not, and what to do."""
    return Answer(status, JSON, Refusal(error=error, remedy=remedy).model_dump_json().encode())


def main() -> None:
    """Answer until standard input ends."""
    records, bench = sys.argv[1:3]
    os.nice(NICE)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not become an answer
    library = Library(Path(records), bench)
    for line in sys.stdin.buffer:
        try:
            answer = library.answer(json.loads(line))
        except Exception as error:  # a defect: said, and the next question is answered
            sys.excepthook(type(error), error, error.__traceback__)
            answer = refused(500, f"the library failed: {error.__class__.__name__}", "see the panel's log")
        head = {"status": answer.status, "type": answer.type, "length": len(answer.body)}
        out.write(json.dumps(head).encode() + b"\n" + answer.body)
        out.flush()


if __name__ == "__main__":
    main()
