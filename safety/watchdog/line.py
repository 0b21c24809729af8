"""One device's line as the watchdog holds it: a shared descriptor, or a resource opened again; nothing here blocks or
raises.

No terminal is polled, or read while nothing has come: for the kernel both mean to wait for its own worker, which
carries bytes to a terminal at an ordinary priority, and on a busy machine that took longer than a lease. How many
bytes have come it tells at once, and a write that finds no room is tried again (docs/adr/0014).

The descriptor shares its file description with the daemon's, so O_NONBLOCK is set on both; every driver's port is
non-blocking anyway. A full output buffer is what a daemon that was stopped in mid-flood leaves behind: what waits
there is older than "off", so a write that asks for it throws that away and starts again from its own first byte.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
import time
from contextlib import suppress

from safety.safeoff import EnablePlan, SafeOffPlan

READ_SIZE = 4096
CONNECT_S = 0.1  # a network that is there answers within milliseconds; the kernel would ask again after a second
AGAIN_S = 0.0005  # between two looks at a line that has nothing to read, or takes nothing
CMSPAR = 0o10000000000  # <asm-generic/termbits.h>: the parity bit is fixed; the termios module has no name for it
DATA_BITS = {5: termios.CS5, 6: termios.CS6, 7: termios.CS7, 8: termios.CS8}
PARITY = {
    "N": 0,
    "E": termios.PARENB,
    "O": termios.PARENB | termios.PARODD,
    "M": termios.PARENB | termios.PARODD | CMSPAR,
    "S": termios.PARENB | CMSPAR,
}


def control_flags(bytesize: int, parity: str, stopbits: float) -> int:
    """termios' ``c_cflag`` of a framing in pyserial's values; an unknown one is that of 8N1. No flow control: nothing
    that the device does may hold up an off. No HUPCL: the last close leaves DTR alone (P43)."""
    framing = DATA_BITS.get(bytesize, termios.CS8) | PARITY.get(parity, 0) | (termios.CSTOPB if stopbits > 1 else 0)
    return framing | termios.CREAD | termios.CLOCAL


def open_resource(resource: str, baud: int, bytesize: int = 8, parity: str = "N", stopbits: float = 1) -> int:
    """A non-blocking descriptor of a serial path (raw, framed as told, modem lines left as they are) or
    ``tcp://host:port`` (IPv6 in brackets).

    Raises:
        OSError, ValueError: it cannot be opened.
    """
    for scheme in ("tcp://", "socket://"):
        if resource.startswith(scheme):
            host, _, port = resource.removeprefix(scheme).rpartition(":")
            with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S) as link:
                link.setblocking(False)
                return link.detach()
    fd = os.open(resource, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    with suppress(termios.error):  # not a terminal, or a framing it has not (a PTY's parity): written as it stands
        *_, speed, _, characters = termios.tcgetattr(fd)
        speed = getattr(termios, f"B{baud}", speed)  # one without a name stays as the daemon has left it
        control = control_flags(bytesize, parity, stopbits)
        characters[termios.VMIN], characters[termios.VTIME] = 0, 0
        termios.tcsetattr(fd, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])
    return fd


def _come(fd: int) -> int:
    """How many bytes can be read at once. Raises OSError on a line that is dead."""
    count: int
    (count,) = struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))
    return count


def line_of(plan: SafeOffPlan | EnablePlan, fd: int | None) -> Line:
    """The line that ``plan`` is for: the descriptor that was shared, and what the plan says of reopening it."""
    return Line(fd, plan.reopen, plan.baud, plan.bytesize, plan.parity, plan.stopbits)


class Line:
    """A descriptor with the resource it can be opened again from, and how a serial one is framed then. ``error`` is
    what went wrong last, "" when nothing did; ``opened`` counts the openings."""

    def __init__(
        self,
        fd: int | None,
        resource: str | None,
        baud: int,
        bytesize: int = 8,
        parity: str = "N",
        stopbits: float = 1,
    ) -> None:
        self.fd, self.resource = fd, resource
        self.framing = baud, bytesize, parity, stopbits
        self.error, self.opened = "", 0
        if fd is not None:
            with suppress(OSError):
                os.set_blocking(fd, False)

    def open(self) -> bool:
        """True when there is a descriptor; opens the resource if there is none."""
        if self.fd is None and self.resource is not None:
            try:
                self.fd = open_resource(self.resource, *self.framing)
                self.opened += 1
            except (OSError, ValueError) as error:
                self.error = f"cannot open {self.resource}: {error}"
        return self.fd is not None

    def write(self, data: bytes, timeout_s: float, *, purge: bool = False) -> bool:
        """Hand ``data`` to the device, whole, within ``timeout_s``; False with ``error`` set when that failed.

        ``purge``: when the output buffer is full, empty it (once) and write ``data`` from its beginning.
        """
        deadline_s, rest = time.monotonic() + timeout_s, data
        while rest:
            if self.fd is None:
                self.error = self.error or "no descriptor"
                return False
            try:
                rest = rest[os.write(self.fd, rest) :]
            except BlockingIOError:
                if purge:
                    purge, rest = False, data
                    self._purge()
                elif time.monotonic() >= deadline_s:
                    self.error = "the output buffer stays full"
                    return False
                else:
                    time.sleep(AGAIN_S)
            except OSError as error:
                return self._gone(error)
        self.error = ""
        return True

    def read(self, timeout_s: float = 0.0) -> bytes:
        """What has come, waiting up to ``timeout_s`` for the first of it; b"" when nothing did."""
        deadline_s = time.monotonic() + timeout_s
        try:
            while self.fd is not None:
                if _come(self.fd):
                    return os.read(self.fd, READ_SIZE)
                if time.monotonic() >= deadline_s:
                    break
                time.sleep(AGAIN_S)
        except BlockingIOError:  # the daemon was faster
            pass
        except OSError as error:
            self._gone(error)
        return b""

    def drain(self) -> None:
        """Throw away what has come so far; bounded, for a device may babble."""
        for _ in range(64):
            if not self.read():
                return

    def _purge(self) -> None:
        if self.fd is not None:
            with suppress(OSError, termios.error):  # a socket has no such buffer to purge
                termios.tcflush(self.fd, termios.TCOFLUSH)
                termios.tcflow(self.fd, termios.TCOON)

    def _gone(self, error: OSError) -> bool:
        """The line is dead: let go of it if it can be opened again."""
        self.error = f"{type(error).__name__}: {error.strerror}"
        if self.resource is not None and self.fd is not None:
            with suppress(OSError):
                os.close(self.fd)
            self.fd = None
        return False
