"""Each interlock on the whole kernel: first cause, action, time, and the value just inside that must not trip."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from safety.config import FlagRule, HeatingRule, Limits, Timing
from safety.types import Fault, Origin, Quality, State, Trip, Verb
from tests.safety.rig import LIMITS, ROLES, Rig, config, replace


def trip_of(rig: Rig, limit_s: float = 5.0) -> tuple[Trip, float]:
    """The first trip from now on and after how long energy was withheld, checked to be so in the tick of the trip."""
    start = rig.now_s
    while rig.out.first_trip is None:
        assert rig.now_s - start < limit_s, "no trip"
        rig.tick()
    out = rig.out
    assert out.new_trips[0] == out.first_trip
    assert (out.permit.max_w, out.enable, out.command_off or out.state is not State.STOPPING) == (0.0, False, True)
    assert out.first_trip.text
    assert out.first_trip.check
    assert out.first_trip.device
    return out.first_trip, rig.now_s - start


def quiet(rig: Rig, seconds: float) -> None:
    """Nothing trips for so long."""
    rig.tick(round(seconds / rig.tick_s))
    assert rig.out.first_trip is None, rig.out.first_trip
    assert rig.out.state is State.FIRING


# ---- sensors


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


# ---- tissue and coolant


@pytest.mark.parametrize(
    "channel, below, above, hazard, within_s",
    [
        ("tc.tip_c", 60.0, 60.01, "H45", 0.51),
        ("tc.tissue_10mm_c", 115.0, 115.01, "H46", 0.51),
        ("tc.tissue_20mm_c", 115.0, 115.01, "H46", 0.51),
        ("tc.coolant_in_c", 35.0, 35.01, "H43", 1.56),
    ],
)
def test_over_temperature(channel: str, below: float, above: float, hazard: str, within_s: float) -> None:
    plain = tuple(replace(rule, noise_floor=None, max_rate=None) for rule in config().channels)
    rig = Rig(config(channels=plain)).fired(60.0)
    rig.override[channel] = below
    quiet(rig, 3.0)
    rig.override[channel] = above
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.channel, trip.value) == (hazard, "over_temperature", channel, above)
    assert after <= within_s


@pytest.mark.parametrize("channel, warm", [("tc.coolant_in_c", 35.1), ("tc.tip_c", 60.1)])
def test_on_the_way_to_ready_one_warm_reading_is_enough(channel: str, warm: float) -> None:
    """A slow thermometer must not let the bench become READY before its debounce has seen enough readings."""
    rig = Rig().to(State.SAFE)
    rig.ask(Verb.PREPARE)
    rig.override[channel] = warm
    for _ in range(100):
        rig.tick()
        assert rig.out.state is State.PRECHECK
        assert rig.out.first_trip is None
    assert rig.out.blocked_by == ("temperature",)
    del rig.override[channel]
    rig.until(State.READY)


@pytest.mark.parametrize(
    "inside, outside, hazard, monitor",
    [
        (25.0, 24.99, "H49", "impedance_low"),
        (500.0, 500.01, "H50", "impedance_high"),
        (80.0, 19_000.0, "H50", "impedance_high"),
    ],
)
def test_impedance(inside: float, outside: float, hazard: str, monitor: str) -> None:
    plain = tuple(replace(rule, noise_floor=None) for rule in config().channels)
    rig = Rig(config(channels=plain)).fired(60.0)
    rig.override["gen.impedance_ohm"] = inside
    quiet(rig, 2.0)
    rig.override["gen.impedance_ohm"] = outside
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.value) == (hazard, monitor, outside)
    assert after <= 0.21


def test_impedance_without_power_means_nothing() -> None:
    rig = Rig().fired(60.0)
    rig.demand_w = 0.0
    rig.tick(10)
    rig.override["gen.impedance_ohm"] = 5000.0
    quiet(rig, 3.0)


def test_a_normal_roll_off_with_its_pulse_off_does_not_trip() -> None:
    rig = Rig().fired(100.0)
    for _ in range(5):
        for k in range(40):  # 80 to 380 ohm within two seconds: the fastest char-free roll-off
            rig.load_ohm = 80.0 + 7.5 * k
            rig.tick()
        rig.demand_w = 0.0
        rig.tick(2)
        rig.load_ohm = 900.0
        rig.tick(20)
        rig.load_ohm = 80.0
        rig.tick(280)
        rig.demand_w = 70.0
        quiet(rig, 10.0)


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


def test_energy_that_nobody_feels() -> None:
    rule = HeatingRule("tc.tissue_10mm_c", 500.0, 3.0)
    rig = Rig(config(heating=(rule,))).fired(60.0, 3.0)
    trip, _ = trip_of(rig, 10.0)
    assert (trip.hazard, trip.monitor) == ("H64", "heating_response")
    rig = Rig(config(heating=(rule,))).fired(60.0, 3.0)
    rig.values["tc.tissue_10mm_c"] = 27.0
    quiet(rig, 20.0)


# ---- source


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


# ---- people


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


# ---- host


@pytest.mark.parametrize("dt_s, hazard", [(0.21, "H29"), (0.0, "H30"), (-0.05, "H30")])
def test_cadence(dt_s: float, hazard: str) -> None:
    rig = Rig().fired(60.0)
    rig.tick(1, dt_s)
    assert rig.out.first_trip is not None
    assert (rig.out.first_trip.hazard, rig.out.permit.max_w) == (hazard, 0.0)


def test_a_late_tick_within_bounds_is_no_trip() -> None:
    rig = Rig().fired(60.0)
    rig.tick(1, 0.199)
    assert rig.out.first_trip is None


def test_a_silent_watchdog() -> None:
    rig = Rig().fired(60.0)
    rig.watchdog_alive = False
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor) == ("H27", "watchdog")
    assert after <= 0.26


def test_a_watchdog_that_has_cut() -> None:
    rig = Rig().fired(60.0)
    rig.watchdog_ready = False
    assert trip_of(rig)[0].hazard == "H27"


def lines(rig: Rig, closed: bool | None) -> Callable[..., object]:
    """Inputs in which the enable line reads ``closed``."""
    return lambda inputs: replace(inputs, watchdog=inputs.watchdog._replace(enable_closed=closed))


@pytest.mark.parametrize("closed", [False, None])
def test_the_enable_line_opens_by_itself(closed: bool | None) -> None:
    rig = Rig().fired(60.0)
    rig.mangle = lines(rig, closed)  # type: ignore[assignment]
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor) == ("H06", "enable")
    assert after <= 0.051


def test_the_enable_line_does_not_close() -> None:
    rig = Rig().to(State.ARMED)
    rig.mangle = lines(rig, False)  # type: ignore[assignment]
    rig.lease = True
    rig.ask(Verb.FIRE, Origin.FOREGROUND)
    rig.tick()
    assert rig.out.state is State.FIRING
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.text) == ("H06", "the enable line does not close")
    assert 0.95 <= after <= 1.06
    assert all(out.permit.max_w == 0.0 for _, out in rig.log)


def test_a_welded_enable_line_keeps_from_ready_and_locks_out_later() -> None:
    rig = Rig().to(State.SAFE)
    rig.mangle = lines(rig, True)  # type: ignore[assignment]
    rig.ask(Verb.PREPARE)
    rig.tick(40)
    assert (rig.out.state, rig.out.blocked_by) == (State.PRECHECK, ("enable",))
    rig = Rig().to(State.READY)
    rig.mangle = lines(rig, True)  # type: ignore[assignment]
    trip, _ = trip_of(rig)
    assert (trip.hazard, trip.lockout) == ("H06", True)


def test_a_record_that_is_not_written_stops_and_then_trips() -> None:
    rig = Rig().fired(60.0)
    rig.record_healthy = False
    rig.tick()
    assert (rig.out.state, rig.out.first_trip) == (State.STOPPING, None)
    rig.values["tc.tip_c"] = 50.0  # COOLDOWN lasts
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor) == ("H36", "record")
    assert 1.9 <= after <= 2.1


def test_a_slow_record_stops_after_three_quarters_of_a_second() -> None:
    rig = Rig().fired(60.0)
    frozen = rig.now_s - 0.1
    rig.mangle = lambda inputs: replace(inputs, record=inputs.record._replace(t_durable_s=frozen))  # type: ignore[union-attr]
    rig.tick(13)
    assert rig.out.state is State.FIRING
    rig.tick(1)
    assert rig.out.state is State.STOPPING


@pytest.mark.parametrize("state", [s for s in State if s is not State.LOCKOUT], ids=lambda s: s.value)
def test_a_fault_of_the_daemon_trips_in_every_state(state: State) -> None:
    rig = Rig() if state is State.BOOT else Rig().to(state)
    rig.faults = [Fault("H32", "acquisition", "pump", "task died", "the log", rig.now_s)]
    rig.tick()
    assert "H32" in [t.hazard for t in rig.out.new_trips]
    rig.until(State.TRIPPED)
    assert [t.device for t in rig.state.trips if t.hazard == "H32"] == ["pump"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_set_point_in_force_that_is_no_number(value: float) -> None:
    rig = Rig().fired(60.0)
    rig.mangle = lambda inputs: replace(inputs, applied_w=value)
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor) == ("H31", "number")
    assert after <= 0.051


def test_a_changed_configuration_trips_while_firing() -> None:
    rig = Rig().fired(60.0)
    rig.hash = "other"
    assert trip_of(rig)[0].hazard == "H34"


@pytest.mark.parametrize(
    "limits, seconds",
    [(Limits(on_time_s=5.0), (4.9, 5.11)), (Limits(energy_j=300.0), (4.9, 5.7))],
)
def test_budgets_stop_at_their_limit_without_a_trip(limits: Limits, seconds: tuple[float, float]) -> None:
    rig = Rig(config(layers=(("bench", LIMITS), ("protocol", limits)))).to(State.FIRING)
    rig.demand_w, start = 60.0, rig.now_s
    rig.until(State.STOPPING)
    assert seconds[0] <= rig.now_s - start <= seconds[1]
    rig.until(State.COOLDOWN)
    assert rig.out.first_trip is None


def test_energy_beyond_its_limit_trips() -> None:
    rig = Rig(config(layers=(("bench", LIMITS), ("protocol", Limits(energy_j=1000.0))))).fired(60.0)
    rig.state.energy_j = 1190.0
    assert (rig.tick().state, rig.out.first_trip) == (State.STOPPING, None)
    rig = Rig(config(layers=(("bench", LIMITS), ("protocol", Limits(energy_j=1000.0))))).fired(60.0)
    rig.state.energy_j = 1200.0
    trip, _ = trip_of(rig)
    assert (trip.hazard, trip.monitor) == ("H07", "energy")


def test_on_time_beyond_its_limit_trips() -> None:
    rig = Rig(config(layers=(("bench", LIMITS), ("protocol", Limits(on_time_s=50.0))))).fired(60.0)
    rig.state.on_time_s = 51.0
    trip, _ = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.limit) == ("H07", "on_time", 50.0)


def test_tissue_sensors_that_disagree_keep_from_ready() -> None:
    rig = Rig().to(State.SAFE)
    rig.values["tc.tissue_20mm_c"] = 33.0
    rig.ask(Verb.PREPARE)
    rig.tick(40)
    assert (rig.out.state, rig.out.blocked_by) == (State.PRECHECK, ("agree",))


def test_first_cause_stays_and_consequences_follow_in_order() -> None:
    rig = Rig().fired(60.0)
    rig.silent.add("flow")
    first, _ = trip_of(rig)
    rig.until(State.TRIPPED)
    rig.silent.add("tc")
    rig.values["inputs.estop_a_closed"] = rig.values["inputs.estop_b_closed"] = 0.0
    rig.tick(40)
    assert rig.out.first_trip == first
    assert [t.hazard for t in rig.state.trips] == ["H15", "H15", "H66", "H15", "H15", "H15", "H15"]
    assert len([k for k in rig.kinds() if k == "trip"]) == 7


def test_causes_of_one_tick_have_a_fixed_order() -> None:
    rig = Rig().fired(60.0)
    rig.values["inputs.estop_a_closed"] = rig.values["inputs.estop_b_closed"] = 0.0
    rig.override["tc.tip_c"] = rig.override["flow.flow_ml_min"] = math.nan
    rig.watchdog_ready = False
    rig.tick(1, 0.2001)
    assert [t.hazard for t in rig.out.new_trips] == ["H29", "H27", "H66", "H31", "H31"]


def test_timing_defaults_are_the_published_ones() -> None:
    t = Timing()
    assert (t.tick_s, t.dt_max_s, t.permit_lease_s, t.operator_lease_s, t.watchdog_age_s) == (0.05, 0.2, 0.15, 0.3, 0.2)
    assert (t.off_c1_s, t.off_c2_s, t.arm_s, t.precheck_s, t.cooldown_max_s) == (0.3, 0.5, 30.0, 10.0, 120.0)
    assert (t.reset_clear_s, t.reset_window_s, t.resets_max, t.pair_s, t.response_s) == (2.0, 600.0, 3, 0.1, 0.3)


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


def test_ticks_that_are_late_again_and_again() -> None:
    rig = Rig().fired(60.0)
    rig.tick(19, 0.08)  # 75 ms is in time
    rig.tick(1, 0.07)
    rig.tick(1, 0.08)
    assert (rig.out.state, rig.out.first_trip) == (State.FIRING, None)
    rig.tick(1, 0.08)
    assert rig.out.first_trip is not None
    assert (rig.out.first_trip.hazard, rig.out.first_trip.monitor) == ("H33", "cadence")
    assert (rig.out.first_trip.value, rig.out.first_trip.limit) == pytest.approx((0.08, 0.075))
    rig.until(State.TRIPPED)
    rig.tick(1)
    assert "clock" not in rig.out.blocked_by


def test_late_ticks_before_ready_keep_from_it_and_one_in_two_is_let_pass() -> None:
    rig = Rig().to(State.SAFE)
    rig.tick(30, 0.08)
    rig.ask(Verb.PREPARE)
    rig.tick(20, 0.08)
    assert (rig.out.state, rig.out.blocked_by) == (State.PRECHECK, ("clock",))
    rig = Rig().fired(60.0)
    for _ in range(60):
        rig.tick(1, 0.08)
        rig.tick(1, 0.02)
    assert rig.out.state is State.FIRING
