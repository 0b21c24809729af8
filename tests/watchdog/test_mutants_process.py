"""The watchdog's process: what it waits for, in which order it acts, what it takes off the link."""

from __future__ import annotations

import math
import select
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from safety.watchdog import process
from safety.watchdog.frames import ENVIRONMENT, MAX_MESSAGE
from tests.mutation.total import raises_nothing
from tests.watchdog.process_rig import LINE, LINK, PIDFD, WAKE, Noted, Poll, Rig, raising


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Rig:
    return Rig(monkeypatch, tmp_path)


@raises_nothing
def test_the_constants() -> None:
    assert (process.EXIT_CUT, process.EXIT_SPAWN, process.MAX_FDS, process.LOOK_S) == (75, 1, 32, 0.25)
    assert (process.END_S, process.KILL_S, process.UNPROVEN_S, process.ENABLE_WRITE_S) == (10.0, 0.5, 10.0, 0.005)


@raises_nothing
def test_a_sentence_is_said_when_somebody_listens(rig: Rig) -> None:
    process.say("off")
    assert (rig.polls[-1].on, rig.polls[-1].waits_ms, rig.seen()) == ({2: select.POLLOUT}, [0], [])
    rig.patch.setattr(Poll, "poll", lambda poll, wait_ms: [(2, select.POLLOUT)])
    process.say("off")
    assert rig.seen() == [("write", 2, b"watchdog: off\n")]
    for error in OSError(), ValueError():
        rig.put("os", Noted(rig.log, write=raising(error)))
        process.say("off")


