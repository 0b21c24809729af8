"""When a gap is asked for, and what the answers mean. Time is handed in; nothing is sent here."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.collect.config import Patience
from controller.collect.ledger import Ledger

log = logging.getLogger("controller.collect")

Bench = tuple[str, str]
LONGEST_WAIT_S = 300.0
SESSION_GONE = "the bench has no such session any more"


@dataclass
class _Asked:
    request: str
    session: str
    first: int
    last: int
    since_s: float
    wait_s: float


@dataclass
class _Line:
    """What is known of one bench."""

    online: bool = False
    session: str | None = None  # the one that it records now
    asked: _Asked | None = None
    unanswered: int = 0
    batches: int = 0  # in one request, where the bench said that more is too much


@dataclass
class _Gap:
    since_s: float
    answers: int = 0  # how often the bench said that it had sent it


@dataclass
class Asking:
    """One request at a time to each bench, the oldest gap first.

    ``new_id`` makes the names of requests.
    """

    patience: Patience
    name: str
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex
    lines: dict[Bench, _Line] = field(default_factory=dict)
    gaps: dict[tuple[str, int], _Gap] = field(default_factory=dict)  # by session and first batch

    def status(self, bench: Bench, data: Mapping[str, Any], ledgers: Mapping[str, Ledger]) -> Ledger | None:
        """A bench's status. Returns the ledger of its session where that has batches that are not here yet."""
        line = self.lines.setdefault(bench, _Line())
        online = data.get("state") == "online"
        if online and not line.online:
            line.asked, line.unanswered = None, 0  # it may have been away: whatever it was asked, it has forgotten
        line.online = online
        session, newest = data.get("session"), data.get("acknowledged_batch")
        line.session = session if isinstance(session, str) and online else None
        if line.session is None or not isinstance(newest, int):
            return None
        ledger = ledgers.get(line.session)
        if ledger is None:
            ledger = Ledger(*bench, line.session)
        if newest <= ledger.newest:
            return None
        ledger.newest = newest
        return ledger

    def sessions(self, bench: Bench, data: Mapping[str, Any], ledgers: Mapping[str, Ledger]) -> list[Ledger]:
        """A bench's announcement of the sessions that it has. Returns the ledgers of those with batches that are not
        here yet; what was given up is not asked for again."""
        changed: list[Ledger] = []
        for told in data["sessions"]:
            ledger = ledgers.get(told["session"]) or Ledger(*bench, told["session"])
            if told["last_batch"] > ledger.newest and (ledger.site, ledger.bench) == bench:
                ledger.newest = told["last_batch"]
                changed.append(ledger)
        return changed

    def heard(self, bench: Bench, now_s: float) -> None:
        """A part of an answer came: wait on."""
        line = self.lines.get(bench)
        if line is not None and line.asked is not None:
            line.asked.since_s = now_s

    def done(self, bench: Bench, data: Mapping[str, Any], ledgers: Mapping[str, Ledger]) -> Ledger | None:
        """The end of an answer. Returns the ledger that changed by it, if one did."""
        line = self.lines.setdefault(bench, _Line())
        asked = line.asked
        if asked is None or data["request"] != asked.request:
            return None  # of a request before a restart
        line.asked, line.unanswered = None, 0
        ledger = ledgers.get(asked.session)
        if ledger is None:
            return None
        refused = data.get("refused")
        if refused == "too large" and asked.last > asked.first:
            line.batches = max(1, (asked.last - asked.first + 1) // 2)
            return None
        if refused is not None:
            first, last = (0, ledger.newest) if refused != "too large" else (asked.first, asked.last)
            ledger.give_up(first, last, f"the bench refused to send them again: {refused}")
            ledger.unclosed |= ledger.end is None
            return ledger
        if asked.first > ledger.newest and ledger.end is None:
            ledger.unclosed = True  # asked for what comes next, and there is no more
            return ledger
        gap = self.gaps.get((asked.session, asked.first))
        if gap is not None and any(first == asked.first for first, _ in ledger.missing()):
            gap.answers += 1
            if gap.answers >= self.patience.tries:
                ledger.give_up(asked.first, asked.last, "the bench says that it has sent them, but they do not come")
                return ledger
        return None

    def next(self, ledgers: Iterable[Ledger], now_s: float) -> list[tuple[Bench, dict[str, Any]]]:
        """Requests to be sent now."""
        open_ = [ledger for ledger in ledgers if not ledger.settled]
        self._note(open_, now_s)
        requests: list[tuple[Bench, dict[str, Any]]] = []
        for ledger in sorted(open_, key=lambda ledger: ledger.session):
            bench = (ledger.site, ledger.bench)
            line = self.lines.setdefault(bench, _Line())
            if not line.online or self._waits(line, now_s):
                continue
            wanted = self._wanted(ledger, line, now_s)
            if wanted is None:
                continue
            most = line.batches or self.patience.batches
            first, last = wanted[0], min(wanted[1], wanted[0] + most - 1)
            wait_s = min(self.patience.answer_s * 2**line.unanswered, LONGEST_WAIT_S)
            line.asked = _Asked(self.new_id(), ledger.session, first, last, now_s, wait_s)
            log.info("asking %s/%s for batches %d to %d of session %s", *bench, first, last, ledger.session)
            body = {
                "schema": "abl/backfill/1", "request": line.asked.request, "session": ledger.session,
                "first_batch": first, "last_batch": last, "reply_to": self.name,
            }  # fmt: skip
            requests.append((bench, body))
        return requests

    def _note(self, ledgers: Iterable[Ledger], now_s: float) -> None:
        there = {(ledger.session, first) for ledger in ledgers for first, _ in ledger.missing()}
        there |= {(ledger.session, ledger.newest + 1) for ledger in ledgers}
        self.gaps = {key: self.gaps.get(key) or _Gap(now_s) for key in there}

    def _waits(self, line: _Line, now_s: float) -> bool:
        if line.asked is None:
            return False
        if now_s - line.asked.since_s < line.asked.wait_s:
            return True
        line.asked, line.unanswered = None, line.unanswered + 1
        return False

    def _wanted(self, ledger: Ledger, line: _Line, now_s: float) -> tuple[int, int] | None:
        """The first gap that is old enough; or, of a session that the bench no longer records, what comes next."""
        for first, last in ledger.missing():
            if now_s - self.gaps[ledger.session, first].since_s >= self.patience.gap_s:
                return first, last
        if ledger.missing() or ledger.end is not None or line.session == ledger.session:
            return None
        first = ledger.newest + 1
        waited_s = now_s - self.gaps[ledger.session, first].since_s
        return (first, first + self.patience.batches - 1) if waited_s >= self.patience.gap_s else None
