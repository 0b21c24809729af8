"""A link over a descriptor that the running loop watches: what serial ports, PTYs and sockets have in common.

Nothing stands between the descriptor and the port: one ``read`` when it is readable, one ``write`` at once, and a
buffer only for what the system does not take.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable

OUTPUT_MAX = 4096  # bytes that may wait for a slow port, or a peer that reads no more
READ_SIZE = 4096


class FdLink:
    """A :class:`~drivers.transport.base.Link` over a non-blocking descriptor. ``release`` closes it, without
    blocking."""

    def __init__(self, fd: int, release: Callable[[], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self._fd = fd
        self._release = release
        self._pending = bytearray()
        self._on_data: Callable[[bytes], None] | None = None
        self._on_lost: Callable[[Exception | None], None] | None = None
        self._open = True

    def start(self, on_data: Callable[[bytes], None], on_lost: Callable[[Exception | None], None]) -> None:
        """Begin to read; see :class:`~drivers.transport.base.Link`."""
        self._on_data, self._on_lost = on_data, on_lost
        self._loop.add_reader(self._fd, self._readable)

    def write(self, data: bytes) -> None:
        """Write now, and what does not fit as soon as it does.

        Raises:
            BlockingIOError: earlier bytes have not been taken (flow control, a hung adapter, a peer that reads no
                more).
            OSError: the port is gone.
        """
        if not self._open:
            raise OSError(errno.EBADF, "the port is closed")
        if self._pending:
            if len(self._pending) + len(data) > OUTPUT_MAX:
                raise BlockingIOError(errno.EAGAIN, "the port takes no more bytes")
            self._pending += data
            return
        try:
            sent = os.write(self._fd, data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._pending += data[sent:]
            self._loop.add_writer(self._fd, self._writable)

    def fileno(self) -> int | None:
        """The descriptor to share with the watchdog."""
        return self._fd if self._open else None

    def close(self) -> None:
        """Stop reading and release the port; closing a port that has been unplugged may fail, which changes nothing.
        May be called twice."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        with contextlib.suppress(Exception):
            self._release()

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:  # EIO: the other end of a PTY closed, or the adapter was pulled
            self._lose(error)
            return
        if data:
            if self._on_data is not None:
                self._on_data(data)
        else:
            self._lose(None)

    def _writable(self) -> None:
        try:
            sent = os.write(self._fd, self._pending)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        del self._pending[:sent]
        if not self._pending:
            self._loop.remove_writer(self._fd)

    def _lose(self, error: Exception | None) -> None:
        self.close()
        on_lost, self._on_lost = self._on_lost, None
        if on_lost is not None:
            on_lost(error)
