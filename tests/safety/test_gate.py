"""The gate: I02, I03; NaN and negative are off; down at once, up slowly."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.gate import Gate
from safety.types import Demand, Permit, State

ANY = st.floats(allow_nan=True, allow_infinity=True)


def permit(
    max_w: float = 100.0, until_s: float = 10.15, epoch: int = 3, why: tuple[str, ...] = ("power: bench",)
) -> Permit:
    return Permit(max_w, until_s, epoch, State.FIRING, why)


def ramped(gate: Gate, power_w: float) -> Gate:
    """The gate after enough time at ``power_w``, at t = 10 s."""
    for k in range(101):
        gate.decide(Demand(power_w), permit(until_s=20.0), 5.0 + 0.05 * k)
    return gate


def test_up_is_slewed_down_is_at_once() -> None:
    gate = Gate(150.0, 200.0)
    assert gate.decide(Demand(80.0), permit(), 5.0).power_w == 0.0
    assert gate.decide(Demand(80.0), permit(), 10.0).power_w == pytest.approx(40.0)  # at most 0.2 s worth after a gap
    assert gate.decide(Demand(80.0), permit(), 10.05).power_w == pytest.approx(50.0)
    assert gate.decide(Demand(80.0), permit(), 10.10).power_w == pytest.approx(60.0)
    down = gate.decide(Demand(7.0, "law"), permit(), 10.11)
    assert (down.power_w, down.reason, down.epoch, down.expires_at_s) == (7.0, "law", 3, 10.15)
    assert gate.decide(Demand(0.0), permit(), 10.12).is_off


def test_the_least_of_demand_permit_and_cap() -> None:
    assert ramped(Gate(150.0), 90.0).decide(Demand(90.0), permit(60.0), 10.0).power_w == 60.0
    assert ramped(Gate(50.0), 90.0).decide(Demand(90.0), permit(60.0), 10.0).power_w == 50.0
    assert ramped(Gate(150.0), 90.0).decide(Demand(30.0), permit(60.0), 10.0).power_w == 30.0
    assert ramped(Gate(150.0), 90.0).decide(Demand(90.0), permit(60.0), 10.0).reason == "permit: power: bench"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0, -0.0, 0.0])
def test_what_is_no_power_is_off(bad: float) -> None:
    assert ramped(Gate(150.0), 90.0).decide(Demand(bad), permit(), 10.0).power_w == 0.0
    assert ramped(Gate(150.0), 90.0).decide(Demand(90.0), permit(bad), 10.0).power_w == 0.0


def test_an_expired_permit_is_off() -> None:
    assert ramped(Gate(150.0), 90.0).decide(Demand(90.0), permit(until_s=10.0), 9.999).power_w > 0.0
    assert ramped(Gate(150.0), 90.0).decide(Demand(90.0), permit(until_s=10.0), 10.0).power_w == 0.0
    assert ramped(Gate(150.0), 90.0).decide(Demand(90.0), permit(until_s=math.nan), 10.0).power_w == 0.0


def test_a_new_epoch_starts_from_zero() -> None:
    gate = ramped(Gate(150.0), 90.0)
    assert gate.decide(Demand(90.0), permit(epoch=4), 10.05).power_w == pytest.approx(10.0)


def test_rounding_is_down_and_does_not_stop_a_slow_ramp() -> None:
    gate = Gate(150.0, 2.0, step_w=1.0)
    powers = [gate.decide(Demand(50.0), permit(until_s=99.0), 10.0 + 0.05 * k).power_w for k in range(32)]
    assert powers[0] == 0.0
    assert powers[-1] == 3.0


def test_off_is_never_refused() -> None:
    gate = ramped(Gate(150.0), 90.0)
    off = gate.off(9, 10.0, "stop")
    assert (off.power_w, off.epoch, off.is_off, off.reason) == (0.0, 9, True, "stop")
    assert gate.setpoint is off


@pytest.mark.parametrize("kwargs", [{"cap_w": math.nan}, {"cap_w": -1.0}, {"cap_w": 1.0, "slew_up_w_per_s": math.inf}])
def test_bad_parameters_are_refused(kwargs: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        Gate(**kwargs)


@given(st.lists(st.tuples(ANY, ANY, ANY, ANY), min_size=1, max_size=8))
def test_whatever_comes_the_setpoint_is_within_all_bounds(calls: list[tuple[float, float, float, float]]) -> None:
    gate = Gate(120.0, 200.0, step_w=0.1)
    for demand_w, max_w, until_s, now_s in calls:
        setpoint = gate.decide(Demand(demand_w), permit(max_w, until_s), now_s)
        assert 0.0 <= setpoint.power_w <= 120.0
        if setpoint.power_w > 0.0:
            assert setpoint.power_w <= demand_w
            assert setpoint.power_w <= max_w
            assert now_s < setpoint.expires_at_s
            assert setpoint.expires_at_s == until_s
