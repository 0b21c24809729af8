"""The library's part of the panel: sessions, protocols, dry runs, playback (``routes``).

No file is opened on the panel's loop: a process beside it answers (:mod:`controller.panel.library_work`), another one
what takes long, a third computes dry runs. Reports and exports have addresses that are signed and end after a while,
so that a browser can open them in a page of their own, where it sends no token.
"""

from __future__ import annotations

import asyncio
import mimetypes
import shutil
import tempfile
import time
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from aiohttp import web

from controller.panel import library_models as models
from controller.panel import library_queries as queries
from controller.panel.api import ROOT, Handler, Refused, Told, api, body, query, told_json
from controller.panel.dry_runs import DryRuns
from controller.panel.guards import says_hello
from controller.panel.library_aside import Aside
from controller.panel.library_aside import Told as Answer
from controller.panel.library_links import Links
from controller.panel.playing import Player
from controller.panel.sockets import Sockets

QUICK_S, SLOW_S = 30.0, 180.0
LIST_S = 3.0
MOST_PLAYERS = 8
MOST_VERDICTS = 10_000
PIECE = 256 * 1024
PAGE = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox allow-popups"
)
"""For a report: what it shows is in it, and nothing in it runs."""
FORMS = ("file", "csv", "xlsx")
PLACES = ("sessions/{session}", "protocols/{protocol}", "dry-runs/{job}")
ERRORS = (400, 401, 403, 404, 409, 413, 415, 422, 501, 503, 504)
PLAYED = (400, 403, 426)
TOLD = {
    "sessions": Told("Recorded sessions, the newest first", models.SessionList, query=queries.Listed, errors=ERRORS),
    "session": Told("A session: what was asked, what happened, its zone", models.SessionTold, errors=ERRORS),
    "samples": Told("A session's course, thinned for a chart", models.Samples, query=queries.Wanted, errors=ERRORS),
    "events": Told("What happened in a session", models.EventList, query=queries.Happened, errors=ERRORS),
    "verify": Told("Check a session against its hash chain, now", models.Verified, errors=ERRORS),
    "report": Told("A session's report, one HTML page", answer_type="text/html", errors=ERRORS),
    "play": Told(
        "Play a session: a WebSocket, in the messages of the stream", query=queries.Played, errors=PLAYED, done=101
    ),
    "protocols": Told("Protocols, and whether this bench can deliver them", models.ProtocolList, errors=ERRORS),
    "protocol": Told("A protocol: source, numbers, limits in force", models.ProtocolTold, errors=ERRORS),
    "dry_run": Told(
        "Compute what a protocol would do; one at a time",
        models.DryRun,
        body=queries.DryRunAsked,
        errors=ERRORS,
        done=202,
    ),
    "dry_run_state": Told("How far a dry run is, or what it found", models.DryRun, errors=ERRORS),
    "dry_run_cancel": Told("End a dry run", models.DryRun, body=queries.Nothing, errors=ERRORS),
}
"""What the OpenAPI document says of each handler."""


class Context(Protocol):
    """What the server gives: the folder of the records, what `load_bench` takes, and the panel's WebSockets."""

    @property
    def records(self) -> Path: ...
    @property
    def bench_reference(self) -> str: ...
    @property
    def sockets(self) -> Sockets: ...


