"""Too hot, and is the load a load: temperatures (H43, H45, H46, H62), impedance (H47, H49, H50), heating response
(H57, H64).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from safety.monitors.base import CHECKED, INHIBIT, NOTHING, TRIP, Debounce, Debounces, Finding, View, grade
from safety.rules import HeatingRule
from safety.types import Quality, State


class HotRule(NamedTuple):
    """One upper temperature limit."""

    at: int
    channel: str
    limit_c: float
    layer: str
    hazard: str
    debounce: Debounce
    check: str


class Temperature:
    """No temperature above its limit. Once above, it counts until it is below by the hysteresis (H73)."""

    def __init__(self, rules: tuple[HotRule, ...], hysteresis_c: float) -> None:
        self._rules, self._hysteresis_c = rules, hysteresis_c

    def start(self) -> Debounces:
        """No pending verdicts."""
        return {}

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        if view.state not in CHECKED:
            return {}, NOTHING
        found = []
        for rule in self._rules:
            sample = view.samples[rule.at]
            if sample is None or (sample.value <= rule.limit_c and rule.at not in memory):
                continue
            limit = rule.limit_c - self._hysteresis_c if rule.at in memory else rule.limit_c
            hot = not sample.value <= limit
            memory, fires = rule.debounce.judge(memory, rule.at, sample.t_request_s, hot)
            if fires or (hot and view.state is State.PRECHECK):  # on the way to READY one reading is enough
                text = f"{rule.channel} is {sample.value:.1f} C, limit {rule.limit_c:g} C ({rule.layer})"
                who = ("temperature", grade(view.state), rule.hazard, "over_temperature", rule.channel)
                age = view.now_s - sample.t_request_s
                found.append(Finding(*who, sample.value, rule.limit_c, age, text, rule.check))
        return memory, found


class Agreement:
    """At zero power, before READY, sensors in the same tissue agree (H62: wrong thermocouple type, drift, one out of
    place).
    """

    def __init__(self, indices: tuple[int, ...], channels: tuple[str, ...], agree_c: float) -> None:
        self._indices, self._channels, self._agree_c = indices, channels, agree_c

    def start(self) -> None:
        """Nothing to remember."""

    def update(self, memory: None, view: View) -> tuple[None, Iterable[Finding]]:
        """Judge one tick."""
        if view.state is not State.PRECHECK or len(self._indices) < 2:
            return memory, NOTHING
        values = [s.value for i in self._indices if (s := view.samples[i]) is not None]
        spread = max(values, default=0.0) - min(values, default=0.0)
        if spread <= self._agree_c:
            return memory, NOTHING
        text = f"{' and '.join(self._channels)} differ by {spread:.1f} C without power, at most {self._agree_c:g} C"
        check, channel = "thermocouple type and position; let the tissue settle", self._channels[0]
        return memory, [Finding("agree", INHIBIT, "H62", "agreement", channel, spread, self._agree_c, 0.0, text, check)]


class Impedance:
    """The load is neither short (H49) nor open, charred or shorted beyond reading (H47, H50), while power flows.

    A normal roll-off does not trip: its pulse-off ends the flow of power, and with it the judgement, long before the
    limit.
    """

    DEBOUNCE = Debounce(2, 3, 0.1)
    SETTLE_S = 0.1  # forward and reverse power are read one after the other; not believed together while power comes up

    def __init__(self, index: int, channel: str, age_limit_s: float, low_ohm: float, high_ohm: float) -> None:
        self._index, self._channel, self._age_limit_s = index, channel, age_limit_s
        self._low_ohm, self._high_ohm = low_ohm, high_ohm

    def start(self) -> Debounces:
        """No pending verdicts."""
        return {}

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        if view.state is not State.FIRING or view.flowing_s <= 0.0:
            return {}, NOTHING
        sample = view.samples[self._index]
        if sample is None or sample.quality is not Quality.GOOD:
            return memory, NOTHING  # staleness and range have their say
        t, value = sample.t_request_s, sample.value
        if not (t >= view.flowing_from_s + self.SETTLE_S and view.now_s - t <= self._age_limit_s):
            return memory, NOTHING
        low, high = self._low_ohm, self._high_ohm
        memory, fires = self.DEBOUNCE.judge(memory, 0, t, not low <= value <= high)
        if not fires or low <= value <= high:
            return memory, NOTHING
        if value < low:
            hazard, monitor, limit, said = "H49", "impedance_low", low, "short"
            check = "whether electrodes or leads touch each other or metal"
        else:
            hazard, monitor, limit, said = "H50", "impedance_high", high, "open, char or short"
            check = "lead, dispersive pad and applicator; char on the electrode; tissue contact"
        age = view.now_s - t
        text = f"{self._channel} is {value:.0f} ohm, limit {limit:g} ohm: {said}"
        return memory, [Finding("impedance", TRIP, hazard, monitor, self._channel, value, limit, age, text, check)]


class Heating:
    """Energy that was delivered must be felt by the sensors that the bench says must feel it (H57, H64)."""

    def __init__(self, rules: tuple[tuple[int, HeatingRule], ...]) -> None:
        self._rules = rules

    def start(self) -> Mapping[int, tuple[float, float]]:
        """No starting temperatures."""
        return {}

    def update(
        self, memory: Mapping[int, tuple[float, float]], view: View
    ) -> tuple[Mapping[int, tuple[float, float]], Iterable[Finding]]:
        """Judge one tick; the memory is (value at FIRE, highest since)."""
        if view.state is not State.FIRING or not self._rules:
            return {}, NOTHING
        found, changed = [], dict(memory)
        for i, rule in self._rules:
            sample = view.samples[i]
            if sample is None:
                continue
            first, highest = changed.get(i, (sample.value, sample.value))
            highest = max(highest, sample.value)
            changed[i] = (first, highest)
            if view.energy_j > rule.energy_j and not highest - first >= rule.rise_c:
                text = (
                    f"{rule.channel} rose by {highest - first:.1f} C after {view.energy_j:.0f} J,"
                    f" expected {rule.rise_c:g} C by {rule.energy_j:g} J"
                )
                check = "whether the sensor sits where the bench file says, and whether the applicator is in the tissue"
                rise, age = highest - first, view.now_s - sample.t_request_s
                who = ("heating", TRIP, "H64", "heating_response", rule.channel)
                found.append(Finding(*who, rise, rule.rise_c, age, text, check))
        return changed, found
