"""VISA by pyvisa and pyvisa-py against real sockets: answers, late answers, nobody there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from drivers.contract import DeviceError, LinkLost, NoReply
from drivers.transport.open import open_link, reopen_target
from drivers.transport.port import LinkPort

pyvisa = pytest.importorskip("pyvisa")
IDENTITY = b"Openablate,Test instrument,1,0\n"


class Instrument:
    """A socket instrument: ``*IDN?`` is answered at once, other questions after ``delay_s``; everything is noted."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.delay_s = 0.0
        self.identity = IDENTITY
        self.sessions = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        try:
            while line := await reader.readline():
                self.heard.append(line)
                if line == b"*IDN?\n":
                    writer.write(self.identity)
                elif b"?" in line:
                    await asyncio.sleep(self.delay_s)
                    writer.write(b"answer to " + line)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def instrument() -> AsyncIterator[tuple[Instrument, str, Callable[[], None]]]:
    one = Instrument()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    number = server.sockets[0].getsockname()[1]
    yield one, f"visa://TCPIP::127.0.0.1::{number}::SOCKET", server.close
    server.close()
    await server.wait_closed()


def line(buffer: bytearray) -> bytes | None:
    end = buffer.find(b"\n")
    if end < 0:
        return None
    found = bytes(buffer[:end])
    del buffer[: end + 1]
    return found


async def test_questions_are_answered_and_orders_are_only_written() -> None:
    async with instrument() as (one, url, _):
        port = LinkPort(await open_link(url, 0), url)
        await port.send(b"OUTP1 OFF\n")
        assert await port.exchange(b"OUTP1?\n", line, timeout_s=1.0) == b"answer to OUTP1?"
        assert one.heard == [b"*IDN?\n", b"OUTP1 OFF\n", b"OUTP1?\n"]
        await port.close()
        await asyncio.sleep(0.3)


async def test_a_late_answer_is_left_behind_with_its_session() -> None:
    async with instrument() as (one, url, _):
        port = LinkPort(await open_link(url, 0), url)
        one.delay_s = 1.0
        with pytest.raises(NoReply):
            await port.exchange(b"FIRST?\n", line, timeout_s=0.2)
        one.delay_s = 0.0
        assert await port.exchange(b"SECOND?\n", line, timeout_s=2.0) == b"answer to SECOND?"
        assert one.sessions == 2
        await port.close()
        await asyncio.sleep(1.0)


async def test_another_instrument_after_a_time_out_is_a_lost_link() -> None:
    async with instrument() as (one, url, _):
        port = LinkPort(await open_link(url, 0), url)
        one.delay_s = 0.6
        with pytest.raises(NoReply):
            await port.exchange(b"FIRST?\n", line, timeout_s=0.2)
        one.identity = b"Somebody,Else,2,0\n"
        with pytest.raises(LinkLost, match="and after a time-out is 'Somebody,Else,2,0'"):
            await port.exchange(b"SECOND?\n", line, timeout_s=2.0)
        await port.close()
        await asyncio.sleep(0.6)


async def test_nobody_there() -> None:
    async with instrument() as (_, url, close):
        close()
        with pytest.raises(DeviceError, match="nothing identifies itself"):
            await open_link(url, 0)


async def test_a_resource_that_is_none() -> None:
    with pytest.raises(DeviceError, match="check the resource name"):
        await open_link("visa://nonsense", 0)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("visa://TCPIP::10.0.0.7::5025::SOCKET", "tcp://10.0.0.7:5025"),
        ("visa://TCPIP0::scope.lab::5025::socket", "tcp://scope.lab:5025"),
        ("visa://TCPIP::10.0.0.7::hislip0::INSTR", None),
        ("visa://ASRL/dev/ttyUSB0::INSTR", None),
    ],
)
def test_what_the_watchdog_could_open_itself(url: str, target: str | None) -> None:
    assert reopen_target(url) == target
