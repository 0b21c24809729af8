"""The daemon's end of the link, call by call: what is asked, what is taken for an answer, what is told at the end."""

from __future__ import annotations

import asyncio
import inspect
import math
import socket
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from safety.types import WatchdogStatus
from safety.watchdog import client as module
from safety.watchdog.client import InProcessWatchdog, WatchdogClient
from safety.watchdog.core import CloseEnable, Cut, Leave, OpenEnable, QueryEnable, Reply
from tests.mutation.total import raises_nothing
from tests.watchdog.beats import CLOSE, OPEN, RELAY, hello
from tests.watchdog.process_rig import Noted
from tests.watchdog.test_mutants_client import beat

BYE = b'{"message": "bye"}'


@pytest.fixture
def log() -> list[Any]:
    return []


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, log: list[Any], told: list[str]) -> WatchdogClient:
    """One whose loop and socket are noted in ``log``."""
    ours, theirs = socket.socketpair()
    theirs.close()
    loop = Noted(log, time=100.0)
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(get_running_loop=lambda: loop, timeout=asyncio.timeout))
    made = WatchdogClient(ours.detach(), told.append)
    made._socket.close()
    made._socket = Noted(log)  # type: ignore[assignment]
    log.clear()
    return made


def outcome(asking: Coroutine[Any, Any, Any]) -> object:
    """What came of it: the value, or the exception as text."""

    async def end() -> object:
        try:
            return await asyncio.wait_for(asking, 5.0)
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    return asyncio.run(end())


def answering(client: WatchdogClient, answer: dict[str, Any]) -> list[Any]:
    """Have each question answered so; the questions."""
    asked: list[Any] = []

    async def ask(*given: Any) -> dict[str, Any]:
        asked.append(given)
        return answer

    client._ask = ask  # type: ignore[method-assign,assignment]
    return asked


@raises_nothing
def test_hello_is_answered_ready_or_refused(client: WatchdogClient) -> None:
    assert inspect.signature(WatchdogClient.hello).parameters["timeout_s"].default == 2.0
    for answer, pid, comes in (
        ({"message": "refused", "why": "no"}, None, "WatchdogError: the watchdog refuses: no"),
        ({"message": "bye"}, None, "WatchdogError: the watchdog refuses: bye"),
        ({"message": "ready", "pid": 4711}, 4711, None),
    ):
        asked = answering(client, answer)
        assert (outcome(client.hello(hello(), 1.5)), client.pid) == (comes, pid)
        assert asked[0][2] == 1.5


@raises_nothing
def test_bye_asks_half_a_second_and_closes(client: WatchdogClient, told: list[str], log: list[Any]) -> None:
    asked = answering(client, {"message": "bye"})
    assert (outcome(client.bye()), asked) == (None, [(BYE, [], 0.5)])
    assert [call[0] for call in log] == ["remove_reader", "close"]
    assert client.beat(**beat()) is False
    client._lost("late")
    assert (told, [call[0] for call in log if call[0] == "send"]) == ([], [])


@raises_nothing
def test_an_end_while_bye_is_asked_is_no_loss(client: WatchdogClient, told: list[str]) -> None:
    async def ask(*_: Any) -> dict[str, Any]:
        client._lost("the watchdog has ended")
        return {}

    client._ask = ask  # type: ignore[method-assign,assignment]
    assert (outcome(client.bye()), told) == (None, [])


@raises_nothing
def test_whoever_closed_is_told_nothing_and_whoever_waits_hears_of_it(
    client: WatchdogClient, told: list[str], log: list[Any]
) -> None:
    client._answer = Noted(log, done=False)  # type: ignore[assignment]
    client.close()
    client._lost("late")
    error = next(call[1] for call in log if call[0] == "set_exception")
    assert (type(error).__name__, str(error), told) == ("WatchdogError", "closed", [])


