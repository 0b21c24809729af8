"""The rehearsal's event loop: asyncio from outside, on time of its own."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sim.clock import LOOK_EVERY, VirtualLoop


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop()
    yield made
    made.close()


def test_time_jumps_from_timer_to_timer_and_a_cancelled_one_is_passed_over(loop: VirtualLoop) -> None:
    seen: list[tuple[str, float]] = []
    loop.call_later(5.0, lambda: seen.append(("late", loop.time())))
    loop.call_at(1002.0, lambda: seen.append(("early", loop.time())))
    loop.call_at(1003.0, lambda: seen.append(("never", loop.time()))).cancel()
    loop.call_soon(lambda: seen.append(("soon", loop.time())))
    loop.call_later(3600.0, loop.stop)
    loop.run_forever()
    assert seen == [("soon", 1000.0), ("early", 1002.0), ("late", 1005.0)]
    assert loop.time() == 4600.0


def test_what_a_call_adds_runs_after_the_calls_that_were_due_with_it(loop: VirtualLoop) -> None:
    order: list[int] = []

    def first() -> None:
        order.append(1)
        loop.call_soon(order.append, 3)

    loop.call_later(1.0, first)
    loop.call_later(1.0, order.append, 2)
    loop.call_later(2.0, loop.stop)
    loop.run_forever()
    assert order == [1, 2, 3]


def test_tasks_timeouts_and_cancellation_work_as_on_any_loop() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await asyncio.sleep(60.0)
        task = asyncio.create_task(asyncio.sleep(1e6))
        await asyncio.sleep(1.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == 1001.5


def test_an_exception_in_a_call_goes_to_the_handler_and_the_loop_goes_on(loop: VirtualLoop) -> None:
    told: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: told.append(context))
    loop.call_soon(lambda: 1 // 0)
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError]


def test_a_loop_that_was_stopped_before_it_ran_neither_waits_nor_jumps(loop: VirtualLoop) -> None:
    loop.call_later(1.0, lambda: None)
    loop.stop()
    loop.run_forever()
    assert loop.time() == 1000.0


def test_a_closed_loop_takes_nothing(loop: VirtualLoop) -> None:
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon(print)
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_later(1.0, print)


def test_another_thread_wakes_a_loop_that_has_nothing_to_do(loop: VirtualLoop) -> None:
    thread = threading.Timer(0.02, lambda: loop.call_soon_threadsafe(loop.stop))
    thread.start()
    loop.run_forever()
    thread.join()
    assert loop.time() == 1000.0


@pytest.mark.parametrize("speed", [1.0, math.inf])
def test_a_signal_is_heard_while_time_is_paced_and_while_it_is_not(speed: float) -> None:
    async def main() -> tuple[int, bool]:
        loop, rounds, heard = asyncio.get_running_loop(), 0, asyncio.Event()
        loop.add_signal_handler(signal.SIGUSR1, heard.set)
        loop.call_later(60.0, heard.set)  # paced, this is a minute away
        os.kill(os.getpid(), signal.SIGUSR1)
        while not heard.is_set() and rounds < 3 * LOOK_EVERY:
            rounds += 1
            if speed == 1.0:
                await heard.wait()
            else:
                await asyncio.sleep(0.001)
        loop.remove_signal_handler(signal.SIGUSR1)
        return rounds, loop.time() < 1060.0

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(speed)) as runner:
        rounds, early = runner.run(main())
    assert early and rounds < 3 * LOOK_EVERY


def test_a_pace_holds_virtual_time_back() -> None:
    began_s = time.monotonic()
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(20.0)) as runner:
        runner.run(asyncio.sleep(2.0))
    assert 0.09 < time.monotonic() - began_s < 2.0
