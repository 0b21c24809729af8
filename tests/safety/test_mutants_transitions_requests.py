"""Who may ask for what, in which state, and what is refused: each state's decision alone, to the edge of every time."""

from __future__ import annotations

import math

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.states import STATES, a_turn, ask, kinds, moved, refused, state

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
