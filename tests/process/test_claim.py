"""The claim on a processor, at the system's own scheduler: a loop that hangs at a real-time priority loses it, and the
bench is cut as ever.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

from controller.daemon.claim import PRIORITY, THREADS_PRIORITY
from controller.records.reader import open_session
from safety.watchdog.hardening import FIFO_PRIORITY
from tests.process.bench import Emulated, Live
from tests.process.trials import Fault, by_watchdog, judge

ROOT = Path(__file__).parents[2]
WATCHDOG = f"""
import os, subprocess, sys
try:
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param({FIFO_PRIORITY}))
except PermissionError:
    sys.exit(99)
sys.exit(subprocess.run([sys.executable, "-c", sys.argv[1]]).returncode % 256)
"""
DAEMON = """
import asyncio, itertools, os, subprocess, sys, threading, time
from controller.daemon.claim import Claim
waiting = threading.Event()
before = threading.Thread(target=waiting.wait, daemon=True)
before.start()
claim = Claim(realtime=True)
asyncio.run(claim.take())
assert claim.priority, claim.refused
claim.share()

def now(thread=0):
    policy = os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK
    return f"{'fifo' if policy == os.SCHED_FIFO else 'other'} {os.sched_getparam(thread).sched_priority}"
"""

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]


def permitted() -> bool:
    """Whether this account may have a real-time priority here."""
    told = subprocess.run([sys.executable, "-c", WATCHDOG, ""], check=False)
    return told.returncode == 0


needs_permission = pytest.mark.skipif(not permitted(), reason="no real-time priority is permitted here (ulimit -r)")


def daemon(code: str, watchdog: str = WATCHDOG) -> subprocess.CompletedProcess[str]:
    """What ``code`` says after its claim, as the child of a watchdog with a priority."""
    argv = [sys.executable, "-c", watchdog, DAEMON + textwrap.dedent(code)]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@needs_permission
def test_loop_and_its_threads_have_it_and_nothing_that_is_started_later() -> None:
    found = daemon(
        """
        after = threading.Thread(target=waiting.wait, daemon=True)
        after.start()
        child = "import os; print(os.sched_getscheduler(0))"
        print(now(), now(before.native_id), now(after.native_id), flush=True)
        subprocess.run([sys.executable, "-c", child])
        """
    )
    assert found.stdout.split("\n")[0] == f"fifo {PRIORITY} fifo {THREADS_PRIORITY} other 0", found.stderr
    assert int(found.stdout.split("\n")[1]) == os.SCHED_OTHER


HANG = """
lost = []
claim.on_lost = lost.append
until_s = time.monotonic() + 30
while time.monotonic() < until_s and not lost:
    pass
print(now(), now(before.native_id), len(lost), flush=True)
while time.process_time() < 2.5:  # beyond the bound at which a real-time process is killed
    pass
print("alive", flush=True)
"""


@needs_permission
def test_a_loop_that_computes_without_a_pause_gives_it_back_and_lives_on() -> None:
    found = daemon(HANG)
    assert found.stdout == "other 0 other 0 1\nalive\n", found.stderr


@needs_permission
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_an_account_that_may_not_take_one_may_give_it_back() -> None:
    found = daemon("os.setgroups([]); os.setgid(65534); os.setuid(65534)\n" + HANG)
    assert found.stdout == "other 0 other 0 1\nalive\n", found.stderr


@needs_permission
def test_one_that_hangs_where_no_python_runs_is_killed() -> None:
    found = daemon("sum(itertools.repeat(0))")
    assert found.returncode == -signal.SIGKILL % 256, found.stderr


def test_without_a_watchdog_above_it_there_is_none() -> None:
    found = daemon("print('claimed')", watchdog=WATCHDOG.replace("os.sched_setscheduler", "(lambda *_: None)"))
    assert found.stdout == ""
    assert "the watchdog, which must come first, has none" in found.stderr


def claimed(emulated: Emulated, **wish: bool) -> None:
    """Its bench file asks for it."""
    emulated.wired = emulated.write("wired.yaml", {**emulated.wired_data, "loop": wish})


def hung(name: str, order: str) -> Fault:
    """Within the bound that holds for an ordinary daemon on asyncio's loop."""
    causes = frozenset({("H24", "lease")})
    return Fault(name, 0.250, lambda live: live.emulated.order(order), by_watchdog, causes, unruly=True, trials=3)


@needs_permission
def test_a_bench_at_a_real_time_priority_says_so_and_is_cut_when_it_hangs() -> None:
    with Emulated() as emulated:
        claimed(emulated, realtime=True)
        live = Live(emulated)
        try:
            told = live.state("SAFE")
            assert told["loop"]["fifo_priority"] == PRIORITY, told["loop"]
            assert os.sched_getparam(live.pids.daemon).sched_priority == PRIORITY
            assert os.sched_getparam(live.pids.watchdog).sched_priority == FIFO_PRIORITY
            assert live.shut() == 0
        finally:
            live.close()
        with open_session(Path(told["session_file"])) as session:
            assert session.header["loop"] == told["loop"]
        judge([emulated], hung("spin at a real-time priority", "spin"))


@pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed")
def test_a_bench_on_uvloop_says_so_and_is_cut_when_its_loop_is_blocked() -> None:
    with Emulated() as emulated:
        claimed(emulated, uvloop=True)
        live = Live(emulated)
        try:
            assert live.state("SAFE")["loop"]["event_loop"] == "uvloop"
            assert live.shut() == 0
        finally:
            live.close()
        judge([emulated], hung("loop blocked, on uvloop", "block_loop"))
