"""Kill, stop and hang every process that takes part, 20 times each: how long until the tissue receives nothing."""

from __future__ import annotations

import os
import signal
import time

import pytest

from controller.records.reader import open_session
from safety.types import Trip
from tests.process.bench import Emulated, Live, alive, signals, wait_for
from tests.process.trials import Fault, by_watchdog, judge, latched

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

HUNG = frozenset({("H24", "watchdog", "lease")})


def kill_daemon(live: Live) -> float:
    return signals([live.pids.daemon], signal.SIGKILL)


def stop_daemon(live: Live) -> float:
    return signals([live.pids.daemon], signal.SIGSTOP)


def killed_not_thawed(live: Live, begin_s: float) -> Trip:
    """The frozen daemon was killed: nothing is left that could be thawed."""
    trip = by_watchdog(live, begin_s)
    wait_for(lambda: not alive(live.pids.daemon), "the daemon's end")
    return trip


def ordered(name: str) -> "Fault":
    def inject(live: Live) -> float:
        return live.emulated.order(name)

    return Fault(name, 0.250, inject, by_watchdog, HUNG, unruly=True)


def test_daemon_killed(emulated: Emulated) -> None:
    causes = frozenset({("H23", "watchdog", "death")})
    judge(emulated, Fault("daemon killed", 0.020, kill_daemon, by_watchdog, causes))


def test_daemon_stopped(emulated: Emulated) -> None:
    judge(emulated, Fault("daemon stopped", 0.250, stop_daemon, killed_not_thawed, HUNG))


def test_event_loop_blocked(emulated: Emulated) -> None:
    judge(emulated, ordered("block_loop"))


def test_gil_held(emulated: Emulated) -> None:
    judge(emulated, ordered("hold_gil"))


def test_await_of_the_tick_lost(emulated: Emulated) -> None:
    judge(emulated, ordered("lose_wakeup"))
