"""The step itself: set-points, flow of power, integrals, what is told; and the collapse that must not fail."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from tests.mutation.total import raises_nothing

NAMES = ("g.power_w", "g.rf_on", "i.a_closed", "i.b_closed", "g.forward_w")
HEALTHY = {"g.power_w": 40.0, "g.rf_on": 1.0, "i.a_closed": 1.0, "i.b_closed": 1.0, "g.forward_w": 50.0}
OFF = {**HEALTHY, "g.power_w": 0.0, "g.rf_on": 0.0, "g.forward_w": 0.0}


def bench(**changes: Any) -> Any:
    """A source with a forward meter and a load meter, 0.25 s old at most, and an E-stop."""
    from safety.config import ChannelRule, Config, Limits, Roles, Timing

    words: dict[str, Any] = {
        "channels": tuple(ChannelRule(name, -5.0, 300.0) for name in NAMES),
        "roles": Roles("g.power_w", "g.rf_on", ("i.a_closed", "i.b_closed"), forward="g.forward_w"),
        "layers": (("bench", Limits(power_w=100.0)),),
        "config_hash": "h",
        "timing": Timing(dt_max_s=0.5, operator_lease_s=0.5, watchdog_age_s=0.5, tick_s=0.125, permit_lease_s=0.25),
        "enable_line": False,
    }
    return Config(**{**words, **changes})


def state(config: Any, name: str = "FIRING", **words: Any) -> Any:
    """A state at t = 100 s."""
    from safety.kernel import initial
    from safety.types import State

    s = initial(config)
    fields = {
        "state": State[name], "now_s": 100.0, "entered_s": 90.0, "epoch": 7, "history": ((95.0, 50.0),),
        "flowing_from_s": 95.5, "flowing_since_s": 95.75, "power_w": 50.0, "energy_j": 200.0, "on_time_s": 4.0,
        "off_at_s": 80.0, "fired": True, "pump_on": True, "pump_since_s": 90.0, "enable": True, "enable_since_s": 90.0,
        "holder": "foreground", **words,
    }  # fmt: skip
    for field, value in fields.items():
        setattr(s, field, value)
    return s


def inputs(values: dict[str, float] | None = None, t_s: float = 100.0, **words: Any) -> Any:
    """Healthy inputs of a tick at t = 100.125 s."""
    from safety.types import Inputs, RecordStatus, Sample, WatchdogStatus

    said = HEALTHY if values is None else values
    fields = {
        "snapshot": {n: Sample(n, v, t_s) for n, v in said.items()},
        "foreground_lease_s": 100.0, "watchdog": WatchdogStatus(100.0, True, None, False),
        "record": RecordStatus(100.0, True), "applied_w": 50.0, "applied_t_s": 95.0, "config_hash": "h",
    }  # fmt: skip
    return Inputs(**{**fields, **words})


def stepped(name: str = "FIRING", said: Any = None, now_s: float = 100.125, config: Any = None, **words: Any) -> Any:
    from safety.kernel import step

    config = config or bench()
    return step(config, state(config, name, **words), inputs() if said is None else said, now_s)


@raises_nothing
def test_a_tick_of_firing() -> None:
    after, out = stepped()
    assert (out.state.value, out.blocked_by, out.events, out.new_trips, out.first_trip) == ("FIRING", (), (), (), None)
    assert tuple(out.permit) == (100.0, 100.375, 7, out.state, ("power: bench",))
    assert (out.pump_on, out.enable, out.command_off) == (True, True, False)
    assert (out.energy_j, out.on_time_s) == (206.25, 4.125)  # 50 W for an eighth of a second
    assert (after.now_s, after.entered_s, after.history) == (100.125, 90.0, ((95.0, 50.0),))
    assert (after.flowing_from_s, after.flowing_since_s, after.power_w) == (95.5, 95.75, 50.0)
    assert (after.enable_since_s, after.pump_since_s) == (90.0, 90.0)
    assert (after.energy_j, after.on_time_s) == (206.25, 4.125)


@raises_nothing
def test_the_first_tick_of_all() -> None:
    from safety.kernel import initial, step

    config = bench()
    after, out = step(config, initial(config), inputs(OFF, applied_w=0.0), 100.125)
    assert (after.entered_s, after.off_at_s, after.pump_since_s, after.enable_since_s) == (100.125,) * 4
    assert (after.now_s, out.state.value, out.command_off, out.energy_j) == (100.125, "BOOT", True, 0.0)
    assert (out.blocked_by, out.permit.why, out.permit.max_w, out.pump_on) == (("off",), ("off",), 0.0, False)


@raises_nothing
def test_where_it_begins() -> None:
    from safety.kernel import initial
    from safety.types import Trip

    config = bench()
    trip = Trip("H45", "m", "d", "c", 1.0, 2.0, 0.0, 3.0, "t", "x")
    assert (initial(config).state.value, initial(config).trips, initial(config).resets) == ("BOOT", (), ())
    latched = initial(config, trip, (1.0, 2.0))
    assert (latched.state.value, latched.trips, latched.resets) == ("BOOT", (trip,), (1.0, 2.0))
    assert initial(config, replace(trip, lockout=True)).state.value == "LOCKOUT"
    assert len(latched.memories) == len(config.monitors)


@raises_nothing
def test_another_configuration_is_adopted() -> None:
    from safety.kernel import adopt

    config = bench()
    before = state(config, "SAFE", memories=("old",), epoch=9)
    after = adopt(config, before)
    assert (after.energy_j, after.on_time_s, after.epoch) == (0.0, 0.0, 9)
    assert len(after.memories) == len(config.monitors)
    assert (before.energy_j, before.memories) == (200.0, ("old",))
    with pytest.raises(ValueError, match="in SAFE, not in READY"):
        adopt(config, state(config, "READY"))


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


# ---- what is told


@raises_nothing
def test_what_withholds_is_told_in_order() -> None:
    after, out = stepped(
        "PRECHECK", inputs(OFF, t_s=90.0, config_hash="x", record=None, applied_w=0.0), entered_s=100.0
    )
    assert out.blocked_by == ("config", "record", "stale", "off")
    assert (out.permit.max_w, out.permit.why, out.command_off) == (0.0, ("config", "record", "stale", "off"), False)
    _, idle = stepped("SAFE", inputs(OFF, applied_w=0.0))
    assert (idle.blocked_by, idle.permit.why, idle.permit.max_w) == ((), ("SAFE",), 0.0)
    assert after.state.value == "PRECHECK"


@raises_nothing
def test_power_waits_for_the_line() -> None:
    from safety.types import WatchdogStatus

    config = bench(enable_line=True)
    said = inputs(watchdog=WatchdogStatus(100.0, True, False, True))
    after, out = stepped(said=said, config=config, enable_since_s=100.0)
    assert (out.state.value, out.blocked_by, out.enable, out.permit.max_w) == ("FIRING", ("line",), True, 0.0)
    assert (out.permit.why, after.enable_since_s) == (("line",), 100.0)


@pytest.mark.parametrize("name", ["BOOT", "STOPPING", "TRIPPED", "LOCKOUT", "SAFE", "COOLDOWN", "PRECHECK"])
@raises_nothing
def test_off_is_commanded_until_it_is_proven(name: str) -> None:
    on, off = inputs({**OFF, "g.rf_on": 1.0}, applied_w=0.0), inputs(OFF, applied_w=0.0)
    words: dict[str, Any] = {"trips": (), "entered_s": 100.0, "off_at_s": 99.9, "now_s": 100.0}
    commanded = name in ("BOOT", "STOPPING", "TRIPPED", "LOCKOUT")
    assert stepped(name, on, **words)[1].command_off is commanded
    assert stepped(name, off, **words)[1].command_off is False


@raises_nothing
def test_the_line_and_the_pump_are_dated_when_they_change() -> None:
    after, out = stepped("SAFE", inputs(OFF, applied_w=0.0))
    assert (out.enable, out.pump_on) == (False, False)
    assert (after.enable, after.enable_since_s, after.pump_on, after.pump_since_s) == (False, 100.125, False, 100.125)
    after, _ = stepped(enable=False, pump_on=False)
    assert (after.enable, after.enable_since_s, after.pump_on, after.pump_since_s) == (True, 100.125, True, 100.125)


@pytest.mark.parametrize(
    "values, fired, leak, pumps",
    [(OFF, True, False, True), (OFF, False, False, False), (HEALTHY, False, False, True), (HEALTHY, True, True, False)],
)
@raises_nothing
def test_a_lockout_cools_while_it_is_warm(values: dict[str, float], fired: bool, leak: bool, pumps: bool) -> None:
    from safety.types import Trip

    trips = (Trip("H82", "m", "d", "c", 1.0, 2.0, 0.0, 3.0, "t", "x", True),)
    trips = (replace(trips[0], pump_off=leak),)
    config = bench(timing=replace(bench().timing, run_on_s=60.0))
    _, out = stepped("LOCKOUT", inputs(values, applied_w=0.0), config=config, trips=trips, fired=fired)
    assert (out.state.value, out.pump_on) == ("LOCKOUT", pumps)


@pytest.mark.parametrize("leak", [True, False])
@raises_nothing
def test_a_leak_stops_the_pump(leak: bool) -> None:
    from safety.types import Trip

    trip = Trip("H82", "m", "d", "c", 1.0, 2.0, 0.0, 3.0, "t", "x", False, leak)
    other = replace(trip, pump_off=False)
    _, out = stepped("TRIPPED", inputs(OFF, applied_w=0.0), trips=(other, trip))
    assert (out.pump_on, out.first_trip) == (not leak, other)


# ---- the collapse


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, "x", None])
@raises_nothing
def test_time_that_is_none(bad: Any) -> None:
    after, out = stepped(now_s=bad)
    assert (out.state.value, out.permit.max_w, out.enable, out.command_off, out.pump_on) == (
        "LOCKOUT", 0.0, False, True, True,
    )  # fmt: skip
    trip = out.first_trip
    assert trip is not None
    assert (trip.hazard, trip.monitor, trip.device, trip.channel) == ("H32", "kernel", "kernel", "")
    assert (math.isnan(trip.value), math.isnan(trip.limit), trip.age_s, trip.t_s) == (True, True, 0.0, 0.0)
    assert (trip.lockout, trip.pump_off) == (True, False)
    assert trip.text.startswith("the safety kernel failed: ")
    assert trip.check.startswith("report this defect")
    assert (tuple(out.permit), out.blocked_by) == ((0.0, 0.0, 8, out.state, ("lockout",)), ("lockout",))
    assert [kind for kind, _ in out.events] == ["trip", "state"]
    assert out.events[0][1]["hazard"] == "H32"
    assert out.events[1][1] == {"from": "FIRING", "to": "LOCKOUT", "reason": "kernel failed", "who": ""}
    assert (after.state.value, after.enable, after.epoch, after.entered_s) == ("LOCKOUT", False, 8, 0.0)
    assert (out.new_trips, out.energy_j, out.on_time_s) == ((trip,), 200.0, 4.0)


@raises_nothing
def test_a_collapse_is_told_once() -> None:
    from safety.kernel import step

    config = bench()
    after, _ = step(config, state(config), None, 100.125)  # type: ignore[arg-type]
    assert (after.trips[0].t_s, after.entered_s) == (100.125, 100.125)
    assert (
        after.trips[0].text == "the safety kernel failed: AttributeError: 'NoneType' object has no attribute 'snapshot'"
    )
    again, out = step(config, after, None, 100.25)  # type: ignore[arg-type]
    assert (out.new_trips, out.events, len(again.trips), out.first_trip) == ((), (), 1, after.trips[0])
    assert (out.permit.expires_at_s, out.permit.epoch, out.state.value) == (100.25, 9, "LOCKOUT")


@pytest.mark.parametrize("leak", [True, False])
@raises_nothing
def test_a_collapse_keeps_the_causes_and_the_pump(leak: bool) -> None:
    from safety.types import Trip

    first = Trip("H82", "m", "d", "c", 1.0, 2.0, 0.0, 3.0, "t", "x", False, leak)
    after, out = stepped("TRIPPED", now_s=math.nan, trips=(first,))
    assert [t.hazard for t in after.trips] == ["H82", "H32"]
    assert (out.first_trip, out.pump_on, after.pump_on) == (first, not leak, not leak)
    assert out.events[1][1]["from"] == "TRIPPED"


@pytest.mark.parametrize("broken", [None, 17])
@raises_nothing
def test_a_collapse_without_a_state(broken: Any) -> None:
    from safety.kernel import step

    after, out = step(bench(), broken, inputs(), 100.125)
    assert (out.state.value, out.permit.max_w, out.permit.epoch, out.enable) == ("LOCKOUT", 0.0, 0, False)
    assert (len(out.new_trips), out.energy_j, out.pump_on, after.state.value) == (1, 0.0, True, "LOCKOUT")
    assert out.events[1][1]["from"] == "LOCKOUT"


class Spy:
    """A monitor that finds nothing and keeps what it saw."""

    def __init__(self) -> None:
        self.views: list[Any] = []

    def start(self) -> int:
        return 0

    def update(self, memory: int, view: Any) -> tuple[int, tuple[()]]:
        self.views.append(view)
        return memory + 1, ()


@raises_nothing
def test_what_monitors_see() -> None:
    from safety.kernel import step

    config, spy = bench(), Spy()
    object.__setattr__(config, "monitors", (spy,))
    before = state(config, entered_s=90.0, pump_since_s=91.0, enable_since_s=92.0, memories=(5,))
    after, out = step(config, before, inputs(), 100.125)
    (seen,) = spy.views
    assert (seen.now_s, seen.dt_s, seen.state.value, seen.s.entered_s) == (100.125, 0.125, "FIRING", 90.0)
    assert seen.config is config
    assert [s.channel for s in seen.samples] == list(NAMES)
    assert (seen.flows, seen.flowing_from_s, seen.s.history) == (True, 95.5, ((95.0, 50.0),))
    assert (seen.s.energy_j, seen.s.on_time_s, seen.s.pump_on, seen.s.pump_since_s) == (206.25, 4.125, True, 91.0)
    assert (seen.s.enable, seen.s.enable_since_s, after.memories, out.blocked_by) == (True, 92.0, (6,), ())
    step(config, state(config, memories=(5,), fired=False), inputs(OFF, applied_w=0.0), 100.125)
    assert (spy.views[1].flows, spy.views[1].flowing_from_s, spy.views[1].s.fired) == (False, 100.125, False)
    fresh = state(config, "BOOT", now_s=None, memories=(0,))
    step(config, fresh, inputs(OFF), 100.125)
    s = spy.views[2].s
    assert (spy.views[2].dt_s, s.entered_s, s.pump_since_s, s.enable_since_s) == (None, 100.125, 100.125, 100.125)


@raises_nothing
def test_acts_are_heard_in_the_same_tick() -> None:
    from safety.types import Origin, Request, Verb

    after, out = stepped(said=inputs(requests=(Request(Verb.STOP, Origin.NETWORK, 100.0, "anna"),)))
    assert (after.state.value, out.state.value, out.command_off) == ("STOPPING", "STOPPING", True)
    assert [kind for kind, _ in out.events] == ["stop", "state"]
    assert (out.permit.max_w, out.permit.epoch, out.enable) == (0.0, 8, False)


@raises_nothing
def test_a_set_point_is_no_older_than_the_one_before() -> None:
    history = ((99.5, 10.0), (99.75, 50.0))
    said = inputs(applied_w=60.0, applied_t_s=99.6)
    assert stepped(said=said, history=history)[0].history == (*history, (99.75, 60.0))
