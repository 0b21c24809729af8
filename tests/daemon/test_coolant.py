"""The flow that follows a temperature."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.config.bench import Roles
from controller.config.protocol import Cooling
from controller.daemon.coolant import Flow, Steering, steer
from safety.types import Quality, Sample

COOLING = Cooling(flow_ml_min=40.0, flow_max_ml_min=100.0, follow="tip", hold_c=20.0)

flows = st.floats(40.0, 100.0)
temperatures = st.one_of(st.none(), st.floats(-50.0, 200.0))
steps = st.floats(0.0, 1.0)


@given(flows, st.floats(0.0, 5.0), temperatures, steps)
def test_it_stays_within_its_range_and_its_rate(flow: float, blind_s: float, value_c: float | None, dt_s: float):
    after = steer(COOLING, Steering(flow, blind_s), value_c, dt_s)
    assert 40.0 <= after.flow_ml_min <= 100.0
    assert abs(after.flow_ml_min - flow) <= 60.0 * dt_s / 5.0 + 1e-9


@given(flows, st.floats(-50.0, 200.0), st.floats(0.0, 100.0), steps)
def test_warmer_is_never_less(flow: float, value_c: float, warmer_c: float, dt_s: float):
    cold = steer(COOLING, Steering(flow), value_c, dt_s)
    warm = steer(COOLING, Steering(flow), value_c + warmer_c, dt_s)
    assert warm.flow_ml_min >= cold.flow_ml_min


@given(flows, flows, temperatures, steps)
def test_more_before_is_never_less_after(one: float, other: float, value_c: float | None, dt_s: float):
    low, high = sorted((one, other))
    after = [steer(COOLING, Steering(flow), value_c, dt_s).flow_ml_min for flow in (low, high)]
    assert after[0] <= after[1]


@given(flows, st.lists(steps, max_size=200))
def test_blind_it_stays_and_then_only_rises(flow: float, ticks: list[float]):
    state, since_s = Steering(flow), 0.0
    for dt_s in ticks:
        before, state, since_s = state, steer(COOLING, state, None, dt_s), since_s + dt_s
        assert state.flow_ml_min >= before.flow_ml_min
        if since_s <= 2.0:
            assert state.flow_ml_min == flow
    if since_s > 10.0:
        assert state.flow_ml_min == 100.0


@pytest.mark.parametrize(("tip_c", "flow"), [(10.0, 40.0), (20.0, 40.0), (22.5, 70.0), (25.0, 100.0), (60.0, 100.0)])
def test_where_it_comes_to_rest(tip_c: float, flow: float):
    state = Steering(55.0)
    for _ in range(200):
        state = steer(COOLING, state, tip_c, 0.05)
    assert state.flow_ml_min == pytest.approx(flow)


def test_without_a_temperature_to_follow_the_flow_is_what_the_file_says():
    assert steer(Cooling(flow_ml_min=80.0), Steering(0.0), 90.0, 0.05) == Steering(80.0)
    flow = Flow(Roles(source="gen"))
    assert flow.wish_ml_min(None, {}, True, 0.0) == 0.0
    assert flow.wish_ml_min(Cooling(flow_ml_min=80.0), {}, True, 0.05) == 80.0
    assert flow.wish_ml_min(Cooling(flow_ml_min=80.0), {}, False, 0.1) == 0.0


def told(tip_c: float, t_s: float, quality: Quality = Quality.GOOD) -> dict[str, Sample]:
    return {"tc.tip_c": Sample("tc.tip_c", tip_c, t_s, quality)}


def test_the_pump_is_told_in_steps_and_an_old_reading_is_none():
    flow = Flow(Roles(source="gen", tip="tc.tip_c"))
    wishes = [flow.wish_ml_min(COOLING, told(22.5, 0.05 * k), True, 0.05 * k) for k in range(200)]
    assert wishes[0] == 40.0
    assert sorted(set(wishes)) == [40.0, 43.0, 46.0, 49.0, 52.0, 55.0, 58.0, 61.0, 64.0, 67.0, 70.0]
    assert wishes[-1] == 70.0
    assert flow.wish_ml_min(COOLING, told(22.5, 9.95), True, 11.9) == wishes[-1]  # 1.95 s old
    for k in range(100):
        last = flow.wish_ml_min(COOLING, told(22.5, 9.95), True, 12.0 + 0.1 * k)
    assert last == 100.0
    assert flow.wish_ml_min(COOLING, told(5.0, 22.0), False, 22.0) == 0.0
    assert flow.wish_ml_min(COOLING, told(5.0, 22.1), True, 22.1) == 40.0  # begins anew
    assert flow.wish_ml_min(COOLING, told(90.0, 22.2, Quality.BAD), True, 22.2) == 40.0


def test_due_is_what_the_pump_has_had_time_for():
    flow = Flow(Roles(source="gen", tip="tc.tip_c"))
    assert flow.due_ml_min == 0.0
    seen = []
    for k in range(100):
        wish = flow.wish_ml_min(COOLING, told(90.0, 0.1 * k), True, 0.1 * k)
        seen.append((wish, flow.due_ml_min))
    assert seen[0] == (40.0, 40.0)
    for k, (_, due) in enumerate(seen):  # the wish 3 s before
        assert seen[max(0, k - 31)][0] <= due <= seen[max(0, k - 29)][0]
    assert seen[-1] == (100.0, 100.0)
    wish = flow.wish_ml_min(COOLING, told(5.0, 10.0), True, 11.0)
    assert wish == flow.due_ml_min < 100.0  # less is due at once
    flow.wish_ml_min(COOLING, told(5.0, 10.0), False, 11.1)
    assert flow.due_ml_min == 0.0


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"follow": "tip"}, "follow: follow, hold_c and flow_max_ml_min belong together"),
        ({"follow": "tip", "hold_c": 20.0}, "belong together"),
        ({"follow": "tip", "hold_c": 20.0, "flow_max_ml_min": 40.0}, "flow_max_ml_min must be above flow_ml_min"),
    ],
)
def test_what_a_file_must_not_say(more: dict[str, object], why: str):
    with pytest.raises(ValueError, match=why):
        Cooling.model_validate({"flow_ml_min": 40.0, **more})
