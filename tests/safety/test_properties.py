"""Properties over all inputs: I01-I05, I09, I11-I20, H32. Literals only."""

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
    Fault,
    Inputs,
    Origin,
    Quality,
    RecordStatus,
    Request,
    Sample,
    State,
    Trip,
    Verb,
    WatchdogStatus,
)
from tests.safety.rig import LIMITS, Rig, config, replace

FIRING = Rig().fired(60.0)
CHANNELS = [rule.channel for rule in FIRING.config.channels]
ALWAYS = [name for name in CHANNELS if name not in ("gen.impedance_ohm", "gen.heatsink_c")]
WEIRD = st.one_of(st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 1e308, 5e-324]))


def next_inputs(rig: Rig) -> tuple[Inputs, float]:
    """What a healthy bench would say at the next tick, without letting it happen."""
    now_s = rig.now_s + 0.05
    snapshot = {name: sample._replace(t_request_s=now_s - 0.02) for name, sample in rig.snapshot.items()}
    inputs = Inputs(
        snapshot=snapshot,
        foreground_lease_s=now_s - 0.05,
        watchdog=WatchdogStatus(now_s - 0.01, True, True, True),
        record=RecordStatus(now_s - 0.1, True),
        applied_w=rig.applied_w,
        applied_t_s=rig.applied_t_s,
        config_hash="b7c1",
    )
    return inputs, now_s


def granted(inputs: Inputs, now_s: float) -> float:
    """Watts that the firing bench is allowed for these inputs."""
    return step(FIRING.config, FIRING.state, inputs, now_s)[1].permit.max_w


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


@pytest.mark.parametrize("field", ["foreground_lease_s", "watchdog", "record"])
def test_absence_of_evidence_is_no_energy(field: str) -> None:
    inputs, now_s = next_inputs(FIRING)
    assert granted(replace(inputs, **{field: None}), now_s) == 0.0


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


@given(st.permutations(CHANNELS))
def test_the_order_of_samples_does_not_matter(order: list[str]) -> None:
    inputs, now_s = next_inputs(FIRING)
    shuffled = {name: inputs.snapshot[name] for name in order}
    assert step(FIRING.config, FIRING.state, replace(inputs, snapshot=shuffled), now_s) == step(
        FIRING.config, FIRING.state, inputs, now_s
    )


def anything() -> st.SearchStrategy[Inputs]:
    """Inputs of every shape that the types allow."""
    sample = st.builds(Sample, st.sampled_from(CHANNELS), WEIRD, WEIRD, st.sampled_from(list(Quality)))
    request = st.builds(Request, st.sampled_from(list(Verb)), st.sampled_from(list(Origin)), WEIRD, st.text(max_size=3))
    fault = st.builds(
        Fault, st.just("H32"), st.just("m"), st.just("d"), st.just("t"), st.just("c"), WEIRD, st.booleans()
    )
    return st.builds(
        Inputs,
        snapshot=st.lists(sample, max_size=8).map(lambda samples: {s.channel: s for s in samples}),
        requests=st.lists(request, max_size=3).map(tuple),
        faults=st.lists(fault, max_size=1).map(tuple),
        foreground_lease_s=st.none() | WEIRD,
        watchdog=st.none() | st.builds(WatchdogStatus, WEIRD, st.booleans(), st.none() | st.booleans(), st.booleans()),
        record=st.none() | st.builds(RecordStatus, WEIRD, st.booleans()),
        applied_w=WEIRD,
        applied_t_s=WEIRD,
        config_hash=st.sampled_from(["b7c1", ""]),
    )


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


