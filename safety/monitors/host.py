"""The machine around the bench: tick cadence (H29, H30, H33), daemon faults (H32), numbers (H31), configuration (H34),
watchdog and enable line (H06, H27), record (H36), budgets (H07).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from safety.limits import Bound
from safety.monitors.base import ACTIVE, CHECKED, INHIBIT, NOTHING, STOP, TRIP, Finding, Monitor, View, grade
from safety.rules import Timing
from safety.types import State


class Cadence(Monitor):
    """Ticks follow each other, neither backwards nor after a gap (H29, H30), and most of them in time (H33): a stalled,
    suspended, confused or overloaded host is no guard. Memory: by how many late ticks outnumber timely ones.
    """

    LATE = 1.5  # periods
    LATE_MAX = 20

    def __init__(self, dt_max_s: float, tick_s: float) -> None:
        self._dt_max_s, self._late_s = dt_max_s, self.LATE * tick_s

    def start(self) -> int:
        """No tick was late."""
        return 0

    def update(self, memory: int, view: View) -> tuple[int, Iterable[Finding]]:
        """Judge one tick."""
        dt, limit, check = view.dt_s, self._dt_max_s, "load, suspend and debuggers on this computer"
        if dt is None:
            return memory, NOTHING
        if not dt > 0.0:
            hazard, text, check = "H30", "time did not advance", "the computer's monotonic clock"
        elif dt > limit:
            hazard, text = "H29", f"{dt * 1e3:.0f} ms between two ticks, at most {limit * 1e3:g} ms"
        else:
            memory = min(memory + 1, self.LATE_MAX) if dt > self._late_s else max(memory - 1, 0)
            if memory < self.LATE_MAX:
                return memory, NOTHING
            hazard, text, limit = "H33", "ticks are late again and again", self._late_s
        if view.state not in CHECKED:
            return memory, NOTHING
        return memory, [Finding("clock", grade(view.state), hazard, "cadence", "", dt, limit, 0.0, text, check, "host")]


class Daemon(Monitor):
    """What the daemon itself saw go wrong; every fault trips, in every state. A set-point in force that is no number
    is one.
    """

    def update(self, memory: None, view: View) -> tuple[None, Iterable[Finding]]:
        """Judge one tick."""
        now, applied_w, nothing = view.now_s, view.inputs.applied_w, ("", math.nan, math.nan)
        found = [
            Finding("daemon", TRIP, f.hazard, f.monitor, *nothing, now - f.t_s, f.text, f.check, f.device, f.lockout)
            for f in view.inputs.faults
        ]
        if not 0.0 <= applied_w < math.inf:
            text = f"the set-point in force is {applied_w!r}"
            check = "report this defect with the session file"
            found.append(Finding("daemon", TRIP, "H31", "number", "", math.nan, 0.0, 0.0, text, check, "daemon"))
        return memory, found


class ConfigHash(Monitor):
    """Bench and protocol in use are those that were checked (H34)."""

    def __init__(self, config_hash: str) -> None:
        self._hash = config_hash

    def update(self, memory: None, view: View) -> tuple[None, Iterable[Finding]]:
        """Judge one tick. Before FIRE a change only inhibits."""
        if view.inputs.config_hash == self._hash or view.state not in CHECKED:
            return memory, NOTHING
        severity = TRIP if view.state is State.FIRING else INHIBIT
        text = "bench or protocol are not those that were checked"
        check, nan = "restart the daemon with the files that you mean", math.nan
        return memory, [Finding("config", severity, "H34", "config", "", nan, nan, 0.0, text, check, "daemon")]


class Watchdog(Monitor):
    """The watchdog speaks, holds its plans and has cut nothing (H27); the enable line does what it is told (H06).

    Memory: whether the line was seen closed since it was last let closed.
    """

    STATES = ACTIVE | {
        State.PRECHECK
    }  # not TRIPPED: a watchdog that shares the latch is ready again only after the reset

    def __init__(self, timing: Timing, enable_line: bool) -> None:
        self._timing, self._enable_line = timing, enable_line

    def start(self) -> bool:
        """The line was not seen closed yet."""
        return False

    def update(self, memory: bool, view: View) -> tuple[bool, Iterable[Finding]]:
        """Judge one tick."""
        status, timing = view.inputs.watchdog, self._timing
        if view.state not in self.STATES:
            return False, NOTHING
        if status is None or not 0.0 <= view.now_s - status.t_s <= timing.watchdog_age_s:
            age = math.inf if status is None else view.now_s - status.t_s
            said = "never reported" if status is None else f"has been silent for {age * 1e3:.0f} ms"
            text, check = f"the watchdog {said}", "the watchdog process"
            return memory, [self._finding(view, "watchdog", "H27", age, timing.watchdog_age_s, text, check)]
        if not status.ready:
            text = "the watchdog is not ready, or has cut"
            return memory, [self._finding(view, "watchdog", "H27", 0.0, 1.0, text, "the watchdog's own latch and log")]
        if not self._enable_line:
            return False, NOTHING
        closed, since_s = status.enable_closed, view.now_s - view.s.enable_since_s
        check = "relay, its cable and power; a welded contact"
        if not view.s.enable:
            opening = since_s <= timing.enable_open_s and view.state is not State.PRECHECK
            if closed is False or (closed is True and opening):
                return False, NOTHING
            text = "the enable line cannot be read" if closed is None else "the enable line stays closed"
            stays = closed is True
            return False, [self._finding(view, "enable", "H06", float(stays), 0.0, text, check, lockout=stays)]
        if closed is True:
            return True, NOTHING
        if not memory and since_s <= timing.enable_close_s:
            return False, NOTHING
        if closed is None:
            text = "the enable line can no longer be read"
        else:
            text = "the enable line opened by itself" if memory else "the enable line does not close"
        return memory, [self._finding(view, "enable", "H06", 0.0, 1.0, text, check)]

    @staticmethod
    def _finding(
        view: View, item: str, hazard: str, value: float, limit: float, text: str, check: str, lockout: bool = False
    ) -> Finding:
        severity = grade(view.state)
        locks = lockout and severity is TRIP
        return Finding(item, severity, hazard, item, "", value, limit, 0.0, text, check, item, locks)


class Record(Monitor):
    """No healthy record, no energy (H36): a controlled stop, and a trip if the record stays away. Memory: bad since."""

    STATES = ACTIVE | {State.PRECHECK, State.STOPPING, State.COOLDOWN}

    def __init__(self, age_s: float, trip_s: float) -> None:
        self._age_s, self._trip_s = age_s, trip_s

    def start(self) -> float | None:
        """Not bad."""
        return None

    def update(self, memory: float | None, view: View) -> tuple[float | None, Iterable[Finding]]:
        """Judge one tick."""
        record, now = view.inputs.record, view.now_s
        if view.state not in self.STATES:
            return None, NOTHING
        if record is not None and record.healthy and 0.0 <= now - record.t_durable_s <= self._age_s:
            return None, NOTHING
        age = math.inf if record is None else now - record.t_durable_s
        since = now if memory is None else memory
        if view.state is State.FIRING:
            severity = STOP
        elif view.state in (State.STOPPING, State.COOLDOWN) and now - since >= self._trip_s:
            severity = TRIP
        else:
            severity = INHIBIT
        said = "missing" if record is None else record.text or f"last durable {age * 1e3:.0f} ms ago"
        text = f"the session file is not being written: {said}"
        check = "free space and permissions of the records folder"
        return since, [Finding("record", severity, "H36", "record", "", age, self._age_s, age, text, check, "record")]


class Budget(Monitor):
    """Energy and time since FIRE (H07): a controlled stop at the limit, a trip beyond it: +5 % or a second's worth,
    +1 s.
    """

    def __init__(self, energy_j: Bound, on_time_s: Bound, power_cap_w: float) -> None:
        self._energy, self._on_time = energy_j, on_time_s
        self._energy_trip_j = max(energy_j.value * 1.05, energy_j.value + power_cap_w)
        self._on_time_trip_s = on_time_s.value + 1.0

    def update(self, memory: None, view: View) -> tuple[None, Iterable[Finding]]:
        """Judge one tick."""
        if view.state is not State.FIRING and view.state is not State.STOPPING:
            return memory, NOTHING
        found = []
        for name, unit, value, bound, trip in (
            ("energy", "J", view.s.energy_j, self._energy, self._energy_trip_j),
            ("on_time", "s", view.s.on_time_s, self._on_time, self._on_time_trip_s),
        ):
            if not value < bound.value:
                severity = TRIP if not value <= trip else STOP
                text = f"{name} {value:.0f} {unit} has reached its limit {bound.value:g} {unit} ({bound.layer})"
                check = "the protocol's duration and limits"
                who = ("budget", severity, "H07", name, "")
                found.append(Finding(*who, value, bound.value, 0.0, text, check, "kernel"))
        return memory, found
