"""How many times faster than real time a whole application is rehearsed.

Daemon, watchdog rules, six devices' bytes, world and record are all in. Floor in the same run: a bare asyncio loop on
virtual time that does nothing but as many timers and futures as the rehearsal has exchanges and ticks; the ratio says
what everything that is not the event loop costs.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator

from benchmarks.rows import Row, at_least, beside, command
from controller.config import setup as setups
from sim import rehearsal
from sim.clock import VirtualLoop

BENCH, PROTOCOL = "cooled-rf-sim", "cooled-needle-3cm-12min"
WAITS_PER_S = 240  # exchanges, acquisition pauses and ticks of the reference bench, per virtual second
TASKS = 6
REAL_TIME, NEXT = 100.0, 300.0
"""Times, on one core."""


async def _floor(seconds: float) -> None:
    loop = asyncio.get_running_loop()

    async def wait_on(count: int) -> None:
        for _ in range(count):
            done: asyncio.Future[None] = loop.create_future()
            loop.call_later(TASKS / WAITS_PER_S, done.set_result, None)
            await done

    await asyncio.gather(*(wait_on(int(seconds * WAITS_PER_S / TASKS)) for _ in range(TASKS)))


def measured() -> Iterator[Row]:
    """Times real time, and what everything that is not the event loop costs."""
    setup = setups.load(BENCH, PROTOCOL)
    folder, clean = rehearsal.scratch()
    try:
        rehearsal.rehearse(setups.load(BENCH, "demo-30s"), out=folder)  # kernels compiled, modules loaded
        began_s, cpu_s = time.perf_counter(), time.process_time()
        result = rehearsal.rehearse(setup, out=folder)
        wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
    finally:
        clean()
    virtual_s = result["ticks"] / setup.bench.bench.tick_hz
    began_s = time.process_time()
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(math.inf)) as runner:
        runner.run(_floor(virtual_s))
    floor_s = time.process_time() - began_s
    note = f"{virtual_s:.0f} s of {PROTOCOL} in {wall_s:.2f} s"
    yield at_least("rehearsal, whole stack", virtual_s / wall_s, "x", REAL_TIME, note)
    yield at_least("rehearsal, the next aim", virtual_s / wall_s, "x", NEXT)
    note = "devices' bytes, world and record included"
    yield beside("rehearsal, CPU", cpu_s, "s", "event loop with as many waits", floor_s, None, note)
    yield Row("rehearsal, CPU a tick", 1e6 * cpu_s / result["ticks"], "us")


def main() -> int:
    """Print the table; 1 when the target was missed."""
    return command(__doc__, lambda _: measured())


if __name__ == "__main__":
    raise SystemExit(main())
