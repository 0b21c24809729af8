"""What the daemon claims of the machine, and what it says when that is refused."""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import resource
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from controller.config.loading import load_bench
from controller.daemon import claim as claims
from controller.daemon.claim import PRIORITY, Claim
from controller.daemon.desk import Desk
from controller.records.reader import open_session
from safety.watchdog.hardening import FIFO_PRIORITY
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import acted, bench, protocol
from tests.support.virtual_loop import run

UNLIMITED = resource.RLIM_INFINITY


class System:
    """One that grants everything. ``asked`` is what it was asked, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Any] = []
        self.watchdog = (os.SCHED_FIFO, FIFO_PRIORITY)
        self.limits = {resource.RLIMIT_MEMLOCK: UNLIMITED, resource.RLIMIT_RTPRIO: FIFO_PRIORITY}
        self.refuses: set[str] = set()
        monkeypatch.setattr(os, "sched_setscheduler", self._schedule)
        monkeypatch.setattr(os, "sched_getscheduler", lambda pid: self.watchdog[0])
        monkeypatch.setattr(os, "sched_getparam", lambda pid: os.sched_param(self.watchdog[1]))
        monkeypatch.setattr(resource, "getrlimit", lambda which: (self.limits[which], self.limits[which]))
        monkeypatch.setattr(resource, "setrlimit", self._limit)
        self._signal = signal.signal
        monkeypatch.setattr(signal, "signal", self._handle)
        monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(mlockall=self._lock))

    def _schedule(self, thread: int, policy: int, param: os.sched_param) -> None:
        if "priority" in self.refuses:
            raise PermissionError(1, "Operation not permitted")
        assert policy & os.SCHED_RESET_ON_FORK
        self.asked.append((thread, policy & ~os.SCHED_RESET_ON_FORK, param.sched_priority))

    def _limit(self, which: int, wanted: tuple[int, int]) -> None:
        if which == resource.RLIMIT_MEMLOCK:
            raise ValueError("not allowed to raise maximum limit")
        self.asked.append((which, wanted))

    def _handle(self, number: int, handler: Any) -> Any:
        if number != signal.SIGXCPU:  # asyncio's own
            return self._signal(number, handler)
        return self.asked.append(("signal", number))

    def _lock(self, flags: int) -> int:
        if "memory" in self.refuses:
            return -1
        self.asked.append(("mlockall", flags))
        return 0


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    return System(monkeypatch)


def taken(**wish: Any) -> Claim:
    """What came of a claim."""
    made = Claim(**wish)
    run(made.take())
    made.share()
    return made


def test_unasked_nothing_is_claimed(system: System) -> None:
    found = taken(refused=("no uvloop",)).as_dict()
    assert found == {
        "event_loop": "asyncio",
        "fifo_priority": None,
        "memory_locked": False,
        "refused": ["no uvloop"],
    }
    assert system.asked == []


def test_a_claim_is_below_the_watchdog_and_bounded_before_it_is_made(system: System) -> None:
    assert taken(realtime=True).as_dict() == {
        "event_loop": "asyncio",
        "fifo_priority": PRIORITY,
        "memory_locked": True,
        "refused": [],
    }
    assert 0 < claims.THREADS_PRIORITY < PRIORITY < FIFO_PRIORITY
    current, future = system.asked[:2]
    assert (current, future) == (("mlockall", 1), ("mlockall", 2 | 4))
    assert system.asked[2:] == [
        (resource.RLIMIT_RTTIME, (500_000, 1_000_000)),
        ("signal", signal.SIGXCPU),
        (0, os.SCHED_FIFO, PRIORITY),
    ]


@pytest.mark.parametrize("watchdog", [(os.SCHED_OTHER, 0), (os.SCHED_FIFO, PRIORITY), (os.SCHED_RR, 50)])
def test_no_priority_where_the_watchdog_would_not_come_first(system: System, watchdog: tuple[int, int]) -> None:
    system.watchdog, system.limits[resource.RLIMIT_RTPRIO] = watchdog, 0
    found = taken(realtime=True)
    assert (found.priority, found.memory_locked) == (0, True)
    (why,) = found.refused
    for part in (
        "the watchdog, which must come first",
        "is 0 (ulimit -r), 10 are needed",
        "LimitRTPRIO=10",
        "limits.d",
    ):
        assert part in why
    assert not [asked for asked in system.asked if asked[0] == 0]


def test_a_watchdog_that_takes_its_priority_a_little_later_is_waited_for(system: System) -> None:
    async def main() -> Claim:
        system.watchdog = (os.SCHED_OTHER, 0)
        made = Claim(realtime=True)
        asyncio.get_running_loop().call_later(0.3, lambda: setattr(system, "watchdog", (os.SCHED_FIFO, FIFO_PRIORITY)))
        await made.take()
        return made

    assert run(main()).priority == PRIORITY


def test_what_the_system_refuses_is_said_with_its_limit_and_the_rest_is_taken(system: System) -> None:
    system.refuses, system.limits[resource.RLIMIT_MEMLOCK] = {"memory"}, 8 << 20
    found = taken(realtime=True)
    assert (found.priority, found.memory_locked) == (PRIORITY, False)
    assert "is 8192 kB (ulimit -l), unlimited is needed: LimitMEMLOCK=infinity" in found.refused[0]
    system.refuses = {"priority"}
    found = taken(realtime=True)
    assert (found.priority, found.memory_locked) == (0, True)
    assert "no real-time priority (Operation not permitted)" in found.refused[0]


def test_at_a_limit_future_pages_are_not_locked(system: System) -> None:
    system.limits[resource.RLIMIT_MEMLOCK] = 1 << 30  # enough for what there is; the next allocation may be too much
    assert taken(realtime=True).memory_locked
    assert [flags for what, flags, *_ in system.asked if what == "mlockall"] == [1]


def test_a_loop_that_does_not_sleep_is_ordinary_again_with_all_its_threads_and_says_so_once(system: System) -> None:
    told: list[str] = []
    found = taken(realtime=True)
    found.on_lost = told.append
    system.asked.clear()
    found._lose(signal.SIGXCPU, None)
    found._lose(signal.SIGXCPU, None)
    threads = {int(name) for name in os.listdir("/proc/self/task")}
    assert {thread for thread, *_ in system.asked} >= {os.getpid()} & threads
    assert {(policy, priority) for _, policy, priority in system.asked} == {(os.SCHED_OTHER, 0)}
    assert told == found.refused == [told[0]]
    assert "0.5 s without a pause" in told[0]
    assert found.as_dict()["fifo_priority"] is None


def test_status_header_and_record_tell_it(tmp_path: Path) -> None:
    told: dict[str, Any] = {}

    async def act(run: Rehearsal, desk: Desk) -> None:
        await run.daemon.judged()
        told.update((await desk.status())["loop"], path=run.daemon.recorder.path)
        run.daemon.around.claim.on_lost("the real-time priority was given back")

    events = acted(tmp_path, protocol(tmp_path), act)
    path = told.pop("path")
    assert told == Claim().as_dict()
    with open_session(path) as session:
        assert session.header["loop"] == told
    (event,) = [event.data for event in events if event.kind == "loop"]
    assert event == {**told, "text": "the real-time priority was given back"}


def test_the_lines_of_the_manual_are_a_claim(repository: Path, tmp_path: Path) -> None:
    """docs/deploy.md."""
    (block,) = re.findall(r"```yaml\n(loop:.*?)```", (repository / "docs" / "deploy.md").read_text(), re.DOTALL)
    told = load_bench(bench(tmp_path, **yaml.safe_load(block))).bench.loop
    assert (told.realtime, told.uvloop) == (True, False)
