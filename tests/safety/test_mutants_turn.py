"""One tick's decision, act by act: what it does to the state and what it leaves in the record."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from tests.mutation.total import raises_nothing


def a_trip(hazard: str = "H45", channel: str = "tc.tip_c", monitor: str = "hot", device: str = "tc") -> Any:
    from safety.types import Trip

    return Trip(hazard, monitor, device, channel, 71.0, 60.0, 0.1, 5.0, "too hot", "coolant")


def a_turn(items: tuple[str, ...] = (), **state: Any) -> Any:
    """A turn at t = 50 s on a bench whose power is ``g.power_w``."""
    from safety.config import ChannelRule, Config, Roles
    from safety.monitors.base import View
    from safety.state import KernelState
    from safety.turn import Turn
    from safety.types import Inputs, State

    names = ("g.power_w", "g.rf_on", "i.a_closed", "i.b_closed")
    config = Config(
        channels=tuple(ChannelRule(name, 0.0, 300.0) for name in names),
        roles=Roles("g.power_w", "g.rf_on", ("i.a_closed", "i.b_closed")),
    )
    words: dict[str, Any] = {"state": State.READY, "memories": (), "epoch": 7, "entered_s": 40.0, **state}
    return Turn(View(config, KernelState(**words), Inputs({}), [None] * 4, 50.0), [], [*items])


@raises_nothing
def test_go() -> None:
    from safety.types import State

    turn = a_turn(("stale", "line", "off"))
    turn.go(State.ARMED, "arm", "anna")
    assert turn.events == [("state", {"from": "READY", "to": "ARMED", "reason": "arm", "who": "anna"})]
    assert (turn.at.state, turn.at.s.entered_s, turn.at.s.epoch) == (State.ARMED, 50.0, 7)
    assert turn.items == ["stale", "off"]  # the line counts while firing only
    turn.go(State.FIRING, "fire")
    assert turn.items == []
    assert turn.events[1] == ("state", {"from": "ARMED", "to": "FIRING", "reason": "fire", "who": ""})


@raises_nothing
def test_halt() -> None:
    from safety.types import State

    turn = a_turn(("stale", "line"), holder="footswitch", off_alarmed=True)
    turn.halt("stop", "anna")
    s = turn.at.s
    assert (s.state, s.epoch, s.off_at_s, s.off_alarmed, s.holder) == (State.STOPPING, 8, 50.0, False, "")
    assert turn.items == ["stale", "off"]
    assert turn.events == [("state", {"from": "READY", "to": "STOPPING", "reason": "stop", "who": "anna"})]
    turn = a_turn(("off", "cool"))
    turn.halt("x")
    assert turn.items == ["off", "cool"]
    assert turn.events[0][1]["who"] == ""


@raises_nothing
def test_latch_keeps_the_first_and_each_once() -> None:
    turn = a_turn()
    first, other = a_trip(), a_trip(channel="tc.tissue_c")
    turn.latch([first, first, other])
    assert turn.at.s.trips == (first, other)
    assert turn.new_trips == [first, other]
    assert [(kind, data["channel"]) for kind, data in turn.events] == [("trip", "tc.tip_c"), ("trip", "tc.tissue_c")]
    assert turn.events[0][1]["value"] == 71.0
    turn.latch([first, a_trip("H46"), a_trip(monitor="x"), a_trip(device="x"), other])
    assert [t.hazard for t in turn.at.s.trips] == ["H45", "H45", "H46", "H45", "H45"]
    assert len(turn.new_trips) == 5


@raises_nothing
def test_thirty_two_causes_are_kept() -> None:
    turn = a_turn()
    trips = [a_trip(channel=f"c{k}") for k in range(40)]
    turn.latch(trips)
    assert turn.at.s.trips == tuple(trips[:32])
    assert len(turn.new_trips) == len(turn.events) == 32
    lock, dry = replace(a_trip("H99"), lockout=True), replace(a_trip("H98"), pump_off=True)
    turn.latch([lock, dry, a_trip("H97")])  # H67, H82: never dropped
    assert [t.hazard for t in turn.at.s.trips[32:]] == ["H99", "H98"]


@raises_nothing
def test_lock() -> None:
    from safety.types import State

    turn = a_turn(("stale",))
    turn.lock("H04", "off_unproven", "not off", "the plug", 20.0, 1.0)
    s = turn.at.s
    assert (s.state, s.epoch, turn.items) == (State.LOCKOUT, 8, ["lockout", "off"])
    (trip,) = s.trips
    assert (trip.hazard, trip.monitor, trip.device, trip.channel) == ("H04", "off_unproven", "g", "g.power_w")
    assert (trip.value, trip.limit, trip.age_s, trip.t_s) == (20.0, 1.0, 0.0, 50.0)
    assert (trip.text, trip.check, trip.lockout, trip.pump_off) == ("not off", "the plug", True, False)
    assert turn.events[1] == ("state", {"from": "READY", "to": "LOCKOUT", "reason": "not off", "who": ""})


@raises_nothing
def test_refuse_and_accept() -> None:
    from safety.types import Origin, Request, Verb

    turn = a_turn()
    request = Request(Verb.ARM, Origin.LOCAL, 49.0, "anna", "because")
    turn.refuse(request, ("stale", "off"))
    turn.accept(request)
    assert turn.events == [
        (
            "refused",
            {"verb": "arm", "origin": "local", "who": "anna", "by": "stale", "blocked_by": ["stale", "off"]},
        ),
        ("arm", {"origin": "local", "who": "anna", "reason": "because"}),
    ]
    assert (turn.stop, turn.acts, turn.new_trips) == (None, {}, [])
    assert math.isinf(turn.at.s.off_at_s)


@raises_nothing
def test_all_acts_are_refused_and_forgotten() -> None:
    from safety.types import Origin, Request, Verb

    turn = a_turn()
    turn.acts = {verb: Request(verb, Origin.LOCAL, 49.0) for verb in (Verb.ACK, Verb.RESET)}
    turn.refuse_all(("stop", "off"))
    assert [(kind, data["verb"], data["by"]) for kind, data in turn.events] == [
        ("refused", "ack", "stop"),
        ("refused", "reset", "stop"),
    ]
    assert turn.acts == {}


@raises_nothing
def test_an_act_is_granted_when_nothing_is_withheld() -> None:
    from safety.types import Origin, Request, Verb

    request = Request(Verb.ARM, Origin.LOCAL, 49.0)
    turn = a_turn()
    assert turn.granted(request) is True
    assert [kind for kind, _ in turn.events] == ["arm"]
    turn = a_turn(("stale",))
    assert turn.granted(request) is False
    assert [(kind, data["blocked_by"]) for kind, data in turn.events] == [("refused", ["stale"])]
