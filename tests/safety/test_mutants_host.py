"""The machine around the bench, each monitor alone: which states, to the edge of every time, and what is said."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.views import ACTIVE, CHECKED, STATES, graded, told, view

NAN = math.nan


# ---- cadence


@pytest.mark.parametrize(
    "dt_s, hazard",
    [
        (None, ""),
        (0.25, ""),
        (0.251, "H29"),
        (0.001, ""),
        (0.0, "H30"),
        (-0.05, "H30"),
        (NAN, "H30"),
        (math.inf, "H29"),
    ],
)
@raises_nothing
def test_ticks_follow_each_other(dt_s: float | None, hazard: str) -> None:
    from safety.monitors.host import Cadence

    monitor: Any = Cadence(0.25, 0.5)
    assert monitor.start() == 0
    memory, found = monitor.update(0, view(dt_s=dt_s))
    assert memory == 0
    if not hazard:
        assert told(found) == []
        return
    (one,) = found
    assert (one.item, one.severity.name, one.hazard, one.monitor, one.device) == (
        "clock", "TRIP", hazard, "cadence", "host",
    )  # fmt: skip
    assert (one.channel, one.limit, one.age_s) == ("", 0.25, 0.0)
    assert one.value == dt_s or dt_s != dt_s
    late = hazard == "H29"
    assert one.text == (f"{dt_s * 1e3:.0f} ms between two ticks, at most 250 ms" if late else "time did not advance")  # type: ignore[operator]
    assert one.check.startswith("load, suspend" if late else "the computer's monotonic clock")


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_cadence_counts_where_evidence_is_asked_for(state: str) -> None:
    from safety.monitors.host import Cadence

    found = told(Cadence(0.25, 0.05).update(0, view(state, dt_s=1.0))[1])
    assert [row[1] for row in found] == ([graded(state)] if state in CHECKED else [])


@pytest.mark.parametrize(
    "before, dt_s, after",
    [(0, 0.1875, 0), (0, 0.188, 1), (7, 0.188, 8), (7, 0.1875, 6), (7, 0.001, 6), (20, 0.188, 20), (19, 0.188, 20),
     (7, None, 7), (7, 0.251, 7), (7, 0.0, 7)],
)  # fmt: skip
@raises_nothing
def test_late_ticks_outnumber_timely_ones(before: int, dt_s: float | None, after: int) -> None:
    """A tick is late beyond one and a half periods; twenty more late ones than timely ones are an overload (H33)."""
    from safety.monitors.host import Cadence

    memory, found = Cadence(0.25, 0.125).update(before, view(dt_s=dt_s))
    assert memory == after
    if after < 20:
        assert "H33" not in [f.hazard for f in found]
        return
    (one,) = found
    assert told([one]) == [("clock", "TRIP", "H33", "cadence", "", 0.188, 0.1875, 0.0)]
    assert (one.text, one.device) == ("ticks are late again and again", "host")


# ---- what the daemon saw


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_every_fault_trips_everywhere(state: str) -> None:
    from safety.monitors.host import Daemon
    from safety.types import Fault

    faults = (Fault("H32", "task", "pump", "died", "log", 99.5), Fault("H21", "identity", "gen", "x", "y", 99.0, True))
    memory, found = Daemon().update(None, view(state, faults=faults))
    one, two = found
    assert memory is None
    assert (one.item, one.severity.name, *one[2:5], one.device) == ("daemon", "TRIP", "H32", "task", "", "pump")
    assert (math.isnan(one.value), math.isnan(one.limit), one.age_s) == (True, True, 0.5)
    assert (one.text, one.check, one.lockout, one.pump_off) == ("died", "log", False, False)
    assert (two.hazard, two.monitor, two.device, two.age_s, two.lockout) == ("H21", "identity", "gen", 1.0, True)


@pytest.mark.parametrize(
    "applied_w, fine", [(0.0, True), (0.5, True), (200.0, True), (-0.5, False), (NAN, False), (math.inf, False)]
)
@raises_nothing
def test_a_set_point_in_force_is_a_number(applied_w: float, fine: bool) -> None:
    from safety.monitors.host import Daemon
    from safety.types import Fault

    found = [*Daemon().update(None, view(applied_w=applied_w))[1]]
    assert len(found) == (0 if fine else 1)
    for one in found:
        assert (one.item, one.severity.name, *one[2:5], one.device) == ("daemon", "TRIP", "H31", "number", "", "daemon")
        assert (math.isnan(one.value), one.limit, one.age_s, one.lockout) == (True, 0.0, 0.0, False)
        assert one.text == f"the set-point in force is {applied_w!r}"
    both = view(applied_w=applied_w, faults=(Fault("H32", "task", "pump", "died", "log", 99.5),))
    assert [f.hazard for f in Daemon().update(None, both)[1]] == (["H32"] if fine else ["H32", "H31"])


# ---- configuration


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_another_configuration(state: str) -> None:
    from safety.monitors.host import ConfigHash

    monitor: Any = ConfigHash("abc")
    assert (monitor.start(), monitor.update(None, view(state, config_hash="abc"))) == ({}, (None, ()))
    memory, found = monitor.update(None, view(state, config_hash="abd"))
    if state not in CHECKED:
        assert (memory, told(found)) == (None, [])
        return
    (one,) = found
    severity = "TRIP" if state == "FIRING" else "INHIBIT"
    assert (one.item, one.severity.name, *one[2:5], one.device) == ("config", severity, "H34", "config", "", "daemon")
    assert (math.isnan(one.value), math.isnan(one.limit), one.age_s, memory) == (True, True, 0.0, None)


# ---- watchdog and enable line


def status(t_s: float = 99.9, ready: bool = True, closed: bool | None = True) -> Any:
    from safety.types import WatchdogStatus

    return WatchdogStatus(t_s, ready, closed, True)


def guard(memory: bool = True, enable_line: bool = True, **words: Any) -> tuple[bool, list[Any]]:
    """The watchdog's monitor with times that are exact: 0.25 s for its age, 0.5 s to open, 1 s to close."""
    from safety.monitors.host import Watchdog
    from safety.rules import Timing

    monitor: Any = Watchdog(Timing(watchdog_age_s=0.25, enable_open_s=0.5, enable_close_s=1.0), enable_line)
    assert monitor.start() is False
    after, found = monitor.update(memory, view(**{"watchdog": status(), **words}))
    return after, [*found]


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_where_the_watchdog_is_needed(state: str) -> None:
    memory, found = guard(state=state, watchdog=None)
    if state not in ACTIVE | {"PRECHECK"}:
        assert (memory, found) == (False, [])
        return
    assert told(found) == [("watchdog", graded(state), "H27", "watchdog", "", math.inf, 0.25, 0.0)]
    assert (found[0].text, memory) == ("the watchdog never reported", True)
    assert (found[0].device, found[0].lockout) == ("watchdog", False)


