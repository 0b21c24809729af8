"""The watchdog's rules from HELLO to leave, to the edge of every number, and what each cut says."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.watchdog.beats import RELAY, beat, firing, hello
from tests.watchdog.rules import ALL, PERIOD_S, core, cut_of, fired, kinds, says, state


@raises_nothing
def test_numbers() -> None:
    from safety.watchdog import core as rules

    assert (rules.GOOD_FRAMES, rules.FAST_FRAMES) == (3, 3)
    assert (rules.AHEAD_S, rules.READ_FRESH_S, rules.QUERY_AFTER_S, rules.LEAVE_S) == (0.02, 0.5, 0.03, 10.0)
    sets = {
        name: sorted(s.value for s in getattr(rules, name)) for name in ("MAY_ENABLE", "PINNED", "MAY_LEAVE", "IDLE")
    }
    assert sets == {
        "MAY_ENABLE": ["ARMED", "FIRING", "PRECHECK", "READY"],
        "PINNED": ["ARMED", "FIRING", "STOPPING"],
        "MAY_LEAVE": ["BOOT", "COOLDOWN", "SAFE", "TRIPPED"],
        "IDLE": ["BOOT", "COOLDOWN", "LOCKOUT", "SAFE", "TRIPPED"],
    }
    made = rules.Core()
    assert (made.lease_s, made.idle_lease_s, made.latched, made.armed) == (0.2, 1.0, False, False)
    assert rules.Core(lease_s=2.0).idle_lease_s == 2.0


@raises_nothing
def test_a_cut_as_a_trip() -> None:
    from safety.watchdog.core import Cut

    trip = Cut("H24", "lease", "hangs", "the log", 0.3, 0.2).trip(7.0)
    assert (trip.hazard, trip.monitor, trip.device, trip.channel) == ("H24", "watchdog", "daemon", "lease")
    assert (trip.value, trip.limit, trip.age_s, trip.t_s) == (0.3, 0.2, 0.0, 7.0)
    assert (trip.text, trip.check, trip.lockout, trip.pump_off) == ("hangs", "the log", False, False)
    bare = Cut("H24", "lease", "hangs", "the log")
    assert math.isnan(bare.value)
    assert math.isnan(bare.limit)


# ---- what HELLO may say


@pytest.mark.parametrize(
    "change, why",
    [
        ({"period_s": 0.125}, None),
        ({"period_s": 0.126}, "a lease of 250 ms cannot guard a tick of 126 ms: tick faster"),
        ({"period_s": 0.0}, "a time in HELLO is not a positive number"),
        ({"period_s": 1e-9}, None),
        ({"period_s": 0.1}, None),
        ({"max_sample_age_s": 0.0}, "a time in HELLO is not a positive number"),
        ({"max_sample_age_s": math.nan}, "a time in HELLO is not a positive number"),
        ({"max_sample_age_s": 0.5}, None),
        ({"progress": (("gen", 0.5), ("tc", -1.0))}, "a time in HELLO is not a positive number"),
        ({"progress": (("gen", math.inf),)}, "a time in HELLO is not a positive number"),
        ({"progress": ()}, None),
        ({"enable": None}, None),
    ],
)
@raises_nothing
def test_hello(change: dict[str, Any], why: str | None) -> None:
    from safety.watchdog.core import Core

    assert Core(lease_s=0.25).refuse(hello(**{"period_s": PERIOD_S, **change})) == why


@pytest.mark.parametrize(
    "refresh_s, fine", [(0.01, True), (0.0099, False), (10.0, True), (10.001, False), (math.nan, False), (0.1, True)]
)
@raises_nothing
def test_hello_names_a_refresh_that_can_be_kept(refresh_s: float, fine: bool) -> None:
    from dataclasses import replace

    from safety.watchdog.core import Core

    why = Core(lease_s=0.25).refuse(hello(enable=(replace(RELAY, refresh_s=refresh_s), None)))
    assert why == (None if fine else "the enable line's refresh_s must be within 0.01 to 10 s")


@raises_nothing
def test_a_second_hello() -> None:
    assert core().refuse(hello()) == "HELLO came twice"


# ---- the lease


@raises_nothing
def test_nothing_lapses_before_the_first_frame() -> None:
    made = core(enable=None)
    assert (made.armed, made.next_due_s, made.due(1e9)) == (False, math.inf, [])


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("enable", [True, False])
@raises_nothing
def test_the_lease_of_each_state(name: str, enable: bool) -> None:
    made = core(enable=None)
    made.on_frame(beat(1, 1.0, state=state(name), enable_request=enable), 1.0)
    idle = name in ("BOOT", "SAFE", "COOLDOWN", "TRIPPED", "LOCKOUT") and not enable
    ends_s = 2.0 if idle else 1.25
    assert (made.armed, made.next_due_s, made.due(ends_s - 0.001)) == (True, ends_s, [])
    text = f"no completed tick for {1000 if idle else 250} ms: the daemon hangs, is stopped, or waits for ever"
    says(made.due(ends_s), "H24", "lease", 1.0 if idle else 0.25, 1.0 if idle else 0.25, text)
    assert (made.next_due_s, made.due(9.0)) == (math.inf, [])


@raises_nothing
def test_the_gap_between_frames() -> None:
    made = fired()
    assert kinds(made.on_frame(firing(5, 0.5), 0.5))[-1] == "Reply"  # exactly the lease
    says(
        made.on_frame(firing(6, 0.751), 0.751), "H24", "lease", 0.251, 0.25,
        "no completed tick for 251 ms: the daemon hangs, is stopped, or waits for ever",
    )  # fmt: skip
    idle = core()
    idle.on_frame(beat(1, 0.5), 0.5)
    assert kinds(idle.on_frame(beat(2, 1.5), 1.5))[-1] == "Reply"
    assert cut_of(idle.on_frame(beat(3, 2.501), 2.501))[3] == 1.0


# ---- leave, death, orders


@pytest.mark.parametrize("name", ALL)
@raises_nothing
def test_leave(name: str) -> None:
    made = core()
    made.on_frame(beat(1, 1.0, state=state(name)), 1.0)
    actions = made.on_bye(1.125)
    if name not in ("BOOT", "SAFE", "COOLDOWN", "TRIPPED"):
        says(actions, "H23", "bye", math.nan, math.nan, f"the daemon took its leave while {name}")
        return
    assert kinds(actions) == ["OpenEnable"]
    assert kinds(made.due(11.124))[-1:] != ["Leave"]
    assert kinds(made.due(11.125)) == ["OpenEnable", "Leave"]
    assert made.cut is None
    assert kinds(made.on_link_lost(11.2)) == ["OpenEnable", "Leave"]
    assert kinds(made.on_order("x")) == ["OpenEnable", "Leave"]


@raises_nothing
def test_a_leave_is_due_in_time() -> None:
    made = core(enable=None)
    made.on_frame(beat(1, 1.0), 1.0)
    assert made.on_bye(1.125) == []
    assert (made.next_due_s, made.due(5.0)) == (11.125, [])


@raises_nothing
def test_a_leave_before_anything() -> None:
    made = core()
    assert kinds(made.on_bye(0.5)) == ["OpenEnable"]
    assert made.cut is None


@raises_nothing
def test_death_and_orders() -> None:
    says(fired().on_link_lost(0.3), "H23", "death", math.nan, math.nan, "the daemon died without leave")
    says(fired().on_order("told to end"), "H27", "ended", math.nan, math.nan, "told to end")
    for lose in ("lost", "order"):
        made = core()
        actions = made.on_link_lost(1.0) if lose == "lost" else made.on_order("x")
        assert (kinds(actions), made.cut) == (["OpenEnable", "Leave"], None)
    cut = fired()
    cut.on_order("x")
    assert cut.due(9.0) == cut.on_link_lost(9.0) == cut.on_bye(9.0) == cut.on_order("x") == []
    assert kinds(cut.on_frame(firing(5, 0.3125), 0.3125)) == ["Reply"]
    assert cut.cut.text == "x"


@raises_nothing
def test_a_leave_before_hello() -> None:
    from safety.watchdog.core import Core

    made = Core(lease_s=0.25)
    assert (made.on_bye(0.5), made.cut, made.next_due_s) == ([], None, 10.5)
