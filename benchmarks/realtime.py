"""What a real-time priority is worth to the tick: ``python -m benchmarks.realtime [--json]``.

The daemon's ticker at the priority that ``loop: {realtime: true}`` gives it, in turns with the same loop as an ordinary
process, and with the floor: ``clock_nanosleep`` at that priority, as ``cyclictest -p`` does. Loads: none, one processor
kept busy by another process, every processor kept busy.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.lateness import at, nanosleep, ours
from benchmarks.rows import Row, at_most, beside, command
from benchmarks.tick import hogged
from controller.daemon.claim import PRIORITY, priority_limit

TICKS = {1000: 8000, 100: 2000}
TURNS = 4
MOST = {1000: 2.0, 100: 5.0}
"""Of the floor's 99.9th percentile, whatever the load."""
SHARE = 0.999
FLOOR, ORDINARY = "clock_nanosleep, same priority", "same loop, ordinary process"

Variant = Callable[[int, int], list[float]]


@contextmanager
def prioritised() -> Iterator[None]:
    """This process at the daemon's priority. Raises PermissionError."""
    os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))


def first(variant: Variant) -> Variant:
    """``variant`` at that priority."""

    def run(rate_hz: int, ticks: int) -> list[float]:
        with prioritised():
            return variant(rate_hz, ticks)

    return run


def rows(rate_hz: int, ticks: int, load: str) -> Iterator[Row]:
    """Of one rate under one load."""
    variants = (first(ours), first(nanosleep), ours)
    found: tuple[list[float], ...] = ([], [], [])
    for _ in range(TURNS):
        for late_us, variant in zip(found, variants, strict=True):
            late_us += variant(rate_hz, max(10, ticks // TURNS))
    for late_us in found:
        late_us.sort()
    mine, floor, ordinary = found
    name = f"{rate_hz} Hz, real-time, {load}"
    p50 = " / ".join(f"{statistics.median(late_us):.0f}" for late_us in (mine, floor, ordinary))
    note = f"p50 of ours, floor, ordinary {p50} us, {len(mine)} ticks each"
    p999 = at(mine, SHARE)
    yield beside(f"tick late, p99.9, {name}", p999, "us", FLOOR, at(floor, SHARE), MOST[rate_hz], note)
    note = f"longest {mine[-1]:.0f} / {ordinary[-1]:.0f} us"
    yield beside(f"tick late, p99.9, {name}", p999, "us", ORDINARY, at(ordinary, SHARE), None, note)
    yield at_most(f"tick late, longest, {name}", mine[-1], "us", 1e6 / rate_hz, f"floor's {floor[-1]:.0f} us")


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Each rate, idle and under load."""
    try:
        with prioritised():
            pass
    except (OSError, AttributeError):
        yield Row("tick late, real-time", float("nan"), "us", note=f"not permitted here: {priority_limit()}")
        return
    cores = os.cpu_count() or 1
    for rate_hz, ticks in TICKS.items():
        count = round(given.part * ticks)
        yield from rows(rate_hz, count, "idle")
        with hogged():
            yield from rows(rate_hz, count, f"one of {cores} cores busy")
        with ExitStack() as stack:
            for _ in range(cores):
                stack.enter_context(hogged())
            yield from rows(rate_hz, count, f"all {cores} cores busy")


def main() -> int:
    """Print the table; 1 when a target was missed."""
    return command(__doc__, measured, part=(float, 1.0, f"share of the ticks of a whole run ({TICKS})"))


if __name__ == "__main__":
    raise SystemExit(main())