@pytest.mark.parametrize(
    ("coming", "taken", "lost"),
    [
        ([BlockingIOError()], [], []),
        ([b"a", b"b", BlockingIOError()], [b"a", b"b"], []),
        ([b"a", b""], [b"a"], ["the watchdog has ended"]),
        ([ConnectionResetError()], [], ["the watchdog has ended"]),
    ],
)
@raises_nothing
def test_what_has_come_is_taken(
    client: WatchdogClient, told: list[str], coming: list[Any], taken: list[bytes], lost: list[str]
) -> None:
    left = list(coming)
    seen: list[bytes] = []

    def recv(size: int) -> bytes:
        item = left.pop(0)
        if isinstance(item, Exception):
            raise item
        return bytes(item)

    client._socket = Noted([], recv=recv)  # type: ignore[assignment]
    client._take = seen.append  # type: ignore[method-assign,assignment]
    client._readable()
    assert (seen, told, left) == (taken, lost, [])


@raises_nothing
def test_a_status_is_no_answer(client: WatchdogClient, monkeypatch: pytest.MonkeyPatch, log: list[Any]) -> None:
    frame: Any = SimpleNamespace(t_mono_ns=99_500_000_000, ready=True, enable_closed=None, enable_commanded=False)
    known: dict[bytes, Any] = {b"status": frame}
    monkeypatch.setattr(module, "unpack_status", known.get)
    monkeypatch.setattr(module, "unpack_message", lambda data: None if data == b"?" else {"message": "ready"})
    client._answer = Noted(log, done=False)  # type: ignore[assignment]
    client._take(b"status")
    assert client.frame is not None
    assert (client.frame, client.status) == (frame, WatchdogStatus(99.5, True, None, False))
    client._take(b"?")
    assert "set_result" not in [call[0] for call in log]
    client._take(b"ready")
    assert log[-1] == ("set_result", {"message": "ready"})
    client._answer = Noted(log, done=True)  # type: ignore[assignment]
    client._take(b"ready")
    assert log[-1] == ("done",)
    client._answer = None
    client._take(b"ready")


@raises_nothing
def test_a_question_waits_for_its_answer_and_no_longer() -> None:
    async def asked(answers: bool) -> object:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            client = WatchdogClient(ours.detach(), lambda text: None)
            if answers:
                theirs.send(b'{"message": "ready"}')
            try:
                return await client._ask(BYE, [], 0.05 if not answers else 2.0)
            finally:
                assert client._answer is None
                client.close()

    assert outcome(asked(True)) == {"message": "ready"}
    assert outcome(asked(False)) == "WatchdogError: the watchdog does not answer (TimeoutError())"


@raises_nothing
def test_whoever_was_answered_hears_of_no_end(client: WatchdogClient, log: list[Any]) -> None:
    client._answer = Noted(log, done=True)  # type: ignore[assignment]
    client.close()
    assert [call[0] for call in log] == ["remove_reader", "close", "done"]


# ---- the rules in one process


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, log: list[Any]) -> Any:
    """One whose loop, writes and core are noted in ``log``."""
    monkeypatch.setattr(
        module, "asyncio", SimpleNamespace(get_running_loop=lambda: SimpleNamespace(time=lambda: 100.0))
    )
    noted = Noted(log)
    made = InProcessWatchdog(write_off=noted.off, write_enable=noted.write, on_cut=noted.on_cut)
    core: Any = Noted(log)
    core.hello, core.cut = hello(enable=(RELAY, None)), None
    made._core = core
    return made


@raises_nothing
def test_what_the_line_says_is_told_once_it_was_asked(inside: Any, log: list[Any]) -> None:
    inside.feed_enable(b"\1")
    assert log == []
    inside._asking = Noted(log, hear=(True, 99.5))
    inside.feed_enable(b"\1")
    assert log == [("hear", b"\1", 100.0), ("on_enable_read", True, 99.5)]
    log.clear()
    inside._asking = Noted(log, hear=None)
    inside.feed_enable(b"\1")
    assert log == [("hear", b"\1", 100.0)]


