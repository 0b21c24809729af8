"""Something done to the whole daemon while 40 W flow, on virtual time, and what became of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from controller.daemon.desk import Desk
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import acted, of, protocol, until

STEADY = {"kind": "constant-power", "power_w": 40.0, "duration_s": 12.0}
Inject = Callable[[Rehearsal], object]


async def fired(desk: Desk, path: str) -> None:
    await until(desk, "SAFE")
    await desk.prepare(path, "anna")
    await until(desk, "READY")
    await desk.arm("anna")
    assert (await desk.fire("anna"))["ok"]
    await held(desk, 2.0)


async def held(desk: Desk, seconds: float) -> None:
    for _ in range(round(seconds / 0.1)):
        await desk.renew()
        await asyncio.sleep(0.1)


def injected(
    folder: Path, inject: Inject, seconds: float = 4.0, **more: Any
) -> tuple[list[dict[str, Any]], float, float]:
    """Trips of an application of 40 W into which ``inject`` went 2 s after FIRE; when power ended after it, s; what is
    left of it, W."""
    told: dict[str, float] = {}
    path = protocol(folder, STEADY)

    async def act(run: Rehearsal, desk: Desk) -> None:
        await fired(desk, path)
        assert run.power.now_w() > 30.0
        begin_s = run.daemon._loop.time()
        found = inject(run)
        if isinstance(found, Awaitable):
            await found
        await held(desk, seconds)
        off_s = run.power.off_since_s()
        told["off_s"] = math.inf if off_s is None else off_s - begin_s
        told["power_w"] = run.power.now_w()

    events = acted(folder, path, act, **more)
    return of(events, "trip"), told["off_s"], told["power_w"]


def first(trips: list[dict[str, Any]]) -> tuple[str, str]:
    return trips[0]["hazard"], trips[0]["monitor"]
