"""The port contract: one owner, one outstanding exchange, a priority lane for off, resynchronisation after a time-out.

:class:`Link` is what a transport provides and what anything that carries bytes (a PTY, a socket, a memory pair of a
rehearsal) can satisfy structurally; :class:`Port` is what a driver uses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class SerialSettings(NamedTuple):
    """Framing, handshake and control lines of a serial port; pyserial's names and values."""

    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1
    xonxoff: bool = False
    rtscts: bool = False
    dtr: bool = False
    rts: bool = False


class Link(Protocol):
    """A duplex byte pipe driven by the running loop. ``on_lost`` is called at most once, with the reason or None."""

    def start(self, on_data: Callable[[bytes], None], on_lost: Callable[[Exception | None], None]) -> None: ...
    def write(self, data: bytes) -> None:
        """Hand bytes to the pipe without blocking. Raises OSError when the pipe is gone or full."""

    def fileno(self) -> int | None:
        """The descriptor to share with the watchdog, or None where there is none to share."""

    def close(self) -> None: ...


class Port(Protocol):
    """What a driver talks through; implemented in :mod:`drivers.transport.port`."""

    url: str
    t_request_s: float
    """When the request of the exchange that has just been answered left. Read it before the next ``await``."""

    async def exchange(
        self,
        request: bytes,
        parse: Callable[[bytearray], T | None],
        *,
        timeout_s: float = 0.2,
        urgent: bool = False,
        before_send: Callable[[], bool] | None = None,
        acknowledge: bytes = b"",
    ) -> T:
        """Send ``request`` and feed what comes back to ``parse`` until it returns a value.

        ``parse`` gets the whole receive buffer, consumes what it used (``del buffer[:n]``), and returns None for "not
        yet"; it may raise BadReply. ``urgent`` requests go before every waiting one and are written as soon as the
        exchange in flight ends or times out. ``before_send`` is called with the port held; False drops the request
        with Refused. ``acknowledge`` is written the moment a reply was understood, before anything else.
        """

    async def send(
        self,
        data: bytes,
        *,
        urgent: bool = False,
        quiet_s: float = 0.0,
        before_send: Callable[[], bool] | None = None,
    ) -> None:
        """Write without awaiting a reply, then keep the port to itself for ``quiet_s``. ``before_send`` as in
        :meth:`exchange`."""

    def set_marker(self, request: bytes, parse: Callable[[bytearray], object | None], acknowledge: bytes = b"") -> None:
        """Name a harmless query whose answer cannot be mistaken for any other: the way back in step after a time-out.

        ``parse`` throws away whatever comes before that answer and returns None until it is there.
        """

    def now(self) -> float: ...
    def fileno(self) -> int | None: ...
    async def close(self) -> None: ...
