"""Serial ports behind a device server that speaks RFC 2217: framing and modem lines go over, off does too, and a server
that goes is a lost link. The server side is pyserial's own, over its loop-back port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from serial import rfc2217, serial_for_url

from drivers.contract import DeviceError, LinkLost, NoReply
from drivers.transport.base import SerialSettings
from drivers.transport.open import open_link, reopen_target
from drivers.transport.port import LinkPort

pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # pyserial's own
SETTINGS = SerialSettings(bytesize=7, parity="O", stopbits=2)


class DeviceServer:
    """``port`` is what the client set it to; ``heard`` what went out of it; answers come back as long as not mute."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"rfc2217://127.0.0.1:{self.listening.getsockname()[1]}"
        self.port: Any = serial_for_url("loop://", timeout=0)
        self.heard = b""
        self.mute = False
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="device-server")
        self._thread.start()

    def write(self, data: bytes) -> None:
        """For the port manager: bytes to the client."""
        if self._socket is not None:
            self._socket.sendall(data)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            self._socket = self.listening.accept()[0]
            manager = rfc2217.PortManager(self.port, cast(Any, self))
            while data := self._socket.recv(1024):
                out = b"".join(manager.filter(data))
                self.heard += out
                if out and not self.mute:
                    self.port.write(out)
                    self._socket.sendall(b"".join(manager.escape(self.port.read(1024))))

    def kill(self) -> None:
        for one in (self._socket, self.listening):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
        self._thread.join(3.0)


@pytest.fixture
def server() -> Iterator[DeviceServer]:
    made = DeviceServer()
    yield made
    made.kill()


def line(buffer: bytearray) -> bytes | None:
    end = buffer.find(b"\n")
    if end < 0:
        return None
    found = bytes(buffer[:end])
    del buffer[: end + 1]
    return found


async def opened(server: DeviceServer, settings: SerialSettings = SETTINGS) -> LinkPort:
    return LinkPort(await open_link(server.url, 19_200, settings=settings), server.url)


async def test_framing_and_modem_lines_go_over(server: DeviceServer) -> None:
    port = await opened(server)
    there = server.port
    assert (there.baudrate, there.bytesize, there.parity, there.stopbits) == (19_200, 7, "O", 2)
    assert (there.dtr, there.rts) == (False, False)  # whoever has wired one to an enable input keeps it low
    assert await port.exchange(b"abc\n", line, timeout_s=3.0) == b"abc"
    await port.close()


async def test_flow_control_goes_over(server: DeviceServer) -> None:
    port = await opened(server, SerialSettings(rtscts=True))
    assert (server.port.rtscts, server.port.xonxoff, server.port.parity) == (True, False, "N")
    await port.close()


async def test_off_goes_out_beside_a_question_that_nobody_answers(server: DeviceServer) -> None:
    port = await opened(server)
    server.mute = True
    slow = asyncio.ensure_future(port.exchange(b"P?\n", line, timeout_s=0.2))
    await asyncio.sleep(0.02)
    begin_s = time.monotonic()
    await port.send(b"\xff\x00off\n", urgent=True)  # a byte that telnet doubles
    while b"off" not in server.heard:
        assert time.monotonic() - begin_s < 0.4
        await asyncio.sleep(0.005)
    assert server.heard == b"P?\n\xff\x00off\n"
    assert isinstance((await asyncio.gather(slow, return_exceptions=True))[0], NoReply)
    await port.close()


async def test_a_server_that_goes_is_a_lost_link(server: DeviceServer) -> None:
    port = await opened(server)
    assert port.fileno() is None
    waiting = asyncio.ensure_future(port.exchange(b"never", line, timeout_s=5.0))
    await asyncio.sleep(0.05)
    await asyncio.to_thread(server.kill)
    with pytest.raises(LinkLost):
        await waiting
    with pytest.raises(LinkLost):
        await port.send(b"off\n", urgent=True)
    await port.close()


async def test_nobody_there_and_no_way_for_the_watchdog(server: DeviceServer) -> None:
    assert reopen_target(server.url) is None  # raw bytes would be telnet to it
    await asyncio.to_thread(server.kill)
    with pytest.raises(DeviceError, match="check the URL, and that its server runs"):
        await open_link(server.url, 9600)
