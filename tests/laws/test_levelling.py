"""What the generator is told: load power comes to the demand, slowly, within the permit, and never less than asked."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.laws.conformance import permit
from controller.laws.levelling import RATIO_MAX, Levelling
from safety.types import Demand

DT_S = 0.05


def levelled(wanted_w: float, share: float, seconds: float) -> tuple[float, float]:
    """(set-point, load power) after ``seconds`` of ``wanted_w`` into a load that takes ``share``, read 3 ticks late."""
    state, seen = Levelling(), [0.0] * 3
    forward = Demand(0.0)
    for _ in range(round(seconds / DT_S)):
        seen.append(forward.power_w)
        sent_w = seen.pop(0)
        state, forward = state.step(Demand(wanted_w, "law", (1,)), share * sent_w, sent_w, permit(), DT_S)
    assert forward.reason == "law"
    assert forward.channels == (1,)
    return forward.power_w, share * forward.power_w


@pytest.mark.parametrize("share", [1.0, 0.95, 0.8, 0.7])
def test_the_load_gets_what_the_law_wants(share: float):
    forward_w, load_w = levelled(30.0, share, 20.0)
    assert load_w == pytest.approx(30.0, rel=0.005)
    assert forward_w == pytest.approx(30.0 / share, rel=0.005)


def test_it_takes_seconds_so_that_a_roll_off_is_over_first():
    forward_w, _ = levelled(100.0, 0.7, 1.0)
    assert forward_w < 115.0


def test_it_goes_no_further_than_half_as_much_again():
    assert levelled(100.0, 0.3, 60.0)[0] == pytest.approx(100.0 * RATIO_MAX)


def test_a_generator_that_regulates_load_power_needs_no_help():
    state = Levelling()
    for _ in range(400):
        state, forward = state.step(Demand(50.0), 50.0, 62.0, permit(), DT_S)
    assert forward.power_w == pytest.approx(50.0)


def test_what_the_permit_holds_down_does_not_wind_up():
    state, forward = Levelling(), Demand(0.0)
    for tick in range(1200):
        cap_w, sent_w = 40.0 if tick < 1000 else 1000.0, forward.power_w
        state, forward = state.step(Demand(50.0), 0.8 * sent_w, sent_w, permit(cap_w), DT_S)
        assert forward.power_w <= cap_w
        if tick == 1000:
            assert forward.power_w < 51.0


def test_after_a_step_of_the_demand_the_old_power_is_not_believed():
    state, forward = Levelling(), Demand(0.0)
    for _ in range(400):
        state, forward = state.step(Demand(10.0), forward.power_w, forward.power_w, permit(), DT_S)
    for _ in range(9):  # 0.45 s of a meter that still shows 10 W
        state, forward = state.step(Demand(100.0), 10.0, 14.0, permit(), DT_S)
    assert forward.power_w == pytest.approx(100.0, rel=0.01)


def test_a_generator_that_lags_is_not_pushed():
    state = Levelling()
    for _ in range(400):  # half of the set-point comes out, all of it reaches the load
        state, forward = state.step(Demand(80.0), 40.0, 40.0, permit(), DT_S)
    assert forward.power_w <= 84.0


def test_noise_of_the_meters_takes_nothing_away():
    state, forward, noise = Levelling(), Demand(0.0), random.Random(1)
    got = []
    for _ in range(1200):
        load_w, sent_w = (x * noise.gauss(1.0, 0.01) for x in (0.8 * forward.power_w, forward.power_w))
        state, forward = state.step(Demand(30.0), load_w, sent_w, permit(), DT_S)
        got.append(0.8 * forward.power_w)
    assert sum(got[400:]) / 800 == pytest.approx(30.0, rel=0.005)


METERED = st.one_of(st.none(), st.sampled_from([math.nan, math.inf, -5.0, 0.0]), st.floats(0.0, 300.0))


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 250.0),
            METERED,
            METERED,
            st.sampled_from([0.0, 30.0, 200.0, math.nan, math.inf]),
            st.sampled_from([0.05, 0.0, -1.0, 10.0, math.nan]),
        ),
        max_size=60,
    )
)
def test_whatever_it_sees_it_stays_between_the_demand_and_the_permit(
    ticks: list[tuple[float, float | None, float | None, float, float]],
):
    state = Levelling()
    for wanted_w, load_w, forward_w, cap_w, dt_s in ticks:
        allowed = permit(cap_w)
        state, forward = state.step(Demand(wanted_w), load_w, forward_w, allowed, dt_s)
        most_w = cap_w if math.isfinite(cap_w) else 0.0
        assert min(wanted_w, most_w) - 1e-9 <= forward.power_w <= most_w
        assert 1.0 <= state.ratio <= RATIO_MAX


@pytest.mark.parametrize("wanted_w", [math.nan, math.inf, -math.inf])
def test_no_number_is_passed_on_to_the_gate_which_makes_it_nothing(wanted_w: float) -> None:
    before = Levelling(ratio=1.2, demand_w=40.0)
    state, forward = before.step(Demand(wanted_w), 40.0, 48.0, permit(200.0), 0.05)
    assert state == before
    assert repr(forward.power_w) == repr(wanted_w)
