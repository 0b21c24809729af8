"""How many times faster than real time a whole application is rehearsed.

Daemon, watchdog rules, six devices' bytes, world and record are all in. Floor in the same run: a bare asyncio loop on
virtual time that does nothing but as many timers and futures as the rehearsal has exchanges and ticks; the ratio says
what everything that is not the event loop costs.
"""

from __future__ import annotations

import asyncio
import math
import time

from controller.config import setup as setups
from sim import rehearsal
from sim.clock import VirtualLoop

BENCH, PROTOCOL = "cooled-rf-sim", "cooled-needle-3cm-12min"
WAITS_PER_S = 240  # exchanges, acquisition pauses and ticks of the reference bench, per virtual second
TASKS = 6


async def _floor(seconds: float) -> None:
    loop = asyncio.get_running_loop()

    async def wait_on(count: int) -> None:
        for _ in range(count):
            done: asyncio.Future[None] = loop.create_future()
            loop.call_later(TASKS / WAITS_PER_S, done.set_result, None)
            await done

    await asyncio.gather(*(wait_on(int(seconds * WAITS_PER_S / TASKS)) for _ in range(TASKS)))


def main() -> None:
    """Print one line a figure."""
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
    print(f"rehearsal of {PROTOCOL}: {virtual_s:.0f} s in {wall_s:.2f} s wall, {cpu_s:.2f} s CPU")
    print(f"  {virtual_s / wall_s:.0f} times real time (target: at least 100 on one core)")
    print(f"  {1e6 * cpu_s / result['ticks']:.0f} us CPU a tick, all devices, world and record included")
    print(f"  bare event loop with as many waits: {floor_s:.2f} s CPU; ratio {cpu_s / floor_s:.1f}")


if __name__ == "__main__":
    main()
