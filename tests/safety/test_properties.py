"""Properties over all inputs that the hazard table names; :mod:`tests.safety.properties` has the others by their id."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety.config import Limits
from safety.kernel import adopt, initial, step
from safety.types import (
    Inputs,
    Quality,
    State,
    Trip,
)
from tests.safety.properties.bench import ALWAYS, CHANNELS, FIRING, WEIRD, anything, granted, next_inputs
from tests.safety.rig import LIMITS, Rig, config, replace


def test_the_healthy_bench_is_allowed_its_power() -> None:
    assert granted(*next_inputs(FIRING)) == 200.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("channel", [c for c in CHANNELS if c != "gen.heatsink_c"])
def test_no_number_anywhere_is_no_energy(channel: str, bad: float) -> None:
    inputs, now_s = next_inputs(FIRING)
    snapshot = {**inputs.snapshot, channel: inputs.snapshot[channel]._replace(value=bad)}
    assert granted(replace(inputs, snapshot=snapshot), now_s) == 0.0
    snapshot = {**inputs.snapshot, channel: inputs.snapshot[channel]._replace(t_request_s=bad)}
    if channel != "gen.impedance_ohm":
        assert granted(replace(inputs, snapshot=snapshot), now_s) == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_no_number_in_the_other_inputs_is_no_energy(bad: float) -> None:
    inputs, now_s = next_inputs(FIRING)
    assert inputs.watchdog is not None
    assert inputs.record is not None
    assert granted(replace(inputs, applied_w=bad), now_s) == 0.0
    assert granted(replace(inputs, foreground_lease_s=bad), now_s) == 0.0
    assert granted(replace(inputs, watchdog=inputs.watchdog._replace(t_s=bad)), now_s) == 0.0
    assert granted(replace(inputs, record=inputs.record._replace(t_durable_s=bad)), now_s) == 0.0
    assert granted(inputs, bad) == 0.0


@given(WEIRD)
def test_a_flow_that_is_due_only_ever_tightens(due_ml_min: float) -> None:
    rig = copy.deepcopy(FIRING)
    rig.mangle = lambda inputs: replace(inputs, flow_due_ml_min=due_ml_min)
    rig.tick(8)
    assert (rig.out.permit.max_w == 200.0) is (due_ml_min <= 70.0) or 70.0 < due_ml_min < 90.0  # about 80 flow


@pytest.mark.parametrize("field", ["foreground_lease_s", "watchdog", "record"])
def test_absence_of_evidence_is_no_energy(field: str) -> None:
    inputs, now_s = next_inputs(FIRING)
    nothing: dict[str, Any] = {field: None}
    assert granted(replace(inputs, **nothing), now_s) == 0.0


@pytest.mark.parametrize("channel", ALWAYS)
def test_a_missing_bad_or_future_sample_is_no_energy(channel: str) -> None:
    inputs, now_s = next_inputs(FIRING)
    rest = {k: v for k, v in inputs.snapshot.items() if k != channel}
    assert granted(replace(inputs, snapshot=rest), now_s) == 0.0
    for quality in (Quality.BAD, Quality.UNCERTAIN):
        spoilt = {**inputs.snapshot, channel: inputs.snapshot[channel]._replace(quality=quality)}
        assert granted(replace(inputs, snapshot=spoilt), now_s) == 0.0
    future = {**inputs.snapshot, channel: inputs.snapshot[channel]._replace(t_request_s=now_s + 0.001)}
    assert granted(replace(inputs, snapshot=future), now_s) == 0.0


@settings(max_examples=150)
@given(anything(), WEIRD, st.sampled_from(["fresh", "firing"]))
def test_the_step_is_total_pure_and_denies(inputs: Inputs, now_s: float, where: str) -> None:
    state = initial(FIRING.config) if where == "fresh" else FIRING.state
    before = copy.deepcopy(state), repr(inputs)
    one = step(FIRING.config, state, inputs, now_s)
    two = step(FIRING.config, state, inputs, now_s)
    assert repr(one) == repr(two)
    assert (repr(state), repr(inputs)) == (repr(before[0]), before[1])
    assert one[1].permit.max_w == 0.0  # nothing random proves all permits
    assert one[1].enable is False
    assert "kernel" not in [t.monitor for t in one[1].new_trips] or not math.isfinite(now_s)


@pytest.mark.parametrize("inputs, state", [(None, FIRING.state), (17, FIRING.state), (next_inputs(FIRING)[0], None)])
def test_a_kernel_that_fails_is_off_for_good(inputs: Any, state: Any) -> None:
    after, out = step(FIRING.config, state, inputs, 200.0)
    assert (out.state, out.permit.max_w, out.enable, out.command_off, out.pump_on) == (
        State.LOCKOUT,
        0.0,
        False,
        True,
        True,
    )
    assert out.first_trip is not None
    assert (out.first_trip.hazard, out.first_trip.lockout) == ("H32", True)
    after, out = step(FIRING.config, after, inputs, 200.05)
    assert (out.state, out.new_trips) == (State.LOCKOUT, ())
    assert step(FIRING.config, after, next_inputs(FIRING)[0], 200.1)[1].state is State.LOCKOUT


def test_an_exception_in_any_monitor_is_off_in_the_same_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    for monitor in FIRING.config.monitors:
        with monkeypatch.context() as patch:

            def fail(self: object, memory: object, view: object) -> None:
                raise RuntimeError("boom")

            patch.setattr(type(monitor), "update", fail)
            _, out = step(FIRING.config, FIRING.state, *next_inputs(FIRING))
        assert (out.state, out.permit.max_w, out.enable) == (State.LOCKOUT, 0.0, False)
        assert out.first_trip is not None
        assert "boom" in out.first_trip.text


@pytest.mark.parametrize("lockout, state", [(False, State.TRIPPED), (True, State.LOCKOUT)])
def test_a_latch_survives_a_restart_with_its_cause(lockout: bool, state: State) -> None:
    latch = Trip("H45", "over_temperature", "tc", "tc.tip_c", 71.0, 60.0, 0.1, 5.0, "hot", "coolant", lockout)
    rig = Rig(latch=latch)
    rig.tick(200)
    assert (rig.out.state, rig.out.first_trip) == (state, latch)
    assert rig.out.pump_on is (state is State.TRIPPED)


@given(st.lists(st.tuples(st.floats(0.0, 150.0), st.floats(0.0, 150.0)), min_size=1, max_size=30))
def test_energy_is_at_least_what_flowed_and_never_falls(trace: list[tuple[float, float]]) -> None:
    state, (inputs, now_s) = FIRING.state, next_inputs(FIRING)
    energy, true_j = state.energy_j, state.energy_j
    for measured, applied in trace:
        snapshot = {name: s._replace(t_request_s=now_s - 0.01) for name, s in inputs.snapshot.items()}
        snapshot["gen.power_w"] = snapshot["gen.power_w"]._replace(value=measured)
        state, out = step(FIRING.config, state, replace(inputs, snapshot=snapshot, applied_w=applied), now_s)
        if out.state not in (State.FIRING, State.STOPPING):
            break
        true_j += measured * 0.05
        assert out.energy_j >= true_j - 1e-6
        assert out.energy_j >= energy
        energy = out.energy_j
        now_s += 0.05


def test_another_protocol_is_adopted_in_safe_only() -> None:
    rig = Rig().to(State.SAFE)
    rig.config = config(layers=(("bench", LIMITS), ("protocol", Limits(power_w=70.0))), enable_line=False)
    rig.state = adopt(rig.config, rig.state)
    assert rig.to(State.FIRING).out.permit.max_w == 70.0
    with pytest.raises(ValueError, match="FIRING"):
        adopt(rig.config, rig.state)


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e6), st.floats(1.0, 1e5), st.floats(1.0, 900.0))
@settings(max_examples=15)
def test_what_was_delivered_before_is_not_charged_to_the_next_protocol(
    delivered_j: float, delivered_s: float, energy_j: float, on_time_s: float
) -> None:
    rig = Rig().to(State.SAFE)
    rig.state.energy_j, rig.state.on_time_s = delivered_j, delivered_s
    rig.config = config(layers=(("bench", LIMITS), ("protocol", Limits(energy_j=energy_j, on_time_s=on_time_s))))
    rig.state = adopt(rig.config, rig.state)
    assert (rig.state.energy_j, rig.state.on_time_s) == (0.0, 0.0)
    rig.to(State.FIRING)  # nothing tripped on the way, and from FIRE on both count and end as ever
    rig.state.on_time_s = on_time_s + 1.1
    rig.tick()
    assert rig.out.first_trip is not None
    assert rig.out.first_trip.hazard == "H07"


def test_integrals_saturate() -> None:
    state = FIRING.state.fork()
    state.energy_j = 1e12
    assert step(FIRING.config, state, *next_inputs(FIRING))[1].energy_j == 1e12