class Socket(Noted):
    """An end of a pair; closed as a context."""

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def started(rig: Rig) -> tuple[list[Socket], dict[int, Any]]:
    """Start with noted sockets (wake, its other end, link, the daemon's) and signals."""
    ends = [Socket([], fileno=fd) for fd in (WAKE, 13, LINK, 14)]
    pairs = iter([ends[:2], ends[2:]])
    handlers: dict[int, Any] = {}
    names = {name: getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGCHLD", "SIG_DFL")}
    wakeup = lambda *given, **words: rig.log.append(("wakeup", *given, *words.items()))  # noqa: E731
    rig.put("signal", SimpleNamespace(set_wakeup_fd=wakeup, signal=handlers.__setitem__, **names))
    rig.put("socket", SimpleNamespace(socketpair=lambda *_: next(pairs), AF_UNIX=1, SOCK_SEQPACKET=5))
    rig.put("subprocess", Noted(rig.log, Popen=rig.made.daemon))
    system = Noted(rig.log, getpid=5, pidfd_open=PIDFD)
    system.environ = {"A": "1"}  # type: ignore[attr-defined]
    rig.put("os", system)
    rig.made._pidfd, rig.made._link = -1, None  # type: ignore[assignment]
    rig.made.start(["daemon", "x"])
    return ends, handlers


@pytest.mark.parametrize("there", [False, True])
@raises_nothing
def test_a_start(rig: Rig, tmp_path: Path, there: bool) -> None:
    rig.made.runtime_dir = folder = tmp_path / "a" / "run"
    if there:
        folder.mkdir(parents=True)
    assert rig.made.terminated is False
    (wake, wakeup, link, theirs), handlers = started(rig)
    assert [call for call in rig.seen() if call[0] != "getpid"] == [
        ("wakeup", 13, ("warn_on_full_buffer", False)),
        ("Popen", ["daemon", "x"], ("pass_fds", (14,)), ("env", {"A": "1", ENVIRONMENT: "14"})),
        ("pidfd_open", 77),
    ]
    for end in (wake, wakeup, link):
        assert ("setblocking", False) in end.log
        assert ("setblocking", True) not in end.log
    assert theirs.log[-1] == ("close",)
    assert id(rig.made._wakeup) == id(wakeup)  # closed with the last reference to it
    assert [path.name for path in folder.iterdir()] == ["pids.json"]
    assert (folder / "pids.json").read_text() == '{"daemon": 77, "watchdog": 5}\n'
    assert rig.made._poll.on == dict.fromkeys((LINK, PIDFD, WAKE), select.POLLIN)  # type: ignore[attr-defined]
    assert sorted(handlers) == [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD]
    assert handlers[signal.SIGCHLD] is signal.SIG_DFL
    assert [handlers[number](number, None) for number in (signal.SIGINT, signal.SIGHUP)] == [None, None]
    assert rig.made.terminated is False
    handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert rig.made.terminated is True


@raises_nothing
def test_a_folder_that_cannot_be_written_is_found_before_there_is_a_daemon(rig: Rig, tmp_path: Path) -> None:
    rig.made.runtime_dir = tmp_path
    (tmp_path / ".pids.json").mkdir()
    with pytest.raises(OSError):
        started(rig)
    assert "Popen" not in [call[0] for call in rig.seen()]


@raises_nothing
def test_it_runs_until_there_is_an_exit_code(rig: Rig) -> None:
    rig.note(_turn=rig.ends(7))
    assert (rig.made.run(), rig.seen(), rig.made.terminated) == (7, [("_turn",)], False)


@pytest.mark.parametrize("ordered", [True, False])
@raises_nothing
def test_a_turn_that_fails_cuts_or_kills(rig: Rig, ordered: bool) -> None:
    rig.note("_fence", _turn=raising(ValueError("x")), _leave=rig.ends(9))
    rig.note(_do=rig.ends(75) if ordered else raising(OSError()))
    assert (rig.made.run(), rig.made.terminated) == (75 if ordered else 9, True)
    told: list[object] = [("_turn",), ("on_order", "the watchdog itself failed: ValueError('x')"), ("_do", [])]
    assert rig.seen() == told + ([] if ordered else [("_fence",), ("_leave",)])


REST = ["due", "_hear_enable", "_look"]


def turned(rig: Rig, *ready: int, ended: bool = False) -> list[str]:
    """Names of what one turn did."""
    rig.note("_hear_enable", "_look", "_do")
    if "_receive" not in rig.made.__dict__:
        rig.note(_receive=ended)
    rig.polls[0].ready = [(fd, select.POLLIN) for fd in ready]
    rig.made._turn()
    return [call[0] for call in rig.seen() if call[0] != "_do"]


@raises_nothing
def test_a_turn_waits_for_what_is_due_and_a_quarter_of_a_second_at_most(rig: Rig) -> None:
    for due_s, wait_ms in (math.inf, 250.0), (100.1, 100.0), (95.0, 0.0), (100.3, 250.0):
        rig.core.next_due_s = due_s  # type: ignore[attr-defined]
        assert turned(rig) == REST
        assert rig.polls[0].waits_ms[-1] == pytest.approx(wait_ms, abs=1e-6)


@raises_nothing
def test_while_an_answer_is_awaited_a_turn_waits_for_five_ms(rig: Rig) -> None:
    for under_way, due_s, wait_ms in (True, math.inf, 5.0), (True, 100.002, 2.0), (False, math.inf, 250.0):
        rig.made._asking = 0, SimpleNamespace(under_way=under_way)  # type: ignore[assignment]
        rig.core.next_due_s = due_s  # type: ignore[attr-defined]
        turned(rig)
        assert rig.polls[0].waits_ms[-1] == pytest.approx(wait_ms, abs=1e-6)


@raises_nothing
def test_a_turn_does_each_thing_with_what_it_needs(rig: Rig) -> None:
    rig.note("_hear_enable", "_look", "_do", _receive=True)
    rig.made.terminated = True
    rig.polls[0].ready = [(WAKE, 1), (LINK, 1)]
    rig.made._turn()
    assert rig.seen() == [
        ("recv", 4096),
        ("_receive",),
        ("on_link_lost", 100.0),
        ("_do", []),
        ("on_order", "the watchdog was told to end (SIGTERM)"),
        ("_do", []),
        ("due", 100.0),
        ("_do", []),
        ("_hear_enable",),
        ("_look",),
    ]
    rig.made._wake = Noted(rig.log, fileno=WAKE, recv=raising(BlockingIOError()))  # type: ignore[assignment]
    rig.made._turn()


@pytest.mark.parametrize(
    ("ready", "ended", "told"),
    [
        ((), True, REST),
        ((LINE,), True, REST),
        ((WAKE,), True, ["recv", *REST]),
        ((LINK,), False, ["_receive", *REST]),
        ((LINK,), True, ["_receive", "on_link_lost", *REST]),
        ((PIDFD,), False, ["_receive", "on_link_lost", *REST]),
        ((PIDFD, LINK), False, ["_receive", "on_link_lost", *REST]),
        ((PIDFD, LINK), True, ["_receive", "on_link_lost", *REST]),
    ],
)
@raises_nothing
def test_an_end_of_the_daemon_is_told(rig: Rig, ready: tuple[int, ...], ended: bool, told: list[str]) -> None:
    assert turned(rig, *ready, ended=ended) == told


@raises_nothing
def test_after_the_exit_code_nothing_more_is_done(rig: Rig) -> None:
    rig.made.terminated = True
    rig.note(_receive=lambda: rig.ends(3)() or True)
    assert turned(rig, LINK, PIDFD) == ["_receive"]
    rig.made.exit_code = None
    rig.core.answers["on_order"] = rig.ends(75)
    assert turned(rig) == ["on_order"]
    rig.made.exit_code, rig.made.terminated = None, False
    rig.core.answers["due"] = rig.ends(75)
    assert turned(rig) == ["due"]
    rig.made.exit_code, rig.core.answers["due"] = None, []
    assert turned(rig) == REST


def received(rig: Rig, *coming: Any) -> tuple[bool, list[Any]]:
    """Whether the daemon's end is closed, and what was taken, of messages and errors."""
    left = list(coming)

    def recv(*given: Any) -> Any:
        assert given == (rig.made._link, MAX_MESSAGE, 32, 64)
        item = left.pop(0)
        if isinstance(item, type):
            raise item
        return item, [3], 0, None

    rig.put("socket", SimpleNamespace(recv_fds=recv, MSG_DONTWAIT=64))
    closed = rig.made._receive()
    return closed, [call[1:] for call in rig.seen()]


@raises_nothing
def test_what_waits_on_the_link_is_taken(rig: Rig) -> None:
    rig.note("_take")
    a, b = (b"a", [3]), (b"b", [3])
    assert received(rig, BlockingIOError) == (False, [])
    assert received(rig, b"a", b"b", BlockingIOError) == (False, [a, b])
    assert received(rig, b"a", b"") == (True, [a])
    assert received(rig, ConnectionResetError, b"a", BlockingIOError) == (True, [a])
    assert received(rig, *[b"a"] * 300) == (False, [a] * 256)
    assert received(rig, ConnectionResetError, *[b"a"] * 300) == (True, [a] * 255)
    rig.note(_take=rig.ends(3))
    assert received(rig, ConnectionResetError, b"a", b"b", BlockingIOError) == (False, [a])


@raises_nothing
def test_a_message_goes_where_it_belongs(rig: Rig) -> None:
    known = {"h": {"message": "hello"}, "b": {"message": "bye"}, "o": {"message": "other"}}
    rig.put("unpack_message", lambda data: known.get(data.decode()))
    rig.note("_hello", "_do", "_send")
    rig.made._take(b"h", [3])
    assert rig.seen() == [("_hello", {"message": "hello"}, [3], 100.0)]
    for data in (b"o", b"?"):
        rig.made._take(data, [])
        assert rig.seen() == [("on_frame", data, 100.0), ("_do", [])]
    rig.made._take(b"b", [])
    told = [("on_bye", 100.0), ("_do", [])]
    assert rig.seen() == [*told, ("write_off",), ("_send", b'{"message": "bye"}')]
    rig.note(_do=rig.ends(75))
    rig.made._take(b"b", [])
    assert rig.seen() == told
