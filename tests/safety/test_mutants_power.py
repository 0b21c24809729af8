"""The source alone: set-points of a window, power where none may be, too much, too little, a foreign set-point."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.views import STATES, sample, told, view

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    "history, from_s, found",
    [
        ((), 5.0, (0.0, 0.0)),
        (((1.0, 30.0),), 5.0, (30.0, 30.0)),
        (((1.0, 30.0), (4.0, 50.0)), 5.0, (50.0, 50.0)),
        (((1.0, 30.0), (5.0, 50.0)), 5.0, (50.0, 50.0)),
        (((1.0, 30.0), (5.001, 50.0)), 5.0, (30.0, 50.0)),
        (((1.0, 90.0), (4.0, 60.0), (6.0, 20.0), (7.0, 40.0)), 5.0, (20.0, 60.0)),
        (((1.0, 90.0), (4.0, 60.0), (6.0, 20.0), (7.0, 40.0)), 3.5, (20.0, 90.0)),
        (((1.0, 90.0), (4.0, 60.0)), 0.0, (60.0, 90.0)),
    ],
)
@raises_nothing
def test_set_points_of_a_window(history: Any, from_s: float, found: tuple[float, float]) -> None:
    from safety.monitors.power import extremes

    assert extremes(history, from_s) == found


def run(
    monitor: Any, values: tuple[float | None, ...], state: str = "FIRING", step_s: float = 0.0625, **words: Any
) -> Any:
    """Memory, number of findings after each reading of channel 0 and the findings of the newest."""
    memory: Any = words.pop("memory", monitor.start())
    quality = words.pop("quality", 0)
    counts: list[int] = []
    found: Any = []
    t_s = 99.0
    for value in values:
        t_s += step_s
        at = None if value is None else sample(value, t_s, quality)
        memory, found = monitor.update(memory, view(state, (at,), now_s=t_s + 0.125, **words))
        counts.append(len([*found]))
    return memory, counts, [*found]


# ---- power where none may be


def spontaneous() -> Any:
    from safety.monitors.power import Spontaneous

    monitor: Any = Spontaneous(((0, "g.power_w", 1.0),))
    assert (monitor.start(), monitor.DEBOUNCE) == ({}, (2, 3, 0.0))
    return monitor


@pytest.mark.parametrize(
    "values, counts",
    [((1.0, 1.0), [0, 0]), ((1.1, 1.1), [0, 1]), ((1.1, 1.0, 1.1), [0, 0, 1]), ((1.1, 0.0, 0.0, 1.1), [0, 0, 0, 0]),
     ((NAN, NAN), [0, 1]), ((1.1, None, 1.1), [0, 0, 1]), ((1.1, 1.1, 1.0, 1.0), [0, 1, 1, 0])],
)  # fmt: skip
@raises_nothing
def test_spontaneous_power(values: tuple[float | None, ...], counts: list[int]) -> None:
    _, seen, found = run(spontaneous(), values, "SAFE")
    assert seen == counts
    for one in found:
        assert (one.item, one.severity.name, *one[2:5]) == ("power", "TRIP", "H01", "spontaneous_power", "g.power_w")
        assert (one.limit, one.age_s) == (1.0, 0.125)
        assert one.text == f"g.power_w is {values[-1]:g} while nothing was fired, at most 1 is off"
        assert one.check.startswith("switch the generator off")


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_where_power_is_spontaneous(state: str) -> None:
    looked_at = state in {"SAFE", "PRECHECK", "READY", "ARMED", "COOLDOWN", "TRIPPED"}
    memory, seen, _ = run(spontaneous(), (9.0, 9.0), state)
    assert (seen, bool(memory)) == (([0, 1], True) if looked_at else ([0, 0], False))
    assert run(spontaneous(), (9.0, 9.0), state, quality=1)[1] == [0, 0]


# ---- more than was asked


def over(cap_w: float = 200.0, margin_w: float = 2.0) -> Any:
    from safety.monitors.power import OverPower

    monitor: Any = OverPower(((0, "g.forward_w"),), cap_w, 0.25, 0.25, margin_w)
    assert (monitor.start(), monitor.RATIO, monitor.CAP) == ({}, (2, 3, 0.1), (2, 3, 0.0))
    return monitor


@pytest.mark.parametrize(
    "values, counts",
    [((64.5,) * 4, [0] * 4), ((64.6,) * 4, [0, 0, 1, 1]), ((64.6, 64.6, 50.0, 50.0), [0, 0, 1, 0]),
     ((NAN,) * 3, [0, 1, 1]), ((64.6, 64.5, 64.5), [0, 0, 0]),
     ((64.6, 50.0, 50.0, 50.0, 64.6), [0] * 5), ((None, 64.6), [0, 0])],
)  # fmt: skip
@raises_nothing
def test_a_quarter_more_and_two_watts(values: tuple[float | None, ...], counts: list[int]) -> None:
    _, seen, found = run(over(), values)
    assert seen == counts
    for one in found:
        if values[0] == 64.6:
            assert told([one]) == [("power", "TRIP", "H02", "power_high", "g.forward_w", values[-1], 64.5, 0.125)]
            assert one.text == f"g.forward_w is {values[-1]:.1f} W, at most 64.5 W can follow from what was asked"
            assert one.check.startswith("the generator's mode")


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_where_too_much_counts(state: str) -> None:
    memory, seen, _ = run(over(), (900.0,) * 3, state, memory={"spell": 1})
    assert (seen, memory == {}) == (([0, 1, 1], False) if state == "FIRING" else ([0] * 3, True))


@pytest.mark.parametrize("down_s, trips", [(99.0, False), (98.875, False), (98.8125, True), (98.0, True)])
@raises_nothing
def test_a_reading_follows_a_step_down_late(down_s: float, trips: bool) -> None:
    """Samples of 99.0625 s and each sixteenth of a second after; set-points of a quarter of a second count."""
    counts = run(over(), (60.0, 60.0, 60.0), history=((1.0, 100.0), (down_s, 0.0)))[1]
    assert counts == ([0, 0, 1] if trips else [0, 0, 0])


@raises_nothing
def test_without_any_set_point() -> None:
    assert run(over(), (2.0,) * 4, history=())[1] == [0] * 4
    _, seen, (one,) = run(over(), (2.1,) * 4, history=())
    assert (seen, one.limit) == ([0, 0, 1, 1], 2.0)
    assert run(over(), (None, None))[0] == {}


@pytest.mark.parametrize("cap_w, margin_w, most_w", [(200.0, 2.0, 210.0), (20.0, 2.0, 22.0), (20.0, 0.5, 21.0)])
@raises_nothing
def test_the_cap(cap_w: float, margin_w: float, most_w: float) -> None:
    history = ((50.0, 500.0),)
    assert run(over(cap_w, margin_w), (most_w,) * 3, history=history)[1] == [0] * 3
    assert run(over(cap_w, margin_w), (most_w + 0.1, most_w, most_w), history=history)[1] == [0] * 3
    _, seen, (one,) = run(over(cap_w, margin_w), (most_w + 0.1,) * 3, history=history)
    assert (seen, one.limit) == ([0, 1, 1], most_w)
    low = ((50.0, 1.0),)  # both: the lower limit is told
    (one,) = run(over(cap_w, margin_w), (900.0,) * 4, history=low)[2]
    assert one.limit == 1.25 + margin_w


@raises_nothing
def test_a_spell_goes_on_while_it_is_remembered() -> None:
    from safety.monitors.power import OverPower

    monitor: Any = OverPower(((0, "g.forward_w"), (1, "g.power_w")), 200.0, 0.25, 0.25, 2.0)
    memory: Any = {}
    for t_s in (99.0, 99.0625, 99.125):
        samples = (sample(64.6, t_s), sample(64.6, t_s))
        memory, found = monitor.update(memory, view("FIRING", samples))
    assert [f.channel for f in found] == ["g.forward_w", "g.power_w"]
    assert sorted(memory) == [0, 1]
    memory, _ = monitor.update({}, view("FIRING", (sample(900.0, 99.0), sample(900.0, 99.0))))
    assert sorted(memory) == [-2, -1, 0, 1]


# ---- less than was asked


def under() -> Any:
    from safety.monitors.power import UnderPower

    return UnderPower(0, "g.forward_w", 0.25, 10.0, 0.125)


@pytest.mark.parametrize(
    "values, asked_w, counts",
    [
        ((25.0,) * 4, 50.0, [0] * 4), ((24.9,) * 4, 50.0, [0, 0, 1, 1]), ((24.9, 24.9, 25.0, 24.9), 50.0, [0] * 4),
        ((4.0,) * 4, 10.0, [0] * 4), ((4.0,) * 4, 10.1, [0, 0, 1, 1]), ((NAN,) * 3, 50.0, [0, 0, 1]),
        ((24.9, None, 24.9, 24.9), 50.0, [0] * 4),
    ],
)  # fmt: skip
@raises_nothing
def test_half_of_what_was_asked(values: tuple[float | None, ...], asked_w: float, counts: list[int]) -> None:
    _, seen, found = run(under(), values, history=((1.0, asked_w),))
    assert seen == counts
    for one in found:
        assert (one.item, one.severity.name, *one[2:5]) == ("power", "TRIP", "H03", "power_low", "g.forward_w")
        assert (one.limit, one.age_s) == (asked_w / 2.0, 0.125)
        said = f"g.forward_w is {values[-1]:.1f} W where {asked_w:.1f} W was asked: the dose is unknown"
        assert one.text == said
        assert one.check.startswith("the generator's output")


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_where_too_little_counts(state: str) -> None:
    memory, seen, _ = run(under(), (0.0,) * 3, state, memory={"spell": 1})
    assert (seen, memory == {}) == (([0, 0, 1], False) if state == "FIRING" else ([0] * 3, True))


@raises_nothing
def test_a_reading_follows_a_step_up_late() -> None:
    assert run(under(), (0.0,) * 4, history=((50.0, 0.0), (99.25, 90.0)))[1] == [0] * 4
    assert run(under(), (0.0,) * 4, history=((50.0, 0.0), (98.5, 90.0)))[1] == [0, 0, 1, 1]
    assert run(under(), (0.0,) * 4, history=())[1] == [0] * 4


# ---- a set-point that is not ours


def foreign(margin_w: float = 1.0) -> Any:
    from safety.monitors.power import ForeignSetpoint

    monitor: Any = ForeignSetpoint(0, "g.setpoint_w", 0.25, margin_w)
    assert (monitor.start(), monitor.DEBOUNCE) == ({}, (2, 3, 0.0))
    return monitor


@pytest.mark.parametrize(
    "value, asked_w, trips",
    [
        (51.0, 50.0, False), (51.1, 50.0, True), (49.0, 50.0, False), (48.9, 50.0, True), (NAN, 50.0, True),
        (102.0, 100.0, False), (102.1, 100.0, True), (98.0, 100.0, False), (97.9, 100.0, True),
        (50.0, 0.0, False), (1.6, 0.5, True), (1.5, 0.5, False),
    ],
)  # fmt: skip
@raises_nothing
def test_a_foreign_set_point(value: float, asked_w: float, trips: bool) -> None:
    memory, seen, found = run(foreign(), (value, value), history=((50.0, asked_w),))
    assert (seen, bool(memory)) == (([0, 1], True) if trips else ([0, 0], False))
    for one in found:
        assert (one.item, one.severity.name, *one[2:5]) == (
            "readback",
            "TRIP",
            "H10",
            "foreign_setpoint",
            "g.setpoint_w",
        )
        assert (one.limit, one.age_s) == (asked_w, 0.125)
        assert one.text == f"g.setpoint_w reads {value:.1f} W where {asked_w:.1f}..{asked_w:.1f} W was sent"
        assert one.check.startswith("another program")


@raises_nothing
def test_any_set_point_of_the_window_is_ours() -> None:
    history = ((50.0, 20.0), (99.0, 60.0))
    assert run(foreign(), (19.0, 61.2, 40.0), history=history)[1] == [0, 0, 0]
    assert run(foreign(), (18.7, 61.3, 61.3), history=history)[1] == [0, 1, 1]
    assert run(foreign(), (None,), memory={"spell": 1})[0] == {}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("value, zero", [(1.0, True), (1.1, False), (-5.0, True), (NAN, False)])
@raises_nothing
def test_before_ready_it_is_zero(state: str, value: float, zero: bool) -> None:
    if state == "FIRING":
        return
    memory, seen, found = run(foreign(), (value,), state, memory={"spell": 1})
    inhibits = state in ("PRECHECK", "READY") and not zero
    assert (memory, seen) == ({}, [1] if inhibits else [0])
    for one in found:
        who = ("readback", "INHIBIT", "H09", "setpoint_not_zero", "g.setpoint_w")
        assert (one.item, one.severity.name, *one[2:5], one.limit, one.age_s) == (*who, 1.0, 0.125)
        assert one.text == f"g.setpoint_w reads {value:.1f} W before anything was fired"
        assert one.check.startswith("set the generator to 0 W")


# ---- what comes back, and the frequency


NAMES = ("g.spare_c", "g.power_w", "g.rf_on", "g.forward_w", "g.reverse_w", "g.hz", "i.a_closed", "i.b_closed")


def bounds(
    frequency: bool = False, reverse: bool = True, forward: bool = True, old: str = "", **limits: float
) -> list[Any]:
    """The rules of a source; the channel ``old`` may be half a second old, all others a quarter."""
    from safety.config import ChannelRule, Config, Limits, Roles
    from safety.monitors.power import source_bounds

    told: dict[str, Any] = {"forward": "g.forward_w"} if forward else {}
    told |= {"reverse": "g.reverse_w"} if reverse else {}
    told |= {"frequency": "g.hz"} if frequency else {}
    config = Config(
        channels=tuple(ChannelRule(name, -5.0, 3e9, 0.5 if name == old else 0.25) for name in NAMES),
        roles=Roles("g.power_w", "g.rf_on", ("i.a_closed", "i.b_closed"), **told),
        layers=(("bench", Limits(**limits)),),
        band_hz=(2.4e9, 2.5e9),
    )
    return list(source_bounds(config))


def read(rule: Any, back_w: float | None, out_w: float | None, state: str = "FIRING", hz: float = 2.45e9) -> Any:
    values = {3: out_w, 4: back_w, 5: hz}
    times = {3: 99.75, 4: 99.8125, 5: 99.875}
    samples = tuple(None if values.get(k) is None else sample(values[k] or 0.0, times[k]) for k in range(len(NAMES)))
    return rule.read(view(state, samples))


@raises_nothing
def test_what_is_not_measured_is_not_bounded() -> None:
    assert bounds(reverse=False) == bounds(forward=False) == bounds(reverse=False, forward=False) == []


@raises_nothing
def test_the_frequency() -> None:
    (rule,) = bounds(frequency=True, reverse=False)
    assert rule[:4] == ("frequency", "H13", "frequency", "g.hz")
    assert (rule.low, rule.high, rule.hysteresis, rule.debounce) == (2.4e9, 2.5e9, 0.0, (2, 3, 0.1))
    assert rule.text.format(value=2.6e9, limit=2.5e9) == "g.hz is 2.6e+09 Hz, outside its band; limit 2.5e+09 Hz"
    assert rule.check == "preset, reference and lock of the generator"
    assert read(rule, None, None) == (99.875, 2.45e9)


@raises_nothing
def test_at_rest_nothing_comes_back() -> None:
    (rule,) = bounds()
    assert rule[:4] == ("reflected", "H54", "reflectometer", "g.reverse_w")
    assert (rule.low, rule.high, rule.debounce) == (-INF, 1.0, (2, 3, 0.0))
    assert rule.text.format(value=2.0, limit=1.0) == "g.reverse_w is 2.0 W at rest, at most 1 W is none"
    assert rule.check.startswith("detector and cable")
    assert (read(rule, 2.0, None, "READY"), read(rule, 2.0, 9.0)) == ((99.8125, 2.0), None)


@pytest.mark.parametrize(
    "old, back, share", [("", True, False), ("g.reverse_w", True, False), ("g.forward_w", False, True)]
)
@raises_nothing
def test_each_meter_has_its_own_age(old: str, back: bool, share: bool) -> None:
    """Forward power of 0.4 s ago, reverse of 0.2 s or, where forward is the one that may be old, 0.4 s ago."""
    share_rule, watts, _ = bounds(old=old, reflected_share=0.5, reflected_w=20.0)
    samples = [None, None, None, sample(50.0, 99.6), sample(25.0, 99.8 if back else 99.6)]
    assert (watts.read(view("FIRING", tuple(samples))) is not None) is back
    samples[4] = sample(25.0, 99.8)
    assert (share_rule.read(view("FIRING", tuple(samples))) is not None) is share


@raises_nothing
def test_what_comes_back_as_a_share_and_in_watts() -> None:
    share, watts, least, _ = bounds(reflected_share=0.5, reflected_w=20.0, reflected_least_share=0.002)
    for rule in (share, watts):
        assert (rule[:4], rule.low, rule.debounce) == (
            ("reflected", "H53", "reflected", "g.reverse_w"),
            -INF,
            (2, 3, 0.0),
        )
        assert rule.check.startswith("antenna and its contact")
    assert (share.high, watts.high) == (0.5, 20.0)
    assert share.text.format(value=0.6, limit=0.5) == "0.60 of forward power comes back, limit 0.5 (bench)"
    assert watts.text.format(value=25.0, limit=20.0).startswith("g.reverse_w is 25.0 W, limit 20")
    assert read(watts, 25.0, 50.0) == (99.8125, 25.0)
    assert read(share, 25.0, 50.0)[1] == 0.5
    assert read(share, 0.25, 0.5)[1] == 0.5
    for back_w, out_w in ((None, 50.0), (25.0, None), (25.0, 0.0), (25.0, -0.5)):
        assert read(share, back_w, out_w) is None
    assert least[:4] == ("reflected", "H54", "reflectometer", "g.reverse_w")
    assert (least.low, least.high, least.debounce) == (0.002, INF, (2, 3, 2.5))
    assert read(share, 25.0, 50.0)[0] == 99.75  # the older of the two
    assert read(least, 25.0, 50.0) == (99.75, 0.51)  # half a watt in favour of the meter
    said = "0.001 of forward power comes back, never less than 0.002 (bench) if the meter works"
    assert least.text.format(value=0.001, limit=0.002) == said
    assert least.check.startswith("detector and cable")
