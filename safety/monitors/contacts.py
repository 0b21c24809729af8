"""Contacts: E-stop pair (H66, H67), footswitch pair (H68), door and any other flag (H70)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from safety.monitors.base import INHIBIT, NOTHING, TRIP, Debounce, Debounces, Finding, Monitor, Severity, View
from safety.rules import FlagRule
from safety.types import Quality, Sample, State

_GOOD = Quality.GOOD


def is_closed(sample: Sample | None) -> bool:
    """True only for a good reading of exactly 1.0; anything else is no evidence of a closed contact."""
    return sample is not None and sample.quality is _GOOD and sample.value == 1.0


def is_open(sample: Sample | None) -> bool:
    """True only for a good reading of exactly 0.0."""
    return sample is not None and sample.quality is _GOOD and sample.value == 0.0


class _Pair(Monitor):
    """Two contacts of one switch, which may disagree for ``pair_s``."""

    def __init__(self, indices: tuple[int, int], channels: tuple[str, str], pair_s: float) -> None:
        self._indices, self._channels = indices, channels
        self._debounce = Debounce(1, 1, pair_s)


class EStop(_Pair):
    """Both normally-closed contacts closed. Both open: pressed (H66). One open for longer than a switch takes: a
    fault (H67).
    """

    STATES = frozenset({State.PRECHECK, State.READY, State.ARMED, State.FIRING, State.COOLDOWN, State.TRIPPED})

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick. In SAFE a pressed E-stop only inhibits."""
        a, b = (view.samples[i] for i in self._indices)
        closed = is_closed(a), is_closed(b)
        if closed == (True, True):
            return {}, NOTHING
        severity = TRIP if view.state in self.STATES else INHIBIT
        if a is None or b is None:
            return memory, NOTHING if severity else [self._finding(severity, 0, view, False)]
        if closed == (False, False):
            return {}, [self._finding(severity, 0, view, False)]
        memory, fires = self._debounce.judge(memory, 0, max(a.t_request_s, b.t_request_s), True)
        return memory, [self._finding(severity, closed.index(False), view, True)] if fires else NOTHING

    def _finding(self, severity: Severity, which: int, view: View, one: bool) -> Finding:
        sample = view.samples[self._indices[which]]
        age = view.now_s - sample.t_request_s if sample is not None else float("inf")
        channel = self._channels[which]
        text, check = "E-stop is pressed", "why it was pressed; then release it and reset"
        if one:
            text = f"only one E-stop contact is open: {channel}"
            check = "wiring and contacts of the E-stop, before anything else"
        who = ("estop", severity, "H67" if one else "H66", "estop", channel)
        return Finding(*who, 0.0, 1.0, age, text, check, lockout=one)


class Footswitch(_Pair):
    """Released, and both contacts agreeing, before ARM and before a reset (H68). Never trips: it only inhibits."""

    STATES = frozenset({State.PRECHECK, State.READY, State.TRIPPED})

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        no, nc = (view.samples[i] for i in self._indices)
        if view.state not in self.STATES and view.state is not State.ARMED:
            return {}, NOTHING
        if is_open(no) and is_closed(nc):
            return {}, NOTHING
        text = "footswitch is pressed"
        if no is not None and nc is not None and no.value == nc.value:
            memory, fires = self._debounce.judge(memory, 0, max(no.t_request_s, nc.t_request_s), True)
            text = "footswitch contacts contradict each other"
            if not fires and view.state is State.ARMED:
                return memory, NOTHING
        else:
            memory = {}
            if view.state is State.ARMED:  # here, pressing it is the operator's act
                return memory, NOTHING
        age = view.now_s - no.t_request_s if no is not None else float("inf")
        value = no.value if no is not None else float("nan")
        check = "release the footswitch; if it is released, its contacts and wiring"
        channel = self._channels[0]
        return memory, [Finding("footswitch", INHIBIT, "H68", "footswitch", channel, value, 0.0, age, text, check)]


def pressed(samples: Sequence[Sample | None], indices: tuple[int, int]) -> bool:
    """Both contacts say pressed: normally-open closed and normally-closed open."""
    return is_closed(samples[indices[0]]) and is_open(samples[indices[1]])


def released(samples: Sequence[Sample | None], indices: tuple[int, int]) -> bool:
    """Both contacts say released."""
    return is_open(samples[indices[0]]) and is_closed(samples[indices[1]])


class Flags(Monitor):
    """Two-valued channels that must hold their good value: the door (H70), a generator's own flags, a leak sensor."""

    def __init__(self, rules: tuple[tuple[int, FlagRule], ...]) -> None:
        self._rules = tuple((i, rule, Debounce(1, 1, rule.hold_s)) for i, rule in rules)

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        found = []
        for k, (i, rule, debounce) in enumerate(self._rules):  # a channel may have several rules
            sample = view.samples[i]
            if sample is None or (sample.value == rule.good and k not in memory):
                continue
            trips = view.state in rule.trips_in
            if not trips and view.state not in rule.inhibits_in:
                if k in memory:  # a hold begins where the rule does, not in a state that rightly has the flag set
                    memory = {key: v for key, v in memory.items() if key != k}
                continue
            memory, fires = debounce.judge(memory, k, sample.t_request_s, sample.value != rule.good)
            if fires:
                severity = TRIP if trips else INHIBIT
                age = view.now_s - sample.t_request_s
                who = ("flags", severity, rule.hazard, "flag", rule.channel)
                said = (age, rule.text, rule.check)
                found.append(Finding(*who, sample.value, rule.good, *said, pump_off=rule.pump_off))
        return memory, found
