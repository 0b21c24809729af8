"""Looks at a daemon from inside, by :func:`begin` before its ``main``: what has held its control loop.

A tick is late for two reasons: the machine had no processor for it (the kernel counts that, ``schedstat``), or
something in the process held the loop: a callback, another thread with the interpreter's lock, the garbage collector.
What is left of a tick's lateness without the first is the pause in process. Of the first, only that counts which came
behind the loop's last rest before the tick was due: on a busy machine a loop waits for a processor all the time, and
what it has waited before that rest cannot have made this tick late. Collections are timed without it, too.

So that it can be seen that a pause is seen, ``SIGUSR2`` begins some, and ends them again: :class:`Inside`.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import json
import math
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.daemons.processes import Waited, waited_s

HOOK = """import sys
if "controller.daemon" in sys.orig_argv and "safety.watchdog" not in sys.orig_argv:
    from benchmarks.daemons import probe
    probe.begin({path!r})
"""
"""A ``sitecustomize.py`` for the daemon's interpreter."""
NUMBERS, REST_S = 4000, (0.004, 0.012)
"""Of :class:`Inside`; encoding as many takes one to two milliseconds. Rests of one length would fall into step with the
ticks, and never meet one.
"""


class Seen(NamedTuple):
    """One tick: when it began (CLOCK_MONOTONIC), how late that was, and how much of that there was no processor, s."""

    t_s: float
    late_s: float
    starved_s: float

    @property
    def held_s(self) -> float:
        """What is left of its lateness."""
        return self.late_s - self.starved_s


class Pauses:
    """Of one daemon, s. Made in the thread of its loop."""

    def __init__(self) -> None:
        self.ticks: list[Seen] = []
        self.collections_s: list[float] = []
        self._waited = Waited()
        self._due_s = math.inf
        self._rested_s = self._collecting_s = 0.0

    def collected(self, phase: str, _: dict[str, Any]) -> None:
        """A callback of ``gc.callbacks``; of whatever thread."""
        busy_s = time.perf_counter() - waited_s()
        if phase == "start":
            self._collecting_s = busy_s
        else:
            self.collections_s.append(busy_s - self._collecting_s)

    def due(self, t_s: float) -> None:
        """The tick that comes next is due then."""
        self._due_s, self._rested_s = t_s, self._waited()

    def rests(self) -> None:
        """The loop has nothing to do, until something comes."""
        if time.monotonic() < self._due_s:
            self._rested_s = self._waited()

    def ticked(self, t_s: float) -> None:
        """The tick that was due has begun."""
        late_s = t_s - self._due_s
        self.ticks.append(Seen(t_s, late_s, min(late_s, self._waited() - self._rested_s)))

    def told(self) -> dict[str, Any]:
        """As JSON: ticks in their order, as :class:`Seen`, and how long each collection took, s."""
        return {"ticks": self.ticks, "collections_s": self.collections_s}


class Inside:
    """A thread that encodes what a large message holds, rests, and goes on. It is one
    call, which gives the interpreter's lock to nobody before it is done, however short the daemon's threads are kept.
    """

    def __init__(self) -> None:
        self._over: threading.Event | None = None

    def turn(self, *_: object) -> None:
        """Begin, or end; a signal's handler."""
        if self._over is None:
            self._over = threading.Event()
            threading.Thread(target=self._hold, args=(self._over,), name="inside", daemon=True).start()
        else:
            self._over.set()
            self._over = None

    @staticmethod
    def _hold(over: threading.Event) -> None:
        numbers, chance = [20.0 + k / 7.0 for k in range(NUMBERS)], random.Random(1)
        while not over.wait(chance.uniform(*REST_S)):
            json.dumps(numbers)


def begin(path: str) -> None:
    """Count from now on; ``path`` gets the JSON when the daemon ends."""
    from controller.daemon.ticker import Alarm, Ticker

    def watched(ticker: Ticker, period_s: float, alarm: Alarm, loop: asyncio.AbstractEventLoop) -> None:
        begun(ticker, period_s, alarm, loop)
        pauses = Pauses()
        gc.callbacks.append(pauses.collected)  # the start's own collection is no pause of the loop
        atexit.register(lambda: Path(path).write_text(json.dumps(pauses.told()), encoding="ascii"))
        selector: Any = loop._selector  # type: ignore[attr-defined]
        wait, ring, wake = selector.select, alarm.at, ticker.next

        def select(timeout: float | None = None) -> Any:
            pauses.rests()
            return wait(timeout)

        def at(t_s: float, woken: Callable[[], None]) -> None:
            pauses.due(t_s)
            ring(t_s, woken)

        async def next_tick() -> float:
            now_s = await wake()
            pauses.ticked(now_s)
            return now_s

        selector.select, alarm.at, ticker.next = select, at, next_tick  # type: ignore[method-assign]

    begun = Ticker.__init__
    Ticker.__init__ = watched  # type: ignore[method-assign]
    signal.signal(signal.SIGUSR2, Inside().turn)
