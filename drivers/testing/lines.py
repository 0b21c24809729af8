"""Room of the kit: lines that misbehave while the device is sound."""

from __future__ import annotations

import asyncio
from collections import Counter

from drivers.contract import DeviceError
from drivers.testing.desk import GARBAGE, Desk, Kit, is_request, raises

TRIES = 3  # of one question while connecting


class LineRoom(Kit):
    """Torn, late, noisy, echoing, flooding, mute; cancelled and shared."""

    def test_torn_frame(self) -> None:
        """Answers that come byte by byte are understood."""

        async def test(desk: Desk) -> None:
            whole = await desk.channels()
            desk.link.torn = True
            assert set(await desk.channels()) == set(whole)

        self.run(test)

    def test_garbage_before_frame(self) -> None:
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
        """P7: a reply that comes after its time-out is never taken for the answer to a later request."""

        async def test(desk: Desk) -> None:
            desk.link.delay_s = 0.8
            await desk.driver.poll()
            desk.link.delay_s = 0.0
            samples = await desk.poll_until(bool)
            sent = [w for w in desk.link.written if any(is_request(w, sample) for sample in samples)]
            assert sent
            assert not any(w.waiting for w in sent), "an older answer was still on its way then"

        self.run(test)

    def test_mute_device_gives_nothing(self) -> None:
        """P9: no answer is no sample, in bounded time, and none made up from memory."""

        async def test(desk: Desk) -> None:
            await desk.poll_until(bool)
            desk.link.mute = True
            async with asyncio.timeout(5.0):
                assert await desk.driver.poll() == []
            desk.link.mute = False
            await desk.poll_until(bool)

        self.run(test)

    def test_nak_retry_limit(self) -> None:
        """Every answer is a damaged one: connecting gives up, after three tries of one question at most."""

        async def test(desk: Desk) -> None:
            desk.link.answer_as = lambda _, answer: bytes(byte ^ 0x95 for byte in answer)
            async with asyncio.timeout(30.0):
                await raises(DeviceError, desk.driver.connect())
            asked = Counter(w.data for w in desk.link.written if w.data.strip())
            # what brings the port back in step is asked once for each time that it fell out of it
            assert all(times <= 2 * TRIES for times in asked.values()), asked

        self.run(test, connected=False)

    def test_echo_on(self) -> None:
        """Everything the host writes comes back before the answer, and then nothing else does (a plug that joins both
        lines): no echo is ever taken for a reading or for a device."""

        async def test(desk: Desk) -> None:
            quiet = await desk.bands()
            desk.link.echo = True
            for deaf in (False, True):
                desk.link.deaf = deaf
                for sample in await desk.good(4):
                    assert not deaf, f"made of an echo: {sample}"
                    assert quiet[sample.channel].holds(sample.value), sample
            desk.link.deaf = desk.link.echo = False
            await desk.poll_until(bool)

        async def alone(desk: Desk) -> None:
            desk.link.echo = desk.link.deaf = True
            async with asyncio.timeout(30.0):
                error = await raises(DeviceError, desk.driver.connect())
            assert "memory" in str(error)

        self.run(test)
        self.run(alone, connected=False)

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

    def test_two_queries_never_interleave(self) -> None:
        """P8: while an answer is on its way nothing else is written."""

        async def test(desk: Desk) -> None:
            desk.link.delay_s = 0.005
            first = len(desk.link.written)
            both = await asyncio.gather(desk.driver.poll(), desk.driver.poll(), desk.driver.poll())
            assert all(both)
            assert not any(w.waiting for w in desk.link.written[first:])

        self.run(test)
