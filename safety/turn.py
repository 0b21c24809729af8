"""One tick's decision in the making: what it may do to the state, and what it leaves in the record."""

from __future__ import annotations

from collections.abc import Iterable

from safety.monitors.base import Finding, View
from safety.types import Event, Request, State, Trip, Verb

TRIPS_MAX = 32
"""Consequences that are kept behind a first cause; one that locks out or stops the pump is kept all the same."""


class Turn:
    """One tick's decision in the making."""

    __slots__ = ("acts", "at", "events", "findings", "items", "new_trips", "stop")

    def __init__(self, at: View, findings: list[Finding], items: list[str]) -> None:
        self.at, self.findings, self.items = at, findings, items
        self.events: list[Event] = []
        self.new_trips: list[Trip] = []
        self.acts: dict[Verb, Request] = {}
        self.stop: Request | None = None

    def go(self, to: State, reason: str, who: str = "") -> None:
        """Change state."""
        s = self.at.s
        self.events.append(("state", {"from": s.state.value, "to": to.value, "reason": reason, "who": who}))
        s.state, s.entered_s = to, self.at.now_s
        self.items = [] if to is State.FIRING else [item for item in self.items if item != "line"]

    def halt(self, reason: str, who: str = "") -> None:
        """Command off and wait for its proof. Every set-point of before is void."""
        s = self.at.s
        s.epoch += 1
        s.off_at_s, s.off_alarmed, s.holder = self.at.now_s, False, ""
        self.go(State.STOPPING, reason, who)
        self.items = [*dict.fromkeys((*self.items, "off"))]

    def latch(self, trips: Iterable[Trip]) -> None:
        """Append trips that are not latched yet; the first one stays the first cause."""
        s = self.at.s
        for trip in trips:
            known = {(t.hazard, t.monitor, t.device, t.channel) for t in s.trips}
            full = len(s.trips) >= TRIPS_MAX and not (trip.lockout or trip.pump_off)
            if (trip.hazard, trip.monitor, trip.device, trip.channel) in known or full:
                continue
            s.trips = (*s.trips, trip)
            self.new_trips.append(trip)
            self.events.append(("trip", trip.as_dict()))

    def lock(self, hazard: str, monitor: str, text: str, check: str, value: float, limit: float) -> None:
        """LOCKOUT, with its own entry in the list of causes."""
        s = self.at.s
        power = self.at.config.roles.power
        device = power.partition(".")[0]
        self.latch([Trip(hazard, monitor, device, power, value, limit, 0.0, self.at.now_s, text, check, lockout=True)])
        s.epoch += 1
        self.go(State.LOCKOUT, text)
        self.items = ["lockout", "off"]

    def refuse(self, request: Request, by: Iterable[str]) -> None:
        """Record an act that is not accepted, the most limiting reason first."""
        reasons = list(by)
        data: dict[str, object] = {"verb": request.verb.value, "origin": request.origin.value, "who": request.who}
        self.events.append(("refused", {**data, "by": reasons[0], "blocked_by": reasons}))

    def refuse_all(self, by: Iterable[str]) -> None:
        """Refuse every act of this tick."""
        for act in self.acts.values():
            self.refuse(act, by)
        self.acts = {}

    def granted(self, request: Request) -> bool:
        """Whether an act that needs every permit item may be done; recorded either way."""
        if self.items:
            self.refuse(request, self.items)
        else:
            self.accept(request)
        return not self.items

    def accept(self, request: Request) -> None:
        """Record an act that is done."""
        data: dict[str, object] = {"origin": request.origin.value, "who": request.who, "reason": request.reason}
        self.events.append((request.verb.value, data))
