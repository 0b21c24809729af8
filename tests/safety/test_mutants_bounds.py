"""Numbers within bounds and doses below their limits, the two mechanisms alone, to the edge of each number."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.views import CHECKED, STATES, graded, sample, told, view

NAN, INF = math.nan, math.inf


# ---- what is read


@raises_nothing
def test_a_channel_always() -> None:
    from safety.monitors.bounds import of

    read = of(1)
    assert read(view("SAFE", (None, sample(7.0, 12.5)))) == (12.5, 7.0)
    assert read(view("SAFE", (sample(7.0), None))) is None


@pytest.mark.parametrize(
    "t_s, now_s, flowing_from_s, found",
    [
        (99.875, 100.0, 99.0, True), (99.75, 100.0, 99.0, True), (99.749, 100.0, 99.0, False),
        (99.875, 100.0, 99.776, False), (99.875, 100.0, 99.774, True), (99.875, 100.0, None, False),
        (100.5, 100.0, 99.0, True), (99.5 + 0.1, 99.75, 99.5, True),
    ],
)  # fmt: skip
@raises_nothing
def test_a_channel_under_power(t_s: float, now_s: float, flowing_from_s: float | None, found: bool) -> None:
    """At most a quarter of a second old, asked for a tenth of a second after power came."""
    from safety.monitors.bounds import SETTLE_S, powered

    read = powered(0, 0.25)
    seen = read(view("FIRING", (sample(7.0, t_s),), now_s=now_s, flowing_from_s=flowing_from_s))
    assert (seen, SETTLE_S) == ((t_s, 7.0) if found else None, 0.1)
    assert read(view("FIRING", (None,))) is None


# ---- numbers


def bounds(*readings: Any, state: str = "FIRING", memory: Any = None, **words: Any) -> Any:
    """Memory, number of findings after each reading of two rules of which the first has nothing to read, and the newest
    findings; 2 to 5, high until it is a half below.
    """
    from safety.monitors.base import Debounce
    from safety.monitors.bounds import BoundRule, Bounds

    left = iter(readings)
    text = "{value:g} of {limit:g}"
    silent = BoundRule("a", "H45", "m", "x", lambda view: None, 0.0, 0.0, Debounce(1, 1), text, "")
    rule = BoundRule("temperature", "H46", "hot", "y", lambda view: next(left), 2.0, 5.0, Debounce(2, 3), text, "look")
    assert rule.hysteresis == 0.0
    monitor: Any = Bounds([silent, rule._replace(hysteresis=words.pop("hysteresis", 0.5))])
    assert monitor.start() == {}
    memory, counts, found = memory or {}, [], ()
    for _ in readings:
        memory, found = monitor.update(memory, view(state, ()))
        counts.append(len([*found]))
    return memory, counts, [*found]


@pytest.mark.parametrize(
    "values, counts",
    [
        ((5.0, 5.0), [0, 0]), ((2.0, 2.0), [0, 0]), ((5.1, 5.1), [0, 1]), ((1.9, 1.9), [0, 1]), ((NAN, NAN), [0, 1]),
        ((5.1, 4.6), [0, 1]), ((5.1, 4.5, 4.5, 5.1), [0, 0, 0, 0]), ((5.1, 5.1, 4.5, 4.6), [0, 1, 0, 1]),
        ((1.9, 2.0), [0, 0]), ((5.1, 4.5, 5.1), [0, 0, 1]), ((5.1, None, 5.1), [0, 0, 0]), ((5.1, 1.9), [0, 1]),
    ],
)  # fmt: skip
@raises_nothing
def test_two_of_three(values: tuple[float | None, ...], counts: list[int]) -> None:
    readings = [None if value is None else (99.0 + k / 16, value) for k, value in enumerate(values)]
    memory, seen, found = bounds(*readings)
    assert seen == counts
    for one in found:
        value, low = values[-1], values[-1] == 1.9
        assert told([one])[0][:5] == ("temperature", "TRIP", "H46", "hot", "y")
        assert (one.value == value or value != value, one.limit) == (True, 2.0 if low else 5.0)
        assert (one.age_s, one.text, one.check) == (
            1.0 - (len(values) - 1) / 16,
            f"{value:g} of {one.limit:g}",
            "look",
        )
    assert set(memory) <= {1}


@raises_nothing
def test_one_sample_is_counted_once_and_no_reading_forgets() -> None:
    assert bounds((99.0, 9.0), (99.0, 9.0), (99.0, 9.0))[1] == [0, 0, 0]
    memory, _, _ = bounds((99.0, 9.0), (99.5, 9.0))
    assert {*memory} == {1}
    assert bounds(None, memory={0: 1, 1: 2})[0] == {}
    assert bounds((99.0, 3.0))[0] == {}
    assert bounds((99.0, 5.0), (99.5, 5.0), hysteresis=0.0)[0] == {}
    (one,) = bounds((99.0, 5.1), (99.5, 2.0), hysteresis=4.0)[2]  # not yet down to 1
    assert (one.value, one.limit) == (2.0, 5.0)


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_where_bounds_count(state: str) -> None:
    memory, seen, found = bounds((99.0, 9.0), (99.5, 9.0), state=state)
    looked_at = state in CHECKED
    assert seen == ([0, 0] if not looked_at else [1, 1] if state == "PRECHECK" else [0, 1])
    assert {f.severity.name for f in found} == ({graded(state)} if looked_at else set())
    assert bool(memory) is looked_at
    if not looked_at:
        assert bounds((99.0, 9.0), state=state, memory={1: 2})[0] == {}


@raises_nothing
def test_in_precheck_one_bad_reading_is_enough_and_a_good_one_is_good() -> None:
    assert bounds((99.0, 9.0), (99.5, 3.0), (99.75, 3.0), state="PRECHECK")[1] == [1, 0, 0]


# ---- doses


def doses(
    *steps: tuple[float, float | None, float], state: str = "FIRING", window_s: float = INF, memory: Any = None
) -> Any:
    """Memory and dose told (None: nothing) after each step of (now, dt, rate); more than 10 is too much."""
    from safety.monitors.base import STOP
    from safety.monitors.bounds import DoseRule, Doses

    rates = iter([rate for _, _, rate in steps])
    text = "{value:g} of {limit:g}"
    rule = DoseRule("pads", STOP, "H52", "pad", "y", lambda view: next(rates), 10.0, window_s, text, "look")
    monitor: Any = Doses([rule])
    assert monitor.start() == {}
    memory, values = memory or {}, []
    for now_s, dt_s, _ in steps:
        memory, found = monitor.update(memory, view(state, (), now_s=now_s, dt_s=dt_s))
        for one in found:
            assert told([one]) == [("pads", "STOP", "H52", "pad", "y", one.value, 10.0, 0.0)]
            assert (one.text, one.check) == (f"{one.value:g} of 10", "look")
        values.append(next((one.value for one in found), None))
    return memory, values


@raises_nothing
def test_a_dose_adds_up() -> None:
    steps = [(1.0, 0.5, 4.0), (2.0, 0.5, 16.0), (3.0, 0.5, 1.0), (4.0, None, 50.0), (5.0, -1.0, 50.0), (6.0, 0.5, NAN)]
    memory, values = doses(*steps)
    assert values[:5] == [None, None, 10.5, 10.5, 10.5]
    assert math.isnan(values[5])
    assert memory[0][0] == ()
    assert doses((1.0, 0.5, 20.0))[1] == [None]  # its limit is no excess


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_where_a_dose_counts(state: str) -> None:
    memory, values = doses((1.0, 1.0, 20.0), (1.5, 1.0, 0.0), state=state)
    told_in = state in {"PRECHECK", "READY", "ARMED", "FIRING"}
    begun_anew = state == "PRECHECK"
    assert values == [20.0 if told_in else None, 20.0 if told_in and not begun_anew else None]
    assert memory == {0: ((), 0.0 if begun_anew else 20.0, 1.0)}


@raises_nothing
def test_a_window_of_two_seconds_has_at_most_three() -> None:
    steps = [(100.0 + k, 1.0, rate) for k, rate in enumerate((4.0, 4.0, 4.0, 1.0, 1.0, 1.0))]
    memory, values = doses(*steps, window_s=2.0)
    assert values == [None, None, 12.0, None, None, None]
    assert memory == {0: ((1.0, 1.0), 0.0, 105.0)}
    memory, _ = doses((100.0, 0.25, 4.0), (100.95, 0.75, 4.0), window_s=1.5)
    assert memory == {0: ((), 4.0, 100.0)}
    memory, _ = doses((101.5, 0.25, 4.0), window_s=1.5, memory=memory)
    assert memory == {0: ((5.0,), 0.0, 101.0)}
    memory, _ = doses((102.0, 0.25, 4.0), (103.0, 0.25, 8.0), window_s=1.5, memory=memory)
    assert memory == {0: ((1.0, 2.0), 0.0, 103.0)}
    assert doses((101.0, 0.5, 4.0), state="PRECHECK", window_s=1.5, memory={0: ((5.0,), 3.0, 100.5)})[0] == {
        0: ((5.0,), 5.0, 100.5)
    }
