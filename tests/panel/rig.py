"""A panel in this process, on a port of its own, before a daemon that only writes down what it is asked."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp

from controller.config.loading import LoadedBench, load_bench
from controller.daemon.control import ControlSocket
from controller.panel.context import Context
from controller.panel.guards import Tokens
from controller.panel.server import served
from controller.providers import Providers
from tests.daemon.test_control import Recorder as Written

TOKENS = Tokens("control-token", "viewer-token")
REFUSED = {"ok": False, "error": "arm refused in SAFE", "blocked_by": ["READY"]}


class Daemon(Written):
    """An operator whose status is ``told``; ``ticks`` counts by itself. ``who`` of the last act is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, Any] = {"ok": True, "state": "SAFE", "values": {"power_w": 0.0}, "session_file": None}
        self.ticks, self.who, self.hangs = 0, "", asyncio.Event()
        self.hangs.set()

    async def status(self) -> dict[str, Any]:
        await self.hangs.wait()
        self.ticks += 1
        return {**self.told, "ticks": self.ticks}

    async def look(self) -> dict[str, Any]:
        return {"ok": True, "channels": {}}

    async def arm(self, who: str) -> dict[str, Any]:
        self.who = who
        await self._note("arm")
        return REFUSED

    async def stop(self, who: str, reason: str) -> dict[str, Any]:
        self.who = who
        return await self._note(f"stop {reason}")


class Feet(Providers):
    """Ports whose provider has a footswitch; ``pressed`` is every word it got."""

    def __init__(self, *, there: bool = True) -> None:
        super().__init__(())
        self.there = there
        self.pressed: list[bool] = []
        self.zone: dict[str, Any] | None = None
        self.asked = 0

    @property
    def simulated(self) -> bool:
        return self.there

    async def foot(self, runtime_dir: str, pressed: bool) -> bool:
        self.pressed.append(pressed)
        return self.there

    async def specimen(self, runtime_dir: str) -> dict[str, Any] | None:
        self.asked += 1
        return self.zone


class Page(aiohttp.ClientWebSocketResponse):
    """A stream, and what it says."""

    async def told(self, kind: str, within_s: float = 3.0) -> dict[str, Any]:
        """The next message of a kind."""
        async with asyncio.timeout(within_s):
            while True:
                message = await self.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, message
                found: dict[str, Any] = message.json()
                if found["type"] == kind:
                    return found


class Rig:
    """``client`` has no headers of its own; :meth:`get` and :meth:`post` send what a page of this panel sends."""

    def __init__(self, context: Context, daemon: Daemon, feet: Feet, client: aiohttp.ClientSession) -> None:
        self.context, self.daemon, self.feet, self.client = context, daemon, feet, client
        self.origin = f"http://127.0.0.1:{context.port}"

    def url(self, path: str) -> str:
        return f"{self.origin}/api/v1/{path}"

    def headers(self, token: str = TOKENS.control, client: str = "page-1") -> dict[str, str]:
        return {
            "Authorization": f"Bearer {token}",
            "X-Client": client,
            "Origin": self.origin,
            "Sec-Fetch-Site": "same-origin",
        }

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        async with self.client.get(self.url(path), headers=headers or self.headers()) as answer:
            return answer.status, await answer.json()

    async def post(
        self, path: str, body: object = None, *, token: str = TOKENS.control, client: str = "page-1"
    ) -> tuple[int, Any]:
        sent = {} if body is None else body
        async with self.client.post(self.url(path), json=sent, headers=self.headers(token, client)) as answer:
            return answer.status, await answer.json()

    async def page(self, client: str = "page-1", token: str = TOKENS.control) -> Page:
        """A stream that has said hello."""
        socket = await self.client.ws_connect(self.url("stream"), headers={"Origin": self.origin})
        assert isinstance(socket, Page)
        await socket.send_json({"type": "hello", "token": token, "client": client})
        return socket

    async def until(self, what: Callable[[], object], text: str, within_s: float = 3.0) -> None:
        """Wait until ``what`` is true."""
        async with asyncio.timeout(within_s):
            while not what():  # noqa: ASYNC110 - it is nobody's event
                await asyncio.sleep(0.005)


@functools.cache
def shipped() -> LoadedBench:
    """``cooled-rf-sim``."""
    return load_bench("cooled-rf-sim").fixed()


@contextlib.asynccontextmanager
async def rigged(
    folder: Path, *, foot: bool = True, daemon: bool = True, operator: Daemon | None = None
) -> AsyncIterator[Rig]:
    """The panel of ``cooled-rf-sim``; ``folder`` must be short, sockets are in it. ``daemon`` False: nobody answers."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.setblocking(False)
    port = listener.getsockname()[1]
    asked, feet = operator or Daemon(), Feet(there=foot)
    control = ControlSocket(asked, folder / "control.sock")
    if daemon:
        await control.start()
    try:
        context = Context(shipped(), "cooled-rf-sim", folder, folder / "records", feet, TOKENS, port)
        async with aiohttp.ClientSession(ws_response_class=Page) as client, served(context, listener):
            rig = Rig(context, asked, feet, client)
            if daemon:
                await rig.until(lambda: context.link.status, "a status")
            yield rig
    finally:
        await control.close()
