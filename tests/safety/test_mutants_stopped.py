"""A thermometer that stops dead: what it must have done before, what excuses it, and where it counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mutation.total import raises_nothing
from tests.safety.views import ACTIVE, CHECKED, STATES, sample, view

RISE = [20.0 + 0.125 * k for k in range(21)]  # 5 s, 2.5 C
TWICE = [20.0, 20.25, 20.5, 20.25]
NOISE = [20.0, 20.5] * 10 + [20.0]


def monitor(tissue: bool = True, **words: Any) -> Any:
    """Of thermometer 0; 2 never said anything, 3 is the power meter."""
    from safety.monitors.stopped import Stopped
    from safety.rules import ChannelRule

    rules = ((2, ChannelRule("d.f", -50.0, 200.0)), (0, ChannelRule("d.c", -50.0, 200.0, **words)))
    return Stopped(rules, frozenset({"d.c", "d.f"}) if tissue else frozenset(), 3)


def seen(
    values: Sequence[float], tissue: bool = True, step_s: float = 0.25, power_w: Any = lambda t_s: 100.0, **words: Any
) -> list[int]:
    """At which of the values, from 0, 0.25 s apart, something was found."""
    one, memory, told = monitor(tissue), {}, []
    assert one.start() == {}
    for k, value in enumerate(values):
        t_s = 50.0 + step_s * k
        metered = sample(power_w(step_s * k), t_s, channel="g.power_w")
        for _ in range(2):  # a tick that has nothing new says the same
            again = view("FIRING", (sample(value, t_s), sample(value, t_s), None, metered), now_s=t_s + 0.125, **words)
            memory, found = one.update(memory, again)
            findings = [*found]
            assert [(f.item, f.severity.name, *f[2:5]) for f in findings] == [
                ("frozen", "TRIP", "H58", "frozen", "d.c") for _ in findings
            ]
        told += [k] * len(findings)
    return told


def then(values: Sequence[float], still: int = 21) -> list[float]:
    """These, and the last one for so many more."""
    return [*values, *[values[-1]] * still]


STOPS: list[tuple[str, list[float], bool, list[int]]] = [
    ("rises for 5 s and stands for 5 s", then(RISE), True, [40, 41]),
    ("falls", then(RISE[::-1]), True, [40, 41]),
    ("rises for 4.75 s", then(RISE[1:]), True, []),
    ("may stop at once, for all that is known of it", then(RISE), False, []),
    ("goes up and down", then([*RISE, *RISE[-2::-1]][5:36]), True, []),
    ("goes up for a second, and down for 5", then([*RISE[-4:], *RISE[-2::-1]]), True, [43, 44]),
    ("pauses for a second each time", then([20.0 + 0.125 * (k // 4) for k in range(25)]), True, [44, 45]),
    ("pauses for more", then([20.0 + 0.125 * (k // 5) for k in range(36)], 25), True, []),
    ("paused at first", then([20.0, *[21.0] * 6, *[21.125 + 0.125 * k for k in range(21)]]), True, [47, 48]),
    ("boils", then([value + 67.5 for value in RISE]), True, []),
    ("is almost as hot as that", then([value + 67.375 for value in RISE]), True, [40, 41]),
    ("jumps, and follows with a lag of 0.5 s", then([20.0] * 20 + [30.0 - 10 * 0.6**k for k in range(8)]), True, []),
    ("is noise", then(NOISE), False, [40, 41]),
    ("is noise for 4.75 s", then(NOISE[1:]), False, []),
    ("is noise of less than half a degree", then([20.0, 20.4375] * 10 + [20.0]), False, []),
    ("turns at every second change", then([*TWICE * 6, 20.0]), False, [44, 45]),
    ("turns at almost every second", then([*[*TWICE * 4, 20.0, 20.25, 20.5, 20.75, 20.5, 20.25] * 2, 20.0]), False, []),
    ("dithers, pauses, and dithers for 5 s", then([*[20.0, 20.5] * 6, *[20.5] * 6, *NOISE]), False, [58, 59]),
]  # fmt: skip


@pytest.mark.parametrize("values, tissue, found", [row[1:] for row in STOPS], ids=[row[0] for row in STOPS])
@raises_nothing
def test_what_stops(values: list[float], tissue: bool, found: list[int]) -> None:
    assert seen(values, tissue) == found


@raises_nothing
def test_half_a_degree_is_enough_and_less_is_not() -> None:
    assert seen(then([20.0 + 0.0625 * k for k in range(9)], 9), step_s=0.625) == [16, 17]
    assert seen(then([20.0 + 0.0624 * k for k in range(9)], 9), step_s=0.625) == []


@pytest.mark.parametrize(
    "power_w, found",
    [
        (lambda t_s: 100.0 if t_s < 3.0 else 103.125, [40, 41]),
        (lambda t_s: 103.125 if t_s < 3.0 else 100.0, [40, 41]),
        (lambda t_s: 100.0 if t_s < 3.0 else 103.25, []),
        (lambda t_s: 103.25 if t_s < 3.0 else 100.0, []),
        (lambda t_s: 100.0 if t_s < 8.0 else 50.0, []),
        (lambda t_s: 0.0 if t_s < 0.5 else 100.0, []),
        (lambda t_s: 100.0 + 0.5 * t_s, []),  # a slow ramp ends in other power too
    ],
)
@raises_nothing
def test_another_power_is_another_slope(power_w: Any, found: list[int]) -> None:
    assert seen(then(RISE), power_w=power_w) == found
    assert seen(then(NOISE), power_w=power_w) == [40, 41]  # noise is the instrument's


@raises_nothing
def test_power_that_came_before_the_course() -> None:
    slower = [*[19.75] * 6, *RISE]
    assert seen(then(slower), power_w=lambda t_s: 0.0 if t_s < 1.25 else 100.0) == [46, 47]


@raises_nothing
def test_what_is_said() -> None:
    from safety.monitors.stopped import Course

    course = Course(80.0, 20.0, 22.5, 20, 1, True, 80.0, 20.0, 94.5, 22.5, 99.5)
    memory: Any = {0: course, 3: (100.0, 70.0), "other": "kept"}
    samples = (sample(22.5, 99.75), None, None, sample(100.0, 99.75))
    after, (one,) = monitor().update(memory, view("FIRING", samples))
    assert after == {**memory, 0: course._replace(t_newest_s=99.75)}
    assert (one.value, one.limit, one.age_s) == (5.25, 5.0, 0.25)
    assert one.text == "d.c never paused, and stands at 22.5 for 5.2 s under power"
    assert one.check.startswith("whether the instrument still measures")
    assert next(iter(monitor(check="its fuse").update(memory, view("FIRING", samples))[1])).check == "its fuse"
    assert monitor().update(after, view("FIRING", samples))[0] is after
    assert monitor().update(memory, view("FIRING", (None, None, None, samples[3]))) == (memory, [])
    assert monitor().update(memory, view("FIRING", (samples[0], None, None, None))) == ({}, ())
    fresh, found = monitor().update({}, view("FIRING", samples))
    assert (fresh, [*found]) == (
        {0: (99.75, 22.5, 22.5, 0, 0, False, 99.75, 22.5, 99.75, 22.5, 99.75), 3: (100.0, 99.75)}, [],
    )  # fmt: skip


@raises_nothing
def test_how_a_course_goes_on() -> None:
    from safety.monitors.stopped import Course

    def after(value: float, t_s: float) -> Any:
        course = Course(80.0, 20.0, 22.5, 20, 1, True, 81.0, 20.25, 99.0, 22.0, 99.25)
        samples = (sample(value, t_s), None, None, sample(0.0))
        return monitor().update({0: course, 3: (0.0, 0.0)}, view("FIRING", samples))[0][0]

    assert after(22.75, 100.0) == (80.0, 20.0, 22.75, 21, 1, True, 81.0, 20.25, 100.0, 22.75, 100.0)
    assert after(19.75, 100.0) == (80.0, 19.75, 22.5, 21, 2, False, 99.0, 22.0, 100.0, 19.75, 100.0)
    assert after(22.75, 100.0625) == (100.0625, 22.75, 22.75, 0, 0, False, 100.0625, 22.75, 100.0625, 22.75, 100.0625)
    assert after(22.0, 100.0625) == (80.0, 20.0, 22.5, 20, 1, True, 81.0, 20.25, 99.0, 22.0, 100.0625)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("flowing_s", [0.0, 0.5])
@raises_nothing
def test_where_it_counts(state: str, flowing_s: float) -> None:
    from safety.monitors.stopped import Course

    memory = {0: Course(80.0, 20.0, 22.5, 20, 20, True, 80.0, 20.0, 94.0, 22.5, 99.5), 3: (100.0, 70.0)}
    samples = (sample(22.5, 99.75), None, None, sample(100.0, 99.75))
    after, found = monitor().update(memory, view(state, samples, flowing_s=flowing_s))
    assert len([*found]) == (1 if state in ACTIVE and flowing_s > 0.0 else 0)
    assert bool(after) is (state in CHECKED)  # what was learnt without power is remembered


def rounded(values: Sequence[float]) -> list[float]:
    """As an instrument with steps of 0.1 C tells them."""
    return [round(value, 1) for value in values]


@given(st.floats(3.0, 500.0), st.floats(-60.0, 60.0), st.floats(0.0, 0.1), st.sampled_from([0.05, 0.11, 0.25]))
def test_no_tissue_that_relaxes_is_told_as_frozen(tau_s: float, by_c: float, off_c: float, step_s: float) -> None:
    """Without noise, from the first change of power on, to what it comes to rest at: from 3 s on no time constant."""
    times = [step_s * k for k in range(int(min(8.0 * tau_s, 60.0) / step_s))]
    course = [30.0 + off_c + by_c * (1.0 - math.exp(-t_s / tau_s)) for t_s in times]
    assert seen(rounded(course), step_s=step_s) == []


@given(st.floats(0.12, 5.0), st.floats(0.0, 0.1), st.integers(8, 12))
def test_tissue_that_stops_while_it_heats_is(c_per_s: float, off_c: float, moving_s: int) -> None:
    course = rounded([20.0 + off_c + c_per_s * 0.25 * k for k in range(4 * moving_s)])
    assert len(course) + 15 <= seen(then(course, 30))[0] <= len(course) + 19  # 5 s after its last step
