"""Stepped roll-off: ramp, rest, second phase at half power, and which roll-off is final."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from controller.laws.base import Observation
from safety.types import Demand
from tests.laws.examples import STEPPED
from tests.laws.runs import Run, made


def load(z_ohm: Callable[[float], float | None]) -> Callable[[float, Demand], Observation]:
    return lambda t_s, demand: Observation(t_s, z_ohm(t_s) if demand.power_w > 1.0 else None)


def rolls_at(*times_s: float) -> Callable[[float], float]:
    return lambda t_s: 90.0 if any(at <= t_s < at + 2.0 for at in times_s) else 45.0


def test_the_ramp_and_where_it_holds():
    run = Run(made(STEPPED), load(rolls_at()))
    assert run.to(0.9) == Demand(10.0, "reading impedance")
    assert run.to(2.0).power_w == pytest.approx(50.2, abs=0.1)
    assert run.to(121.5).power_w == pytest.approx(70.0, abs=0.2)  # 10 W a minute
    assert run.to(300.0) == Demand(90.0, "hold")
    run.to(900.0)
    assert run.law.finished
    assert run.law.internals()["ended"] == "end of protocol"


def test_roll_off_rest_half_power_final_roll_off():
    run = Run(made(STEPPED), load(rolls_at(121.5, 200.0)))
    assert run.to(122.6) == Demand(0.0, "roll-off 1")
    assert run.to(151.0).power_w == 0.0
    assert run.to(153.5) == Demand(pytest.approx(35.0, abs=0.2), "second phase")
    assert run.to(199.9).power_w == pytest.approx(35.0, abs=0.2)
    assert run.to(201.9) == Demand(0.0, "final roll-off")
    assert run.law.finished
    assert run.law.rolloffs == 2
    assert run.law.stopped == ""


def test_without_another_roll_off_the_ramp_begins_anew_after_330_seconds():
    run = Run(made(STEPPED), load(rolls_at(121.5, 500.0)))
    run.to(451.0)
    assert run.phase == "HALF"
    assert run.to(453.0).power_w == pytest.approx(50.0, abs=0.3)
    assert run.to(499.0).reason == "ramp"
    assert run.to(501.5) == Demand(0.0, "roll-off 2")  # not final: it ended a ramp
    run.to(600.0)
    assert run.phase == "HALF"


def test_an_absolute_threshold_counts_too():
    run = Run(made(STEPPED, rolloff_ohm=60.0), load(lambda t_s: 45.0 if t_s < 50.0 else 65.0))
    run.to(52.0)
    assert run.law.rolloffs == 1


def test_a_smaller_rise_is_no_roll_off():
    run = Run(made(STEPPED), load(lambda t_s: 45.0 if t_s < 50.0 else 74.0))
    run.to(200.0)
    assert run.law.rolloffs == 0


def test_missing_impedance_is_no_power_and_then_the_same_phase_again():
    def z_ohm(t_s: float) -> float | None:
        return None if 200.0 <= t_s < 204.0 else rolls_at(121.5)(t_s)

    run = Run(made(STEPPED), load(z_ohm))
    assert run.to(201.5) == Demand(0.0, "impedance missing")
    run.to(212.0)
    assert run.phase == "HALF"
    assert run.demands[-1].power_w == pytest.approx(35.0, abs=0.2)


def test_after_a_pause_the_ramp_begins_anew():
    run = Run(made(STEPPED), load(rolls_at()), lambda t_s: 0.0 if 60.0 <= t_s < 61.0 else 1000.0)
    assert run.to(59.9).power_w == pytest.approx(59.8, abs=0.2)
    assert run.to(61.0).power_w == 10.0
    assert run.to(62.5).power_w == pytest.approx(50.0, abs=0.3)


@pytest.mark.parametrize(
    ("changed", "says"), [({"start_w": 5.0}, "low_w <= start_w"), ({"restart_s": 20.0}, "rest_s < restart_s must hold")]
)
def test_parameters_that_make_no_sense_are_refused(changed: dict[str, float], says: str):
    with pytest.raises(ValidationError, match=says):
        made(STEPPED, **changed)
