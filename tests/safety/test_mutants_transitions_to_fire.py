"""From BOOT to FIRING: what goes on, what waits and why, each state's decision alone, to the edge of every time."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.states import a_turn, ask, finding, kinds, moved, refused, state, trips

# ---- boot


@pytest.mark.parametrize(
    "latched, to, items",
    [((), "SAFE", []), ((False, False), "TRIPPED", []), ((False, False, True), "LOCKOUT", ["lockout"])],
)
@raises_nothing
def test_boot_ends_when_off_is_proven(latched: tuple[bool, ...], to: str, items: list[str]) -> None:
    turn = a_turn("BOOT", trips=trips(*latched))
    assert moved(turn) == [(to, "too hot" if latched else "off proven", "")]
    assert turn.items == items


@pytest.mark.parametrize("entered_s, to", [(45.0, "BOOT"), (44.999, "LOCKOUT"), (50.0, "BOOT"), (50.001, "LOCKOUT")])
@raises_nothing
def test_boot_waits_five_seconds(entered_s: float, to: str) -> None:
    turn = a_turn("BOOT", ("off",), entered_s=entered_s)
    assert state(turn) == to
    assert turn.items == (["lockout", "off"] if to == "LOCKOUT" else ["off"])


@raises_nothing
def test_off_unproven_is_this_trip() -> None:
    (trip,) = a_turn("BOOT", ("off",), entered_s=40.0, off_at_s=40.5, values={"g.power_w": 0.5}).new_trips
    assert (trip.hazard, trip.monitor, trip.channel, trip.value, trip.limit) == (
        "H04", "off_unproven", "g.power_w", 0.5, 1.0,
    )  # fmt: skip
    assert trip.text == ("the generator was told to turn off 9.5 s ago and has not shown that it did (last: 0.5 W)")
    assert (trip.lockout, trip.t_s) == (True, 50.0)
    (trip,) = a_turn("BOOT", ("off",), entered_s=40.0, values={"g.power_w": None}).new_trips  # type: ignore[dict-item]
    assert math.isnan(trip.value)


@pytest.mark.parametrize(
    "name, value, found",
    [("g.power_w", 1.0, False), ("g.power_w", 1.01, True), ("g.power_w", math.nan, True), ("g.rf_on", 0.0, False),
     ("g.rf_on", 0.5, True), ("g.rf_on", 1.0, True), ("g.power_w", None, False)],
)  # fmt: skip
@raises_nothing
def test_power_found_at_boot_is_latched(name: str, value: float, found: bool) -> None:
    turn = a_turn("BOOT", ("off",), values={name: value}, at_s={name: 49.75})
    assert [t.channel for t in turn.new_trips] == ([name] if found else [])
    assert state(turn) == "BOOT"
    for trip in turn.new_trips:
        assert (trip.hazard, trip.monitor, trip.device, trip.limit) == (
            "H35", "found_on", "g", {"g.power_w": 1.0, "g.rf_on": 0.0}[name],
        )  # fmt: skip
        assert (trip.age_s, trip.t_s, trip.lockout) == (0.25, 50.0, False)
        assert trip.text == f"{name} was {value:g} when the daemon started"


@raises_nothing
def test_a_bad_sample_at_boot_is_no_evidence_of_power() -> None:
    from safety.transitions import advance
    from safety.types import Quality

    turn = a_turn("BOOT", ("off",), values={"g.power_w": 30.0})
    assert len(turn.new_trips) == 1
    samples = [s and s._replace(quality=Quality.UNCERTAIN) for s in turn.at.samples]
    again = a_turn("BOOT", ("off",))
    again.at = again.at._replace(samples=samples)
    advance(again)
    assert again.new_trips == []


# ---- the way to fire


@raises_nothing
def test_prepare() -> None:
    turn = a_turn("SAFE", requests=(ask("PREPARE"),), fired=True)
    assert (moved(turn), turn.at.s.fired, kinds(turn)) == (
        [("PRECHECK", "prepare", "anna")], False, ["prepare", "state"],
    )  # fmt: skip
    turn = a_turn("SAFE", ("estop",), requests=(ask("PREPARE"),), fired=True)
    assert (moved(turn), refused(turn), turn.at.s.fired) == ([], [("prepare", ["estop"])], True)
    assert a_turn("SAFE").events == []


@pytest.mark.parametrize("entered_s, to", [(40.0, "PRECHECK"), (39.999, "STOPPING"), (50.0, "PRECHECK")])
@raises_nothing
def test_precheck_waits_ten_seconds(entered_s: float, to: str) -> None:
    assert moved(a_turn("PRECHECK", entered_s=entered_s)) == [("READY", "all permits", "")]
    turn = a_turn("PRECHECK", ("flow", "air"), entered_s=entered_s)
    assert state(turn) == to
    if to == "STOPPING":
        assert moved(turn) == [("STOPPING", "precheck failed: flow, air", "")]
        assert turn.events[0] == ("precheck_failed", {"blocked_by": ["flow", "air"], "texts": []})


@raises_nothing
def test_a_failed_precheck_says_one_sentence_a_channel() -> None:
    told = (
        finding(0, text="one", channel="t.a_c"), finding(0, text="two", channel="t.b_c"),
        finding(0, text="three", channel="t.a_c"), finding(0, text="four", channel="", monitor="record"),
        finding(0, text="five", channel="", monitor="record"), finding(0, text="six", channel="", monitor="host"),
    )  # fmt: skip
    turn = a_turn("PRECHECK", ("flow",), told, entered_s=0.0)
    assert turn.events[0] == ("precheck_failed", {"blocked_by": ["flow"], "texts": ["one", "two", "four", "six"]})


@pytest.mark.parametrize("entered_s, to", [(-250.0, "READY"), (-250.001, "STOPPING")])
@raises_nothing
def test_ready_waits_five_minutes(entered_s: float, to: str) -> None:
    turn = a_turn("READY", entered_s=entered_s)
    assert moved(turn) == ([] if to == "READY" else [("STOPPING", "nobody armed in time", "")])
    turn = a_turn("READY", entered_s=entered_s, requests=(ask("ARM"),))
    assert (state(turn), refused(turn)) == (
        ("ARMED", []) if to == "READY" else ("STOPPING", [("arm", ["prepare again"])])
    )


@raises_nothing
def test_arm() -> None:
    turn = a_turn("READY", requests=(ask("ARM"),), foot_released=True)
    s = turn.at.s
    assert (moved(turn), kinds(turn)) == ([("ARMED", "arm", "anna")], ["arm", "state"])
    assert (s.epoch, s.armed_at_s, s.foot_released) == (8, 50.0, False)
    turn = a_turn("READY", ("flow",), requests=(ask("ARM"),))
    assert (state(turn), refused(turn), turn.at.s.epoch) == ("READY", [("arm", ["flow"])], 7)


FIRE: dict[str, Any] = {"requests": (), "inputs": {"foreground_lease_s": 49.875}, "armed_at_s": 45.0}


@raises_nothing
def test_fire_from_the_foreground() -> None:
    words: dict[str, Any] = {**FIRE, "requests": (ask("FIRE", "FOREGROUND"),), "energy_j": 5.0, "on_time_s": 6.0}
    turn = a_turn("ARMED", **words)
    s = turn.at.s
    assert (moved(turn), kinds(turn), turn.items) == ([("FIRING", "fire", "anna")], ["fire", "state"], ["line"])
    assert (s.holder, s.fired, s.energy_j, s.on_time_s, s.armed_at_s, s.epoch) == (
        "foreground", True, 0.0, 0.0, math.inf, 7,
    )  # fmt: skip
    assert a_turn("ARMED", **words, config={"enable_line": False}).items == []
    turn = a_turn("ARMED", **{**words, "inputs": {}})
    assert (state(turn), refused(turn)) == ("ARMED", [("fire", ["hold"])])


@pytest.mark.parametrize(
    "items, armed_s, reason, by",
    [
        (("flow", "air"), 45.0, "no longer ready: flow, air", ["flow", "air"]),
        ((), 19.999, "nobody fired in time", ["arm"]),
    ],
)
@pytest.mark.parametrize("fires", [True, False])
@raises_nothing
def test_disarmed(items: tuple[str, ...], armed_s: float, reason: str, by: list[str], fires: bool) -> None:
    requests = (ask("FIRE", "FOREGROUND"),) if fires else ()
    turn = a_turn("ARMED", items, **{**FIRE, "requests": requests, "armed_at_s": armed_s})
    assert (moved(turn), turn.at.s.epoch) == ([("SAFE", reason, "")], 8)
    assert refused(turn) == ([("fire", by)] if fires else [])


@raises_nothing
def test_armed_for_thirty_seconds() -> None:
    assert a_turn("ARMED", **{**FIRE, "armed_at_s": 20.0}).events == []


PRESSED = {"i.no_closed": 1.0, "i.nc_closed": 0.0}


@raises_nothing
def test_fire_by_the_footswitch() -> None:
    turn = a_turn("ARMED", **FIRE, values=PRESSED, foot_released=True)
    assert (moved(turn), turn.at.s.holder) == ([("FIRING", "fire", "footswitch")], "footswitch")
    assert turn.events[0] == ("fire", {"origin": "footswitch", "who": "", "reason": ""})
    assert a_turn("ARMED", **FIRE, values=PRESSED).events == []  # never seen released
    old: dict[str, Any] = dict.fromkeys(PRESSED, 49.0)
    assert a_turn("ARMED", **FIRE, values=PRESSED, at_s=old, foot_released=True).events == []
    assert a_turn("ARMED", **FIRE, foot_released=True).events == []


@pytest.mark.parametrize(
    "no_s, nc_s, released", [(45.0, 45.5, False), (45.5, 45.0, False), (45.001, 45.001, True), (44.0, 49.0, False)]
)
@raises_nothing
def test_a_release_counts_after_arm(no_s: float, nc_s: float, released: bool) -> None:
    turn = a_turn("ARMED", **FIRE, at_s={"i.no_closed": no_s, "i.nc_closed": nc_s})
    assert (turn.at.s.foot_released, turn.events) == (released, [])
    assert a_turn("ARMED", **FIRE, at_s={"i.no_closed": no_s}, foot_released=True).at.s.foot_released is True
    half = a_turn("ARMED", **FIRE, values={"i.nc_closed": 0.0})
    assert half.at.s.foot_released is False
