"""Serial ports and PTYs: pyserial opens and configures them, the running loop reads and writes the descriptor
(:mod:`drivers.transport.descriptor`).

- DTR and RTS are set (low unless asked otherwise) before the port is opened, so that opening cannot move a line that
  somebody has wired to an enable input (P43).
- The port is ours alone: ``flock`` on the descriptor; whoever holds it already is named.
- A PTY has neither parity nor seven data bits. Linux forces them off, and the C library then reports EINVAL from the
  second opening on; so a PTY is always opened with eight bits and no parity.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import re
import sys
import threading
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

import serial
from serial.tools import list_ports

from drivers.contract import DeviceError
from drivers.transport.base import SerialSettings
from drivers.transport.descriptor import FdLink

if sys.platform != "win32":
    import fcntl
    import termios

DEFAULT = SerialSettings()


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
    return FdLink(port.fileno(), lambda: _close(port))


def _close(port: Any) -> None:
    """Close a pyserial port; the system may wait for unsent bytes to leave, for up to half a minute."""
    if not _unsent(port.fd):
        port.close()
        return

    def close() -> None:
        with contextlib.suppress(Exception):
            port.close()

    threading.Thread(target=close, name="close-port", daemon=True).start()


def _unsent(fd: int) -> bool:
    try:
        answer = fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4))
    except OSError:
        return False
    return int.from_bytes(answer, sys.byteorder) > 0


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


NO_PORTS = frozenset({"/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"})
"""Devices that every computer has and that are never a port: nobody meant one of them."""


def _permission_remedy(path: str) -> str:
    try:
        import grp

        group = grp.getgrgid(os.stat(path).st_gid).gr_name
    except (ImportError, OSError, KeyError):
        group = "dialout"
    return f"add yourself to the group that owns it (`sudo usermod -aG {group} $USER`) and log in again"


def _similar(path: str) -> str:
    """A sentence naming the ports that are there, the likely one first. A console (/dev/tty7) is none."""
    there = sorted({*glob.glob("/dev/serial/by-id/*"), *(p.device for p in list_ports.comports())})
    names = [name for name in _names_in(os.path.dirname(path)) if not re.fullmatch(r"tty\d*", name)]
    beside = [os.path.join(os.path.dirname(path), name) for name in names]
    close = get_close_matches(path, dict.fromkeys(name for name in [*there, *beside] if name != path), n=3, cutoff=0.8)
    close = [name for name in close if name not in NO_PORTS]
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
