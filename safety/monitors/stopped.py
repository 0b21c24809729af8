"""Has a thermometer stopped that was alive, although nobody knows its noise (H58)?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from safety.monitors.base import ACTIVE, CHECKED, NOTHING, TRIP, Finding, Monitor, View
from safety.monitors.sensors import Indexed


class Course(NamedTuple):
    """How a reading has gone on since it last paused for longer than :attr:`Stopped.PAUSE_S`."""

    t0_s: float
    low: float
    high: float
    changes: int
    turns: int  # how many of them went the other way than the one before
    up: bool
    t_turn_s: float  # when the reading began to go this way, and from where
    turn: float
    t_changed_s: float
    value: float
    t_newest_s: float


class Stopped(Monitor):
    """A thermometer that never paused does not stand still all at once under power (H58); this needs no noise floor.

    Two courses are believed to go on. One that turns at every second change is noise. One that went one way for so long
    is tissue's, at a power that has not changed: what relaxes with a time constant tau pauses for more than tau / 2
    before it stands, so that only what relaxes within 2 s would do so without a pause of 1 s before. A cooled shaft
    may, and water that boils stops at once: neither is judged so. Breathing turns too seldom for the one and too often
    for the other; a sensor that slips jumps, and a jump lasts no 5 s.
    """

    COURSE_S, COURSE_C, TURNS = 5.0, 0.5, 0.5
    PAUSE_S, STILL_S = 1.0, 5.0
    BOILS_C, POWER_RATIO = 90.0, 1.03125

    def __init__(self, rules: Indexed, tissue: frozenset[str], power: int) -> None:
        self._rules = tuple((i, r, r.channel in tissue) for i, r in rules)
        self._power = power

    def update(self, memory: Mapping[int, Any], view: View) -> tuple[Mapping[int, Any], Iterable[Finding]]:
        """Judge one tick. Under the meter's index the memory has the power, and since when it has been that."""
        metered = view.samples[self._power]
        if view.state not in CHECKED or metered is None:
            return {}, NOTHING
        changed: dict[int, Any] = {}
        found = []
        power = memory.get(self._power)
        if power is None or not power[0] / self.POWER_RATIO <= metered.value <= power[0] * self.POWER_RATIO:
            changed[self._power] = power = metered.value, metered.t_request_s
        for i, rule, in_tissue in self._rules:
            sample = view.samples[i]
            if sample is None:
                continue
            course = memory.get(i)
            if course is None or course.t_newest_s != sample.t_request_s:
                changed[i] = course = self._after(course, sample.t_request_s, sample.value)
            still_s = course.t_newest_s - course.t_changed_s
            if still_s < self.STILL_S or not view.flows or view.state not in ACTIVE:
                continue
            if self._noisy(course) or (in_tissue and self._steady(course, power[1])):
                text = f"{rule.channel} never paused, and stands at {course.value:g} for {still_s:.1f} s under power"
                check = rule.check or "whether the instrument still measures; a cached or frozen reading"
                who = ("frozen", TRIP, "H58", "frozen", rule.channel)
                found.append(Finding(*who, still_s, self.STILL_S, view.now_s - course.t_newest_s, text, check))
        return ({**memory, **changed} if changed else memory), found

    def _after(self, course: Course | None, t: float, value: float) -> Course:
        if course is not None and value == course.value:
            return course._replace(t_newest_s=t)
        if course is None or t - course.t_changed_s > self.PAUSE_S:
            return Course(t, value, value, 0, 0, False, t, value, t, value, t)
        up, low, high = value > course.value, min(course.low, value), max(course.high, value)
        turns, t_turn_s, turn = course.turns, course.t_turn_s, course.turn
        if up is not course.up:
            turns, t_turn_s, turn = turns + 1, course.t_changed_s, course.value
        return Course(course.t0_s, low, high, course.changes + 1, turns, up, t_turn_s, turn, t, value, t)

    def _noisy(self, course: Course) -> bool:
        long = course.t_changed_s - course.t0_s >= self.COURSE_S
        return long and course.high - course.low >= self.COURSE_C and course.turns >= self.TURNS * course.changes

    def _steady(self, course: Course, steady_s: float) -> bool:
        went_s = course.t_changed_s - max(course.t_turn_s, steady_s)
        went_c = abs(course.value - course.turn)
        return went_s >= self.COURSE_S and went_c >= self.COURSE_C and course.value < self.BOILS_C
