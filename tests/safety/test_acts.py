"""Operator acts, leases and the way through the states: I01, I03, I06, I07, I08, I09, I10, I20, I25."""

from __future__ import annotations

import pytest

from safety.config import Timing
from safety.types import Origin, Request, State, Verb
from tests.safety.rig import Rig, config, replace

ALL = list(State)
PUMP = {"PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "TRIPPED"}


def test_the_whole_way_leaves_exactly_one_event_per_act_and_change() -> None:
    rig = Rig().fired(60.0, 1.0)
    rig.ask(Verb.COMPLETE, Origin.PROTOCOL)
    rig.until(State.COOLDOWN)
    rig.until(State.SAFE)
    assert rig.kinds() == [
        "state", "prepare", "state", "state", "arm", "state", "fire", "state", "complete", "state", "state", "state",
    ]  # fmt: skip
    states = [data["to"] for _, out in rig.log for kind, data in out.events if kind == "state"]
    assert states == ["SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "SAFE"]
    assert rig.out.first_trip is None


def test_enable_and_power_only_while_firing_and_power_waits_for_the_line() -> None:
    rig = Rig().fired(60.0, 2.0)
    rig.ask(Verb.STOP)
    rig.until(State.SAFE)
    firsts = [out for _, out in rig.log if out.state is State.FIRING]
    assert firsts[0].enable is True
    assert firsts[0].permit.max_w == 0.0
    assert firsts[0].permit.why == ("line",)
    assert firsts[1].permit.max_w == 200.0
    assert firsts[1].permit.why == ("power: bench",)
    for now_s, out in rig.log:
        assert out.enable == (out.state is State.FIRING)
        assert out.permit.max_w in (0.0, 200.0)
        assert out.permit.expires_at_s - now_s == pytest.approx(0.15)
        assert out.pump_on == (out.state.value in PUMP)
        if out.permit.max_w > 0.0:
            assert out.state is State.FIRING
            assert out.blocked_by == ()


def test_without_an_enable_line_power_flows_at_once() -> None:
    rig = Rig(config(enable_line=False)).to(State.FIRING)
    assert rig.out.permit.max_w == 200.0


@pytest.mark.parametrize("state", ALL, ids=lambda s: s.value)
@pytest.mark.parametrize("verb", [v for v in Verb if v is not Verb.STOP], ids=lambda v: v.value)
def test_from_the_network_nothing_but_stop_exists(state: State, verb: Verb) -> None:
    rig = Rig() if state is State.BOOT else Rig().to(state)
    twin = Rig() if state is State.BOOT else Rig().to(state)
    rig.ask(verb, Origin.NETWORK, "mallory")
    rig.tick()
    twin.tick()
    assert rig.out.state is twin.out.state
    assert rig.out.permit == twin.out.permit
    kinds = [(kind, data.get("by")) for kind, data in rig.out.events if kind == "refused"]
    assert kinds == [("refused", "origin")]


@pytest.mark.parametrize("origin", list(Origin), ids=lambda o: o.value)
@pytest.mark.parametrize(
    "state, after",
    [
        (State.SAFE, State.SAFE),
        (State.PRECHECK, State.STOPPING),
        (State.READY, State.STOPPING),
        (State.ARMED, State.SAFE),
        (State.FIRING, State.STOPPING),
        (State.TRIPPED, State.TRIPPED),
        (State.LOCKOUT, State.LOCKOUT),
    ],
)
def test_anybody_may_stop(state: State, after: State, origin: Origin) -> None:
    rig = Rig().to(state)
    epoch = rig.out.permit.epoch
    rig.ask(Verb.STOP, origin)
    out = rig.tick()
    assert out.state is after
    assert out.permit.max_w == 0.0
    assert out.enable is False
    if state in (State.ARMED, State.FIRING):
        assert out.permit.epoch == epoch + 1
    assert [k for k, _ in out.events].count("stop") == 1


def test_stop_wins_over_every_other_act_of_its_tick() -> None:
    rig = Rig().to(State.ARMED)
    rig.lease = True
    rig.ask(Verb.FIRE, Origin.FOREGROUND)
    rig.ask(Verb.STOP, Origin.NETWORK)
    assert rig.tick().state is State.SAFE


@pytest.mark.parametrize(
    "verb, state",
    [
        (Verb.PREPARE, State.SAFE),
        (Verb.ARM, State.READY),
        (Verb.FIRE, State.ARMED),
        (Verb.COMPLETE, State.FIRING),
        (Verb.ACK, State.TRIPPED),
        (Verb.RESET, State.TRIPPED),
    ],
)
def test_an_act_means_something_in_its_own_state_only(verb: Verb, state: State) -> None:
    origin = {Verb.FIRE: Origin.FOREGROUND, Verb.COMPLETE: Origin.PROTOCOL}.get(verb, Origin.LOCAL)
    for other in ALL:
        if other in (state, State.BOOT, State.STOPPING):
            continue
        rig, twin = Rig().to(other), Rig().to(other)
        rig.ask(verb, origin)
        assert rig.tick().permit == twin.tick().permit
        assert rig.out.state is twin.out.state
        refused = [data["by"] for kind, data in rig.out.events if kind == "refused"]
        assert refused == [f"state {other.value}"]


@pytest.mark.parametrize("offset_s", [-1.2, 0.06])
def test_a_replayed_or_future_request_is_refused(offset_s: float) -> None:
    rig = Rig().to(State.READY)
    rig.requests = [Request(Verb.ARM, Origin.LOCAL, rig.now_s + offset_s)]
    assert rig.tick().state is State.READY
    assert [data["by"] for kind, data in rig.out.events if kind == "refused"] == ["stale request"]


def test_arm_expires_after_thirty_seconds() -> None:
    rig = Rig().to(State.ARMED)
    armed = rig.now_s
    rig.until(State.SAFE, 40.0)
    assert rig.now_s - armed == pytest.approx(30.05)


def test_ready_expires_after_five_minutes() -> None:
    rig = Rig(config(timing=Timing(ready_s=3.0))).to(State.READY)
    since = rig.now_s
    rig.until(State.STOPPING)
    assert rig.now_s - since == pytest.approx(3.05)
    rig.until(State.SAFE)
    assert Timing().ready_s == 300.0


def test_fire_without_a_lease_is_refused() -> None:
    rig = Rig().to(State.ARMED)
    rig.ask(Verb.FIRE, Origin.FOREGROUND)
    assert rig.tick().state is State.ARMED
    assert [data["by"] for kind, data in rig.out.events if kind == "refused"] == ["hold"]


@pytest.mark.parametrize(
    "age_s, holds", [(0.0, True), (0.3, True), (0.301, False), (-0.001, False), (float("nan"), False)]
)
def test_the_foreground_lease(age_s: float, holds: bool) -> None:
    rig = Rig().fired(60.0)
    rig.mangle = lambda inputs: replace(inputs, foreground_lease_s=rig.now_s - age_s)
    assert (rig.tick().state is State.FIRING) is holds
    if not holds:
        assert (rig.out.permit.max_w, rig.out.enable, rig.out.first_trip) == (0.0, False, None)


def test_a_lost_lease_is_a_normal_stop() -> None:
    rig = Rig().fired(60.0)
    rig.lease = False
    assert rig.tick().state is State.STOPPING
    rig.until(State.COOLDOWN)
    assert rig.out.first_trip is None


def test_footswitch_holds_to_run() -> None:
    rig = Rig().to(State.ARMED)
    rig.tick(5)
    rig.press()
    rig.until(State.FIRING)
    rig.tick(20)
    assert rig.out.permit.max_w == 200.0
    rig.press(False)
    rig.tick(2)
    assert rig.out.state is not State.FIRING
    rig.until(State.COOLDOWN)
    rig.press()
    rig.tick(200)
    assert rig.out.state is State.SAFE  # each FIRE consumes its ARM


def test_a_footswitch_closed_before_arm_never_fires() -> None:
    rig = Rig().to(State.READY)
    rig.press()
    rig.tick(4)
    rig.ask(Verb.ARM)
    rig.tick()
    assert rig.out.state is State.READY
    assert [data["by"] for kind, data in rig.out.events if kind == "refused"] == ["footswitch"]


def test_a_footswitch_pressed_between_the_last_sample_and_arm_never_fires() -> None:
    rig = Rig().to(State.READY)
    rig.silent |= {"inputs.foot_no_closed", "inputs.foot_nc_closed"}
    rig.tick()
    rig.press()
    rig.ask(Verb.ARM)
    assert rig.tick().state is State.ARMED  # the release was seen, and is fresh
    rig.silent.clear()
    rig.tick(200)
    assert State.FIRING not in {out.state for _, out in rig.log}
    rig.press(False)
    rig.tick(2)
    rig.press()
    assert rig.until(State.FIRING, 1.0).state is State.FIRING


@pytest.mark.parametrize("no, nc", [(1.0, 1.0), (0.0, 0.0)])
def test_contradicting_footswitch_contacts_do_not_hold(no: float, nc: float) -> None:
    rig = Rig().to(State.ARMED)
    rig.tick(5)
    rig.press()
    rig.until(State.FIRING)
    rig.values["inputs.foot_no_closed"], rig.values["inputs.foot_nc_closed"] = no, nc
    rig.tick(2)
    assert rig.out.state is not State.FIRING
    assert rig.out.first_trip is None


def test_precheck_names_what_is_missing_and_gives_up() -> None:
    rig = Rig().to(State.SAFE)
    rig.values["inputs.door_closed"] = 0.0
    rig.override["gen.setpoint_w"] = 30.0
    rig.ask(Verb.PREPARE)
    rig.tick(100)
    assert rig.out.state is State.PRECHECK
    assert rig.out.blocked_by == ("flags", "readback")
    rig.until(State.SAFE)
    failed = [data for _, out in rig.log for kind, data in out.events if kind == "precheck_failed"]
    assert failed[0]["blocked_by"] == ["flags", "readback"]
    assert rig.out.first_trip is None


def test_precheck_waits_for_flow_and_prime() -> None:
    rig = Rig(config(timing=Timing(prime_s=2.0))).to(State.SAFE)
    rig.ask(Verb.PREPARE)
    rig.tick()
    since = rig.now_s
    rig.until(State.READY)
    assert 2.0 <= rig.now_s - since <= 2.06
