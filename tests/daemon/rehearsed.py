"""Acts of an operator on the shipped simulated bench, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from controller.config import setup as setups
from controller.daemon.desk import Desk
from controller.records.reader import Event, open_session
from sim.clock import VirtualLoop
from sim.rehearsal import Rehearsal

Act = Callable[[Rehearsal, Desk], Awaitable[Any]]

CONSTANT = {"kind": "constant-power", "power_w": 20.0, "duration_s": 6.0}


def protocol(folder: Path, law: Mapping[str, Any] = CONSTANT, name: str = "short", **more: Any) -> str:
    """A short protocol for ``cooled-rf-sim`` in ``folder``; its path."""
    data = {
        "protocol": name,
        "source": "no publication: a protocol of the daemon's tests",
        "modality": "rf",
        "applicator": {"kind": "cooled-needle", "active_tip_mm": 30},
        "law": dict(law),
        "cooling": {"flow_ml_min": 80, "prime_s": 0.5, "run_on_s": 1.0},
        **more,
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return str(path)


def shipped() -> dict[str, Any]:
    """``cooled-rf-sim`` as its file says it."""
    data: dict[str, Any] = yaml.safe_load(setups.load("cooled-rf-sim", "demo-30s").bench.path.read_text())
    return data


def bench(folder: Path, **more: Any) -> str:
    """``cooled-rf-sim`` with other or further keys; its path."""
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump({**shipped(), **more}, sort_keys=False))
    return str(path)


@contextlib.asynccontextmanager
async def ticking(run: Rehearsal) -> AsyncIterator[Desk]:
    """Its daemon at work, which then ends as it does after a last application."""
    ticks: asyncio.Task[None] | None = None
    try:
        await run.daemon.start()
        ticks = asyncio.create_task(run.daemon.run(), name="daemon")
        yield run.daemon.desk
        await run.daemon.desk.shutdown("test")
        await ticks
    finally:
        if ticks is not None:
            ticks.cancel()
            await asyncio.gather(ticks, return_exceptions=True)
        await run.daemon.close()
        run.sim.stop()


def acted(
    folder: Path,
    protocol: str,
    act: Act,
    on: str = "cooled-rf-sim",
    *,
    faults: tuple[str, ...] = (),
    seed: int = 1,
    before: Callable[[Rehearsal], None] = lambda run: None,
) -> list[Event]:
    """What the record holds after ``act``; the daemon has then ended as it does after a last application. ``before``
    its start it may be changed.
    """
    setup = setups.load(on, protocol)

    async def main() -> Path:
        run = Rehearsal(setup, seed=seed, faults=faults, out=folder)
        before(run)
        async with ticking(run) as desk:
            await act(run, desk)
        return run.daemon.recorder.path

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(float("inf"))) as runner:
        path = runner.run(main())
    with open_session(path) as session:
        return session.events()


async def until(desk: Desk, state: str) -> None:
    """Wait for a state."""
    for _ in range(300):
        if (await desk.status())["state"] == state:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"not {state} within 30 s")


def of(events: list[Event], kind: str) -> list[dict[str, Any]]:
    """The data of the events of one kind."""
    return [event.data for event in events if event.kind == kind]
