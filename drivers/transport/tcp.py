"""TCP ports (``tcp://host:port`` and pyserial's ``socket://host:port``) without a thread and without Nagle's delay."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from typing import cast

from drivers.contract import DeviceError

CONNECT_TIMEOUT_S = 2.0
OUTPUT_MAX = 4096  # bytes that may wait for a peer that reads no more
SILENT_PEER_MS = 2000  # unacknowledged for so long, the link is lost


class TcpLink(asyncio.Protocol):
    """A :class:`~drivers.transport.base.Link` over one TCP connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._on_data: Callable[[bytes], None] | None = None
        self._on_lost: Callable[[Exception | None], None] | None = None
        self._lost: tuple[Exception | None] | None = None

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what comes before :meth:`start` in the kernel."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Hand on."""
        if self._on_data is not None:
            self._on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell once; a loss before :meth:`start` is told there."""
        self._transport = None
        self._lost = (exc,)
        on_lost, self._on_lost = self._on_lost, None
        if on_lost is not None:
            on_lost(exc)

    # ---- Link

    def start(self, on_data: Callable[[bytes], None], on_lost: Callable[[Exception | None], None]) -> None:
        """Begin to read; see :class:`~drivers.transport.base.Link`."""
        self._on_data, self._on_lost = on_data, on_lost
        if self._transport is None:
            asyncio.get_running_loop().call_soon(on_lost, self._lost[0] if self._lost else None)
        else:
            self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Hand bytes to the socket.

        Raises:
            BlockingIOError: the peer has not read what was sent before.
            OSError: the connection is gone.
        """
        if self._transport is None or self._transport.is_closing():
            raise OSError(errno.EPIPE, "the connection is closed")
        if self._transport.get_write_buffer_size() > OUTPUT_MAX:
            raise BlockingIOError(errno.EAGAIN, "the peer reads no more")
        self._transport.write(data)

    def fileno(self) -> int | None:
        """The socket's descriptor, to share with the watchdog."""
        if self._transport is None:
            return None
        fd: int = self._transport.get_extra_info("socket").fileno()
        return fd if fd >= 0 else None

    def close(self) -> None:
        """Close at once; may be called twice."""
        self._on_data = self._on_lost = None
        if self._transport is not None:
            self._transport.abort()


async def open_tcp(url: str, host: str, port: int) -> TcpLink:
    """Connect.

    Raises:
        DeviceError: nobody answers there; with the remedy.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            transport, link = await loop.create_connection(TcpLink, host, port)
    except TimeoutError:
        text = f"no answer within {CONNECT_TIMEOUT_S:g} s"
        raise DeviceError(url, text, "check its power, network and address") from None
    except socket.gaierror as error:
        raise DeviceError(url, f"no host {host!r} ({error.strerror})", "check the name in the bench file") from error
    except ConnectionRefusedError as error:
        remedy = "start the device's server, check the port number; many device servers accept one client at a time"
        raise DeviceError(url, "connection refused", remedy) from error
    except OSError as error:
        raise DeviceError(url, f"no connection: {error}", "check its power, network and address") from error
    _tune(transport.get_extra_info("socket"))
    return link


def _tune(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_PEER_MS)
