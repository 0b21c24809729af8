"""Constant power: rise, hold, end; permit and time obeyed."""

from __future__ import annotations

import math

import pytest

from controller.laws.base import Observation
from controller.laws.constant_power import ConstantPower, ConstantPowerParams
from safety.types import Demand, Permit, State


def law(rise_s: float = 1.0) -> ConstantPower:
    made = {"kind": "constant-power", "power_w": 30.0, "duration_s": 10.0, "rise_s": rise_s}
    return ConstantPower(ConstantPowerParams.model_validate(made))


def step(it: ConstantPower, t_s: float, max_w: float = 200.0, dt_s: float = 0.1) -> Demand:
    return it.step(Observation(t_s), Permit(max_w, math.inf, 1, State.FIRING), dt_s)


def test_it_rises_holds_and_ends():
    it = law()
    assert [round(step(it, 0.1 * k).power_w, 6) for k in range(11)] == [3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 30]
    assert step(it, 9.99) == Demand(30.0, "constant power")
    assert not it.finished
    assert step(it, 10.0) == Demand(0.0, "end of protocol")
    assert it.finished
    assert step(it, 5.0) == Demand(0.0, "end of protocol")  # an end is an end
    assert it.internals() == {"phase": "END", "power_w": 0.0}


def test_the_permit_clamps_and_nothing_winds_up():
    it = law(rise_s=0.0)
    assert step(it, 0.0) == Demand(30.0, "constant power")
    assert step(it, 0.1, max_w=12.0) == Demand(12.0, "held down by permit")
    slow = law()
    for k in range(20):
        step(slow, 0.1 * k)
    for k in range(20, 50):
        assert step(slow, 0.1 * k, max_w=12.0).power_w == 12.0
    assert step(slow, 5.0).power_w == pytest.approx(15.0)  # goes on from where it was, at the rate of the rise


@pytest.mark.parametrize("max_w", [math.nan, -1.0, 0.0, math.inf])
def test_a_permit_that_is_no_power_is_none(max_w: float):
    assert step(law(rise_s=0.0), 0.0, max_w=max_w).power_w == 0.0


@pytest.mark.parametrize("t_s", [math.nan, math.inf])
def test_a_time_that_is_no_time_ends_it(t_s: float):
    it = law()
    assert step(it, t_s).power_w == 0.0
    assert it.finished


@pytest.mark.parametrize("dt_s", [math.nan, -1.0, 0.0])
def test_no_time_no_rise(dt_s: float):
    assert step(law(), 0.0, dt_s=dt_s).power_w == 0.0
