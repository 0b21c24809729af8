"""The panel's routes that look, and its stream."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from controller.panel import models
from controller.panel.acts import stop_now
from controller.panel.api import ROOT, Refused, Told, api, compact, query, told_json
from controller.panel.context import CONTEXT, Context
from controller.panel.guards import May, says_hello
from controller.panel.link import GONE
from controller.panel.sockets import heard
from controller.panel.stream import SEND_S, Viewer, text_of
from controller.versions import installed

MOST_STOPS = 4
"""Of one page, on their way at the same time."""
SPECIMEN_S = 2.0
"""A picture costs the emulated bench some milliseconds: all pages share one for so long."""
ERRORS = (401, 403)


@api(Told("Whether the panel works and its daemon answers; needs no token", models.Health, errors=(403,)))
async def health(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    return told_json(
        {
            "ok": True,
            "version": installed("openablate") or "",
            "daemon": context.link.status is not None,
            "viewers": len(context.hub),
        }
    )


@api(Told("The newest status", models.Status, errors=(*ERRORS, 503)))
async def status(request: web.Request) -> web.StreamResponse:
    found = request.app[CONTEXT].status
    if found is None:
        raise Refused(503, GONE, "ablate serve BENCH")
    return told_json(found)


@api(Told("The bench: devices, limits, channels", models.Bench, errors=ERRORS))
async def bench(request: web.Request) -> web.StreamResponse:
    return told_json(request.app[CONTEXT].bench())


@api(Told("The course of the open session", models.History, query=models.Past, errors=(400, *ERRORS)))
async def history(request: web.Request) -> web.StreamResponse:
    asked = query(request, models.Past)
    return told_json(request.app[CONTEXT].follower.history.last(asked.seconds))


class Specimen:
    """The newest picture, and since when it is that."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._text: str | None = None
        self._since_s = float("-inf")

    async def text(self, context: Context) -> str | None:
        """As JSON; None where nobody knows."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            if loop.time() - self._since_s >= SPECIMEN_S:
                found = await context.providers.specimen(str(context.runtime_dir))
                self._text = await asyncio.to_thread(compact, found) if found is not None else None
                self._since_s = loop.time()
            return self._text


SPECIMEN = web.AppKey("specimen", Specimen)


@api(Told("What is known of the tissue, where it is simulated", models.Specimen, errors=(*ERRORS, 404)))
async def specimen(request: web.Request) -> web.StreamResponse:
    text = await request.app[SPECIMEN].text(request.app[CONTEXT])
    if text is None:
        raise Refused(404, "nobody knows what the tissue looks like inside", "section the specimen")
    return web.Response(text=text, content_type="application/json")


@api(
    Told(
        "WebSocket: hello, then a snapshot and everything that happens; see docs/panel.md",
        errors=(400, 403),
        answer_type="",
        done=101,
    )
)
@says_hello
async def stream(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    opened = await context.sockets.open(request)
    try:
        if opened.hello is not None:
            await _serve(context, opened.socket, opened.hello.client, opened.may)
    finally:
        context.sockets.done(opened)
    return opened.socket


async def _serve(context: Context, socket: web.WebSocketResponse, client: str, may: May) -> None:
    viewer = Viewer(socket, client, may)
    page = Page(context, viewer)
    context.role.came(client)
    context.hub.join(viewer)
    sending = asyncio.create_task(viewer.run(), name="viewer")
    hearing = asyncio.create_task(page.hear(socket), name="page")
    try:
        await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
        if viewer.ending:  # its close is under way
            await asyncio.wait({sending}, timeout=SEND_S)
    finally:
        context.hub.leave(viewer)
        for task in (sending, hearing):
            task.cancel()
        await asyncio.gather(sending, hearing, return_exceptions=True)
        context.role.went(client)
        await context.foot.release(client)


class Page:
    """What one page says."""

    def __init__(self, context: Context, viewer: Viewer) -> None:
        self._context, self._viewer = context, viewer
        self._pressing = False
        self._stops = 0

    async def hear(self, socket: web.WebSocketResponse) -> None:
        """Until it hangs up."""
        while (text := await text_of(socket)) is not None:
            await self._act(heard(text) or {})

    async def _act(self, said: dict[str, Any]) -> None:
        match said.get("type"):
            case "stop" if self._stops < MOST_STOPS:  # more of them are said already
                self._stops += 1
                self._context.spawn(self._stop(str(said.get("reason") or "")[:200]))  # even if the page goes at once
            case "stop":
                pass
            case "foot" if isinstance(said.get("pressed"), bool):
                await self._foot(said["pressed"])
            case "ping":
                number = said.get("id")
                told = number if isinstance(number, (int, float)) else None
                self._say({"type": "pong", "id": told, **self._context.hub.stamp()})
            case _:
                self._refuse("a page says hello, stop, foot or ping")

    async def _stop(self, reason: str) -> None:
        try:
            answer = await stop_now(self._context, self._viewer.client, reason)
        except Refused as error:
            answer = {"ok": False, "error": error.error, "remedy": error.remedy}
        finally:
            self._stops -= 1
        self._say({"type": "answer", "to": "stop", **answer})

    async def _foot(self, pressed: bool) -> None:
        context, client = self._context, self._viewer.client
        if not pressed:
            context.spawn(context.foot.release(client))
        elif self._viewer.may is not May.CONTROL or context.role.now != client:
            self._refuse("only the page that controls may press the footswitch")
        elif not context.foot.there:
            self._refuse("this bench has a footswitch of its own: press it, or `ablate start`")
        elif not self._pressing:  # a provider that is slow is asked again when it has answered; STOP must not wait
            self._pressing = True
            context.spawn(self._press())

    async def _press(self) -> None:
        try:
            if not await self._context.foot.press(self._viewer.client):
                self._refuse(
                    "the footswitch is not pressed: another page holds it, or the emulated bench does not answer"
                )
        finally:
            self._pressing = False

    def _refuse(self, text: str) -> None:
        self._say({"type": "refused", "text": text})

    def _say(self, message: dict[str, Any]) -> None:
        self._viewer.say(compact(message))


GETS = (
    ("health", health),
    ("status", status),
    ("bench", bench),
    ("history", history),
    ("specimen", specimen),
    ("stream", stream),
)


def routes() -> list[web.RouteDef]:
    """All of them."""
    return [web.get(f"{ROOT}/{path}", handler, allow_head=False) for path, handler in GETS]
