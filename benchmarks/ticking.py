"""The daemon's ticker as the benchmarks run it: how late each tick is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from controller.daemon.ticker import Ticker, live_alarm


async def ticking(rate_hz: float, ticks: int, work: Callable[[int], object] = lambda seq: None) -> list[float]:
    """Lateness of each tick, us; ``work`` is done in it."""
    loop = asyncio.get_running_loop()
    ticker = Ticker(1.0 / rate_hz, live_alarm(loop), loop)
    late: list[float] = []
    try:
        for seq in range(ticks):
            now_s = await ticker.next()
            late.append((now_s - ticker.deadline_s) * 1e6)
            work(seq)
    finally:
        ticker.close()
    return late
