"""The watchdog's rules to the edge of every number, and what each cut says."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.watchdog.beats import GEN, RELAY, beat, firing, hello

ALL = ["BOOT", "SAFE", "PRECHECK", "READY", "ARMED", "FIRING", "STOPPING", "COOLDOWN", "TRIPPED", "LOCKOUT"]
PERIOD_S = 0.0625  # times below are exact in binary: a frame each sixteenth of a second, a lease of a quarter


def state(name: str) -> Any:
    from safety.types import State

    return State[name]


def core(lease_s: float = 0.25, idle_lease_s: float = 1.0, **change: Any) -> Any:
    """A core that has HELLO at t = 0."""
    from safety.watchdog.core import Core

    made = Core(lease_s=lease_s, idle_lease_s=idle_lease_s)
    made.on_hello(hello(**{"period_s": PERIOD_S, **change}), 0.0)
    return made


def fired(frames: int = 4, **change: Any) -> Any:
    """After so many firing frames; the newest is of t = frames / 16 s."""
    made = core(**change)
    for seq in range(1, frames + 1):
        made.on_frame(firing(seq, seq * PERIOD_S), seq * PERIOD_S)
    assert made.cut is None
    return made


def kinds(actions: list[Any]) -> list[str]:
    return [type(action).__name__ for action in actions]


def cut_of(actions: list[Any]) -> tuple[Any, ...]:
    """What a cut says: hazard, rule, value, limit, text."""
    assert kinds(actions) == ["OpenEnable", "Cut"]
    cut = actions[1]
    assert cut.check
    return cut.hazard, cut.rule, cut.value, cut.limit, cut.text


def says(actions: list[Any], hazard: str, rule: str, value: float, limit: float, text: str) -> None:
    told = cut_of(actions)
    assert (told[0], told[1], told[4]) == (hazard, rule, text)
    for found, wanted in ((told[2], value), (told[3], limit)):
        assert found == pytest.approx(wanted, nan_ok=True)


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


# ---- what contradicts itself


@raises_nothing
def test_damage_and_order() -> None:
    from safety.watchdog.core import Core

    for damaged in (b"", b"x" * 60):
        says(fired().on_frame(damaged, 0.3), "H17", "frame", math.nan, math.nan, "a frame of the daemon is damaged")
        assert cut_of(Core().on_frame(damaged, 0.3))[1] == "frame"
    text = "a frame came before HELLO or after BYE"
    says(Core().on_frame(beat(1, 0.1), 0.1), "H26", "order", math.nan, math.nan, text)
    made = core()
    made.on_bye(0.05)
    says(made.on_frame(beat(1, 0.1), 0.1), "H26", "order", math.nan, math.nan, text)
    text = "the frame has another number of counters than HELLO named"
    for progress in ((5,), (5, 5, 5), ()):
        actions = fired().on_frame(firing(5, 0.3125, progress=progress), 0.3125)
        says(actions, "H26", "progress", math.nan, math.nan, text)


@pytest.mark.parametrize("now_s, fine", [(0.2925, True), (0.2924, False), (0.3125, True), (0.4, True)])
@raises_nothing
def test_a_frame_of_the_future(now_s: float, fine: bool) -> None:
    actions = fired().on_frame(firing(5, 0.3125), now_s)
    if fine:
        assert kinds(actions)[-1] == "Reply"
    else:
        says(actions, "H30", "clock", 0.0201, 0.02, "a frame is dated in the future")


@pytest.mark.parametrize("name", ALL)
@raises_nothing
def test_power_in_a_state_without(name: str) -> None:
    made = core()
    actions = made.on_frame(beat(1, 0.125, state=state(name), grant_mw=1, epoch=3), 0.125)
    if name == "FIRING":
        assert kinds(actions) == ["Reply"]
    else:
        says(actions, "H01", "grant", 0.001, 0.0, f"the daemon claims {name} and grants 0.001 W at once")


@pytest.mark.parametrize("grant_mw", [0, 1, 50_000])
@raises_nothing
def test_power_over_a_latch(grant_mw: int) -> None:
    made = fired()
    made.latched = True
    actions = made.on_frame(firing(5, 0.3125, grant_mw=grant_mw), 0.3125)
    if grant_mw:
        text = "the daemon grants power over a latched trip"
        says(actions, "H35", "latch", grant_mw / 1000.0, 0.0, text)
    else:
        assert kinds(actions) == ["OpenEnable", "Reply"]


@pytest.mark.parametrize("seq, fine", [(5, True), (4, False), (6, False), (0, False)])
@raises_nothing
def test_numbers_follow_each_other(seq: int, fine: bool) -> None:
    actions = fired().on_frame(firing(seq, 0.3125), 0.3125)
    if fine:
        assert kinds(actions)[-1] == "Reply"
    else:
        says(actions, "H18", "seq", seq, 5, f"frame {seq} followed frame 4")


@raises_nothing
def test_numbers_wrap() -> None:
    made = core()
    made.on_frame(beat(0xFFFFFFFF, 0.125, progress=(0, 0)), 0.125)
    assert kinds(made.on_frame(beat(0, 0.25, progress=(0, 0)), 0.25)) == ["Reply"]


@pytest.mark.parametrize("t_s, gap_s", [(0.25, 0.0), (0.1875, -0.0625)])
@raises_nothing
def test_time_advances(t_s: float, gap_s: float) -> None:
    text = "time does not advance between two frames"
    says(fired().on_frame(firing(5, t_s), 0.3125), "H30", "clock", gap_s, 0.0, text)


@pytest.mark.parametrize("gap_s, cuts_at", [(0.03125, 0), (0.03, 3), (0.0001, 3)])
@raises_nothing
def test_three_frames_that_are_too_fast(gap_s: float, cuts_at: int) -> None:
    made, t_s = fired(), 0.25
    for k in range(1, 6):
        t_s += gap_s
        actions = made.on_frame(firing(4 + k, t_s), t_s)
        if k == cuts_at:
            says(actions, "H26", "pace", gap_s, PERIOD_S, "frames come faster than ticks can")
            return
        assert kinds(actions)[-1] == "Reply"
    assert cuts_at == 0


@raises_nothing
def test_the_first_three_frames_of_all_may_not_be_fast_either() -> None:
    made = core()
    for seq in (1, 2, 3):  # two gaps
        assert kinds(made.on_frame(beat(seq, 1.0 + 0.01 * seq), 1.1))[-1] == "Reply"
    assert cut_of(made.on_frame(beat(4, 1.04), 1.1))[1] == "pace"


@raises_nothing
def test_epochs() -> None:
    says(fired().on_frame(firing(5, 0.3125, epoch=1), 0.3125), "H01", "epoch", 1, 2, "the epoch went back")
    assert kinds(fired().on_frame(firing(5, 0.3125, epoch=3), 0.3125))[-1] == "Reply"
    for stop, again, fine in ((2, 2, False), (3, 3, True), (2, 3, True)):
        made = fired()
        made.on_frame(beat(5, 0.3125, epoch=stop), 0.3125)
        made.on_frame(beat(6, 0.375, epoch=stop), 0.375)
        actions = made.on_frame(firing(7, 0.4375, epoch=again), 0.4375)
        if fine:
            assert kinds(actions)[-1] == "Reply"
        else:
            says(actions, "H01", "epoch", 2, 2, "firing began again within a spent epoch")


@pytest.mark.parametrize("epoch", [0, 1])
@raises_nothing
def test_the_first_firing_may_have_any_epoch(epoch: int) -> None:
    made = core()
    made.on_frame(beat(1, 0.0625, epoch=epoch), 0.0625)
    assert kinds(made.on_frame(firing(2, 0.125, epoch=epoch), 0.125))[-1] == "Reply"


@pytest.mark.parametrize("before", ALL)
@pytest.mark.parametrize("after", ["ARMED", "FIRING", "STOPPING", "READY", "SAFE"])
@raises_nothing
def test_the_configuration_is_pinned(before: str, after: str) -> None:
    pinned = {"ARMED", "FIRING", "STOPPING"}
    made = core()
    made.on_frame(beat(1, 0.0625, state=state(before)), 0.0625)
    other = beat(2, 0.125, state=state(after), config_hash8=b"12345678", epoch=2)
    actions = made.on_frame(other, 0.125)
    if {before, after} <= pinned:
        says(actions, "H34", "config", math.nan, math.nan, "the configuration changed while armed")
    else:
        assert kinds(actions)[-1] == "Reply"


# ---- standstill


@pytest.mark.parametrize("which, name, budget_s", [(0, "gen", 0.5), (1, "tc", 2.0)])
@raises_nothing
def test_a_counter_that_stands_still(which: int, name: str, budget_s: float) -> None:
    made, seq = fired(), 4
    while True:
        seq += 1
        t_s = seq * PERIOD_S
        progress = tuple(4 if place == which else seq for place in (0, 1))
        actions = made.on_frame(firing(seq, t_s, progress=progress), t_s)
        if t_s <= 0.25 + budget_s:
            assert kinds(actions)[-1] == "Reply"
            continue
        idle_s = budget_s + PERIOD_S
        text = f"{name} has stood still for {idle_s:.2f} s while firing"
        says(actions, "H26", "progress", idle_s, budget_s, text)
        assert actions[1].check == f"look at what {name} waits for"
        return


@raises_nothing
def test_a_counter_gets_its_budget_at_fire_anew() -> None:
    made = core()
    for seq in range(1, 33):
        made.on_frame(beat(seq, seq * PERIOD_S, progress=(0, 0)), seq * PERIOD_S)
    for seq in range(33, 42):  # firing since 2.0625 s
        assert kinds(made.on_frame(firing(seq, seq * PERIOD_S, progress=(0, 0)), seq * PERIOD_S))[-1] == "Reply"
    assert cut_of(made.on_frame(firing(42, 2.625, progress=(0, 0)), 2.625))[1:4] == ("progress", 0.5625, 0.5)
    again = fired()  # fires, pauses for long in SAFE, and fires anew: counters stand since the first
    for seq in range(5, 37):
        again.on_frame(beat(seq, seq * PERIOD_S, epoch=3, progress=(4, 4)), seq * PERIOD_S)
    actions = again.on_frame(firing(37, 37 * PERIOD_S, epoch=4, progress=(4, 4)), 37 * PERIOD_S)
    assert kinds(actions)[-1] == "Reply"


@pytest.mark.parametrize("age_ms, fine", [(1000, True), (1001, False), (500, True)])
@raises_nothing
def test_the_age_of_samples(age_ms: int, fine: bool) -> None:
    actions = fired().on_frame(firing(5, 0.3125, oldest_sample_age_ms=age_ms), 0.3125)
    if fine:
        assert kinds(actions)[-1] == "Reply"
    else:
        says(actions, "H16", "sample-age", 1.001, 1.0, "the daemon fires on a sample 1.00 s old")
    idle = core()
    assert kinds(idle.on_frame(beat(1, 0.1, oldest_sample_age_ms=60_000), 0.1))[-1] == "Reply"


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


# ---- the enable line


@raises_nothing
def test_the_line_is_written_and_asked_in_turn() -> None:
    made = core()
    assert made.next_due_s == 0.03
    assert made.due(0.029) == []
    assert kinds(made.due(0.03)) == ["QueryEnable"]
    assert (made.next_due_s, made.due(0.099)) == (0.1, [])
    assert kinds(made.due(0.1)) == ["OpenEnable"]
    assert made.next_due_s == pytest.approx(0.13)
    assert kinds(made.due(0.13)) == ["QueryEnable"]
    assert kinds(made.due(0.5)) == ["OpenEnable", "QueryEnable"]  # late: both at once
    assert made.next_due_s == pytest.approx(0.5)
    assert kinds(made.due(0.5)) == ["QueryEnable"]
    assert made.next_due_s == pytest.approx(0.6)


@raises_nothing
def test_a_question_is_not_put_off_by_a_writing() -> None:
    from dataclasses import replace

    made = core(enable=(replace(RELAY, refresh_s=1.0), None))
    assert kinds(made.due(0.5)) == ["QueryEnable"]  # due since 0.03 s; the next one at 1.03 s
    assert made.next_due_s == 1.0
    assert kinds(made.due(1.02)) == ["OpenEnable"]
    assert made.next_due_s == pytest.approx(1.03)
    assert kinds(made.due(1.03)) == ["QueryEnable"]
    assert made.next_due_s == pytest.approx(2.02)
    made.due(2.02)
    assert made.next_due_s == pytest.approx(2.03)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("asks", [True, False])
@raises_nothing
def test_the_line_closes_where_it_may(name: str, asks: bool) -> None:
    made = core()
    closes = asks and name in ("PRECHECK", "READY", "ARMED", "FIRING")
    for seq in (1, 2, 3):
        actions = made.on_frame(beat(seq, seq * PERIOD_S, state=state(name), enable_request=asks), seq * PERIOD_S)
        assert kinds(actions) == (["CloseEnable", "Reply"] if closes and seq == 3 else ["Reply"])
        assert actions[-1].status.enable_commanded is (closes and seq == 3)
    assert kinds(made.due(0.3))[0] == ("CloseEnable" if closes else "OpenEnable")


@raises_nothing
def test_a_latch_opens_and_a_leave_opens() -> None:
    made = fired()
    assert made.status(0.25).enable_commanded
    made.latched = True
    assert kinds(made.due(0.26)) == ["OpenEnable"]
    assert made.status(0.26).enable_commanded is False
    made.latched = False
    assert kinds(made.due(0.265)) == ["CloseEnable"]
    assert made.next_due_s == pytest.approx(0.295)


@raises_nothing
def test_a_bench_without_a_line_writes_none() -> None:
    made = fired(enable=None)
    assert made.due(0.26) == []
    assert made.next_due_s == 0.5
    assert made.status(0.26).enable_commanded is False


# ---- status


def status(made: Any, now_s: float) -> dict[str, Any]:
    return dict(made.status(now_s)._asdict())


@raises_nothing
def test_status_before_hello_and_before_frames() -> None:
    from safety.watchdog.core import Core

    bare = {
        "seq_echo": 0, "t_mono_ns": 5_250_000_000, "ready": False, "latched": False, "cut": False,
        "enable_present": False, "enable_commanded": False, "enable_closed": None, "enable_read_age_ms": 65535,
        "lease_ms": 250,
    }  # fmt: skip
    assert status(Core(lease_s=0.25), 5.25) == bare
    assert status(Core(lease_s=0.25, latched=True), 5.25) == {**bare, "latched": True}
    assert status(core(), 5.25) == {**bare, "enable_present": True}


@pytest.mark.parametrize("frames, ready", [(1, False), (2, False), (3, True), (4, True)])
@raises_nothing
def test_ready_after_three_frames(frames: int, ready: bool) -> None:
    made = fired(frames)
    assert (made.status(0.3).ready, made.status(0.3).seq_echo) == (ready, frames)
    made.latched = True
    assert made.status(0.3).ready is False
    assert fired(frames, plans=()).status(0.3).ready is False
    assert fired(frames, plans=((GEN, None), (GEN, 5))).status(0.3).ready is ready


@raises_nothing
def test_no_ready_after_a_leave_or_a_cut() -> None:
    made = core()
    for seq in (1, 2, 3):
        made.on_frame(beat(seq, seq * PERIOD_S), seq * PERIOD_S)
    assert made.status(0.2).ready is True
    made.on_bye(0.2)
    assert made.status(0.2).ready is False
    cut = fired()
    cut.on_order("x")
    assert (cut.status(0.3).ready, cut.status(0.3).cut, cut.status(0.3).enable_commanded) == (False, True, False)


@pytest.mark.parametrize("closed", [True, False, None])
@raises_nothing
def test_what_the_line_answered_is_true_for_half_a_second(closed: bool | None) -> None:
    made = core()
    made.on_enable_read(closed, 2.0)
    for now_s, told, age_ms in ((2.0, closed, 0), (2.5, closed, 500), (2.501, None, 501), (80.0, None, 65535)):
        frame = made.status(now_s)
        assert (frame.enable_closed, frame.enable_read_age_ms) == (told, age_ms)


@raises_nothing
def test_a_leave_before_hello() -> None:
    from safety.watchdog.core import Core

    made = Core(lease_s=0.25)
    assert (made.on_bye(0.5), made.cut, made.next_due_s) == ([], None, 10.5)
