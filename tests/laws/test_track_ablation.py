"""Track ablation: constant power, or power by the tip."""

from __future__ import annotations

import pytest

from controller.laws.base import Observation
from safety.types import Demand
from tests.laws.examples import TRACK
from tests.laws.runs import Run, made


def test_without_a_target_it_is_constant_power():
    law = made(TRACK, target_c=None)
    assert (law.params.needs, law.params.target) == ((), None)
    run = Run(law, lambda t_s, demand: Observation(t_s))
    assert run.to(1.0).power_w == pytest.approx(16.5)
    assert run.to(30.0) == Demand(30.0, "withdraw")
    assert run.to(60.0) == Demand(0.0, "end of protocol")


@pytest.mark.parametrize(("tip_c", "power_w"), [(40.0, 30.0), (65.0, 30.0), (70.0, 15.0), (73.0, 6.0), (75.0, 0.0)])
def test_with_a_target_power_falls_around_it(tip_c: float, power_w: float):
    run = Run(made(TRACK), lambda t_s, demand: Observation(t_s, tip_c=tip_c))
    assert run.to(20.0).power_w == pytest.approx(power_w)
    assert run.law.internals()["advice"] == ("withdraw" if tip_c >= 70.0 else "wait")


def test_a_tip_that_is_not_read_is_no_power_at_once():
    run = Run(made(TRACK), lambda t_s, demand: Observation(t_s, tip_c=40.0 if t_s < 10.0 else None))
    assert run.to(9.9).power_w == 30.0
    assert run.to(10.0) == Demand(0.0, "tip is not read")


def test_what_configuration_is_told():
    params = made(TRACK).params
    assert (params.needs, params.target) == (("tip",), ("target_c", 70.0))
