"""Looks at a daemon from inside, by :func:`begin` before its ``main``: what has held its control loop.

A tick is late for two reasons: the machine had no processor for it (the kernel counts that, ``schedstat``), or
something in the process held the loop: a callback, another thread with the interpreter's lock, the garbage collector.
What is left of a tick's lateness without the first is the pause in process. Collections are timed without it, too.
"""

from __future__ import annotations

import atexit
import gc
import json
import time
from pathlib import Path
from typing import Any

from benchmarks.daemons.processes import waited_s

HOOK = """import sys
if "controller.daemon" in sys.orig_argv and "safety.watchdog" not in sys.orig_argv:
    from benchmarks.daemons import probe
    probe.begin({path!r})
"""
"""A ``sitecustomize.py`` for the daemon's interpreter."""


class Pauses:
    """Of one daemon, s."""

    def __init__(self) -> None:
        self.held_s: list[float] = []
        self.starved_s: list[float] = []
        self.collections_s: list[float] = []
        self._collecting_s = self._waited_s = 0.0

    def collected(self, phase: str, _: dict[str, Any]) -> None:
        """A callback of ``gc.callbacks``."""
        busy_s = time.perf_counter() - waited_s()
        if phase == "start":
            self._collecting_s = busy_s
        else:
            self.collections_s.append(busy_s - self._collecting_s)

    def ticked(self, late_s: float) -> None:
        """A tick has begun."""
        waited, before = waited_s(), self._waited_s
        self._waited_s = waited
        starved_s = min(late_s, waited - before)
        self.starved_s.append(starved_s)
        self.held_s.append(late_s - starved_s)

    def told(self) -> dict[str, Any]:
        """Sorted seconds; the first tick, before which no wait is known, is left out."""
        names = {"held_s": self.held_s[1:], "starved_s": self.starved_s[1:], "collections_s": self.collections_s}
        return {name: sorted(values) for name, values in names.items()}


def begin(path: str) -> None:
    """Count from now on; ``path`` gets the JSON when the daemon ends."""
    from controller.daemon.ticker import Ticker

    pauses, bare = Pauses(), Ticker.next

    async def next_tick(self: Ticker) -> float:
        now_s = await bare(self)
        pauses.ticked(now_s - self.deadline_s)
        return now_s

    Ticker.next = next_tick  # type: ignore[method-assign]
    armed = Ticker.__init__

    def first_tick(self: Ticker, *args: Any, **more: Any) -> None:
        gc.callbacks.append(pauses.collected)  # the start's own collection is no pause of the loop
        armed(self, *args, **more)

    Ticker.__init__ = first_tick  # type: ignore[method-assign]
    atexit.register(lambda: Path(path).write_text(json.dumps(pauses.told()), encoding="ascii"))
