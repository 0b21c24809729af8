"""What became of a plan: read from the session file, so that the report, `sessions show` and a later session agree.

The record holds, besides what every application leaves, an event ``plan`` (the plan as used, what earlier sessions did
of it) and, where nobody saw the tissue, events ``predicted`` (the zone that the dry run of a completed application's
protocol promises). Zones are those of the picture that was recorded with the application, else the predicted ones.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from controller.records.outcome import COMPLETED, CUT_OFF
from controller.records.reader import Event, SessionFile
from controller.treatment.coverage import Coverage, Placed, Profile, coverage, from_picture, is_cut
from controller.treatment.plan import Place, Plan, PlannedTarget, Step, steps

BASIS = {True: "simulated", False: "recorded"}
PREDICTED = "predicted"
CUT = " cut"
"""Of a group or an array: :func:`controller.treatment.coverage.is_cut`."""


@dataclass(frozen=True)
class Done:
    """One application as it was recorded. ``basis`` says where its zone is from; empty: nobody knows the zone."""

    target: str
    index: int
    result: str
    at_mm: Place
    axis: Place
    protocol: str = ""
    track: bool = False
    number: int = 0
    """In its session; 0 for one of an earlier session."""
    profile: Profile | None = None
    basis: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """``energy_j``, ``on_time_s``, ``rolloffs``, ``readings``, ``advice``, ``reason``, ``resumes`` as recorded."""

    @property
    def key(self) -> tuple[str, int]:
        """Names the delivery within its plan."""
        return self.target, self.index

    @property
    def placed(self) -> Placed | None:
        """The zone in the target's frame."""
        return Placed(self.at_mm, self.axis, self.profile) if self.profile is not None else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a record and for JSON."""
        return {
            "target": self.target,
            "application": self.index,
            "protocol": self.protocol,
            "result": self.result,
            "track": self.track,
            "at_mm": [round(x, 3) for x in self.at_mm],
            "axis": list(self.axis),
            "basis": self.basis or None,
            **self.facts,
        }

    def kept(self) -> dict[str, Any]:
        """As :meth:`as_dict` with the zone: what a later session needs of it."""
        return {**self.as_dict(), "zone": self.profile.as_dict() if self.profile is not None else None}


READ = ("after_s", "tip_c", "tine_c", "tissue_c", "shaft_c", "pump_on")
"""Of a reading while it cools."""
FACTS = ("energy_j", "on_time_s", "rolloffs", "readings", "advice", "reason", "resumes")


@dataclass(frozen=True)
class Treatment:
    """A plan and what was done of it, earlier sessions first. A delivery that was continued is there more than once."""

    plan: Plan
    done: tuple[Done, ...]

    @property
    def left(self) -> tuple[Step, ...]:
        """The deliveries that were not completed, in order."""
        completed = {done.key for done in self.done if done.result == COMPLETED}
        return tuple(step for step in steps(self.plan) if step.key not in completed)

    def begun(self, step: Step) -> bool:
        """Was a part of it delivered?"""
        return any(done.key == step.key for done in self.done)

    def of(self, target: PlannedTarget) -> list[Done]:
        """What was done to one target."""
        return [done for done in self.done if done.target == target.target]

    def zones(self, target: PlannedTarget) -> list[Done]:
        """One zone for each delivery to a target: of one in several parts the largest (they lie in one place)."""
        found: dict[tuple[str, int], Done] = {}
        for done in self.of(target):
            if done.profile is None or done.track:
                continue
            before = found.get(done.key)
            if before is None or before.profile is None or before.profile.volume_ml < done.profile.volume_ml:
                found[done.key] = done
        return list(found.values())

    def covered(self, target: PlannedTarget) -> Coverage | None:
        """What the zones of a target cover together; None where no zone is known."""
        placed = [zone.placed for zone in self.zones(target)]
        known = [zone for zone in placed if zone is not None]
        if not known:
            return None
        return coverage(target.lesion.long_mm, target.lesion.short_mm, target.margin_mm, known)

    def targets(self) -> list[dict[str, Any]]:
        """Each target as in ``run --json``: what was planned, what was done, what is covered."""
        return [self._told(target) for target in self.plan.targets]

    def as_dict(self) -> dict[str, Any]:
        """``plan``, ``applications``, ``targets`` and ``left``, as in ``run --json``."""
        return {
            "plan": self.plan.plan,
            "applications": [done.as_dict() for done in self.done],
            "targets": self.targets(),
            "left": [{"target": step.target.target, "application": step.index} for step in self.left],
        }

    def _told(self, target: PlannedTarget) -> dict[str, Any]:
        zones, found = self.zones(target), self.covered(target)
        told: dict[str, Any] | None = None
        if found is not None:
            told = found.as_dict()
            told["shares"] = [
                {"application": zone.index, **share} for zone, share in zip(zones, told["shares"], strict=True)
            ]
        left = [step.index for step in self.left if step.target.target == target.target]
        unknown = {done.index for done in self.of(target) if not done.track} - {zone.index for zone in zones}
        return {
            "target": target.target,
            "lesion": target.lesion.model_dump(mode="json"),
            "margin_mm": target.margin_mm,
            "planned": len(target.applications) + (target.track is not None),
            "left": left,
            "coverage": told,
            "basis": ", ".join(sorted({zone.basis for zone in zones})) or None,
            "without_zone": sorted(unknown),
        }


def plan_event(plan: Plan, text: str, sha256: str, earlier: Sequence[Done], continues: str | None) -> dict[str, Any]:
    """The data of the event ``plan``."""
    return {
        "name": plan.plan,
        "plan": plan.model_dump(mode="json"),
        "text": text,
        "sha256": sha256,
        "continues": continues,
        "earlier": [done.kept() for done in earlier],
    }


def from_session(session: SessionFile) -> Treatment | None:
    """The plan of a session and what was done of it; None for a session without a plan that this version can read."""
    plans = session.events("plan")
    if not plans:
        return None
    data = plans[-1].data
    try:
        plan = Plan.model_validate_json(json.dumps(data["plan"]), strict=True)
    except ValidationError:
        return None
    earlier = tuple(_earlier(told) for told in data.get("earlier") or ())
    return Treatment(plan, (*earlier, *_recorded(session, plan)))


def _recorded(session: SessionFile, plan: Plan) -> list[Done]:
    """The applications of this session that belong to its plan."""
    begun = [event for event in session.events("application") if event.data.get("target") is not None]
    ends = {event.data.get("number"): event.data for event in session.events("application_end")}
    results = session.events("result")
    late = [event.data for event in session.events("reading")]
    predicted = {event.data.get("number"): event.data for event in session.events(PREDICTED)}
    pictures = session.all_arrays("picture")
    known = {step.key for step in steps(plan)}
    basis = BASIS[bool(session.header.get("simulated"))]
    found: list[Done] = []
    next_s = [event.t_s for event in begun[1:]] + [math.inf]
    for event, until_s in zip(begun, next_s[: len(begun)], strict=True):
        number = event.data.get("number")
        done = _done(event, ends.get(number, {}), [taken for taken in late if taken.get("number") == number])
        if done.key not in known:
            continue
        here = [arrays for t_s, arrays in pictures if event.t_s <= t_s < until_s]
        zone = next((told.data.get("zone") for told in results if event.t_s <= told.t_s < until_s), None) or {}
        profile = from_picture(here[-1], zone.get("volume_ml")) if here else None
        if profile is not None:
            done = replace(done, profile=profile, basis=basis + CUT * is_cut(here[-1]))
        elif zone_of := predicted.get(done.number, {}).get("zone"):
            cut = bool(predicted[done.number].get("cut"))
            done = replace(done, profile=Profile.from_dict(zone_of), basis=PREDICTED + CUT * cut)
        found.append(done)
    return found


def _done(event: Event, end: Mapping[str, Any], late: Sequence[Mapping[str, Any]]) -> Done:
    """``late``: readings that were taken after the application was concluded."""
    data, position = event.data, event.data.get("position") or {}
    after = [{name: taken.get(name) for name in READ} for taken in late]
    return Done(
        target=str(data["target"]),
        index=int(data.get("index") or 0),
        result=str(end.get("result") or CUT_OFF),
        at_mm=_place(position.get("at_mm")),
        axis=_place(position.get("axis"), (0.0, 0.0, 1.0)),
        protocol=str(data.get("protocol", "")),
        track=bool(position.get("track")),
        number=int(data.get("number") or 0),
        facts={**{name: end.get(name) for name in FACTS}, "readings": [*(end.get("readings") or ()), *after]},
    )


def _earlier(told: Mapping[str, Any]) -> Done:
    zone = told.get("zone")
    return Done(
        target=str(told["target"]),
        index=int(told["application"]),
        result=str(told["result"]),
        at_mm=_place(told.get("at_mm")),
        axis=_place(told.get("axis"), (0.0, 0.0, 1.0)),
        protocol=str(told.get("protocol", "")),
        track=bool(told.get("track")),
        profile=Profile.from_dict(zone) if zone else None,
        basis=str(told.get("basis") or ""),
        facts={name: told.get(name) for name in FACTS},
    )


def _place(value: Any, default: Place = (0.0, 0.0, 0.0)) -> Place:
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        return default
    x, y, z = (float(part) for part in value)
    return x, y, z
