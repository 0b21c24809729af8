"""Mean temperature: stages, holds, tines that are hot or missing, cooling, and the loop on simple tissue."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from pydantic import ValidationError

from controller.laws.base import Observation
from safety.types import Demand
from tests.laws.examples import MEAN, TIP
from tests.laws.runs import Run, made

FIVE = 5


def tines(mean_c: Callable[[float], float]) -> Callable[[float, Demand], Observation]:
    return lambda t_s, demand: Observation(t_s, tine_c=(mean_c(t_s),) * FIVE)


class Tissue:
    """Five tines, each a first-order lag on power: ``gain_k_per_w`` degrees for each watt, ``tau_s`` to get there. Bare
    thermocouples (0.3 s), a scan of five and one tick are half a second late.
    """

    def __init__(self, gain_k_per_w: float = 1.4, tau_s: float = 40.0, delay_s: float = 0.5) -> None:
        self.gain_k_per_w, self.tau_s = gain_k_per_w, tau_s
        self.true_c, self.seen = 20.0, [20.0] * round(delay_s / 0.1)
        self.hottest_c = 20.0

    def __call__(self, t_s: float, demand: Demand) -> Observation:
        self.true_c += (20.0 + self.gain_k_per_w * demand.power_w - self.true_c) * 0.1 / self.tau_s
        self.hottest_c = max(self.hottest_c, self.true_c)
        self.seen.append(self.true_c)
        return Observation(t_s, tine_c=(self.seen.pop(0),) * FIVE)


@pytest.mark.parametrize(
    ("gain_k_per_w", "tau_s"), [(1.0, 20.0), (1.4, 40.0), (1.4, 90.0), (3.0, 40.0), (3.0, 150.0), (5.0, 100.0)]
)
def test_the_mean_comes_to_its_target_without_overshoot_and_stays(gain_k_per_w: float, tau_s: float):
    tissue = Tissue(gain_k_per_w, tau_s)
    run = Run(made(MEAN, stages=[{"target_c": 105.0, "hold_s": 300.0}], duration_s=900.0), tissue)
    while run.phase == "HEAT":
        run.to(run.tick * 0.1)
    reached_s = run.tick * 0.1
    assert reached_s < 450.0
    run.to(reached_s + 120.0)
    assert tissue.hottest_c <= 108.0  # 3 K
    for t_s in range(round(reached_s) + 121, round(reached_s) + 290):
        run.to(t_s)
        assert tissue.true_c == pytest.approx(105.0, abs=2.0)


def test_power_changes_by_no_more_than_20_watts_a_second():
    run = Run(made(MEAN), tines(lambda t_s: 20.0))
    run.to(20.0)
    powers = [demand.power_w for demand in run.demands]
    assert max(b - a for a, b in pairwise(powers)) == pytest.approx(2.0)
    assert powers[-1] == 150.0


@pytest.mark.parametrize(("rise_c_per_s", "least_w", "most_w"), [(1.0, 11.0, 13.0), (10.0, 2.0, 8.0)])
def test_a_mean_that_would_pass_its_target_at_once_gets_less_power(rise_c_per_s: float, least_w: float, most_w: float):
    def mean_c(t_s: float) -> float:
        return 95.0 + rise_c_per_s * min(max(t_s - 20.0, 0.0), 7.0 / rise_c_per_s)

    run = Run(made(MEAN, integral_s=1e9), tines(mean_c))
    assert run.to(20.0).power_w == pytest.approx(40.0)  # 4 W/K
    run.to(20.0 + 7.0 / rise_c_per_s)  # 102
    assert least_w <= run.demands[-1].power_w <= most_w
    braked_w = run.demands[-1].power_w
    run.to(60.0 + 7.0 / rise_c_per_s)
    assert run.demands[-1].power_w == pytest.approx(12.0)  # forgotten
    assert run.demands[-1].power_w >= braked_w


def test_stages_follow_each_other_when_their_holds_are_over():
    run = Run(made(MEAN), tines(lambda t_s: 80.0 if t_s < 5.0 else 105.0))
    assert run.to(4.9).reason == "heating"
    assert run.law.internals()["deployment_mm"] == 20.0
    run.to(5.0)
    assert run.phase == "HOLD"
    run.to(14.8)
    assert run.law.internals()["stage"] == 1.0
    run.to(15.2)  # a hold of 10 s
    assert run.law.internals()["stage"] == 2.0
    assert run.law.internals()["deployment_mm"] == 30.0
    run.to(34.5)
    assert run.phase == "HOLD"
    run.to(35.6)  # 20 s more
    assert run.phase == "COOL"
    assert not run.law.finished


def test_a_hold_waits_until_the_operator_has_deployed():
    def bench(t_s: float, demand: Demand) -> Observation:
        return Observation(t_s, tine_c=(105.0,) * FIVE, deployment_mm=20.0 if t_s < 40.0 else 29.8)

    run = Run(made(MEAN), bench)
    run.to(39.9)
    assert (run.phase, run.law.internals()["stage"]) == ("HEAT", 2.0)
    assert run.law.internals()["advice"] == "deploy to 30 mm"
    run.to(40.0)
    assert (run.phase, run.law.internals()["advice"]) == ("HOLD", "")
    assert run.to(61.0) == Demand(0.0, "cooling down")


def test_a_hold_stands_still_once_the_mean_has_been_ten_short_for_a_minute():
    stages = [{"target_c": 105.0, "hold_s": 100.0}]
    dip = tines(lambda t_s: 94.0 if 20.0 <= t_s < 130.0 else 105.0)
    run = Run(made(MEAN, stages=stages, duration_s=400.0), dip)
    run.to(140.0)
    # 20 s until the dip, 60 s of it counted, 50 s not, 10 s after it.
    assert run.law.internals()["held_s"] == pytest.approx(90.0, abs=0.3)


def test_a_hot_tine_halves_the_power_and_leaves_the_mean_until_it_has_cooled():
    def bench(t_s: float, demand: Demand) -> Observation:
        hot_c = 121.0 if 20.0 <= t_s < 25.0 else 101.0 if t_s < 30.0 else 80.0
        return Observation(t_s, tine_c=(80.0, 80.0, 80.0, 80.0, hot_c))

    run = Run(made(MEAN), bench)
    before_w = run.to(19.9).power_w
    assert before_w > 30.0
    assert run.to(20.0) == Demand(pytest.approx(before_w / 2), "half power: a tine is hot")
    assert run.law.internals()["mean_c"] == 80.0
    assert run.to(29.9).power_w == pytest.approx(before_w / 2)  # 101 is not below 100
    run.to(30.0)
    assert run.law.internals()["tines_hot"] == 0.0
    assert run.to(33.0).power_w > before_w / 2


def test_tines_that_are_missing_or_masked_are_left_out():
    def bench(t_s: float, demand: Demand) -> Observation:
        third = 90.0 if t_s < 10.0 else math.nan if t_s < 20.0 else None
        return Observation(t_s, tine_c=(90.0, 96.0, third, -270.0, 500.0))

    run = Run(made(MEAN, masked=[5]), bench)
    run.to(9.9)
    assert run.law.internals()["mean_c"] == 92.0
    run.to(10.1)
    assert run.law.internals()["mean_c"] == 92.0  # two bad readings are bridged
    run.to(10.2)
    assert run.law.internals()["mean_c"] == 93.0
    assert run.to(30.0).power_w > 0.0
    assert run.law.internals()["tines_missing"] == 2.0


@pytest.mark.parametrize("left", [(), (90.0,), (90.0, None, None, None, math.nan)])
def test_less_than_half_of_the_tines_is_too_few(left: tuple[float | None, ...]):
    def bench(t_s: float, demand: Demand) -> Observation:
        return Observation(t_s, tine_c=(90.0,) * FIVE if t_s < 10.0 else (*left, *[None] * (FIVE - len(left))))

    run = Run(made(MEAN), bench)
    assert run.to(9.9).power_w > 0.0
    assert run.to(10.3) == Demand(0.0, "too few tines are read")


def test_when_every_tine_is_hot_there_is_no_power():
    run = Run(made(MEAN), tines(lambda t_s: 90.0 if t_s < 10.0 else 130.0))
    run.to(9.9)
    assert run.to(10.0) == Demand(0.0, "every tine is hot")


@pytest.mark.parametrize(
    ("after_c", "advice"), [(70.0, ""), (55.0, "re-ablate: 55 degC after cooling is below 60 degC")]
)
def test_cooling_is_read_after_30_and_60_seconds(after_c: float, advice: str):
    stages = [{"target_c": 105.0, "hold_s": 5.0}]
    run = Run(made(MEAN, stages=stages), tines(lambda t_s: 105.0 if t_s < 6.0 else 80.0 if t_s < 45.0 else after_c))
    run.to(66.0)
    told = run.law.internals()
    assert run.law.finished
    assert (told["cooled_30s_c"], told["cooled_60s_c"], told["advice"]) == (80.0, after_c, advice)
    assert run.law.stopped == ""


def test_heating_ends_at_its_latest_time_and_says_so():
    run = Run(made(MEAN), tines(lambda t_s: 60.0))
    assert run.to(119.9).power_w > 0.0
    assert run.to(120.0) == Demand(0.0, "cooling down")
    assert run.law.stopped == "not finished within 120 s: stage 1 of 2"
    run.to(180.1)
    assert run.law.finished


def test_time_stands_still_while_nothing_is_permitted():
    def cap_w(t_s: float) -> float:
        return 0.0 if 5.0 <= t_s < 30.0 else 1000.0

    run = Run(made(MEAN), tines(lambda t_s: 105.0), cap_w)
    run.to(30.0)
    assert run.law.internals()["held_s"] == pytest.approx(5.0, abs=0.3)


def test_one_electrode_is_held_at_its_own_tip():
    law = made(TIP)
    assert law.params.needs == ("tip",)
    run = Run(law, lambda t_s, demand: Observation(t_s, tip_c=60.0))
    assert run.to(10.0) == Demand(30.0, "heating")
    hot = Run(made(TIP), lambda t_s, demand: Observation(t_s, tip_c=60.0 if t_s < 10.0 else 130.0))
    assert hot.to(12.0) == Demand(0.0, "heating" if hot.phase == "HEAT" else "holding")  # by the loop, nothing is cut


def test_no_power_above_the_greatest_impedance():
    law = made(TIP, impedance_max_ohm=250.0)
    assert law.params.needs == ("tip", "impedance")
    run = Run(law, lambda t_s, demand: Observation(t_s, tip_c=60.0, impedance_ohm=80.0 if t_s < 10.0 else 300.0))
    assert run.to(9.9).power_w == 30.0
    assert run.to(10.0) == Demand(0.0, "impedance too high: dry")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"stages": []}, "at least 1 item"),
        ({"cut_c": 90.0}, "resume_c < cut_c must hold"),
        ({"cut_c": 104.0}, "a target of 105 is not below cut_c of 104"),
        ({"masked": [0]}, "tines are numbered from 1"),
        ({"duration_s": 30.0}, "but duration_s is 30 s"),
        (
            {
                "stages": [
                    {"deployment_mm": 30.0, "target_c": 105.0, "hold_s": 1.0},
                    {"deployment_mm": 20.0, "target_c": 105.0, "hold_s": 1.0},
                ]
            },
            "tines only go out, but 20 mm is less than the 30 mm of stage 1",
        ),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changed: dict[str, object], says: str):
    with pytest.raises(ValidationError, match=says):
        made(MEAN, **changed)


def test_what_configuration_is_told():
    params = made(MEAN).params
    assert params.needs == ("tines",)
    assert params.peak == ("power_max_w", 150.0)
    assert params.end == ("duration_s", 180.0)  # a minute of cooling
    assert params.target == ("stages", 105.0)


def test_each_time_it_has_dried_the_integral_is_halved():
    def bench(t_s: float, demand: Demand) -> Observation:
        return Observation(t_s, tip_c=99.0, impedance_ohm=300.0 if 60.0 <= t_s < 61.0 else 80.0)

    run = Run(made(TIP, impedance_max_ohm=250.0, power_max_w=150.0), bench)
    run.to(59.9)
    before_w = run.law.state.integral_w
    run.to(61.0)
    assert run.law.state.integral_w == pytest.approx(0.5 * before_w, abs=0.2)
    assert run.demands[-1].power_w == pytest.approx(2.0)  # and comes back at 20 W/s
