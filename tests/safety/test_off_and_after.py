"""Off and what comes after it: its proof, lockout, reset, cool-down, and the start of a daemon."""

from __future__ import annotations

import pytest

from safety.kernel import initial
from safety.types import Origin, Quality, State, Verb
from tests.safety.rig import Rig


def test_off_leaves_stopping_only_by_a_sample_requested_afterwards() -> None:
    rig = Rig().fired(60.0)
    rig.demand_w = 0.0  # a pulse-off: power is off, and known to be, before the stop
    rig.tick(10)
    rig.ask(Verb.STOP)
    rig.silent.add("gen.rf_on")
    rig.tick()
    rig.tick(3)
    assert (rig.out.state, rig.out.command_off) == (State.STOPPING, True)
    rig.silent.clear()
    rig.tick(1)
    rig.tick(1)
    assert (rig.out.state, rig.out.command_off) == (State.COOLDOWN, False)


@pytest.mark.parametrize("channel, value", [("gen.power_w", 1.01), ("gen.forward_power_w", 1.01), ("gen.rf_on", 1.0)])
def test_every_channel_of_the_source_must_say_off(channel: str, value: float) -> None:
    rig = Rig().fired(60.0)
    rig.override[channel] = value
    rig.ask(Verb.STOP)
    rig.until(State.LOCKOUT)
    assert rig.out.first_trip is not None
    assert (rig.out.first_trip.hazard, rig.out.command_off) == ("H04", True)


def test_off_not_proven_alarms_at_c1_and_locks_out_at_c2() -> None:
    rig = Rig().fired(60.0)
    rig.stuck_w = 60.0
    rig.ask(Verb.STOP)
    rig.tick()
    stop = rig.now_s
    rig.until(State.LOCKOUT)
    assert rig.now_s - stop == pytest.approx(0.55)
    alarms = [t for t, out in rig.log for kind, _ in out.events if kind == "alarm"]
    assert len(alarms) == 1
    assert alarms[0] - stop == pytest.approx(0.3, abs=0.051)


def test_lockout_is_absorbing() -> None:
    rig = Rig().to(State.LOCKOUT)
    rig.stuck_w = None
    for verb in Verb:
        rig.ask(verb)
        rig.ask(verb, Origin.FOREGROUND)
        rig.tick(60)
        assert rig.out.state is State.LOCKOUT
    assert rig.out.command_off is False  # proven by now
    rig.stuck_w = 5.0
    rig.tick(3)
    assert (rig.out.command_off, rig.out.enable, rig.out.permit.max_w) == (True, False, 0.0)


def test_reset_needs_ack_clear_for_two_seconds_and_released_inputs() -> None:
    rig = Rig().fired(60.0)
    rig.values["inputs.estop_a_closed"] = rig.values["inputs.estop_b_closed"] = 0.0
    rig.until(State.TRIPPED)

    def reset() -> list[object]:
        rig.ask(Verb.RESET)
        rig.tick()
        return [by for kind, data in rig.out.events if kind == "refused" for by in data["blocked_by"]]  # type: ignore[attr-defined]

    rig.tick(60)
    assert reset() == ["estop", "ack", "clear"]
    rig.ask(Verb.ACK)
    rig.tick()
    assert reset() == ["estop", "clear"]
    rig.values["inputs.estop_a_closed"] = rig.values["inputs.estop_b_closed"] = 1.0
    rig.tick(2)
    assert reset() == ["clear"]
    rig.press()
    rig.tick(60)
    assert reset() == ["footswitch", "clear"]
    rig.press(False)
    rig.tick(45)
    assert reset() == []
    assert (rig.out.state, rig.out.first_trip) == (State.SAFE, None)


def test_ack_and_reset_of_one_tick_are_not_two_acts() -> None:
    rig = Rig().to(State.TRIPPED)
    rig.tick(60)
    rig.ask(Verb.ACK)
    rig.ask(Verb.RESET)
    assert rig.tick().state is State.TRIPPED


def test_reset_waits_for_a_hot_tip_to_cool() -> None:
    rig = Rig().to(State.TRIPPED)
    rig.values["tc.tip_c"] = 50.0
    rig.ask(Verb.ACK)
    rig.tick(80)
    assert rig.out.blocked_by == ("cool",)
    rig.values["tc.tip_c"] = 40.0
    rig.tick(10)
    assert rig.out.blocked_by == ()


def test_a_fourth_reset_within_ten_minutes_locks_out() -> None:
    rig = Rig().to(State.SAFE)
    for k in range(4):
        rig.stuck_w = 20.0
        rig.tick(5)
        rig.stuck_w = None
        rig.until(State.TRIPPED)
        rig.ask(Verb.ACK)
        rig.tick(60)
        rig.ask(Verb.RESET)
        assert rig.tick().state is (State.SAFE if k < 3 else State.LOCKOUT)
    assert [trip.hazard for trip in rig.state.trips] == ["H01", "H01", "H01", "H74"]  # one per channel of the source


@pytest.mark.parametrize(("resets", "after"), [((99.0, 99.5), State.SAFE), ((99.0, 99.5, 100.0), State.LOCKOUT)])
def test_resets_of_earlier_daemons_count(resets: tuple[float, ...], after: State) -> None:
    rig = Rig()
    rig.state = initial(rig.config, resets=resets)
    rig.to(State.TRIPPED).ask(Verb.ACK)
    rig.tick(60)
    rig.ask(Verb.RESET)
    assert rig.tick().state is after


def test_cooldown_runs_on_and_waits_for_a_cold_tip_at_most_two_minutes() -> None:
    rig = Rig().to(State.COOLDOWN)
    since = rig.now_s
    rig.until(State.SAFE)
    assert rig.now_s - since == pytest.approx(1.0, abs=0.051)
    rig = Rig().to(State.COOLDOWN)
    rig.values["tc.tip_c"], since = 46.0, rig.now_s
    rig.until(State.SAFE, 200.0)
    assert rig.now_s - since == pytest.approx(120.0, abs=0.051)
    assert all(out.pump_on for t, out in rig.log if since < t < rig.now_s - 0.01)


def test_a_changed_configuration_disarms() -> None:
    rig = Rig().to(State.READY)
    rig.hash = "other"
    rig.ask(Verb.ARM)
    rig.tick()
    assert rig.out.state is State.READY
    rig = Rig().to(State.ARMED)
    rig.hash = "other"
    assert rig.tick().state is State.SAFE


def test_boot_proves_off_first() -> None:
    rig = Rig()
    rig.silent.add("gen")
    rig.until(State.LOCKOUT, 6.0)
    assert rig.now_s - 100.05 == pytest.approx(5.0, abs=0.051)
    assert rig.out.first_trip is not None
    assert rig.out.first_trip.hazard == "H04"


def test_power_found_at_boot_is_latched_even_if_it_can_be_turned_off() -> None:
    rig = Rig()
    rig.stuck_w = 25.0
    rig.tick(3)
    assert rig.out.command_off is True
    rig.stuck_w = None
    rig.until(State.TRIPPED)
    assert rig.out.first_trip is not None
    assert (rig.out.first_trip.hazard, rig.out.first_trip.value > 20.0) == ("H35", True)


def test_bad_quality_proves_nothing() -> None:
    rig = Rig()
    rig.quality["gen.power_w"] = Quality.UNCERTAIN
    rig.tick(20)
    assert rig.out.state is State.BOOT
