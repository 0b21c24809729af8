"""Contacts, each monitor alone: E-stop, footswitch and flags, in every state and for every pair of readings."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.views import STATES, sample, told, view

ESTOP_TRIPS = {"PRECHECK", "READY", "ARMED", "FIRING", "COOLDOWN", "TRIPPED"}


def contact(value: float | None, t_s: float = 99.875) -> Any:
    return None if value is None else sample(value, t_s)


@pytest.mark.parametrize("quality", [0, 1, 2])
@pytest.mark.parametrize("value", [0.0, 1.0, 0.5, 2.0, math.nan])
@raises_nothing
def test_a_contact_is_a_good_one_or_a_good_zero(value: float, quality: int) -> None:
    from safety.monitors.contacts import is_closed, is_open

    assert is_closed(sample(value, quality=quality)) is (value == 1.0 and quality == 0)
    assert is_open(sample(value, quality=quality)) is (value == 0.0 and quality == 0)
    assert is_closed(None) is is_open(None) is False


@pytest.mark.parametrize("no", [0.0, 1.0, None])
@pytest.mark.parametrize("nc", [0.0, 1.0, None])
@raises_nothing
def test_a_pair(no: float | None, nc: float | None) -> None:
    from safety.monitors.contacts import pressed, released

    samples = (None, contact(nc), contact(no))
    assert pressed(samples, (2, 1)) is ((no, nc) == (1.0, 0.0))
    assert released(samples, (2, 1)) is ((no, nc) == (0.0, 1.0))


# ---- E-stop


def estop(a: Any, b: Any, state: str = "FIRING", memory: Any = None, pair_s: float = 0.25) -> tuple[Any, list[Any]]:
    from safety.monitors.contacts import EStop

    monitor: Any = EStop((1, 0), ("i.a_closed", "i.b_closed"), pair_s)
    assert monitor.start() == {}
    after, found = monitor.update({} if memory is None else memory, view(state, (b, a)))
    return after, [*found]


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_estop_in_every_state(state: str) -> None:
    severity = "TRIP" if state in ESTOP_TRIPS else "INHIBIT"
    memory: Any = {"spell": 1}
    assert estop(contact(1.0), contact(1.0), state, memory) == ({}, [])
    after, found = estop(contact(0.0, 99.75), contact(0.0), state, memory)
    assert told(found) == [("estop", severity, "H66", "estop", "i.a_closed", 0.0, 1.0, 0.25)]
    assert (after, found[0].text, found[0].lockout, found[0].device) == ({}, "E-stop is pressed", False, "")
    for a, b in ((None, contact(1.0)), (contact(1.0), None), (None, contact(0.0)), (None, None)):
        after, found = estop(a, b, state, memory)
        assert after is memory
        assert [f.hazard for f in found] == ([] if severity == "TRIP" else ["H66"])
        for one in found:
            assert one.age_s == (math.inf if a is None else 0.125)


@pytest.mark.parametrize("open_one", ["i.a_closed", "i.b_closed"])
@raises_nothing
def test_one_contact_alone(open_one: str) -> None:
    from safety.monitors.contacts import EStop

    monitor: Any = EStop((0, 1), ("i.a_closed", "i.b_closed"), 0.25)
    memory: Any = {}
    values = (0.0, 1.0) if open_one == "i.a_closed" else (1.0, 0.0)
    for t_s, fires in ((99.5, False), (99.625, False), (99.75, True), (99.875, True)):
        late = 99.4375  # the newer one of the two counts
        pair = (contact(values[0], t_s), contact(values[1], late))
        memory, found = monitor.update(memory, view("FIRING", pair, now_s=t_s + 0.125))
        assert len([*found]) == (1 if fires else 0)
        for one in found:
            age_s = 0.125 if open_one == "i.a_closed" else t_s + 0.125 - late
            assert told([one]) == [("estop", "TRIP", "H67", "estop", open_one, 0.0, 1.0, age_s)]
            assert (one.lockout, one.text) == (True, f"only one E-stop contact is open: {open_one}")
            assert one.check.startswith("wiring and contacts")
    assert monitor.update(memory, view("SAFE", pair))[1][0].severity.name == "INHIBIT"


@raises_nothing
def test_a_switch_takes_some_time() -> None:
    after, found = estop(contact(0.0), contact(1.0))
    assert (found, list(after)) == ([], [0])
    assert estop(contact(0.0), contact(1.0), pair_s=0.0)[1][0].hazard == "H67"


# ---- footswitch


def foot(no: Any, nc: Any, state: str = "READY", memory: Any = None, pair_s: float = 0.25) -> tuple[Any, list[Any]]:
    from safety.monitors.contacts import Footswitch

    monitor: Any = Footswitch((1, 0), ("i.no_closed", "i.nc_closed"), pair_s)
    assert monitor.start() == {}
    after, found = monitor.update({} if memory is None else memory, view(state, (nc, no)))
    return after, [*found]


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_footswitch_in_every_state(state: str) -> None:
    memory: Any = {"spell": 1}
    assert foot(contact(0.0), contact(1.0), state, memory) == ({}, [])
    after, found = foot(contact(1.0, 99.75), contact(0.0), state, memory)
    looked_at = state in {"PRECHECK", "READY", "TRIPPED"}
    said = [("footswitch", "INHIBIT", "H68", "footswitch", "i.no_closed", 1.0, 0.0, 0.25)]
    assert (after, told(found)) == ({}, said if looked_at else [])
    if looked_at:
        assert found[0].text == "footswitch is pressed"
        assert found[0].check.startswith("release the footswitch")


@pytest.mark.parametrize("value", [0.0, 1.0])
@raises_nothing
def test_contacts_that_contradict_each_other(value: float) -> None:
    from safety.monitors.contacts import Footswitch

    for state, at_once in (("READY", True), ("ARMED", False)):
        monitor: Any = Footswitch((0, 1), ("i.no_closed", "i.nc_closed"), 0.25)
        memory: Any = {}
        for t_s, fires in ((99.5, False), (99.625, False), (99.75, True)):
            pair = (contact(value, t_s), contact(value, 99.4375))
            memory, found = monitor.update(memory, view(state, pair, now_s=t_s + 0.125))
            assert [(f.text, f.value) for f in found] == (
                [("footswitch contacts contradict each other", value)] if fires or at_once else []
            )
            assert list(memory) == [0]


@pytest.mark.parametrize("no, nc", [(None, 0.0), (0.0, None), (None, None), (1.0, None)])
@raises_nothing
def test_a_footswitch_that_cannot_be_read(no: float | None, nc: float | None) -> None:
    after, (one,) = foot(contact(no), contact(nc))
    assert (after, one.text, one.age_s) == ({}, "footswitch is pressed", math.inf if no is None else 0.125)
    assert one.value == no or (no is None and math.isnan(one.value))
    assert foot(contact(no), contact(nc), "ARMED", {"spell": 1}) == ({}, [])


# ---- flags


def flagged(*values: float | None, state: str = "FIRING", hold_s: float = 0.25, **words: Any) -> list[list[Any]]:
    """Findings after each sample, an eighth of a second apart."""
    from safety.monitors.contacts import Flags
    from safety.rules import FlagRule
    from safety.types import State

    states: dict[str, Any] = {
        name: frozenset(State[s] for s in words.pop(name)) for name in ("trips_in", "inhibits_in") if name in words
    }
    rule = FlagRule("g.alarm", 1.0, "H20", "it says so", "ask it", hold_s, **states, **words)
    other = FlagRule("g.alarm", 1.0, "H21", "too", "x", 10.0)
    monitor: Any = Flags(((1, rule), (1, other)))
    assert monitor.start() == {}
    memory: Any = {}
    counts = []
    for k, value in enumerate(values):
        t_s = 99.0 + k / 8
        memory, found = monitor.update(memory, view(state, (None, contact(value, t_s)), now_s=t_s + 0.25))
        counts.append([*found])
    return counts


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_flags_in_every_state(state: str) -> None:
    trips, inhibits = state in ("ARMED", "FIRING"), state in ("PRECHECK", "READY")
    (found,) = flagged(0.0, state=state, hold_s=0.0)
    severity = "TRIP" if trips else "INHIBIT"
    said = [("flags", severity, "H20", "flag", "g.alarm", 0.0, 1.0, 0.25)]
    assert told(found) == (said if trips or inhibits else [])
    for one in found:
        assert (one.text, one.check, one.pump_off, one.lockout) == ("it says so", "ask it", False, False)
    assert flagged(1.0, None, state=state) == [[], []]


@raises_nothing
def test_a_flag_holds() -> None:
    assert [len(f) for f in flagged(0.0, 0.0, 0.0, 0.0)] == [0, 0, 1, 1]
    assert [len(f) for f in flagged(0.0, 0.0, 1.0, 0.0, 0.0, 0.0)] == [0, 0, 0, 0, 0, 1]
    assert [len(f) for f in flagged(0.0, 0.0, None, 0.0)] == [0, 0, 0, 1]
    assert flagged(0.5, hold_s=0.0, pump_off=True)[0][0].pump_off is True
    both = flagged(0.0, hold_s=0.0, trips_in=["READY"], inhibits_in=["READY"], state="READY")
    assert both[0][0].severity.name == "TRIP"


@raises_nothing
def test_a_hold_begins_where_the_rule_does() -> None:
    from safety.monitors.contacts import Flags
    from safety.rules import FlagRule

    monitor: Any = Flags(((0, FlagRule("g.alarm", 1.0, "H20", "it says so", "ask it", 0.25)),))
    memory: Any = {0: (99.0, 1, 90.0), 1: "of another rule"}
    from safety.monitors.base import Pending

    memory[0] = Pending(99.0, 1, 90.0)
    after, found = monitor.update(memory, view("COOLDOWN", (contact(0.0),)))
    assert (after, [*found]) == ({1: "of another rule"}, [])
    kept = {1: "of another rule"}
    assert monitor.update(kept, view("COOLDOWN", (contact(0.0),)))[0] is kept
