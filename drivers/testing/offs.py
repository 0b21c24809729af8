"""Rooms of the kit: off, whatever the state, and its bounds in time for everything that carries or permits energy."""

from __future__ import annotations

import asyncio
import contextlib

from drivers.contract import BadReply, LinkLost, NoReply, Refused
from drivers.testing.desk import GARBAGE, Desk, Kit, ended, raises

BUSY_S, IDLE_S = 0.2, 0.02
"""From the call of off to its last byte on the wire: behind an exchange that never answers, and on an idle port."""
HELD_UP = "off is urgent, begins with the first bytes of its plan, and no timeout_s is longer than 0.15 s or so"


class OffRoom(Kit):
    """Off never does harm and never hangs."""

    def test_idempotent_off(self) -> None:
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


class OffBounds(Kit):
    """For devices whose off is bytes on a wire. Times are the loop's, and the line's at its baud rate."""

    def off_bytes(self, desk: Desk) -> bytes:
        """What stops the energy, as the first write of ``off``."""
        raise AssertionError("a role says it")

    def _on_the_wire_s(self, desk: Desk, first: int) -> float:
        """When the last byte of the first off from write ``first`` on has left a UART that sends one byte at a time."""
        serial = self.driver.SERIAL
        byte_s = (1 + serial.bytesize + (serial.parity != "N") + serial.stopbits) / self.driver.BAUD
        off, free_s = self.off_bytes(desk), 0.0
        begin = max(0, first - 1)  # with the exchange in flight: those before it were answered
        for at, written in enumerate(desk.link.written[begin:], begin):
            if not written.further:
                free_s = max(free_s, written.t_s) + len(written.data) * byte_s
                if at >= first and written.data == off:
                    return free_s
        wrote = b" ".join(written.data for written in desk.link.written[first:])
        raise AssertionError(f"the plan's first off {off!r} was not written; what was: {wrote!r}; {HELD_UP}")

    async def _off_s(self, desk: Desk, patience_s: float) -> float:
        """Seconds from a call of off to its last byte on the wire, whether or not anybody answers it."""
        first, called_s = len(desk.link.written), desk.driver.port.now()
        off = asyncio.ensure_future(desk.driver.off())
        with contextlib.suppress(asyncio.TimeoutError, NoReply, BadReply, Refused):
            await asyncio.wait_for(asyncio.shield(off), patience_s)
        await ended(off)
        return self._on_the_wire_s(desk, first) - called_s

    def test_off_on_an_idle_port(self) -> None:
        """Nothing is under way: the last byte of off is on the wire within 20 ms of the call."""

        async def test(desk: Desk) -> None:
            assert await self._off_s(desk, 0.5) <= IDLE_S
            await self.at_work(desk)
            await asyncio.sleep(0.1)
            assert await self._off_s(desk, 0.5) <= IDLE_S

        self.run(test)

    def test_off_while_busy(self) -> None:
        """The port is busy with an exchange that never answers, and more of them wait: the last byte of off is on the
        wire within one exchange time-out, at most 200 ms after the call."""

        async def test(desk: Desk) -> None:
            await self.at_work(desk)
            desk.link.mute = True
            polls = [asyncio.ensure_future(desk.driver.poll()) for _ in range(5)]
            await asyncio.sleep(0.001)
            try:
                took_s = await self._off_s(desk, 1.0)
                assert took_s <= BUSY_S, f"off after {took_s * 1e3:.0f} ms: {HELD_UP}"
            finally:
                for poll in polls:
                    await ended(poll)

        self.run(test)

    def test_off_while_connecting(self) -> None:
        """The device falls silent in the middle of connecting, wherever that is: off keeps the same 200 ms."""

        async def silent_after(answers: int) -> bool:
            desk = self.desk()
            desk.link.answers_left = answers
            connecting = asyncio.ensure_future(desk.driver.connect())
            for _ in range(20_000):
                if connecting.done() or not desk.link.answers_left:
                    break
                await asyncio.sleep(0.001)
            try:
                if not connecting.done():
                    took_s = await self._off_s(desk, 1.0)
                    why = f"silent after {answers} answers, off after {took_s * 1e3:.0f} ms: {HELD_UP}"
                    assert took_s <= BUSY_S, why
                return connecting.done() and connecting.exception() is None
            finally:
                await ended(connecting)
                await desk.driver.close()

        async def test(desk: Desk) -> None:
            for answers in range(60):
                if await silent_after(answers):
                    return

        self.run(test, connected=False)

    def test_off_after_timeout(self) -> None:
        """A time-out has put the port out of step: off is written at once all the same, and acknowledged as soon as
        the device answers again."""

        async def test(desk: Desk) -> None:
            await self.at_work(desk)
            desk.link.mute = True
            await desk.driver.poll()
            waiting = asyncio.ensure_future(desk.driver.poll())
            await asyncio.sleep(0)
            assert await self._off_s(desk, 0.05) <= IDLE_S
            desk.link.mute = False
            await ended(waiting)
            for _ in range(3):
                with contextlib.suppress(NoReply, BadReply):
                    await desk.driver.off()
                    return
            await desk.driver.off()

        self.run(test)

    def test_off_cable_pulled_while_writing(self) -> None:
        """The write of off fails: LinkLost, which hands the matter to the watchdog and the enable line."""

        async def test(desk: Desk) -> None:
            desk.link.broken = OSError(5, "pulled while writing")
            await raises(LinkLost, desk.driver.off())

        self.run(test)
