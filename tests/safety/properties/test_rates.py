"""How often the kernel looks, and what a bench that is well says meanwhile: I19 and I30, over drawn traces."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.kernel import KernelState, step
from safety.types import Inputs, Origin, Quality, Sample, State, Trip, Verb
from tests.safety.properties.bench import ALWAYS, FIRING, again, examples, next_inputs
from tests.safety.rig import Rig, replace

# ---- I19

METERS = ("gen.power_w", "gen.forward_power_w", "gen.setpoint_w")
PIECES = st.lists(
    st.tuples(st.floats(40.0, 150.0), st.floats(0.9, 1.1), st.floats(0.02, 0.15)), min_size=1, max_size=15
)


@examples(150)
@given(PIECES, st.integers(2, 12))
def test_i19_however_ticks_are_split_the_energy_is_the_same(
    pieces: list[tuple[float, float, float]], parts: int
) -> None:
    """Power that is measured about as it was set, in steps; what is counted is the larger of both, for its time."""
    true_j, energy_j = 0.0, []
    for n in (1, parts):
        state, now_s, true_j = FIRING.state, FIRING.now_s, 0.0
        inputs, _ = next_inputs(FIRING)
        for applied_w, share, dt_s in pieces:
            begun_s = now_s
            said = {name: sample._replace(t_request_s=begun_s) for name, sample in inputs.snapshot.items()}
            watts = dict(zip(METERS, (applied_w * share, applied_w * share, applied_w), strict=True))
            said |= {name: Sample(name, value, begun_s) for name, value in watts.items()}
            for k in range(1, n + 1):
                now_s = begun_s + dt_s * k / n
                fresh = replace(next_inputs(FIRING)[0], snapshot=said, applied_w=applied_w, applied_t_s=begun_s)
                state, out = step(FIRING.config, state, lively(fresh, now_s), now_s)
            true_j += max(1.0, share) * applied_w * dt_s
        assert out.first_trip is None
        energy_j.append(out.energy_j - FIRING.state.energy_j)
    assert energy_j[0] == pytest.approx(true_j, rel=1e-9)
    assert energy_j[1] == pytest.approx(energy_j[0], rel=1e-3)


def lively(inputs: Inputs, now_s: float) -> Inputs:
    """The hand, the watchdog and the record of just now."""
    assert inputs.watchdog is not None
    assert inputs.record is not None
    return replace(
        inputs,
        foreground_lease_s=now_s,
        watchdog=inputs.watchdog._replace(t_s=now_s),
        record=inputs.record._replace(t_durable_s=now_s),
    )


def traced(channel: str, value: float, how: str, ticks: int, gen_gain: float) -> tuple[Rig, list[tuple[Inputs, float]]]:
    """What a firing bench was told, tick by tick, while a channel said something else or nothing."""
    rig, told = again(FIRING), []
    rig.mangle = lambda inputs: told.append((inputs, rig.now_s)) or inputs  # type: ignore[func-returns-value]
    rig.gen_gain = gen_gain
    rig.tick(2)
    if how == "silent":
        rig.silent.add(channel)
    elif how == "bad":
        rig.quality[channel] = Quality.BAD
    else:
        rig.override[channel] = value
    rig.tick(ticks)
    rig.override.clear()
    rig.silent.clear()
    rig.quality.clear()
    rig.tick(8)
    return rig, told


def trip_in(told: list[tuple[Inputs, float]], parts: int) -> list[Trip | None]:
    """The first trip by the end of each of these ticks, each of them split; a sample is there from its request on."""
    state: KernelState = FIRING.state
    before, then_s = next_inputs(FIRING)[0], FIRING.now_s
    found = []
    for inputs, now_s in told:
        for k in range(1, parts):
            at_s = then_s + (now_s - then_s) * k / parts
            come = {name: sample for name, sample in inputs.snapshot.items() if sample.t_request_s <= at_s}
            between = replace(before, snapshot={**before.snapshot, **come})
            state, _ = step(FIRING.config, state, lively(between, at_s), at_s)
        state, out = step(FIRING.config, state, inputs, now_s)
        found.append(out.first_trip)
        before, then_s = inputs, now_s
    return found


@examples(60)
@given(
    st.sampled_from([*ALWAYS, "gen.impedance_ohm"]),
    st.one_of(st.floats(-50.0, 300.0), st.sampled_from([0.0, 1.0, 5000.0, math.nan])),
    st.sampled_from(["says", "says", "says", "silent", "bad"]),
    st.integers(1, 50),
    st.sampled_from([1.0, 1.0, 0.3, 1.6]),
    st.integers(2, 5),
)
def test_i19_no_trip_is_taken_away_by_a_faster_tick(
    channel: str, value: float, how: str, ticks: int, gen_gain: float, parts: int
) -> None:
    rig, told = traced(channel, value, how, ticks, gen_gain)
    slow, fast = trip_in(told, 1), trip_in(told, parts)
    assert slow[-1] == rig.out.first_trip
    for one, other in zip(slow, fast, strict=True):
        assert one is None or other is not None
        if one is not None and other is not None:
            assert other.t_s <= one.t_s


# ---- I30


@examples(8)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.5, 1.5),
    st.floats(0.0, 0.3),
    st.floats(30.0, 120.0),
    st.floats(0.0, 4.0),
    st.floats(110.0, 250.0),
    st.integers(20, 300),
)
def test_i30_a_bench_that_is_well_never_trips(
    seed: int, noise: float, jitter: float, begin_w: float, ramp_w_per_s: float, rolloff_ohm: float, pause: int
) -> None:
    """A minute of ramps, each until its roll-off and with a pause behind it, with noise and with polls that come early
    and late; then the protocol's end, cool-down and rest."""
    rig = Rig(seed=seed)
    rig.noise, rig.jitter = noise, jitter
    rig.to(State.FIRING)
    paused, demand_w, rolloffs = 0, begin_w, 0
    for k in range(1200):
        t_s = k * 0.05
        rig.values["tc.tissue_10mm_c"] = 22.0 + 60.0 * (1.0 - math.exp(-t_s / 60.0))
        rig.values["tc.tissue_20mm_c"] = 21.5 + 20.0 * (1.0 - math.exp(-t_s / 90.0))
        rig.values["tc.tip_c"] = 21.0 + rig.output_w / 20.0
        if paused:
            paused -= 1
            rig.load_ohm = max(80.0, rig.load_ohm - 2.0)
        elif rig.load_ohm > rolloff_ohm:
            paused, demand_w, rolloffs = pause, begin_w, rolloffs + 1
        else:
            demand_w = min(demand_w + 0.05 * ramp_w_per_s, 160.0)
            rig.load_ohm *= 1.0 + 0.0008 * demand_w / 60.0 + (0.02 if rig.load_ohm > 105.0 else 0.0)
        rig.demand_w = 0.0 if paused else demand_w
        out = rig.tick()
        assert (out.state, out.first_trip) == (State.FIRING, None), t_s
        assert out.permit.max_w == 200.0 or k == 0
    assert rolloffs > 0
    rig.ask(Verb.COMPLETE, Origin.PROTOCOL)
    rig.until(State.COOLDOWN)
    rig.until(State.SAFE)
    assert {"trip", "alarm", "refused"}.isdisjoint(rig.kinds())