class Library:
    """Makes the routes, and ends its processes when it is closed."""

    def __init__(self, context: Context) -> None:
        records, reference = str(context.records), context.bench_reference
        self._quick, self._slow = Aside(records, reference), Aside(records, reference)
        self._dry_runs = DryRuns(Aside(records, reference), time.monotonic)
        self._sockets = context.sockets
        self._links = Links()
        self._verdicts: dict[str, tuple[str, str, str]] = {}
        self._players = 0

    def routes(self) -> list[web.RouteDef]:
        """For the server's router."""
        session, protocol, job = (f"{ROOT}/{place}" for place in PLACES)
        return [
            web.get(f"{ROOT}/sessions", _told(self.sessions), allow_head=False),
            web.get(session, _told(self.session), allow_head=False),
            web.get(f"{session}/samples", _told(self.samples), allow_head=False),
            web.get(f"{session}/events", _told(self.events), allow_head=False),
            web.get(f"{session}/verify", _told(self.verify), allow_head=False),
            web.get(f"{session}/report", _told(self.report), allow_head=False),
            web.get(f"{session}/play", _told(self.play), allow_head=False),
            web.get(f"{ROOT}/protocols", _told(self.protocols), allow_head=False),
            web.get(protocol, _told(self.protocol), allow_head=False),
            web.post(f"{protocol}/dry-run", _told(self.dry_run)),
            web.get(job, _told(self.dry_run_state), allow_head=False),
            web.post(f"{job}/cancel", _told(self.dry_run_cancel)),
            web.get("/report/{session}", self.report_page, allow_head=False),
            web.get("/download/{form}/{session}", self.download, allow_head=False),
        ]

    async def close(self) -> None:
        """End what runs."""
        await asyncio.gather(self._quick.close(), self._slow.close(), self._dry_runs.close())

    # -- sessions

    async def sessions(self, request: web.Request) -> web.Response:
        wanted = query(request, queries.Listed)
        return _sent(
            await self._quick.ask(
                "list",
                QUICK_S,
                limit=wanted.limit,
                offset=wanted.offset,
                find=wanted.find,
                verdicts=self._verdicts,
                budget_s=LIST_S,
            )
        )

    async def session(self, request: web.Request) -> web.Response:
        name = request.match_info["session"]
        answer = await self._quick.ask("session", SLOW_S, session=name)
        if not answer.ok:
            return _sent(answer)
        told = answer.json()  # some tens of kilobytes
        forms = [form for form in FORMS if form != "file" or told["session"]["closed"]]
        told["links"] = {form: self._links.make(f"/download/{form}/{name}") for form in forms}
        told["links"]["report"] = self._links.make(f"/report/{name}")
        if (known := self._verdicts.get(name)) and known[0] == told["session"]["stamp"]:
            told["session"]["integrity"] = {"verdict": known[1], "text": known[2]}
        return told_json(told)

    async def samples(self, request: web.Request) -> web.Response:
        wanted = query(request, queries.Wanted)
        span = None
        if wanted.from_s is not None or wanted.to_s is not None:
            span = (
                wanted.from_s if wanted.from_s is not None else -1e12,
                wanted.to_s if wanted.to_s is not None else 1e12,
            )
        return _sent(
            await self._quick.ask(
                "samples",
                SLOW_S,
                session=request.match_info["session"],
                channels=[name for name in wanted.channels.split(",") if name],
                points=wanted.points,
                span_s=span,
            )
        )

    async def events(self, request: web.Request) -> web.Response:
        wanted = query(request, queries.Happened)
        session = request.match_info["session"]
        return _sent(await self._quick.ask("events", QUICK_S, session=session, **wanted.model_dump()))

    async def verify(self, request: web.Request) -> web.Response:
        name = request.match_info["session"]
        answer = await self._slow.ask("verify", SLOW_S, session=name)
        if answer.ok:
            found = models.Verified.model_validate_json(answer.body)
            self._verdicts.pop(name, None)
            self._verdicts[name] = (found.stamp, found.integrity.verdict, found.integrity.text)
            while len(self._verdicts) > MOST_VERDICTS:
                del self._verdicts[next(iter(self._verdicts))]
        return _sent(answer)

    async def report(self, request: web.Request) -> web.Response:
        answer = _sent(await self._slow.ask("report", SLOW_S, session=request.match_info["session"]))
        if answer.content_type == "text/html":
            answer.headers["Content-Security-Policy"] = PAGE
        return answer

    async def report_page(self, request: web.Request) -> web.Response:
        """The same under an address that needs no token."""
        self._judge(request)
        return await self.report(request)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The session file itself, or an export as a ZIP."""
        form, session = request.match_info["form"], request.match_info["session"]
        self._judge(request)
        if form not in FORMS:
            raise Refused(404, "there is no such export", f"there are {', '.join(FORMS)}")
        out = Path(tempfile.mkdtemp(prefix="ablate-export-"))
        try:
            if form == "file":
                answer = await self._quick.ask("file", QUICK_S, session=session)
            else:
                answer = await self._slow.ask("export", SLOW_S, session=session, form=form, out=str(out))
            if not answer.ok:
                return _sent(answer)
            return await _streamed(request, Path(answer.body.decode()))
        finally:
            await asyncio.to_thread(shutil.rmtree, out, ignore_errors=True)

    def _judge(self, request: web.Request) -> None:
        signed = query(request, queries.Signed)
        if not self._links.good(request.path, signed.until, signed.key):
            raise Refused(403, "this address is not good any more", "open it from the session's page again")

    # -- playback

    async def play(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() != "websocket":
            raise Refused(426, "a session is played over a WebSocket", "open it from the session's page")
        speed = query(request, queries.Played).speed
        opened = await self._sockets.open(request)
        try:
            if opened.hello is None:
                return opened.socket
            if self._players >= MOST_PLAYERS:
                await opened.socket.send_json(
                    {"type": "refused", "text": f"{MOST_PLAYERS} sessions are played already"}
                )
                await opened.socket.close(code=4013, message=b"too many are played")
                return opened.socket
            self._players += 1
            try:
                await Player(self._quick, opened.socket, request.match_info["session"], speed).run()
            finally:
                self._players -= 1
            return opened.socket
        finally:
            self._sockets.done(opened)

    # -- protocols

    async def protocols(self, request: web.Request) -> web.Response:
        return _sent(await self._quick.ask("protocols", QUICK_S))

    async def protocol(self, request: web.Request) -> web.Response:
        return _sent(await self._quick.ask("protocol", QUICK_S, name=request.match_info["protocol"]))

    async def dry_run(self, request: web.Request) -> web.Response:
        asked = await body(request, queries.DryRunAsked)
        name = request.match_info["protocol"]
        known = await self._quick.ask("protocol", QUICK_S, name=name)
        if not known.ok:
            return _sent(known)
        return told_json(self._dry_runs.begin(name, asked.tissue).model_dump(), status=202)

    async def dry_run_state(self, request: web.Request) -> web.Response:
        return told_json(self._dry_runs.get(request.match_info["job"]).model_dump())

    async def dry_run_cancel(self, request: web.Request) -> web.Response:
        await body(request, queries.Nothing)
        return told_json((await self._dry_runs.cancel(request.match_info["job"])).model_dump())


def _told(handler: Handler) -> Handler:
    """A handler with its place in the document."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(request)

    name = getattr(handler, "__name__", "")
    return api(TOLD[name])(says_hello(handle) if name == "play" else handle)


async def _streamed(request: web.Request, path: Path) -> web.StreamResponse:
    """A file to be kept, piece by piece; it may go when this returns."""
    size = (await asyncio.to_thread(path.stat)).st_size
    sent = web.StreamResponse(
        headers={
            "Content-Type": mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            "Content-Length": str(size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(path.name)}",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
    )
    with await asyncio.to_thread(path.open, "rb") as file:
        await sent.prepare(request)
        while piece := await asyncio.to_thread(file.read, PIECE):
            await sent.write(piece)
    await sent.write_eof()
    return sent


def _sent(answer: Answer) -> web.Response:
    """As it came from the process."""
    return web.Response(status=answer.status, body=answer.body, content_type=answer.type, charset="utf-8")
