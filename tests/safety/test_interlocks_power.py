"""Interlocks of the source on the whole kernel: first cause, time, and the power just inside that must not trip."""

from __future__ import annotations

import pytest

from safety.types import State
from tests.safety.rig import LIMITS, Rig, config, quiet, replace, trip_of


def test_power_above_the_set_point() -> None:
    rig = Rig().fired(60.0)
    rig.gen_gain = 1.23
    quiet(rig, 3.0)  # 73.8 W is within 60 W * 1.2 + 2 W
    rig.gen_gain = 1.25
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.channel, trip.value) == ("H02", "power_high", "gen.forward_power_w", 75.0)
    assert trip.limit == pytest.approx(74.0)
    assert after <= 0.26


def test_a_step_down_is_not_power_above_the_set_point() -> None:
    rig = Rig().fired(150.0)
    for power in (20.0, 0.0, 100.0, 5.0, 60.0, 0.0):
        rig.demand_w = power
        quiet(rig, 1.5)


def test_a_source_that_does_not_pause_trips() -> None:
    rig = Rig().fired(60.0)
    rig.demand_w, rig.stuck_w = 0.0, 60.0
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor) == ("H02", "power_high")
    assert after <= 0.61


def test_power_above_the_cap() -> None:
    rig = Rig(config(layers=(("bench", replace(LIMITS, power_w=60.0)),))).fired(60.0)
    rig.gen_gain = 1.049
    quiet(rig, 2.0)
    rig.gen_gain = 1.06
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.limit) == ("H02", "power_high", 63.0)
    assert after <= 0.21


def test_power_that_does_not_arrive() -> None:
    rig = Rig().fired(60.0)
    rig.override["gen.forward_power_w"] = 29.9
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.value) == ("H03", "power_low", 29.9)
    assert 0.9 <= after <= 1.16
    rig = Rig().fired(60.0)
    rig.override["gen.forward_power_w"] = 30.0
    quiet(rig, 3.0)


@pytest.mark.parametrize(
    "state", [State.SAFE, State.PRECHECK, State.READY, State.ARMED, State.COOLDOWN], ids=lambda s: s.value
)
def test_spontaneous_power(state: State) -> None:
    rig = Rig().to(state)
    rig.override["gen.forward_power_w"] = 1.1
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.value, trip.limit) == ("H01", "spontaneous_power", 1.1, 1.0)
    assert after <= 0.16


def test_one_stray_reading_is_not_power() -> None:
    rig = Rig().to(State.READY)
    rig.override["gen.power_w"] = 9.0
    rig.tick()
    rig.override["gen.power_w"] = 1.0
    rig.tick(20)
    assert rig.out.first_trip is None


def test_power_after_a_trip_locks_out() -> None:
    rig = Rig().to(State.TRIPPED)
    rig.stuck_w = 30.0
    rig.until(State.LOCKOUT, 2.0)
    assert [t.hazard for t in rig.state.trips] == ["H66", "H01", "H01", "H01", "H04"]
    assert rig.out.command_off is True


def test_a_foreign_set_point() -> None:
    rig = Rig().fired(60.0)
    rig.override["gen.setpoint_w"] = 61.2
    quiet(rig, 2.0)
    rig.override["gen.setpoint_w"] = 62.0
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.value) == ("H10", "foreign_setpoint", 62.0)
    assert after <= 0.21
