"""How late a tick is beside the system's own wait, idle and under load: ``python -m benchmarks.lateness [--json]``.

The floor is what the system itself can do for a process of the ordinary class: a loop that does nothing but
``clock_nanosleep`` until its next deadline, as cyclictest does, in the same process and in turns with ours, so that
whatever else the machine does meets both. Loads: none; one processor kept busy by another process; our own, which is
four terminals asked and a record of 20 samples kept at every tick by the same loop. The kernel may wake an ordinary
sleeper 50 us late (timer slack), but not who waits for a timer descriptor; the last rows are against a floor whose
slack is set to 1 ns.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.records import CHANNELS
from benchmarks.records import row as record_row
from benchmarks.rows import Row, beside, command
from benchmarks.tick import hogged
from benchmarks.ticking import ticking
from benchmarks.wires.ends import REPLY, REQUEST, pty_echo
from benchmarks.wires.queries import BAUD, taker
from controller.records.session import Recorder
from drivers.transport.open import open_link
from drivers.transport.port import LinkPort

TICKS = {1000: 8000, 100: 2000, 20: 200}
"""Of each rate; of 200 there is no percentile beyond the 99th."""
TURNS = 4
MOST = 1.5
"""Of the floor's 99th and 99.9th percentile, at 1000 and 100 Hz on an idle machine."""
PR_SET_TIMERSLACK = 29
DEVICES = 4


class Timespec(ctypes.Structure):
    """See ``clock_nanosleep(2)``."""

    _fields_ = (("s", ctypes.c_long), ("ns", ctypes.c_long))


def nanosleep(rate_hz: int, ticks: int) -> list[float]:
    """Lateness of a blocking loop, us."""
    libc, until = ctypes.CDLL(None), Timespec()
    begin_ns, late = time.monotonic_ns(), []
    for k in range(1, ticks + 1):
        deadline_ns = begin_ns + k * 1_000_000_000 // rate_hz
        until.s, until.ns = divmod(deadline_ns, 1_000_000_000)
        libc.clock_nanosleep(time.CLOCK_MONOTONIC, 1, ctypes.byref(until), None)
        late.append((time.monotonic_ns() - deadline_ns) / 1e3)
    return late


def sharp(rate_hz: int, ticks: int) -> list[float]:
    """The same without timer slack."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)
    try:
        return nanosleep(rate_hz, ticks)
    finally:
        libc.prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0)  # 0: the default again


def ours(rate_hz: int, ticks: int) -> list[float]:
    """Lateness of the daemon's ticker, us."""
    return asyncio.run(ticking(rate_hz, ticks))


def loaded(rate_hz: int, ticks: int) -> list[float]:
    """The same, with devices asked and a record kept."""

    async def run() -> list[float]:
        take, tasks = taker(len(REPLY)), set[asyncio.Task[Any]]()
        with ExitStack() as stack:
            ports: list[LinkPort] = []
            for _ in range(DEVICES):
                path, slave, peer = pty_echo()
                stack.callback(os.close, slave)
                stack.callback(peer.stop)
                ports.append(LinkPort(await open_link(path, BAUD), "echo"))
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="abl-"))
            recorder = Recorder.create(Path(folder), {"bench": "bench"}, CHANNELS)
            stack.callback(recorder.close)

            def work(seq: int) -> None:
                recorder.tick(record_row(seq, 20))
                if tasks:
                    return  # as a daemon: one question at a time
                for port in ports:
                    task = asyncio.ensure_future(port.exchange(REQUEST, take, timeout_s=1.0))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)

            try:
                return await ticking(rate_hz, ticks, work)
            finally:
                await asyncio.gather(*tasks, return_exceptions=True)
                for port in ports:
                    await port.close()

    return asyncio.run(run())


Variant = Callable[[int, int], list[float]]


def turns(variants: tuple[Variant, Variant], rate_hz: int, ticks: int) -> tuple[list[float], list[float]]:
    """Both, sorted; each in ``TURNS`` parts."""
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(TURNS):
        for late, variant in zip(found, variants, strict=True):
            late += variant(rate_hz, max(10, ticks // TURNS))
    for late in found:
        late.sort()
    return found


def at(late_us: list[float], share: float) -> float:
    """The percentile of a sorted list."""
    return late_us[min(len(late_us) - 1, int(share * len(late_us)))]


def rows(
    name: str, variants: tuple[Variant, Variant], against: str, rate_hz: int, ticks: int, most: float | None
) -> Iterator[Row]:
    """A row of the 99th percentile, and where there are enough ticks one of the 99.9th."""
    mine, theirs = turns(variants, rate_hz, ticks)
    p50 = f"p50 {statistics.median(mine):.0f} / {statistics.median(theirs):.0f} us"
    note = f"{p50}, longest {mine[-1]:.0f} / {theirs[-1]:.0f} us, {len(mine)} ticks each"
    yield beside(f"tick late, p99, {rate_hz} Hz, {name}", at(mine, 0.99), "us", against, at(theirs, 0.99), most, note)
    if len(mine) >= 1000:
        what = f"tick late, p99.9, {rate_hz} Hz, {name}"
        yield beside(what, at(mine, 0.999), "us", against, at(theirs, 0.999), most)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """A row or two for each rate and load."""
    if not sys.platform.startswith("linux"):
        yield Row(
            "tick late", float("nan"), "us", note="clock_nanosleep with absolute deadlines is asked of Linux only"
        )
        return
    floor = "clock_nanosleep"
    for rate_hz, ticks in TICKS.items():
        count = round(given.part * ticks)
        judged = MOST if rate_hz >= 100 else None
        yield from rows("idle", (ours, nanosleep), floor, rate_hz, count, judged)
        with hogged():
            name = f"one of {os.cpu_count()} cores busy"
            yield from rows(name, (ours, nanosleep), floor, rate_hz, count, None)
        yield from rows("own load", (loaded, nanosleep), f"{floor}, no load", rate_hz, count, None)
    for rate_hz in (1000, 100):
        count = round(given.part * TICKS[rate_hz])
        yield from rows("idle", (ours, sharp), f"{floor}, slack 1 ns", rate_hz, count, None)


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(__doc__, measured, part=(float, 1.0, f"share of the ticks of a whole run ({TICKS})"))


if __name__ == "__main__":
    raise SystemExit(main())
