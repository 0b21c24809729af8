"""Numbers within bounds, doses below their limits: first cause, time, and the value just inside that must not trip."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import pytest

from safety.config import ChannelRule, Config, HeatingRule, Judged, Limits, PairRule
from safety.monitors.base import TRIP, Debounce, Finding, View
from safety.monitors.bounds import BoundRule, Bounds, DoseRule, Doses, Reading
from safety.types import State, Verb
from tests.safety.rig import CHANNELS, LIMITS, ROLES, Rig, config, quiet, replace, trip_of

EXTRA = (
    ChannelRule("gen.reverse_power_w", -5.0, 300.0),
    ChannelRule("gen.frequency_hz", 0.0, 1e10, 0.5, judged=Judged.SEEN),
    *(ChannelRule(f"tc.{name}_c", -50.0, 200.0, 0.8) for name in ("shaft", "connector", "nerve", "a", "b")),
)
REST = {
    "gen.reverse_power_w": 0.0,
    "gen.frequency_hz": 2.45e9,
    **dict.fromkeys(("tc.shaft_c", "tc.connector_c", "tc.nerve_c", "tc.a_c", "tc.b_c"), 22.0),
}


def bench(*, limits: Limits | None = None, modality: str = "rf", **changes: Any) -> Config:
    """The reference bench with every optional sensor."""
    roles = replace(
        ROLES,
        reverse="gen.reverse_power_w",
        frequency="gen.frequency_hz",
        shaft="tc.shaft_c",
        critical=("tc.nerve_c",),
        cable=("tc.connector_c",),
        impedance=ROLES.impedance if modality == "rf" else None,
    )
    plain = tuple(replace(rule, noise_floor=None, max_rate=None) for rule in (*CHANNELS, *EXTRA))
    layers = (("generator", Limits(power_w=300.0)), ("bench", LIMITS), ("more", limits or Limits()))
    return config(**{"channels": plain, "roles": roles, "layers": layers, "modality": modality, **changes})


def rig_of(cfg: Config) -> Rig:
    rig = Rig(cfg)
    rig.values.update(REST)
    return rig


# ---- temperatures with limits of their own


@pytest.mark.parametrize(
    "channel, inside, outside, hazard",
    [
        ("tc.shaft_c", 50.0, 50.01, "H45"),
        ("tc.connector_c", 60.0, 60.01, "H55"),
        ("tc.nerve_c", 41.0, 45.01, "H46"),
    ],
)
def test_every_place_has_its_own_limit(channel: str, inside: float, outside: float, hazard: str) -> None:
    rig = rig_of(bench(limits=Limits(shaft_c=50.0))).fired(60.0)
    rig.override[channel] = inside
    quiet(rig, 3.0)
    rig.override[channel] = outside
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.channel, trip.value) == (hazard, "over_temperature", channel, outside)
    assert after <= 0.51


def test_what_was_too_hot_counts_until_it_is_two_degrees_below() -> None:
    rig = rig_of(bench()).fired(60.0)
    rig.override["tc.connector_c"] = 60.1
    trip_of(rig)
    rig.until(State.TRIPPED)
    rig.tick(20)
    rig.override["tc.connector_c"] = 58.1
    rig.tick(20)
    assert "temperature" in rig.out.blocked_by
    rig.override["tc.connector_c"] = 58.0
    rig.tick(20)
    assert "temperature" not in rig.out.blocked_by


@pytest.mark.parametrize(
    "temperature_c, seconds",
    [(43.0, (60.0, 60.4)), (44.0, (30.0, 30.4)), (45.0, (15.0, 15.4)), (42.0, (240.0, 240.6))],
)
def test_a_thermal_dose_trips(temperature_c: float, seconds: tuple[float, float]) -> None:
    rig = rig_of(bench()).fired(60.0, 0.5)
    rig.override["tc.nerve_c"] = temperature_c
    trip, after = trip_of(rig, 300.0)
    assert (trip.hazard, trip.monitor, trip.limit) == ("H46", "thermal_dose", 60.0)
    assert seconds[0] <= after <= seconds[1]
    rig.until(State.TRIPPED)
    rig.tick(50)
    assert "temperature" not in rig.out.blocked_by  # what has been is no reason not to reset


def test_a_dose_of_nonsense_is_no_failure_of_the_kernel() -> None:
    rig = rig_of(bench()).fired(60.0)
    rig.override["tc.nerve_c"] = 1e9
    trip_of(rig)
    rig.until(State.TRIPPED)


def test_below_39_degrees_is_no_dose() -> None:
    rig = rig_of(bench(limits=Limits(critical_cem43_s=0.02))).fired(60.0, 0.5)
    rig.override["tc.nerve_c"] = 38.9
    quiet(rig, 20.0)
    rig.override["tc.nerve_c"] = 39.0
    assert trip_of(rig, 20.0)[0].monitor == "thermal_dose"


def test_a_dose_begins_anew_with_the_next_application() -> None:
    rig = rig_of(bench())
    rig.override["tc.nerve_c"] = 43.0
    for _ in range(2):
        rig.fired(60.0, 40.0)
        rig.demand_w = 0.0
        rig.ask(Verb.STOP)
        rig.until(State.SAFE)


# ---- sensors of one place


def test_a_pair_that_comes_apart_trips_after_a_second() -> None:
    rig = rig_of(bench(pairs=(PairRule(("tc.a_c", "tc.b_c"), 3.0, 5.0),))).fired(60.0)
    rig.override["tc.b_c"] = 17.0
    quiet(rig, 5.0)
    rig.override["tc.b_c"] = 16.9
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.channel) == ("H61", "pair", "tc.a_c")
    assert trip.value == pytest.approx(5.1)
    assert 1.0 <= after <= 1.5


def test_a_pair_that_is_apart_at_rest_keeps_from_ready() -> None:
    rig = rig_of(bench(pairs=(PairRule(("tc.a_c", "tc.b_c"), 3.0, 5.0),))).to(State.SAFE)
    rig.override["tc.b_c"] = 18.9
    rig.ask(Verb.PREPARE)
    rig.tick(40)
    assert (rig.out.state, rig.out.blocked_by) == (State.PRECHECK, ("agree",))
    rig.override["tc.b_c"] = 19.0
    rig.until(State.READY)


def test_sensors_that_were_never_read_are_apart_from_nothing() -> None:
    rig = rig_of(bench()).to(State.SAFE)
    for channel in ("tc.tissue_10mm_c", "tc.tissue_20mm_c"):
        del rig.snapshot[channel]
        rig.silent.add(channel)
    rig.ask(Verb.PREPARE)
    rig.tick(40)
    assert (rig.out.state, rig.out.blocked_by) == (State.PRECHECK, ("stale",))


# ---- energy that must be felt


def test_a_sensor_that_falls_out_in_the_middle_trips() -> None:
    """It was warm; now it reads the room, 1.9 C above its start."""
    rig = rig_of(bench(heating=(HeatingRule("tc.a_c", 500.0, 2.0),))).fired(60.0, 3.0)
    rig.override["tc.a_c"] = 24.0
    quiet(rig, 20.0)
    rig.override["tc.a_c"] = 23.9
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.limit) == ("H64", "heating_response", 2.0)
    assert trip.value == pytest.approx(1.9)
    assert after <= 0.51


def test_nothing_is_felt_while_nothing_flows() -> None:
    rig = rig_of(bench(heating=(HeatingRule("tc.a_c", 500.0, 2.0),))).fired(60.0, 3.0)
    rig.override["tc.a_c"] = 30.0
    quiet(rig, 10.0)
    rig.demand_w = 0.0
    rig.tick(10)
    rig.override["tc.a_c"] = 22.5
    quiet(rig, 10.0)


# ---- return electrodes


@pytest.mark.parametrize("pads, limit_a2s, seconds", [(1, 30.0, (40.0, 41.2)), (2, 12.0, None)])
def test_the_current_of_a_minute_stops_an_application(
    pads: int, limit_a2s: float, seconds: tuple[float, float] | None
) -> None:
    """60 W less 5.3 % into 80 ohm: 0.71 A2, 0.18 in each of two: 30 A2s after 42 s, or 10.8 in any 61 s."""
    rig = rig_of(bench(pads=pads, limits=Limits(pad_a2s=limit_a2s))).fired(60.0)
    start = rig.now_s
    if seconds is None:
        quiet(rig, 90.0)
        return
    rig.until(State.STOPPING, 60.0)
    assert seconds[0] <= rig.now_s - start <= seconds[1]
    assert rig.out.first_trip is None
    assert "each return electrode took 30.0 A2s in a minute" in str(rig.out.events)


def test_a_hot_return_electrode_keeps_from_ready_until_the_minute_is_over() -> None:
    rig = rig_of(bench(pads=1)).fired(60.0)
    rig.until(State.STOPPING, 60.0)
    rig.until(State.SAFE)
    rig.ask(Verb.PREPARE)
    rig.tick(20)
    assert (rig.out.state, rig.out.blocked_by) == (State.PRECHECK, ("pads",))


def test_more_than_a_minute_ago_does_not_count() -> None:
    """0.47 A2 is 28.9 A2s in any 61 s; 0.5 A2 reaches 30 within the first minute."""
    rig = rig_of(bench(pads=1)).fired(40.0)
    quiet(rig, 180.0)
    rig.demand_w = 43.0
    rig.until(State.STOPPING, 70.0)


# ---- the mechanism


@pytest.mark.parametrize(
    "readings, fires",
    [
        ([(0.0, 9.0), (0.05, 9.0), (0.1, 9.0)], True),
        ([(0.0, 9.0), (0.05, 9.0), (0.1, 1.0)], False),  # two of three, 0.1 s old; but what is judged now is well
        ([(0.0, 9.0), None, (5.0, 9.0)], False),  # nothing to judge ends a spell
        ([(0.0, 5.0), (0.05, 5.0), (0.1, 5.0)], False),
        ([(0.0, 0.0), (0.05, 0.0), (0.1, 0.0)], False),
    ],
)
def test_a_spell(readings: list[Reading | None], fires: bool) -> None:
    left = iter(readings)
    who = ("impedance", "H50", "impedance_high", "x", lambda view: next(left))
    monitor = Bounds([BoundRule(*who, 0.0, 5.0, Debounce(2, 3, 0.1), "{value} {limit}", "")])
    memory, found = monitor.start(), list[Finding]()
    for _ in readings:
        memory, now = monitor.update(memory, cast(View, SimpleNamespace(state=State.FIRING, now_s=5.0)))
        found += now
    assert bool(found) is fires


def test_a_clock_that_goes_back_takes_nothing_from_a_dose() -> None:
    who = ("temperature", TRIP, "H46", "thermal_dose", "x", lambda view: 1.0)
    monitor = Doses([DoseRule(*who, 2.0, math.inf, "{value} {limit}", "")])
    memory, values = monitor.start(), list[float]()
    for dt_s in (1.0, 1.0, -5.0, None, 0.5):
        view = cast(View, SimpleNamespace(state=State.FIRING, now_s=5.0, dt_s=dt_s))
        memory, found = monitor.update(memory, view)
        values += [finding.value for finding in found]
    assert values == [2.5]
