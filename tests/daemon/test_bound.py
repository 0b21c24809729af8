"""The tick's time limit does in every case what asyncio's own does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from controller.daemon.bound import Bound
from sim.clock import VirtualLoop

LIMIT_S = 0.1
Limit = Callable[[], AbstractAsyncContextManager[Any]]


def _ours() -> Limit:
    bound = Bound(LIMIT_S, asyncio.get_running_loop())

    @asynccontextmanager
    async def limit() -> Any:
        with bound:
            yield

    return limit


async def _in_time(limit: Limit) -> None:
    async with limit():
        await asyncio.sleep(0.9 * LIMIT_S)


async def _too_long(limit: Limit) -> None:
    async with limit():
        await asyncio.sleep(2.0)


async def _again(limit: Limit) -> None:
    with pytest.raises(TimeoutError):
        await _too_long(limit)
    await _in_time(limit)
    await asyncio.sleep(2.0)  # no timer is left that could cancel what comes later


async def _own_error(limit: Limit) -> None:
    async with limit():
        raise ValueError("of the body")


async def _cancelled(limit: Limit) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_later(0.5 * LIMIT_S, task.cancel)
    await _too_long(limit)


async def _both(limit: Limit) -> None:
    """A cancellation from elsewhere in the same instant as the limit."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_later(LIMIT_S, task.cancel)
    await _too_long(limit)


async def _swallowed(limit: Limit) -> None:
    """The body takes the cancellation for its own affair and returns."""
    async with limit():
        try:
            await asyncio.sleep(2.0)
        except asyncio.CancelledError:
            return


def _met(scenario: Callable[[Limit], Awaitable[None]], ours: bool) -> tuple[str, float, int]:
    """What left the scenario, when, and how many cancellations its task was left with."""

    async def main() -> tuple[str, float, int]:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        began_s, met = loop.time(), ""
        try:
            await scenario(_ours() if ours else lambda: asyncio.timeout(LIMIT_S))
        except (asyncio.CancelledError, TimeoutError, ValueError) as error:
            met = type(error).__name__
        pending = task.cancelling()
        while task.cancelling():
            task.uncancel()
        return met, round(loop.time() - began_s, 6), pending

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


@pytest.mark.parametrize(
    ("scenario", "met"),
    [
        (_in_time, ("", 0.09, 0)),
        (_too_long, ("TimeoutError", 0.1, 0)),
        (_again, ("", 2.19, 0)),
        (_own_error, ("ValueError", 0.0, 0)),
        (_cancelled, ("CancelledError", 0.05, 1)),
        (_both, ("CancelledError", 0.1, 1)),
        (_swallowed, ("", 0.1, 0)),
    ],
)
def test_as_asyncio(scenario: Callable[[Limit], Awaitable[None]], met: tuple[str, float, int]) -> None:
    assert _met(scenario, ours=True) == _met(scenario, ours=False) == met


def test_one_task_at_a_time() -> None:
    async def main() -> None:
        bound = Bound(LIMIT_S, asyncio.get_running_loop())
        with bound, pytest.raises(RuntimeError, match="one task at a time"), bound:
            raise AssertionError("entered twice")

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
