"""The checklist on a simulated bench on virtual time: its hands are the provider's, faults are laid over them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from controller.commissioning.hands import Provided
from controller.commissioning.job import Job
from controller.commissioning.run import go_through, protocols
from controller.commissioning.table import Step, steps
from controller.config import setup as setups
from controller.config.loading import load_bench, load_protocol
from controller.daemon.desk import Desk
from sim import backdoor
from sim.clock import VirtualLoop
from sim.provider import touched
from sim.rehearsal import Rehearsal

Touched = Callable[[Rehearsal, str, str], bool | None]
"""(run, thing, how): None: hands do it; anything else: they do nothing more (a welded contact, swapped wires)."""


class Plant:
    """A rehearsal that can be begun again; a killed watchdog is one that says and refreshes nothing any more."""

    def __init__(self, setup: setups.Setup, folder: Path, faults: tuple[str, ...]) -> None:
        self._setup, self._folder, self._faults = setup, folder, faults
        self._seed = 0

    async def begin(self) -> None:
        self._seed += 1  # each session an id of its own
        self.run = Rehearsal(self._setup, seed=self._seed, faults=self._faults, out=self._folder)
        await self.run.daemon.start()
        self._ticking = asyncio.create_task(self.run.daemon.run())
        await asyncio.sleep(1.0)  # off is proven

    @property
    def operator(self) -> Desk:
        return self.run.daemon.desk

    async def kill_watchdog(self) -> float:
        self.run._watchdog.close()
        self.run.daemon.hurt("the watchdog has ended")
        return asyncio.get_running_loop().time()

    async def restart(self) -> None:
        await self.end()
        await self.begin()

    async def end(self) -> None:
        await self.operator.shutdown("test")
        await self._ticking
        await self.run.daemon.close()
        self.run.sim.stop()


def commissioned(
    folder: Path,
    bench: str = "cooled-rf-sim",
    *,
    only: Iterable[str] = (),
    faults: tuple[str, ...] = (),
    hands: Touched = lambda run, thing, how: None,
    no: str = "",
) -> dict[str, dict[str, Any]]:
    """By step, what was written down. ``only``: these steps; ``no``: the question that is answered so."""
    loaded = load_bench(bench)
    said: list[str] = []
    folder.mkdir(exist_ok=True)
    made = protocols(loaded.bench, folder, long_s=10.0)
    plant = Plant(setups.combine(loaded, load_protocol(made["short"])), folder, faults)

    async def touch(thing: str, how: str) -> bool:
        if hands(plant.run, thing, how) is None:
            told = backdoor.answer(plant.run.sim, json.dumps(touched(thing, how)).encode())
            assert told["ok"], told
        return True

    class Hands(Provided):
        async def word(self, question: str) -> bool:
            said.append(question)
            return not (no and no in question)

    done: list[dict[str, Any]] = []

    async def main() -> None:
        await plant.begin()
        try:
            job = Job(loaded, plant, Hands(touch, said.append), made, patience_s=8.0)
            wanted: list[Step] = [step for step in steps(loaded.bench) if not only or step.step in only]
            await go_through(job, wanted, done)
        finally:
            await plant.end()

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(float("inf"))) as runner:
        runner.run(main())
    return {row["step"]: row for row in done}
