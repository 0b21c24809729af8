"""The gate to the last digit: what each of its numbers and names does."""

from __future__ import annotations

import math

import pytest

from safety.gate import Gate
from safety.types import Demand, Permit, Setpoint, State
from tests.mutation.total import raises_nothing


def permit(max_w: float = 100.0, epoch: int = 3, until_s: float = 99.0) -> Permit:
    return Permit(max_w, until_s, epoch, State.FIRING, ("power: bench", "data-age"))


def at(gate: Gate, power_w: float) -> Gate:
    """A gate that has just let ``power_w`` through at t = 10 s."""
    for k in range(101):
        gate.decide(Demand(power_w), permit(), 5.0 + 0.05 * k)
    return gate


@raises_nothing
def test_zero_is_a_parameter_everywhere() -> None:
    gate = Gate(0.0, 0.0, 0.0, 0.0)
    assert gate.decide(Demand(5.0), permit(), 1.0) == Setpoint(0.0, 3, 99.0, "cap")
    assert Gate(0.5, 0.25, 0.125, 0.75).setpoint is None


def test_a_fraction_of_a_watt_is_a_parameter() -> None:
    with pytest.raises(ValueError, match=r"^slew_up_w_per_s is -0\.5; give a finite number of at least 0$"):
        Gate(100.0, -0.5)


@pytest.mark.parametrize("name", ["cap_w", "slew_up_w_per_s", "step_w", "dt_max_s"])
@pytest.mark.parametrize("bad", [-0.5, math.inf, math.nan])
def test_a_bad_parameter_is_named(name: str, bad: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name} is {bad!r}; give"):
        Gate(**{"cap_w": 100.0, name: bad})


@raises_nothing
def test_defaults() -> None:
    gate = Gate(150.0)
    gate.decide(Demand(0.0), permit(), 5.0)
    assert gate.decide(Demand(1000.0), permit(1000.0), 5.05).power_w == pytest.approx(10.0, rel=1e-9)  # 200 W/s
    assert gate.decide(Demand(1000.0), permit(1000.0), 9.0).power_w == pytest.approx(50.0, rel=1e-9)  # 0.2 s more
    assert gate.decide(Demand(50.25), permit(1000.0), 9.05).power_w == 50.25  # no step


@raises_nothing
def test_before_the_first_call_nothing_has_flowed() -> None:
    gate = Gate(150.0)
    assert gate.decide(Demand(80.0), permit(epoch=-1), 5.0).power_w == 0.0
    assert gate.decide(Demand(80.0), permit(epoch=-1), 5.05).power_w == pytest.approx(10.0)


@pytest.mark.parametrize("epoch", [-2, 0, 1])
def test_the_first_epoch_is_new_whatever_it_is(epoch: int) -> None:
    gate = Gate(150.0)
    assert gate.decide(Demand(80.0), permit(epoch=epoch), 5.0) == Setpoint(0.0, epoch, 99.0, "slew")


@raises_nothing
def test_what_is_asked_is_told_with_its_reason() -> None:
    assert at(Gate(150.0), 90.0).decide(Demand(0.5, "law"), permit(), 10.0) == Setpoint(0.5, 3, 99.0, "law")
    assert at(Gate(150.0), 90.0).decide(Demand(0.0, "pause"), permit(), 10.0) == Setpoint(0.0, 3, 99.0, "pause")
    assert at(Gate(150.0), 90.0).decide(Demand(-0.0, "pause"), permit(), 10.0) == Setpoint(0.0, 3, 99.0, "pause")
    for bad, told in ((math.nan, "nan"), (math.inf, "inf"), (-1.0, "-1.0"), (-0.5, "-0.5")):
        assert at(Gate(150.0), 90.0).decide(Demand(bad, "law"), permit(), 10.0) == Setpoint(
            0.0, 3, 99.0, f"demand is {told}"
        )


@raises_nothing
def test_what_limits_is_told() -> None:
    assert at(Gate(150.0), 90.0).decide(Demand(90.0), permit(0.5), 10.0) == Setpoint(
        0.5, 3, 99.0, "permit: power: bench, data-age"
    )
    assert at(Gate(50.0), 90.0).decide(Demand(90.0), permit(), 10.0) == Setpoint(50.0, 3, 99.0, "cap")
    slewed = at(Gate(150.0), 20.0).decide(Demand(90.0), permit(), 10.05)
    assert slewed.reason == "slew"
    assert slewed.power_w == pytest.approx(30.0)
    assert at(Gate(150.0), 90.0).decide(Demand(60.0, "law"), permit(60.0), 10.0).reason == "law"  # a tie limits nobody


