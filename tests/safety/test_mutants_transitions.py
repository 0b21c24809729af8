"""Each state's decision alone: what goes on, what waits, what is refused and why, to the edge of every time."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing

NAMES = ("i.a_closed", "i.b_closed", "g.rf_on", "g.power_w", "i.no_closed", "i.nc_closed")
NOW_S = 50.0
STATES = ["BOOT", "SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "TRIPPED", "LOCKOUT"]


def a_turn(
    state: str,
    items: tuple[str, ...] = (),
    findings: tuple[Any, ...] = (),
    requests: tuple[Any, ...] = (),
    values: dict[str, float] | None = None,
    config: dict[str, Any] | None = None,
    inputs: dict[str, Any] | None = None,
    at_s: dict[str, float] | None = None,
    **words: Any,
) -> Any:
    """A turn at t = 50 s that has been advanced. ``values`` and ``at_s``: of channels, by default off and new."""
    from safety.config import ChannelRule, Config, Roles
    from safety.monitors.base import View
    from safety.state import KernelState
    from safety.transitions import advance
    from safety.turn import Turn
    from safety.types import Inputs, Sample, State

    made = Config(
        channels=tuple(ChannelRule(name, 0.0, 300.0) for name in NAMES),
        roles=Roles("g.power_w", "g.rf_on", ("i.a_closed", "i.b_closed"), footswitch=("i.no_closed", "i.nc_closed")),
        **(config or {}),
    )
    said = {"g.power_w": 0.0, "g.rf_on": 0.0, "i.no_closed": 0.0, "i.nc_closed": 1.0, **(values or {})}
    samples = [Sample(n, said[n], (at_s or {}).get(n, 49.875)) if said.get(n) is not None else None for n in NAMES]
    s = KernelState(
        **{"state": State[state], "memories": (), "epoch": 7, "entered_s": 49.0, "off_at_s": 49.75, **words}
    )
    turn = Turn(View(made, s, Inputs({}, tuple(requests), **(inputs or {})), samples, NOW_S), [*findings], [*items])
    advance(turn)
    return turn


def ask(verb: str, origin: str = "LOCAL", t_s: float = 49.875, who: str = "anna", reason: str = "") -> Any:
    from safety.types import Origin, Request, Verb

    return Request(Verb[verb], Origin[origin], t_s, who, reason)


def finding(severity: int, hazard: str = "H45", **words: Any) -> Any:
    from safety.monitors.base import Finding, Severity

    fields = {"item": "temperature", "monitor": "hot", "channel": "t.tip_c", "text": "too hot", **words}
    return Finding(
        severity=Severity(severity), hazard=hazard, value=71.0, limit=60.0, age_s=0.1, check="coolant", **fields
    )


def a_trip(lockout: bool = False, text: str = "too hot") -> Any:
    from safety.types import Trip

    return Trip("H45", "hot", "t", "t.tip_c", 71.0, 60.0, 0.1, 5.0, text, "coolant", lockout)


def trips(*lockouts: bool) -> tuple[Any, ...]:
    """Causes, the first of which is "too hot"."""
    return tuple(a_trip(lockout, f"{k}" if k else "too hot") for k, lockout in enumerate(lockouts))


def state(turn: Any) -> str:
    return str(turn.at.state.value)


def moved(turn: Any) -> list[tuple[object, ...]]:
    """Changes of state: (to, reason, who)."""
    return [(data["to"], data["reason"], data["who"]) for kind, data in turn.events if kind == "state"]


def refused(turn: Any) -> list[tuple[object, ...]]:
    return [(data["verb"], data["blocked_by"]) for kind, data in turn.events if kind == "refused"]


def kinds(turn: Any) -> list[str]:
    return [kind for kind, _ in turn.events]


# ---- who may ask for what, and when


WHO = {
    "PREPARE": ("SAFE", {"LOCAL", "FOREGROUND"}), "ARM": ("READY", {"LOCAL", "FOREGROUND"}),
    "FIRE": ("ARMED", {"FOREGROUND"}), "COMPLETE": ("FIRING", {"PROTOCOL"}),
    "ACK": ("TRIPPED", {"LOCAL", "FOREGROUND"}), "RESET": ("TRIPPED", {"LOCAL", "FOREGROUND"}),
}  # fmt: skip
ORIGINS = ("LOCAL", "FOREGROUND", "NETWORK", "PROTOCOL", "SIGNAL")


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("verb", WHO)
@raises_nothing
def test_who_may_ask(verb: str, origin: str) -> None:
    where, allowed = WHO[verb]
    turn = a_turn(where, ("stale",), requests=(ask(verb, origin),))
    if origin not in allowed:
        assert refused(turn) == [(verb.lower(), ["origin", "stale"])]
        assert state(turn) == where or moved(turn)[0][1] == "permit lost: stale" or moved(turn)[0][0] == "SAFE"
    else:
        assert "origin" not in str(refused(turn))
        assert "state" not in str(refused(turn))


@pytest.mark.parametrize("where", STATES)
@pytest.mark.parametrize("verb", WHO)
@raises_nothing
def test_in_which_state(verb: str, where: str) -> None:
    turn = a_turn(where, ("stale", "off"), requests=(ask(verb, "PROTOCOL" if verb == "COMPLETE" else "FOREGROUND"),))
    if where != WHO[verb][0]:
        assert refused(turn)[0] == (verb.lower(), [f"state {where}", "stale", "off"])
    else:
        assert f"state {where}" not in str(refused(turn))


@pytest.mark.parametrize(
    "t_s, heard", [(49.0, True), (48.999, False), (50.0, True), (50.001, False), (math.nan, False)]
)
@raises_nothing
def test_a_request_is_a_second_old_at_most(t_s: float, heard: bool) -> None:
    turn = a_turn("SAFE", requests=(ask("PREPARE", t_s=t_s),))
    assert (state(turn), refused(turn)) == (("PRECHECK", []) if heard else ("SAFE", [("prepare", ["stale request"])]))


@raises_nothing
def test_the_second_of_a_tick_is_refused() -> None:
    turn = a_turn("SAFE", requests=(ask("PREPARE", who="anna"), ask("PREPARE", who="ben")))
    assert (state(turn), refused(turn)) == ("PRECHECK", [("prepare", ["state SAFE"])])
    assert moved(turn) == [("PRECHECK", "prepare", "anna")]


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("where", ["PRECHECK", "READY", "ARMED", "FIRING"])
@raises_nothing
def test_anybody_may_stop(where: str, origin: str) -> None:
    late = ask("STOP", origin, -1000.0, "anna", "smoke")
    turn = a_turn(where, requests=(late, ask("STOP", origin, who="ben")))
    to, why = ("SAFE" if where == "ARMED" else "STOPPING"), ("stop: smoke" if where == "FIRING" else "stop")
    assert moved(turn) == [(to, why, "anna")]
    assert kinds(turn) == ["stop", "stop", "state"]
    assert turn.at.s.epoch == 8


@raises_nothing
def test_a_stop_without_a_reason_tells_its_origin() -> None:
    assert moved(a_turn("FIRING", requests=(ask("STOP", "NETWORK"),))) == [("STOPPING", "stop: network", "anna")]


@pytest.mark.parametrize("verb, where", [("PREPARE", "SAFE"), ("ARM", "READY"), ("FIRE", "ARMED"), ("ACK", "TRIPPED")])
@raises_nothing
def test_stop_wins(verb: str, where: str) -> None:
    turn = a_turn(where, requests=(ask(verb, "FOREGROUND"), ask("STOP")), inputs={"foreground_lease_s": 49.9})
    assert refused(turn) == [(verb.lower(), ["stop"])]
    assert state(turn) == {"SAFE": "SAFE", "READY": "STOPPING", "ARMED": "SAFE", "TRIPPED": "TRIPPED"}[where]
    assert turn.at.s.acked is False


# ---- trips


@pytest.mark.parametrize("where", STATES)
@raises_nothing
def test_a_trip_is_latched_everywhere_and_halts_where_it_must(where: str) -> None:
    falls = where in {"SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "COOLDOWN"}
    turn = a_turn(where, ("temperature", "off"), (finding(1, text="first"), finding(2), finding(2, "H46", text="then")))
    s = turn.at.s
    assert [t.hazard for t in turn.new_trips] == ["H45", "H46"]
    assert [(t.hazard, t.t_s, t.text) for t in s.trips] == [("H45", 50.0, "too hot"), ("H46", 50.0, "then")]
    assert moved(turn) == ([("STOPPING", "too hot", "")] if falls else [])
    assert (s.epoch, s.off_at_s) == ((8, 50.0) if falls else (7, 49.75))


@pytest.mark.parametrize("verb, where", [("PREPARE", "SAFE"), ("ARM", "READY"), ("FIRE", "ARMED")])
@raises_nothing
def test_an_act_of_the_tick_of_a_trip_is_refused(verb: str, where: str) -> None:
    turn = a_turn(where, ("temperature",), (finding(2),), (ask(verb, "FOREGROUND"),))
    assert (state(turn), refused(turn)) == ("STOPPING", [(verb.lower(), ["temperature"])])


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


# ---- firing and what follows


@raises_nothing
def test_firing_goes_on() -> None:
    assert a_turn("FIRING").events == []
    assert a_turn("FIRING", ("line",)).events == []
    assert a_turn("FIRING", ("line",), (finding(0, item="line"),)).events == []


@pytest.mark.parametrize(
    "items, findings, reason",
    [
        (("hold",), (), "foreground let go"),
        (("hold", "flow"), (1,), "foreground let go"),
        (("budget",), (0, 1, 1), "too hot 1"),
        (("line", "flow"), (), "permit lost: line, flow"),
        (("flow",), (0,), "permit lost: flow"),
    ],
)
@raises_nothing
def test_firing_ends(items: tuple[str, ...], findings: tuple[int, ...], reason: str) -> None:
    told = tuple(finding(k, text=f"too hot {place}") for place, k in enumerate(findings))
    turn = a_turn("FIRING", items, told, holder="foreground")
    assert moved(turn) == [("STOPPING", reason, "")]


@raises_nothing
def test_complete() -> None:
    turn = a_turn("FIRING", ("hold",), requests=(ask("COMPLETE", "PROTOCOL"),))
    assert (moved(turn), kinds(turn)) == ([("STOPPING", "complete", "")], ["complete", "state"])


@pytest.mark.parametrize(
    "latched, to, items",
    [((), "COOLDOWN", []), ((False, False), "TRIPPED", []), ((False, False, True), "LOCKOUT", ["lockout"])],
)
@raises_nothing
def test_stopping_ends_when_off_is_proven(latched: tuple[bool, ...], to: str, items: list[str]) -> None:
    words: dict[str, Any] = {"acked": True, "clear_since_s": 1.0, "powered_since_s": 2.0}
    turn = a_turn("STOPPING", trips=trips(*latched), off_at_s=0.0, **words)
    s = turn.at.s
    assert (moved(turn), turn.items) == ([(to, "too hot" if latched else "off proven", "")], items)
    kept = (True, 1.0, 2.0) if to != "TRIPPED" else (False, None, None)
    assert (s.acked, s.clear_since_s, s.powered_since_s) == kept


@pytest.mark.parametrize(
    "off_at_s, alarmed, to, alarms",
    [
        (49.75, False, "STOPPING", 0), (49.7, False, "STOPPING", 0), (49.6, False, "STOPPING", 1),
        (49.6, True, "STOPPING", 0), (49.5, False, "STOPPING", 1), (49.499, False, "LOCKOUT", 0),
        (50.0, False, "STOPPING", 0), (50.001, False, "LOCKOUT", 0),
    ],
)  # fmt: skip
@raises_nothing
def test_off_is_waited_for(off_at_s: float, alarmed: bool, to: str, alarms: int) -> None:
    turn = a_turn("STOPPING", ("off",), off_at_s=off_at_s, off_alarmed=alarmed)
    assert (state(turn), kinds(turn).count("alarm")) == (to, alarms)
    assert turn.at.s.off_alarmed is (alarmed or alarms == 1)
    for kind, data in turn.events:
        if kind == "alarm":
            assert data == {"priority": "high", "text": "OFF NOT CONFIRMED", "waited_s": NOW_S - off_at_s}


@raises_nothing
def test_the_alarm_comes_after_c1_not_at_it() -> None:
    from safety.rules import Timing

    turn = a_turn("STOPPING", ("off",), off_at_s=49.75, config={"timing": Timing(off_c1_s=0.25)})
    assert turn.events == []


@raises_nothing
def test_cooldown() -> None:
    assert moved(a_turn("COOLDOWN")) == [("SAFE", "cool", "")]
    assert a_turn("COOLDOWN", ("cool",)).events == []


# ---- tripped


def tripped(items: tuple[str, ...] = (), findings: tuple[Any, ...] = (), *verbs: str, **words: Any) -> Any:
    return a_turn("TRIPPED", items, findings, tuple(ask(v) for v in verbs), **{"trips": (a_trip(),), **words})


@raises_nothing
def test_clear_since() -> None:
    assert tripped().at.s.clear_since_s == 50.0
    assert tripped(clear_since_s=30.0).at.s.clear_since_s == 30.0
    assert tripped((), (finding(0),), clear_since_s=30.0).at.s.clear_since_s is None


@raises_nothing
def test_acknowledge() -> None:
    turn = tripped(("stale",), (), "ACK")
    assert (turn.at.s.acked, kinds(turn), state(turn)) == (True, ["ack"], "TRIPPED")
    assert tripped().at.s.acked is False


@pytest.mark.parametrize(
    "since_s, to, powered",
    [(None, "TRIPPED", 50.0), (49.5, "TRIPPED", 49.5), (49.499, "LOCKOUT", 49.499)],
)
@raises_nothing
def test_power_while_tripped_locks_out_after_half_a_second(since_s: float | None, to: str, powered: float) -> None:
    turn = tripped(("power",), (finding(0), finding(0, "H01")), powered_since_s=since_s)
    assert (state(turn), turn.at.s.powered_since_s) == (to, powered)
    other = tripped(("power",), (finding(0),), powered_since_s=since_s)
    assert (state(other), other.at.s.powered_since_s) == ("TRIPPED", None)


@pytest.mark.parametrize("verbs", [(), ("ACK",), ("ACK", "RESET")])
@raises_nothing
def test_a_lockout_found_while_tripped_locks(verbs: tuple[str, ...]) -> None:
    turn = tripped((), (), *verbs, trips=trips(False, False, True), acked=True, clear_since_s=30.0)
    assert (moved(turn), turn.items) == ([("LOCKOUT", "2", "")], ["lockout", "off"])
    assert refused(turn) == [(verb.lower(), ["lockout", "off"]) for verb in verbs]
    assert turn.at.s.clear_since_s == 30.0


@raises_nothing
def test_reset() -> None:
    turn = tripped((), (), "RESET", acked=True, clear_since_s=30.0, fired=True, resets=(-550.0, -549.999, 10.0))
    s = turn.at.s
    assert (moved(turn), kinds(turn)) == ([("SAFE", "reset", "anna")], ["reset", "state"])
    assert (s.trips, s.acked, s.clear_since_s, s.fired) == ((), False, None, False)
    assert s.resets == (-549.999, 10.0, 50.0)  # ten minutes are over for the first
    turn = tripped(("clear",), (), "RESET", acked=True)
    assert (state(turn), refused(turn), turn.at.s.resets) == ("TRIPPED", [("reset", ["clear"])], ())


@raises_nothing
def test_a_fourth_reset_locks_out() -> None:
    turn = tripped((), (), "RESET", resets=(10.0, 20.0, 30.0))
    trip = turn.new_trips[0]
    assert (state(turn), turn.items, refused(turn)) == (
        "LOCKOUT", ["lockout", "off"], [("reset", ["lockout", "off"])],
    )  # fmt: skip
    assert (trip.hazard, trip.monitor, trip.value, trip.limit) == ("H74", "resets", 4, 3)
    assert trip.text == "more than 3 resets in 10 minutes"
    assert turn.at.s.resets == (10.0, 20.0, 30.0)


@raises_nothing
def test_lockout_is_lockout() -> None:
    turn = a_turn("LOCKOUT", (), (), (ask("RESET"), ask("STOP")), trips=(a_trip(True),))
    assert (state(turn), moved(turn), refused(turn)) == ("LOCKOUT", [], [("reset", ["state LOCKOUT"])])


def test_coolant_runs_in_these_states() -> None:
    from safety.transitions import PUMPING

    pumping = ["ARMED", "COOLDOWN", "FIRING", "PRECHECK", "READY", "STOPPING", "TRIPPED"]
    assert sorted(s.value for s in PUMPING) == pumping
