"""Interlocks of clock, daemon, watchdog, enable line, record and budgets on the whole kernel: first cause and time."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from safety.config import Limits, Timing
from safety.types import Fault, Origin, State, Verb
from tests.safety.rig import LIMITS, Rig, config, replace, trip_of

# ---- clock and daemon


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


def test_timing_defaults_are_the_published_ones() -> None:
    t = Timing()
    assert (t.tick_s, t.dt_max_s, t.permit_lease_s, t.operator_lease_s, t.watchdog_age_s) == (0.05, 0.2, 0.15, 0.3, 0.2)
    assert (t.off_c1_s, t.off_c2_s, t.arm_s, t.precheck_s, t.cooldown_max_s) == (0.3, 0.5, 30.0, 10.0, 120.0)
    assert (t.reset_clear_s, t.reset_window_s, t.resets_max, t.pair_s, t.response_s) == (2.0, 600.0, 3, 0.1, 0.3)


# ---- watchdog and enable line


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


# ---- record and budgets


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
