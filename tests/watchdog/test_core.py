"""The rules: what arms, what closes and opens the enable line, what cuts."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.types import State
from safety.watchdog.core import Action, CloseEnable, Core, Cut, Leave, OpenEnable, QueryEnable, Reply
from safety.watchdog.frames import Heartbeat, StatusFrame, pack_heartbeat
from tests.watchdog.beats import HASH, beat, firing, hello


def core(**change: object) -> Core:
    made = Core(lease_s=0.2, idle_lease_s=1.0)
    made.on_hello(hello(**change), 0.0)
    return made


def kinds(actions: list[Action]) -> list[str]:
    return [type(action).__name__ for action in actions]


def reply(actions: list[Action]) -> StatusFrame:
    return next(a.status for a in actions if isinstance(a, Reply))


def rule(actions: list[Action]) -> str:
    """The rule that cut; the enable line is opened before."""
    assert kinds(actions) == ["OpenEnable", "Cut"]
    assert isinstance(actions[1], Cut)
    return actions[1].rule


def fired(frames: int = 4) -> Core:
    """A core that has seen so many firing frames, 50 ms apart from t = 0.05 s."""
    made = core()
    for seq in range(1, frames + 1):
        made.on_frame(firing(seq, 0.05 * seq), 0.05 * seq)
        made.on_enable_read(True, 0.05 * seq)
    assert made.cut is None
    return made


def test_hello_opens_and_asks() -> None:
    made = Core()
    assert made.on_hello(hello(), 10.0) == [OpenEnable()]
    assert made.next_due_s == 10.03
    assert made.due(10.03) == [QueryEnable()]
    assert made.due(10.1) == [OpenEnable()]
    assert made.due(10.13) == [QueryEnable()]


def test_not_armed_before_the_first_frame() -> None:
    made = core(enable=None)
    assert made.due(1e6) == []
    assert made.next_due_s == math.inf
    assert made.on_link_lost(1.0) == [OpenEnable(), Leave()]


def test_the_lease_runs_from_the_time_in_the_frame() -> None:
    made = fired()
    made.on_frame(firing(5, 0.25), 0.44)  # it waited for 190 ms
    assert made.next_due_s <= 0.45
    assert made.cut is None
    assert rule(made.due(0.4501)) == "lease"
    assert made.cut is not None
    assert made.cut.text == "no completed tick for 200 ms: the daemon hangs, is stopped, or waits for ever"


def test_the_lease_lapses_after_200_ms() -> None:
    made = fired()
    assert "Cut" not in kinds(made.due(0.3999))
    assert rule(made.due(0.4001)) == "lease"


def test_an_idle_daemon_has_a_second() -> None:
    made = core()
    made.on_frame(beat(1, 0.0), 0.0)
    assert "Cut" not in kinds(made.due(0.99))
    assert rule(made.due(1.0)) == "lease"


@pytest.mark.parametrize(
    "change",
    [{"state": State.READY}, {"state": State.ARMED}, {"state": State.STOPPING}, {"enable_request": True}],
)
def test_nothing_near_energy_is_idle(change: dict[str, object]) -> None:
    made = core()
    made.on_frame(beat(1, 0.0, **change), 0.0)
    assert rule(made.due(0.2)) == "lease"


def test_a_gap_between_frames_cuts_though_both_came_at_once() -> None:
    made = fired()
    assert rule(made.on_frame(firing(5, 0.41), 0.42)) == "lease"


def test_the_enable_line_is_closed_after_three_good_frames() -> None:
    made = core()
    assert kinds(made.on_frame(firing(1, 0.05), 0.05)) == ["Reply"]
    assert kinds(made.on_frame(firing(2, 0.10), 0.10)) == ["Reply"]
    third = made.on_frame(firing(3, 0.15), 0.15)
    assert kinds(third) == ["CloseEnable", "Reply"]
    assert reply(third).enable_commanded
    assert made.due(0.18) == [QueryEnable()]
    made.on_frame(firing(4, 0.20), 0.20)
    assert made.due(0.25) == [CloseEnable()]  # refreshed
    assert made.due(0.28) == [QueryEnable()]


def test_the_enable_line_opens_when_no_longer_asked_for() -> None:
    made = fired()
    actions = made.on_frame(firing(5, 0.25, enable_request=False), 0.25)
    assert kinds(actions) == ["OpenEnable", "Reply"]
    assert not reply(actions).enable_commanded
    assert kinds(made.on_frame(firing(6, 0.30), 0.30)) == ["CloseEnable", "Reply"]


@pytest.mark.parametrize(
    "state", [State.BOOT, State.SAFE, State.STOPPING, State.COOLDOWN, State.TRIPPED, State.LOCKOUT]
)
def test_the_enable_line_stays_open_in_states_that_need_none(state: State) -> None:
    made = fired()
    actions = made.on_frame(beat(5, 0.25, state=state, epoch=3, enable_request=True), 0.25)
    assert kinds(actions) == ["OpenEnable", "Reply"]


def test_a_latch_keeps_the_enable_line_open_and_denies_ready() -> None:
    made = core()
    made.latched = True
    for seq in range(1, 6):
        actions = made.on_frame(beat(seq, 0.05 * seq, state=State.READY, enable_request=True), 0.05 * seq)
        assert kinds(actions) == ["Reply"]
        assert reply(actions).latched
        assert not reply(actions).ready
    made.latched = False
    made.on_enable_read(False, 0.3)
    actions = made.on_frame(beat(6, 0.3, state=State.READY, enable_request=True), 0.3)
    assert kinds(actions) == ["CloseEnable", "Reply"]
    assert reply(actions).ready


def test_a_latch_that_appears_opens_the_enable_line_at_once() -> None:
    made = core()
    for seq in range(1, 5):
        made.on_frame(beat(seq, 0.05 * seq, state=State.READY, enable_request=True), 0.05 * seq)
    made.latched = True
    assert made.due(0.21) == [OpenEnable()]


def test_ready_needs_three_frames_and_an_old_answer_of_the_enable_line_is_none() -> None:
    made = core()
    statuses = [reply(made.on_frame(beat(seq, 0.05 * seq), 0.05 * seq)) for seq in range(1, 5)]
    assert [s.ready for s in statuses] == [False, False, True, True]
    assert [s.enable_closed for s in statuses] == [None] * 4
    assert statuses[-1].enable_read_age_ms == 65535
    made.on_enable_read(False, 0.2)
    status = reply(made.on_frame(beat(5, 0.25), 0.25))
    assert (status.ready, status.enable_closed, status.enable_read_age_ms) == (True, False, 50)
    status = made.status(0.701)
    assert (status.ready, status.enable_closed) == (True, None)


def test_without_an_enable_line_three_frames_suffice() -> None:
    made = core(enable=None)
    replies = [reply(made.on_frame(beat(s, 0.05 * s), 0.05 * s)) for s in range(1, 4)]
    assert [(r.ready, r.enable_present, r.enable_closed) for r in replies] == [
        (False, False, None),
        (False, False, None),
        (True, False, None),
    ]


def test_without_a_plan_there_is_no_ready() -> None:
    made = core(enable=None, plans=())
    assert [reply(made.on_frame(beat(s, 0.05 * s), 0.05 * s)).ready for s in range(1, 5)] == [False] * 4


FAULTS: dict[str, tuple[str, Callable[[], Heartbeat | bytes]]] = {
    "seq skipped": ("seq", lambda: firing(6, 0.25)),
    "seq repeated": ("seq", lambda: firing(4, 0.25)),
    "dated in the future": ("clock", lambda: firing(5, 0.28)),
    "time stands still": ("clock", lambda: firing(5, 0.20)),
    "time goes back": ("clock", lambda: firing(5, 0.19)),
    "grant while SAFE": ("grant", lambda: beat(5, 0.25, epoch=3, grant_mw=1)),
    "grant while ARMED": ("grant", lambda: beat(5, 0.25, epoch=3, state=State.ARMED, grant_mw=5000)),
    "epoch goes back": ("epoch", lambda: firing(5, 0.25, epoch=1)),
    "another configuration": ("config", lambda: firing(5, 0.25, config_hash8=b"12345678")),
    "old samples": ("sample-age", lambda: firing(5, 0.25, oldest_sample_age_ms=1001)),
    "a counter too few": ("progress", lambda: firing(5, 0.25, progress=(5,))),
    "damaged": ("frame", lambda: pack_heartbeat(firing(5, 0.25))[:-1] + b"?"),
    "empty": ("frame", lambda: b""),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_contradiction_cuts(name: str) -> None:
    expected, make = FAULTS[name]
    made = fired()
    assert rule(made.on_frame(make(), 0.251)) == expected
    assert made.next_due_s == math.inf
    later = made.on_frame(firing(6, 0.30), 0.30)
    assert kinds(later) == ["Reply"]  # a cut is for ever
    assert (reply(later).cut, reply(later).ready, reply(later).enable_commanded) == (True, False, False)
    assert made.due(9.0) == made.on_link_lost(9.0) == made.on_bye(9.0) == made.on_order("x") == []


def test_firing_again_needs_a_new_epoch() -> None:
    made = fired()
    made.on_frame(beat(5, 0.25, epoch=2), 0.25)
    assert rule(made.on_frame(firing(6, 0.30, epoch=2), 0.30)) == "epoch"
    made = fired()
    made.on_frame(beat(5, 0.25, epoch=3), 0.25)
    assert kinds(made.on_frame(firing(6, 0.30, epoch=4), 0.30))[-1] == "Reply"


def test_power_over_a_latch_cuts() -> None:
    made = fired()
    made.latched = True
    assert rule(made.on_frame(firing(5, 0.25), 0.25)) == "latch"


def test_the_configuration_may_change_while_safe() -> None:
    made = core()
    made.on_frame(beat(1, 0.05), 0.05)
    assert kinds(made.on_frame(beat(2, 0.10, config_hash8=b"12345678"), 0.10)) == ["Reply"]
    assert HASH != b"12345678"


def test_a_counter_that_stands_still_cuts_while_firing() -> None:
    made = fired()
    for seq in range(5, 15):  # gen stands at 4, seen at 0.20 s; its budget is 0.5 s
        assert "Cut" not in kinds(made.on_frame(firing(seq, 0.05 * seq, progress=(4, seq)), 0.05 * seq))
    assert rule(made.on_frame(firing(15, 0.75, progress=(4, 15)), 0.75)) == "progress"
    assert made.cut is not None
    assert made.cut.text == "gen has stood still for 0.55 s while firing"


def test_a_counter_may_stand_still_while_safe_and_gets_its_budget_at_fire() -> None:
    made = core()
    for seq in range(1, 41):
        made.on_frame(beat(seq, 0.05 * seq, progress=(0, 0)), 0.05 * seq)
    for seq in range(41, 51):
        assert kinds(made.on_frame(firing(seq, 0.05 * seq, progress=(0, 0)), 0.05 * seq))[-1] == "Reply"
    assert rule(made.on_frame(firing(52 - 1, 2.56, progress=(0, 0)), 2.56)) == "progress"


def test_three_frames_too_fast_cut_two_do_not() -> None:
    made = fired()  # newest at 0.20 s; half a tick is 25 ms
    assert kinds(made.on_frame(firing(5, 0.21), 0.21))[-1] == "Reply"
    assert kinds(made.on_frame(firing(6, 0.22), 0.22))[-1] == "Reply"
    assert kinds(made.on_frame(firing(7, 0.25), 0.25))[-1] == "Reply"
    for seq, t_s in ((8, 0.26), (9, 0.27)):
        assert kinds(made.on_frame(firing(seq, t_s), t_s))[-1] == "Reply"
    assert rule(made.on_frame(firing(10, 0.28), 0.28)) == "pace"


def test_frames_before_hello_cut() -> None:
    assert rule(Core().on_frame(beat(1, 0.05), 0.05)) == "order"


def test_death_cuts_with_the_hazard_it_has() -> None:
    actions = fired().on_link_lost(0.22)
    assert rule(actions) == "death"
    assert isinstance(actions[1], Cut)
    trip = actions[1].trip(0.22)
    assert (trip.hazard, trip.monitor, trip.device, trip.channel) == ("H23", "watchdog", "daemon", "death")
    assert (trip.t_s, trip.lockout, math.isnan(trip.value)) == (0.22, False, True)


@pytest.mark.parametrize("state", [State.BOOT, State.SAFE, State.COOLDOWN, State.TRIPPED])
def test_an_idle_daemon_may_leave(state: State) -> None:
    made = core()
    made.on_frame(beat(1, 0.05, state=state), 0.05)
    assert made.on_bye(0.06) == [OpenEnable()]
    assert "Cut" not in kinds(made.due(5.0))
    assert made.on_link_lost(5.1) == [OpenEnable(), Leave()]


@pytest.mark.parametrize(
    "state", [State.PRECHECK, State.READY, State.ARMED, State.FIRING, State.STOPPING, State.LOCKOUT]
)
def test_no_other_may(state: State) -> None:
    made = core()
    made.on_frame(beat(1, 0.05, state=state), 0.05)
    assert rule(made.on_bye(0.06)) == "bye"


def test_a_frame_after_bye_cuts_and_a_daemon_that_stays_is_shown_out() -> None:
    made = core()
    made.on_frame(beat(1, 0.05), 0.05)
    made.on_bye(0.06)
    assert not made.status(0.07).ready
    assert made.due(10.06)[-2:] == [OpenEnable(), Leave()]
    assert rule(made.on_frame(beat(2, 0.10), 0.10)) == "order"


def test_an_order_to_end_cuts_once_armed() -> None:
    assert rule(fired().on_order("told to end")) == "ended"
    assert core().on_order("told to end") == [OpenEnable(), Leave()]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"period_s": 0.15}, "a lease of 200 ms cannot guard a tick of 150 ms: tick faster"),
        ({"period_s": math.nan}, "a time in HELLO is not a positive number"),
        ({"progress": (("gen", 0.0),)}, "a time in HELLO is not a positive number"),
        ({"max_sample_age_s": math.inf}, "a time in HELLO is not a positive number"),
    ],
)
def test_a_hello_that_cannot_be_guarded_is_refused(change: dict[str, object], why: str) -> None:
    assert Core().refuse(hello(**change)) == why
    assert Core().refuse(hello()) is None
    assert core().refuse(hello()) == "HELLO came twice"


EVENTS = st.one_of(
    st.tuples(
        st.just("frame"),
        st.integers(-1, 2),
        st.sampled_from(State),
        st.integers(0, 3),
        st.integers(0, 1),
        st.booleans(),
    ),
    st.tuples(st.just("bytes"), st.binary(max_size=60)),
    st.tuples(st.sampled_from(("due", "bye", "lost", "order", "latch", "read"))),
)


@given(st.lists(st.tuples(st.floats(0, 0.3), EVENTS), max_size=30))
def test_whatever_comes_the_enable_line_is_closed_only_on_good_grounds(
    story: list[tuple[float, tuple[object, ...]]],
) -> None:
    made, now_s, seq, closed = core(), 0.0, 0, False
    for dt_s, (kind, *words) in story:
        now_s += dt_s
        actions: list[Action] = []
        if kind == "frame":
            step, state, epoch, grant, enable = words
            assert isinstance(step, int)
            seq += 1 if step == 0 else step
            frame = beat(seq, now_s, state=state, epoch=epoch, grant_mw=grant, enable_request=enable)
            actions = made.on_frame(pack_heartbeat(frame), now_s)
        elif kind == "bytes":
            assert isinstance(words[0], bytes)
            actions = made.on_frame(words[0], now_s)
        elif kind == "due":
            actions = made.due(now_s)
        elif kind == "bye":
            actions = made.on_bye(now_s)
        elif kind == "lost":
            actions = made.on_link_lost(now_s)
        elif kind == "order":
            actions = made.on_order("told")
        elif kind == "latch":
            made.latched = not made.latched
        else:
            made.on_enable_read(True, now_s)
        was_cut = made.cut is not None and not any(isinstance(a, Cut) for a in actions)
        for action in actions:
            if isinstance(action, CloseEnable):
                assert not was_cut
                assert not made.latched
                assert made.last is not None
                assert made.last.enable_request
                assert made.last.state in {State.PRECHECK, State.READY, State.ARMED, State.FIRING}
                closed = True
            elif isinstance(action, OpenEnable):
                closed = False
            elif isinstance(action, Cut):
                assert not closed
        if made.cut is not None:
            assert not closed
            assert not made.status(now_s).ready
