"""The watchdog's process and its lines: what is handed over, asked, written and told, and how the daemon ends."""

from __future__ import annotations

import json
import os
import select
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from safety.safeoff import EnablePlan, SafeOffPlan
from safety.watchdog import process
from safety.watchdog.core import CloseEnable, Cut, Leave, OpenEnable, QueryEnable, Reply
from tests.mutation.total import raises_nothing
from tests.watchdog.beats import CLOSE, GEN, RELAY, hello
from tests.watchdog.process_rig import PIDFD, Noted, Rig, raising, system

CUT = Cut("H24", "lease", "no completed tick", "look")
IN = select.POLLIN


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Rig:
    return Rig(monkeypatch, tmp_path)


# ---- HELLO

GEN_AGAIN, RELAY_AGAIN = replace(GEN, reopen="tcp://gen:5025"), replace(RELAY, reopen="/dev/relay")


def greeted(rig: Rig, *plans: tuple[SafeOffPlan, int | None], enable: Any = None, why: str | None = None) -> Any:
    """What is answered to a HELLO that brings these plans and the descriptors 903 and 904, which nobody has."""
    rig.put("unpack_hello", lambda message, fds: hello(plans=plans, enable=enable))
    rig.note("_do", "_send")
    rig.core.answers["refuse"] = why
    rig.made._hello({"message": "hello"}, [903, 904], 99.0)
    return json.loads(next(call[1] for call in rig.log if call[0] == "_send"))


@pytest.mark.parametrize(("plan", "fd"), [(GEN_AGAIN, None), (GEN, 903), (GEN_AGAIN, 903)])
@pytest.mark.parametrize("enable", [(RELAY_AGAIN, None), (RELAY, 904), (RELAY_AGAIN, 904), None])
@raises_nothing
def test_what_is_handed_over_is_held(
    rig: Rig, plan: SafeOffPlan, fd: int | None, enable: tuple[EnablePlan, int | None] | None
) -> None:
    assert greeted(rig, (plan, fd), enable=enable) == {"message": "ready", "pid": 5, "lease_ms": 200.0}
    assert [(source.plan, source.line.fd) for source in rig.made.cutoff.sources] == [(plan, fd)]
    held = rig.made.cutoff.enable
    assert (held and (held[0], held[1].fd)) == enable
    told = rig.seen()
    assert [call[0] for call in told] == ["refuse", "on_hello", "_do", "getpid", "_send"]
    assert (told[1][1].plans, told[1][2]) == (((plan, fd),), 99.0)


@raises_nothing
def test_what_cannot_be_reached_or_guarded_is_refused(rig: Rig) -> None:
    for plans, enable, why, said in (
        (((GEN_AGAIN, None), (GEN, None)), (RELAY, 904), None, "no way to reach gen: its port gives neither"),
        (((GEN, 903),), (RELAY, None), None, "no way to reach enable: its port gives neither"),
        (((GEN, 903),), (RELAY, 904), "HELLO came twice", "HELLO came twice"),
    ):
        told = greeted(rig, *plans, enable=enable, why=why)
        assert (told["message"], told["why"][: len(said)]) == ("refused", said)
        assert [call for call in rig.seen() if call[0] not in ("refuse", "_send")] == [("close", 903), ("close", 904)]
        assert (rig.made.cutoff.sources, rig.made.cutoff.enable) == ([], None)
    rig.put("unpack_hello", raising(ValueError("no plans")))
    rig.made._hello({}, [3], 99.0)
    assert rig.seen() == [("close", 3), ("_send", b'{"message": "refused", "why": "no plans"}')]


# ---- the enable line


class Wire(Noted):
    """The enable line, and what is read from it."""

    opened = 0


def held(rig: Rig, data: bytes = b"", **answers: Any) -> Wire:
    line = Wire(rig.log, read=data, **answers)
    rig.made.cutoff.enable = (RELAY, line)  # type: ignore[assignment]
    return line


@raises_nothing
def test_without_an_enable_line_none_is_read_or_written(rig: Rig) -> None:
    rig.made._hear_enable()
    rig.made._write_enable(close=True)
    rig.made._write_enable(close=False)
    assert rig.seen() == []


