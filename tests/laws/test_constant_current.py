"""Constant current: what it takes to hold it, and when it can no longer be held."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from controller.laws.base import Observation
from safety.types import Demand
from tests.laws.examples import CURRENT
from tests.laws.runs import Run, made


def load(z_ohm: Callable[[float], float | None]) -> Callable[[float, Demand], Observation]:
    """Impedance is read while power flows."""
    return lambda t_s, demand: Observation(t_s, z_ohm(t_s) if demand.power_w > 1.0 else None)


def test_the_power_is_current_squared_times_impedance():
    run = Run(made(CURRENT), load(lambda t_s: 80.0 if t_s < 40.0 else 70.0))
    assert run.to(0.9) == Demand(5.0, "reading impedance")
    assert run.to(1.5).reason == "rise"
    assert run.to(30.0) == Demand(pytest.approx(96.8), "constant current")  # 1.1 A into 80 ohm
    assert run.law.internals()["current_a"] == pytest.approx(1.1)
    assert run.to(60.0).power_w == pytest.approx(84.7)


def test_the_current_rises_evenly_from_what_was_probed_with():
    run = Run(made(CURRENT), load(lambda t_s: 80.0))
    run.to(1.2)
    currents = []
    for t_s in (2.0, 3.0, 4.0):
        run.to(t_s)
        currents.append(float(run.law.internals()["current_a"]))
    assert currents[1] - currents[0] == pytest.approx(0.11)
    assert currents[2] - currents[1] == pytest.approx(0.11)


@pytest.mark.parametrize(
    ("changed", "z_ohm"),
    [
        ({}, 170.0),  # 1.1 A into 170 ohm is more than 200 W
        ({"impedance_max_ohm": 120.0}, 130.0),
        ({"voltage_max_v": 120.0}, 115.0),  # 1.1 A take 126 V
    ],
)
def test_lost_conductivity_ends_it(changed: dict[str, float], z_ohm: float):
    run = Run(made(CURRENT, **changed), load(lambda t_s: 70.0 if t_s < 30.0 else z_ohm))
    assert run.to(29.9).power_w > 0.0
    assert run.to(30.0) == Demand(0.0, "conductivity is being lost")  # one reading is enough to wait
    assert run.to(31.2) == Demand(5.0, "reading impedance")
    assert not run.law.finished
    run.to(34.0)
    assert run.law.finished
    assert str(run.law.internals()["ended"]).startswith("conductivity lost at 3")
    assert run.law.rolloffs == 1
    assert run.law.stopped == ""  # this is how it should end


def test_a_loss_that_was_coming_ends_it_at_once():
    run = Run(made(CURRENT), load(lambda t_s: 80.0 if t_s < 30.0 else 150.0 if t_s < 33.0 else 170.0))
    assert run.to(32.9).power_w > 150.0
    assert run.to(33.0) == Demand(0.0, "conductivity lost at 33 s: 170 ohm")


def test_a_loss_that_heals_within_a_second_does_not():
    run = Run(made(CURRENT), load(lambda t_s: 400.0 if 30.0 <= t_s < 30.4 else 80.0))
    run.to(60.0)
    assert not run.law.finished
    assert run.to(61.0).power_w == pytest.approx(96.8)


def test_a_second_loss_soon_after_one_that_healed_does():
    bad = ((30.0, 30.1), (45.0, 45.1))
    run = Run(made(CURRENT), load(lambda t_s: 170.0 if any(a <= t_s < b for a, b in bad) else 80.0))
    assert run.to(44.9).power_w > 0.0
    run.to(45.0)
    assert run.law.internals()["ended"] == "conductivity lost at 45 s: 170 ohm"


def test_no_power_flows_into_tissue_that_has_dried_out():
    run = Run(made(CURRENT), load(lambda t_s: 80.0 if t_s < 30.0 else 3000.0))
    demands = [run.to(30.0 + 0.1 * k).power_w for k in range(30)]
    assert max(demands) == 5.0
    assert demands.count(5.0) <= 2  # read once at the power that reads, and over
    assert run.law.finished


def test_cold_tissue_that_takes_too_much_at_first_is_not_lost():
    run = Run(made(CURRENT), load(lambda t_s: max(80.0, 180.0 - 5.0 * t_s)))
    run.to(40.0)
    assert max(demand.power_w for demand in run.demands) <= 200.0
    assert run.demands[-1] == Demand(pytest.approx(96.8), "constant current")


def test_it_ends_at_its_time():
    run = Run(made(CURRENT), load(lambda t_s: 80.0))
    assert run.to(119.9).power_w == pytest.approx(96.8)
    assert run.to(120.0) == Demand(0.0, "end of protocol")


def test_missing_impedance_is_no_power_and_then_a_new_start():
    run = Run(made(CURRENT), load(lambda t_s: None if 30.0 <= t_s < 32.0 else 80.0))
    assert run.to(30.4).power_w > 0.0
    assert run.to(30.7) == Demand(0.0, "impedance missing")
    assert run.to(33.0) == Demand(5.0, "reading impedance")
    assert run.to(34.5).reason == "rise"


def test_after_a_pause_the_current_rises_again():
    run = Run(made(CURRENT), load(lambda t_s: 80.0), lambda t_s: 0.0 if 30.0 <= t_s < 31.0 else 1000.0)
    assert run.to(30.9).power_w == 0.0
    assert run.to(31.0) == Demand(5.0, "reading impedance")
    assert run.to(34.0).power_w < 40.0
    assert run.to(45.0).power_w == pytest.approx(96.8)


def test_parameters_that_make_no_sense_are_refused():
    with pytest.raises(ValidationError, match="low_w <= power_max_w"):
        made(CURRENT, power_max_w=4.0)
    assert made(CURRENT).params.current == ("current_a", 1.1)
