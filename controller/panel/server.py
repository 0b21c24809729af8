"""The panel's application: routes, files, guards, and the tasks that follow the bench."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from controller.panel import acts, looks, metrics, openapi
from controller.panel.api import MAX_BODY, ROOT, Refused, told_json
from controller.panel.context import CONTEXT, Context
from controller.panel.guards import LOOPBACK
from controller.panel.library import Library
from controller.panel.looks import SPECIMEN, Specimen
from controller.panel.metrics import SCRAPE, Scrape

PORT, FURTHER = 8480, 20
MOST_CONNECTIONS = 256
STATIC = Path(__file__).with_name("static")
FULL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
ENDED = "The bench has ended."

__all__ = ["PORT", "PortTaken", "application", "bound", "served"]


class PortTaken(Exception):
    """No port to listen on (exit code 4)."""

    code = 4


def bound(port: int | None) -> socket.socket:
    """A socket on 127.0.0.1, at ``port`` and no other; None: the first free one from 8480 on.

    Raises:
        PortTaken: it is in use; says what to do.
    """
    ports = range(PORT, PORT + FURTHER + 1) if port is None else (port,)
    for number in ports:
        listener = socket.socket(socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, number))
            listener.listen(64)
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            why = error.strerror
        else:
            return listener
    if port is None:
        raise PortTaken(f"no port from {PORT} to {PORT + FURTHER} is free; name another one: --port N")
    raise PortTaken(f"port {port} cannot be listened on ({why}); name another one, or leave --port away")


def application(context: Context) -> web.Application:
    """Everything but the tasks; see :func:`served`."""
    app = web.Application(middlewares=[context.guard.middleware], client_max_size=MAX_BODY)  # type: ignore[list-item]
    app[CONTEXT], app[SPECIMEN], app[SCRAPE] = context, Specimen(), Scrape()
    table = route_table(context)
    app.add_routes(table.routes)
    document = openapi.document(table.routes)

    async def closing(_: web.Application) -> None:
        await table.close()

    app.on_cleanup.append(closing)

    async def described(request: web.Request) -> web.StreamResponse:
        return told_json(document)

    app.router.add_get(f"{ROOT}/openapi.json", described, allow_head=False)
    app.router.add_get("/", _index)
    app.router.add_get("/favicon.ico", _icon)
    if (charts := uplot()) is not None:
        app.router.add_static("/static/uplot", charts)
    if STATIC.is_dir():
        app.router.add_static("/static", STATIC)
    return app


class Table(NamedTuple):
    """The API: the live bench and the library; ``close`` ends what the library has running."""

    routes: list[web.RouteDef]
    close: Callable[[], Awaitable[None]]


def route_table(context: Context) -> Table:
    """All routes that are described."""
    library = Library(context)
    return Table([*looks.routes(), *metrics.routes(), *acts.routes(), *library.routes()], library.close)


def uplot() -> Path | None:
    """Where uPlot's file lies. The package itself is never imported."""
    found = find_spec("uplot")
    places = found.submodule_search_locations if found is not None else None
    folder = Path(places[0], "static") if places else None
    return folder if folder is not None and folder.is_dir() else None


async def _index(request: web.Request) -> web.StreamResponse:
    page = STATIC / "index.html"
    if not page.is_file():
        raise Refused(404, "this installation has no page", "the API is there: GET /api/v1/openapi.json")
    return web.FileResponse(page)


async def _icon(request: web.Request) -> web.StreamResponse:
    icon = STATIC / "icon.svg"
    return web.FileResponse(icon) if icon.is_file() else web.Response(status=204)


@contextlib.asynccontextmanager
async def served(context: Context, listener: socket.socket) -> AsyncIterator[None]:
    """Serve on ``listener`` and follow the bench for as long as the context lasts."""
    runner = web.AppRunner(application(context), access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    pages, loop = runner.server, asyncio.get_running_loop()
    assert pages is not None
    serving = await loop.create_server(
        lambda: pages() if len(pages.connections) < MOST_CONNECTIONS else _Full(), sock=listener
    )
    _connect(context)
    await context.foot.find()
    tasks = [
        loop.create_task(context.link.run(), name="link"),
        loop.create_task(context.follower.run(context.session_file), name="follower"),
    ]
    try:
        yield
    finally:
        serving.close()
        context.hub.close(ENDED)
        await context.foot.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await context.settle()
        await context.sockets.close()
        await runner.cleanup()
        await context.link.close()
        await serving.wait_closed()


def _connect(context: Context) -> None:
    """Who hears of what."""
    hub, before = context.hub, [context.role.now]

    def controller(client: str | None) -> None:
        if before[0] != client:
            context.spawn(context.foot.release(before[0]))
        before[0] = client
        hub.control(client)

    def status(found: dict[str, object], t_s: float) -> None:
        hub.status({"t_s": t_s, **found})
        _ = context.role.now  # a controller that has gone away is let go of

    context.link.on_status, context.link.on_gone = status, hub.lost
    context.follower.on_events, context.follower.on_session = hub.events, hub.renewed
    context.role.changed = controller


class _Full(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(FULL)
        transport.close()