@pytest.mark.parametrize("t_s, fine", [(99.75, True), (99.749, False), (100.0, True), (100.001, False), (NAN, False)])
@pytest.mark.parametrize("memory", [True, False])
@raises_nothing
def test_a_watchdog_speaks(t_s: float, fine: bool, memory: bool) -> None:
    after, found = guard(memory, watchdog=status(t_s))
    assert (after, len(found)) == ((True, 0) if fine else (memory, 1))
    if t_s == 99.749:
        assert found[0].text == "the watchdog has been silent for 251 ms"
        assert (found[0].value, found[0].limit) == (pytest.approx(0.251), 0.25)


@raises_nothing
def test_a_watchdog_that_is_not_ready() -> None:
    after, found = guard(watchdog=status(ready=False))
    assert told(found) == [("watchdog", "TRIP", "H27", "watchdog", "", 0.0, 1.0, 0.0)]
    assert (after, found[0].text) == (True, "the watchdog is not ready, or has cut")
    assert guard(False, watchdog=status(ready=False))[0] is False


@pytest.mark.parametrize("closed", [True, False, None])
@raises_nothing
def test_a_bench_without_an_enable_line(closed: bool | None) -> None:
    for enable in (True, False):
        assert guard(enable_line=False, watchdog=status(closed=closed), enable=enable) == (False, [])


@pytest.mark.parametrize("state", ["READY", "ARMED", "FIRING", "PRECHECK"])
@pytest.mark.parametrize(
    "closed, enable_s, text",
    [
        (False, 0.0, ""), (False, 9.0, ""), (True, 0.5, ""), (True, 0.501, "the enable line stays closed"),
        (None, 0.0, "the enable line cannot be read"), (None, 9.0, "the enable line cannot be read"),
    ],
)  # fmt: skip
@raises_nothing
def test_a_line_that_was_let_go(state: str, closed: bool | None, enable_s: float, text: str) -> None:
    after, found = guard(state=state, enable=False, enable_s=enable_s, watchdog=status(closed=closed))
    if state == "PRECHECK" and closed is True:
        text = "the enable line stays closed"  # before READY nobody has let it go just now
    assert (after, [f.text for f in found]) == (False, [text] if text else [])
    for one in found:
        value = 1.0 if closed else 0.0
        assert told([one]) == [("enable", graded(state), "H06", "enable", "", value, 0.0, 0.0)]
        assert (one.lockout, one.device) == (closed is True and state != "PRECHECK", "enable")


@pytest.mark.parametrize(
    "memory, closed, enable_s, after, text",
    [
        (False, True, 0.0, True, ""), (True, True, 9.0, True, ""),
        (False, False, 1.0, False, ""), (False, None, 1.0, False, ""),
        (False, False, 1.001, False, "the enable line does not close"),
        (False, None, 1.001, False, "the enable line can no longer be read"),
        (True, False, 0.0, True, "the enable line opened by itself"),
        (True, None, 0.5, True, "the enable line can no longer be read"),
    ],
)  # fmt: skip
@raises_nothing
def test_a_line_that_is_let_closed(memory: bool, closed: bool | None, enable_s: float, after: bool, text: str) -> None:
    now, found = guard(memory, enable=True, enable_s=enable_s, watchdog=status(closed=closed))
    assert (now, [f.text for f in found]) == (after, [text] if text else [])
    for one in found:
        assert told([one]) == [("enable", "TRIP", "H06", "enable", "", 0.0, 1.0, 0.0)]
        assert one.lockout is False


