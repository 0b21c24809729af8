"""For a while no ordinary process of this machine runs, or only now and then: one at a real-time priority below the
watchdog's computes on each processor."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

PRIORITY = 5
SPIN = f"""
import os, sys, time
os.sched_setaffinity(0, {{int(sys.argv[1])}})
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param({PRIORITY}))
print("READY", flush=True)
sys.stdin.read(1)
seconds, held_s, period_s = map(float, sys.argv[2:])
until_s = time.monotonic() + seconds
while (now_s := time.monotonic()) < until_s:
    if now_s % period_s >= held_s:  # all of them at the same time
        time.sleep(period_s - now_s % period_s)
"""


@contextlib.contextmanager
def starving(seconds: float, held_s: float = 1.0, period_s: float = 1.0) -> Iterator[Callable[[], None]]:
    """Gives what begins it. The caller is starved too, unless its own priority is higher; the kernel itself leaves
    ordinary processes a twentieth of each second, so less than 0.9 s in one piece make sense. ``held_s`` of each
    ``period_s``: nobody runs for so long, and then everybody.

    Skips the test where real-time priorities are not permitted.
    """
    made: list[subprocess.Popen[bytes]] = []
    try:
        for processor in sorted(os.sched_getaffinity(0)):
            argv = [sys.executable, "-c", SPIN, str(processor), str(seconds), str(held_s), str(period_s)]
            made.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        for process in made:
            assert process.stdout is not None
            if process.stdout.readline() != b"READY\n":
                pytest.skip("real-time priorities are not permitted here (ulimit -r)")

        def begin() -> None:
            for process in made:
                assert process.stdin is not None
                os.write(process.stdin.fileno(), b"!")

        yield begin
    finally:
        for process in made:
            process.kill()
            process.communicate()