@given(st.floats(0.0, 200.0), st.sampled_from(["power_w", "energy_j", "on_time_s", "tip_c", "tissue_c", "coolant_c"]))
def test_tightening_a_limit_never_gives_more(value: float, name: str) -> None:
    tighter = config(layers=(("bench", LIMITS), ("operator", Limits(**{name: value}))))
    out = step(tighter, FIRING.state, *next_inputs(FIRING))[1]
    assert out.permit.max_w <= 200.0
    if name == "power_w":
        assert out.permit.max_w in (0.0, value)
    if name == "tip_c" and value < 20.0:
        two, now_s = next_inputs(FIRING)
        rig_state, _ = step(tighter, FIRING.state, two, now_s)
        again = {k: s._replace(t_request_s=now_s + 0.03) for k, s in two.snapshot.items()}
        later = replace(two, snapshot=again, foreground_lease_s=now_s, watchdog=WatchdogStatus(now_s, True, True, True))
        assert step(tighter, rig_state, later, now_s + 0.05)[1].permit.max_w == 0.0


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


@pytest.mark.parametrize("parts", [1, 2, 5, 10])
def test_splitting_a_tick_does_not_change_the_energy(parts: int) -> None:
    inputs, end_s = next_inputs(FIRING)
    state = FIRING.state
    for k in range(1, parts + 1):
        state, out = step(FIRING.config, state, inputs, FIRING.now_s + (end_s - FIRING.now_s) * k / parts)
    assert out.energy_j - FIRING.state.energy_j == pytest.approx(3.0, rel=1e-3)  # 60 W for 50 ms


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


OPERATIONS = st.one_of(
    st.tuples(st.just("tick"), st.integers(1, 40)),
    st.tuples(st.just("ask"), st.sampled_from(list(Verb)), st.sampled_from(list(Origin))),
    st.tuples(st.just("to"), st.sampled_from(["READY", "ARMED", "FIRING"])),
    st.tuples(st.just("foot"), st.booleans()),
    st.tuples(st.just("lease"), st.booleans()),
    st.tuples(st.just("say"), st.sampled_from(CHANNELS), WEIRD),
    st.tuples(st.just("silent"), st.sampled_from(["gen", "tc", "flow", "inputs", *CHANNELS])),
    st.tuples(st.just("stuck"), st.sampled_from([None, 0.5, 30.0])),
    st.tuples(st.just("heal")),
    st.tuples(st.just("demand"), WEIRD),
)


@settings(max_examples=60)
@given(st.lists(OPERATIONS, max_size=14))
def test_long_histories_keep_the_invariants(operations: list[tuple[Any, ...]]) -> None:
    rig = Rig()
    cause: Trip | None = None
    done = 0
    for operation in operations:
        match operation:
            case ("tick", n):
                rig.tick(n)
            case ("ask", verb, origin):
                rig.ask(verb, origin)
            case ("to", name):
                if rig.state.state is State.SAFE and not (rig.silent or rig.override or rig.stuck_w):
                    rig.press(False)
                    rig.tick(30)
                    if rig.state.state is State.SAFE:
                        rig.to(State[name])
            case ("foot", down):
                rig.press(down)
            case ("lease", held):
                rig.lease = held
            case ("say", channel, value):
                rig.override[channel] = value
            case ("silent", what):
                rig.silent.add(what)
            case ("stuck", power):
                rig.stuck_w = power
            case ("heal",):
                rig.silent, rig.override, rig.stuck_w = set(), {}, None
            case ("demand", power):
                rig.demand_w = power
        rig.tick()
        for _, out in rig.log[done:]:
            assert 0.0 <= out.permit.max_w <= 200.0
            assert out.enable is False or (out.state is State.FIRING and out.blocked_by in ((), ("line",)))
            assert out.permit.max_w == 0.0 or (out.state is State.FIRING and out.first_trip is None)
            assert out.pump_on or out.state in (State.BOOT, State.SAFE, State.LOCKOUT)
            assert cause is None or out.first_trip == cause or (out.first_trip is None and out.state is State.SAFE)
            cause = out.first_trip
            assert "kernel" not in [t.monitor for t in out.new_trips]
        done = len(rig.log)
        assert 0.0 <= rig.applied_w <= 200.0
