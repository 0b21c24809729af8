"""Room of the kit: cables and supplies that go and come back."""

from __future__ import annotations

import asyncio

from drivers.contract import LinkLost
from drivers.testing.desk import Desk, Kit, raises

AT_ONCE_S = 0.3  # one exchange on another port of the same device may be under way


class CableRoom(Kit):
    """Pulled, closed, opened again, switched off and on."""

    def test_cable_pull_read(self) -> None:
        """P10: a link that is lost while an answer is awaited is LinkLost at once, for that request and every later
        one."""

        async def test(desk: Desk) -> None:
            desk.link.delay_s = 0.05
            poll = asyncio.ensure_future(desk.driver.poll())
            await asyncio.sleep(0.01)
            desk.link.lose(OSError(5, "pulled"))
            async with asyncio.timeout(AT_ONCE_S):
                await raises(LinkLost, poll)
            await raises(LinkLost, desk.driver.poll())

        self.run(test)

    def test_cable_pull_write(self) -> None:
        """P10: a write that fails is LinkLost, with what the system said; off says so too, and nothing hangs."""

        async def test(desk: Desk) -> None:
            desk.link.broken = OSError(5, "pulled while writing")
            async with asyncio.timeout(AT_ONCE_S):
                error = await raises(LinkLost, desk.driver.poll())
            assert "memory" in str(error)
            assert "pulled while writing" in str(error)
            await raises(LinkLost, desk.driver.poll())

        self.run(test)

    def test_close_twice(self) -> None:
        """Close may come twice, also on a link that is lost; afterwards everything is LinkLost."""

        async def test(desk: Desk) -> None:
            await desk.driver.close()
            await desk.driver.close()
            await raises(LinkLost, desk.driver.poll())
            desk.link.lose(OSError(5, "pulled"))
            await desk.driver.close()

        self.run(test)

    def test_reopen(self) -> None:
        """P10: after the cable was pulled, a driver on a new link to the same device finds the same device."""

        async def test(desk: Desk) -> None:
            first = await desk.driver.connect()
            desk.link.lose(OSError(5, "pulled"))
            await desk.driver.close()
            again = self.desk(link=self.link_again())
            try:
                assert await again.driver.connect() == first
                await again.poll_until(bool)
            finally:
                await again.driver.close()

        self.run(test, connected=False)

    def test_power_cycle(self) -> None:
        """A device that was switched off and on tells nothing that it did not tell before, and can be connected
        anew."""

        async def test(desk: Desk) -> None:
            first = await desk.driver.connect()
            quiet = await desk.bands()
            desk.link.mute = True
            await desk.driver.poll()
            desk.link.swap(self.link_factory())
            desk.link.mute = False
            for sample in await desk.good(8):
                assert quiet[sample.channel].holds(sample.value), sample
            assert await desk.driver.connect() == first
            await desk.poll_until(bool)

        self.run(test, connected=False)
