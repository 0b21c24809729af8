"""What a step knows of power: set-points, whether any flows, and the integrals of energy and time."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.steps import HEALTHY, OFF, bench, inputs, stepped

# ---- set-points


@pytest.mark.parametrize(
    "applied_w, t_s, history",
    [
        (50.0, 100.0, ((95.0, 50.0),)), (60.0, 100.0, ((95.0, 50.0), (100.0, 60.0))),
        (60.0, 200.0, ((95.0, 50.0), (100.125, 60.0))), (60.0, 90.0, ((95.0, 60.0),)),
        (0.0, 100.0, ((95.0, 50.0), (100.0, 0.0))), (0.5, 100.0, ((95.0, 50.0), (100.0, 0.5))),
        (math.nan, 100.0, ((95.0, 50.0), (100.0, 100.0))), (-1.0, 100.0, ((95.0, 50.0), (100.0, 100.0))),
        (math.inf, 100.0, ((95.0, 50.0), (100.0, 100.0))),
    ],
)  # fmt: skip
@raises_nothing
def test_set_points_are_remembered(applied_w: float, t_s: float, history: Any) -> None:
    assert stepped(said=inputs(applied_w=applied_w, applied_t_s=t_s))[0].history == history


@raises_nothing
def test_the_first_set_point_and_old_ones() -> None:
    said = inputs(applied_w=60.0, applied_t_s=100.0)
    assert stepped(said=said, history=())[0].history == ((100.0, 60.0),)
    config = bench()
    assert config.history_s == pytest.approx(0.3 + 0.25 + 0.5)
    from_s = 100.125 - config.history_s
    old = ((90.0, 10.0), (91.0, 20.0), (from_s - 0.01, 30.0), (from_s + 0.01, 40.0))
    assert stepped(said=said, history=old)[0].history == ((from_s - 0.01, 30.0), (from_s + 0.01, 40.0), (100.0, 60.0))
    edge = ((90.0, 10.0), (from_s, 20.0))
    assert stepped(said=said, history=edge)[0].history == (*edge, (100.0, 60.0))
    assert stepped(history=(*old[:3], (95.0, 50.0)))[0].history == (*old[:3], (95.0, 50.0))  # nothing new


@raises_nothing
def test_a_set_point_is_no_older_than_the_one_before() -> None:
    history = ((99.5, 10.0), (99.75, 50.0))
    said = inputs(applied_w=60.0, applied_t_s=99.6)
    assert stepped(said=said, history=history)[0].history == (*history, (99.75, 60.0))


# ---- whether power flows


@pytest.mark.parametrize(
    "load_w, forward_w, flows",
    [(5.0, 0.0, True), (4.9, 4.9, False), (0.0, 5.0, True), (4.9, 5.0, True), (math.nan, 50.0, True),
     (math.nan, 4.0, False), (math.inf, 0.0, False), (-5.0, -5.0, False)],
)  # fmt: skip
@raises_nothing
def test_power_flows(load_w: float, forward_w: float, flows: bool) -> None:
    said = inputs({**HEALTHY, "g.power_w": load_w, "g.forward_w": forward_w})
    after = stepped(said=said)[0]
    assert (after.flowing_from_s, after.flowing_since_s) == ((95.5 if flows else None), 95.75)
    began = stepped(said=said, flowing_from_s=None)[0]
    assert (began.flowing_from_s, began.flowing_since_s) == ((100.0, 100.125) if flows else (None, 95.75))


@pytest.mark.parametrize(
    "t_s, seen", [(99.875, True), (99.87, False), (100.125, True), (100.13, False), (math.nan, False)]
)
@raises_nothing
def test_a_meter_is_young(t_s: float, seen: bool) -> None:
    after = stepped(said=inputs(t_s=t_s))[0]
    assert (after.flowing_from_s is not None) is seen


@raises_nothing
def test_a_meter_is_good() -> None:
    from safety.types import Quality, Sample

    snapshot = {**inputs().snapshot}
    for name in ("g.power_w", "g.forward_w"):
        snapshot[name] = Sample(name, 50.0, 100.0, Quality.UNCERTAIN)
    after, _ = stepped(said=inputs(snapshot=snapshot))
    assert after.flowing_from_s is None
    del snapshot["g.power_w"], snapshot["g.forward_w"]
    assert stepped(said=inputs(snapshot=snapshot))[0].flowing_from_s is None


# ---- integrals


@pytest.mark.parametrize(
    "load_w, applied_w, before_w, worst_w",
    [(40.0, 50.0, 90.0, 50.0), (60.0, 50.0, 90.0, 60.0), (60.0, 0.0, 90.0, 60.0), (0.0, 0.0, 90.0, 0.0),
     (math.nan, 0.0, 90.0, 50.0), (-1.0, 0.0, 90.0, 0.0), (-1.01, 0.0, 90.0, 50.0), (math.nan, math.nan, 0.0, 100.0)],
)  # fmt: skip
@raises_nothing
def test_the_worst_case_counts(load_w: float, applied_w: float, before_w: float, worst_w: float) -> None:
    said = inputs({**HEALTHY, "g.power_w": load_w}, applied_w=applied_w)
    after, out = stepped(said=said, power_w=before_w)
    assert (after.power_w, out.energy_j - 200.0) == (worst_w, pytest.approx(worst_w / 8))


@raises_nothing
def test_without_a_meter_what_flowed_flows_on() -> None:
    said = inputs({"g.rf_on": 1.0, "i.a_closed": 1.0, "i.b_closed": 1.0}, applied_w=0.0)
    after, out = stepped(said=said, power_w=90.0)
    assert (after.power_w, out.energy_j) == (90.0, 211.25)


@pytest.mark.parametrize(
    "name", ["SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "TRIPPED", "LOCKOUT"]
)
@raises_nothing
def test_where_energy_and_time_count(name: str) -> None:
    spends = name in ("FIRING", "STOPPING")
    for power_w, counts in ((0.5, spends), (1.0, spends), (1.5, True)):
        said = inputs({**OFF, "g.power_w": power_w}, applied_w=0.0)
        after, _ = stepped(name, said)
        assert after.energy_j - 200.0 == pytest.approx(power_w / 8 if counts else 0.0)
        assert after.on_time_s == (4.125 if spends else 4.0)


@pytest.mark.parametrize("now_s", [100.0, 99.5, 99.0])
@raises_nothing
def test_time_that_stands_adds_nothing(now_s: float) -> None:
    _, out = stepped(now_s=now_s)
    assert (out.energy_j, out.on_time_s) == (200.0, 4.0)


@raises_nothing
def test_integrals_saturate() -> None:
    _, out = stepped(energy_j=1e12, on_time_s=1e12)
    assert (out.energy_j, out.on_time_s) == (1e12, 1e12)
    from safety.kernel import ENERGY_MAX_J

    assert ENERGY_MAX_J == 1e12
