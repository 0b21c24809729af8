"""Interlocks of E-stop, door and flags on the whole kernel: first cause, time, and what must not trip."""

from __future__ import annotations

import pytest

from safety.config import FlagRule
from safety.types import Origin, State, Verb
from tests.safety.rig import ROLES, Rig, config, quiet, replace, trip_of


def test_estop() -> None:
    rig = Rig().fired(60.0)
    rig.values["inputs.estop_a_closed"] = rig.values["inputs.estop_b_closed"] = 0.0
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.lockout) == ("H66", "estop", False)
    assert after <= 0.11


@pytest.mark.parametrize("channel", ["inputs.estop_a_closed", "inputs.estop_b_closed"])
def test_one_estop_contact_alone_is_a_fault_and_locks_out(channel: str) -> None:
    rig = Rig().fired(60.0)
    rig.values[channel] = 0.0
    rig.tick(2)
    assert rig.out.first_trip is None
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.channel, trip.lockout) == ("H67", channel, True)
    assert after <= 0.11
    rig.until(State.LOCKOUT)


@pytest.mark.parametrize("state", [State.ARMED, State.FIRING], ids=lambda s: s.value)
def test_door(state: State) -> None:
    rig = Rig().to(state)
    rig.values["inputs.door_closed"] = 0.0
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.channel) == ("H70", "inputs.door_closed")
    assert after <= 0.11


def test_a_leak_stops_the_pump_too() -> None:
    leak = FlagRule("gen.heatsink_c", 30.0, "H82", "leak", "the floor", pump_off=True)
    rig = Rig(config(flags=(leak,))).fired(60.0)
    assert rig.out.pump_on is True
    rig.values["gen.heatsink_c"] = 31.0
    trip, _ = trip_of(rig)
    assert (trip.hazard, rig.out.pump_on) == ("H82", False)
    rig.until(State.TRIPPED)
    assert rig.out.pump_on is False


def test_a_flag_that_is_normal_before_firing_starts_no_spell() -> None:
    rule = FlagRule("gen.heatsink_c", 30.0, "H66", "open", "wiring", 0.5, frozenset({State.FIRING}), frozenset())
    rig = Rig(config(flags=(rule,)))
    rig.values["gen.heatsink_c"] = 31.0
    rig.to(State.ARMED).tick(100)
    rig.lease = True
    rig.ask(Verb.FIRE, Origin.FOREGROUND)
    rig.until(State.FIRING)
    rig.tick(4)
    rig.values["gen.heatsink_c"] = 30.0
    quiet(rig, 2.0)
    rig.values["gen.heatsink_c"] = 31.0
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.text) == ("H66", "open")
    assert 0.45 <= after <= 0.66


def test_two_rules_of_one_flag_do_not_forget_for_each_other() -> None:
    """As a generator tells of its interlock input: open for long while firing (H66), not open before it (H06)."""
    cut = FlagRule("inputs.door_closed", 1.0, "H66", "cut", "why", 0.5, frozenset({State.FIRING}), frozenset())
    weld = FlagRule("inputs.door_closed", 1.0, "H06", "weld", "relay", 0.0, frozenset(), frozenset({State.PRECHECK}))
    rig = Rig(config(roles=replace(ROLES, door=None), flags=(cut, weld))).fired(60.0)
    rig.values["inputs.door_closed"] = 0.0
    rig.tick(9)
    assert rig.out.state is State.FIRING
    rig.tick(3)
    assert rig.out.first_trip is not None
    assert (rig.out.first_trip.hazard, rig.out.first_trip.text) == ("H66", "cut")
    rig = Rig(config(roles=replace(ROLES, door=None), flags=(cut, weld))).to(State.SAFE)
    rig.values["inputs.door_closed"] = 0.0
    rig.ask(Verb.PREPARE)
    rig.tick(40)
    assert (rig.out.state, rig.out.blocked_by) == (State.PRECHECK, ("flags",))


def test_a_flag_that_was_bad_before_has_its_hold_again_at_the_next_fire() -> None:
    rule = FlagRule("gen.heatsink_c", 30.0, "H66", "open", "wiring", 0.5, frozenset({State.FIRING}), frozenset())
    rig = Rig(config(flags=(rule,))).fired(60.0)
    rig.values["gen.heatsink_c"] = 31.0
    rig.tick(8)
    rig.ask(Verb.STOP)
    rig.until(State.SAFE)
    rig.demand_w = 0.0
    rig.to(State.FIRING).tick(8)
    assert rig.out.state is State.FIRING
    rig.until(State.STOPPING, 0.3)
    assert rig.out.first_trip is not None
    assert rig.out.first_trip.hazard == "H66"
