"""What ``loop: {uvloop: true}`` is worth: ``python -m benchmarks.fast_loop [--json]``.

The daemon's ticker at 1000 Hz, and an exchange of a port over TCP and over a pseudo-terminal every 5 ms, on uvloop in
turns with asyncio's own loop: lateness, and processor time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from typing import NamedTuple

from benchmarks.rows import Row, beside, command
from benchmarks.ticking import ticking
from benchmarks.wires.ends import REPLY, pty_echo, tcp_echo
from benchmarks.wires.queries import our_port, paced
from controller.daemon.fast_loop import NOT_INSTALLED, LoopFactory, loop_factory

TURNS, RATE_HZ = 4, 1000
AGAINST = "asyncio"


class Cost(NamedTuple):
    """Of one turn, us: each one's lateness or round trip, and processor time each."""

    wall: list[float]
    cpu: list[float]


async def _ticks(count: int) -> Cost:
    begin_s = time.process_time()
    late = await ticking(RATE_HZ, count)
    return Cost(late, [(time.process_time() - begin_s) / count * 1e6])


async def _exchanges(url: str, count: int) -> Cost:
    async with our_port(url) as query:
        return Cost(*(await paced({"": query}, count))[""])


def turns(work: Callable[[], Coroutine[None, None, Cost]], made: LoopFactory) -> tuple[Cost, Cost]:
    """On uvloop and on asyncio's loop, in turns."""
    found = (Cost([], []), Cost([], []))
    for _ in range(TURNS):
        for cost, factory in zip(found, (made, None), strict=True):
            with asyncio.Runner(loop_factory=factory) as runner:
                told = runner.run(work())
            cost.wall.extend(told.wall)
            cost.cpu.extend(told.cpu)
    return found


def rows(what: str, wall: str, work: Callable[[], Coroutine[None, None, Cost]], made: LoopFactory) -> Iterator[Row]:
    """The medians of both, and the 99th percentile of what the clock says."""
    mine, theirs = turns(work, made)
    p99 = [sorted(cost.wall)[int(0.99 * len(cost.wall))] for cost in (mine, theirs)]
    note = f"p99 {p99[0]:.0f} / {p99[1]:.0f} us, {len(mine.wall)} each"
    medians = [statistics.median(cost.wall) for cost in (mine, theirs)]
    yield beside(f"{what}, uvloop, {wall}", medians[0], "us", AGAINST, medians[1], None, note)
    cpu = [statistics.median(cost.cpu) for cost in (mine, theirs)]
    yield beside(f"{what}, uvloop, processor time", cpu[0], "us", AGAINST, cpu[1], None)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Ticks, TCP, pseudo-terminal."""
    try:
        made = loop_factory()
    except ImportError:
        yield Row("uvloop", float("nan"), "us", AGAINST, note=NOT_INSTALLED)
        return
    count = max(20, given.queries // TURNS)
    yield from rows(f"tick, {RATE_HZ} Hz", "p50 of lateness", lambda: _ticks(5 * count), made)
    with ExitStack() as stack:
        port, peer = tcp_echo(REPLY)
        stack.callback(peer.stop)
        yield from rows("TCP exchange", "p50", lambda: _exchanges(f"tcp://127.0.0.1:{port}", count), made)
        path, slave, peer = pty_echo()
        stack.callback(peer.stop)
        stack.callback(os.close, slave)
        yield from rows("pseudo-terminal exchange", "p50", lambda: _exchanges(path, count), made)


def main() -> int:
    """Print the table."""
    return command(__doc__, measured, queries=(int, 1200, "exchanges of each kind on each loop; ticks five times that"))


if __name__ == "__main__":
    raise SystemExit(main())
