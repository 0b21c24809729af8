"""Fixtures of the panel's tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from controller.daemon.desk import Desk
from controller.panel import metrics
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import acted, protocol
from tests.panel.rig import Rig, rigged
from tests.panel.scraping import Seen


@pytest.fixture
async def rig(short_dir: Path) -> AsyncIterator[Rig]:
    """A panel before a daemon that answers."""
    async with rigged(short_dir) as made:
        yield made


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Status and look of a daemon that has ticked for some seconds, as its socket tells them."""
    folder = tmp_path_factory.mktemp("m")
    told: list[dict[str, Any]] = []

    async def act(run: Rehearsal, desk: Desk) -> None:
        await asyncio.sleep(4.0)
        told.extend([await desk.status(), await desk.look()])

    acted(folder, protocol(folder), act)
    status, look = json.loads(json.dumps(told))
    return {**status, "session_file": None}, look


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """No page is shared."""
    monkeypatch.setattr(metrics, "SHARED_S", 0.0)