@raises_nothing
def test_actions_are_done_in_order_and_then_planned(inside: Any, log: list[Any]) -> None:
    inside._act, inside._plan = Noted(log).act, Noted(log).plan
    inside._do([OpenEnable(), Leave()])
    assert log == [("act", OpenEnable()), ("act", Leave()), ("plan",)]


@raises_nothing
def test_each_action_is_one_act(inside: Any, log: list[Any]) -> None:
    def done(action: Any) -> list[Any]:
        log.clear()
        inside._act(action)
        return list(log)

    assert [done(action) for action in (OpenEnable(), CloseEnable(), QueryEnable())] == [[], [], []]  # nobody listens
    inside._asking = Noted(log, ask=b"?")
    assert done(OpenEnable()) == [("write", OPEN)]
    assert done(CloseEnable()) == [("write", CLOSE)]
    assert done(QueryEnable()) == [("ask", 100.0), ("write", b"?")]
    assert done(Leave()) == []
    inside._asking = Noted(log, ask=b"")
    assert done(QueryEnable()) == [("ask", 100.0)]
    frame = SimpleNamespace(ready=True, enable_closed=True, enable_commanded=False)
    assert done(Reply(frame)) == []  # type: ignore[arg-type]
    assert (inside.frame is frame, inside.status) == (True, WatchdogStatus(100.0, True, True, False))
    cut = Cut("H24", "lease", "no completed tick", "look")
    inside._off = Noted(log).off_all
    told = done(cut)
    assert [call[0] for call in told] == ["off_all", "on_cut", "off_all"]
    assert (told[1][1].hazard, told[1][1].t_s) == ("H24", 100.0)
    inside._core.hello = None
    for action in OpenEnable(), CloseEnable(), QueryEnable(), Leave():
        assert done(action) == []


@pytest.mark.parametrize(
    ("closed", "cut", "due_s", "timer_s", "at_s"),
    [
        (False, None, 100.1, None, 100.1),
        (False, None, 100.1, 100.2, 100.1),
        (False, None, 100.1, 100.1, None),
        (False, None, 100.1, 100.05, None),
        (False, None, math.inf, None, None),
        (False, None, math.inf, 100.05, None),
        (True, None, 100.1, None, None),
        (True, None, 100.1, 100.2, None),
        (False, "cut", math.inf, None, 101.0),
        (False, "cut", math.inf, 100.5, None),
        (True, "cut", math.inf, None, None),
    ],
)
@raises_nothing
def test_one_timer_at_or_before_what_is_due(
    inside: Any, log: list[Any], closed: bool, cut: str | None, due_s: float, timer_s: float | None, at_s: float | None
) -> None:
    inside._loop.call_at = lambda when, act: log.append(("call_at", when, act == inside._timeout)) or "timer"
    inside._core.cut, inside._core.next_due_s, inside._closed = cut, due_s, closed
    inside._timer = before = None if timer_s is None else Noted(log, when=timer_s)
    inside._plan()
    cancelled = [("cancel",)] if timer_s is not None else []
    told = [call for call in log if call[0] != "when"]
    assert told == ([] if at_s is None else [*cancelled, ("call_at", at_s, True)])
    assert inside._timer == (before if at_s is None else "timer")


@raises_nothing
def test_a_timer_does_what_is_due_and_after_a_cut_off(inside: Any, log: list[Any]) -> None:
    noted = Noted(log)
    inside._do, inside._act, inside._off, inside._plan = noted.do, noted.act, noted.off_all, noted.plan
    inside._core.answers["due"] = [OpenEnable()]
    inside._timer = "rung"
    inside._timeout()
    assert (log, inside._timer) == ([("due", 100.0), ("do", [OpenEnable()])], None)
    log.clear()
    inside._core.cut = "cut"
    inside._timeout()
    assert log == [("act", OpenEnable()), ("off_all",), ("plan",)]
