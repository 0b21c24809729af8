"""VISA resources (``visa://TCPIP::host::hislip0::INSTR``, ``visa://ASRL/dev/ttyUSB0::INSTR``), by pyvisa.

pyvisa blocks and its sessions belong to one thread, so each link has a thread that writes, and reads after every
message with a question mark. A read that times out is tried again until the port writes something new or the patience
ends; then the session is closed, opened anew and identified, because a late answer would be taken for the next one's.
No call waits longer than :data:`SLICE_S`, so an off that is written next is never further away than that.
Some instruments answer orders too; on a raw socket, where reading does no harm, that is read before the next message.

For raw sockets prefer ``tcp://host:port``: the loop reads it without a thread, and sees when the peer closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

from drivers.contract import DeviceError

SLICE_S = 0.2
GLANCE_S = 0.001
PATIENCE_S = 5.0
OPEN_TIMEOUT_S = 5.0
WAITING_MAX = 64
IDENTIFY = "*IDN?"


class VisaLink:
    """A :class:`~drivers.transport.base.Link` over one VISA resource. ``opened`` makes a fresh session."""

    def __init__(self, session: Any, opened: Callable[[], Any], resource: str, identity: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._session, self._opened, self._resource, self._identity = session, opened, resource, identity
        self._output: queue.Queue[bytes | None] = queue.Queue(WAITING_MAX)
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
            _release(self._session)

    # ---- in the thread

    def _work(self) -> None:
        ordered, raw = False, self._resource.upper().endswith("::SOCKET")
        try:
            while self._open and (data := self._output.get()) is not None:
                if ordered and raw:
                    self._glance()
                self._session.write_raw(data)
                ordered = b"?" not in data
                if not ordered:
                    self._listen()
        except Exception as error:
            self._tell(self._lose, error)
        _release(self._session)

    def _listen(self) -> None:
        from pyvisa.constants import StatusCode
        from pyvisa.errors import VisaIOError

        waited_s = 0.0
        while self._open:
            try:
                answer = self._session.read_raw()
            except VisaIOError as error:
                if error.error_code != StatusCode.error_timeout:
                    raise
            else:
                self._tell(self._deliver, bytes(answer))
                return
            waited_s += SLICE_S
            if not self._output.empty() or waited_s >= PATIENCE_S:
                self._reopen()
                return

    def _glance(self) -> None:
        """Hand on what has come since an order, so that it is not taken for the answer to the next question."""
        from pyvisa.constants import StatusCode
        from pyvisa.errors import VisaIOError

        self._session.timeout = round(GLANCE_S * 1000)
        try:
            while self._open:
                self._tell(self._deliver, bytes(self._session.read_raw()))
        except VisaIOError as error:
            if error.error_code != StatusCode.error_timeout:
                raise
        finally:
            self._session.timeout = round(SLICE_S * 1000)

    def _reopen(self) -> None:
        _release(self._session)
        self._session = self._opened()
        found = _identify(self._session)
        if found != self._identity:
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


def _identify(session: Any) -> str:
    return str(session.query(IDENTIFY)).strip()


def _release(session: Any) -> None:
    with contextlib.suppress(Exception):
        session.close()


async def open_visa(url: str, baud: int) -> VisaLink:
    """Open ``visa://RESOURCE`` and identify what is there: opening alone proves nothing, pyvisa-py opens sockets that
    nobody listens on.

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
            resource, open_timeout=round(OPEN_TIMEOUT_S * 1000), timeout=round(SLICE_S * 1000)
        )
        session.write_termination = session.read_termination = "\n"  # sockets have it off, and then every read hangs
        if resource.upper().startswith("ASRL") and baud:
            session.baud_rate = baud
        return session

    def both() -> tuple[Any, str]:
        session = opened()
        try:
            return session, _identify(session)
        except BaseException:
            _release(session)
            raise

    try:
        session, identity = await asyncio.to_thread(both)
    except Exception as error:
        remedy = "check the resource name, the instrument's LAN or serial settings, and that nobody else holds it"
        raise DeviceError(url, f"nothing identifies itself ({type(error).__name__}: {error})", remedy) from error
    return VisaLink(session, opened, resource, identity)
