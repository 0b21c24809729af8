"""Coolant: flow and air alone, in every state, to the edge of every time and flow."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.views import CHECKED, STATES, graded, sample, view


def flow(*values: float, air: float | None = None, state: str = "FIRING", step_s: float = 0.03125, **words: Any) -> Any:
    """Memory and number of findings after each reading, ``step_s`` apart; 40 ml/min are needed."""
    from safety.monitors.coolant import Flow

    monitor: Any = Flow(1, "f.flow_ml_min", 40.0, None if air is None else 0)
    assert (monitor.start(), monitor.DEBOUNCE, monitor.SPIN_UP_S) == ({}, (2, 4, 0.08), 1.0)
    memory: Any = words.pop("memory", {})
    counts: list[int] = []
    found: Any = []
    for k, value in enumerate(values):
        t_s = 99.0 + step_s * k
        gas = None if air is None else sample(air)
        memory, found = monitor.update(memory, view(state, (gas, sample(value, t_s)), now_s=t_s + 0.125, **words))
        counts.append(len([*found]))
    return memory, counts, [*found]


@pytest.mark.parametrize(
    "values, counts",
    [
        ((40.0,) * 5, [0] * 5),
        ((39.9,) * 5, [0, 0, 0, 1, 1]),  # 80 ms
        ((39.9, 40.0, 39.9, 39.9, 40.0, 40.0), [0, 0, 0, 1, 1, 1]),
        ((39.9, 40.0, 40.0, 40.0, 40.0, 39.9), [0, 0, 0, 0, 0, 0]),
        ((math.nan,) * 4, [0, 0, 0, 1]),
    ],
)
@raises_nothing
def test_flow(values: tuple[float, ...], counts: list[int]) -> None:
    _, seen, found = flow(*values)
    assert seen == counts
    for one in found:
        assert (one.item, one.severity.name, *one[2:5]) == ("flow", "TRIP", "H38", "coolant_flow", "f.flow_ml_min")
        assert (one.limit, one.age_s) == (40.0, 0.125)
        assert one.value == values[-1] or math.isnan(one.value)
        assert one.text == f"f.flow_ml_min is {values[-1]:.1f} ml/min, at least 40 is needed"
        assert one.check.startswith("pump, tubing")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("fired", [True, False])
@raises_nothing
def test_where_coolant_must_flow(state: str, fired: bool) -> None:
    counts = state in CHECKED or (fired and state in ("STOPPING", "COOLDOWN"))
    _, seen, found = flow(*(0.0,) * 4, state=state, fired=fired)
    assert seen == ([0] * 4 if not counts else [1] * 4 if state == "PRECHECK" else [0, 0, 0, 1])
    assert {f.severity.name for f in found} == ({graded(state)} if counts else set())
    assert flow(*(0.0,) * 4, state=state, fired=fired, pump_on=False)[:2] == ({}, [0] * 4)


@pytest.mark.parametrize("state", ["STOPPING", "TRIPPED", "COOLDOWN"])
@pytest.mark.parametrize("pump_s, counts", [(0.0, [0] * 4), (0.999, [0] * 4), (1.0, [0, 0, 0, 1])])
@raises_nothing
def test_a_pump_comes_up_in_a_second(state: str, pump_s: float, counts: list[int]) -> None:
    memory, seen, _ = flow(*(0.0,) * 4, pump_s=pump_s, state=state, fired=True)
    assert (seen, bool(memory)) == (counts, pump_s >= 1.0)


@pytest.mark.parametrize("state", ["READY", "ARMED"])
@raises_nothing
def test_in_that_second_one_low_reading_keeps_from_arming_and_trips_nothing(state: str) -> None:
    for pump_s in (0.0, 0.999):
        memory, seen, found = flow(40.0, 39.9, 40.0, 39.9, pump_s=pump_s, state=state)
        assert (memory, seen, found[0].severity.name) == ({}, [0, 1, 0, 1], "INHIBIT")
        assert flow(40.0, pump_s=pump_s, state=state, memory={0: "spell"})[0] == {}
    _, seen, found = flow(*(0.0,) * 4, pump_s=1.0, state=state)
    assert (seen, found[0].severity.name) == ([0, 0, 0, 1], "TRIP")


@pytest.mark.parametrize("pump_s", [0.0, 0.5, 0.999])
@raises_nothing
def test_that_second_is_no_leave_to_fire_without_coolant(pump_s: float) -> None:
    assert flow(0.0, pump_s=pump_s, state="PRECHECK")[1] == [1]
    _, seen, found = flow(*(0.0,) * 4, pump_s=pump_s, state="FIRING")
    assert (seen, found[0].severity.name) == ([0, 0, 0, 1], "TRIP")


@pytest.mark.parametrize("air, gas", [(None, False), (0.0, False), (1.0, True), (0.5, True), (math.nan, True)])
@raises_nothing
def test_in_gas_a_flow_sensor_reads_nothing(air: float | None, gas: bool) -> None:
    assert flow(*(0.0,) * 4, air=air)[1] == ([0] * 4 if gas else [0, 0, 0, 1])
    assert flow(0.0, air=air, state="PRECHECK")[1] == [1]


@pytest.mark.parametrize("due, counts", [(0.0, 0), (39.0, 0), (50.0, 0), (50.1, 1), (math.nan, 1)])
@raises_nothing
def test_a_flow_that_is_due_is_needed(due: float, counts: int) -> None:
    _, seen, found = flow(*(50.0,) * 4, flow_due_ml_min=due)
    assert seen[-1] == counts
    for one in found:
        assert one.limit == due or math.isnan(one.limit)


@raises_nothing
def test_without_a_reading_of_flow() -> None:
    from safety.monitors.coolant import Air, Flow

    memory: Any = {0: "spell"}
    assert Flow(0, "f", 40.0).update(memory, view("FIRING", (None,))) == ({}, ())
    assert Air(0, "f").update(memory, view("FIRING", (None,))) == ({}, ())
    _, found = Flow(1, "f", 40.0, 0).update({}, view("PRECHECK", (None, sample(0.0))))
    assert [f.hazard for f in found] == ["H38"]


def air(*values: float, state: str = "FIRING", step_s: float = 0.125, **words: Any) -> tuple[list[int], list[Any]]:
    from safety.monitors.coolant import Air

    monitor: Any = Air(0, "f.air_in_line_flag")
    assert (monitor.start(), monitor.DEBOUNCE) == ({}, (2, 3, 0.3))
    memory: Any = {}
    counts: list[int] = []
    found: Any = []
    for k, value in enumerate(values):
        t_s = 99.0 + step_s * k
        memory, found = monitor.update(memory, view(state, (sample(value, t_s),), now_s=t_s + 0.125, **words))
        counts.append(len([*found]))
    return counts, [*found]


@pytest.mark.parametrize(
    "values, counts",
    [((0.0,) * 5, [0] * 5), ((1.0,) * 5, [0, 0, 0, 1, 1]), ((1.0, 1.0, 0.0, 0.0, 0.0, 1.0), [0] * 6),
     ((0.5,) * 4, [0, 0, 0, 1]), ((math.nan,) * 4, [0, 0, 0, 1])],
)  # fmt: skip
@raises_nothing
def test_air(values: tuple[float, ...], counts: list[int]) -> None:
    seen, found = air(*values)
    assert seen == counts
    for one in found:
        assert (one.item, one.severity.name, *one[2:5]) == ("air", "TRIP", "H41", "air_in_line", "f.air_in_line_flag")
        assert (one.limit, one.age_s, one.text) == (0.0, 0.125, "f.air_in_line_flag: air in the coolant line")
        assert one.check.startswith("the fluid bag")
        assert one.value == values[-1] or math.isnan(one.value)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("fired", [True, False])
@raises_nothing
def test_where_air_counts(state: str, fired: bool) -> None:
    counts = state in CHECKED or (fired and state in ("STOPPING", "COOLDOWN"))
    seen, found = air(*(1.0,) * 4, state=state, fired=fired)
    assert seen == ([0, 0, 0, 1] if counts else [0] * 4)
    inhibits = state in ("PRECHECK", "READY")
    assert {f.severity.name for f in found} == ({"INHIBIT" if inhibits else "TRIP"} if counts else set())
    assert air(*(1.0,) * 4, state=state, fired=fired, pump_on=False)[0] == [0] * 4
