"""Temperatures while it cools: 30 and 60 s after power last flowed, and what they advise.

What generators' makers publish is a reading 30 to 60 s after the end (RITA: the mean of the tines, again below 60 degC;
cooled needles: the tip with the pump stopped). A law that pauses begins the count anew, so the readings are always of
the last power; they are taken whatever state the bench is in by then.
"""

from __future__ import annotations

import math
from typing import Any

from controller.config.bench import Roles
from controller.daemon.application import reading
from controller.laws.base import Reablate
from safety.types import Snapshot

AT_S = (30.0, 60.0)
HEATED_S = 3600.0
"""So long after energy tissue is not of one temperature: a zone of 3 cm needs half an hour and more to be even."""
POWER_W = 1.0
"""What measures less than this, with nothing asked for, is no power."""


class Readings:
    """``taken``: one mapping for each of the times, in their order."""

    def __init__(self, roles: Roles, also_s: tuple[float, ...] = ()) -> None:
        """``also_s``: times beside :data:`AT_S`."""
        self.taken: list[dict[str, Any]] = []
        self._roles = roles
        self._power = f"{roles.source}.power_w"
        self._at_s = tuple(sorted({*AT_S, *also_s}))
        self._since_s = math.inf  # when power last flowed
        self._next_s = math.inf

    def follow(self, snapshot: Snapshot, applied_w: float, coolant_on: bool, now_s: float) -> dict[str, Any] | None:
        """One tick; a reading when its time has come."""
        if applied_w > 0.0 or (reading(snapshot, self._power) or 0.0) > POWER_W:
            self._since_s, self._next_s = now_s, now_s + self._at_s[0]
            if self.taken:
                self.taken = []
            return None
        if now_s < self._next_s:
            return None
        roles, k = self._roles, len(self.taken)
        taken = {
            "after_s": self._at_s[k],
            "tip_c": reading(snapshot, roles.tip),
            "tine_c": [reading(snapshot, channel) for channel in roles.tines],
            "tissue_c": [reading(snapshot, channel) for channel in roles.tissue],
            "shaft_c": reading(snapshot, roles.shaft),
            "coolant_on": coolant_on,
        }
        self.taken.append(taken)
        self._next_s = self._since_s + self._at_s[k + 1] if k + 1 < len(self._at_s) else math.inf
        return taken

    def at(self, at_s: float) -> dict[str, Any] | None:
        """The reading ``at_s`` after power; None while it is not there."""
        return next((taken for taken in self.taken if taken["after_s"] == at_s), None)

    def left_s(self, at_s: float, now_s: float) -> float:
        """How long until that reading."""
        return max(0.0, self._since_s + at_s - now_s) if self._since_s < math.inf else 0.0


class Heated:
    """Where tissue was heated, and the least that sensors in it have been apart since power ended. They come closer
    from then on (apart by 5 K more at most in the simulated tissue, where heat still spreads after a short burn), so
    that a sensor that is wrong is found among hot ones as well, the better the colder it is (H62).

    Each target of a plan is a place of its own. Without a plan there is one. What the operator says about a
    ``reposition`` ends that one; another is remembered as it was left.
    """

    def __init__(self, roles: Roles) -> None:
        self._channels = (*roles.tissue, *roles.tines)
        self._places: dict[str | None, tuple[float, float]] = {}
        self._here: tuple[str | None, ...] = ()  # the target in which the sensors still are

    def ended(self, target: str | None, snapshot: Snapshot, now_s: float) -> None:
        """Power has ended on ``target``."""
        read = self._read(snapshot)
        self._places[target], self._here = (now_s, max(read) - min(read) if read else 0.0), (target,)

    def follow(self, snapshot: Snapshot) -> None:
        """One tick has passed."""
        for target in self._here:
            read, (ended_s, apart_c) = self._read(snapshot), self._places[target]
            if read and len(read) == len(self._channels):
                self._places[target] = (ended_s, min(apart_c, max(read) - min(read)))

    def _read(self, snapshot: Snapshot) -> list[float]:
        return [c for c in (reading(snapshot, channel) for channel in self._channels) if c is not None]

    def moved(self) -> None:
        """The probe lies elsewhere."""
        self._places.pop(None, None)
        self._here = ()

    def apart_c(self, target: str | None, now_s: float) -> float | None:
        """In K; None: at rest, nothing was heated there within :data:`HEATED_S`."""
        ended_s, apart_c = self._places.get(target, (-math.inf, 0.0))
        return apart_c if now_s - ended_s < HEATED_S else None


def advice(rule: Reablate, taken: dict[str, Any] | None) -> dict[str, str]:
    """``{"advice": "adequate" | "re-ablate" | "unknown", "reason": …}``."""
    when = f"{rule.at_s:g} s after power"
    if taken is None:
        return {"advice": "unknown", "reason": f"no reading {when}: the bench went on before"}
    if rule.pump_off and taken["coolant_on"]:
        return {"advice": "unknown", "reason": f"the coolant was still running {when}: it says nothing of the tissue"}
    if rule.role == "tip":
        found = [taken["tip_c"]]
    elif rule.role == "tines":
        found = [c for n, c in enumerate(taken["tine_c"], 1) if n not in rule.masked]
    else:
        found = taken["tissue_c"]
    read = [c for c in found if c is not None]
    if not read:
        return {"advice": "unknown", "reason": f"{rule.role} was not read {when}"}
    value_c = sum(read) / len(read) if rule.role == "tines" else min(read)
    below = value_c < rule.below_c
    told = f"{rule.role} {value_c:.1f} degC {when}, {'below' if below else 'not below'} {rule.below_c:g} degC"
    return {"advice": "re-ablate" if below else "adequate", "reason": told}
