"""Is a channel believable at all: fresh (H15), readable (H31, H56), in range (H59), possible in its rate (H60), alive
(H58).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from safety.monitors.base import ACTIVE, CHECKED, NOTHING, TRIP, Debounce, Debounces, Finding, Monitor, View, grade
from safety.rules import ChannelRule, Judged
from safety.types import Quality, State

Indexed = tuple[tuple[int, ChannelRule], ...]
_GOOD = Quality.GOOD


class Staleness(Monitor):
    """Every needed channel has a sample whose request is young enough; never seen and future-dated are stale (H15,
    H16, H30).

    The source is judged in COOLDOWN too: only its readings say that the output stays off. A channel that is readable
    under power only is given its age limit from the moment at which power was seen.
    """

    def __init__(self, rules: Indexed, source: frozenset[str]) -> None:
        self._always = tuple((i, r.age_limit_s, r) for i, r in rules if r.judged is Judged.ALWAYS)
        self._powered = tuple((i, r.age_limit_s, r) for i, r in rules if r.judged is Judged.POWERED)
        self._source = tuple(item for item in self._always if item[2].channel in source)

    def update(self, memory: None, view: View) -> tuple[None, Iterable[Finding]]:
        """Judge one tick."""
        state, now, samples = view.state, view.now_s, view.samples
        if state in CHECKED:
            judged = self._always
        elif state is State.COOLDOWN:
            judged = self._source
        else:
            return memory, NOTHING
        found = [
            self._finding(rule, now, -math.inf if sample is None else sample.t_request_s, state)
            for i, limit, rule in judged
            if (sample := samples[i]) is None or not 0.0 <= now - sample.t_request_s <= limit
        ]
        if view.flows and state is State.FIRING:
            for i, limit, rule in self._powered:
                sample = samples[i]
                seen = view.flowing_from_s if sample is None else max(sample.t_request_s, view.flowing_from_s)
                if not 0.0 <= now - seen <= limit:
                    found.append(self._finding(rule, now, seen, state))
        return memory, found

    @staticmethod
    def _finding(rule: ChannelRule, now: float, seen: float, state: State) -> Finding:
        age, limit = now - seen, rule.age_limit_s
        if age == math.inf:
            said = "was never read"
        elif age < 0.0:
            said = "is dated in the future"
        else:
            said = f"was last read {age * 1e3:.0f} ms ago, limit {limit * 1e3:.0f} ms"
        check = rule.check or "cable, power and port of the device; other programs on the same port"
        text = f"{rule.channel} {said}"
        return Finding("stale", grade(state), "H15", "staleness", rule.channel, age, limit, age, text, check)


class Range(Monitor):
    """Every reading is a number the instrument can truthfully give.

    NaN or infinity (H31) and a reading that the device itself disowns (H56) count at once, a value out of range (H59)
    at two of three samples.
    """

    DEBOUNCE = Debounce(2, 3)

    def __init__(self, rules: Indexed) -> None:
        self._rules = tuple((i, r.low, r.high, r) for i, r in rules)

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        if view.state not in CHECKED:
            return {}, NOTHING
        samples, found = view.samples, []
        for i, low, high, rule in self._rules:
            sample = samples[i]
            if sample is None:
                continue
            value = sample.value
            if low <= value <= high and sample.quality is _GOOD and i not in memory:
                continue
            if rule.judged is not Judged.ALWAYS and not self._matters(rule, sample.t_request_s, view):
                continue
            if sample.quality is not _GOOD:
                found.append(self._finding(rule, view, value, "H56", "the device gives no reading"))
            elif not math.isfinite(value):
                found.append(self._finding(rule, view, value, "H31", "is not a number"))
            else:
                memory, fires = self.DEBOUNCE.judge(memory, i, sample.t_request_s, not low <= value <= high)
                if fires:
                    found.append(self._finding(rule, view, value, "H59", f"is {value:g}, outside {low:g}..{high:g}"))
        return memory, found

    @staticmethod
    def _matters(rule: ChannelRule, t_request_s: float, view: View) -> bool:
        if rule.judged is Judged.POWERED:
            return view.flows and t_request_s >= view.flowing_from_s
        return view.now_s - t_request_s <= rule.age_limit_s

    @staticmethod
    def _finding(rule: ChannelRule, view: View, value: float, hazard: str, said: str) -> Finding:
        limit = rule.high if value > rule.high else rule.low
        check = rule.check or "the sensor, its connector and its wiring; the channel's configuration"
        text = f"{rule.channel}: {said}" if hazard == "H56" else f"{rule.channel} {said}"
        return Finding("range", grade(view.state), hazard, "range", rule.channel, value, limit, 0.0, text, check)


class Reference(NamedTuple):
    """The last believed sample of a channel and how many since were not."""

    t_s: float
    value: float
    t_newest_s: float
    refused: int


class Rate(Monitor):
    """No reading moves faster than its quantity can (H60).

    A step is measured from the last believed sample, so that one spike is not counted twice; one sample may be
    refused, the second in a row trips. After ten age limits without a believed one the reference starts anew.
    """

    REFUSED_MAX = 1
    SHORTEST_S = 0.1  # below this, noise between two samples would look like a rate

    def __init__(self, rules: Indexed) -> None:
        self._rules = tuple((i, r.max_rate, r) for i, r in rules if r.max_rate is not None)

    def update(self, memory: Mapping[int, Reference], view: View) -> tuple[Mapping[int, Reference], Iterable[Finding]]:
        """Judge one tick."""
        if view.state not in CHECKED:
            return {}, NOTHING
        changed: dict[int, Reference] = {}
        found = []
        for i, rate, rule in self._rules:
            sample = view.samples[i]
            if sample is None:
                continue
            t, value = sample.t_request_s, sample.value
            ref = memory.get(i)
            if ref is None or ref.t_newest_s != t:
                dt = math.inf if ref is None else t - ref.t_s
                lapsed = ref is None or dt > 10.0 * rule.age_limit_s
                if ref is None or lapsed or abs(value - ref.value) <= rate * max(dt, self.SHORTEST_S):
                    changed[i] = ref = Reference(t, value, t, 0)
                else:
                    changed[i] = ref = Reference(ref.t_s, ref.value, t, ref.refused + 1)
            if ref.refused > self.REFUSED_MAX:
                seen = abs(value - ref.value) / max(t - ref.t_s, self.SHORTEST_S)
                text = f"{rule.channel} went from {ref.value:g} to {value:g}: {seen:.3g} per s; possible is {rate:g}"
                check = rule.check or "the sensor's contact and shielding; pick-up of radio-frequency power"
                who = ("rate", grade(view.state), "H60", "rate", rule.channel)
                found.append(Finding(*who, seen, rate, view.now_s - t, text, check))
        return ({**memory, **changed} if changed else memory), found


class Window(NamedTuple):
    """The spread of a channel since ``t0_s``."""

    t0_s: float
    low: float
    high: float
    samples: int
    t_newest_s: float


class Frozen(Monitor):
    """A live sensor is never still: while power flows, its readings must spread by its noise floor within the window
    (H58).

    The floor is a window, not an equality (P25), and nothing is judged without energy: at rest a reading may stand
    still. The window holds at least eight samples, so that a slow scanner is given its time.
    """

    SAMPLES = 8

    def __init__(self, rules: Indexed, window_s: float) -> None:
        self._rules = tuple((i, r.noise_floor, r) for i, r in rules if r.noise_floor is not None)
        self._window_s = window_s

    def update(self, memory: Mapping[int, Window], view: View) -> tuple[Mapping[int, Window], Iterable[Finding]]:
        """Judge one tick."""
        if view.state not in ACTIVE or not view.flows:
            return {}, NOTHING
        changed: dict[int, Window] = {}
        found = []
        samples = view.samples
        for i, floor, rule in self._rules:
            sample = samples[i]
            if sample is None:
                continue
            t, value = sample.t_request_s, sample.value
            window = memory.get(i)
            if window is None or window.t_newest_s != t:
                low, high = (value, value) if window is None else (min(window.low, value), max(window.high, value))
                if window is not None and high - low < floor:
                    window = Window(window.t0_s, low, high, window.samples + 1, t)
                else:
                    window = Window(t, value, value, 1, t)
                changed[i] = window
            span = window.t_newest_s - window.t0_s
            if window.samples >= self.SAMPLES and span >= self._window_s:
                spread = window.high - window.low
                stands = f"{rule.channel} stands at {value:g} for {span:.1f} s under power"
                text = f"{stands}; a live sensor moves by {floor:g}"
                check = rule.check or "whether the instrument still measures; a cached or frozen reading"
                who = ("frozen", TRIP, "H58", "frozen", rule.channel)
                found.append(Finding(*who, spread, floor, view.now_s - t, text, check))
        return ({**memory, **changed} if changed else memory), found
