"""What a bench is guarded by: every monitor that it can feed, in order of precedence, with the bench's own numbers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mutation.total import raises_nothing

NAMES = (
    "g.spare_c", "g.power_w", "g.forward_w", "g.rf_on", "g.setpoint_w", "i.a_closed", "i.b_closed", "i.no_closed",
    "i.nc_closed", "i.door_closed", "f.flow_ml_min", "f.air_flag", "t.tip_c", "g.alarm", "t.a_c", "g.ohm",
)  # fmt: skip
ALWAYS = ["Cadence", "Daemon", "Watchdog", "EStop", "ConfigHash", "Record", "Staleness", "Range", "Flags"]
SOURCE = ["Frozen", "Spontaneous", "OverPower", "UnderPower"]
LAST = ["Bounds", "Rate", "Doses", "Heating", "Budget"]  # what is too hot and impossible is told as too hot
MORE = {
    "forward": "g.forward_w", "setpoint": "g.setpoint_w", "footswitch": ("i.no_closed", "i.nc_closed"),
    "door": "i.door_closed", "flow": "f.flow_ml_min", "air": "f.air_flag", "tip": "t.tip_c", "impedance": "g.ohm",
    "critical": ("t.a_c",), "tissue": ("t.a_c", "t.tip_c"), "reverse": "g.spare_c",
}  # fmt: skip


def guards(more: dict[str, Any] | None = None, **words: Any) -> list[Any]:
    from safety.config import ChannelRule, Config, Limits, Roles, Thresholds, Timing

    limits = Limits(power_w=100.0, energy_j=5000.0, on_time_s=50.0, flow_min_ml_min=40.0)
    ohm = Limits(impedance_low_ohm=25.0, impedance_high_ohm=500.0)
    config = Config(
        channels=tuple(ChannelRule(name, -5.0, 3e9, noise_floor=0.5, max_rate=9.0) for name in NAMES),
        roles=Roles("g.power_w", "g.rf_on", ("i.b_closed", "i.a_closed"), **(more or {})),
        layers=(("bench", limits), ("more", ohm)),
        config_hash="abc",
        timing=Timing(
            tick_s=0.0625, dt_max_s=0.25, record_age_s=0.5, record_trip_s=3.0, pair_s=0.125, frozen_s=4.0,
            response_s=0.375, low_power_s=2.0,
        ),
        thresholds=Thresholds(off_w=1.5, power_ratio=0.25, power_margin_w=3.0, low_power_w=12.0, setpoint_margin_w=2.5),
        **words,
    )  # fmt: skip
    from safety.monitors import build

    return list(build(config))


def parameters(monitors: list[Any]) -> dict[str, dict[str, Any]]:
    return {type(m).__name__: {name.lstrip("_"): value for name, value in vars(m).items()} for m in monitors}


@pytest.mark.parametrize(
    "left_out, missing",
    [((), ()), (("setpoint",), ("ForeignSetpoint",)), (("footswitch",), ("Footswitch",)), (("air",), ("Air",)),
     (("flow",), ("Flow",)), ((*MORE,), ("Footswitch", "ForeignSetpoint", "Flow", "Air"))],
)  # fmt: skip
@raises_nothing
def test_order(left_out: tuple[str, ...], missing: tuple[str, ...]) -> None:
    found = [type(m).__name__ for m in guards({name: role for name, role in MORE.items() if name not in left_out})]
    whole = [*ALWAYS, "Footswitch", *SOURCE, "ForeignSetpoint", "Flow", "Air", *LAST]
    assert found == [name for name in whole if name not in missing]


@raises_nothing
def test_items() -> None:
    from safety.monitors import ITEMS

    assert ITEMS == (
        "clock", "daemon", "watchdog", "enable", "estop", "config", "record", "stale", "range", "flags", "footswitch",
        "rate", "frozen", "power", "readback", "flow", "air", "temperature", "agree", "frequency", "reflected",
        "impedance", "pads", "heating", "budget",
    )  # fmt: skip


@raises_nothing
def test_numbers_of_the_bench() -> None:
    told = parameters(guards(MORE))
    assert told["Cadence"]["dt_max_s"] == 0.25
    assert told["Cadence"]["late_s"] == 0.09375
    assert (told["Watchdog"]["timing"].tick_s, told["Watchdog"]["enable_line"]) == (0.0625, True)
    assert (told["EStop"]["indices"], told["EStop"]["channels"]) == ((6, 5), ("i.b_closed", "i.a_closed"))
    assert told["EStop"]["debounce"].hold_s == 0.125
    assert told["ConfigHash"] == {"hash": "abc"}
    assert told["Record"] == {"age_s": 0.5, "trip_s": 3.0}
    assert [i for i, *_ in told["Staleness"]["always"]] == list(range(16))
    assert [i for i, *_ in told["Staleness"]["source"]] == [1, 2, 3]
    assert [(i, rule.channel) for i, *_, rule in told["Range"]["rules"]] == list(enumerate(NAMES))
    assert [(i, rule.channel) for i, _, rule in told["Rate"]["rules"]] == list(enumerate(NAMES))
    assert [(i, rule.channel) for i, _, rule in told["Frozen"]["rules"]] == list(enumerate(NAMES))
    assert told["Frozen"]["window_s"] == 4.0
    assert "Stopped" not in told  # all of them have a noise floor
    assert (told["Footswitch"]["indices"], told["Footswitch"]["channels"]) == ((7, 8), ("i.no_closed", "i.nc_closed"))
    assert told["Footswitch"]["debounce"].hold_s == 0.125
    assert told["Spontaneous"]["channels"] == ((1, "g.power_w", 1.5), (2, "g.forward_w", 1.5), (3, "g.rf_on", 0.0))
    assert told["OverPower"]["channels"] == ((2, "g.forward_w"), (1, "g.power_w"))
    over = told["OverPower"]
    assert (over["response_s"], over["gain"], over["margin_w"], over["cap_w"]) == (0.375, 1.25, 3.0, 105.0)
    under = told["UnderPower"]
    assert (under["index"], under["channel"], under["response_s"], under["floor_w"]) == (2, "g.forward_w", 0.375, 12.0)
    assert under["debounce"].hold_s == 2.0
    foreign = {"index": 4, "channel": "g.setpoint_w", "response_s": 0.375, "margin_w": 2.5}
    assert told["ForeignSetpoint"] == foreign
    assert told["Flow"] == {"index": 10, "channel": "f.flow_ml_min", "min": 40.0, "air": 11}
    assert told["Air"] == {"index": 11, "channel": "f.air_flag"}
    assert (told["Budget"]["energy"], told["Budget"]["energy_trip_j"]) == ((5000.0, "bench"), 5250.0)
    assert (told["Budget"]["on_time"], told["Budget"]["on_time_trip_s"]) == ((50.0, "bench"), 51.0)


@raises_nothing
def test_which_thermometers_are_watched_for_stopping() -> None:
    from safety.config import ChannelRule, Config, Limits, Roles
    from safety.monitors import build

    roles = {
        "tip": "t.0",
        "shaft": "t.1",
        "coolant": "t.2",
        "tissue": ("t.3", "t.4"),
        "critical": ("t.5",),
        "cable": ("t.6",),
    }
    names = ("g.w", "g.on", "i.a", "i.b", *(f"t.{k}" for k in range(8)))
    limits = Limits(power_w=100.0, energy_j=5000.0, on_time_s=50.0)
    channels = tuple(ChannelRule(name, -5.0, 300.0, noise_floor=0.1 if name == "t.4" else None) for name in names)
    config = Config(channels, Roles("g.w", "g.on", ("i.a", "i.b"), **roles), (("bench", limits),), "abc")  # type: ignore[arg-type]
    monitors = [*build(config)]
    order = [type(m).__name__ for m in monitors]
    assert order[order.index("Frozen") : order.index("Spontaneous")] == ["Frozen", "Stopped"]
    told = parameters(monitors)["Stopped"]
    assert told["power"] == 0
    assert [(i, rule.channel, tissue) for i, rule, tissue in told["rules"]] == [
        (4, "t.0", False), (5, "t.1", False), (6, "t.2", False), (7, "t.3", True), (9, "t.5", True), (10, "t.6", False),
    ]  # fmt: skip


@raises_nothing
def test_what_the_bench_has_less() -> None:
    told = parameters(guards({**MORE, "air": None}, enable_line=False))
    assert (told["Flow"]["air"], told["Watchdog"]["enable_line"]) == (None, False)
    told = parameters(guards())
    assert told["OverPower"]["channels"] == ((1, "g.power_w"),)
    assert (told["UnderPower"]["index"], told["UnderPower"]["channel"]) == (1, "g.power_w")


@raises_nothing
def test_rules_of_all_kinds() -> None:
    from safety.config import FlagRule, HeatingRule

    alarm = FlagRule("g.alarm", 1.0, "H20", "it says so", "ask it")
    heating = HeatingRule("t.a_c", 100.0, 2.0)
    told = parameters(guards(MORE, flags=(alarm,), heating=(heating,), pads=1))
    flags = [(i, rule) for i, rule, _ in told["Flags"]["rules"]]
    assert flags == [(13, alarm), (9, FlagRule("i.door_closed", 1.0, "H70", "the door is open", "close the door"))]
    assert [rule.monitor for _, rule in told["Bounds"]["rules"]] == [
        "over_temperature", "over_temperature", "over_temperature", "over_temperature", "agreement", "reflectometer",
        "impedance_low", "impedance_high",
    ]  # fmt: skip
    assert [rule.monitor for _, rule in told["Doses"]["rules"]] == ["thermal_dose", "pad_current"]
    assert told["Heating"] == {"rules": ((14, heating),)}
    assert not parameters(guards())["Flags"]["rules"]
