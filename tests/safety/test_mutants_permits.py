"""Each permit alone: what grants it, what withholds it, and the values on the edge."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing

NOW_S = 100.0
SOURCE = {"g.power_w": 0.0, "g.rf_on": 0.0}
FOOT = {"i.no_closed": 1.0, "i.nc_closed": 0.0}


def seen(at_s: float = NOW_S - 0.1, **values: float) -> dict[str, Any]:
    """Good samples: of the source (off), of a tip (cold) and of a footswitch (pressed)."""
    from safety.types import Sample

    names = {**SOURCE, "t.tip_c": 20.0, **FOOT, **{name.replace("_dot_", "."): v for name, v in values.items()}}
    return {name: Sample(name, value, at_s) for name, value in names.items()}


def evidence(samples: dict[str, Any] | None = None, **changes: Any) -> Any:
    """What the predicates see: a bench with a tip and a footswitch. ``changes``: of state, inputs, roles, timing."""
    from safety.config import ChannelRule, Config, Limits, Roles, Timing
    from safety.monitors.base import View
    from safety.state import KernelState
    from safety.types import Inputs, State

    names = ("g.power_w", "g.rf_on", "t.tip_c", "i.no_closed", "i.nc_closed", "i.a_closed", "i.b_closed")
    roles: dict[str, Any] = {"tip": "t.tip_c", "footswitch": ("i.no_closed", "i.nc_closed")}
    config = Config(
        channels=tuple(ChannelRule(name, 0.0, 300.0) for name in names),
        roles=Roles("g.power_w", "g.rf_on", ("i.a_closed", "i.b_closed"), **{**roles, **changes.pop("roles", {})}),
        layers=(("bench", Limits(power_w=50.0)),),
        timing=Timing(**{"run_on_s": 5.0, "prime_s": 2.0, "operator_lease_s": 0.25, **changes.pop("timing", {})}),
        enable_line=changes.pop("enable_line", True),
    )
    inputs = Inputs(snapshot={}, **changes.pop("inputs", {}))
    words: dict[str, Any] = {
        "state": State.SAFE,
        "memories": (),
        "entered_s": 90.0,
        "off_at_s": 99.0,
        "fired": True,
        **changes,
    }
    state = KernelState(**words)
    samples = seen() if samples is None else samples
    return View(config, state, inputs, [samples.get(name) for name in names], NOW_S)


@pytest.mark.parametrize(
    "at_s, proven",
    [(99.0, False), (99.001, True), (100.0, True), (100.001, False), (math.nan, False)],
)
@raises_nothing
def test_off_is_proven_by_what_was_asked_afterwards(at_s: float, proven: bool) -> None:
    from safety import permits

    assert permits.off_proven(evidence(seen(at_s)), 99.0) is proven


@pytest.mark.parametrize("name", SOURCE)
@raises_nothing
def test_every_channel_of_the_source_proves_off(name: str) -> None:
    from safety import permits
    from safety.types import Quality

    good = seen()
    assert permits.off_proven(evidence(good), 99.0)
    for quality in (Quality.BAD, Quality.UNCERTAIN):
        assert not permits.off_proven(evidence({**good, name: good[name]._replace(quality=quality)}), 99.0)
    assert not permits.off_proven(evidence({k: v for k, v in good.items() if k != name}), 99.0)
    for t_s in (98.9, 100.1):
        assert not permits.off_proven(evidence({**good, name: good[name]._replace(t_request_s=t_s)}), 99.0)


@pytest.mark.parametrize(
    "name, value, proven",
    [
        ("g_dot_power_w", 1.0, True), ("g_dot_power_w", 1.01, False), ("g_dot_power_w", -3.0, True),
        ("g_dot_rf_on", 0.0, True), ("g_dot_rf_on", 0.01, False), ("g_dot_rf_on", 1.0, False),
        ("g_dot_power_w", math.nan, False), ("g_dot_rf_on", math.nan, False),
    ],
)  # fmt: skip
@raises_nothing
def test_off_is_at_most_a_watt_and_a_flag_that_is_down(name: str, value: float, proven: bool) -> None:
    from safety import permits

    assert permits.off_proven(evidence(seen(**{name: value})), 99.0) is proven


def holds(item: str, at: Any) -> bool:
    """The predicate of an item in the state it is in."""
    from safety import permits

    return dict(permits.BY_STATE[at.state])[item](at)


def test_the_table_is_this() -> None:
    from safety import permits

    assert {state.value: [name for name, _ in rows] for state, rows in permits.BY_STATE.items()} == {
        "BOOT": ["off"], "SAFE": [], "PRECHECK": ["off", "prime"], "READY": [], "ARMED": [],
        "FIRING": ["hold", "line"], "STOPPING": ["off"], "COOLDOWN": ["cool"],
        "TRIPPED": ["ack", "off", "clear", "cool"], "LOCKOUT": ["lockout", "off", "cool"],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["BOOT", "STOPPING"])
@raises_nothing
def test_off_counts_from_the_command(name: str) -> None:
    from safety.types import State

    words: dict[str, Any] = {"state": State[name], "off_at_s": 60.0, "entered_s": 99.95}
    assert holds("off", evidence(seen(60.001), **words))
    assert not holds("off", evidence(seen(60.0), **words))


@raises_nothing
def test_off_is_proven_anew_in_precheck() -> None:
    from safety.types import State

    words: dict[str, Any] = {"state": State.PRECHECK, "off_at_s": 60.0, "entered_s": 80.0}
    assert holds("off", evidence(seen(80.001), **words))
    assert not holds("off", evidence(seen(80.0), **words))


@pytest.mark.parametrize("name", ["TRIPPED", "LOCKOUT"])
@raises_nothing
def test_off_stays_proven_by_young_samples_only(name: str) -> None:
    from safety.types import State

    words: dict[str, Any] = {"state": State[name], "entered_s": 70.0}
    assert holds("off", evidence(seen(99.751), off_at_s=60.0, **words))
    assert not holds("off", evidence(seen(99.75), off_at_s=60.0, **words))
    assert not holds("off", evidence(seen(99.8), off_at_s=99.8, **words))
    assert holds("off", evidence(seen(99.801), off_at_s=99.8, **words))


@pytest.mark.parametrize(
    "entered_s, tip_c, t_s, cool",
    [
        (95.0, 44.9, 99.9, True), (95.001, 44.9, 99.9, False), (95.0, 45.0, 99.9, False), (95.0, math.nan, 99.9, False),
        (95.0, 44.9, 99.75, True), (95.0, 44.9, 99.749, False), (95.0, 44.9, 100.0, True), (95.0, 44.9, 100.1, False),
        (-20.0, 99.0, 99.9, True), (-19.999, 99.0, 99.9, False),
    ],
)  # fmt: skip
@raises_nothing
def test_cool_is_a_cold_tip_and_run_on_or_two_minutes(entered_s: float, tip_c: float, t_s: float, cool: bool) -> None:
    from safety.types import State

    at = evidence(seen(t_s, t_dot_tip_c=tip_c), state=State.COOLDOWN, entered_s=entered_s)
    assert holds("cool", at) is cool


@raises_nothing
def test_cool_without_a_reading_or_without_a_tip_or_without_fire() -> None:
    from safety.types import Quality, State

    good, words = seen(), {"state": State.COOLDOWN, "entered_s": 90.0}
    assert holds("cool", evidence(good, **words))
    assert not holds("cool", evidence({k: v for k, v in good.items() if k != "t.tip_c"}, **words))
    bad = {**good, "t.tip_c": good["t.tip_c"]._replace(quality=Quality.BAD)}
    assert not holds("cool", evidence(bad, **words))
    assert holds("cool", evidence(bad, roles={"tip": None}, **words))
    assert not holds("cool", evidence(good, roles={"tip": None}, state=State.COOLDOWN, entered_s=95.001))
    assert holds("cool", evidence(bad, fired=False, **words))
    assert not holds("cool", evidence({}, **words))


@pytest.mark.parametrize(
    "lease_s, held",
    [(None, False), (99.75, True), (99.749, False), (100.0, True), (100.001, False), (math.nan, False)],
)
@raises_nothing
def test_the_foreground_holds_for_its_lease(lease_s: float | None, held: bool) -> None:
    from safety import permits
    from safety.types import State

    at = evidence(inputs={"foreground_lease_s": lease_s}, state=State.FIRING, holder="foreground")
    assert (permits.foreground_held(at), holds("hold", at)) == (held, held)
    at = evidence(inputs={"foreground_lease_s": lease_s}, state=State.FIRING, holder="footswitch")
    assert holds("hold", at)  # whoever fired must hold
    assert holds("hold", evidence({}, inputs={"foreground_lease_s": lease_s}, state=State.FIRING)) is held


@pytest.mark.parametrize(
    "t_s, held", [(99.75, True), (99.749, False), (100.0, True), (100.001, False), (math.nan, False)]
)
@pytest.mark.parametrize("late", ["both", *FOOT])
@raises_nothing
def test_the_footswitch_holds_for_its_lease(t_s: float, held: bool, late: str) -> None:
    from safety import permits
    from safety.types import State

    good = seen()
    samples = {k: v._replace(t_request_s=t_s) if k in FOOT and late in (k, "both") else v for k, v in good.items()}
    at = evidence(samples, state=State.FIRING, holder="footswitch")
    assert (permits.footswitch_held(at), holds("hold", at)) == (held, held)


@raises_nothing
def test_no_footswitch_holds_nothing() -> None:
    from safety import permits

    assert not permits.footswitch_held(evidence(roles={"footswitch": None}))
    assert not permits.footswitch_held(evidence(seen(i_dot_no_closed=0.0, i_dot_nc_closed=1.0)))
    assert not permits.footswitch_held(evidence(seen(i_dot_nc_closed=1.0)))
    assert not permits.footswitch_held(evidence(seen(i_dot_no_closed=0.0)))
    assert not permits.footswitch_held(evidence({}))


@pytest.mark.parametrize("closed", [True, False, None])
@raises_nothing
def test_the_line_is_read_back_closed(closed: bool | None) -> None:
    from safety.types import State, WatchdogStatus

    status = WatchdogStatus(99.9, True, closed, True)
    assert holds("line", evidence(state=State.FIRING, inputs={"watchdog": status})) is (closed is True)
    assert not holds("line", evidence(state=State.FIRING))
    assert holds("line", evidence(state=State.FIRING, enable_line=False))


@pytest.mark.parametrize("pump_on, since_s, primed", [(True, 98.0, True), (True, 98.001, False), (False, 98.0, False)])
@raises_nothing
def test_the_line_is_primed(pump_on: bool, since_s: float, primed: bool) -> None:
    from safety.types import State

    assert holds("prime", evidence(state=State.PRECHECK, pump_on=pump_on, pump_since_s=since_s)) is primed


@pytest.mark.parametrize("since_s, clear", [(None, False), (98.0, True), (98.001, False), (100.0, False)])
@raises_nothing
def test_a_cause_is_clear_for_two_seconds(since_s: float | None, clear: bool) -> None:
    from safety.types import State

    assert holds("clear", evidence(state=State.TRIPPED, clear_since_s=since_s)) is clear


@raises_nothing
def test_an_acknowledgement_counts_and_a_lockout_ends_never() -> None:
    from safety.types import State

    assert holds("ack", evidence(state=State.TRIPPED, acked=True))
    assert not holds("ack", evidence(state=State.TRIPPED))
    assert not holds("lockout", evidence(state=State.LOCKOUT))
