"""When the watchdog writes and asks the enable line, and what it says of the line and of itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mutation.total import raises_nothing
from tests.watchdog.beats import GEN, RELAY, beat
from tests.watchdog.rules import ALL, PERIOD_S, core, fired, kinds, state

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
