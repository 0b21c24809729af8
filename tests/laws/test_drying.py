"""Drying is seen in impedance, once until the tissue has been wetted again, and never in noise or without power."""

from __future__ import annotations

import math
import random

import pytest

from controller.laws.base import Observation
from controller.laws.drying import Drying
from safety.types import Demand
from tests.laws.examples import MEAN
from tests.laws.runs import Run, made

DT_S = 0.05


def fed(drying: Drying, ohm: float, seconds: float, power_w: float = 50.0, age_s: float = 0.1) -> tuple[Drying, int]:
    """Steady impedance for so long; how often drying began."""
    began = 0
    for _ in range(round(seconds / DT_S)):
        drying = drying.read(Observation(0.0, impedance_ohm=ohm, impedance_age_s=age_s), power_w, DT_S)
        began += drying.onset
    return drying, began


def test_a_rise_of_an_eighth_is_drying_once():
    drying, began = fed(Drying(), 50.0, 10.0)
    assert (began, drying.least_ohm) == (0, pytest.approx(50.0))
    drying, began = fed(drying, 55.0, 10.0)
    assert began == 0
    drying, began = fed(drying, 57.0, 10.0)
    assert (began, drying.dry) == (1, True)
    drying, began = fed(drying, 80.0, 10.0)
    assert began == 0
    drying, began = fed(drying, 51.0, 10.0)
    assert (began, drying.dry) == (0, False)
    assert fed(drying, 57.0, 10.0)[1] == 1


def test_the_first_seconds_at_a_place_are_not_judged():
    drying, _ = fed(Drying(), 40.0, 2.0)
    assert fed(drying, 60.0, 20.0)[1] == 0


def test_power_of_drying_tissue_is_what_flows_at_unchanged_voltage():
    drying, _ = fed(Drying(), 50.0, 10.0)
    assert drying.share == 1.0
    assert fed(drying, 53.0, 10.0)[0].share == 1.0  # within 8 %
    assert fed(drying, 108.0, 20.0)[0].share == pytest.approx(0.5)
    assert Drying().share == 1.0


@pytest.mark.parametrize(
    ("ohm", "power_w", "age_s"), [(90.0, 4.0, 0.1), (90.0, 50.0, 0.5), (math.nan, 50.0, 0.1), (0.0, 50.0, 0.1)]
)
def test_what_is_no_reading_says_nothing(ohm: float, power_w: float, age_s: float):
    before, _ = fed(Drying(), 50.0, 10.0)
    after, began = fed(before, ohm, 10.0, power_w, age_s)
    assert began == 0
    assert (after.filtered_ohm, after.least_ohm) == (before.filtered_ohm, before.least_ohm)


def test_noise_of_a_meter_is_no_drying():
    chance, drying, began = random.Random(1), Drying(), 0
    for _ in range(round(600.0 / DT_S)):
        ohm = 50.0 * (1.0 + 0.01 * chance.gauss(0.0, 1.0)) + chance.gauss(0.0, 1.0)
        drying = drying.read(Observation(0.0, impedance_ohm=ohm, impedance_age_s=0.1), 50.0, DT_S)
        began += drying.onset
    assert began == 0


def test_mean_temperature_gives_way_when_tines_begin_to_dry():
    def bench(t_s: float, demand: Demand) -> Observation:
        return Observation(t_s, tine_c=(100.0,) * 5, impedance_ohm=45.0 if t_s < 100.0 else 60.0)

    run = Run(made(MEAN, stages=[{"target_c": 105.0, "hold_s": 300.0}], duration_s=900.0), bench)
    run.to(100.0)
    before_w, integral_w = run.demands[-1].power_w, run.law.state.integral_w
    run.to(101.5)
    assert run.law.state.drying.dry
    assert run.law.state.integral_w == pytest.approx(0.5 * integral_w, rel=0.1)
    assert min(demand.power_w for demand in run.demands[-15:]) == pytest.approx(0.5 * before_w, rel=0.1)
    run.to(110.0)
    assert run.law.state.integral_w > 0.55 * integral_w  # once: from here it grows again
