"""Interlocks of flow and air on the whole kernel: first cause, time, and what must not trip."""

from __future__ import annotations

import math

import pytest

from safety.config import FlagRule, Timing
from safety.types import Origin, State, Verb
from tests.safety.rig import Rig, config, quiet, replace, trip_of


def test_flow() -> None:
    rig = Rig().fired(60.0)
    rig.override["flow.flow_ml_min"] = 39.9
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.value, trip.limit) == ("H38", "coolant_flow", 39.9, 40.0)
    assert after <= 0.26


def test_who_fires_within_the_second_of_the_pump_is_watched_as_anybody() -> None:
    rig = Rig(config(timing=Timing(prime_s=0.0, run_on_s=1.0)))
    rig.until(State.SAFE)
    rig.demand_w, rig.lease = 60.0, True
    rig.ask(Verb.PREPARE)
    rig.until(State.READY)
    began_s = rig.state.pump_since_s
    rig.ask(Verb.ARM)
    rig.until(State.ARMED)
    rig.ask(Verb.FIRE, Origin.FOREGROUND)
    rig.until(State.FIRING)
    assert rig.now_s < began_s + 0.3  # only a program is so fast
    rig.override["flow.flow_ml_min"] = 0.0  # it stalls as it starts
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor) == ("H38", "coolant_flow")
    assert after <= 0.26


def test_nobody_arms_nor_stays_armed_while_the_pump_has_not_come_up() -> None:
    rig = Rig(config(timing=Timing(prime_s=0.0, run_on_s=1.0)))
    rig.until(State.SAFE)
    rig.ask(Verb.PREPARE)
    rig.until(State.READY)
    rig.override["flow.flow_ml_min"] = 20.0  # the bag hangs high; with the pump's first turns it sucks
    rig.tick(2)
    rig.ask(Verb.ARM)
    assert (rig.tick().state, rig.out.blocked_by, rig.out.first_trip) == (State.READY, ("flow",), None)
    del rig.override["flow.flow_ml_min"]
    rig.tick(2)
    rig.ask(Verb.ARM)
    assert rig.tick().state is State.ARMED
    rig.override["flow.flow_ml_min"] = 20.0
    rig.until(State.SAFE, 0.2)
    assert rig.out.first_trip is None  # nothing was energised, so nothing is latched


def test_more_flow_was_asked_for_than_flows() -> None:
    rig = Rig().fired(60.0)
    due_ml_min = 70.0
    rig.mangle = lambda inputs: replace(inputs, flow_due_ml_min=due_ml_min)
    quiet(rig, 2.0)
    due_ml_min = 90.0  # 80 flow
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.limit) == ("H38", "coolant_flow", 90.0)
    assert trip.text.endswith("ml/min, at least 90 is needed")
    assert after <= 0.26


@pytest.mark.parametrize("due_ml_min", [0.0, -math.inf, 39.9])
def test_nothing_asked_for_loosens_the_least_flow(due_ml_min: float) -> None:
    rig = Rig().fired(60.0)
    rig.mangle = lambda inputs: replace(inputs, flow_due_ml_min=due_ml_min)
    rig.override["flow.flow_ml_min"] = 39.95
    trip, _ = trip_of(rig)
    assert (trip.hazard, trip.limit) == ("H38", 40.0)


def test_a_bubble_passes_and_air_trips() -> None:
    rig = Rig().fired(60.0)
    rig.values["flow.air_in_line_flag"] = 1.0
    rig.tick(5)
    rig.values["flow.air_in_line_flag"] = 0.0
    quiet(rig, 1.0)
    rig.values["flow.air_in_line_flag"] = 1.0
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor) == ("H41", "air_in_line")
    assert after <= 0.46


def test_one_low_reading_of_flow_passes() -> None:
    rig = Rig().fired(60.0)
    rig.override["flow.flow_ml_min"] = 0.0
    rig.tick(1)
    del rig.override["flow.flow_ml_min"]
    quiet(rig, 1.0)


def test_flow_that_reads_nothing_in_gas_is_air() -> None:
    rig = Rig().fired(60.0)
    rig.values["flow.air_in_line_flag"], rig.override["flow.flow_ml_min"] = 1.0, 0.0
    rig.tick(5)
    rig.values["flow.air_in_line_flag"] = 0.0
    del rig.override["flow.flow_ml_min"]
    quiet(rig, 1.0)  # a bubble
    rig.values["flow.air_in_line_flag"], rig.override["flow.flow_ml_min"] = 1.0, 0.0
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor) == ("H41", "air_in_line")
    assert after <= 0.46


def test_a_stall_behind_a_bubble_is_a_stall() -> None:
    rig = Rig().fired(60.0)
    rig.values["flow.air_in_line_flag"], rig.override["flow.flow_ml_min"] = 1.0, 0.0
    rig.tick(5)
    rig.values["flow.air_in_line_flag"] = 0.0
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor) == ("H38", "coolant_flow")
    assert after <= 0.26


@pytest.mark.parametrize(
    ("channel", "value", "hazard"), [("flow.flow_ml_min", 3.0, "H38"), ("flow.air_in_line_flag", 1.0, "H41")]
)
def test_coolant_that_stops_after_energy_trips(channel: str, value: float, hazard: str) -> None:
    rig = Rig().fired(60.0)
    rig.values["tc.tip_c"] = 50.0  # the applicator is hot, and cools for long
    rig.ask(Verb.STOP)
    rig.until(State.COOLDOWN)
    rig.tick(20)
    assert rig.out.state is State.COOLDOWN
    rig.override[channel] = value
    since = rig.now_s
    rig.until(State.STOPPING, 1.0)
    assert rig.now_s - since <= 0.51
    assert rig.out.first_trip is not None
    assert (rig.out.first_trip.hazard, rig.out.pump_on) == (hazard, True)
    rig.until(State.TRIPPED)
    assert rig.out.pump_on  # what is left of it


def test_coolant_that_stops_while_off_is_being_proven_trips() -> None:
    rig = Rig().fired(60.0)
    rig.override["flow.flow_ml_min"] = 3.0
    rig.ask(Verb.STOP)
    rig.silent = {"gen"}  # off cannot be proven
    rig.tick(8)
    assert [trip.hazard for trip in rig.state.trips] == ["H38"]


def test_coolant_that_never_flowed_is_no_trip_when_nothing_was_fired() -> None:
    rig = Rig().to(State.SAFE)
    rig.override["flow.flow_ml_min"] = 3.0
    rig.ask(Verb.PREPARE)
    rig.until(State.STOPPING)
    rig.silent = {"gen"}  # off is not proven for a while
    rig.tick(8)
    assert (rig.out.state, rig.state.trips) == (State.STOPPING, ())


def test_a_pump_that_a_leak_has_stopped_owes_no_flow() -> None:
    leak = FlagRule("gen.heatsink_c", 30.0, "H82", "leak", "the floor", pump_off=True)
    rig = Rig(config(flags=(leak,))).fired(60.0)
    rig.values["gen.heatsink_c"] = 31.0
    rig.until(State.TRIPPED)
    rig.tick(40)
    assert rig.out.pump_on is False
    assert [trip.hazard for trip in rig.state.trips] == ["H82"]