# ---- record


def recorded(memory: float | None = None, state: str = "FIRING", **words: Any) -> tuple[float | None, list[Any]]:
    """The record's monitor: 0.75 s old at most, a trip after 2 s."""
    from safety.monitors.host import Record

    monitor: Any = Record(0.75, 2.0)
    assert monitor.start() is None
    after, found = monitor.update(memory, view(state, **words))
    return after, [*found]


def durable(t_s: float, healthy: bool = True, text: str = "") -> Any:
    from safety.types import RecordStatus

    return RecordStatus(t_s, healthy, text)


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_where_a_record_is_needed(state: str) -> None:
    after, found = recorded(97.0, state)
    if state not in ACTIVE | {"PRECHECK", "STOPPING", "COOLDOWN"}:
        assert (after, found) == (None, [])
        return
    severity = {"FIRING": "STOP", "STOPPING": "TRIP", "COOLDOWN": "TRIP"}.get(state, "INHIBIT")
    assert told(found) == [("record", severity, "H36", "record", "", math.inf, 0.75, math.inf)]
    assert (after, found[0].text) == (97.0, "the session file is not being written: missing")
    assert found[0].device == "record"


@pytest.mark.parametrize(
    "record, fine",
    [
        ((99.25,), True),
        ((99.249,), False),
        ((100.0,), True),
        ((100.001,), False),
        ((NAN,), False),
        ((99.5, False), False),
    ],
)
@raises_nothing
def test_a_record_is_young_and_healthy(record: tuple[Any, ...], fine: bool) -> None:
    after, found = recorded(97.0, record=durable(*record))
    assert (after, len(found)) == ((None, 0) if fine else (97.0, 1))
    assert recorded(None, record=durable(*record))[0] == (None if fine else 100.0)


@raises_nothing
def test_what_is_said_of_a_record() -> None:
    assert (
        recorded(record=durable(99.0))[1][0].text == "the session file is not being written: last durable 1000 ms ago"
    )
    assert recorded(record=durable(99.0, False, "disk full"))[1][0].text.endswith(": disk full")
    assert recorded(record=durable(99.0))[1][0].age_s == 1.0


@pytest.mark.parametrize("state", ["STOPPING", "COOLDOWN"])
@pytest.mark.parametrize("since_s, severity", [(98.0, "TRIP"), (98.001, "INHIBIT"), (None, "INHIBIT")])
@raises_nothing
def test_a_record_that_stays_away_trips(state: str, since_s: float | None, severity: str) -> None:
    assert recorded(since_s, state)[1][0].severity.name == severity


# ---- budget


def spent(state: str = "FIRING", energy_j: float = 0.0, on_time_s: float = 0.0, cap_w: float = 100.0) -> list[Any]:
    """The budget's monitor: 1000 J (a trip at 1100 J, or 5 % more), 60 s."""
    from safety.limits import Bound
    from safety.monitors.host import Budget

    monitor: Any = Budget(Bound(1000.0, "protocol"), Bound(60.0, "bench"), cap_w)
    assert monitor.start() == {}
    memory, found = monitor.update(None, view(state, energy_j=energy_j, on_time_s=on_time_s))
    assert memory is None
    return [*found]


@pytest.mark.parametrize(
    "energy_j, cap_w, severity",
    [
        (999.9, 100.0, ""), (1000.0, 100.0, "STOP"), (1100.0, 100.0, "STOP"), (1100.1, 100.0, "TRIP"),
        (1050.0, 10.0, "STOP"), (1050.1, 10.0, "TRIP"), (NAN, 100.0, "TRIP"),
    ],
)  # fmt: skip
@raises_nothing
def test_energy(energy_j: float, cap_w: float, severity: str) -> None:
    found = spent(energy_j=energy_j, cap_w=cap_w)
    assert [f.severity.name for f in found] == ([severity] if severity else [])
    for one in found:
        assert (one.item, *one[2:5], one.limit, one.age_s, one.device) == (
            "budget", "H07", "energy", "", 1000.0, 0.0, "kernel",
        )  # fmt: skip
        assert one.text == f"energy {energy_j:.0f} J has reached its limit 1000 J (protocol)"


@pytest.mark.parametrize("on_time_s, severity", [(59.9, ""), (60.0, "STOP"), (61.0, "STOP"), (61.01, "TRIP")])
@raises_nothing
def test_on_time(on_time_s: float, severity: str) -> None:
    found = spent(on_time_s=on_time_s)
    assert [f.severity.name for f in found] == ([severity] if severity else [])
    for one in found:
        assert (*one[2:5], one.value, one.limit) == ("H07", "on_time", "", on_time_s, 60.0)
        assert one.text == f"on_time {on_time_s:.0f} s has reached its limit 60 s (bench)"


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_where_the_budget_counts(state: str) -> None:
    assert len(spent(state, 5000.0, 500.0)) == (2 if state in ("FIRING", "STOPPING") else 0)
