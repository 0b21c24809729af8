"""How late the control tick is, against asyncio's own sleep in the same run: ``python -m benchmarks.tick``.

A loop that does nothing but tick, at 1000, 100 and 20 Hz; then at 100 Hz with one processor kept busy by another
process. cyclictest (package rt-tests), where it is installed, is the floor that the system itself sets.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

from benchmarks.rows import Row, beside, command
from benchmarks.ticking import ticking

RATES_HZ = (1000, 100, 20)
SHARE_P50, SHARE_P99 = 1 / 30, 1 / 8
"""Of a sleeping loop's lateness, at 1000 Hz on an idle machine."""
CYCLICTEST_MOST = 1.5


async def _sleep(rate_hz: int, ticks: int) -> list[float]:
    loop = asyncio.get_running_loop()
    t0_s, late = loop.time(), []
    for k in range(1, ticks):
        deadline_s = t0_s + k / rate_hz
        await asyncio.sleep(deadline_s - loop.time())
        late.append((loop.time() - deadline_s) * 1e6)
    return late


def _run(what: Callable[[int, int], Coroutine[None, None, list[float]]], rate_hz: int, seconds: float) -> list[float]:
    return sorted(asyncio.run(what(rate_hz, max(40, int(rate_hz * seconds)))))


def _p99(late_us: list[float]) -> float:
    return late_us[int(0.99 * len(late_us))]


@contextmanager
def hogged() -> Iterator[None]:
    """One processor is kept busy."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as hog:
        try:
            yield
        finally:
            hog.kill()


def _rows(name: str, rate_hz: int, seconds: float, *, judged: bool) -> Iterator[Row]:
    ours, peer = _run(ticking, rate_hz, seconds), _run(_sleep, rate_hz, seconds)
    against, note = "asyncio.sleep until the deadline", f"longest {ours[-1]:.0f} / {peer[-1]:.0f} us"
    p50 = statistics.median(ours), statistics.median(peer)
    yield beside(f"tick late, p50, {name}", p50[0], "us", against, p50[1], SHARE_P50 if judged else None, note)
    yield beside(f"tick late, p99, {name}", _p99(ours), "us", against, _p99(peer), SHARE_P99 if judged else None, note)


def _cyclictest(seconds: float) -> Iterator[Row]:
    """The system's own floor, timers of C in this scheduling class."""
    program = shutil.which("cyclictest") or shutil.which("cyclictest", path="/usr/sbin:/usr/bin")
    ours = _run(ticking, 1000, seconds)
    if program is None:
        yield Row("tick late, p99, 1000 Hz", _p99(ours), "us", "cyclictest", note="not installed: apt install rt-tests")
        return
    argv = [program, "--policy=other", "-i", "1000", "-l", str(int(1000 * seconds)), "-q", "-h", "20000", "-t", "1"]
    told = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=seconds * 3 + 30).stdout
    counts = [(int(us), int(n)) for us, n in re.findall(r"^(\d+) (\d+)$", told, re.MULTILINE)]
    total, seen = sum(n for _, n in counts), 0
    if not total:
        yield Row("tick late, p99, 1000 Hz", _p99(ours), "us", "cyclictest", note="it told nothing here")
        return
    for us, n in counts:
        seen += n
        if seen >= 0.99 * total:
            yield beside("tick late, p99, 1000 Hz", _p99(ours), "us", "cyclictest", float(us), CYCLICTEST_MOST)
            return


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Each rate idle, then with a hog."""
    for rate_hz in RATES_HZ:
        yield from _rows(f"{rate_hz} Hz", rate_hz, given.seconds, judged=rate_hz == 1000)
    with hogged():
        yield from _rows(f"100 Hz, one of {os.cpu_count()} cores busy", 100, given.seconds, judged=False)
    yield from _cyclictest(given.seconds)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(__doc__, measured, seconds=(float, 4.0, "length of each run"))


if __name__ == "__main__":
    raise SystemExit(main())
