"""Going on with an application that was broken off, in this session or in an earlier one of the same bench.

What was delivered is taken from the record, never guessed: an application that ended with its daemon (killed, crashed,
the mains lost) has no known dose and is not continued.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from controller.laws.base import Delivered
from controller.records.store import RecordError
from safety.limits import Bound, Limits

if TYPE_CHECKING:
    from controller.records.reader import SessionFile

RECENT_S = 3600.0
"""Older than this, tissue is cold and was perhaps moved: whoever knows better says so."""
SEARCHED = 50
"""Sessions looked into, the newest first."""


class Part(NamedTuple):
    """What an application, its earlier parts included, had delivered when it was broken off."""

    session: str  # id of the session
    number: int  # of the application in it
    delivered: Delivered
    charged_j: float  # worst case, as the energy limit counts
    charged_s: float  # as the on-time limit counts
    apart_c: float | None = None  # of sensors in its tissue, K, when it was over; None: nobody knows, or it is cold

    def as_dict(self) -> dict[str, Any]:
        """For the record."""
        return {**self._asdict(), "delivered": self.delivered._asdict()}


class Found(NamedTuple):
    """The newest application of a protocol on a target."""

    session: str
    bench_sha256: str
    begun: Mapping[str, Any]  # the event ``application``
    ended: Mapping[str, Any] | None  # the event ``application_end``; None: there is none
    age_s: float | None  # since then; None: nobody can tell
    recorded_j: float = 0.0  # worst case, of one that has no end: it was more

    def part(self, *, sha256: str, bench_sha256: str, however_old: bool) -> Part:
        """What it delivered.

        Args:
            sha256: of bench and protocol as they are now; ``bench_sha256`` of the bench alone.
            however_old: an age above :data:`RECENT_S` is no reason against it.

        Raises:
            ValueError: it is not to be continued; every reason is named.
        """
        begun, ended, reasons = self.begun, self.ended, []
        if ended is None:
            reasons.append(
                "its daemon ended in the middle of it, so nobody knows what it delivered "
                f"(recorded until then: {self.recorded_j:.0f} J)"
            )
        elif ended["result"] == "completed":
            reasons.append("it was completed")
        elif not ended["dose_known"]:
            reasons.append(
                f"its end was not measured, so nobody knows what it delivered ({ended['energy_j']:.0f} J are)"
            )
        if begun["sha256"] != sha256:
            what = "the bench file" if self.bench_sha256 != bench_sha256 else "the protocol"
            reasons.append(f"{what} is not the one that it ran with")
        if not however_old and (self.age_s is None or not 0.0 <= self.age_s <= RECENT_S):
            when = (
                "at a time that this clock cannot tell"
                if self.age_s is None or self.age_s < 0.0
                else (f"{self.age_s / 3600.0:.1f} h ago")
            )
            reasons.append(f"it ended {when}; where the place is the same all the same, say --however-old")
        if reasons or ended is None:
            told = f"application {begun['number']} of session {self.session} is not continued"
            raise ValueError("\n".join(f"{told}: {reason}" for reason in reasons))
        return Part(
            self.session,
            int(begun["number"]),
            Delivered(**ended["delivered"]),
            float(ended["charged_j"]),
            float(ended["charged_s"]),
            ended.get("apart_c") if self.age_s is not None and 0.0 <= self.age_s <= RECENT_S else None,
        )


def search(folder: Path, bench: str, protocol: str, target: str | None, *, besides: Path, utc: str) -> Found | None:
    """The newest application of ``protocol`` on ``target`` in the sessions of ``bench`` under ``folder``; None: none.

    Args:
        besides: the session that is being written.
        utc: now, as a record labels it.
    """
    from controller.records.reader import find_sessions, open_session  # brings numpy, which a daemon else lives without

    for path in reversed(find_sessions(folder)[-SEARCHED:]):
        if path == besides:
            continue
        try:
            with open_session(path) as session:
                if session.header.get("bench") == bench and (found := _newest(session, protocol, target, utc)):
                    return found
        except RecordError:
            continue  # not a session that anything could be continued from
    return None


def _newest(session: SessionFile, protocol: str, target: str | None, utc: str) -> Found | None:
    begun = [e for e in session.events("application") if (e.data["protocol"], e.data["target"]) == (protocol, target)]
    if not begun:
        return None
    last = begun[-1]
    number = last.data["number"]
    ended = next((e for e in session.events("application_end") if e.data["number"] == number), None)
    recorded_j = 0.0
    if ended is None:
        ticks = session.ticks()
        recorded_j = float(ticks.energy_j[-1]) if len(ticks.energy_j) else 0.0
    return Found(
        str(session.header["id"]),
        str(session.header.get("bench_sha256", "")),
        last.data,
        ended.data if ended is not None else None,
        _age_s((ended or last).utc, utc),
        recorded_j,
    )


def _age_s(then: str, now: str) -> float | None:
    try:
        return (datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds()
    except ValueError:
        return None


def delivered_before(part: Part, bounds: Mapping[str, Bound]) -> tuple[str, Limits]:
    """What earlier parts leave of the energy and on-time limits, as a layer of the lattice.

    Raises:
        ValueError: nothing is left of one of them.
    """
    left: dict[str, float] = {}
    for name, spent, unit in (("energy_j", part.charged_j, "J"), ("on_time_s", part.charged_s, "s")):
        if (bound := bounds.get(name)) is None:
            continue
        left[name] = bound.value - spent
        if not left[name] > 0.0:
            limit = f"{name} of {bound.value:g} {unit} ({bound.layer})"
            raise ValueError(f"nothing is left of the limit {limit}: {spent:g} {unit} were delivered")
    return "delivered before", Limits(**left)
