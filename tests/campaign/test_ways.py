"""Each way off is used, behind every trip under power, even where the other one had done it already."""

from __future__ import annotations

import math
from typing import Any

import pytest

from controller.daemon.tick import ControlLoop
from safety.watchdog.client import InProcessWatchdog
from sim.campaign import plan, trial, ways
from sim.campaign.verdict import Seen, Verdict
from sim.campaign.warp import PLAIN, Warp

STALL = "rf/pump.stall/steady/0us/1"
GOOD = Seen(
    reached=True,
    masked="",
    onset_s=10.0,
    shown_s=10.0,
    trip="H38",
    trip_s=10.4,
    refused="",
    off_s=10.41,
    off_asked_s=math.nan,
    energy_after_j=40.0,
    power_w=100.0,
    state="TRIPPED",
    off_told_s=10.42,
    open_told_s=10.4,
    confirmed_s=10.5,
    line=True,
)


@pytest.mark.parametrize(
    ("fault", "seen", "told"),
    [
        ("pump.stall", {}, ""),
        ("pump.stall", {"off_told_s": 10.49}, ""),
        (
            "pump.stall",
            {"off_told_s": 10.51},
            "told to turn off 0.110 s after the trip, allowed 0.1 s",
        ),
        ("pump.stall", {"off_told_s": math.nan}, "the generator was told to turn off never, allowed 0.1 s"),
        ("gen.link.drop", {"off_told_s": 10.7}, ""),
        ("gen.link.drop", {"off_told_s": 10.76}, "told to turn off 0.360 s after the trip, allowed 0.35 s"),
        ("gen.link.disconnect", {"off_told_s": math.nan}, ""),
        ("pump.link.disconnect", {"off_told_s": math.nan}, "the generator was told to turn off never"),
        (
            "pump.stall",
            {"open_told_s": 10.51},
            "told to open 0.110 s after the trip, allowed 0.1 s",
        ),
        ("gen.link.disconnect", {"open_told_s": math.nan}, "the enable line was told to open never, allowed 0.1 s"),
        ("enable.link.disconnect", {"open_told_s": math.nan}, ""),
        ("pump.stall", {"open_told_s": math.nan, "line": False}, ""),
        ("pump.stall", {"confirmed_s": 10.96}, "off was proven 0.560 s after the trip, allowed 0.55 s"),
        ("pump.stall", {"confirmed_s": math.nan}, "off was proven never"),
        ("pump.stall", {"confirmed_s": math.nan, "state": "LOCKOUT"}, ""),
        ("pump.stall", {"off_told_s": math.nan, "energy_after_j": 0.0}, ""),
        ("pump.stall", {"off_told_s": math.nan, "trip": ""}, ""),
    ],
)
def test_a_way_that_was_not_used_in_time_is_told(fault: str, seen: dict[str, Any], told: str) -> None:
    idle = ways.idle(fault, PLAIN, GOOD._replace(**seen))
    assert told in idle
    assert bool(told) == bool(idle)


def test_devices_that_answer_later_may_be_told_later() -> None:
    slow = Warp(delay=2.0)
    assert ways.idle("pump.stall", slow, GOOD._replace(off_told_s=10.515)) == ""
    assert ways.idle("pump.stall", slow, GOOD._replace(off_told_s=10.53)) != ""


def test_a_trip_uses_both_ways_and_proves_off() -> None:
    verdict, _, seen = trial.run(plan.parse(STALL))
    assert verdict is Verdict.OK
    assert 0.0 <= seen.off_told_s - seen.trip_s <= 0.05
    assert seen.open_told_s == seen.trip_s
    assert 0.0 < seen.confirmed_s - seen.trip_s <= 0.2


def test_a_generator_without_a_line_is_told_alone() -> None:
    verdict, why, seen = trial.run(plan.parse("sairem/pump.link.disconnect/steady/0us/1"))
    assert verdict is Verdict.OK, why
    assert not seen.line
    assert math.isnan(seen.open_told_s)
    assert seen.off_told_s - seen.trip_s <= 0.1


def test_a_daemon_that_leaves_it_to_the_line_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """0 W in time all the same."""
    monkeypatch.setattr(ControlLoop, "send_off", lambda self: None)
    verdict, why, seen = trial.run(plan.parse(STALL))
    assert seen.off_s - seen.shown_s <= 0.6
    assert (verdict, why) == (Verdict.LATE, "the generator was told to turn off never, allowed 0.1 s")


def test_a_watchdog_that_leaves_it_to_the_generator_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The enable line is closed, and told nothing further."""
    do = InProcessWatchdog._do

    def never_open(self: InProcessWatchdog, actions: Any) -> None:
        do(self, [action for action in actions if type(action).__name__ != "OpenEnable"])

    monkeypatch.setattr(InProcessWatchdog, "_do", never_open)
    verdict, why, seen = trial.run(plan.parse(STALL))
    assert seen.off_s - seen.shown_s <= 0.6
    assert (verdict, why) == (Verdict.LATE, "the enable line was told to open never, allowed 0.1 s")
