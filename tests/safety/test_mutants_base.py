"""The debounce bit by bit, and which states count for what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mutation.total import raises_nothing


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
