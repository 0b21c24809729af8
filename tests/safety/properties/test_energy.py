"""How much energy, until when, on what evidence: I01 to I04, I11 to I19. Expected values are literals."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.config import Limits
from safety.gate import Gate
from safety.kernel import step
from safety.types import Demand, Inputs, Quality, RecordStatus, Sample, State, WatchdogStatus
from tests.safety.properties.bench import ALWAYS, CHANNELS, FIRING, WEIRD, anything, examples, granted, next_inputs
from tests.safety.rig import LIMITS, Rig, config, replace

CAPS = st.floats(0.0, 400.0)
NUMBERS = [math.nan, math.inf, -math.inf]


def spoilt(channel: str, **changes: Any) -> Inputs:
    """The next inputs with one sample changed."""
    inputs, _ = next_inputs(FIRING)
    return replace(inputs, snapshot={**inputs.snapshot, channel: inputs.snapshot[channel]._replace(**changes)})


@examples(100)
@given(anything())
def test_i01_enable_means_firing_and_every_permit(inputs: Inputs) -> None:
    """From random inputs and from random parts of good ones; the search has every state."""
    good, now_s = next_inputs(FIRING)
    mixed = replace(good, snapshot={**good.snapshot, **inputs.snapshot}, faults=inputs.faults, requests=inputs.requests)
    for given_inputs in (inputs, mixed):
        _, out = step(FIRING.config, FIRING.state, given_inputs, now_s)
        assert out.enable is False or (out.state is State.FIRING and out.blocked_by in ((), ("line",)))
        assert out.permit.max_w == 0.0 or (out.enable and out.blocked_by == ())


@examples(50)
@given(CAPS, CAPS, CAPS, CAPS, st.floats(0.0, 1000.0), st.floats(0.0, 400.0))
def test_i02_never_more_than_every_cap_and_the_demand(
    generator_w: float, applicator_w: float, protocol_w: float, operator_w: float, demand_w: float, before_w: float
) -> None:
    named = {"generator": generator_w, "applicator": applicator_w, "protocol": protocol_w, "operator": operator_w}
    layers = (("bench", LIMITS), *((name, Limits(power_w=cap_w)) for name, cap_w in named.items()))
    tight = config(layers=layers)
    out = step(tight, FIRING.state, *next_inputs(FIRING))[1]
    least_w = min(200.0, *named.values())  # 200 W: the bench
    assert out.permit.max_w in (0.0, least_w)
    gate, now_s = Gate(least_w, 1e9), FIRING.now_s + 0.05
    gate.decide(Demand(before_w), out.permit, now_s - 0.05)
    power_w = gate.decide(Demand(demand_w), out.permit, now_s).power_w
    assert 0.0 <= power_w <= min(out.permit.max_w, demand_w)


@examples(100)
@given(st.floats(0.001, 0.2), st.sampled_from(["granted", "expired", "old epoch"]))
def test_i03_a_grant_lasts_150_ms_and_for_its_epoch(wait_s: float, which: str) -> None:
    state, out = step(FIRING.config, FIRING.state, *next_inputs(FIRING))
    now_s = FIRING.now_s + 0.05
    assert out.permit.max_w == 200.0
    assert out.permit.expires_at_s == now_s + 0.15
    assert out.permit.epoch == state.epoch == FIRING.state.epoch
    gate = Gate(200.0, 1e9)
    gate.decide(Demand(50.0), out.permit, now_s)
    late_s = now_s + wait_s
    assert gate.decide(Demand(50.0), out.permit, late_s).power_w == (50.0 if late_s < now_s + 0.15 else 0.0)


TAKEN_AWAY: dict[str, dict[str, Any]] = {
    "foreground_lease_s": {"foreground_lease_s": None},
    "watchdog": {"watchdog": None},
    "record": {"record": None},
    "hash": {"config_hash": "other"},
    "set-point": {"applied_w": math.nan},
    "line": {"watchdog": WatchdogStatus(FIRING.now_s + 0.04, True, False, True)},
    "unready": {"watchdog": WatchdogStatus(FIRING.now_s + 0.04, False, True, True)},
    "full disk": {"record": RecordStatus(FIRING.now_s, False)},
}


@pytest.mark.parametrize("what", [*TAKEN_AWAY, *ALWAYS])
def test_i04_a_permit_that_is_lost_lets_go_in_the_same_output(what: str) -> None:
    inputs, now_s = next_inputs(FIRING)
    lost = replace(inputs, **TAKEN_AWAY[what]) if what in TAKEN_AWAY else spoilt(what, quality=Quality.BAD)
    out = step(FIRING.config, FIRING.state, lost, now_s)[1]
    assert (out.state, out.enable, out.permit.max_w, out.command_off) == (State.STOPPING, False, 0.0, True)
    assert out.blocked_by != ()


def changes(channel: str, value: float, t_s: float) -> Inputs:
    """One channel says something else, then."""
    return spoilt(channel, value=value, t_request_s=t_s)


@examples(200)
@given(st.sampled_from(CHANNELS), st.floats(-50.0, 300.0), st.floats(-1.0, 0.05), st.sampled_from(CHANNELS), WEIRD)
def test_i14_a_number_that_is_none_never_gives_more(
    channel: str, value: float, ago_s: float, other: str, weird: float
) -> None:
    now_s = FIRING.now_s + 0.05
    inputs = changes(channel, value, now_s + ago_s)
    before_w = granted(inputs, now_s)
    for bad in (weird, *NUMBERS):
        worse = {**inputs.snapshot, other: inputs.snapshot[other]._replace(value=bad)}
        if math.isfinite(bad):
            continue
        assert granted(replace(inputs, snapshot=worse), now_s) <= before_w
        assert granted(replace(inputs, applied_w=bad), now_s) <= before_w
        assert granted(replace(inputs, foreground_lease_s=bad), now_s) <= before_w


@examples(200)
@given(st.sampled_from(CHANNELS), st.floats(-50.0, 300.0), st.sets(st.sampled_from(CHANNELS)), st.floats(0.0, 2.0))
def test_i15_a_sample_that_is_gone_or_older_never_gives_more(
    channel: str, value: float, gone: set[str], older_s: float
) -> None:
    now_s = FIRING.now_s + 0.05
    inputs = changes(channel, value, now_s - 0.01)
    before_w = granted(inputs, now_s)
    rest = {name: sample for name, sample in inputs.snapshot.items() if name not in gone}
    assert granted(replace(inputs, snapshot=rest), now_s) <= before_w
    aged = {
        name: sample._replace(t_request_s=sample.t_request_s - older_s * (name in gone))
        for name, sample in inputs.snapshot.items()
    }
    assert granted(replace(inputs, snapshot=aged), now_s) <= before_w
    assert granted(replace(inputs, foreground_lease_s=now_s - older_s), now_s) <= before_w


LIMITED = {
    "tip_c": ("tc.tip_c", 25.0, 60.0),
    "tissue_c": ("tc.tissue_10mm_c", 25.0, 115.0),
    "coolant_c": ("tc.coolant_in_c", 25.0, 35.0),
}


@examples(15)
@given(st.sampled_from(sorted(LIMITED)), st.floats(0.0, 1.0), st.floats(2.0, 20.0))
def test_i16_a_tighter_limit_never_gives_more_nor_trips_later(name: str, share: float, c_per_s: float) -> None:
    channel, low, high = LIMITED[name]
    tight = Limits(**{name: low + share * (high - low)})
    trips_s = []
    for layers in ((("bench", LIMITS),), (("bench", LIMITS), ("operator", tight))):
        rig = Rig(config(layers=layers)).fired(60.0)
        begun_s = rig.now_s
        while rig.out.state is State.FIRING and rig.now_s < begun_s + 60.0:
            rig.override[channel] = 22.0 + c_per_s * (rig.now_s - begun_s)
            rig.tick()
            assert rig.out.permit.max_w <= 200.0
        assert rig.out.first_trip is not None
        trips_s.append(rig.now_s - begun_s)
    assert trips_s[1] <= trips_s[0]


@given(st.floats(0.0, 250.0))
def test_i16_less_power_allowed_is_less_power_granted(power_w: float) -> None:
    tighter = config(layers=(("bench", LIMITS), ("operator", Limits(power_w=power_w))))
    assert step(tighter, FIRING.state, *next_inputs(FIRING))[1].permit.max_w in (0.0, min(power_w, 200.0))


@examples(50)
@given(st.permutations(CHANNELS))
def test_i17_the_order_of_samples_does_not_matter(order: list[str]) -> None:
    inputs, now_s = next_inputs(FIRING)
    shuffled = replace(inputs, snapshot={name: inputs.snapshot[name] for name in order})
    assert step(FIRING.config, FIRING.state, shuffled, now_s) == step(FIRING.config, FIRING.state, inputs, now_s)


@given(st.lists(st.tuples(WEIRD, WEIRD, st.floats(-1.0, 1.0)), min_size=1, max_size=20))
@examples(60)
def test_i12_integrals_never_fall_and_never_wrap(trace: list[tuple[float, float, float]]) -> None:
    inputs, now_s = next_inputs(FIRING)
    state = FIRING.state.fork()
    state.energy_j = 1e12 - 1.0
    energy_j, on_time_s = state.energy_j, state.on_time_s
    for measured_w, applied_w, dt_s in trace:
        meters = {"gen.power_w": Sample("gen.power_w", measured_w, now_s - 0.01)}
        now_s += dt_s
        changed = replace(inputs, snapshot={**inputs.snapshot, **meters}, applied_w=applied_w)
        state, out = step(FIRING.config, state, changed, now_s)
        assert energy_j <= out.energy_j <= 1e12
        assert on_time_s <= out.on_time_s <= 1e12
        energy_j, on_time_s = out.energy_j, out.on_time_s


@pytest.mark.parametrize("channel", ALWAYS)
@pytest.mark.parametrize("ahead_s", [1e-6, 0.5, 1e9])
def test_i13_what_is_dated_in_the_future_is_stale(channel: str, ahead_s: float) -> None:
    now_s = FIRING.now_s + 0.05
    out = step(FIRING.config, FIRING.state, spoilt(channel, t_request_s=now_s + ahead_s), now_s)[1]
    assert out.first_trip is not None
    assert (out.first_trip.hazard, out.first_trip.channel) == ("H15", channel)


@given(st.floats(0.0, 1e9))
def test_i13_time_that_stands_or_runs_back_is_a_trip(back_s: float) -> None:
    inputs, _ = next_inputs(FIRING)
    out = step(FIRING.config, FIRING.state, inputs, FIRING.now_s - back_s)[1]
    assert out.first_trip is not None
    assert (out.first_trip.hazard, out.enable, out.permit.max_w) == ("H30", False, 0.0)


@pytest.mark.parametrize("parts", [1, 2, 5, 10])
def test_i19_splitting_a_tick_does_not_change_the_energy(parts: int) -> None:
    inputs, end_s = next_inputs(FIRING)
    state = FIRING.state
    for k in range(1, parts + 1):
        state, out = step(FIRING.config, state, inputs, FIRING.now_s + (end_s - FIRING.now_s) * k / parts)
    assert out.energy_j - FIRING.state.energy_j == pytest.approx(3.0, rel=1e-3)  # 60 W for 50 ms


@pytest.mark.parametrize("tick_s", [0.05, 0.025, 0.0125])
@pytest.mark.parametrize(
    "channel, value, hazard",
    [
        ("tc.tip_c", 70.0, "H45"),
        ("gen.impedance_ohm", 1000.0, "H50"),
        ("flow.flow_ml_min", 10.0, "H38"),
        ("gen.forward_power_w", 150.0, "H02"),
        ("inputs.estop_a_closed", 0.0, "H67"),
    ],
)
def test_i19_a_faster_tick_trips_as_well(tick_s: float, channel: str, value: float, hazard: str) -> None:
    rig = Rig(tick_s=tick_s).fired(60.0)
    begun_s = rig.now_s
    rig.override[channel] = value
    while rig.out.first_trip is None:
        rig.tick()
        assert rig.now_s < begun_s + 1.0
    assert rig.out.first_trip.hazard == hazard


@pytest.mark.parametrize("channel", ALWAYS)
def test_i21_an_answer_that_is_heard_again_grows_old(channel: str) -> None:
    """However often it is delivered, and after whatever newer one: a sample is as old as its request."""
    rig = Rig().fired(60.0)
    held = rig.snapshot[channel]
    rig.mangle = lambda inputs: replace(inputs, snapshot={**inputs.snapshot, channel: held})
    while rig.out.first_trip is None:
        rig.tick()
        assert rig.now_s - held.t_request_s < 1.0
    assert (rig.out.first_trip.hazard, rig.out.first_trip.channel) == ("H15", channel)
    limit_s = 0.8 if channel.startswith("tc.") else 0.25
    assert limit_s < rig.out.first_trip.age_s <= limit_s + 0.05 + 1e-9


@examples(100)
@given(anything())
def test_i26_whatever_trips_both_ways_off_are_told(inputs: Inputs) -> None:
    good, now_s = next_inputs(FIRING)
    mixed = replace(good, snapshot={**good.snapshot, **inputs.snapshot}, faults=inputs.faults, requests=inputs.requests)
    out = step(FIRING.config, FIRING.state, mixed, now_s)[1]
    assert (out.command_off, out.enable) == ((False, True) if out.state is State.FIRING else (True, False))
    assert out.state is State.STOPPING or not out.new_trips
