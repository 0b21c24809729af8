"""The applications of one session, one after the other: what is asked of the operator before and during each, what each
delivered, what was read while it cooled, and how it ended. Nothing here touches energy.

In the record an application is a pair of events. ``application`` at FIRE: ``number`` (in the session, from 1),
``target``, ``index`` and ``position`` (of the plan; None without one), ``protocol``, ``sha256`` (of bench and protocol
as used), ``law`` (its parameters as they ran) and ``resumes`` (None, or what it continues). ``application_end`` when it
is concluded: these but law and position, and ``result``, ``reason``, ``energy_j``, ``on_time_s``, ``rolloffs``,
``readings``, ``advice`` (None, or ``advice`` and ``reason``), ``delivered`` (earlier parts included) and
``dose_known``. An application without its second event was cut off with its daemon: nobody knows what it delivered.
Readings that come later than the end are events of their own, ``reading``.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.config.protocol import Protocol
from controller.daemon.account import Account
from controller.daemon.application import Application
from controller.daemon.attendance import Attendance, stricter
from controller.daemon.prompts import ATTEND, Prompts
from controller.daemon.readings import Heated, Readings, advice
from controller.daemon.resume import Found, Part
from controller.laws.base import Ask, Delivered, Reablate
from safety.types import Origin, Outputs, Request, State, Trip, Verb

if TYPE_CHECKING:
    from controller.daemon.app import Daemon

log = logging.getLogger(__name__)

AT_REST = frozenset({State.SAFE, State.TRIPPED, State.LOCKOUT})
PENDING = frozenset({State.PRECHECK, State.READY, State.ARMED, State.FIRING})
SLACK_S = 1.0
"""A reading is waited for this much longer than it should take."""


@dataclass(frozen=True)
class Site:
    """Where in a plan an application belongs; all None without a plan."""

    target: str | None = None
    index: int | None = None
    position: dict[str, Any] | None = None


class Course:
    """Follows the ticks of one daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self.prompts = Prompts(self._event, daemon.around.hands)
        self.attendance = Attendance(self.prompts, self._let_go)
        self.account = Account()
        self.readings = Readings(daemon.bench.roles)
        self.heated = Heated(daemon.bench.roles)
        self.result: dict[str, Any] | None = None
        self.ended: list[dict[str, Any]] = []  # application_end of each, in this session
        self._ended_s: list[float] = []
        self._daemon = daemon
        self._loop = asyncio.get_running_loop()
        self._next: tuple[Application, Site, str, Part | None] | None = None
        self._head: dict[str, Any] = {}
        self._part: Part | None = None
        self._application: Application | None = None
        self._asked: Ask | None = None  # for which a prompt was opened
        self._rule: Reablate | None = None
        self._trip: Trip | None = None
        self._rested = False
        self._hurried = False
        self._conclusion: asyncio.Task[None] | None = None

    def _event(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "confirmed":
            self.attendance.seen(self._loop.time())
            if data["kind"] == "reposition":
                self.heated.moved()
        self._daemon.recorder.event(self._loop.time(), kind, data)

    # ---- an application begins

    @property
    def law_file(self) -> Path | None:
        """The module of the law that was prepared, as a file; None where it is none."""
        law = type(self._application.law) if self._application is not None else None
        name = getattr(sys.modules.get(law.__module__), "__file__", None) if law is not None else None
        path = Path(name) if name is not None else None
        return path if path is not None and path.is_file() else None

    def take(self, protocol: Protocol, site: Site, sha256: str, part: Part | None) -> None:
        """This is what the next FIRE is for. ``protocol`` is what is left to do where ``part`` was delivered before."""
        self._next = (Application(protocol, self._daemon.bench.roles), site, sha256, part)
        self._application, self.result = self._next[0], None

    def begin(self, now_s: float) -> Application:
        """FIRE."""
        assert self._next is not None  # FIRING is only reached through prepare
        (application, site, sha256, part), self._next = self._next, None
        protocol = application.protocol
        self.account, self._conclusion, self.result = Account(fired_s=now_s), None, None
        self._rule, self._part, self._hurried = protocol.reablate, part, False
        self._trip, self._rested = None, False
        self.readings = Readings(self._daemon.bench.roles, (self._rule.at_s,) if self._rule is not None else ())
        self.attendance.begin(stricter(self._daemon.bench.attended, protocol.attended), now_s)
        self._head = {
            "number": len(self.ended) + 1,
            "target": site.target,
            "index": site.index,
            "protocol": protocol.protocol,
            "sha256": sha256,
            "resumes": part.as_dict() if part is not None else None,
        }
        self._event("application", {**self._head, "position": site.position, "law": protocol.law.model_dump()})
        return application.begin(now_s)

    def newest(self, protocol: str, target: str | None) -> Found | None:
        """The newest application of ``protocol`` on ``target`` in this session."""
        for end, t_s in zip(reversed(self.ended), reversed(self._ended_s), strict=True):
            if (end["protocol"], end["target"]) == (protocol, target):
                daemon = self._daemon
                return Found(daemon.recorder.session_id, daemon.bench_sha256, end, end, self._loop.time() - t_s)
        return None

    # ---- every tick

    def follow(self, out: Outputs, now_s: float) -> None:
        """One tick has passed."""
        daemon, state = self._daemon, out.state
        self._follow_asks(self._application if state in PENDING else None, state, now_s)
        account = self.account
        if account.fired_s is None:
            return
        self.attendance.follow(state is State.FIRING and daemon.control.acts.lease_s is not None, now_s)
        account.follow(out, daemon.hub.latest, daemon.bench.roles.source, now_s)
        self.heated.follow(daemon.hub.latest)
        if account.ended_s == now_s:
            self.heated.ended(self._head["target"], daemon.hub.latest, now_s)
        cooled = daemon.supply.pump is not None and daemon.supply.pump.wish_ml_min > 0.0
        taken = self.readings.follow(daemon.hub.latest, daemon.control.applied_w, cooled, now_s)
        if taken is not None and self._conclusion is not None:
            self._event("reading", {**self._head, **taken})
        if account.ended_s is None or self._conclusion is not None or state not in AT_REST:
            return
        if not self._rested:  # what trips later, while readings are waited for, is none of this application's
            self._rested, self._trip = True, out.first_trip
        if not self._waits(now_s):
            self._conclusion = self._loop.create_task(self._conclude(), name="conclude")

    def _follow_asks(self, application: Application | None, state: State, now_s: float) -> None:
        prompts = self.prompts
        ask = application.asks if application is not None else None
        if application is None or ask != self._asked:
            if self._asked is not None:
                self._asked = None
                prompts.withdraw("no longer needed" if application is not None else f"the bench is {state.value}")
            elif state in (State.TRIPPED, State.LOCKOUT):
                prompts.withdraw(f"the bench is {state.value}")
            if ask is not None and prompts.open is not None and prompts.open.kind == ATTEND:
                prompts.withdraw("hands are asked for")
            if application is not None and ask is not None and prompts.open is None:
                take = partial(self._answered, application, ask)
                prompts.ask(now_s, ask.kind, ask.text, ask.value, "mm", take)
                self._asked = ask
        elif ask is not None and state is State.FIRING and prompts.open is not None:
            patience_s = application.protocol.prompt_s
            if now_s - max(prompts.open.asked_s, application.fired_s) > patience_s:
                application.give_up(f"nobody confirmed within {patience_s:g} s: {ask.text}")

    def _answered(self, application: Application, ask: Ask, value: float | None) -> None:
        self._asked = None
        application.answer(ask, ask.value if value is None else value)

    def _let_go(self, why: str) -> None:
        """Nobody is there: the hold ends, and the record says why."""
        acts = self._daemon.control.acts
        acts.lease_s = None
        acts.requests.append(Request(Verb.STOP, Origin.FOREGROUND, self._loop.time(), reason=why))

    # ---- its end

    def stop_asked(self, reason: str) -> None:
        """A person asked for a stop."""
        self.account.stop_asked(reason)
        self.prompts.withdraw(reason)
        self._asked = None
        if self._application is not None and self._daemon.control.state.state is not State.FIRING:
            self._application.asks = None  # an application that will not be fired asks for nothing
        if self.account.ended_s is not None:
            self._hurried = True

    def hurry(self) -> None:
        """Wait for no reading."""
        self._hurried = True

    @property
    def concluded(self) -> bool:
        """No application waits for its end."""
        return self.account.ended_s is None or (self._conclusion is not None and self._conclusion.done())

    def waits(self, now_s: float) -> str:
        """What an ended application waits for, for people; empty: nothing."""
        if self.account.ended_s is None or self._conclusion is not None or not self._waits(now_s) or self._rule is None:
            return ""
        left_s = self.readings.left_s(self._rule.at_s, now_s)
        return f"{self._rule.role} temperature {self._rule.at_s:g} s after power: {left_s:.0f} s to go"

    def _waits(self, now_s: float) -> bool:
        """What came to its end, and has a publication that says what to read, is concluded by that reading."""
        rule = self._rule
        if rule is None or self._hurried or self.account.stop_reason or self._trip is not None:
            return False
        if self.readings.at(rule.at_s) is not None:
            return False
        return now_s < (self.account.ended_s or now_s) + rule.at_s + SLACK_S

    async def _conclude(self) -> None:
        """The account of the application that has just ended, with what is known of the specimen."""
        try:
            told = await self._daemon.around.specimen() or {}
        except Exception as error:  # a neighbour that is gone must not cost the record its result
            log.warning("nothing known of the specimen: %s", error)
            told = {}
        recorder = self._daemon.recorder
        if picture := told.get("picture"):
            recorder.arrays(self._loop.time(), "picture", picture)
        self.end()
        result = self.summary(told.get("zone"))
        self._event("result", result)
        self.result = {**result, "session_file": str(recorder.path)}

    def end(self) -> None:
        """Write ``application_end``, unless it is written."""
        account = self.account
        if account.fired_s is None or len(self.ended) >= self._head["number"]:
            return
        control = self._daemon.control
        trip = self._known_trip()
        result = account.result(trip)
        law = control.application.law if control.application is not None else None
        now_s = self._loop.time()
        rolloffs, stage = (law.rolloffs, law.stage) if law is not None else (0, 0)
        before = self._part.delivered if self._part is not None else Delivered(0.0, 0.0, 0, 0)
        delivered = Delivered(
            round(before.on_time_s + account.elapsed_s(now_s), 3),
            round(before.energy_j + account.energy_j, 3),
            before.rolloffs + rolloffs,
            before.stage + stage,
        )
        out, part = control.outputs, self._part
        judged = self._rule is not None and result["result"] == "completed"
        end = {
            **self._head,
            "result": result["result"],
            "reason": result["reason"],
            "trip": trip.text if trip is not None else None,
            "energy_j": result["energy_j"],
            "on_time_s": round(account.elapsed_s(now_s), 3),
            "rolloffs": rolloffs,
            "readings": list(self.readings.taken),
            "advice": advice(self._rule, self.readings.at(self._rule.at_s)) if judged and self._rule else None,
            "delivered": delivered._asdict(),
            "charged_j": round((part.charged_j if part else 0.0) + (out.energy_j if out else 0.0), 3),
            "charged_s": round((part.charged_s if part else 0.0) + (out.on_time_s if out else 0.0), 3),
            "apart_c": self.heated.apart_c(self._head["target"], now_s),
            "dose_known": account.ended_s is not None and account.known and not (trip is not None and trip.lockout),
        }
        self.ended.append(end)
        self._ended_s.append(now_s)
        self._event("application_end", end)

    def summary(self, zone: dict[str, Any] | None = None) -> dict[str, Any]:
        """The ``run --json`` object: the newest application, and what the session delivered in all."""
        daemon = self._daemon
        control = daemon.control if hasattr(daemon, "control") else None
        trip = self._known_trip()
        last = self.ended[-1] if self.ended and len(self.ended) == self._head.get("number") else {}
        return {
            **self.account.result(trip),
            "rolloffs": control.application.law.rolloffs if control is not None and control.application else 0,
            "zone": zone,
            **{key: last.get(key) for key in ("target", "index", "readings", "advice", "resumes", "delivered")},
            "session": self.session(),
            **daemon.counts(),
        }

    def _known_trip(self) -> Trip | None:
        if self._rested or not hasattr(self._daemon, "control"):
            return self._trip
        out = self._daemon.control.outputs
        return out.first_trip if out is not None else None

    def session(self) -> dict[str, Any]:
        """What this session has delivered so far."""
        return {
            "applications": len(self.ended),
            "energy_j": round(sum(end["energy_j"] for end in self.ended), 3),
            "on_time_s": round(sum(end["on_time_s"] for end in self.ended), 3),
        }

    async def close(self) -> None:
        """The daemon leaves: a conclusion under way ends here."""
        if self._conclusion is not None:
            self._conclusion.cancel()
            await asyncio.gather(self._conclusion, return_exceptions=True)
        self.prompts.withdraw("the daemon has ended")
        self.end()
