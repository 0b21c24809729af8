"""What the panel's routes share."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from controller.config.loading import LoadedBench
from controller.panel import facts
from controller.panel.api import Refused
from controller.panel.controller_role import ControllerRole
from controller.panel.following import Follower
from controller.panel.foot import Foot
from controller.panel.guards import Guard, May, Tokens
from controller.panel.link import Link
from controller.panel.sockets import Sockets
from controller.panel.stream import Hub
from controller.providers import Providers

CLIENT = "X-Client"
"""The header in which a page says which one it is."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass
class Context:
    """One bench and whoever looks at it. ``records``: the folder of its sessions; ``bench_reference``: what loads the
    same bench elsewhere."""

    loaded: LoadedBench
    bench_reference: str
    runtime_dir: Path
    records: Path
    providers: Providers
    tokens: Tokens
    port: int
    link: Link = field(init=False)
    follower: Follower = field(init=False)
    hub: Hub = field(init=False)
    role: ControllerRole = field(init=False)
    foot: Foot = field(init=False)
    guard: Guard = field(init=False)
    sockets: Sockets = field(init=False)

    def __post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.link = Link(self.runtime_dir / "control.sock", self.loaded.bench.tick_hz)
        self.follower = Follower(self.loaded.bench.roles.model_dump(mode="json"))
        self.hub = Hub(self.snapshot, lambda: self.follower.rows)
        self.role = ControllerRole(loop.time)
        self.foot = Foot(self._press)
        self.guard = Guard(self.port, self.tokens)
        self.sockets = Sockets(self.tokens)
        self._tasks: set[asyncio.Task[object]] = set()

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        """Do ``work`` without waiting for it."""
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait for what was spawned."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _press(self, pressed: bool) -> bool:
        return await self.providers.foot(str(self.runtime_dir), pressed)

    @property
    def status(self) -> dict[str, Any] | None:
        """The newest one, with the moment it is of (in BOOT: of its arrival); None while the daemon does not answer."""
        found = self.link.status
        return {"t_s": self.link.t_s, **found} if found is not None else None

    def session_file(self) -> str | None:
        """The open session's."""
        return (self.link.status or {}).get("session_file")

    def bench(self) -> dict[str, Any]:
        """``GET bench``."""
        return facts.bench(self.loaded, self.follower, self.providers.simulated, self.foot.there)

    def snapshot(self) -> dict[str, Any]:
        """Everything that a page must know to show the bench."""
        return {
            "status": self.status,
            "bench": self.bench(),
            "history": self.follower.history.last(),
            "events": self.follower.events,
            "controller": self.role.now,
        }

    # -- who asks

    def client(self, request: web.Request) -> str:
        """The page that asks; empty when it does not say. Raises :class:`Refused` for what is no name."""
        told = request.headers.get(CLIENT, "")
        if told and not _NAME.fullmatch(told):
            raise Refused(400, f"{CLIENT} is no name", "letters, digits, - and _, at most 64")
        return told

    def may_control(self, request: web.Request) -> None:
        """Refuse whoever may only look. Raises :class:`Refused`."""
        if self.guard.may(request) is not May.CONTROL:
            raise Refused(403, "this link is for looking and for STOP", "the controlling link: `ablate panel`")

    def controls(self, request: web.Request) -> str:
        """The page that asks, which must be the one that controls. Raises :class:`Refused`, saying who does."""
        self.may_control(request)
        client, holder = self.client(request), self.role.now
        if not client:
            raise Refused(403, f"the page does not say who it is ({CLIENT})", "send the header, and take control")
        if holder is None:
            raise Refused(403, "nobody controls this bench", "take control first")
        if client != holder:
            raise Refused(403, f"another page controls this bench ({holder[:8]})", "take control first; it is told")
        self.role.seen(client)
        return f"panel {client[:8]}"


CONTEXT = web.AppKey("context", Context)
