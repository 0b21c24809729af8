"""Track ablation: constant power, or power by the tip."""

from __future__ import annotations

import pytest

from controller.laws.base import Ask, Observation
from controller.laws.track_ablation import TrackAblation, TrackAblationParams
from safety.types import Demand, Permit, State
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


def step(law: TrackAblation, t_s: float, tip_c: float | None, withdrawn_mm: float | None = 0.0) -> Demand:
    permit = Permit(200.0, 1e9, 1, State.FIRING)
    return law.step(Observation(t_s, tip_c=tip_c, withdrawn_mm=withdrawn_mm), permit, 0.05)


def test_the_operator_is_asked_each_time_the_tip_is_hot_and_the_tip_is_judged_anew_after_a_step():
    law = TrackAblation(TrackAblationParams(kind="track-ablation", power_w=30.0, target_c=70.0, duration_s=180.0))
    assert law.params.hands
    assert law.asks is None
    step(law, 1.0, 60.0)
    assert law.asks is None
    step(law, 1.05, 70.0)
    assert law.asks == Ask("pull-back", 10.0, "draw the applicator back by 10 mm")
    step(law, 1.1, 65.0)  # it stays asked until it is done
    step(law, 1.15, None)
    assert law.asks is not None
    step(law, 1.2, 72.0, 8.0)
    assert law.asks is None
    for k in range(58):
        step(law, 1.25 + 0.05 * k, 72.0, 8.0)
    assert law.asks is None
    for k in range(4):
        step(law, 4.15 + 0.05 * k, 72.0, 8.0)
    assert law.asks is not None


def test_it_ends_when_all_of_the_track_is_out():
    params = TrackAblationParams(
        kind="track-ablation", power_w=30.0, target_c=70.0, step_mm=10.0, length_mm=25.0, duration_s=180.0
    )
    law, t_s = TrackAblation(params), 0.0
    asked: list[float] = []
    withdrawn_mm = 0.0
    while not law.finished:
        t_s += 0.05
        demand = step(law, t_s, 75.0, withdrawn_mm)
        if law.asks is not None:
            asked.append(law.asks.value)
            withdrawn_mm += law.asks.value
    assert asked == [10.0, 10.0, 5.0]
    assert demand == Demand(0.0, "withdrawn")


def test_without_a_target_the_whole_length_is_asked_for_at_once():
    law = TrackAblation(TrackAblationParams(kind="track-ablation", power_w=25.0, length_mm=40.0, duration_s=60.0))
    step(law, 0.05, None)
    assert law.asks == Ask("pull-back", 40.0, "draw the applicator back by 40 mm")
    bare = TrackAblation(TrackAblationParams(kind="track-ablation", power_w=25.0, duration_s=60.0))
    step(bare, 0.05, None)
    assert (bare.asks, bare.params.hands) == (None, False)
