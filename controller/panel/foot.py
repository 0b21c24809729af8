"""A footswitch under the panel's page, for benches whose hands are not real.

The provider of the bench's ports decides whether there is one. Whoever presses must say so again every 100 ms: it is
released 300 ms after the last word, when the page goes away, and when another page takes control. The provider itself
lets go when this process falls silent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

HELD_S = 0.3
"""How long a press lasts that is not repeated."""

Press = Callable[[bool], Awaitable[bool]]


class Foot:
    """``there``: whether this bench has one. One client at a time holds it."""

    def __init__(self, press: Press) -> None:
        self._press = press
        self.there = False
        self._holder: str | None = None
        self._until_s = 0.0
        self._ending: asyncio.Task[None] | None = None

    async def find(self) -> bool:
        """Ask whether there is one: an open switch is opened."""
        self.there = await self._press(False)
        return self.there

    async def press(self, client: str) -> bool:
        """Hold, or go on holding. False: there is none, or another client holds it."""
        if not self.there or self._holder not in (None, client):
            return False
        loop = asyncio.get_running_loop()
        self._holder, self._until_s = client, loop.time() + HELD_S
        if not await self._press(True):
            await self.release(client)
            return False
        if self._holder != client:  # let go of meanwhile: the last word counts
            await self._press(False)
            return False
        if self._ending is None or self._ending.done():
            self._ending = loop.create_task(self._end(), name="foot")
        return True

    async def release(self, client: str | None = None) -> None:
        """Let go; ``client`` None: whoever holds."""
        if self._holder is None or client not in (None, self._holder):
            return
        self._holder = None
        await self._press(False)

    async def _end(self) -> None:
        loop = asyncio.get_running_loop()
        while self._holder is not None and (left_s := self._until_s - loop.time()) > 0.0:  # noqa: ASYNC110 - it moves on
            await asyncio.sleep(left_s)
        await self.release()

    async def close(self) -> None:
        """Let go for good."""
        await self.release()
        if self._ending is not None:
            self._ending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ending
