"""The stream: what happens on the bench, as it happens, to every page that looks.

Nothing here waits for a page. Each has a place for one status, the newest, and a short queue for what must not be left
out; one whose queue is full is hung up on, and comes back to a fresh snapshot.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from controller.panel.api import compact
from controller.panel.following import Event
from controller.panel.guards import May

MOST_VIEWERS = 64
MOST_WAITING = 64
SEND_S = 5.0
"""A page that takes nothing for so long is hung up on."""
SLOW, CROWDED, BYE = 4408, 4429, 1001

Message = dict[str, Any]


class Viewer:
    """One page. Its task sends; anybody else only leaves messages."""

    def __init__(self, socket: web.WebSocketResponse, client: str, may: May) -> None:
        self.client, self.may = client, may
        self._socket = socket
        self._status: str | None = None
        self._waiting: deque[str] = deque()
        self._wake = asyncio.Event()
        self._over: tuple[int, str] | None = None

    def status(self, text: str) -> None:
        """The newest replaces one that was not sent yet."""
        self._status = text
        self._wake.set()

    def say(self, text: str) -> None:
        """Everything else is sent, in order."""
        if len(self._waiting) >= MOST_WAITING:
            self.end(SLOW, "this page is too slow; it is to connect again")
        else:
            self._waiting.append(text)
        self._wake.set()

    def end(self, code: int, why: str) -> None:
        """Hang up, after what already waits."""
        self._over = self._over or (code, why)
        self._wake.set()

    @property
    def ending(self) -> bool:
        """Whether it is being hung up on."""
        return self._over is not None

    async def run(self) -> None:
        """Send until the end."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                async with asyncio.timeout(SEND_S):
                    while self._waiting:
                        await self._socket.send_str(self._waiting.popleft())
                    if self._status is not None:
                        text, self._status = self._status, None
                        await self._socket.send_str(text)
                    if self._over is not None:
                        code, why = self._over
                        await self._socket.close(code=code, message=why.encode()[:120])
                        return
            except (TimeoutError, ConnectionError):
                return


class Hub:
    """All viewers. ``snapshot`` makes the first message of each."""

    def __init__(self, snapshot: Callable[[], Message], rows: Callable[[], int]) -> None:
        self._viewers: set[Viewer] = set()
        self._snapshot, self._rows = snapshot, rows
        self._seq = 0
        self._controller: str | None = None
        self.gone: str | None = None
        """What is said while the daemon does not answer."""

    def __len__(self) -> int:
        return len(self._viewers)

    def stamp(self) -> Message:
        """``sent_ms`` is a label for people: a page tells ages by its own monotonic clock."""
        return {"seq": self._seq, "sent_ms": int(time.time() * 1000)}

    def join(self, viewer: Viewer) -> None:
        """Give it the snapshot, and everything from then on."""
        viewer.say(self._first(viewer))
        if self.gone is not None:
            viewer.say(self._gone())
        self._viewers.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)

    def status(self, status: Message) -> None:
        """A new tick; its ``t_s`` is of the session file's clock. Pages that came before the daemon begin anew."""
        back, self.gone = self.gone is not None or self._seq == 0, None
        self._seq += 1
        if back:
            self.renewed()
        if self._viewers:
            text = compact(
                {"type": "status", **self.stamp(), "t_s": status["t_s"], "rows": self._rows(), "status": status}
            )
            for viewer in self._viewers:
                viewer.status(text)

    def events(self, events: list[Event]) -> None:
        self._all({"type": "events", **self.stamp(), "events": events})

    def control(self, client: str | None) -> None:
        self._all({"type": "control", **self.stamp(), "controller": client})

    def renewed(self) -> None:
        """Another session: everything anew."""
        for viewer in self._viewers:
            viewer.say(self._first(viewer))

    def lost(self, text: str) -> None:
        """The daemon cannot be reached."""
        self.gone = text
        for viewer in self._viewers:
            viewer.say(self._gone())

    def close(self, text: str) -> None:
        """The panel ends."""
        self.lost(text)
        for viewer in self._viewers:
            viewer.end(BYE, "the panel ends")

    def _first(self, viewer: Viewer) -> str:
        told = self._snapshot()
        role = "controller" if viewer.client == told["controller"] else viewer.may.value
        return compact({"type": "snapshot", **self.stamp(), **told, "you": {"role": role, "client": viewer.client}})

    def _gone(self) -> str:
        return compact({"type": "gone", **self.stamp(), "text": self.gone})

    def _all(self, message: Message) -> None:
        text = compact(message)
        for viewer in self._viewers:
            viewer.say(text)


async def text_of(socket: web.WebSocketResponse, within_s: float | None = None) -> str | None:
    """The next text message; None at the end, or when something else came."""
    try:
        async with asyncio.timeout(within_s):
            message = await socket.receive()
    except TimeoutError:
        return None
    return message.data if message.type is WSMsgType.TEXT else None
