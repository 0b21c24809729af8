"""Defects of the daemon itself, in the whole of it on virtual time: tasks that die, one after the other (H26), and an
exception wherever a tick may meet one (H32).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest

from controller.config import setup as setups
from controller.records.reader import Event, open_session
from sim.clock import VirtualLoop
from sim.rehearsal import Rehearsal
from tests.daemon.injecting import STEADY, fired, first, injected
from tests.daemon.rehearsed import of, protocol

ACQUIRED = ("gen", "pump", "tc", "flow", "inputs")


class Defect(Exception):
    """What no code of the energy path expects."""


def fail(*_: Any, **__: Any) -> NoReturn:
    raise Defect("injected")


# ---- one task is dead and the others go on (H26)


@pytest.mark.parametrize("device", ACQUIRED)
def test_an_acquisition_that_dies_by_an_exception_trips(tmp_path: Path, device: str) -> None:
    def die(run: Rehearsal) -> None:
        run.daemon.instruments.acquired[device].poll = fail  # type: ignore[method-assign]

    trips, off_s, power_w = injected(tmp_path, die)
    assert first(trips) == ("H26", "acquisition")
    assert (trips[0]["device"], off_s <= 0.3, power_w) == (device, True, 0.0)


@pytest.mark.parametrize("device", ACQUIRED)
def test_an_acquisition_that_is_cancelled_trips(tmp_path: Path, device: str) -> None:
    def cancel(run: Rehearsal) -> None:
        (task,) = [task for task in run.daemon._tasks if task.get_name() == f"acquire {device}"]
        task.cancel()

    trips, off_s, power_w = injected(tmp_path, cancel)
    assert trips[0]["hazard"] in ("H15", "H26")
    assert (off_s <= (1.3 if device == "pump" else 0.4), power_w) == (True, 0.0)


def test_an_acquisition_that_waits_for_ever_trips(tmp_path: Path) -> None:
    """Of the pump, which nothing is asked of: its progress stands still."""

    async def never() -> list[Any]:
        await asyncio.Event().wait()
        return []

    def hang(run: Rehearsal) -> None:
        run.daemon.instruments.acquired["pump"].poll = never  # type: ignore[method-assign]

    trips, off_s, power_w = injected(tmp_path, hang)
    assert trips[0]["hazard"] == "H26"
    assert (off_s <= 1.3, power_w) == (True, 0.0)


# ---- an exception on the energy path (H32)


def test_a_law_that_raises_trips(tmp_path: Path) -> None:
    def break_law(run: Rehearsal) -> None:
        application: Any = run.daemon.control.application
        application.step = fail

    trips, off_s, power_w = injected(tmp_path, break_law)
    assert first(trips) == ("H32", "law")
    assert "Defect: injected" in trips[0]["text"]
    assert (off_s <= 0.2, power_w) == (True, 0.0)


class Crash(NamedTuple):
    """What became of a daemon. ``off_s``: from the defect to 0 W."""

    error: BaseException | None
    off_s: float
    power_w: float
    events: list[Event]


PLACES: dict[str, Callable[[Rehearsal], tuple[Any, str]]] = {
    "samples": lambda run: (run.daemon.hub, "take"),
    "the hash of its files": lambda run: (run.daemon.control, "_config_hash"),
    "demand": lambda run: (run.daemon.control, "_demand"),
    "gate": lambda run: (run.daemon.control._gate, "decide"),
    "set-point": lambda run: (run.daemon.instruments.source, "apply"),
    "heartbeat": lambda run: (run.daemon.around.watchdog, "beat"),
    "record": lambda run: (run.daemon.recorder, "tick"),
    "coolant": lambda run: (run.daemon.supply, "follow"),
    "latch": lambda run: (run.daemon.around.latch, "follow"),
    "alarms": lambda run: (run.daemon.alarms, "follow"),
    "telemetry": lambda run: (run.daemon.around.telemetry, "follow"),
    "course": lambda run: (run.daemon.course, "follow"),
    "clock": lambda run: (run.daemon._ticker, "next"),
}


def crashed(folder: Path, place: Callable[[Rehearsal], tuple[Any, str]]) -> Crash:
    """A daemon under 40 W in which ``place`` raises from 2 s after FIRE on."""
    path = protocol(folder, STEADY)

    async def main() -> tuple[BaseException | None, float, float, Path]:
        loop = asyncio.get_running_loop()
        run = Rehearsal(setups.load("cooled-rf-sim", path), seed=1, faults=(), out=folder)
        await run.daemon.start()
        ticks = asyncio.create_task(run.daemon.run(), name="daemon")
        try:
            await fired(run.daemon.desk, path)
            assert run.power.now_w() > 30.0
            begin_s = loop.time()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(*place(run), fail)
                await asyncio.wait({ticks}, timeout=1.0)
                await asyncio.sleep(1.0)
            off_s = run.power.off_since_s()
            took_s = math.inf if off_s is None else off_s - begin_s
            error = ticks.exception() if ticks.done() else None
            return error, took_s, run.power.now_w(), run.daemon.recorder.path
        finally:
            ticks.cancel()
            await asyncio.gather(ticks, return_exceptions=True)
            await run.daemon.close()
            run.sim.stop()

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(float("inf"))) as runner:
        error, off_s, power_w, session_file = runner.run(main())
    with open_session(session_file) as session:
        return Crash(error, off_s, power_w, session.events())


@pytest.mark.parametrize("place", PLACES)
def test_an_exception_anywhere_in_a_tick_is_off_and_recorded(tmp_path: Path, place: str) -> None:
    """The daemon ends by it: off is sent first, the lease has the rest, and behind both stands the watchdog."""
    crash = crashed(tmp_path, PLACES[place])
    assert isinstance(crash.error, Defect)
    assert (crash.off_s <= 0.2, crash.power_w) == (True, 0.0)
    assert of(crash.events, "crash") == [{"error": "Defect: injected"}]
