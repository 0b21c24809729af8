"""A VXI-11 core server in front of an emulator's wire, from VXI-11 revision 1.0 and RFC 1057 (ONC RPC over TCP, record
marking, XDR). There is no portmapper, whose port 111 is root's: pyvisa-py takes the port behind the host's name.

Of its rules that matter to a controller: ``device_read`` waits for an answer up to ``io_timeout`` ms and then fails
with error 15; a message may come in parts, the last of which has the END reason; each link has buffers of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from functools import partial

from sim.links import Wire

CORE, VERSION = 0x0607AF, 1
CREATE_LINK, DEVICE_WRITE, DEVICE_READ, DEVICE_READSTB, DEVICE_CLEAR, DESTROY_LINK = 10, 11, 12, 13, 15, 23
INVALID_LINK, IO_TIMEOUT = 4, 15
FLAG_END, REASON_REQUEST_SIZE, REASON_END = 8, 1, 4
MAX_RECEIVE = 4096
LAST = 1 << 31  # of a record's fragments


class Device:
    """One link: what was written and not yet ended, what is to be read, and whether that is whole."""

    def __init__(self) -> None:
        self.message = bytearray()
        self.answer = bytearray()
        self.asked = 0
        self.whole = False
        self.news = asyncio.Event()


class Vxi11Server:
    """Serves ``wire`` to any number of links. ``heard`` are the messages of all of them, ``sessions`` how many there
    were. :attr:`torn_s` delays the second half of each answer; :attr:`deaf` answers no call any more; :attr:`wire` may
    be replaced by another instrument's."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.heard: list[bytes] = []
        self.sessions = 0
        self.torn_s = 0.0
        self.deaf = False
        self._links: dict[int, Device] = {}
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> str:
        """Listen on a free port; the resource's URL."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"visa://TCPIP::127.0.0.1,{self._server.sockets[0].getsockname()[1]}::inst0::INSTR"

    def kill(self) -> None:
        """The instrument loses its power, or its network."""
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        calls: dict[int, Callable[[bytes], Awaitable[bytes]]] = {
            CREATE_LINK: self._create_link,
            DEVICE_WRITE: self._write,
            DEVICE_READ: self._read,
            DEVICE_READSTB: self._read_status,
            DEVICE_CLEAR: self._clear,
            DESTROY_LINK: self._destroy_link,
        }
        try:
            while True:
                record, last = bytearray(), False
                while not last:
                    (mark,) = struct.unpack("!I", await reader.readexactly(4))
                    last = bool(mark & LAST)
                    record += await reader.readexactly(mark & ~LAST)
                xid, call, rpc, program, version, procedure = struct.unpack_from("!6I", record)
                assert (call, rpc, program, version) == (0, 2, CORE, VERSION)
                at = 24
                for _ in range(2):  # credentials and verifier
                    at += 8 + int.from_bytes(record[at + 4 : at + 8], "big")
                known = calls.get(procedure)
                status, result = (3, b"") if known is None else (0, await known(bytes(record[at:])))
                if not self.deaf:
                    reply = struct.pack("!6I", xid, 1, 0, 0, 0, status) + result
                    writer.write(struct.pack("!I", LAST | len(reply)) + reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _create_link(self, _: bytes) -> bytes:
        self.sessions += 1
        self._links[self.sessions] = Device()
        return struct.pack("!iiII", 0, self.sessions, 0, MAX_RECEIVE)

    async def _destroy_link(self, parameters: bytes) -> bytes:
        return struct.pack("!i", 0 if self._links.pop(struct.unpack_from("!i", parameters)[0], None) else INVALID_LINK)

    async def _write(self, parameters: bytes) -> bytes:
        number, _, _, flags, length = struct.unpack_from("!iIIiI", parameters)
        device = self._links.get(number)
        if device is None:
            return struct.pack("!iI", INVALID_LINK, 0)
        device.message += parameters[20 : 20 + length]
        if flags & FLAG_END:
            message = bytes(device.message)
            device.message.clear()
            device.answer.clear()  # a query that is interrupted has no answer any more
            device.whole = False
            device.asked += 1
            self.heard.append(message)
            self.wire.feed(message, partial(self._answer, device, device.asked))
        return struct.pack("!iI", 0, length)

    def _answer(self, device: Device, asked: int, data: bytes) -> None:
        if asked != device.asked:
            return
        half = len(data) // 2 if self.torn_s else 0
        if half:
            device.answer += data[:half]
            device.news.set()
        asyncio.get_running_loop().call_later(self.torn_s, self._rest, device, asked, data[half:])

    @staticmethod
    def _rest(device: Device, asked: int, data: bytes) -> None:
        if asked == device.asked:
            device.answer += data
            device.whole = True
            device.news.set()

    async def _read(self, parameters: bytes) -> bytes:
        number, size, timeout_ms, _, _, _ = struct.unpack_from("!iIIIii", parameters)
        device = self._links.get(number)
        if device is None:
            return struct.pack("!iiI", INVALID_LINK, 0, 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_ms / 1e3):
                while not device.answer:
                    device.news.clear()
                    await device.news.wait()
        data = bytes(device.answer[:size])
        if not data:
            return struct.pack("!iiI", IO_TIMEOUT, 0, 0)
        del device.answer[: len(data)]
        ended = device.whole and not device.answer
        reason = REASON_END if ended else REASON_REQUEST_SIZE if len(data) == size else 0
        return struct.pack("!iiI", 0, reason, len(data)) + data + bytes(-len(data) % 4)

    async def _read_status(self, _: bytes) -> bytes:
        return struct.pack("!iI", 0, 0)

    async def _clear(self, parameters: bytes) -> bytes:
        device = self._links.get(struct.unpack_from("!i", parameters)[0])
        if device is None:
            return struct.pack("!i", INVALID_LINK)
        device.message.clear()
        device.answer.clear()
        device.asked += 1
        return struct.pack("!i", 0)
