"""WebSockets: how one begins, for the live stream and for whatever else plays to a page."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NamedTuple

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from controller.panel.guards import LINK, May, Tokens
from controller.panel.stream import CROWDED, MOST_VIEWERS, text_of

HELLO_S = 3.0
HEARTBEAT_S = 5.0
MAX_MESSAGE = 4096
NO_TOKEN, NO_HELLO = 4401, 4400

Client = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="a name that a page gives itself, a UUID")]


class Hello(BaseModel):
    """The first message of a page."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["hello"]
    token: str
    client: Client


class Opened(NamedTuple):
    """A WebSocket that has said who it is. ``socket`` is to be returned by the handler in any case; ``hello`` None: it
    was hung up on."""

    socket: web.WebSocketResponse
    hello: Hello | None
    may: May = May.VIEW


class Sockets:
    """All WebSockets of one panel, counted from before they have said anything."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._open: set[web.WebSocketResponse] = set()

    async def open(self, request: web.Request) -> Opened:
        """Take up a WebSocket and hear its hello, within 3 s. The caller says :meth:`done` at the end."""
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MAX_MESSAGE, compress=False)
        await socket.prepare(request)
        self._open.add(socket)
        if len(self._open) > MOST_VIEWERS:
            return await self._refuse(socket, CROWDED, f"{MOST_VIEWERS} pages look already; close one")
        text = await text_of(socket, HELLO_S)
        try:
            hello = Hello.model_validate(json.loads(text or ""))
        except (ValidationError, ValueError, RecursionError):
            return await self._refuse(socket, NO_HELLO, 'the first message must be {"type":"hello","token","client"}')
        may = self._tokens.may(hello.token)
        if may is None:
            return await self._refuse(socket, NO_TOKEN, f"the token is of an earlier start; {LINK}")
        return Opened(socket, hello, may)

    async def _refuse(self, socket: web.WebSocketResponse, code: int, why: str) -> Opened:
        if not socket.closed:
            await socket.send_json({"type": "refused", "text": why})
            await socket.close(code=code, message=why.encode()[:120])
        return Opened(socket, None)

    def done(self, opened: Opened) -> None:
        self._open.discard(opened.socket)

    async def close(self) -> None:
        """Hang up on all."""
        for socket in list(self._open):
            await socket.close(code=1001, message=b"the panel ends")


def heard(text: str) -> dict[str, Any] | None:
    """A message of a page; None when it is none."""
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None
