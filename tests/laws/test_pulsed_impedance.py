"""Pulsed impedance: the published sequence with literal numbers, and what may not disturb it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from controller.laws.base import Observation
from controller.laws.pulsed_impedance import PulsedImpedance, PulsedImpedanceParams
from safety.types import Demand, Permit, State

DT_S = 0.05
NAN = math.nan


def params(**changed: float) -> PulsedImpedanceParams:
    numbers: dict[str, float] = {
        "start_w": 40.0,
        "ramp_w_per_min": 600.0,  # 0.5 W per tick
        "power_max_w": 200.0,
        "current_max_a": 2.0,
        "rise_ohm": 20.0,
        "low_w": 10.0,
        "off_s": 15.0,
        "resume": 0.7,
        "duration_s": 60.0,
    }
    return PulsedImpedanceParams.model_validate({"kind": "pulsed-impedance", **numbers, **changed})


def permit(max_w: float = 200.0) -> Permit:
    return Permit(max_w, math.inf, 1, State.FIRING)


class Run:
    """Steps a law at 20 Hz; ``z`` and ``cap`` are functions of time."""

    def __init__(self, law: PulsedImpedance) -> None:
        self.law = law
        self.tick = 0
        self.demands: list[Demand] = []

    def to(
        self, t_s: float, z: Callable[[float], float | None], cap: Callable[[float], float] = lambda t: 200.0
    ) -> Demand:
        while round(self.tick * DT_S, 6) <= t_s:
            now_s = round(self.tick * DT_S, 6)
            seen = Observation(t_s=now_s, impedance_ohm=z(now_s))
            self.demands.append(self.law.step(seen, permit(cap(now_s)), DT_S))
            self.tick += 1
        return self.demands[-1]


def test_the_published_sequence_of_a_roll_off():
    run = Run(PulsedImpedance(params()))

    def z_ohm(t_s: float) -> float:
        return 80.0 if t_s < 5.0 else 110.0 if t_s < 6.0 else 75.0

    assert run.to(0.90, z_ohm) == Demand(10.0, "reading impedance")
    assert run.to(0.95, z_ohm) == Demand(40.0, "ramp")  # impedance has been read for one second
    assert run.to(1.00, z_ohm) == Demand(40.5, "ramp")
    assert run.to(5.35, z_ohm) == Demand(84.0, "ramp")
    assert run.law.rolloffs == 0
    # Impedance jumps by 30 ohm at 5.00 s; the filter passes 20 ohm nine ticks later.
    assert run.to(5.40, z_ohm) == Demand(10.0, "roll-off 1")
    assert run.law.rolloffs == 1
    assert run.law.internals()["first_rolloff_s"] == 5.4
    assert run.to(20.35, z_ohm) == Demand(10.0, "roll-off 1")
    resumed = run.to(20.40, z_ohm)
    assert resumed.power_w == pytest.approx(58.8)  # 0.7 of the 84 W at roll-off
    assert run.law.internals()["baseline_ohm"] == 80.0  # unchanged while off
    run.to(22.0, z_ohm)
    assert run.law.internals()["baseline_ohm"] == 75.0  # the running minimum
    assert run.to(59.95, z_ohm).power_w == 200.0
    assert run.demands[-1].reason == "hold"
    assert not run.law.finished
    assert run.to(60.0, z_ohm) == Demand(0.0, "end of protocol")
    assert run.law.finished


def test_resuming_never_falls_below_the_starting_power():
    run = Run(PulsedImpedance(params(resume=0.1)))
    assert run.to(20.40, lambda t: 80.0 if t < 5.0 else 110.0 if t < 6.0 else 80.0).power_w == 40.0


def test_a_rise_of_less_than_the_threshold_is_no_roll_off():
    run = Run(PulsedImpedance(params()))
    run.to(59.0, lambda t: 80.0 if t < 5.0 else 99.9)
    assert run.law.rolloffs == 0


def test_one_wild_reading_is_no_roll_off():
    run = Run(PulsedImpedance(params()))
    run.to(30.0, lambda t: 1.0e5 if 5.0 <= t < 5.2 else 80.0)  # four ticks see one sample
    assert run.law.rolloffs == 0
    assert run.law.internals()["filtered_ohm"] == pytest.approx(80.0, abs=0.01)


@pytest.mark.parametrize("wild", [0.01, 1.0e5])
def test_readings_requested_before_the_power_had_settled_are_not_used(wild: float):
    law = PulsedImpedance(params())
    run = Run(law)
    run.to(0.95, lambda t: 80.0)  # the step from 10 W to 40 W
    before = law.state.meter.filtered_ohm
    for tick in range(20, 23):  # 0.05..0.15 s after the step, each reading 0.1 s old
        law.step(Observation(tick * DT_S, wild, impedance_age_s=0.1), permit(), DT_S)
    assert math.isnan(before)
    assert math.isnan(law.state.meter.filtered_ohm)
    assert law.state.baseline_ohm == 80.0


def test_power_is_limited_by_current():
    run = Run(PulsedImpedance(params(current_max_a=1.0)))
    assert run.to(59.0, lambda t: 80.0) == Demand(80.0, "current limit")


@pytest.mark.parametrize("missing", [None, NAN, math.inf, 0.0, -5.0])
def test_without_impedance_there_is_no_power(missing: float | None):
    run = Run(PulsedImpedance(params()))

    def z_ohm(t_s: float) -> float | None:
        return missing if 5.0 <= t_s < 5.6 else 80.0

    assert run.to(5.45, z_ohm).power_w > 80.0
    assert run.to(5.55, z_ohm) == Demand(0.0, "impedance missing")
    assert run.to(20.4, z_ohm) == Demand(0.0, "impedance missing")
    assert run.to(20.6, z_ohm) == Demand(10.0, "reading impedance")
    assert run.to(21.7, z_ohm).power_w == pytest.approx(41.0, abs=1.5)  # from start_w again


def test_impedance_that_never_comes_ends_the_probing():
    run = Run(PulsedImpedance(params()))
    assert run.to(2.9, lambda t: None) == Demand(10.0, "reading impedance")
    assert run.to(3.0, lambda t: None) == Demand(0.0, "impedance missing")


def test_nothing_winds_up_while_the_permit_clamps():
    run = Run(PulsedImpedance(params()))

    def cap_w(t_s: float) -> float:
        return 50.0 if 3.0 <= t_s < 10.0 else 200.0

    assert run.to(2.95, lambda t: 80.0, cap_w).power_w == 60.0
    assert run.to(3.0, lambda t: 80.0, cap_w) == Demand(50.0, "held down by permit")
    assert run.to(9.95, lambda t: 80.0, cap_w) == Demand(50.0, "held down by permit")
    assert run.to(10.0, lambda t: 80.0, cap_w) == Demand(50.5, "ramp")  # bumpless: one tick of ramp, no step


def test_after_a_pause_it_begins_like_at_first():
    run = Run(PulsedImpedance(params()))

    def cap_w(t_s: float) -> float:
        return 0.0 if 5.0 <= t_s < 8.0 else 200.0

    assert run.to(5.0, lambda t: 80.0, cap_w) == Demand(0.0, "held down by permit")
    assert run.to(7.95, lambda t: 80.0, cap_w).power_w == 0.0
    assert run.to(8.0, lambda t: 80.0, cap_w) == Demand(10.0, "reading impedance")
    assert run.to(8.9, lambda t: 80.0, cap_w).power_w == 10.0
    assert run.to(9.0, lambda t: 80.0, cap_w).power_w <= 40.5


def test_a_late_tick_does_not_leap():
    law = PulsedImpedance(params())
    Run(law).to(5.0, lambda t: 80.0)
    before_w = law.state.power_w
    assert law.step(Observation(15.0, 80.0), permit(), 10.0).power_w == before_w + 2.5  # 0.25 s of ramp


@pytest.mark.parametrize("t_s", [NAN, math.inf])
def test_a_time_that_is_no_time_ends_it(t_s: float):
    law = PulsedImpedance(params())
    assert law.step(Observation(t_s, 80.0), permit(), DT_S).power_w == 0.0
    assert law.finished


wild = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(10.0, 500.0))
watts = st.one_of(st.sampled_from([0.0, NAN, -1.0, 200.0]), st.floats(0.0, 250.0))


@given(st.lists(st.tuples(wild, watts, st.floats(allow_nan=True), st.floats(0.0, 5.0)), max_size=80))
def test_whatever_it_sees_it_never_exceeds_permit_or_parameters(ticks: list[tuple[float | None, float, float, float]]):
    law = PulsedImpedance(params(probe_s=0.5, off_s=0.5))
    for i, (z_ohm, cap_w, dt_s, age_s) in enumerate(ticks):
        demand = law.step(Observation(i * DT_S, z_ohm, age_s), permit(cap_w), dt_s)
        allowed_w = max(0.0, cap_w)
        assert 0.0 <= demand.power_w <= min(allowed_w, 200.0)
        assert all(isinstance(x, str) or math.isfinite(x) for x in law.internals().values())


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_makes_no_roll_off(seed: int):
    noise = random.Random(seed)
    run = Run(PulsedImpedance(params()))
    raw = [80.0 + noise.gauss(0.0, 5.0) for _ in range(1200)]  # three times what a generator's meter has
    run.to(59.0, lambda t: raw[round(t / DT_S)])
    assert max(raw) - min(raw) > 25.0  # unfiltered, it would have rolled off
    assert run.law.rolloffs == 0


def test_the_same_observations_give_the_same_demands():
    def z_ohm(t_s: float) -> float:
        return 80.0 + 40.0 * math.sin(t_s)

    first, second = Run(PulsedImpedance(params())), Run(PulsedImpedance(params()))
    first.to(50.0, z_ohm)
    second.to(50.0, z_ohm)
    assert first.demands == second.demands


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"start_w": 300.0}, "start_w <= power_max_w must hold"),
        ({"resume": 1.1}, "less than or equal to 1"),
        ({"low_w": 0.0}, "greater than or equal to 2"),
        ({"rise_ohm": NAN}, "finite"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changed: dict[str, float], says: str):
    with pytest.raises(ValidationError, match=says):
        params(**changed)
