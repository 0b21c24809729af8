"""A panel with nothing but the library behind the panel's own guard, on a free port; and sessions to put into it."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from controller.config.setup import load
from controller.panel import library_work
from controller.panel.guards import Guard, Tokens
from controller.panel.library import Library
from controller.panel.sockets import Sockets
from controller.records.reader import open_session
from controller.records.schema import SCHEMA_VERSION
from sim.rehearsal import rehearse
from tests.report.applications import application

PROTOCOL = """\
protocol: three-seconds
source: no publication, a test
modality: rf
applicator: {kind: cooled-needle, active_tip_mm: 30}
law: {kind: constant-power, power_w: 40, duration_s: 3}
cooling: {flow_ml_min: 80}
"""


@dataclass
class Place:
    """What the library is given."""

    records: Path
    bench_reference: str
    sockets: Sockets


@dataclass
class Shelf:
    """A client of that panel. ``token`` is sent with every request."""

    http: aiohttp.ClientSession
    url: str
    token: str
    library: Library

    async def get(self, path: str, **query: object) -> tuple[int, Any]:
        """Status and JSON of a GET below ``/api/v1``."""
        params = {name: str(value) for name, value in query.items()}
        async with self.http.get(f"{self.url}/api/v1/{path}", params=params) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, body: object) -> tuple[int, Any]:
        async with self.http.post(f"{self.url}/api/v1/{path}", json=body) as answer:
            return answer.status, await answer.json()

    @contextlib.asynccontextmanager
    async def playing(self, session: str, speed: float) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A playback that has said hello."""
        address = f"{self.url}/api/v1/sessions/{session}/play?speed={speed}"
        async with self.http.ws_connect(address, headers={"Origin": self.url}) as ws:
            await ws.send_json({"type": "hello", "token": self.token, "client": "test"})
            yield ws


@contextlib.asynccontextmanager
async def shelf(records: Path, bench: str = "cooled-rf-sim") -> AsyncIterator[Shelf]:
    """Serve ``records``."""
    tokens = Tokens.new()
    sockets = Sockets(tokens)
    library = Library(Place(records, bench, sockets))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        app = web.Application(middlewares=[Guard(port, tokens).middleware])  # type: ignore[list-item]
        app.add_routes(library.routes())
        runner = web.AppRunner(app, shutdown_timeout=0.5)
        await runner.setup()
        await web.SockSite(runner, listening).start()
        headers = {"Authorization": f"Bearer {tokens.control}"}
        try:
            async with aiohttp.ClientSession(headers=headers) as http:
                yield Shelf(http, f"http://127.0.0.1:{port}", tokens.control, library)
        finally:
            await sockets.close()
            await runner.cleanup()
            await library.close()


def recorded(folder: Path, **asked: Any) -> Path:
    """Record three seconds of energy on the simulated bench, as the whole stack does; the session file."""
    folder.mkdir(parents=True, exist_ok=True)
    protocol = folder / "three-seconds.yaml"
    protocol.write_text(PROTOCOL, encoding="utf-8")
    result = rehearse(load("cooled-rf-sim", protocol), out=folder / "sessions", **asked)
    return Path(result["session_file"])


def furnished(folder: Path) -> Path:
    """The folder of a session that completed, of one that tripped, and of what else may lie there."""
    recorded(folder)
    recorded(folder, seed=2, faults=["pump.stall@4"])
    sessions = folder / "sessions"
    (sessions / "broken.ablate").write_bytes(b"this is no session" * 100)
    (sessions / "empty.ablate").touch()
    newer = application(sessions, bench="newer")
    with sqlite3.connect(newer) as db:
        db.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    db.close()
    newer.rename(sessions / "newer.ablate")
    (folder / "outside.ablate").write_bytes((sessions / "broken.ablate").read_bytes())
    return sessions


def ids_of(records: Path) -> dict[str, str]:
    """Result -> id."""
    found = {}
    for path in records.rglob("2*.ablate"):
        with open_session(path) as session:
            found[session.summary["result"]] = session.header["id"]
    return found


class Desk:
    """What the library's process answers, without the process: status and JSON."""

    def __init__(self, records: Path, bench: str = "cooled-rf-sim") -> None:
        self._library = library_work.Library(records, bench)

    def __call__(self, verb: str, **asked: object) -> tuple[int, Any]:
        answer = self._library.answer({"verb": verb, **asked})
        return answer.status, json.loads(answer.body)

    def list(self, find: str = "", limit: int = 50, offset: int = 0) -> Any:
        return self("list", find=find, limit=limit, offset=offset, verdicts={}, budget_s=10.0)[1]
