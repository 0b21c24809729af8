"""Serial ports and PTYs: pyserial opens and configures them, the running loop reads and writes the descriptor.

- DTR and RTS are set (low unless asked otherwise) before the port is opened, so that opening cannot move a line that
  somebody has wired to an enable input (P43).
- The port is ours alone: ``flock`` on the descriptor; whoever holds it already is named.
- A PTY has neither parity nor seven data bits. Linux forces them off, and the C library then reports EINVAL from the
  second opening on; so a PTY is always opened with eight bits and no parity.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import glob
import os
import sys
import threading
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

import serial
from serial.tools import list_ports

from drivers.contract import DeviceError
from drivers.transport.base import SerialSettings

if sys.platform != "win32":
    import fcntl
    import termios

OUTPUT_MAX = 4096  # bytes that may wait for a slow port
READ_SIZE = 4096


DEFAULT = SerialSettings()


class FdLink:
    """A :class:`~drivers.transport.base.Link` over a non-blocking descriptor. ``release`` closes it."""

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
            BlockingIOError: the port has not taken earlier bytes (flow control, a hung adapter).
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
        """Stop reading and release the port; closing a port that has been unplugged may fail, which changes nothing."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        if self._unsent():  # the system may wait for these bytes to leave, for up to half a minute
            threading.Thread(target=self._free, name="close-port", daemon=True).start()
        else:
            self._free()

    def _free(self) -> None:
        with contextlib.suppress(Exception):
            self._release()

    def _unsent(self) -> bool:
        try:
            answer = fcntl.ioctl(self._fd, termios.TIOCOUTQ, bytes(4))
        except OSError:
            return False
        return int.from_bytes(answer, sys.byteorder) > 0

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


def open_serial(path: str, baud: int, settings: SerialSettings = DEFAULT) -> FdLink:
    """Open, configure and own a serial port. Does not block.

    Raises:
        DeviceError: missing, not permitted, owned by another process, or not a serial port; with the remedy.
    """
    if is_pty(path):
        settings = settings._replace(bytesize=8, parity="N")
    port = _configured(baud, settings)
    port.port = path
    try:
        port.open()
    except Exception as error:
        raise _explained(path, error) from error
    return FdLink(port.fileno(), port.close)


def is_pty(path: str) -> bool:
    """True for a pseudo-terminal, also behind a symbolic link."""
    return os.path.realpath(path).startswith("/dev/pts/")


def _configured(baud: int, settings: SerialSettings) -> Any:
    port = serial.Serial(
        port=None,
        baudrate=baud,
        bytesize=settings.bytesize,
        parity=settings.parity,
        stopbits=settings.stopbits,
        xonxoff=settings.xonxoff,
        rtscts=settings.rtscts,
        timeout=0,
        write_timeout=0,
        exclusive=True,
    )
    port.dtr, port.rts = settings.dtr, settings.rts
    return port


def _explained(path: str, error: Exception) -> DeviceError:
    """Why a port did not open, in words, and what to do."""
    number = getattr(error, "errno", None)
    if number is None and error.__context__ is not None:  # pyserial wraps what termios says
        number = next((arg for arg in error.__context__.args if isinstance(arg, int)), None)
    if number == errno.ENOENT or not os.path.exists(path):
        return DeviceError(path, "no such port", _similar(path))
    if number == errno.EACCES:
        return DeviceError(path, "you may not open it", _permission_remedy(path))
    if number in (errno.EAGAIN, errno.EBUSY):
        owners = ", ".join(f"{name} (pid {pid})" for pid, name in owners_of(path)) or "another process"
        remedy = "end that process, or name another port in the bench file"
        return DeviceError(path, f"it is in use by {owners}", remedy)
    if number in (errno.ENOTTY, errno.EINVAL, errno.EISDIR):
        return DeviceError(path, f"it is not a serial port ({error})", _similar(path))
    return DeviceError(path, f"it does not open: {error}", "check cable and power of the adapter, then plug it in anew")


def _permission_remedy(path: str) -> str:
    try:
        import grp

        group = grp.getgrgid(os.stat(path).st_gid).gr_name
    except (ImportError, OSError, KeyError):
        group = "dialout"
    return f"add yourself to the group that owns it (`sudo usermod -aG {group} $USER`) and log in again"


def _similar(path: str) -> str:
    """A sentence naming the ports that are there, the likely one first."""
    there = sorted({*glob.glob("/dev/serial/by-id/*"), *(p.device for p in list_ports.comports())})
    beside = [os.path.join(os.path.dirname(path), name) for name in _names_in(os.path.dirname(path))]
    close = get_close_matches(path, [*there, *beside], n=3, cutoff=0.8)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if there:
        return f"ports that are there: {', '.join(there[:8])}"
    return "no serial port is there at all: check cable, power and USB, or name another port in the bench file"


def _names_in(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder or "."))[:500]
    except OSError:
        return []


def owners_of(path: str) -> list[tuple[int, str]]:
    """(pid, name) of every other process that holds ``path`` open, as far as we may see (Linux)."""
    real = os.path.realpath(path)
    return [(pid, name) for pid, name, target in _open_files() if target == real and pid != os.getpid()]


def _open_files() -> Iterator[tuple[int, str, str]]:
    for folder in glob.iglob("/proc/[0-9]*/fd"):
        pid = int(folder.split("/")[2])
        seen: set[str] = set()
        with contextlib.suppress(OSError):
            for entry in os.scandir(folder):
                with contextlib.suppress(OSError):
                    seen.add(os.readlink(entry.path))
            with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                name = file.read().strip()
            for target in seen:
                yield pid, name, target
