"""The debounce bit by bit, and which states count for what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.views import sample, view


@raises_nothing
def test_states() -> None:
    from safety.monitors import base
    from safety.types import State

    assert sorted(s.value for s in base.ACTIVE) == ["ARMED", "FIRING", "READY"]
    assert sorted(s.value for s in base.CHECKED) == ["ARMED", "FIRING", "PRECHECK", "READY", "TRIPPED"]
    assert [(s.name, int(s)) for s in base.Severity] == [("INHIBIT", 0), ("STOP", 1), ("TRIP", 2)]
    assert [s.value for s in State if base.grade(s) == base.INHIBIT] == ["PRECHECK"]
    assert {base.grade(s) for s in State} == {base.INHIBIT, base.TRIP}
    assert tuple(base.Debounce()) == (2, 3, 0.0)


@raises_nothing
def test_a_finding_as_a_trip() -> None:
    from safety.monitors.base import TRIP, Finding

    words = ("item", TRIP, "H45", "hot", "tc.tip_c", 71.0, 60.0, 0.1, "too hot", "coolant")
    trip = Finding(*words).trip(5.0)
    assert (trip.hazard, trip.monitor, trip.device, trip.channel) == ("H45", "hot", "tc", "tc.tip_c")
    assert (trip.value, trip.limit, trip.age_s, trip.t_s) == (71.0, 60.0, 0.1, 5.0)
    assert (trip.text, trip.check, trip.lockout, trip.pump_off) == ("too hot", "coolant", False, False)
    trip = Finding(*words, "other", True, True).trip(5.0)
    assert (trip.device, trip.lockout, trip.pump_off) == ("other", True, True)
    assert Finding(*words, "other", lockout=True).trip(5.0).pump_off is False


@pytest.mark.parametrize(
    "from_s, for_s, flows, seen_s",
    [(95.0, 4.0, True, 95.0), (95.0, 0.0, False, 95.0), (None, 4.0, False, 100.0), (None, 0.0, False, 100.0)],
)
@raises_nothing
def test_power_flows_from_the_tick_after_it_was_seen(
    from_s: float | None, for_s: float, flows: bool, seen_s: float
) -> None:
    now = view("ARMED", flowing_from_s=from_s, flowing_s=for_s)
    assert (now.flows, now.flowing_from_s, now.state.value) == (flows, seen_s, "ARMED")


@pytest.mark.parametrize(
    "t_s, quality, young",
    [
        (99.75, 0, True), (99.749, 0, False), (100.0, 0, True), (100.001, 0, False), (99.875, 1, False),
        (99.875, 2, False), (99.0, 0, False), (100.5, 0, False),
    ],
)  # fmt: skip
@raises_nothing
def test_a_young_sample(t_s: float, quality: int, young: bool) -> None:
    one = sample(7.0, t_s, quality)
    assert view("SAFE", (None, one)).young(1, 0.25) is (one if young else None)
    assert view("SAFE", (None, one)).young(0, 0.25) is None


@raises_nothing
def test_a_monitor_begins_with_nothing() -> None:
    from safety.monitors.base import Monitor
    from safety.monitors.host import Daemon

    assert Monitor in Daemon.__mro__
    assert Daemon().start() == {}


def judged(n: int, m: int, hold_s: float, verdicts: str, step_s: float = 0.25) -> str:
    """The answers to a row of verdicts, x is bad, F fires; samples ``step_s`` apart, a dot is the sample again."""
    from safety.monitors.base import Debounce

    memory: Any = {"other": "kept"}
    t_s, told = 0.0, ""
    for verdict in verdicts:
        if verdict != ".":
            t_s += step_s
        memory, fires = Debounce(n, m, hold_s).judge(memory, "key", t_s, verdict == "x")
        told += "F" if fires else "-"
        assert memory["other"] == "kept"
    return told


@pytest.mark.parametrize(
    "n, m, hold_s, verdicts, told",
    [
        (1, 1, 0.0, "oxoxx", "-F-FF"),
        (2, 3, 0.0, "oxxoo", "--FF-"),
        (2, 3, 0.0, "xoxoo", "--F--"),
        (2, 3, 0.0, "xooxo", "-----"),
        (2, 3, 0.0, "xoooxx", "-----F"),
        (2, 4, 0.0, "xoox", "---F"),
        (3, 3, 0.0, "xxoxxx", "-----F"),
        (2, 3, 0.0, "x....x", "-----F"),  # one sample is one verdict, however often it is looked at
        (2, 3, 0.0, "xx..o.o.", "-FFFFF--"),
        (1, 1, 0.5, "xxxx", "--FF"),  # the spell began 0, 0.25, 0.5 s ago
        (1, 1, 0.51, "xxxx", "---F"),
        (2, 3, 0.5, "xxxo", "--FF"),
        (1, 1, 0.5, "xxoxxx", "-----F"),  # a good one ends the spell
        (2, 3, 0.5, "xooxxx", "----FF"),  # so do three good ones; two do not
        (2, 3, 0.5, "xoooxxx", "------F"),
    ],
)  # fmt: skip
@raises_nothing
def test_debounce(n: int, m: int, hold_s: float, verdicts: str, told: str) -> None:
    assert judged(n, m, hold_s, verdicts) == told


@raises_nothing
def test_what_is_good_leaves_no_trace() -> None:
    from safety.monitors.base import Debounce

    memory: Any = {}
    assert Debounce().judge(memory, "k", 1.0, False) == ({}, False)
    memory, _ = Debounce().judge(memory, "k", 1.0, True)
    assert memory == {"k": (1.0, 1, 1.0)}
    memory, _ = Debounce().judge(memory, "k", 2.0, False)
    assert memory == {"k": (2.0, 2, 1.0)}
    memory, _ = Debounce().judge(memory, "k", 3.0, False)
    assert memory == {"k": (3.0, 4, 1.0)}
    assert Debounce().judge(memory, "k", 4.0, False) == ({}, False)
