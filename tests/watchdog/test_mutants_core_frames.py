"""What a frame must not say, to the edge of every number: contradictions and standstill."""

from __future__ import annotations

import math

import pytest

from tests.mutation.total import raises_nothing
from tests.watchdog.beats import beat, firing
from tests.watchdog.rules import ALL, PERIOD_S, core, cut_of, fired, kinds, says, state

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