@raises_nothing
def test_a_line_that_was_opened_again_is_asked_anew(rig: Rig) -> None:
    line = held(rig)
    rig.made._hear_enable()
    assert rig.seen() == [("open",), ("read",)]
    assert rig.made._asking is not None
    asking = rig.made._asking[1]
    assert asking._plan is RELAY
    rig.made._hear_enable()
    assert (rig.seen(), rig.made._asking[1] is asking) == ([("open",), ("read",)], True)
    line.answers["open"] = lambda: setattr(line, "opened", 1)  # its descriptor may well have the same number
    rig.made._hear_enable()
    assert (rig.seen(), rig.made._asking[1] is asking) == ([("open",), ("read",)], False)


@raises_nothing
def test_what_the_line_says_is_told(rig: Rig) -> None:
    line = held(rig, b"\1\0")
    asking = Noted(rig.log, hear=(True, 99.5))
    rig.made._asking = 0, asking  # type: ignore[assignment]
    rig.made._hear_enable()
    assert rig.seen() == [("open",), ("read",), ("hear", b"\1\0", 100.0), ("on_enable_read", True, 99.5)]
    asking.answers["hear"] = None
    rig.made._hear_enable()
    assert rig.seen() == [("open",), ("read",), ("hear", b"\1\0", 100.0)]
    line.answers["read"] = b""
    rig.made._hear_enable()
    assert rig.seen() == [("open",), ("read",)]


@raises_nothing
def test_the_line_is_written_and_asked(rig: Rig) -> None:
    held(rig)
    rig.made._write_enable(close=True)
    assert rig.seen() == [("write", CLOSE, 0.005)]
    rig.made._write_enable(close=False)  # nobody listens yet
    assert rig.seen() == []
    rig.made._asking = 0, Noted(rig.log, ask=b"?")  # type: ignore[assignment]
    rig.made._write_enable(close=False)
    assert rig.seen() == [("ask", 100.0), ("write", b"?", 0.005)]


# ---- acts


@raises_nothing
def test_each_action_is_one_act(rig: Rig) -> None:
    rig.put("pack_status", lambda status: b"packed " + status)
    rig.note("_send", "_write_enable", "_leave", "_cut")
    for action, act in (
        (Reply(b"status"), ("_send", b"packed status")),  # type: ignore[arg-type]
        (OpenEnable(), ("open_enable",)),
        (CloseEnable(), ("_write_enable", ("close", True))),
        (QueryEnable(), ("_write_enable", ("close", False))),
        (Leave(), ("_leave",)),
        (CUT, ("_cut", CUT)),
    ):
        rig.made._do([action])
        assert rig.seen() == [act]


@raises_nothing
def test_a_daemon_that_does_not_listen_holds_nobody_up(rig: Rig) -> None:
    rig.made._send(b"status")
    assert rig.seen() == [("send", b"status")]
    rig.made._link = Noted(rig.log, send=raising(BlockingIOError()))  # type: ignore[assignment]
    rig.made._send(b"status")


@raises_nothing
def test_the_latch_is_looked_at_every_quarter_of_a_second(rig: Rig) -> None:
    rig.latched = True
    for now_s, latched in ((0.24, False), (0.25, True)):
        rig.now_s = now_s
        rig.made._look()
        assert rig.made.core.latched is latched
    rig.latched = False
    for now_s, latched in ((0.4, True), (0.5, False)):
        rig.now_s = now_s
        rig.made._look()
        assert rig.made.core.latched is latched


@pytest.mark.parametrize("proven", [True, False])
@raises_nothing
def test_a_cut(rig: Rig, proven: bool) -> None:
    rig.latched = proven
    rig.put("say", Noted(rig.log).say)
    rig.cutoff.answers["cut"] = proven
    rig.made._cut(CUT)
    (name, cut, fence, stop), (_, said) = rig.seen()
    assert (name, cut, fence, rig.made.exit_code) == ("cut", CUT, rig.made._fence, 75)
    assert said.startswith("no completed tick; energy cut, daemon killed, O" if not proven else "no completed tick;")
    assert ("OFF IS NOT PROVEN" in said, "off is proven" in said) == (not proven, proven)
    assert ("NO LATCH could be written" in said) is not proven
    for terminated, now_s, gives_up in (
        (False, 105.0, False),
        (False, 120.0, False),
        (True, 105.0, False),
        (True, 110.0, False),
        (True, 110.01, True),
    ):
        rig.made.terminated, rig.now_s = terminated, now_s
        assert stop() is gives_up


