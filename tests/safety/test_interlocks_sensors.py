"""Interlocks that ask whether a channel is believed, on the whole kernel: first cause, time, and what must not trip."""

from __future__ import annotations

import math

import pytest

from safety.types import Quality, State, Verb
from tests.safety.rig import LIMITS, Rig, config, quiet, replace, trip_of


@pytest.mark.parametrize(
    "channel, within_s",
    [
        ("gen.power_w", 0.36),
        ("gen.rf_on", 0.36),
        ("tc.tip_c", 1.06),
        ("flow.flow_ml_min", 0.36),
        ("inputs.estop_b_closed", 0.36),
        ("gen.impedance_ohm", 0.36),
    ],
)
def test_staleness(channel: str, within_s: float) -> None:
    rig = Rig().fired(60.0)
    rig.silent.add(channel)
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.channel) == ("H15", "staleness", channel)
    assert trip.age_s > trip.limit
    assert after <= within_s


def test_an_optional_channel_may_be_silent() -> None:
    rig = Rig().fired(60.0)
    rig.silent.add("gen.heatsink_c")
    quiet(rig, 3.0)


@pytest.mark.parametrize(
    "age_s, trips", [(0.0, False), (0.25, False), (0.2501, True), (-0.001, True), (math.nan, True)]
)
def test_age_edges(age_s: float, trips: bool) -> None:
    rig = Rig().fired(60.0)

    def aged(inputs):  # type: ignore[no-untyped-def]
        sample = inputs.snapshot["flow.flow_ml_min"]
        snapshot = {**inputs.snapshot, "flow.flow_ml_min": sample._replace(t_request_s=rig.now_s - age_s)}
        return replace(inputs, snapshot=snapshot)

    rig.mangle = aged
    rig.tick()
    assert (rig.out.first_trip is not None) is trips
    if trips:
        assert rig.out.first_trip is not None
        assert rig.out.first_trip.hazard == "H15"


def test_a_channel_that_was_never_read_keeps_from_ready() -> None:
    rig = Rig().to(State.SAFE)
    del rig.snapshot["tc.tissue_20mm_c"]
    rig.silent.add("tc.tissue_20mm_c")
    rig.ask(Verb.PREPARE)
    rig.tick(40)
    assert (rig.out.state, rig.out.blocked_by) == (State.PRECHECK, ("stale",))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "channel", ["gen.power_w", "gen.impedance_ohm", "tc.tip_c", "flow.flow_ml_min", "gen.setpoint_w"]
)
def test_a_number_that_is_none_trips_at_its_first_sample(channel: str, value: float) -> None:
    rig = Rig().fired(60.0)
    rig.override[channel] = value
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.channel) == ("H31", channel)
    assert after <= 0.31


def test_no_reading_trips_at_its_first_sample() -> None:
    rig = Rig().fired(60.0)
    rig.quality["tc.tip_c"] = Quality.BAD
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.channel) == ("H56", "tc.tip_c")
    assert after <= 0.31


def test_out_of_range_needs_two_of_three_samples() -> None:
    rig = Rig().fired(60.0)
    rig.override["flow.flow_ml_min"] = 600.1
    rig.tick()
    del rig.override["flow.flow_ml_min"]
    quiet(rig, 1.0)
    rig.override["flow.flow_ml_min"] = 600.1
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.value, trip.limit) == ("H59", 600.1, 600.0)
    assert after <= 0.151


def test_a_spike_is_dropped_and_an_impossible_step_trips() -> None:
    rig = Rig(config(layers=(("bench", replace(LIMITS, tip_c=120.0)),))).fired(60.0)
    rig.override["tc.tip_c"] = 100.0
    rig.tick(4)
    del rig.override["tc.tip_c"]
    quiet(rig, 2.0)
    rig.override["tc.tip_c"] = 100.0
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.channel, trip.limit) == ("H60", "tc.tip_c", 50.0)
    assert after <= 0.86


@pytest.mark.parametrize("channel", ["tc.tissue_10mm_c", "flow.flow_ml_min", "gen.impedance_ohm"])
def test_a_frozen_reading_trips_while_power_flows(channel: str) -> None:
    rig = Rig().fired(60.0)
    rig.override[channel] = 75.0 if channel != "tc.tissue_10mm_c" else 22.0
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.channel, trip.value) == ("H58", channel, 0.0)
    assert after <= 2.7


def test_a_still_reading_without_power_is_no_fault() -> None:
    rig = Rig().to(State.FIRING)
    rig.override["tc.tissue_10mm_c"] = 22.0
    quiet(rig, 10.0)
