"""Virtual time: an event loop that jumps from timer to timer, as fast as it can or paced to a multiple of real time.

Callbacks run in the same order whatever the pace, so that one seed gives one result.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import time
from typing import Any

LOOK_EVERY = 256  # jumps between two looks at descriptors (signals) when nothing is paced


class VirtualLoop(asyncio.SelectorEventLoop):
    """``speed`` bounds virtual seconds per real second; infinity: no bound. Time starts at ``start_s``."""

    def __init__(self, speed: float = math.inf, start_s: float = 1000.0) -> None:
        self._virtual_s = self._start_s = start_s
        self._real_start_s = time.monotonic()
        self._speed = speed
        self._unlooked = 0
        selector = selectors.DefaultSelector()
        self._look = selector.select
        selector.select = self._select  # type: ignore[method-assign]
        super().__init__(selector)

    def time(self) -> float:
        """Virtual seconds."""
        return self._virtual_s

    def _select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, Any]]:
        if timeout is None:  # no timer: only a descriptor or another thread can go on
            return self._look(None)
        if timeout <= 0.0:
            self._unlooked += 1
            if self._unlooked < LOOK_EVERY:
                return []
            self._unlooked = 0
            return self._look(0)
        target_s = self._virtual_s + timeout
        if self._speed < math.inf:
            ahead_s = (target_s - self._start_s) / self._speed - (time.monotonic() - self._real_start_s)
            if ahead_s > 0.0 and (events := self._look(ahead_s)):
                return events  # a signal; the jump comes later
        else:
            self._unlooked += 1
            if self._unlooked >= LOOK_EVERY:
                self._unlooked = 0
                if events := self._look(0):
                    return events
        self._virtual_s = target_s
        return []