@raises_nothing
def test_a_clock_that_stands_or_goes_back_gives_no_rise() -> None:
    gate = at(Gate(150.0), 20.0)
    assert gate.decide(Demand(90.0), permit(), 10.0).power_w == pytest.approx(20.0)
    assert gate.decide(Demand(90.0), permit(), 9.0).power_w == pytest.approx(20.0)
    assert gate.decide(Demand(90.0), permit(), 9.1).power_w == pytest.approx(40.0)  # counted from the newest call


@raises_nothing
def test_no_time_is_off_and_starts_anew() -> None:
    for bad in (math.nan, math.inf, -math.inf):
        gate = at(Gate(150.0), 90.0)
        off = gate.decide(Demand(90.0), permit(), bad)
        assert (off.power_w, off.epoch, off.reason) == (0.0, 3, f"time is {bad!r}")
        assert gate.decide(Demand(90.0), permit(), 20.0).power_w == 0.0  # no time has passed since
        assert gate.decide(Demand(90.0), permit(), 20.05).power_w == pytest.approx(10.0)


@raises_nothing
def test_power_is_rounded_down_to_the_step() -> None:
    gate = at(Gate(150.0, 200.0, 0.25), 30.0)
    assert gate.decide(Demand(20.2), permit(), 10.0).power_w == 20.0
    assert gate.decide(Demand(20.25), permit(), 10.05).power_w == 20.25
    assert gate.decide(Demand(0.2), permit(), 10.0).power_w == 0.0
    coarse = at(Gate(150.0, 200.0, 5.0), 30.0)
    assert coarse.decide(Demand(29.9), permit(), 10.0).power_w == 25.0


@raises_nothing
def test_a_power_that_is_a_whole_number_of_steps_keeps_all_of_them() -> None:
    """0.3 / 0.1 is 2.9999999999999996: the last step must not be lost, and none is gained."""
    assert at(Gate(150.0, 200.0, 0.1), 30.0).decide(Demand(0.3), permit(), 10.0).power_w == pytest.approx(0.3)
    assert at(Gate(150.0, 200.0, 0.1), 30.0).decide(Demand(0.3 - 1e-6), permit(), 10.0).power_w == pytest.approx(0.2)


@raises_nothing
def test_rounding_never_gives_more_than_was_asked() -> None:
    """Just below a whole step the tolerance would round up: what was asked is the most that is sent."""
    just_below_w = 20.0 - 1e-9
    assert at(Gate(150.0, 200.0, 5.0), 30.0).decide(Demand(just_below_w), permit(), 10.0).power_w == just_below_w


@raises_nothing
def test_the_newest_set_point_is_kept() -> None:
    gate = at(Gate(150.0), 20.0)
    assert gate.decide(Demand(7.0, "law"), permit(), 10.0) == Setpoint(7.0, 3, 99.0, "law")
    assert gate.setpoint == Setpoint(7.0, 3, 99.0, "law")
    assert gate.off(4, 10.1, "stop") == Setpoint(0.0, 4, 10.1, "stop")
    assert gate.setpoint == Setpoint(0.0, 4, 10.1, "stop")


@raises_nothing
def test_after_off_power_rises_from_nothing_and_from_that_moment() -> None:
    gate = at(Gate(150.0), 90.0)
    gate.off(3, 10.0, "stop")
    assert gate.decide(Demand(90.0), permit(), 10.05).power_w == pytest.approx(10.0)
    gate.off(3, math.nan, "stop")
    assert gate.decide(Demand(90.0), permit(), 30.0).power_w == 0.0
    assert gate.decide(Demand(90.0), permit(), 30.05).power_w == pytest.approx(10.0)


@raises_nothing
def test_zero_has_no_sign() -> None:
    """A driver would format it: -0."""
    for demand_w, max_w in ((-0.0, 100.0), (90.0, -0.0)):
        sent_w = at(Gate(150.0), 90.0).decide(Demand(demand_w), permit(max_w), 10.0).power_w
        assert (sent_w, math.copysign(1.0, sent_w)) == (0.0, 1.0)


@pytest.mark.parametrize("short_w, sent_w", [(0.95e-9, 3.0), (1.05e-9, 2.0)])
@raises_nothing
def test_a_step_may_be_short_by_a_billionth(short_w: float, sent_w: float) -> None:
    sent = at(Gate(150.0, 200.0, 1.0), 30.0).decide(Demand(3.0 - short_w), permit(), 10.0)
    assert sent.power_w == pytest.approx(sent_w, abs=1e-8)
