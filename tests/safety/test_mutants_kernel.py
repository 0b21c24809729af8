"""The step itself: where it begins, what monitors see, what is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.safety.steps import HEALTHY, NAMES, OFF, bench, inputs, state, stepped


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


# ---- what is seen and heard


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
