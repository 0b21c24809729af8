"""How a session ended, told from all its applications: the one place that gives a session file its verdict.

An event ``application`` without its ``application_end`` has no verdict on record: that application is cut off (its
daemon was killed, or lost its mains), or, while its daemon lives, under way. What a ``result`` event before it says is
another application's. Records without any event ``application`` are told by their newest ``result`` or their summary.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.records.hold import being_written

if TYPE_CHECKING:
    from controller.records.reader import Event, SessionFile

COMPLETED, ABORTED, TRIPPED = "completed", "aborted", "tripped"
CUT_OFF = "cut off"
"""An application without an end in the record: its daemon died."""
UNDER_WAY = "under way"
"""An application without an end in the record whose daemon lives."""
NO_APPLICATION = "no application"
WORST = (CUT_OFF, TRIPPED, ABORTED, UNDER_WAY, COMPLETED)
"""A session is called by the worst of its applications."""
WHY = {
    CUT_OFF: "the record has no end of this application: its daemon was killed",
    UNDER_WAY: "the record has no end of this application yet: its daemon is still running",
}
ON_RECORD = " on record"
"""Of figures that a record without an end has: what was delivered after its last tick nobody knows."""
SUMMED = ("duration_s", "energy_j", "energy_after_fault_j", "rolloffs")


@dataclass(frozen=True)
class Ended:
    """One application of a session. ``facts``: as its event ``result`` (``result``, ``duration_s``, ``energy_j``, ...);
    of one without an end what is on record: nobody knows what it delivered."""

    number: int | None
    protocol: str
    result: str
    facts: Mapping[str, Any]

    @property
    def delivered(self) -> str:
        """``30.1 s  4.48 kJ``; with "on record" where the record has no end of it."""
        return _delivered(self.facts, self.result not in WHY)


@dataclass(frozen=True)
class Outcome:
    """``result``: the worst of all applications in a word. ``facts``: as an event ``result``, sums of all."""

    result: str
    facts: Mapping[str, Any]
    applications: Sequence[Ended] = field(default=())

    @property
    def counts(self) -> dict[str, int]:
        """How many applications ended how; the worst last."""
        counted = Counter(one.result for one in self.applications)
        words = dict.fromkeys((*reversed(WORST), *counted))
        return {word: counted[word] for word in words if counted[word]}

    @property
    def text(self) -> str:
        """``completed``; of several ``3 applications: 2 completed, 1 cut off``."""
        if len(self.applications) < 2:
            return self.result
        told = ", ".join(f"{count} {word}" for word, count in self.counts.items())
        return f"{len(self.applications)} applications: {told}"

    @property
    def whole(self) -> bool:
        """Every application has its end on record: what was delivered is known, not only what is on record."""
        return not any(one.result in WHY for one in self.applications)

    @property
    def delivered(self) -> str:
        """``30.1 s  4.48 kJ``, ``37.1 s  5.01 kJ on record``; empty where nothing is known, or nothing was applied."""
        return _delivered(self.facts, self.whole) if self.result != NO_APPLICATION else ""


def _delivered(facts: Mapping[str, Any], whole: bool) -> str:
    duration_s, energy_j = facts.get("duration_s"), facts.get("energy_j")
    if duration_s is None or energy_j is None:
        return ""
    return f"{duration_s:.1f} s  {energy_j / 1000:.2f} kJ{'' if whole else ON_RECORD}"


def alive(path: Path) -> bool:
    """Whether the writer of a session file lives. Ask before the file is opened (:mod:`controller.records.hold`)."""
    try:
        return being_written(path)
    except OSError:
        return False


def outcome(session: SessionFile, live: bool = False) -> Outcome:
    """The verdict of a session. ``live``: :func:`alive` of its file."""
    begun = session.events("application")
    results = session.events("result")
    if not begun:
        return _without(session, results)
    ends = {event.data.get("number"): event.data for event in session.events("application_end")}
    until_s = [*(event.t_s for event in begun[1:]), math.inf]
    told = []
    for event, end_s in zip(begun, until_s, strict=True):
        newest = event is begun[-1]
        here = next((each.data for each in results if event.t_s <= each.t_s < end_s), None)
        end = ends.get(event.data.get("number"))
        if end is None:
            facts = _recorded(session, event, end_s, UNDER_WAY if live and newest and not session.closed else CUT_OFF)
        else:
            own = here if here is not None else session.summary if newest else {}
            facts = {**own, **_of_end(end)}
        protocol = str(event.data.get("protocol") or "")
        told.append(Ended(event.data.get("number"), protocol, str(facts["result"]), facts))
    return Outcome(_worst(told), told[0].facts if len(told) == 1 else _together(told), tuple(told))


def _without(session: SessionFile, results: Sequence[Event]) -> Outcome:
    """A session without an event ``application``: it had none, or is older than they are."""
    facts: Mapping[str, Any] = results[-1].data if results else session.summary
    word = str(facts.get("result") or ("unfinished" if session.closed else "not closed"))
    nothing = not (facts.get("duration_s") or facts.get("energy_j"))
    if word == ABORTED and nothing and not any(event.data.get("to") == "FIRING" for event in session.events("state")):
        word = NO_APPLICATION
    return Outcome(word, {**facts, "result": word})


def _of_end(end: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: end.get(name) for name in ("reason", "energy_j", "rolloffs")}
    found |= {"result": str(end.get("result") or "unfinished"), "duration_s": end.get("on_time_s")}
    return {name: value for name, value in found.items() if value is not None}


def _recorded(session: SessionFile, begun: Event, until_s: float, word: str) -> dict[str, Any]:
    """Of an application without an end: the time with energy and the energy that are on record."""
    last = session.last_tick(begun.t_s, until_s)
    firing = session.last_tick(begun.t_s, until_s, "FIRING")
    return {
        "result": word,
        "reason": WHY[word],
        "duration_s": round(firing[0] - begun.t_s, 3) if firing is not None else 0.0,
        "energy_j": round(last[1], 3) if last is not None else 0.0,
    }


def _worst(told: Sequence[Ended]) -> str:
    words = {one.result for one in told}
    return next((word for word in WORST if word in words), told[-1].result)


def _together(told: Sequence[Ended]) -> dict[str, Any]:
    """Sums; the reason and the trip of the newest of the worst; the zone of the newest application alone."""
    word = _worst(told)
    worst = next(one.facts for one in reversed(told) if one.result == word)
    sums = {
        name: round(math.fsum(float(one.facts.get(name) or 0.0) for one in told), 3)
        for name in SUMMED
        if any(one.facts.get(name) is not None for one in told)
    }
    if "rolloffs" in sums:
        sums["rolloffs"] = int(sums["rolloffs"])
    rest = {name: worst.get(name) for name in ("reason", "trip", "time_to_off_s")}
    last = {name: told[-1].facts.get(name) for name in ("zone", "ticks", "late_ticks")}
    return {"result": word, **rest, **sums, **last}
