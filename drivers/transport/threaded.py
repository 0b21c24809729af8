"""The fall-back for ports that only pyserial itself can drive (``rfc2217://``, ``loop://``, Windows): two threads.

One reads, one writes, so that a reader that waits cannot hold up an off. Prefer a descriptor wherever there is one: a
thread that is stuck in a driver cannot be ended (P7, P9), only left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import queue
import threading
from collections.abc import Callable
from typing import Any

import serial

from drivers.contract import DeviceError
from drivers.transport.base import SerialSettings
from drivers.transport.serial import DEFAULT

READ_TIMEOUT_S = 0.05
WAITING_MAX = 64


class ThreadLink:
    """A :class:`~drivers.transport.base.Link` over an open pyserial object."""

    def __init__(self, port: Any, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._port = port
        self._name = name
        self._output: queue.Queue[bytes | None] = queue.Queue(WAITING_MAX)
        self._on_data: Callable[[bytes], None] | None = None
        self._on_lost: Callable[[Exception | None], None] | None = None
        self._open = True
        self._threads: list[threading.Thread] = []

    def start(self, on_data: Callable[[bytes], None], on_lost: Callable[[Exception | None], None]) -> None:
        """Begin to read; see :class:`~drivers.transport.base.Link`."""
        self._on_data, self._on_lost = on_data, on_lost
        for role, work in (("read", self._read), ("write", self._write)):
            thread = threading.Thread(target=work, name=f"{role}-{self._name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def write(self, data: bytes) -> None:
        """Queue bytes for the writing thread.

        Raises:
            BlockingIOError: the port has not taken earlier bytes.
            OSError: the port is gone.
        """
        if not self._open:
            raise OSError(errno.EBADF, "the port is closed")
        try:
            self._output.put_nowait(data)
        except queue.Full:
            raise BlockingIOError(errno.EAGAIN, "the port takes no more bytes") from None

    def fileno(self) -> int | None:
        """There is no descriptor to share."""
        return None

    def close(self) -> None:
        """Let both threads end; the reader closes the port."""
        self._open = False
        self._on_data = self._on_lost = None
        with contextlib.suppress(queue.Full):
            self._output.put_nowait(None)
        if not self._threads:
            self._release()

    def _release(self) -> None:
        with contextlib.suppress(Exception):
            self._port.close()

    def _read(self) -> None:
        try:
            while self._open:
                data = self._port.read(max(1, self._port.in_waiting))
                if data:
                    self._tell(self._deliver, bytes(data))
        except Exception as error:
            self._tell(self._lose, error)
        self._release()

    def _write(self) -> None:
        try:
            while (data := self._output.get()) is not None:
                self._port.write(data)
        except Exception as error:
            self._tell(self._lose, error)

    def _tell(self, what: Callable[..., None], about: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(what, about)

    def _deliver(self, data: bytes) -> None:
        if self._on_data is not None:
            self._on_data(data)

    def _lose(self, error: Exception) -> None:
        on_lost, self._on_lost = self._on_lost, None
        self.close()
        if on_lost is not None:
            on_lost(error)


async def open_threaded(url: str, baud: int, settings: SerialSettings = DEFAULT) -> ThreadLink:
    """Open any pyserial URL; the opening itself, which may negotiate for seconds, is done in a thread.

    Raises:
        DeviceError: it does not open; with the remedy.
    """

    def opened() -> Any:
        port = serial.serial_for_url(url, baudrate=baud, do_not_open=True, timeout=READ_TIMEOUT_S)
        port.bytesize, port.parity, port.stopbits = settings.bytesize, settings.parity, settings.stopbits
        port.xonxoff, port.rtscts = settings.xonxoff, settings.rtscts
        port.dtr, port.rts = settings.dtr, settings.rts
        port.open()
        return port

    try:
        port = await asyncio.to_thread(opened)
    except Exception as error:
        raise DeviceError(url, f"it does not open: {error}", "check the URL, and that its server runs") from error
    return ThreadLink(port, url)
