"""The other end of the control socket, for somebody who watches: statuses as fast as they are drawn, and acts that wait
behind nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from controller.client import Client, Unreachable, find_socket

EVERY_S = 0.1
RETRY_S = 0.5
PATIENCE_S = 2.0
"""An answer that has not come by then will not come: the daemon hangs."""

Act = Callable[[Client], Awaitable[dict[str, Any]]]
Clock = Callable[[], float]


class Link:
    """The newest status of one bench, and how old it is. It outlives the daemon, and finds the next one."""

    def __init__(self, bench: str | None, clock: Clock = time.monotonic) -> None:
        self.status: dict[str, Any] = {}
        self.told_s: float | None = None  # when the newest status was asked for
        self.answer_s = 0.0
        self.trouble = ""
        self._bench, self._clock = bench, clock
        self._path: Path | None = None  # found once: another bench that is started later changes nothing

    def age_s(self) -> float | None:
        """Of the newest status, from the moment at which it was asked for; None: there was none."""
        return None if self.told_s is None else self._clock() - self.told_s

    async def follow(self) -> None:
        """Ask for the status for ever; what goes wrong is told in ``trouble``."""
        while True:
            try:
                await self._follow()
            except (Unreachable, TimeoutError, OSError, ValueError) as error:
                self.trouble = str(error) or f"the daemon has not answered within {PATIENCE_S:g} s"
            await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        client = await self._connect()
        try:
            while True:
                asked_s = self._clock()
                async with asyncio.timeout(PATIENCE_S):
                    status = await client.status()
                if not status.get("ok"):
                    raise Unreachable(str(status.get("error", "the daemon refuses to say how it is")))
                self.status, self.told_s, self.trouble = status, asked_s, ""
                self.answer_s = self._clock() - asked_s
                await asyncio.sleep(EVERY_S)
        finally:
            with contextlib.suppress(OSError):
                await client.close()

    async def _connect(self) -> Client:
        path = self._path or find_socket(self._bench)
        client = await Client.connect(path)
        self._path = path
        return client

    async def act(self, act: Act) -> dict[str, Any]:
        """Do one thing on a connection of its own. An answer always comes; where none did, it says so in ``error``."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                client = await self._connect()
                try:
                    return await act(client)
                finally:
                    await client.close()
        except TimeoutError:
            return {"ok": False, "error": f"no answer within {PATIENCE_S:g} s"}
        except (Unreachable, OSError, ValueError) as error:
            return {"ok": False, "error": str(error)}
