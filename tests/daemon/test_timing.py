"""Absolute deadlines and the permit's lease."""

from __future__ import annotations

import asyncio
import sys

import pytest

from controller.daemon.lease import Lease
from controller.daemon.ticker import LoopAlarm, Ticker, TimerfdAlarm
from safety.types import Setpoint
from tests.support.virtual_loop import run


def setpoint(power_w: float, expires_at_s: float) -> Setpoint:
    return Setpoint(power_w, 1, expires_at_s)


def test_deadlines_are_absolute_and_a_missed_one_is_counted_not_replayed() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        ticker = Ticker(0.05, LoopAlarm(loop), loop)
        met = [round(await ticker.next(), 6) for _ in range(3)]
        assert met == [0.05, 0.1, 0.15]
        await asyncio.sleep(0.12)  # the body of a tick took too long: 0.27, deadlines 0.20 and 0.25 are gone
        assert round(await ticker.next(), 6) == 0.3
        assert (ticker.ticks, ticker.late_ticks) == (4, 2)
        ticker.close()

    run(main())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="timer descriptors are a Linux feature")
async def test_a_timer_descriptor_wakes_not_before_its_time() -> None:
    loop = asyncio.get_running_loop()
    alarm = TimerfdAlarm(loop)
    woken: asyncio.Future[float] = loop.create_future()
    due_s = loop.time() + 0.02
    alarm.at(due_s, lambda: woken.set_result(loop.time()))
    assert await woken >= due_s
    alarm.close()


def test_a_setpoint_that_nobody_renews_lapses_once() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        lapses: list[float] = []
        lease = Lease(loop, lambda: lapses.append(round(loop.time(), 6)))
        lease.hold(setpoint(50.0, 0.15))
        await asyncio.sleep(0.1)
        lease.hold(setpoint(50.0, 0.25))
        await asyncio.sleep(1.0)
        return lapses

    assert run(main()) == [0.25]


def test_off_needs_no_lease() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        lapses: list[float] = []
        lease = Lease(loop, lambda: lapses.append(loop.time()))
        lease.hold(setpoint(50.0, 0.15))
        lease.hold(setpoint(0.0, 0.15))
        await asyncio.sleep(1.0)
        return lapses

    assert run(main()) == []
