"""VISA resources (``visa://TCPIP::host::hislip0::INSTR``, ``visa://ASRL/dev/ttyUSB0::INSTR``), by pyvisa.

pyvisa blocks and its sessions belong to one thread, so each link has a thread that writes, and reads after every
message with a question mark, in slices: no reading or writing takes longer than 200 ms. When the port has something new
to say, or patience ends, before the answer is whole, the session is closed, opened anew and identified, because a late
answer would be taken for the next one's. An urgent message waits for none of that: it goes out on the session that is
there, and once more on the new one, where its answer is heard.

Some instruments answer orders too; on a raw socket or a serial line, where reading does no harm, that is read before
the next message, and while nothing is asked. For raw sockets prefer ``tcp://host:port``, for serial lines the path: the
loop reads them without a thread, and sees at once when they close.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from drivers.contract import DeviceError
from drivers.transport import visa_sessions as sessions
from drivers.transport.base import SerialSettings
from drivers.transport.serial import DEFAULT

GLANCE_S = 0.001
IDLE_S = 0.05
PATIENCE_S = 5.0
OPEN_TIMEOUT_S = 5.0
WAITING_MAX = 64


class VisaLink:
    """A :class:`~drivers.transport.base.Link` over one VISA resource. ``opened`` makes a fresh session."""

    def __init__(self, session: Any, opened: Callable[[], Any], resource: str, identity: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._session, self._opened, self._resource, self._identity = session, opened, resource, identity
        name = resource.upper()
        self._serial = name.startswith("ASRL")
        self._stream = self._serial or name.endswith("::SOCKET")  # bytes, where a line is an answer
        hislip = "::HISLIP" in name
        self._count = 1 if hislip else sessions.CHUNK  # at a time: pyvisa-py's HiSLIP forgets what came before a pause
        self._calls = not (self._stream or hislip)  # VXI-11, where an overdue call counts as an I/O error
        self._output: queue.Queue[bytes | None] = queue.Queue(WAITING_MAX)
        self._urgent: bytes | None = None
        self._on_data: Callable[[bytes], None] | None = None
        self._on_lost: Callable[[Exception | None], None] | None = None
        self._open = True
        self._thread: threading.Thread | None = None

    def start(self, on_data: Callable[[bytes], None], on_lost: Callable[[Exception | None], None]) -> None:
        """Begin; see :class:`~drivers.transport.base.Link`."""
        self._on_data, self._on_lost = on_data, on_lost
        self._thread = threading.Thread(target=self._work, name=f"visa-{self._resource}", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue a message for the thread.

        Raises:
            BlockingIOError: the instrument has not taken earlier messages.
            OSError: the session is gone.
        """
        if not self._open:
            raise OSError(errno.EBADF, "the session is closed")
        try:
            self._output.put_nowait(data)
        except queue.Full:
            raise BlockingIOError(errno.EAGAIN, "the instrument takes no more messages") from None

    def write_urgent(self, data: bytes) -> None:
        """As :meth:`write`, for an off: may reach the instrument twice, but never waits for a session to be opened."""
        self._urgent = data
        self.write(data)

    def fileno(self) -> int | None:
        """There is no descriptor to share."""
        return None

    def close(self) -> None:
        """Let the thread end; it closes the session."""
        self._open = False
        self._on_data = self._on_lost = None
        with contextlib.suppress(queue.Full):
            self._output.put_nowait(None)
        if self._thread is None:
            sessions.release(self._session)

    # ---- in the thread

    def _work(self) -> None:
        ordered = False
        try:
            while self._open:
                try:
                    data = self._output.get(timeout=IDLE_S if self._stream else None)
                except queue.Empty:
                    self._glance()
                    continue
                if data is None:
                    break
                if ordered and self._stream:
                    self._glance()
                self._urgent = None
                self._session.write_raw(data)
                ordered = b"?" not in data
                if not ordered:
                    self._listen()
        except Exception as error:
            self._tell(self._lose, error)
        sessions.release(self._session)

    def _listen(self) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while self._open:
            data, whole = self._read()
            given_up = not self._output.empty()  # the port has something new to say: this answer is nobody's any more
            if data and not given_up:
                self._tell(self._deliver, data)
            if whole:
                return
            if given_up or time.monotonic() >= until_s:
                self._hurry()
                self._reopen()
                return

    def _read(self) -> tuple[bytes, bool]:
        """What has come within a slice, and whether that ends an answer.

        Raises:
            OSError: the session is of no use any more.
        """
        from pyvisa.constants import StatusCode

        data, status = sessions.read(self._session, self._count)
        silent = (StatusCode.error_timeout, StatusCode.error_io) if self._calls else (StatusCode.error_timeout,)
        if status < 0 and status not in silent:
            raise OSError(errno.EIO, f"{self._resource}: {StatusCode(status).name}")
        if self._stream:
            return data, data.endswith(b"\n")
        return data, 0 <= status != StatusCode.success_max_count_read

    def _glance(self) -> None:
        """Hand on what has come since an order, so that it is not taken for the answer to the next question."""
        self._session.timeout = round(GLANCE_S * 1000)
        try:
            while self._open and (data := self._read()[0]):
                self._tell(self._deliver, data)
        finally:
            self._session.timeout = round(sessions.SLICE_S * 1000)

    def _hurry(self) -> bool:
        """Write the urgent message that waits, if one does. It stays in the queue, and is written again in its turn."""
        data, self._urgent = self._urgent, None
        if data is not None:
            with contextlib.suppress(Exception):  # this session may be dead, and the next one is on its way
                self._session.write_raw(data)
        return data is not None

    def _reopen(self) -> None:
        """A fresh session to the same instrument. What the old one was still to hear is gone with it, but for what is
        on a serial line already, and the answer to what was urgent: then lines other than the identity are passed over.
        """
        sessions.release(self._session)
        self._session = self._opened()
        sessions.hasten(self._session)
        self._session.write_raw(sessions.IDENTIFY)
        until_s, heard, strange = time.monotonic() + sessions.IDENTIFY_S, b"", self._serial
        while self._open and time.monotonic() < until_s:
            data, whole = self._read()
            heard += data
            if whole and sessions.text_of(heard) == self._identity:
                return
            if whole and not strange:
                break
            if self._hurry():  # which may cost the answer to the question before it
                strange = True
                self._session.write_raw(sessions.IDENTIFY)
        found = sessions.text_of(heard) or "silent"
        raise OSError(errno.ENODEV, f"{self._resource} was {self._identity!r}, and after a time-out is {found!r}")

    def _tell(self, what: Callable[..., None], about: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(what, about)

    # ---- in the loop

    def _deliver(self, data: bytes) -> None:
        if self._on_data is not None:
            self._on_data(data)

    def _lose(self, error: Exception) -> None:
        on_lost, self._on_lost = self._on_lost, None
        self.close()
        if on_lost is not None:
            on_lost(error)


async def open_visa(url: str, baud: int, settings: SerialSettings = DEFAULT) -> VisaLink:
    """Open ``visa://RESOURCE`` and identify what is there: opening alone proves nothing, pyvisa-py opens sockets that
    nobody listens on. ``baud`` and ``settings`` are for ``ASRL`` resources; DTR and RTS are pyvisa's business.

    The environment variable PYVISA_LIBRARY chooses another backend than pyvisa-py (``@ivi``, a path).

    Raises:
        DeviceError: pyvisa is missing, the resource is not understood, or nothing identifies itself; with the remedy.
    """
    resource = url.split("://", 1)[1]
    try:
        import pyvisa
    except ImportError as error:
        raise DeviceError(url, "VISA needs pyvisa", "pip install 'openablate[visa]'") from error

    def opened() -> Any:
        manager = pyvisa.ResourceManager(os.environ.get("PYVISA_LIBRARY", "@py"))
        session: Any = manager.open_resource(
            resource, open_timeout=round(OPEN_TIMEOUT_S * 1000), timeout=round(sessions.SLICE_S * 1000)
        )
        session.write_termination = session.read_termination = "\n"  # sockets have it off, and then every read hangs
        if resource.upper().startswith("ASRL"):
            sessions.frame(session, resource, baud, settings)
        return session

    def both() -> tuple[Any, str]:
        session = opened()
        try:
            identity = sessions.identify(session)
            sessions.hasten(session)
        except BaseException:
            sessions.release(session)
            raise
        return session, identity

    try:
        session, identity = await asyncio.to_thread(both)
    except Exception as error:
        remedy = "check the resource name, the instrument's LAN or serial settings, and that nobody else holds it"
        raise DeviceError(url, f"nothing identifies itself ({type(error).__name__}: {error})", remedy) from error
    return VisaLink(session, opened, resource, identity)
