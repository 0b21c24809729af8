"""What every driver must hold, as classes for pytest to collect in a subclass (no pytest needed to read them).

    class TestMyPump(PumpConformance):      # of drivers.testing.roles
        driver = MyPump
        options = {"channel": 1}
        loop_factory = VirtualLoop          # optional; the kit needs some seconds of real time without it

        def link_factory(self) -> Link:     # called within a running loop; a device at rest is behind it
            return MyEmulator().link()

Each test makes its own loop, link, port and driver.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar, TypeVar
from unittest.mock import patch

from drivers.contract import BadReply, DeviceError, Driver, LinkLost, NoReply, Refused
from drivers.testing.links import RoughLink, Written
from drivers.transport.base import Link
from drivers.transport.port import LinkPort
from safety.types import Quality, Sample

E = TypeVar("E", bound=Exception)

SUFFIXES = ("_w", "_ohm", "_c", "_ml_min", "_s", "_j", "_hz", "_v", "_a", "_kpa", "_mm", "_ml")
TWO_VALUED = ("_on", "_closed", "_flag")
GARBAGE = bytes(range(256))


def _no_blocking(*_: object) -> None:
    raise AssertionError("a driver called time.sleep: it would stop the whole daemon")


class Desk:
    """One driver on one disturbable link."""

    def __init__(self, driver: Driver, link: RoughLink) -> None:
        self.driver, self.link = driver, link

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


class DriverConformance:
    """For every driver. Subclass it; see the module's text."""

    driver: ClassVar[type[Driver]]
    options: ClassVar[dict[str, Any]] = {}
    loop_factory: ClassVar[Callable[[], asyncio.AbstractEventLoop]] = asyncio.new_event_loop

    def link_factory(self) -> Link:
        """A fresh link with a device at rest behind it."""
        raise AssertionError("override link_factory")

    def more_links(self) -> dict[str, Link]:
        """For a driver with ``MORE_PORTS``: links to the same device, by option. Called after ``link_factory``."""
        return {}

    def desk(self, name: str = "dut") -> Desk:
        """A driver that has not connected yet. Call it within a running loop."""
        link = RoughLink(self.link_factory())
        options = self.driver.OPTIONS.model_validate(self.options)
        driver = self.driver(name, LinkPort(link, "memory"), options)
        more = self.more_links().items()
        driver.ports = {option: LinkPort(RoughLink(inner, link), f"memory {option}") for option, inner in more}
        return Desk(driver, link)

    def run(self, test: Callable[[Desk], Coroutine[Any, Any, None]], *, connected: bool = True) -> None:
        """Run ``test`` at a desk, on a loop of its own, with ``time.sleep`` forbidden."""

        async def whole() -> None:
            desk = self.desk()
            if connected:
                await desk.driver.connect()
            try:
                await test(desk)
            finally:
                await desk.driver.close()

        with asyncio.Runner(loop_factory=type(self).loop_factory) as runner, patch.object(time, "sleep", _no_blocking):
            runner.run(whole())

    # ---- identity and declaration

    def test_identify(self) -> None:
        """It says what it is, twice the same."""

        async def test(desk: Desk) -> None:
            first = await desk.driver.connect()
            assert first.model
            assert await desk.driver.connect() == first

        self.run(test, connected=False)

    def test_declaration_is_sound(self) -> None:
        """Units are in names, bounds are bounds, and it is complete before ``connect``."""

        async def test(desk: Desk) -> None:
            declaration = desk.driver.declaration()
            names = [spec.name for spec in declaration.channels]
            assert len(set(names)) == len(names)
            assert declaration.model == type(desk.driver).MODEL
            further = self.driver.MORE_PORTS
            assert set(desk.driver.ports) == set(further), "override more_links"
            assert all(option.endswith("_port") and option in self.driver.OPTIONS.model_fields for option in further)
            for spec in declaration.channels:
                assert spec.name.endswith(TWO_VALUED if spec.two_valued else SUFFIXES), spec.name
                assert spec.low < spec.high
                assert spec.period_s > 0.0

        self.run(test, connected=False)

    def test_samples_are_declared_dated_and_in_range(self) -> None:
        """Every sample belongs to a declared channel, lies within its bounds, and is dated by its request."""

        async def test(desk: Desk) -> None:
            specs = {f"dut.{spec.name}": spec for spec in desk.driver.declaration().channels}
            for _ in range(6):
                before_s = desk.driver.port.now()
                first = len(desk.link.written)
                samples = await desk.driver.poll()
                sent = desk.link.written[first:]
                assert samples
                for sample in samples:
                    spec = specs[sample.channel]
                    assert sample.t_request_s >= before_s
                    assert any(_is_request(w, sample) for w in sent), sample
                    if sample.quality is Quality.GOOD:
                        assert spec.low <= sample.value <= spec.high, sample
                    if spec.two_valued:
                        assert sample.value in (0.0, 1.0)

        self.run(test)

    def test_a_device_that_is_not_there_is_an_error_with_a_remedy(self) -> None:
        """Nothing answers: DeviceError, bounded in time, naming the port."""

        async def test(desk: Desk) -> None:
            desk.link.mute = True
            async with asyncio.timeout(30.0):
                error = await raises(DeviceError, desk.driver.connect())
            assert error.remedy
            assert "memory" in str(error)

        self.run(test, connected=False)

    # ---- off

    def test_off_is_idempotent(self) -> None:
        """Off, and off, and off."""

        async def test(desk: Desk) -> None:
            for _ in range(3):
                await desk.driver.off()

        self.run(test)

    def test_off_in_every_state(self) -> None:
        """Before connecting, after it, on a mute device and on a lost link: never anything but the contract's
        exceptions."""

        async def test(desk: Desk) -> None:
            async def off() -> None:
                try:
                    async with asyncio.timeout(5.0):
                        await desk.driver.off()
                except (NoReply, BadReply, Refused, LinkLost):
                    pass

            await off()
            await desk.driver.connect()
            await off()
            desk.link.mute = True
            await off()
            desk.link.mute = False
            await off()
            desk.link.lose()
            await off()

        self.run(test, connected=False)

    def test_off_after_garbage(self) -> None:
        """Noise on the line, unsolicited or before an answer, stops no off."""

        async def test(desk: Desk) -> None:
            desk.link.tell(GARBAGE)
            await desk.driver.off()
            desk.link.noise = GARBAGE
            await desk.driver.poll()
            await desk.driver.off()

        self.run(test)

    # ---- links that misbehave

    def test_torn_frames(self) -> None:
        """Answers that come byte by byte are understood."""

        async def test(desk: Desk) -> None:
            whole = await desk.channels()
            desk.link.torn = True
            assert set(await desk.channels()) == set(whole)

        self.run(test)

    def test_garbage_before_a_frame(self) -> None:
        """Noise costs samples, never the driver, and never makes up a channel."""

        async def test(desk: Desk) -> None:
            specs = {f"dut.{spec.name}" for spec in desk.driver.declaration().channels}
            desk.link.noise = GARBAGE
            assert {s.channel for s in await desk.driver.poll()} <= specs
            await desk.poll_until(bool)

        self.run(test)

    def test_flood(self) -> None:
        """A device that babbles is survived, and its memory cost is bounded."""

        async def test(desk: Desk) -> None:
            poll = asyncio.ensure_future(desk.driver.poll())
            await asyncio.sleep(0)
            for _ in range(64):
                desk.link.tell(b"\x55" * 1024)
            await poll
            await desk.poll_until(bool)

        self.run(test)

    def test_late_reply_resync(self) -> None:
        """A reply that comes after its time-out is never taken for the answer to a later request."""

        async def test(desk: Desk) -> None:
            desk.link.delay_s = 0.8
            await desk.driver.poll()
            desk.link.delay_s = 0.0
            samples = await desk.poll_until(bool)
            sent = [w for w in desk.link.written if any(_is_request(w, sample) for sample in samples)]
            assert sent
            assert not any(w.waiting for w in sent), "an older answer was still on its way then"

        self.run(test)

    def test_mute_device_gives_nothing(self) -> None:
        """No answer: no samples, in bounded time, and none made up from memory."""

        async def test(desk: Desk) -> None:
            desk.link.mute = True
            async with asyncio.timeout(5.0):
                assert await desk.driver.poll() == []
            desk.link.mute = False
            await desk.poll_until(bool)

        self.run(test)

    def test_cancel_mid_query(self) -> None:
        """A cancelled poll leaves a driver that polls."""

        async def test(desk: Desk) -> None:
            desk.link.delay_s = 0.02
            poll = asyncio.ensure_future(desk.driver.poll())
            await asyncio.sleep(0.01)
            poll.cancel()
            await asyncio.gather(poll, return_exceptions=True)
            desk.link.delay_s = 0.0
            await desk.poll_until(bool)

        self.run(test)

    def test_two_tasks_never_interleave(self) -> None:
        """While an answer is on its way nothing else is written."""

        async def test(desk: Desk) -> None:
            desk.link.delay_s = 0.005
            first = len(desk.link.written)
            both = await asyncio.gather(desk.driver.poll(), desk.driver.poll(), desk.driver.poll())
            assert all(both)
            assert not any(w.waiting for w in desk.link.written[first:])

        self.run(test)

    def test_cable_pulled(self) -> None:
        """A lost link is LinkLost at once, for the request in flight and for every later one; close may come twice."""

        async def test(desk: Desk) -> None:
            desk.link.delay_s = 0.05
            poll = asyncio.ensure_future(desk.driver.poll())
            await asyncio.sleep(0.01)
            desk.link.lose(OSError(5, "pulled"))
            await raises(LinkLost, poll)
            await raises(LinkLost, desk.driver.poll())
            await desk.driver.close()
            await desk.driver.close()

        self.run(test)


def _is_request(written: Written, sample: Sample) -> bool:
    """The port dates a request just before it writes it; on a real clock that is microseconds apart."""
    return 0.0 <= written.t_s - sample.t_request_s < 0.002


async def raises(kind: type[E], work: Awaitable[object]) -> E:
    """Await ``work``; anything but ``kind`` is a failure."""
    try:
        await work
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")
