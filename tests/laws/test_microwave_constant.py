"""Microwave power: prime, soft start, what comes back, the shaft, pulses."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from pydantic import ValidationError

from controller.laws.base import Observation
from safety.types import Demand
from tests.laws.examples import DUTY, MICROWAVE
from tests.laws.runs import Run, made


def antenna(
    reflected: Callable[[float], float] = lambda t_s: 0.03,
    shaft_c: Callable[[float], float | None] = lambda t_s: 15.0,
    flow_ml_min: Callable[[float], float | None] = lambda t_s: 80.0,
) -> Callable[[float, Demand], Observation]:
    def bench(t_s: float, demand: Demand) -> Observation:
        power_w = demand.power_w
        return Observation(
            t_s,
            forward_w=power_w,
            reverse_w=reflected(t_s) * power_w,
            shaft_c=shaft_c(t_s),
            flow_ml_min=flow_ml_min(t_s),
        )

    return bench


def test_prime_soft_start_run_end():
    run = Run(made(MICROWAVE), antenna())
    assert run.to(2.8) == Demand(0.0, "waiting for coolant")
    assert run.to(3.1) == Demand(20.0, "soft start")
    assert run.to(3.9) == Demand(20.0, "soft start")
    assert run.to(4.5).reason == "constant power"
    assert run.to(5.0) == Demand(100.0, "constant power")
    assert run.to(93.5) == Demand(100.0, "constant power")
    assert run.to(94.2) == Demand(0.0, "end of protocol")  # 90 s of it
    assert run.law.finished
    assert run.law.stopped == ""


def test_coolant_that_comes_late_is_waited_for():
    run = Run(made(MICROWAVE), antenna(flow_ml_min=lambda t_s: None if t_s < 5.0 else 39.0 if t_s < 8.0 else 41.0))
    assert run.to(10.8) == Demand(0.0, "waiting for coolant")
    assert run.to(11.2).power_w == 20.0


def test_coolant_that_does_not_come_stops_it():
    run = Run(made(MICROWAVE), antenna(flow_ml_min=lambda t_s: 0.0))
    assert run.to(59.0).power_w == 0.0
    assert not run.law.finished
    assert run.to(60.1) == Demand(0.0, "coolant does not flow: pump, tubing, bag")
    assert run.law.finished
    assert run.law.stopped


def test_a_quarter_reflected_at_the_soft_start_stops_it():
    run = Run(made(MICROWAVE), antenna(reflected=lambda t_s: 0.26))
    run.to(4.0)
    assert run.law.stopped == "26 % of the power comes back: antenna, cable, contact with tissue"
    assert max(demand.power_w for demand in run.demands) == 20.0


def test_more_than_a_quarter_for_half_a_second_halves_the_power_for_good():
    run = Run(made(MICROWAVE), antenna(reflected=lambda t_s: 0.3 if 20.0 <= t_s < 22.0 else 0.03))
    assert run.to(20.3) == Demand(100.0, "constant power")
    assert run.to(20.6) == Demand(50.0, "half power: too much comes back")
    assert run.to(60.0).power_w == 50.0
    assert not run.law.stopped


def test_a_shorter_reflection_does_not():
    run = Run(made(MICROWAVE), antenna(reflected=lambda t_s: 0.3 if 20.0 <= t_s < 20.4 else 0.03))
    assert run.to(60.0).power_w == 100.0


def test_more_than_half_reflected_stops_it():
    run = Run(made(MICROWAVE), antenna(reflected=lambda t_s: 0.6 if t_s >= 20.0 else 0.03))
    assert run.to(19.9).power_w == 100.0
    assert run.to(20.1).power_w == 0.0
    assert run.law.stopped.startswith("60 % of the power comes back")


def test_a_warm_shaft_stops_it_after_two_seconds():
    run = Run(made(MICROWAVE), antenna(shaft_c=lambda t_s: 46.0 if 20.0 <= t_s < 21.5 or t_s >= 30.0 else 20.0))
    assert run.to(31.8).power_w == 100.0
    assert run.to(32.1).power_w == 0.0
    assert run.law.stopped == "shaft at 46 degC: coolant of the shaft"


def test_without_a_shaft_sensor_it_is_not_needed():
    law = made(MICROWAVE, shaft_max_c=None)
    assert law.params.needs == ("reflectometer", "flow")
    assert made(MICROWAVE).params.needs == ("reflectometer", "shaft", "flow")
    assert Run(law, antenna(shaft_c=lambda t_s: None)).to(20.0).power_w == 100.0


def test_a_shaft_that_is_not_read_is_no_power():
    run = Run(made(MICROWAVE), antenna(shaft_c=lambda t_s: None if 20.0 <= t_s < 25.0 else 15.0))
    assert run.to(20.4).power_w == 100.0
    assert run.to(20.7) == Demand(0.0, "forward, reflected power or shaft cannot be read")
    assert run.to(25.2) == Demand(20.0, "soft start")
    assert run.to(30.0).power_w == 100.0


def test_pulses_have_their_share_of_each_period():
    run = Run(made(DUTY), antenna())
    run.to(4.1)
    start = len(run.demands)
    run.to(64.0)
    powers = [demand.power_w for demand in run.demands[start:]]
    assert set(powers) == {0.0, 100.0}
    assert sum(powers) / len(powers) == pytest.approx(50.0, abs=2.0)
    switches = sum(a != b for a, b in pairwise(powers))
    assert switches == pytest.approx(60, abs=2)  # twice in each 2 s


def test_the_time_of_the_run_waits_for_the_permit():
    run = Run(made(MICROWAVE), antenna(), lambda t_s: 0.0 if 20.0 <= t_s < 50.0 else 1000.0)
    assert run.to(50.0).power_w == 20.0  # soft start again
    run.to(124.0)
    assert not run.law.finished
    run.to(126.0)
    assert run.law.finished


def test_no_pause_makes_it_last_longer_than_its_end():
    run = Run(made(MICROWAVE, slack_s=10.0), antenna(), lambda t_s: 0.0)
    run.to(100.0)
    assert run.law.finished
    assert run.law.params.end == ("duration_s", 100.0)


def test_parameters_that_make_no_sense_are_refused():
    with pytest.raises(ValidationError, match="fold_above < stop_above"):
        made(MICROWAVE, fold_above=0.6)
    with pytest.raises(ValidationError, match="less than or equal to 5"):
        made(DUTY, period_s=6.0)
