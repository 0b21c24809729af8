"""The permit's lease inside the daemon: if no newer set-point comes before the last one expires, the source is turned
off.

This catches a tick that never finishes (a lost await) while the loop itself still runs; a loop that does not run is the
watchdog's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from safety.types import Setpoint


class Lease:
    """Holds one expiry at a time. ``expired`` is called once per lapse, from the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop, self._expired = loop, expired
        self._until = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def hold(self, setpoint: Setpoint) -> None:
        """``setpoint`` is what the source now has; off needs no lease."""
        if setpoint.is_off:
            self.drop()
            return
        self._until = setpoint.expires_at_s
        if self._handle is None:
            self._handle = self._loop.call_at(self._until, self._check)

    def drop(self) -> None:
        """There is nothing to lapse."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _check(self) -> None:
        # Extended since the timer was set: one timer serves many ticks instead of one timer each.
        if self._loop.time() < self._until:
            self._handle = self._loop.call_at(self._until, self._check)
            return
        self._handle = None
        self._expired()
