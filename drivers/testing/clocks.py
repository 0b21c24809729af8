"""Room of the kit: clocks, and the loop that a driver shares with everything else."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from drivers.testing.desk import Desk, Kit

SLOW_S = 0.02

try:
    from resource import RUSAGE_THREAD, getrusage  # Linux

    def _waits() -> int:
        """How often this thread has given the processor away to wait for something."""
        return getrusage(RUSAGE_THREAD).ru_nvcsw

except ImportError:

    def _waits() -> int:
        return 0


class ClockRoom(Kit):
    """The wall clock is nobody's, and the loop is everybody's."""

    def test_clock_skew(self) -> None:
        """The wall clock jumps by a day at every look: samples are dated by the loop's clock all the same, and every
        poll is as before."""

        async def test(desk: Desk) -> None:
            jumps = itertools.cycle((0.0, 86_400.0, -86_400.0))
            with patch.object(time, "time", lambda: 1.7e9 + next(jumps)):
                whole = set(await desk.channels())
                assert whole
                before_s = desk.driver.port.now()
                samples = await desk.poll_until(bool)
                assert all(before_s <= s.t_request_s <= desk.driver.port.now() for s in samples)

        self.run(test)

    def test_no_blocking_call_in_loop(self) -> None:
        """No turn of the loop takes 20 ms of processor, or waits for 20 ms: asyncio's slow-callback rule, but deaf to
        whatever else the machine does."""

        async def test(desk: Desk) -> None:
            await desk.driver.poll()  # what is imported and compiled once is not a driver's doing
            other = self.desk()
            slow: list[str] = []
            try:
                with _timed_turns(slow):
                    await other.driver.connect()
                    for _ in range(6):
                        await other.driver.poll()
                    await other.driver.off()
            finally:
                await other.driver.close()
            assert not slow, slow

        self.run(test)


@contextmanager
def _timed_turns(slow: list[str]) -> Iterator[None]:
    """Every turn of any loop is timed; what was slow is put into ``slow``."""
    run = asyncio.Handle._run

    def timed(handle: Any) -> None:
        waits, cpu_s, wall_s = _waits(), time.thread_time(), time.perf_counter()
        run(handle)
        cpu_s, wall_s = time.thread_time() - cpu_s, time.perf_counter() - wall_s
        if cpu_s > SLOW_S or (wall_s > SLOW_S and _waits() > waits):
            slow.append(f"{handle!r}: {cpu_s * 1e3:.0f} ms of processor, {wall_s * 1e3:.0f} ms")

    gc.disable()  # a collection belongs to whoever made the garbage
    try:
        with patch.object(asyncio.Handle, "_run", timed):
            yield
    finally:
        gc.enable()
