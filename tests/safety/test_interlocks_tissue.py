"""Interlocks of tissue, applicator and impedance on the whole kernel: first cause, time, and what must not trip."""

from __future__ import annotations

import pytest

from safety.config import HeatingRule
from safety.types import State, Verb
from tests.safety.rig import Rig, config, quiet, replace, trip_of


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


def test_energy_that_nobody_feels() -> None:
    rule = HeatingRule("tc.tissue_10mm_c", 500.0, 3.0)
    rig = Rig(config(heating=(rule,))).fired(60.0, 3.0)
    trip, _ = trip_of(rig, 10.0)
    assert (trip.hazard, trip.monitor) == ("H64", "heating_response")
    rig = Rig(config(heating=(rule,))).fired(60.0, 3.0)
    rig.values["tc.tissue_10mm_c"] = 27.0
    quiet(rig, 20.0)


def test_tissue_sensors_that_disagree_keep_from_ready() -> None:
    rig = Rig().to(State.SAFE)
    rig.values["tc.tissue_20mm_c"] = 33.0
    rig.ask(Verb.PREPARE)
    rig.tick(40)
    assert (rig.out.state, rig.out.blocked_by) == (State.PRECHECK, ("agree",))
