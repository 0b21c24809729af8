"""The latch and its ledger on disk, and daemons one after the other on the same bench."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest

from controller import held, lockout
from controller.daemon.desk import Desk
from controller.daemon.latch import LatchFile
from safety.types import Trip
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import acted, protocol, until

TRIP = Trip("H38", "coolant_flow", "flow", "flow.flow_ml_min", 3.0, 56.0, 0.1, 5.0, "flow is 3", "pump")
LATER = dataclasses.replace(TRIP, hazard="H04", monitor="off_unproven", lockout=True)
LOCKED = dataclasses.replace(TRIP, lockout=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "latch.json"


def test_a_trip_is_kept_until_it_is_reset_and_the_reset_is_kept(path: Path) -> None:
    file = LatchFile(path, "b")
    assert file.read(1.0) == (None, ())
    file.follow((TRIP,), ())
    file.follow((TRIP,), ())
    assert LatchFile(path, "b").read(9.0) == (TRIP, ())
    file.follow((), (8.0,))
    assert not path.exists()
    assert LatchFile(path, "b").read(9.0) == (None, (8.0,))


def test_a_lockout_that_follows_another_cause_is_a_lockout_at_the_next_start(path: Path) -> None:
    file = LatchFile(path, "b")
    file.follow((TRIP,), ())
    file.follow((TRIP, LATER), ())
    assert LatchFile(path, "b").read(9.0) == (LOCKED, ())


def test_a_latch_that_was_deleted_by_hand_is_a_lockout(path: Path) -> None:
    LatchFile(path, "b").follow((TRIP,), ())
    path.unlink()
    trip, _ = LatchFile(path, "b").read(9.0)
    assert trip is not None
    assert (trip.hazard, trip.lockout) == ("H74", True)
    LatchFile(path, "b").follow((trip,), ())  # the next daemon latches that
    again, _ = LatchFile(path, "b").read(9.0)
    assert again is not None
    assert (again.text, again.lockout) == (trip.text, True)


def test_a_disk_that_does_not_take_it_is_said_and_ends_nothing(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.write_text("no folder")
    LatchFile(path, "b").follow((TRIP,), ())
    assert "the latch could not be written" in caplog.text


def test_the_end_of_a_lockout_is_in_the_ledger(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = path.parent
    monkeypatch.setenv("ABLATE_STATE_DIR", str(bench.parent))
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(bench.parent / "run"))
    file = LatchFile(path, bench.name)
    file.follow((LOCKED,), (1.0, 2.0, 3.0))
    (bench.parent / "run" / bench.name).mkdir(parents=True)
    log = held.take_log(bench.parent / "run" / bench.name)  # as a daemon has it that nobody waits for
    assert "a daemon runs" in lockout.end_lockout(bench.name, "fuse replaced", bench.name)["error"]
    os.close(log)
    assert lockout.end_lockout(bench.name, "fuse replaced", bench.name) == {"ok": True}
    assert LatchFile(path, bench.name).read(9.0) == (None, ())
    assert json.loads((bench / "resets.jsonl").read_text())["reason"] == "fuse replaced"


def test_restart_and_reset_again_and_again_end_in_lockout(tmp_path: Path, path: Path) -> None:
    ends: list[Any] = []

    def on_disk(run: Rehearsal) -> None:
        run.daemon.around = dataclasses.replace(run.daemon.around, latch=LatchFile(path, "cooled-rf"))

    async def trip_and_reset(run: Rehearsal, desk: Desk) -> None:
        await until(desk, "SAFE")
        await desk.prepare(protocol(tmp_path), "anna")
        await until(desk, "READY")
        run.sim.add_fault("inputs.estop+1")
        await until(desk, "TRIPPED")
        await desk.ack("anna")
        for _ in range(40):
            if (await desk.reset("anna", "again"))["ok"]:
                break
            await asyncio.sleep(0.1)
        ends.append((await desk.status())["state"])

    async def look(run: Rehearsal, desk: Desk) -> None:
        await asyncio.sleep(1.0)
        ends.append((await desk.status())["state"])

    for _ in range(4):
        acted(tmp_path, protocol(tmp_path), trip_and_reset, before=on_disk)
    acted(tmp_path, protocol(tmp_path), look, before=on_disk)
    assert ends == ["SAFE", "SAFE", "SAFE", "LOCKOUT", "LOCKOUT"]
