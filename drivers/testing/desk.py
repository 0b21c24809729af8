"""What every room of the conformance kit stands on: one driver at a desk, on a link that can be disturbed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar, NamedTuple, TypeVar
from unittest.mock import patch

from drivers.contract import Driver
from drivers.testing.links import RoughLink, Written
from drivers.transport.base import Link
from drivers.transport.port import LinkPort
from safety.types import Quality, Sample

E = TypeVar("E", bound=Exception)

GARBAGE = bytes(range(256))


def _no_blocking(*_: object) -> None:
    raise AssertionError("a driver called time.sleep: it would stop the whole daemon")


class Band(NamedTuple):
    """What a channel told while nothing was disturbed."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Within what was told, and three times its scatter around it."""
        slack = 3.0 * (self.high - self.low) + 1e-3 * max(abs(self.low), abs(self.high)) + 1e-9
        return self.low - slack <= value <= self.high + slack


class Desk:
    """One driver on one disturbable link."""

    def __init__(self, driver: Driver, link: RoughLink, ports: tuple[LinkPort, ...]) -> None:
        self.driver, self.link, self.ports = driver, link, ports

    async def poll_until(self, enough: Callable[[list[Sample]], bool], within_s: float = 5.0) -> list[Sample]:
        """Poll as an acquisition task does, until ``enough`` or the end of patience."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        samples: list[Sample] = []
        while loop.time() < until_s:
            samples = await self.driver.poll()
            if enough(samples):
                return samples
            await asyncio.sleep(0.05)
        raise AssertionError(f"not within {within_s} s; last: {samples}")

    async def channels(self) -> dict[str, float]:
        """Everything that some polls in a row tell, newest value of each channel."""
        found: dict[str, float] = {}
        for _ in range(6):
            found |= {s.channel: s.value for s in await self.driver.poll()}
        return found

    async def bands(self, polls: int = 12) -> dict[str, Band]:
        """Between what each channel tells in some polls; GOOD samples only."""
        found: dict[str, Band] = {}
        for sample in await self.good(polls):
            low, high = found.get(sample.channel, (sample.value, sample.value))
            found[sample.channel] = Band(min(low, sample.value), max(high, sample.value))
        return found

    async def good(self, polls: int) -> list[Sample]:
        """The GOOD samples of some polls in a row."""
        samples: list[Sample] = []
        for _ in range(polls):
            samples += [s for s in await self.driver.poll() if s.quality is Quality.GOOD]
            await asyncio.sleep(0.01)
        return samples


class Kit:
    """What a subclass in a test file names, and how a test is run."""

    driver: ClassVar[type[Driver]]
    options: ClassVar[dict[str, Any]] = {}
    loop_factory: ClassVar[Callable[[], asyncio.AbstractEventLoop]] = asyncio.new_event_loop

    def link_factory(self) -> Link:
        """A fresh link with a device at rest behind it, which was just switched on."""
        raise AssertionError("override link_factory")

    def link_again(self) -> Link:
        """A further link to the device behind the newest ``link_factory``; by default a device like it."""
        return self.link_factory()

    def more_links(self) -> dict[str, Link]:
        """For a driver with ``MORE_PORTS``: links to the same device, by option. Called after ``link_factory``."""
        return {}

    def refusal(self, request: bytes) -> bytes:
        """What the device answers to ``request`` when it does not take it; nothing, for one that says no by
        silence."""
        return b""

    async def at_work(self, desk: Desk) -> None:
        """Bring the connected device where its channels differ from each other: roles know how."""

    def desk(self, name: str = "dut", url: str = "memory", link: Link | None = None) -> Desk:
        """A driver that has not connected yet. Call it within a running loop."""
        rough = RoughLink(self.link_factory() if link is None else link)
        options = self.driver.OPTIONS.model_validate(self.options)
        port = LinkPort(rough, url)
        driver = self.driver(name, port, options)
        more = self.more_links().items()
        further = {option: LinkPort(RoughLink(inner, rough), f"{url} {option}") for option, inner in more}
        driver.ports = further
        return Desk(driver, rough, (port, *further.values()))

    def run(self, test: Callable[[Desk], Coroutine[Any, Any, None]], *, connected: bool = True) -> None:
        """Run ``test`` at a desk, on a loop of its own, with ``time.sleep`` forbidden."""

        async def whole() -> None:
            desk = self.desk()
            if connected:
                await desk.driver.connect()
            try:
                await test(desk)
            except BaseException:  # what a failed test left under way would be told in the middle of its failure
                for task in asyncio.all_tasks() - {asyncio.current_task()}:
                    await ended(task)
                raise
            finally:
                await desk.driver.close()

        with asyncio.Runner(loop_factory=type(self).loop_factory) as runner, patch.object(time, "sleep", _no_blocking):
            runner.run(whole())


def is_request(written: Written, sample: Sample) -> bool:
    """The port dates a request just before it writes it; on a real clock that is microseconds apart."""
    return 0.0 <= written.t_s - sample.t_request_s < 0.002


async def raises(kind: type[E] | tuple[type[E], ...], work: Awaitable[object], why: str = "") -> E:
    """Await ``work``; anything but ``kind`` is a failure, told with ``why``."""
    try:
        await work
    except kind as error:
        return error
    wanted = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
    raise AssertionError(f"{getattr(work, '__qualname__', work)} raised nothing, {wanted} was due{why and ': '}{why}")


async def ended(task: asyncio.Future[Any]) -> None:
    """Cancel ``task`` and see its end, whatever that is."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task
