"""Below roll-off: it climbs, steps back from the first rise, and settles under what the load can carry."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from controller.laws.base import Observation
from safety.types import Demand
from tests.laws.examples import BELOW
from tests.laws.runs import Run, made


class Tissue:
    """Impedance falls with heat, and rises by steam that gathers above ``limit_w`` and goes away below it."""

    def __init__(self, limit_w: Callable[[float], float], noise_ohm: float = 0.0) -> None:
        self.limit_w, self.heat, self.steam_ohm = limit_w, 0.0, 0.0
        self.noise_ohm, self.random = noise_ohm, random.Random(1)

    def __call__(self, t_s: float, demand: Demand) -> Observation:
        power_w = demand.power_w
        self.heat += (power_w / 60.0 - self.heat) * 0.1 / 30.0
        self.steam_ohm = max(0.0, self.steam_ohm + 0.05 * (power_w - self.limit_w(t_s)) * 0.1)
        z_ohm = 100.0 - 30.0 * min(1.0, self.heat) + self.steam_ohm
        return Observation(t_s, z_ohm + self.random.gauss(0.0, self.noise_ohm) if power_w > 1.0 else None)


@pytest.mark.parametrize("noise_ohm", [0.0, 0.5])
def test_it_settles_under_what_the_load_carries(noise_ohm: float):
    run = Run(made(BELOW, duration_s=700.0), Tissue(lambda t_s: 50.0, noise_ohm))
    run.to(200.0)
    start = len(run.demands)
    run.to(690.0)
    powers = [demand.power_w for demand in run.demands[start:]]
    assert run.law.rolloffs == 0
    assert sum(powers) / len(powers) == pytest.approx(47.0, abs=5.0)
    assert max(powers) < 75.0


def test_it_follows_a_load_that_changes():
    run = Run(made(BELOW, duration_s=900.0), Tissue(lambda t_s: 90.0 if t_s < 300.0 else 40.0))
    run.to(299.0)
    assert max(demand.power_w for demand in run.demands[-1000:]) > 80.0
    run.to(890.0)
    assert max(demand.power_w for demand in run.demands[-2000:]) < 65.0


def test_it_returns_fast_lingers_at_the_last_limit_and_goes_on():
    def z_ohm(t_s: float) -> float:
        return 84.5 if 21.0 <= t_s < 22.5 else 80.0

    run = Run(made(BELOW), lambda t_s, demand: Observation(t_s, z_ohm(t_s)))
    assert run.to(11.0).power_w == pytest.approx(80.0, abs=0.5)  # 2 W/s from 60 W
    before_w = run.to(20.9).power_w
    assert run.to(22.4) == Demand(pytest.approx(0.6 * before_w, abs=2.0), "stepped back")
    limit_w = float(run.law.internals()["limit_w"])
    assert limit_w == pytest.approx(before_w, abs=2.0)
    settled_s = 25.0

    def power_w(after_s: float) -> float:
        return run.to(settled_s + after_s).power_w

    at = [power_w(after_s) for after_s in (10.0, 20.0, 55.0, 65.0, 80.0)]
    expected = [limit_w + 0.4 * limit_w * (t_s / 60.0 - 1.0) ** 3 for t_s in (10.0, 20.0, 55.0, 65.0, 80.0)]
    assert at == pytest.approx(expected, abs=1.0)
    assert run.law.internals()["steps_back"] == 1.0


def test_a_rise_below_the_last_limit_lowers_it_further():
    def z_ohm(t_s: float) -> float:
        return 84.5 if 21.0 <= t_s < 22.5 or 35.0 <= t_s < 36.5 else 80.0

    run = Run(made(BELOW), lambda t_s, demand: Observation(t_s, z_ohm(t_s)))
    before_w = run.to(34.9).power_w
    run.to(37.0)
    assert run.law.internals()["steps_back"] == 2.0
    assert run.law.internals()["limit_w"] == pytest.approx(0.8 * before_w, rel=0.02)  # half-way to 0.6


def test_a_roll_off_is_answered_by_low_power():
    run = Run(made(BELOW), lambda t_s, demand: Observation(t_s, 80.0 if t_s < 20.0 or t_s > 26.0 else 140.0))
    run.to(19.9)
    run.to(24.0)
    assert run.law.rolloffs == 1
    assert run.demands[-1] == Demand(10.0, "roll-off 1")
    assert run.to(38.0).reason == "climbing"


def test_the_current_is_limited():
    run = Run(made(BELOW, current_max_a=0.8), lambda t_s, demand: Observation(t_s, 80.0))
    assert run.to(60.0) == Demand(pytest.approx(51.2), "current limit")


def test_after_a_pause_it_goes_on_from_half():
    run = Run(
        made(BELOW),
        lambda t_s, demand: Observation(t_s, 80.0),
        lambda t_s: 0.0 if 30.0 <= t_s < 31.0 else 1000.0,
    )
    before_w = run.to(29.9).power_w
    assert run.to(31.0).power_w == 10.0
    assert 10.0 < run.to(32.1).power_w <= max(60.0, 0.5 * before_w) + 1.0


@pytest.mark.parametrize(
    ("changed", "says"), [({"start_w": 5.0}, "low_w <= start_w"), ({"rolloff_ohm": 3.0}, "rise_ohm < rolloff_ohm")]
)
def test_parameters_that_make_no_sense_are_refused(changed: dict[str, float], says: str):
    with pytest.raises(ValidationError, match=says):
        made(BELOW, **changed)
