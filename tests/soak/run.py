"""One daemon for hours of virtual time: an application every ten minutes, benign faults in between, and at every rest
a look at what it holds (H37).
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from controller.config import setup as setups
from controller.perform import perform
from controller.records.verify import verify
from sim.clock import VirtualLoop
from sim.rehearsal import Rehearsal
from tests.daemon.rehearsed import ticking

EVERY_S = 600.0
FAULTS = (
    "pump.link.drop", "pump.link.late", "enable.link.late=0.1", "flow.link.late=0.02", "tc.link.late=0.02",
    "inputs.link.late=0.01", "gen.deadman_off",
)  # fmt: skip
"""Nothing of this may end an application or keep it back: replies lost by a pump whose flow is measured, replies that
come late and are young enough all the same, a dead-man that nobody needs."""
FAULT_S = 1.0


class Look(NamedTuple):
    """What the process holds at one rest. Sizes in bytes, ``t_s`` in bench time."""

    t_s: float
    rss_bytes: int
    objects: int
    descriptors: int
    tasks: int
    file_bytes: int


class Soaked(NamedTuple):
    """What a soak has shown. ``trips``: texts of all that tripped; ``broken``: what `verify` found wrong."""

    looks: tuple[Look, ...]
    applications: int
    completed: int
    trips: tuple[str, ...]
    faults: int
    late_ticks: int
    session: Path
    broken: tuple[str, ...]


def rss_bytes() -> int:
    """Memory of this process that is in RAM, after Linux's ``/proc``."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def file_bytes(path: Path) -> int:
    """A session file with what is not merged into it yet."""
    return sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*"))


def drawn(hours: float, seed: int, every_s: float = EVERY_S) -> list[str]:
    """A benign fault for each application, at a moment of its first half minute: it meets PRECHECK, ARM or power."""
    chance = random.Random(seed)
    starts = (every_s * k for k in range(int(hours * 3600.0 / every_s)))
    return [f"{chance.choice(FAULTS)}@{start_s + chance.uniform(2.0, 30.0):.2f}+{FAULT_S:g}" for start_s in starts]


def slope_per_h(looks: Sequence[Look], of: Callable[[Look], float]) -> float:
    """Of ``of`` over bench time, by least squares, per hour; 0 where there is nothing to compare."""
    if not looks:
        return 0.0
    t_h, y = [look.t_s / 3600.0 for look in looks], [of(look) for look in looks]
    mean_t, mean_y = sum(t_h) / len(t_h), sum(y) / len(y)
    spread = sum((t - mean_t) ** 2 for t in t_h)
    return sum((t - mean_t) * (v - mean_y) for t, v in zip(t_h, y, strict=True)) / spread if spread else 0.0


def soak(
    out: Path,
    hours: float,
    *,
    seed: int = 1,
    every_s: float = EVERY_S,
    bench: str = "cooled-rf-sim",
    protocol: str = "demo-30s",
    faults: Iterable[str] | None = None,
    told: Callable[[Look], None] = lambda look: None,
) -> Soaked:
    """Run ``protocol`` every ``every_s`` of bench time, for ``hours`` of it."""
    setup = setups.load(bench, protocol)
    chosen = drawn(hours, seed, every_s) if faults is None else list(faults)
    looks: list[Look] = []

    async def main() -> Soaked:
        loop = asyncio.get_running_loop()
        run = Rehearsal(setup, seed=seed, faults=chosen, out=out)
        done: list[str] = []
        trips: list[str] = []
        async with ticking(run) as desk:
            for k in range(int(hours * 3600.0 / every_s)):
                status = await perform(desk, protocol, lambda status: None)
                result = status.get("result") or {}
                done.append(str(result.get("result", status["state"])))
                if status["trip"] is not None:
                    trips.append(str(status["trip"]["text"]))
                    break  # a bench that has tripped needs a person
                run.sim.hand("reposition", None)  # what was treated two hundred times is char, and rightly trips
                await asyncio.sleep(max(0.0, (k + 1) * every_s + run.sim.t0_s - loop.time() - 1.0))
                run.power.steps.clear()  # the emulator's own diary, for judging; no part of a bench
                looks.append(_look(loop, run))
                told(looks[-1])
            late = run.daemon.timing()["late_ticks"]
        path = run.daemon.recorder.path
        broken = tuple(map(str, verify(path).problems))
        return Soaked(tuple(looks), len(done), done.count("completed"), tuple(trips), len(chosen), late, path, broken)

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(float("inf"))) as runner:
        return runner.run(main())


def _look(loop: asyncio.AbstractEventLoop, run: Rehearsal) -> Look:
    descriptors, tasks = len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks(loop))
    size = file_bytes(run.daemon.recorder.path)
    return Look(loop.time() - run.sim.t0_s, rss_bytes(), len(gc.get_objects()), descriptors, tasks, size)
