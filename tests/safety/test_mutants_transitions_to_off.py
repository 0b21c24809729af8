"""From FIRING or a trip to off, reset and lockout: each state's decision alone, to the edge of every time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.states import NOW_S, STATES, a_trip, a_turn, ask, finding, kinds, moved, refused, state, trips

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
