"""A panel's server without a bench behind it: what a rehearsed application said, tick by tick, over the panel's own
WebSocket and REST. For working on the page and for tests of it; it obeys the page's acts as far as the recording goes.

    python -m tests.panel.fake_panel [--scene NAME] [--port 8499]       prints the page's address

Scenes: silent, frozen, gone, safe, blocked, ready, armed, firing, tripped, cool, done, prompt, real, replay; ``POST
/fake/scene {"scene": ...}`` changes it.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import importlib.util
import json
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from controller.config import setup
from controller.perform import perform
from controller.records.reader import find_sessions, open_session
from sim.clock import VirtualLoop
from sim.rehearsal import Rehearsal

STATIC = Path(__file__).parents[2] / "controller" / "panel" / "static"
TOKEN, VIEWER_TOKEN = "test-token", "test-viewer-token"
BENCH, PROTOCOL = "cooled-rf-sim", "demo-30s"
TICK_S = 0.05
UNSEEN = {"kernel", "inputs"}
CSP = (
    "default-src 'self'; connect-src 'self' ws://127.0.0.1:*; img-src 'self' data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass
class Take:
    """One rehearsed application: statuses at 20 Hz, events, and the specimen once a second."""

    statuses: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    specimens: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def first(self, state: str, after_s: float = 0.0) -> int:
        """Index of the first status in ``state``, ``after_s`` into it."""
        return next(i for i, told in enumerate(self.statuses) if told["state"] == state and told["state_s"] >= after_s)


def rehearse(*faults: str, door_open: bool = False) -> Take:
    """Rehearse the demonstration, looking at every tick."""
    take, joined = Take(), setup.load(BENCH, PROTOCOL)

    async def main(folder: Path) -> None:
        rehearsal = Rehearsal(joined, seed=1, faults=faults, out=folder)

        async def look(desk: Any) -> None:
            while True:
                status = await desk.status()
                if "t_s" in status:
                    if int(status["t_s"]) != int(take.statuses[-1]["t_s"] if take.statuses else 0):
                        seen = rehearsal.sim.snapshot()
                        picture = {name: array.tolist() for name, array in seen["picture"].items()}
                        take.specimens.append((status["t_s"], {"zone": seen["zone"], "picture": picture}))
                    take.statuses.append(copy.deepcopy(status))
                await asyncio.sleep(TICK_S)

        async def act(desk: Any, **wishes: Any) -> dict[str, Any]:
            looking = asyncio.get_running_loop().create_task(look(desk))
            try:
                await asyncio.sleep(2.0)
                if door_open:
                    rehearsal.sim.set_inputs({"door": False})
                    await asyncio.sleep(1.0)
                    await desk.prepare(PROTOCOL, "rehearsal")
                    await asyncio.sleep(12.0)
                else:
                    await perform(desk, PROTOCOL, **wishes)
                    await asyncio.sleep(3.0)
                found: dict[str, Any] = await desk.status()
                return found
            finally:
                looking.cancel()

        await rehearsal.run(act, lambda status: None, lambda: False)
        with open_session(find_sessions(folder)[-1]) as session:
            take.events += [
                {"seq": event.seq, "t_s": event.t_s, "kind": event.kind, "data": event.data}
                for event in session.events()
                if event.kind not in UNSEEN
            ]

    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=lambda: VirtualLoop()) as runner:
        runner.run(main(Path(folder)))
    return take


def columns(statuses: list[dict[str, Any]], shift_s: float) -> dict[str, list[Any]]:
    """Statuses as the history of a snapshot, ``shift_s`` later than they were."""
    found: dict[str, list[Any]] = {"t_s": [], "setpoint_w": []}
    for status in statuses:
        row = {"t_s": status["t_s"] + shift_s, "setpoint_w": status["setpoint_w"]}
        for name, value in status["values"].items():
            row.update({f"{name}[{i}]": v for i, v in enumerate(value)} if isinstance(value, list) else {name: value})
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return found


class FakePanel:
    """One bench, any number of pages. ``scene`` may be set at any time; ``acts`` is what the pages asked for."""

    def __init__(self, scene: str = "safe") -> None:
        self.good, self.bad, self.shut = rehearse(), rehearse("pump.stall@15"), rehearse(door_open=True)
        self.acts: list[tuple[str, dict[str, Any]]] = []
        self.controller: str | None = None
        self.pressed_at = 0.0
        self._sockets: dict[web.WebSocketResponse, str] = {}
        self._seq = 0
        self.set(scene)

    # ---- scenes

    def set(self, scene: str) -> None:
        """Go to ``scene``."""
        self.scene, self.take = scene, self.good
        self.until: int | None = None
        self.patch: dict[str, Any] = {}
        good = self.good
        spot = {
            "ready": ("READY", good.first("ARMED") - 1),
            "armed": ("ARMED", good.first("FIRING") - 1),
            "prompt": ("READY", good.first("ARMED") - 1),
            "firing": ("FIRING", good.first("COOLDOWN") - 2),
            "real": ("ARMED", good.first("FIRING") - 1),
            "cool": ("COOLDOWN", good.first("COOLDOWN", 1.0)),
            "replay": ("FIRING", len(good.statuses) - 1),
        }.get(scene)
        if spot is not None:
            self.at, self.until = good.first(spot[0], 4.0 if scene == "firing" else 0.0), spot[1]
        elif scene == "tripped":
            self.take, self.at = self.bad, self.bad.first("TRIPPED") - 20
            self.until = len(self.bad.statuses) - 1
        elif scene == "blocked":
            self.take, self.at = self.shut, self.shut.first("PRECHECK")
            self.until = len(self.shut.statuses) - 1
        elif scene == "done":
            self.at = self.until = len(good.statuses) - 1
        else:
            self.at = self.until = good.first("SAFE", 1.0)
        if scene == "prompt":
            told = {"id": 3, "kind": "deploy", "text": "deploy the array to 3 cm", "value": 30.0, "unit": "mm"}
            self.patch = {"prompt": told}
        if scene == "real":
            self.patch = {"simulated": False, "banner": ""}
        self._held_s, self._shift_s, self._t0 = 0.0, 0.0, time.time() - self.take.statuses[self.at]["t_s"]

    def go(self, state: str, until: int) -> None:
        """Play on from ``state``."""
        t_s = self.status()["t_s"]
        self.at, self.until, self._held_s = self.take.first(state), until, 0.0
        self._shift_s = t_s + TICK_S - self.take.statuses[self.at]["t_s"]

    def status(self) -> dict[str, Any]:
        """The one of this tick, as it would be if the bench had waited."""
        told, held_s = self.take.statuses[self.at], self._held_s
        left = told["left_s"]
        return {
            **told,
            **self.patch,
            "t_s": told["t_s"] + self._shift_s + held_s,
            "state_s": told["state_s"] + held_s,
            "left_s": None if left is None else max(0.0, left - held_s),
            "ticks": told["ticks"] + round(held_s / TICK_S),
            "record": {**told["record"], "age_s": 0.04, "rows": 27 * (told["ticks"] + round(held_s / TICK_S))},
            "pids": {"daemon": 1000, "watchdog": 999},
        }

    def events(self) -> list[dict[str, Any]]:
        t_s = self.take.statuses[self.at]["t_s"]
        return [
            {
                **told,
                "t_s": told["t_s"] + self._shift_s,
                "utc": datetime.fromtimestamp(self._t0 + self._shift_s + told["t_s"], UTC).isoformat(),
            }
            for told in self.take.events
            if told["t_s"] <= t_s
        ]

    def bench(self) -> dict[str, Any]:
        told = setup.load(BENCH, PROTOCOL).bench.bench
        real = self.scene == "real"
        return {
            "name": told.bench,
            "modality": "rf",
            "applicator": self.good.statuses[0]["applicator"],
            "banner": "" if real else "SIMULATED",
            "foot": not real,
            "roles": told.roles.model_dump(mode="json"),
            "limits": self.good.statuses[self.good.first("READY")]["limits"],
            "devices": {name: {"driver": device.driver, "port": device.port} for name, device in told.devices.items()},
            "channels": {},
            "versions": {"openablate": "0"},
        }

    # ---- the clock

    async def run(self) -> None:
        """Tell every page what this tick says; end with the task."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s += TICK_S  # absolute: statuses carry the clock of a bench that keeps its time
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            before = len(self.events())
            if self.until is not None and self.at < self.until:
                self.at += 1
            else:
                self._held_s += TICK_S
            held = self.take is self.good and self.take.statuses[self.at]["state"] == "FIRING" and self.pressed_at
            if held and time.monotonic() - self.pressed_at > 0.3:
                self.pressed_at = 0.0
                self.go("COOLDOWN", len(self.good.statuses) - 1)
            if self.scene in ("silent", "frozen", "gone"):
                continue
            self._seq += 1
            await self.say({"type": "status", **self.stamp(), "status": self.status()})
            if new := self.events()[before:]:
                await self.say({"type": "events", "events": new, **self.playback()})

    def stamp(self) -> dict[str, Any]:
        return {"seq": self._seq, "sent_ms": time.time() * 1000.0, **self.playback()}

    def playback(self) -> dict[str, Any]:
        if self.scene != "replay":
            return {}
        t_s = self.status()["t_s"] - self.good.statuses[0]["t_s"]
        return {"playback": {"session": "00VHNCZB00DQ2X9N22PMYK30TJ", "t_s": t_s, "speed": 1.0, "duration_s": 36.0}}

    async def say(self, message: dict[str, Any]) -> None:
        for socket in list(self._sockets):
            if not socket.closed:
                await socket.send_json(message)

    # ---- the wire

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=4096)
        await socket.prepare(request)
        hello = await socket.receive_json(timeout=3.0)
        if hello.get("token") not in (TOKEN, VIEWER_TOKEN):
            await socket.close(code=4401, message=b"token")
            return socket
        client, may = str(hello["client"]), hello["token"] == TOKEN
        if self.scene != "silent":
            role = "controller" if may and self.controller == client else "may_control" if may else "viewer"
            await socket.send_json(
                {
                    "type": "snapshot",
                    **self.stamp(),
                    "status": self.status(),
                    "bench": self.bench(),
                    "history": columns(self.take.statuses[: self.at + 1], self._shift_s),
                    "events": self.events(),
                    "you": {"role": role},
                    "controller": self.controller,
                }
            )
        if self.scene == "gone":
            await socket.send_json({"type": "gone", "text": "no daemon answers at control.sock"})
        self._sockets[socket] = client
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self.heard(socket, json.loads(message.data))
        finally:
            del self._sockets[socket]
        return socket

    async def heard(self, socket: web.WebSocketResponse, told: dict[str, Any]) -> None:
        kind = told["type"]
        if kind == "ping":
            await socket.send_json({"type": "pong", "id": told["id"], "sent_ms": time.time() * 1000.0})
            return
        if kind != "foot" or not self.acts or self.acts[-1] != ("foot", told):
            self.acts.append((kind, told))
        if kind == "stop":
            self.stopped()
        elif kind == "foot" and told["pressed"]:
            state = self.take.statuses[self.at]["state"]
            if state == "ARMED":
                self.go("FIRING", len(self.good.statuses) - 1)
            self.pressed_at = time.monotonic()

    def stopped(self) -> None:
        state = self.take.statuses[self.at]["state"]
        if state == "FIRING":
            self.go("COOLDOWN", len(self.take.statuses) - 1)
        elif state not in ("TRIPPED", "COOLDOWN"):
            self.set("safe")

    async def act(self, request: web.Request) -> web.Response:
        verb = request.match_info["verb"]
        asked = await request.json() if request.can_read_body else {}
        self.acts.append((verb, asked))
        if request.headers.get("Authorization") != f"Bearer {TOKEN}" and verb != "stop":
            return web.json_response({"ok": False, "error": "this token may look and stop, no more"}, status=403)
        if verb == "control/take":
            self.controller = str(asked.get("client") or next(iter(self._sockets.values()), ""))
            await self.say({"type": "control", "controller": self.controller})
        elif verb == "control/release":
            self.controller = None
            await self.say({"type": "control", "controller": None})
        elif verb == "prepare":
            self.set("safe")
            self.go("PRECHECK", self.good.first("ARMED") - 1)
        elif verb == "arm":
            self.go("ARMED", self.good.first("FIRING") - 1)
        elif verb == "stop":
            self.stopped()
        elif verb == "confirm":
            self.patch = {}
        elif verb == "reset":
            self.set("safe")
        elif verb == "silence":
            self.patch = {"alarms": {**self.status()["alarms"], "sound": None, "paused_s": 120.0}}
        return web.json_response({"ok": True, "state": self.status()["state"]})

    async def specimen(self, request: web.Request) -> web.Response:
        if self.scene == "real":
            return web.json_response({"ok": False, "error": "nothing is known of the specimen"}, status=404)
        t_s = self.take.statuses[self.at]["t_s"]
        told = [seen for at_s, seen in self.take.specimens if at_s <= t_s][-1]
        return web.json_response({"ok": True, **told})

    async def protocols(self, request: web.Request) -> web.Response:
        names = sorted(path.stem for path in (STATIC.parents[1] / "data" / "protocols").glob("*.yaml"))
        return web.json_response({"protocols": [{"name": name, "modality": "rf"} for name in names]})

    async def set_scene(self, request: web.Request) -> web.Response:
        self.set((await request.json())["scene"])
        for socket in list(self._sockets):
            await socket.close()
        return web.json_response({"ok": True})

    def app(self) -> web.Application:
        """With the page at ``/``."""
        app = web.Application(middlewares=[_guarded])
        found = importlib.util.find_spec("uplot")
        assert found is not None and found.origin is not None
        app.router.add_get("/", lambda _: web.FileResponse(STATIC / "index.html"))  # type: ignore[arg-type,return-value]
        app.router.add_get("/api/v1/stream", self.stream)
        app.router.add_get("/api/v1/specimen", self.specimen)
        app.router.add_get("/api/v1/protocols", self.protocols)
        app.router.add_post("/fake/scene", self.set_scene)
        app.router.add_post("/api/v1/{verb:.+}", self.act)
        app.router.add_static("/static/uplot", Path(found.origin).parent / "static")
        app.router.add_static("/static", STATIC)

        async def ticking(_: web.Application) -> Any:
            task = asyncio.get_running_loop().create_task(self.run())
            yield
            task.cancel()

        app.cleanup_ctx.append(ticking)
        return app


@web.middleware
async def _guarded(request: web.Request, handler: Any) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    if not response.prepared:
        response.headers.update({"Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff"})
        response.headers["Cache-Control"] = "no-store"
    return response


def main() -> None:
    """See the module's text."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--scene", default="safe")
    asked.add_argument("--port", type=int, default=8499)
    options = asked.parse_args()
    panel = FakePanel(options.scene)
    print(f"http://127.0.0.1:{options.port}/#token={TOKEN}", flush=True)
    web.run_app(panel.app(), host="127.0.0.1", port=options.port, print=None)


if __name__ == "__main__":
    main()
