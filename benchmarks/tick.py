"""How late the control tick is, against asyncio's own sleep in the same run."""

from __future__ import annotations

import asyncio
import statistics

from controller.daemon.ticker import Ticker, live_alarm

PERIOD_S, TICKS = 0.001, 4000


async def _ours() -> list[float]:
    loop = asyncio.get_running_loop()
    ticker = Ticker(PERIOD_S, live_alarm(loop), loop)
    late: list[float] = []
    try:
        for _ in range(TICKS):
            now_s = await ticker.next()
            late.append((now_s - ticker.deadline_s) * 1e6)
    finally:
        ticker.close()
    return late


async def _sleep() -> list[float]:
    loop = asyncio.get_running_loop()
    t0_s, late = loop.time(), []
    for k in range(1, TICKS):
        deadline_s = t0_s + k * PERIOD_S
        await asyncio.sleep(deadline_s - loop.time())
        late.append((loop.time() - deadline_s) * 1e6)
    return late


def _row(name: str, late_us: list[float]) -> tuple[float, float]:
    late_us.sort()
    p50, p99 = statistics.median(late_us), late_us[int(0.99 * len(late_us))]
    print(f"  {name:<28} p50 {p50:8.0f} us   p99 {p99:8.0f} us   max {late_us[-1]:8.0f} us")
    return p50, p99


def main() -> None:
    """Print lateness at 1 kHz, the ticker's and that of a loop that sleeps until each deadline."""
    print(f"lateness of {TICKS} ticks at {1 / PERIOD_S:.0f} Hz")
    ours = _row("Ticker on a timer descriptor", asyncio.run(_ours()))
    peer = _row("asyncio.sleep until deadline", asyncio.run(_sleep()))
    p50, p99 = peer[0] / ours[0], peer[1] / ours[1]
    print(f"  ratio p50 1/{p50:.0f}, p99 1/{p99:.1f} (targets: 1/30 and 1/8 on an idle machine)")


if __name__ == "__main__":
    main()
