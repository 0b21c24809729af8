"""Is a channel believable: each of the four monitors alone, to the edge of every age, value, step and window."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.views import ACTIVE, CHECKED, STATES, graded, sample, told, view

NAN, INF = math.nan, math.inf


def rule(judged: str = "ALWAYS", channel: str = "d.c", **words: Any) -> Any:
    """A channel from 0 to 10, at most 0.25 s old."""
    from safety.rules import ChannelRule, Judged

    return ChannelRule(channel, 0.0, 10.0, judged=Judged[judged], **words)


# ---- staleness


def stale(state: str = "FIRING", at: Any = None, rules: tuple[Any, ...] = (), **words: Any) -> list[Any]:
    """Findings of a bench of one channel (of the source) and those of ``rules``, of which the latter is never read."""
    from safety.monitors.sensors import Staleness

    monitor: Any = Staleness(tuple(enumerate((rule(), *rules))), frozenset({"d.c"}))
    assert monitor.start() == {}
    memory, found = monitor.update(None, view(state, (at, *[None] * len(rules)), **words))
    assert memory is None
    return [*found]


@pytest.mark.parametrize("t_s, fine", [(99.75, True), (99.749, False), (100.0, True), (100.001, False), (NAN, False)])
@raises_nothing
def test_age(t_s: float, fine: bool) -> None:
    found = stale(at=sample(1.0, t_s))
    assert len(found) == (0 if fine else 1)
    for one in found:
        assert (one.item, one.severity.name, *one[2:5], one.limit) == ("stale", "TRIP", "H15", "staleness", "d.c", 0.25)
        assert one.value == one.age_s == pytest.approx(100.0 - t_s) or t_s != t_s
    if t_s == 99.749:
        assert found[0].text == "d.c was last read 251 ms ago, limit 250 ms"
        assert found[0].check.startswith("cable, power and port")
    if t_s == 100.001:
        assert found[0].text == "d.c is dated in the future"


@raises_nothing
def test_never_read() -> None:
    (one,) = stale(at=None)
    assert (one.value, one.age_s, one.text) == (INF, INF, "d.c was never read")
    (one,) = stale(at=sample(1.0), rules=(rule(channel="d.e", check="its fuse"),))
    assert (one.channel, one.check, one.device) == ("d.e", "its fuse", "")


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_where_age_counts(state: str) -> None:
    found = stale(state, None, (rule(channel="d.e"), rule("SEEN", "d.f")))
    judged = ["d.c", "d.e"] if state in CHECKED else ["d.c"] if state == "COOLDOWN" else []
    assert [f.channel for f in found] == judged
    assert {f.severity.name for f in found} <= {graded(state)}


@pytest.mark.parametrize(
    "t_s, from_s, fine",
    [
        (None, 99.75, True), (None, 99.749, False), (99.75, 90.0, True), (99.749, 90.0, False), (90.0, 99.75, True),
        (100.001, 90.0, False), (None, 100.0, True),
    ],
)  # fmt: skip
@raises_nothing
def test_a_channel_that_is_read_under_power(t_s: float | None, from_s: float, fine: bool) -> None:
    from safety.monitors.sensors import Staleness

    monitor: Any = Staleness(((0, rule("POWERED")),), frozenset())
    at = None if t_s is None else sample(1.0, t_s)
    words: dict[str, Any] = {"flowing_from_s": from_s, "flowing_s": 0.5}
    found = [*monitor.update(None, view("FIRING", (at,), **words))[1]]
    assert len(found) == (0 if fine else 1)
    for one in found:
        seen_s = from_s if t_s is None else max(t_s, from_s)
        assert (one.hazard, one.limit, one.age_s) == ("H15", 0.25, pytest.approx(100.0 - seen_s))
    for state in STATES:
        if state != "FIRING":
            assert [*monitor.update(None, view(state, (at,), **words))[1]] == []
    assert [*monitor.update(None, view("FIRING", (at,), flowing_from_s=from_s, flowing_s=0.0))[1]] == []


# ---- range


def ranged(
    *values: float, judged: str = "ALWAYS", state: str = "FIRING", step_s: float = 0.015625, **words: Any
) -> Any:
    """Memory and findings after samples ``step_s`` apart, the newest 1/64 s old."""
    from safety.monitors.sensors import Range

    monitor: Any = Range(((0, rule(judged, **words.pop("rule", {}))),))
    assert (monitor.start(), monitor.DEBOUNCE) == ({}, (2, 3, 0.0))
    memory: Any = {"other": "kept"}
    found: Any = []
    for k, value in enumerate(values):
        t_s = 99.984375 - step_s * (len(values) - 1 - k)
        memory, found = monitor.update(
            memory, view(state, (sample(value, t_s, words.get("quality", 0)),), **_seen(words))
        )
    return memory, [*found]


def _seen(words: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in words.items() if name != "quality"}


@pytest.mark.parametrize(
    "values, fires",
    [((10.0, 10.0), 0), ((10.1,), 0), ((10.1, 10.1), 1), ((0.0, 0.0), 0), ((-0.1, -0.1), 1), ((10.1, 5.0, -0.1), 1),
     ((10.1, 10.1, 5.0), 1), ((10.1, 10.1, 5.0, 5.0), 0), ((10.1, 10.0), 0), ((-0.1, 0.0), 0), ((10.1, 10.1, 10.0), 1)],
)  # fmt: skip
@raises_nothing
def test_range(values: tuple[float, ...], fires: int) -> None:
    memory, found = ranged(*values)
    assert len(found) == fires
    assert memory["other"] == "kept"
    for one in found:
        value = values[-1]
        limit = 10.0 if value > 10.0 else 0.0
        assert told([one]) == [("range", "TRIP", "H59", "range", "d.c", value, limit, 0.0)]
        assert one.text == f"d.c is {value:g}, outside 0..10"


@pytest.mark.parametrize("value, limit", [(NAN, 0.0), (INF, 10.0), (-INF, 0.0)])
@raises_nothing
def test_what_is_no_number_counts_at_once(value: float, limit: float) -> None:
    memory, (one,) = ranged(value)
    assert (one.item, one.severity.name, *one[2:5], one.limit) == ("range", "TRIP", "H31", "range", "d.c", limit)
    assert (one.text, memory) == ("d.c is not a number", {"other": "kept"})
    assert one.check.startswith("the sensor, its connector")
    assert ranged(value, rule={"check": "its fuse"})[1][0].check == "its fuse"


@pytest.mark.parametrize("quality", [1, 2])
@pytest.mark.parametrize("value", [5.0, NAN, 11.0])
@raises_nothing
def test_a_reading_that_the_device_disowns(quality: int, value: float) -> None:
    _, (one,) = ranged(value, quality=quality)
    assert (one.hazard, one.text) == ("H56", "d.c: the device gives no reading")


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_where_range_counts(state: str) -> None:
    memory, found = ranged(NAN, state=state)
    assert [f.severity.name for f in found] == ([graded(state)] if state in CHECKED else [])
    assert memory == ({"other": "kept"} if state in CHECKED else {})
    assert [*_range_update(None)] == []


def _range_update(at: Any) -> Any:
    from safety.monitors.sensors import Range

    return Range(((0, rule()),)).update({}, view("FIRING", (at,)))[1]


@pytest.mark.parametrize(
    "judged, words, matters",
    [
        ("SEEN", {}, True), ("SEEN", {"now_s": 100.234375}, True), ("SEEN", {"now_s": 100.24}, False),
        ("POWERED", {"flowing_s": 1.0, "flowing_from_s": 99.984375}, True),
        ("POWERED", {"flowing_s": 1.0, "flowing_from_s": 99.985}, False),
        ("POWERED", {"flowing_s": 0.0, "flowing_from_s": 90.0}, False),
        ("ALWAYS", {"now_s": 200.0, "flowing_s": 0.0}, True),
    ],
)  # fmt: skip
@raises_nothing
def test_when_a_reading_matters(judged: str, words: dict[str, Any], matters: bool) -> None:
    assert len(ranged(NAN, judged=judged, **words)[1]) == (1 if matters else 0)


# ---- rate


def moved(*values: float | None, step_s: float = 0.25, rate: float = 8.0, age_limit_s: float = 0.25) -> list[int]:
    """How many findings there are after each sample, ``step_s`` apart; None: the sample before once more."""
    from safety.monitors.sensors import Rate

    monitor: Any = Rate(((0, rule(max_rate=rate, age_limit_s=age_limit_s)), (1, rule(channel="d.e"))))
    assert monitor.start() == {}
    memory: Any = {}
    t_s, seen, counts = 50.0, 0.0, []
    for value in values:
        if value is not None:
            t_s, seen = t_s + step_s, value
        memory, found = monitor.update(
            memory, view("FIRING", (sample(seen, t_s), sample(seen, t_s)), now_s=t_s + 0.125)
        )
        counts.append(len([*found]))
        for one in found:
            assert (one.item, one.severity.name, *one[2:5], one.limit) == ("rate", "TRIP", "H60", "rate", "d.c", rate)
            assert one.age_s == 0.125
    return counts


@pytest.mark.parametrize(
    "values, counts",
    [
        ((1.0, 3.0, 1.0), [0, 0, 0]),  # 2 in a quarter of a second is 8 per second
        ((1.0, 5.0, 5.0), [0, 0, 0]),  # 4 above the believed one is possible after half a second
        ((1.0, 90.0, 90.0, 90.0, 90.0), [0, 0, 1, 1, 1]),
        ((1.0, 90.0, None, None, None), [0, 0, 0, 0, 0]),
        ((1.0, 90.0, 1.0, 90.0, 1.0), [0, 0, 0, 0, 0]),
        ((1.0, -90.0, -90.0, -90.0, None, None), [0, 0, 1, 1, 1, 1]),
        ((1.0, 90.0, 90.0, 90.0, 1.0), [0, 0, 1, 1, 0]),
    ],
)
@raises_nothing
def test_rate(values: tuple[float | None, ...], counts: list[int]) -> None:
    assert moved(*values) == counts


@raises_nothing
def test_the_shortest_time_between_two_samples() -> None:
    assert moved(1.0, 1.8, 1.0, 1.8, step_s=0.001) == [0, 0, 0, 0]  # 0.8 in 0.1 s
    assert moved(1.0, 1.9, 1.9, 1.9, step_s=0.001) == [0, 0, 1, 1]


@raises_nothing
def test_the_reference_starts_anew_after_ten_age_limits() -> None:
    assert moved(1.0, *[900.0] * 12, rate=1.0) == [0, 0, *[1] * 9, 0, 0]
    assert moved(1.0, *[900.0] * 5, rate=1.0, age_limit_s=0.1) == [0, 0, 1, 1, 1, 0]


@raises_nothing
def test_what_is_said_of_a_rate() -> None:
    from safety.monitors.sensors import Rate

    monitor: Any = Rate(((0, rule(max_rate=8.0)),))
    memory: Any = {0: (97.0, 1.0, 99.75, 2)}
    from safety.monitors.sensors import Reference

    memory = {0: Reference(98.0, 1.0, 99.5, 2), "other": "kept"}
    after, (one,) = monitor.update(memory, view("FIRING", (sample(81.0, 100.0),)))
    assert after == {0: (98.0, 1.0, 100.0, 3), "other": "kept"}
    assert (one.value, one.text) == (40.0, "d.c went from 1 to 81: 40 per s; possible is 8")
    assert one.check.startswith("the sensor's contact")
    again, (one,) = monitor.update(after, view("FIRING", (sample(81.0, 100.0),)))
    assert again is after
    close = {0: Reference(99.99, 1.0, 99.995, 2)}
    _, (one,) = monitor.update(close, view("FIRING", (sample(81.0, 100.0),)))
    assert one.value == pytest.approx(800.0)  # over a tenth of a second at least
    named = Rate(((0, rule(max_rate=8.0, check="its fuse")),)).update(memory, view("FIRING", (sample(81.0, 100.0),)))
    assert next(iter(named[1])).check == "its fuse"
    assert monitor.update(memory, view("FIRING", (None,))) == (memory, [])


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_where_rate_counts(state: str) -> None:
    from safety.monitors.sensors import Rate, Reference

    memory, found = Rate(((0, rule(max_rate=8.0)),)).update(
        {0: Reference(98.0, 1.0, 99.75, 2)}, view(state, (sample(81.0, 99.875),))
    )
    assert [f.severity.name for f in found] == ([graded(state)] if state in CHECKED else [])
    assert memory == ({0: (98.0, 1.0, 99.875, 3)} if state in CHECKED else {})


# ---- frozen


def still(*values: float | None, step_s: float = 0.25, floor: float = 0.5, window_s: float = 2.0) -> list[int]:
    """How many findings there are after each sample; None: the sample before once more."""
    from safety.monitors.sensors import Frozen

    monitor: Any = Frozen(
        ((0, rule(noise_floor=floor)), (1, rule(channel="d.e")), (2, rule(noise_floor=1.0))), window_s
    )
    assert monitor.start() == {}
    memory: Any = {}
    t_s, seen, counts = 50.0, 0.0, []
    for value in values:
        if value is not None:
            t_s, seen = t_s + step_s, value
        memory, found = monitor.update(
            memory, view("FIRING", (sample(seen, t_s), sample(seen, t_s), None), now_s=t_s + 0.125)
        )
        counts.append(len([*found]))
        for one in found:
            assert (one.item, one.severity.name, *one[2:5]) == ("frozen", "TRIP", "H58", "frozen", "d.c")
            assert (one.limit, one.age_s) == (floor, 0.125)
    return counts


@pytest.mark.parametrize(
    "values, counts",
    [
        ((5.0,) * 10, [0] * 8 + [1, 1]),  # two seconds since the first
        ((5.0, 5.25) * 5, [0] * 8 + [1, 1]),
        ((5.0, 5.5) * 6, [0] * 12),
        ((5.0,) * 4 + (5.5,) * 9, [0] * 12 + [1]),  # a move begins the window anew
        ((5.0,) * 8 + (None, None, 5.0), [0] * 10 + [1]),
        ((5.0,) * 4 + (4.5,) * 9, [0] * 12 + [1]),
    ],
)
@raises_nothing
def test_frozen(values: tuple[float | None, ...], counts: list[int]) -> None:
    assert still(*values) == counts


@raises_nothing
def test_a_window_has_eight_samples_at_least() -> None:
    assert still(*(5.0,) * 9, step_s=1.0) == [0] * 7 + [1, 1]
    assert still(*(5.0,) * 9, step_s=0.25, window_s=0.5) == [0] * 7 + [1, 1]


@raises_nothing
def test_what_is_said_of_a_frozen_channel() -> None:
    from safety.monitors.sensors import Frozen, Window

    memory: Any = {0: Window(97.0, 4.75, 5.0, 8, 99.5), "other": "kept"}
    monitor: Any = Frozen(((0, rule(noise_floor=0.5)),), 2.0)
    after, (one,) = monitor.update(memory, view("FIRING", (sample(4.875, 99.75),)))
    assert after == {0: (97.0, 4.75, 5.0, 9, 99.75), "other": "kept"}
    assert (one.value, one.age_s) == (0.25, 0.25)
    assert one.text == "d.c stands at 4.875 for 2.8 s under power; a live sensor moves by 0.5"
    assert one.check.startswith("whether the instrument still measures")
    assert monitor.update(after, view("FIRING", (sample(4.875, 99.75),)))[0] is after
    other = Frozen(((0, rule(noise_floor=0.5, check="its fuse")),), 2.0)
    assert next(iter(other.update(memory, view("FIRING", (sample(4.875, 99.75),)))[1])).check == "its fuse"
    anew, found = monitor.update(memory, view("FIRING", (sample(5.25, 99.75),)))
    assert (anew[0], [*found]) == ((99.75, 5.25, 5.25, 1, 99.75), [])
    assert monitor.update(memory, view("FIRING", (None,))) == (memory, [])


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("flowing_s", [0.0, 0.5])
@raises_nothing
def test_where_a_frozen_channel_counts(state: str, flowing_s: float) -> None:
    from safety.monitors.sensors import Frozen, Window

    memory, found = Frozen(((0, rule(noise_floor=0.5)),), 2.0).update(
        {0: Window(97.0, 5.0, 5.0, 8, 99.5)}, view(state, (sample(5.0, 99.75),), flowing_s=flowing_s)
    )
    counts = state in ACTIVE and flowing_s > 0.0
    assert (len([*found]), bool(memory)) == ((1, True) if counts else (0, False))
