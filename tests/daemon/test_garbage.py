"""What a tick leaves behind is freed by counting references: a collector that never runs finds nothing to do."""

from __future__ import annotations

import collections
import gc
from pathlib import Path
from typing import Any

import pytest

from controller.daemon.desk import Desk
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import acted, protocol, until

TICKS = 100


@pytest.fixture
def uncollected(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``gc.collect`` as it is; the daemon's own sweeps do nothing."""
    collect = gc.collect
    monkeypatch.setattr(gc, "collect", lambda generation=2: 0)
    return collect


async def left_behind(run: Rehearsal, collect: Any) -> collections.Counter[str]:
    """What only a collector could free after ``TICKS`` ticks, by type."""
    assert not gc.isenabled()
    gc.set_debug(0)
    collect()
    before = run.daemon.control.ticks
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        while run.daemon.control.ticks < before + TICKS:
            await run.daemon.judged()
            await run.daemon.desk.renew()  # as the foreground does that holds
        collect()
        return collections.Counter(type(each).__name__ for each in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_no_cycle_is_made_in_a_tick_at_rest_or_under_power(tmp_path: Path, uncollected: Any) -> None:
    found: dict[str, collections.Counter[str]] = {}
    long = protocol(tmp_path, {"kind": "constant-power", "power_w": 20.0, "duration_s": 60.0})

    async def act(run: Rehearsal, desk: Desk) -> None:
        await until(desk, "SAFE")
        assert gc.get_freeze_count() > 10_000  # what start-up made is not looked at again
        found["SAFE"] = await left_behind(run, uncollected)
        assert (await desk.prepare(long, "test"))["ok"]
        await until(desk, "READY")
        assert (await desk.arm("test"))["ok"]
        assert (await desk.fire("test"))["ok"]
        await until(desk, "FIRING")
        found["FIRING"] = await left_behind(run, uncollected)
        status = await desk.status()
        assert (status["state"], status["values"]["power_w"] > 10.0) == ("FIRING", True)
        await desk.stop("test", "seen enough")
        found["COOLDOWN"] = await left_behind(run, uncollected)

    acted(tmp_path, long, act)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    assert found == {"SAFE": {}, "FIRING": {}, "COOLDOWN": {}}
