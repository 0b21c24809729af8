"""Two mechanisms for most of what is judged: a number that stays within bounds, and a dose that stays below its limit.

What is bounded stands in :mod:`safety.monitors.tissue` and :mod:`safety.monitors.power`, as rules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from safety.monitors.base import CHECKED, NOTHING, Debounce, Debounces, Finding, Monitor, Severity, View, grade
from safety.types import State

Reading = tuple[float, float]
"""(request time, value)."""
Read = Callable[[View], "Reading | None"]
"""What is judged at this tick; None: nothing."""

SETTLE_S = 0.1  # two meters are read one after the other; not believed together while power comes up


def of(i: int) -> Read:
    """A channel, always."""

    def read(view: View) -> Reading | None:
        sample = view.samples[i]
        return None if sample is None else (sample.t_request_s, sample.value)

    return read


def powered(i: int, age_limit_s: float) -> Read:
    """A channel that means something under power only: young, and asked for after power had settled."""

    def read(view: View) -> Reading | None:
        sample = view.samples[i]
        if sample is None or view.now_s - sample.t_request_s > age_limit_s:
            return None
        settled = sample.t_request_s >= view.flowing_from_s + SETTLE_S  # without power: from now on
        return (sample.t_request_s, sample.value) if settled else None

    return read


class BoundRule(NamedTuple):
    """``low`` <= what ``read`` gives <= ``high``. ``text`` is formatted with ``value`` and ``limit``."""

    item: str
    hazard: str
    monitor: str
    channel: str
    read: Read
    low: float
    high: float
    debounce: Debounce
    text: str
    check: str
    hysteresis: float = 0.0  # once above, it counts until it is below by this (H73)


class Bounds(Monitor):
    """Every rule holds. On the way to READY one bad reading is enough."""

    def __init__(self, rules: Iterable[BoundRule]) -> None:
        self._rules = tuple(enumerate(rules))

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        if view.state not in CHECKED:
            return {}, NOTHING
        found = []
        for k, rule in self._rules:
            reading = rule.read(view)
            if reading is None:
                if k in memory:
                    memory = {key: pending for key, pending in memory.items() if key != k}
                continue
            t, value = reading
            bad = not rule.low <= value <= (rule.high - rule.hysteresis if k in memory else rule.high)
            memory, fires = rule.debounce.judge(memory, k, t, bad)
            if bad and (fires or view.state is State.PRECHECK):
                limit = rule.low if value < rule.low else rule.high
                text = rule.text.format(value=value, limit=limit)
                who = (rule.item, grade(view.state), rule.hazard, rule.monitor, rule.channel)
                found.append(Finding(*who, value, limit, view.now_s - t, text, rule.check))
        return memory, found


class DoseRule(NamedTuple):
    """What ``rate`` (per second) has summed up to, within ``window_s`` or since PRECHECK (infinite), is at most
    ``limit``; more asks for ``severity``, of which STOP keeps from ARM and FIRE too.
    """

    item: str
    severity: Severity
    hazard: str
    monitor: str
    channel: str
    rate: Callable[[View], float]
    limit: float
    window_s: float
    text: str
    check: str


Sums = Mapping[int, tuple[tuple[float, ...], float, float]]
"""By rule: whole seconds of a window, oldest first; what has begun since; when it began."""


class Doses(Monitor):
    """No dose above its limit. A window is kept in whole seconds, of which it has one more rather than one less."""

    STATES = CHECKED - {State.TRIPPED}

    def __init__(self, rules: Iterable[DoseRule]) -> None:
        self._rules = tuple(enumerate(rules))

    def update(self, memory: Sums, view: View) -> tuple[Sums, Iterable[Finding]]:
        """Count one tick, and judge it."""
        sums, found = {}, []
        dt_s = max(view.dt_s or 0.0, 0.0)
        for k, rule in self._rules:
            seconds, filling, since_s = memory.get(k, ((), 0.0, view.now_s))
            if rule.window_s == math.inf and view.state is State.PRECHECK:
                filling = 0.0
            filling += rule.rate(view) * dt_s
            if view.now_s - since_s >= 1.0 and rule.window_s < math.inf:
                seconds, filling, since_s = (*seconds, filling)[-math.ceil(rule.window_s) :], 0.0, since_s + 1.0
            sums[k] = seconds, filling, since_s
            dose = sum(seconds, filling)
            if view.state in self.STATES and not dose <= rule.limit:
                text = rule.text.format(value=dose, limit=rule.limit)
                who = (rule.item, rule.severity, rule.hazard, rule.monitor, rule.channel)
                found.append(Finding(*who, dose, rule.limit, 0.0, text, rule.check))
        return sums, found
