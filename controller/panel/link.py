"""The panel's connections to the daemon: one that looks, one that is kept warm for STOP, and one for each other act."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from controller.client import Client, Unreachable

log = logging.getLogger("controller.panel")

FASTEST_HZ = 20.0
ANSWER_S = 1.0
"""A daemon that ticks answers within one or two ticks; one that does not is as good as gone."""
SLOW_ACT_S = 90.0
"""Prepare waits until the application before it is concluded."""
AGAIN_S = 0.25
NUDGE_S = 0.01
"""Looked twice in the same tick: later by this much, so that the look comes after the tick again."""
GONE = "The bench does not answer: its daemon has ended or hangs. What is shown is old; look at the generator itself."

Saw = Callable[[dict[str, Any], float], None]


class Link:
    """One daemon. ``status`` is its newest status, None while it does not answer; ``t_s`` when that came, on the
    clock that the session file has too."""

    def __init__(self, socket: Path, tick_hz: float) -> None:
        self._socket, self._period_s = socket, 1.0 / min(FASTEST_HZ, tick_hz)
        self.status: dict[str, Any] | None = None
        self.t_s = 0.0
        self.on_status: Saw = lambda status, t_s: None
        self.on_gone: Callable[[str], None] = lambda text: None
        self._stopper: Client | None = None
        self._stopping = asyncio.Lock()

    async def run(self) -> None:
        """Look until cancelled: at every new tick, at most 20 times a second."""
        gone = False
        while True:
            client: Client | None = None
            try:
                async with asyncio.timeout(ANSWER_S):
                    client = await Client.connect(self._socket, who="panel")
                await self._warm()
                gone = False
                await self._look(client)
            except (Unreachable, OSError, ValueError, TimeoutError) as error:
                log.info("no status: %s", error or "no answer")
            finally:
                if client is not None:
                    await client.close()
            self.status = None
            if not gone:
                gone = True
                self.on_gone(GONE)
            await asyncio.sleep(AGAIN_S)

    async def _look(self, client: Client) -> None:
        loop = asyncio.get_running_loop()
        due_s, seen = loop.time(), object()
        while True:
            async with asyncio.timeout(ANSWER_S):
                status = await client.status()
            if not status.get("ok"):
                raise Unreachable(str(status.get("error", "refused")))
            now_s = loop.time()
            tick = status.get("ticks")
            if tick is None or tick != seen:
                self.status, self.t_s = status, now_s
                self.on_status(status, now_s)
            else:
                due_s += NUDGE_S
            seen = tick
            due_s = max(due_s + self._period_s, now_s)  # a pause is not caught up with
            await asyncio.sleep(due_s - now_s)

    async def stop(self, who: str, reason: str) -> dict[str, Any]:
        """STOP: over the connection that is kept for it, or else over a fresh one. Never waits behind another act."""
        if not self._stopping.locked():
            async with self._stopping:
                if (client := self._stopper) is not None:
                    try:
                        async with asyncio.timeout(ANSWER_S):
                            return await client.send("stop", who=who, reason=reason)
                    except (Unreachable, OSError, ValueError, TimeoutError):
                        self._stopper = None
                        await self._drop(client)
                    except asyncio.CancelledError:
                        self._stopper = None  # its answer would be taken for the next one's
                        await self._drop(client)
                        raise
        return await self.act("stop", who, limit_s=ANSWER_S, reason=reason)

    async def act(self, verb: str, who: str, *, limit_s: float = 5.0, **fields: object) -> dict[str, Any]:
        """One request over a connection of its own, and its answer. Raises :class:`Unreachable`."""
        client: Client | None = None
        try:
            async with asyncio.timeout(limit_s):
                client = await Client.connect(self._socket, who="panel")
                return await client.send(verb, who=who, **fields)
        except (OSError, ValueError, TimeoutError) as error:
            raise Unreachable(f"no answer to {verb}") from error
        finally:
            if client is not None:
                await self._drop(client)

    async def _warm(self) -> None:
        old, self._stopper = self._stopper, await Client.connect(self._socket, who="panel")
        if old is not None:
            await self._drop(old)

    @staticmethod
    async def _drop(client: Client) -> None:
        with contextlib.suppress(OSError):
            await client.close()

    async def close(self) -> None:
        """Hang up."""
        if self._stopper is not None:
            await self._drop(self._stopper)
            self._stopper = None
