"""A HiSLIP server in front of an emulator's wire, from IVI-6.1 (revision 1.1): synchronised mode, no locks. What a
client may not send is a fatal error.

Of its rules that matter to a controller: each session has a synchronous and an asynchronous channel; an answer carries
the message id of the question that it answers; a message that comes before an answer has gone voids that answer, which
the server tells on both channels (Interrupted); device clear voids it as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from dataclasses import dataclass, field
from functools import partial

from sim.links import Wire

HEADER = struct.Struct("!2sBBIQ")  # prologue, message type, control code, parameter, length of the payload
MAX_MESSAGE = 1 << 20

INITIALIZE, INITIALIZE_RESPONSE, FATAL_ERROR = 0, 1, 2
DATA, DATA_END, CLEAR_COMPLETE, CLEAR_ACKNOWLEDGE = 6, 7, 8, 9
INTERRUPTED, ASYNC_INTERRUPTED, MAX_SIZE, MAX_SIZE_RESPONSE = 13, 14, 15, 16
ASYNC_INITIALIZE, ASYNC_INITIALIZE_RESPONSE, ASYNC_CLEAR = 17, 18, 19
STATUS_QUERY, STATUS_RESPONSE, ASYNC_CLEAR_ACKNOWLEDGE = 21, 22, 23


@dataclass(eq=False)
class Session:
    """Both channels of one client, and the question that has not been answered yet."""

    sync: asyncio.StreamWriter
    asynchronous: asyncio.StreamWriter | None = None
    message: bytearray = field(default_factory=bytearray)
    asked: int | None = None


class HislipServer:
    """Serves ``wire`` to any number of sessions. ``heard`` are the messages of all of them, ``sessions`` how many there
    were. :attr:`torn_s` delays the second half of each answer; :attr:`wire` may be replaced by another instrument's."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.heard: list[bytes] = []
        self.sessions = 0
        self.torn_s = 0.0
        self._open: dict[int, Session] = {}
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> str:
        """Listen on a free port; the resource's URL."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"visa://TCPIP::127.0.0.1::hislip0,{self._server.sockets[0].getsockname()[1]}::INSTR"

    def kill(self) -> None:
        """The instrument loses its power, or its network."""
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        session: Session | None = None
        try:
            while True:
                prologue, kind, _, parameter, length = HEADER.unpack(await reader.readexactly(HEADER.size))
                payload = await reader.readexactly(length)
                if (
                    prologue != b"HS"
                    or length > MAX_MESSAGE
                    or (session is None) != (kind in (INITIALIZE, ASYNC_INITIALIZE))
                ):
                    return _send(writer, FATAL_ERROR, 3)
                if kind == INITIALIZE:
                    self.sessions += 1
                    session = self._open[self.sessions] = Session(writer)
                    _send(writer, INITIALIZE_RESPONSE, 0, 1 << 24 | self.sessions)  # version 1.0, session id
                elif kind == ASYNC_INITIALIZE:
                    session = self._open[parameter]
                    session.asynchronous = writer
                    _send(writer, ASYNC_INITIALIZE_RESPONSE)
                elif session is not None:
                    self._take(session, writer, kind, parameter, payload)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _take(self, session: Session, writer: asyncio.StreamWriter, kind: int, parameter: int, payload: bytes) -> None:
        if kind in (DATA, DATA_END):
            if session.asked is not None:
                session.asked = None
                _send(session.sync, INTERRUPTED, 0, parameter)
                if session.asynchronous is not None:
                    _send(session.asynchronous, ASYNC_INTERRUPTED, 0, parameter)
            session.message += payload
            if kind == DATA_END:
                message, session.message = bytes(session.message), bytearray()
                self.heard.append(message)
                session.asked = parameter if b"?" in message else None
                self.wire.feed(message, partial(self._answer, session, parameter))
        elif kind == MAX_SIZE:
            _send(writer, MAX_SIZE_RESPONSE, 0, 0, struct.pack("!Q", MAX_MESSAGE))
        elif kind == STATUS_QUERY:
            _send(writer, STATUS_RESPONSE, 0)
        elif kind == ASYNC_CLEAR:
            session.asked = None
            _send(writer, ASYNC_CLEAR_ACKNOWLEDGE)
        elif kind == CLEAR_COMPLETE:
            session.message.clear()
            _send(writer, CLEAR_ACKNOWLEDGE)
        else:
            _send(writer, FATAL_ERROR, 1)

    def _answer(self, session: Session, message_id: int, data: bytes) -> None:
        if session.asked != message_id:
            return  # interrupted, or the instrument answers an order: nobody may be sent what he did not ask for
        session.asked = None
        half = len(data) // 2 if self.torn_s else 0
        if half:
            _send(session.sync, DATA, 0, message_id, data[:half])
        rest = partial(_send, session.sync, DATA_END, 0, message_id, data[half:])
        asyncio.get_running_loop().call_later(self.torn_s, rest)


def _send(writer: asyncio.StreamWriter, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
    with contextlib.suppress(ConnectionError):
        writer.write(HEADER.pack(b"HS", kind, control, parameter, len(payload)) + payload)
