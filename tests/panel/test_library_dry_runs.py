"""Dry runs from the panel: one at a time, in a process of their own, and cancellable."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from controller.panel.api import Refused
from controller.panel.dry_runs import DryRuns
from controller.panel.library_aside import Told
from tests.panel.shelf import Shelf, shelf

FOUND = {
    "protocol": "p", "tissue": "t", "model": "m", "duration_s": 1.0, "energy_j": 2.0, "mean_w": 2.0, "rolloffs": 0,
    "stopped": "", "zone": {"long_axis_mm": 1.0}, "picture": None,
}  # fmt: skip


@pytest.fixture
async def panel(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with shelf(tmp_path) as served:
        yield served


class StandIn:
    """An aside that answers when it is told to, and counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []
        self.answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self.closed = False

    async def ask(self, verb: str, limit_s: float, **fields: object) -> Told:
        self.asked.append((verb, fields["name"]))
        return await self.answer

    async def close(self) -> None:
        self.closed = True


async def ended(panel: Shelf, told: dict[str, Any]) -> dict[str, Any]:
    while told["state"] == "running":
        await asyncio.sleep(0.05)
        _, told = await panel.get(f"dry-runs/{told['job']}")
    return told


async def test_what_a_protocol_would_do_and_why_not(panel: Shelf) -> None:
    status, told = await panel.post("protocols/demo-30s/dry-run", {"tissue": "exvivo_porcine"})
    assert (status, told["state"]) == (202, "running")
    found = (await ended(panel, told))["predicted"]
    assert (found["protocol"], found["tissue"], found["duration_s"]) == ("demo-30s", "exvivo_porcine", 30.0)
    assert 30.0 < found["zone"]["long_axis_mm"] < 40.0
    assert found["mean_w"] == pytest.approx(found["energy_j"] / 30.0, abs=0.1)
    assert len(found["picture"]["temperature_c"]) == len(found["picture"]["r_mm"])

    _, told = await panel.post("protocols/demo-30s/dry-run", {"tissue": "marzipan"})
    told = await ended(panel, told)
    assert told["state"] == "failed"
    assert "unknown tissue 'marzipan': there are agar" in told["error"]
    _, told = await panel.post("protocols/microwave-100w-5min/dry-run", {})
    assert "written for microwave" in (await ended(panel, told))["error"]
    assert (await panel.post("protocols/nothing/dry-run", {}))[0] == 404
    bodies: tuple[object, ...] = ({"tissue": "../x"}, {"tissue": ""}, {"other": 1}, [])
    for body in bodies:
        assert (await panel.post("protocols/demo-30s/dry-run", body))[0] == 400


async def test_a_cancelled_one_leaves_room_for_the_next(panel: Shelf) -> None:
    _, first = await panel.post("protocols/cooled-needle-3cm-12min/dry-run", {})
    status, refused = await panel.post("protocols/demo-30s/dry-run", {})
    assert (status, refused["ok"]) == (409, False)
    assert first["job"] in refused["error"]
    _, cancelled = await panel.post(f"dry-runs/{first['job']}/cancel", {})
    assert cancelled["state"] == "cancelled"
    _, second = await panel.post("protocols/demo-30s/dry-run", {})
    assert (await ended(panel, second))["state"] == "done"
    _, still = await panel.get(f"dry-runs/{first['job']}")
    assert still["state"] == "cancelled"


async def over(runs: DryRuns, job: str) -> None:
    for _ in range(10):
        await asyncio.sleep(0)
    assert runs.get(job).state != "running"


async def test_the_same_is_not_started_twice() -> None:
    aside, now = StandIn(), [0.0]
    runs = DryRuns(aside, lambda: now[0])  # type: ignore[arg-type]
    job = runs.begin("a", None).job
    await asyncio.sleep(0)
    now[0] = 2.5
    assert runs.begin("a", None).job == job
    assert runs.get(job).elapsed_s == 2.5
    with pytest.raises(Refused, match="a dry run of a is being computed"):
        runs.begin("a", "agar")
    aside.answer.set_result(Told(200, "application/json", json.dumps(FOUND).encode()))
    await over(runs, job)
    assert aside.asked == [("predict", "a")]
    assert runs.get(job).predicted is not None
    await runs.close()
    assert aside.closed


async def test_only_the_newest_are_kept() -> None:
    aside = StandIn()
    aside.answer.set_result(Told(504, "application/json", b'{"ok":false,"error":"late","remedy":"wait"}'))
    runs = DryRuns(aside, lambda: 0.0)  # type: ignore[arg-type]
    jobs = []
    for number in range(10):
        jobs.append(runs.begin(f"p{number}", None).job)
        await over(runs, jobs[-1])
    assert runs.get(jobs[-1]).error == "late; wait"
    with pytest.raises(Refused, match="no such dry run"):
        runs.get(jobs[0])
    await runs.close()
