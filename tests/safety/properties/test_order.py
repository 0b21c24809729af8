"""In which order things may happen: I05 to I10, I20, and long histories. Expected values are literals."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from safety.kernel import step
from safety.types import Fault, Inputs, Origin, Request, Sample, State, Trip, Verb
from tests.safety.properties.bench import CHANNELS, WEIRD, anything, examples
from tests.safety.rig import Rig, replace

FAULTS = {
    "gen.impedance_ohm": 1000.0,
    "tc.tip_c": 70.0,
    "flow.flow_ml_min": 10.0,
    "inputs.door_closed": 0.0,
    "gen.setpoint_w": 90.0,
    "flow.air_in_line_flag": 1.0,
}


@examples(25)
@given(st.permutations(sorted(FAULTS)), st.integers(1, 8))
def test_i05_the_first_cause_stays_and_later_ones_follow_in_order(order: list[str], apart: int) -> None:
    rig = Rig().fired(60.0)
    done = len(rig.log)
    for channel in order:
        rig.override[channel] = FAULTS[channel]
        rig.tick(apart)
    rig.tick(20)
    told: tuple[Trip, ...] = ()
    for _, out in rig.log[done:]:
        told += out.new_trips
        assert out.first_trip == (told[0] if told else None)
    assert rig.state.trips == told
    assert len(told) >= 1
    assert [t.t_s for t in told] == sorted(t.t_s for t in told)


@examples(60)
@given(st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.sampled_from(list(Origin)))
def test_i06_a_reset_needs_all_it_needs(
    acked: bool, waited: bool, off: bool, released: bool, healthy: bool, origin: Origin
) -> None:
    rig = Rig().to(State.TRIPPED)
    rig.lease = False
    rig.tick(45 if waited else 10)  # 2.25 s or 0.5 s clear of every finding
    if acked:
        rig.ask(Verb.ACK)
    rig.tick()
    if not off:
        rig.silent |= {"gen.power_w"}
        rig.tick(5)  # older than 0.25 s: no proof any more, and stale
    if not released:
        rig.press()
        rig.tick()
    if not healthy:
        rig.override["tc.tip_c"] = 300.0
        rig.tick(8)
    rig.ask(Verb.RESET, origin)
    rig.tick()
    may = acked and waited and off and released and healthy and origin in (Origin.LOCAL, Origin.FOREGROUND)
    assert (rig.out.state is State.SAFE) is may
    assert rig.out.state in (State.SAFE, State.TRIPPED)


@examples(25)
@given(st.integers(1, 4), st.integers(1, 60), st.sampled_from([None, Verb.ARM, Verb.COMPLETE, Verb.PREPARE]))
def test_i08_a_foot_that_is_down_since_before_arm_never_fires(unseen: int, ticks: int, act: Verb | None) -> None:
    rig = Rig().to(State.READY)
    rig.press()  # after the newest sample that ARM is judged by
    rig.silent.add("inputs")
    rig.ask(Verb.ARM)
    rig.tick(unseen)
    assert rig.out.state is State.ARMED
    rig.silent.clear()
    for _ in range(ticks):
        if act is not None:
            rig.ask(act, Origin.PROTOCOL if act is Verb.COMPLETE else Origin.LOCAL)
        rig.tick()
        assert (rig.out.state, rig.out.enable) == (State.ARMED, False)


@examples(40)
@given(st.lists(st.tuples(anything(), WEIRD), min_size=1, max_size=6))
def test_i09_lockout_is_for_good(told: list[tuple[Inputs, float]]) -> None:
    rig = LOCKED
    state = rig.state
    for inputs, now_s in told:
        state, out = step(rig.config, state, inputs, now_s)
        assert (out.state, out.enable, out.permit.max_w) == (State.LOCKOUT, False, 0.0)
    for verb in Verb:
        act = Request(verb, Origin.FOREGROUND if verb is Verb.FIRE else Origin.LOCAL, rig.now_s + 0.04)
        state, out = step(rig.config, state, replace(rig.inputs(), requests=(act,)), rig.now_s + 0.05)
        assert (out.state, out.enable, out.permit.max_w) == (State.LOCKOUT, False, 0.0)


LOCKED = Rig().to(State.LOCKOUT)


def test_i09_what_locks_out_locks_out_while_tripped_too() -> None:
    rig = Rig().to(State.TRIPPED)
    rig.tick(50)
    rig.ask(Verb.ACK)
    rig.faults.append(
        Fault("H12", "identity", "gen", "another generator answers", "the cable", rig.now_s, lockout=True)
    )
    rig.tick()
    assert (rig.out.state, rig.out.blocked_by) == (State.LOCKOUT, ("lockout", "off"))
    assert [trip.hazard for trip in rig.state.trips] == ["H66", "H12"]
    assert [kind for kind, _ in rig.out.events] == ["trip", "state", "refused"]
    rig.tick(50)
    rig.ask(Verb.RESET)
    rig.tick()
    assert rig.out.state is State.LOCKOUT


def test_i28_a_reset_that_locks_out_is_in_the_record_as_refused() -> None:
    rig = Rig()
    for _ in range(4):
        rig.to(State.TRIPPED)
        rig.lease = False
        rig.tick(45)
        rig.ask(Verb.ACK)
        rig.tick()
        rig.ask(Verb.RESET)
        rig.tick()
    assert rig.out.state is State.LOCKOUT
    assert [kind for kind, _ in rig.out.events] == ["trip", "state", "refused"]
    assert rig.out.events[2][1]["verb"] == "reset"


def test_i28_acts_on_a_source_that_comes_on_after_a_trip_are_in_the_record() -> None:
    rig = Rig().to(State.TRIPPED)
    rig.stuck_w = 60.0
    for _ in range(40):
        rig.ask(Verb.ACK)
        rig.tick()
        acts = [kind for kind, _ in rig.out.events if kind in ("ack", "refused")]
        assert len(acts) == 1
    assert rig.out.state is State.LOCKOUT


SOURCE = ("gen.power_w", "gen.forward_power_w", "gen.rf_on")


@examples(100)
@given(
    st.tuples(*(st.floats(-0.2, 0.2) for _ in SOURCE)), st.tuples(*(st.sampled_from([0.0, 0.0, 60.0]) for _ in SOURCE))
)
def test_i10_stopping_ends_by_what_was_asked_after_off(ages_s: tuple[float, ...], values: tuple[float, ...]) -> None:
    rig = STOPPING
    off_at_s, now_s = rig.now_s, rig.now_s + 0.1
    said = {
        name: Sample(name, value, off_at_s + after_s)
        for name, value, after_s in zip(SOURCE, values, ages_s, strict=True)
    }
    inputs = replace(rig.inputs(), snapshot={**rig.snapshot, **said})
    out = step(rig.config, rig.state, inputs, now_s)[1]
    proven = all(off_at_s < s.t_request_s <= now_s and s.value == 0.0 for s in said.values())
    assert (out.state is State.COOLDOWN) is proven
    assert out.command_off is not proven


STOPPING = Rig().fired(60.0)
STOPPING.ask(Verb.STOP)
STOPPING.tick()

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


@examples(60)
@given(st.lists(OPERATIONS, max_size=14))
def test_i20_long_histories_keep_every_invariant(operations: list[tuple[Any, ...]]) -> None:
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
