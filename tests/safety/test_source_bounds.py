"""What comes back to the source, a reflectometer that lies, a frequency that is off: cause, time, and what must not
trip.
"""

from __future__ import annotations

import pytest

from safety.config import Judged, Limits
from safety.types import Quality, State, Verb
from tests.safety.rig import CHANNELS, Rig, quiet, replace, trip_of
from tests.safety.test_bounds import EXTRA, bench, rig_of


def source_says(rig: Rig, **values: float) -> None:
    rig.override.update({f"gen.{name}": value for name, value in values.items()})


# ---- what comes back


def test_half_of_forward_power_coming_back_trips_on_microwaves() -> None:
    rig = rig_of(bench(modality="microwave")).fired(60.0)
    source_says(rig, forward_power_w=60.0, reverse_power_w=30.0)
    quiet(rig, 3.0)
    source_says(rig, forward_power_w=60.0, reverse_power_w=30.1)
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.channel, trip.limit) == ("H53", "reflected", "gen.reverse_power_w", 0.5)
    assert trip.value == pytest.approx(0.50167, abs=1e-5)
    assert after <= 0.16


def test_one_reading_of_a_bad_match_passes() -> None:
    rig = rig_of(bench(modality="microwave")).fired(60.0)
    source_says(rig, forward_power_w=60.0, reverse_power_w=50.0)
    rig.tick()
    source_says(rig, forward_power_w=60.0, reverse_power_w=3.0)
    quiet(rig, 1.0)


def test_one_bad_reading_beside_three_of_forward_power_is_one() -> None:
    rig = rig_of(bench(modality="microwave")).fired(60.0)
    source_says(rig, reverse_power_w=50.0)
    rig.tick()
    rig.silent.add("gen.reverse_power_w")
    rig.tick(3)
    rig.silent.clear()
    source_says(rig, reverse_power_w=3.0)
    quiet(rig, 1.0)


def test_no_forward_power_is_no_share() -> None:
    rig = rig_of(bench(modality="microwave")).fired(60.0)
    source_says(rig, forward_power_w=0.0, power_w=60.0)
    quiet(rig, 0.5)


def test_while_power_comes_up_two_meters_are_not_believed_together() -> None:
    rig = rig_of(bench(modality="microwave")).to(State.FIRING)
    source_says(rig, reverse_power_w=60.0)
    rig.demand_w = 60.0
    while rig.snapshot["gen.forward_power_w"].value < 5.0:
        rig.tick()
    rig.tick()
    source_says(rig, reverse_power_w=0.0)
    quiet(rig, 1.0)


def test_a_bad_match_from_the_first_watt_on_trips_within_a_quarter_of_a_second() -> None:
    rig = rig_of(bench(modality="microwave")).to(State.FIRING)
    source_says(rig, reverse_power_w=60.0)
    rig.demand_w = 60.0
    while rig.snapshot["gen.forward_power_w"].value < 5.0:
        rig.tick()
    trip, after = trip_of(rig)
    assert trip.hazard == "H53"
    assert 0.1 <= after <= 0.26


@pytest.mark.parametrize("watts, trips", [(12.0, False), (12.1, True)])
def test_reflected_watts_have_a_limit_of_their_own(watts: float, trips: bool) -> None:
    rig = rig_of(bench(limits=Limits(reflected_w=12.0))).fired(60.0)
    source_says(rig, reverse_power_w=watts)
    if not trips:
        quiet(rig, 3.0)
    else:
        trip, _ = trip_of(rig)
        assert (trip.hazard, trip.monitor, trip.value, trip.limit) == ("H53", "reflected", 12.1, 12.0)


def test_a_mismatch_on_radio_frequency_is_the_impedance_s_matter() -> None:
    rig = rig_of(bench()).fired(60.0)
    source_says(rig, reverse_power_w=50.0)
    quiet(rig, 3.0)


def test_a_reading_of_before_or_in_doubt_is_no_mismatch() -> None:
    rig = rig_of(bench(modality="microwave")).fired(60.0)
    source_says(rig, reverse_power_w=55.0)
    rig.quality["gen.reverse_power_w"] = Quality.UNCERTAIN
    trip, _ = trip_of(rig)
    assert (trip.hazard, trip.channel) == ("H56", "gen.reverse_power_w")


# ---- a reflectometer that lies


def test_power_that_comes_back_at_rest_is_a_lie() -> None:
    rig = rig_of(bench()).to(State.SAFE)
    rig.override["gen.reverse_power_w"] = 1.1
    rig.ask(Verb.PREPARE)
    rig.tick(40)
    assert (rig.out.state, rig.out.blocked_by) == (State.PRECHECK, ("reflected",))
    rig.override["gen.reverse_power_w"] = 1.0
    rig.until(State.READY)
    rig.tick(10)
    rig.override["gen.reverse_power_w"] = 1.1
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.value, trip.limit) == ("H54", "reflectometer", 1.1, 1.0)
    assert after <= 0.16


def test_less_than_ever_comes_back_is_a_dead_detector() -> None:
    rig = rig_of(bench(modality="microwave", limits=Limits(reflected_least_share=0.02))).fired(120.0)
    source_says(rig, forward_power_w=120.0, reverse_power_w=1.9)
    quiet(rig, 8.0)
    source_says(rig, forward_power_w=120.0, reverse_power_w=0.0)
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.limit) == ("H54", "reflectometer", 0.02)
    assert trip.value == pytest.approx(0.0041667, abs=1e-6)
    assert 2.5 <= after <= 2.8


def test_half_a_watt_that_a_meter_rounds_away_is_not_missed() -> None:
    rig = rig_of(bench(modality="microwave", limits=Limits(reflected_least_share=0.02))).fired(25.0)
    source_says(rig, forward_power_w=25.0)
    quiet(rig, 8.0)
    source_says(rig, forward_power_w=25.1)
    assert trip_of(rig)[0].monitor == "reflectometer"


def test_a_meter_that_fell_silent_and_is_not_needed_says_nothing() -> None:
    seen = tuple(replace(r, judged=Judged.SEEN) if r.channel == "gen.reverse_power_w" else r for r in EXTRA)
    plain = tuple(replace(rule, noise_floor=None, max_rate=None) for rule in (*CHANNELS, *seen))
    cfg = bench(modality="microwave", limits=Limits(reflected_least_share=0.02), channels=plain)
    rig = rig_of(cfg).fired(120.0, 0.5)
    rig.silent.add("gen.reverse_power_w")
    quiet(rig, 8.0)


# ---- frequency


@pytest.mark.parametrize("edge_hz, beyond_hz", [(2.44e9, 2.4399e9), (2.46e9, 2.4601e9)])
def test_a_frequency_outside_its_band_trips(edge_hz: float, beyond_hz: float) -> None:
    rig = rig_of(bench(band_hz=(2.44e9, 2.46e9))).fired(60.0)
    rig.override["gen.frequency_hz"] = edge_hz
    quiet(rig, 3.0)
    rig.override["gen.frequency_hz"] = beyond_hz
    trip, after = trip_of(rig)
    assert (trip.hazard, trip.monitor, trip.value, trip.limit) == ("H13", "frequency", beyond_hz, edge_hz)
    assert 0.1 <= after <= 0.26


def test_the_frequency_of_a_silent_output_means_nothing() -> None:
    rig = rig_of(bench(band_hz=(2.44e9, 2.46e9))).fired(60.0)
    rig.demand_w = 0.0
    rig.tick(10)
    rig.override["gen.frequency_hz"] = 0.0
    quiet(rig, 3.0)
