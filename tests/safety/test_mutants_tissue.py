"""Rules of tissue, electrodes and sensors as a bench makes them, and the heating that energy must bring."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.views import STATES, sample, told, view

NAN, INF = math.nan, math.inf
NAMES = (
    "g.spare_c", "g.power_w", "g.rf_on", "g.ohm", "i.a_closed", "i.b_closed", "t.tip_c", "t.shaft_c", "t.a_c", "t.b_c",
    "t.nerve_c", "t.coolant_c", "t.plug_c",
)  # fmt: skip
OHM = {"impedance_low_ohm": 25.0, "impedance_high_ohm": 500.0}


def bench(told: dict[str, Any] | None = None, limits: dict[str, float] | None = None, **words: Any) -> Any:
    from safety.config import ChannelRule, Config, Limits, Roles, Thresholds

    return Config(
        channels=tuple(ChannelRule(name, -5.0, 3e9, 0.5 if name == "g.ohm" else 0.25) for name in NAMES),
        roles=Roles("g.power_w", "g.rf_on", ("i.a_closed", "i.b_closed"), **(told or {})),
        layers=(("bench", Limits(**(limits or {}))),),
        thresholds=Thresholds(hysteresis_c=1.5, agree_c=9.0),
        **words,
    )


def at(name: str, value: float, t_s: float = 99.875) -> Any:
    """Samples of which one channel has a value."""
    return tuple(sample(value, t_s) if n == name else None for n in NAMES)


# ---- temperatures


@pytest.mark.parametrize(
    "role, channels, limit, hazard, hold_s, check",
    [
        ("tip", "t.tip_c", "tip_c", "H45", 0.0, "coolant flow and temperature; the tip sensor"),
        ("shaft", "t.shaft_c", "shaft_c", "H45", 0.0, "coolant of the shaft; the sensor's place on it"),
        ("tissue", ("t.a_c", "t.b_c"), "tissue_c", "H46", 0.0, "power, and the distance of this sensor from"),
        ("critical", ("t.nerve_c",), "critical_c", "H46", 0.0, "power, and the distance of the structure from"),
        ("coolant", "t.coolant_c", "coolant_c", "H43", 1.0, "the coolant's reservoir and its cooling"),
        ("cable", ("t.plug_c",), "cable_c", "H55", 0.0, "this connector: dirt, damage, a loose nut"),
    ],
)  # fmt: skip
@raises_nothing
def test_each_place(role: str, channels: Any, limit: str, hazard: str, hold_s: float, check: str) -> None:
    from safety.monitors.tissue import temperatures

    rules = [*temperatures(bench({role: channels}, {limit: 40.5}))]
    names = [channels] if isinstance(channels, str) else [*channels]
    assert [rule.channel for rule in rules] == names
    for rule, name in zip(rules, names, strict=True):
        assert rule[:3] == ("temperature", hazard, "over_temperature")
        assert (rule.low, rule.high, rule.debounce, rule.hysteresis) == (-INF, 40.5, (2, 3, hold_s), 1.5)
        assert rule.text.format(value=41.06, limit=40.5) == f"{name} is 41.1 C, limit 40.5 C (bench)"
        assert rule.check.startswith(check)
        assert rule.read(view("FIRING", at(name, 33.0))) == (99.875, 33.0)
        assert rule.read(view("FIRING", at("g.spare_c", 33.0))) is None
    assert [*temperatures(bench())] == []


# ---- sensors that agree


@pytest.mark.parametrize("state", STATES)
@raises_nothing
def test_tissue_agrees_at_rest(state: str) -> None:
    from safety.monitors.tissue import agreements

    assert [*agreements(bench())] == []
    (rule,) = agreements(bench({"tissue": ("t.a_c", "t.b_c")}))
    assert rule[:4] == ("agree", "H62", "agreement", "t.a_c")
    assert (rule.low, rule.high, rule.debounce, rule.hysteresis) == (0.0, 9.0, (2, 3, 1.0), 0.0)
    assert rule.text.format(value=9.16, limit=9.0) == "t.a_c and t.b_c differ by 9.2 C, at most 9 C"
    assert rule.check.startswith("thermocouple type and position")
    both = [sample(30.0, 99.75) if n == "t.a_c" else sample(21.5, 99.875) if n == "t.b_c" else None for n in NAMES]
    assert rule.read(view(state, tuple(both))) == ((99.875, 8.5) if state == "PRECHECK" else None)
    assert rule.read(view(state, at("t.b_c", 7.0))) == ((99.875, 0.0) if state == "PRECHECK" else None)
    assert rule.read(view(state, at("t.tip_c", 7.0))) is None


@raises_nothing
def test_a_pair_agrees_always() -> None:
    from safety.config import PairRule
    from safety.monitors.tissue import agreements

    rest, always = agreements(bench(pairs=(PairRule(("t.b_c", "t.a_c"), 3.0, 5.0),)))
    assert rest[:4] == always[:4] == ("agree", "H61", "pair", "t.b_c")
    assert (rest.low, rest.high, always.low, always.high) == (0.0, 3.0, 0.0, 5.0)
    both = tuple(sample(30.0, 99.75) if n == "t.a_c" else sample(34.0, 99.5) if n == "t.b_c" else None for n in NAMES)
    assert (rest.read(view("FIRING", both)), always.read(view("FIRING", both))) == (None, (99.75, 4.0))
    assert (rest.read(view("PRECHECK", both)), always.read(view("PRECHECK", both))) == ((99.75, 4.0), (99.75, 4.0))
    assert always.read(view("FIRING", at("t.tip_c", 3.0))) is None


# ---- impedance


@raises_nothing
def test_impedance() -> None:
    from safety.monitors.tissue import impedances

    assert [*impedances(bench())] == []
    short, opened = impedances(bench({"impedance": "g.ohm"}, OHM))
    assert short[:4] == ("impedance", "H49", "impedance_low", "g.ohm")
    assert opened[:4] == ("impedance", "H50", "impedance_high", "g.ohm")
    assert (short.low, short.high, opened.low, opened.high) == (25.0, INF, -INF, 500.0)
    assert (short.debounce, opened.debounce, short.hysteresis) == ((2, 3, 0.1), (2, 3, 0.1), 0.0)
    assert short.text.format(value=20.4, limit=25.0) == "g.ohm is 20 ohm, limit 25 ohm: short"
    assert opened.text.format(value=600.4, limit=500.0) == "g.ohm is 600 ohm, limit 500 ohm: open, char or short"
    assert short.check == "whether electrodes or leads touch each other or metal"
    assert opened.check.startswith("lead, dispersive pad")
    for rule in (short, opened):
        assert rule.read(view("FIRING", at("g.ohm", 80.0, 99.5))) == (99.5, 80.0)  # its own age: half a second
        assert rule.read(view("FIRING", at("g.ohm", 80.0, 99.49))) is None


# ---- doses


@pytest.mark.parametrize(
    "value_c, rate",
    [
        (43.0, 1.0), (43.5, 2.0**0.5),
        (44.0, 2.0), (46.0, 8.0), (42.0, 0.25), (41.0, 0.0625), (39.0, 4.0**-4), (38.99, 0.0), (NAN, 0.0),
        (INF, 0.0), (100.0, 2.0**57), (101.0, 2.0**57), (99.0, 2.0**56), (None, 0.0),
    ],
)  # fmt: skip
@raises_nothing
def test_a_thermal_dose(value_c: float | None, rate: float) -> None:
    from safety.monitors.tissue import doses

    (rule,) = doses(bench({"critical": ("t.nerve_c",)}, {"critical_cem43_s": 50.0}))
    assert (rule.item, rule.severity.name, *rule[2:5]) == ("temperature", "TRIP", "H46", "thermal_dose", "t.nerve_c")
    assert (rule.limit, rule.window_s) == (50.0, INF)
    said = "t.nerve_c has had 51 s at 43 C or their like, limit 50 s"
    assert rule.text.format(value=51.2, limit=50.0) == said
    assert rule.check == "power, and the distance of the structure from the applicator"
    samples = at("t.tip_c", 1.0) if value_c is None else at("t.nerve_c", value_c)
    assert rule.rate(view("FIRING", samples)) == rate


@pytest.mark.parametrize(
    "power_w, ohm, a2",
    [
        (60.0, 80.0, 0.1875), (60.0, 1.0, 15.0), (60.0, 0.5, 15.0), (60.0, 1.25, 12.0), (60.0, 0.0, 0.0),
        (60.0, -1.0, 0.0), (0.0, 80.0, 0.0), (-1.0, 80.0, 0.0), (INF, 80.0, 0.0), (NAN, 80.0, 0.0),
        (0.5, 80.0, 1 / 640), (None, 80.0, 0.0), (60.0, None, 0.0), (60.0, NAN, 0.0),
    ],
)  # fmt: skip
@raises_nothing
def test_current_through_each_of_two_pads(power_w: float | None, ohm: float | None, a2: float) -> None:
    from safety.monitors.tissue import doses

    (rule,) = doses(bench({"impedance": "g.ohm"}, {**OHM, "pad_a2s": 20.0}, pads=2))
    assert (rule.item, rule.severity.name, *rule[2:5]) == ("pads", "STOP", "H52", "pad_current", "g.power_w")
    assert (rule.limit, rule.window_s) == (20.0, 60.0)
    said = "each return electrode took 20.3 A2s in a minute, limit 20 A2s"
    assert rule.text.format(value=20.26, limit=20.0) == said
    assert rule.check.startswith("more return electrodes, or less power")
    values = {"g.power_w": power_w, "g.ohm": ohm}
    samples = tuple(None if values.get(name) is None else sample(values[name] or 0.0) for name in NAMES)
    assert rule.rate(view("FIRING", samples)) == a2


@raises_nothing
def test_what_makes_no_dose() -> None:
    from safety.monitors.tissue import doses

    assert [*doses(bench())] == []
    assert [*doses(bench({"impedance": "g.ohm"}, OHM))] == []  # no pads
    assert [*doses(bench(pads=1))] == []
    assert [*doses(bench({"impedance": "g.ohm"}, OHM, pads=1, modality="microwave"))] == []
    assert len([*doses(bench({"impedance": "g.ohm"}, OHM, pads=1))]) == 1


# ---- energy that must be felt


def heating(*values: float | None, state: str = "FIRING", memory: Any = None, **words: Any) -> Any:
    """Memory, number of findings after each reading, and the newest; from 400 J on 2 C above the start."""
    from safety.config import HeatingRule
    from safety.monitors.tissue import Heating

    monitor: Any = Heating(((1, HeatingRule("t.a_c", 400.0, 2.0)),))
    assert (monitor.start(), monitor.DEBOUNCE) == (({}, {}), (2, 3, 0.0))
    memory, counts, found = memory or monitor.start(), [], ()
    for k, value in enumerate(values):
        t_s = 99.0 + k / 16
        samples = (None, None if value is None else sample(value, t_s))
        memory, found = monitor.update(memory, view(state, samples, now_s=t_s + 0.125, **words))
        counts.append(len([*found]))
    return memory, counts, [*found]


@pytest.mark.parametrize(
    "values, counts",
    [
        ((20.0, 22.0, 22.0, 22.0), [0, 0, 0, 0]), ((20.0, 21.9), [0, 1]), ((20.0, 22.0, 21.9, 21.9), [0, 0, 1, 1]),
        ((20.0, None, 21.0), [0, 0, 1]), ((None, 20.0, 23.0, 23.0), [0, 0, 0, 0]), ((20.0, NAN), [0, 1]),
    ],
)  # fmt: skip
@raises_nothing
def test_two_degrees_from_400_j_on(values: tuple[float | None, ...], counts: list[int]) -> None:
    memory, seen, found = heating(*values)
    assert seen == counts
    assert memory[0] == {1: 20.0}
    if values == (20.0, 21.9):
        (one,) = found
        assert told([one]) == [("heating", "TRIP", "H64", "heating_response", "t.a_c", one.value, 2.0, 0.125)]
        assert one.value == pytest.approx(1.9)
        assert one.text == "t.a_c is 1.9 C above its start after 500 J, expected 2 C from 400 J on"
        assert one.check.startswith("whether the sensor sits")


@raises_nothing
def test_energy_flow_and_state_that_it_takes() -> None:
    assert heating(20.0, 20.0, energy_j=400.0)[:2] == (({1: 20.0}, {}), [0, 0])
    assert heating(20.0, 20.0, energy_j=400.5)[1] == [0, 1]
    assert heating(20.0, 20.0, flowing_s=0.0)[:2] == (({1: 20.0}, {}), [0, 0])
    assert heating(20.0, 20.0, flowing_from_s=None)[1] == [0, 0]
    for state in STATES:
        if state != "FIRING":
            assert heating(20.0, 20.0, state=state, memory=({1: 5.0}, {1: 6})) == (({}, {}), [0, 0], [])


@raises_nothing
def test_without_a_rule_nothing_is_remembered() -> None:
    from safety.monitors.tissue import Heating

    monitor: Any = Heating(())
    assert monitor.update(({1: 5.0}, {}), view("FIRING", (None, sample(20.0)))) == (({}, {}), ())