def signalled(rig: Rig) -> None:
    """A signal goes by the daemon's descriptor: not by Popen, which would reap it first, at the watchdog's priority."""
    rig.put("signal", Noted(rig.log))
    process.signal.SIGKILL, process.signal.SIGTERM = signal.SIGKILL, signal.SIGTERM  # type: ignore[misc]


@raises_nothing
def test_the_daemon_is_killed_and_seen_dead(rig: Rig) -> None:
    for code in (-9, 0, None):
        signalled(rig)
        rig.note(_ended=code)
        assert rig.made._fence() == {"pid": 77, "exit": code, "ended": code is not None}
        assert rig.seen() == [("pidfd_send_signal", PIDFD, signal.SIGKILL), ("_ended", 0.5)]


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [(os.CLD_EXITED, 0, 0), (os.CLD_EXITED, 3, 3), (os.CLD_KILLED, 9, -9), (os.CLD_DUMPED, 6, -6), (None, 0, None)],
)
@raises_nothing
def test_how_the_daemon_ended_is_waited_for_and_left_to_be_asked_again(
    rig: Rig, how: int | None, status: int, code: int | None
) -> None:
    told = SimpleNamespace(si_code=how, si_status=status) if how is not None else None
    rig.put("os", system(rig.log, waitid=told))
    assert rig.made._ended(1.5) == code
    assert (rig.polls[-1].on, rig.polls[-1].waits_ms) == ({PIDFD: IN}, [1500.0])
    assert rig.seen() == [("waitid", os.P_PIDFD, PIDFD, os.WEXITED | os.WNOHANG | os.WNOWAIT)]


@pytest.mark.parametrize(("code", "exits"), [(0, 0), (1, 1), (3, 3), (-1, 129), (-15, 143), (None, 137)])
@pytest.mark.parametrize("terminated", [False, True])
@raises_nothing
def test_a_leave(rig: Rig, code: int | None, exits: int, terminated: bool) -> None:
    rig.made.terminated = terminated
    rig.put("say", Noted(rig.log).say)
    signalled(rig)
    rig.note("_fence", _ended=code)
    rig.made._leave()
    ending = [("pidfd_send_signal", PIDFD, signal.SIGTERM)] * terminated + [("_ended", 1.0 if terminated else 10.0)]
    text = "the daemon did not end after its leave and was killed"
    killing = [("_fence",), ("say", text)] if code is None else []
    off = [("write_off", ("reopen", True)), ("open_enable",)]
    assert rig.seen() == [("open_enable",), ("write_off",), *ending, *killing, *off]
    assert rig.made.exit_code == exits


@raises_nothing
def test_a_run(rig: Rig, tmp_path: Path) -> None:
    for start in None, raising(FileNotFoundError("no such program")):
        made = Noted(rig.log, start=start, run=9)
        made.daemon = Noted(rig.log)  # type: ignore[attr-defined]
        rig.put("Process", Noted(rig.log, Process=made).Process)
        rig.put("harden", Noted(rig.log).harden)
        rig.put("soften", Noted(rig.log).soften)
        rig.put("say", Noted(rig.log).say)
        code = process.run(["x"], tmp_path, tmp_path / "s", "b1", 0.3)
        begun = [("Process", tmp_path, tmp_path / "s", "b1", 0.3), ("start", ["x"])]
        if start is None:
            assert (code, rig.seen()) == (9, [*begun, ("harden",), ("run",), ("soften",), ("poll",)])
        else:
            assert (code, rig.seen()) == (1, [*begun, ("say", "cannot start the daemon 'x': no such program")])
