"""PTY and TCP ends of an emulator's wire: raw non-blocking descriptors on the running asyncio loop.

Bytes reach the emulator as they come, in whatever pieces; replies that nobody reads are dropped, as on a UART.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import selectors
import socket
import termios
import tty
from pathlib import Path

from sim.links import Wire

CHUNK = 4096


def serving_loop() -> asyncio.AbstractEventLoop:
    """A loop for a process that serves emulators: ``select`` waits to the microsecond, ``epoll`` to the millisecond,
    which is half an exchange at 115200 baud. It watches descriptors below 1024 only."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


class PtyServer:
    """Serves ``wire`` on a pseudo-terminal; ``path`` becomes a symbolic link to it.

    The slave side is held open, so that the master does not see an end of file between two clients. While the cable is
    pulled (fault ``link.disconnect``) the terminal and its link are gone.

    Raises OSError when ``path`` is anything but a left-over link to a pseudo-terminal, or cannot be made.
    """

    def __init__(self, wire: Wire, path: Path) -> None:
        self.wire = wire
        self.path = path
        self._master = self._slave = -1
        wire.join(self._write, self._cut)
        self._open()

    def _open(self) -> None:
        self._refuse_what_is_not_ours()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(self._slave))
        fresh.replace(self.path)
        self.wire.loop.add_reader(self._master, self._readable)

    def _refuse_what_is_not_ours(self) -> None:
        """Only a link to a pseudo-terminal may be replaced: an emulator that was killed left it."""
        if not os.path.lexists(self.path):
            return
        if not (self.path.is_symlink() and os.readlink(self.path).startswith("/dev/pts/")):
            raise FileExistsError(
                errno.EEXIST, "this is in the way of the link to the port; choose another path", str(self.path)
            )

    def where(self) -> str:
        """The link and the terminal behind it."""
        return f"{self.path} -> {os.ttyname(self._slave)}" if self._slave >= 0 else f"{self.path} (cable pulled)"

    def _readable(self) -> None:
        try:
            data = os.read(self._master, CHUNK)
            # A UART's exclusive flag dies with its last user; a terminal that we hold open would keep it for ever.
            fcntl.ioctl(self._slave, termios.TIOCNXCL)
        except OSError:
            return
        self.wire.feed(data, self._write, at_once=True)

    def _write(self, data: bytes) -> None:
        if self._master >= 0:
            with contextlib.suppress(OSError):
                os.write(self._master, data)

    def _cut(self, pulled: bool) -> None:
        self._shut()
        if not pulled:
            self._open()

    def _shut(self) -> None:
        if self._master >= 0:
            self.wire.loop.remove_reader(self._master)
            with contextlib.suppress(OSError):
                if self.path.is_symlink() and os.readlink(self.path) == os.ttyname(self._slave):
                    self.path.unlink()
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = -1

    def close(self) -> None:
        """Hang up and remove the link."""
        self.wire.leave(self._write, self._cut)
        self._shut()


class TcpServer:
    """Serves ``wire`` to any number of TCP clients; a reply goes to the one that asked, unrequested bytes to all.

    ``port`` 0 takes a free one; :attr:`port` tells which. Raises OSError when the port is taken.
    """

    def __init__(self, wire: Wire, port: int, host: str = "127.0.0.1") -> None:
        self.wire = wire
        self.host, self.port = host, port
        self._listener: socket.socket | None = None
        self._clients: set[_TcpClient] = set()
        wire.join(self._broadcast, self._cut)
        self._open()

    def _open(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError:
            listener.close()
            raise
        listener.listen(8)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._listener = listener
        self.wire.loop.add_reader(listener, self._accept)

    def where(self) -> str:
        """Host and port, as pyserial opens it."""
        return f"socket://{self.host}:{self.port}"

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        self._clients.add(_TcpClient(self, connection))

    def forget(self, client: _TcpClient) -> None:
        """A client has gone."""
        self._clients.discard(client)

    def _broadcast(self, data: bytes) -> None:
        for client in tuple(self._clients):
            client.write(data)

    def _cut(self, pulled: bool) -> None:
        self._shut()
        if not pulled:
            self._open()

    def _shut(self) -> None:
        for client in tuple(self._clients):
            client.close()
        if self._listener is not None:
            self.wire.loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def close(self) -> None:
        """Hang up on all clients and stop listening."""
        self.wire.leave(self._broadcast, self._cut)
        self._shut()


class _TcpClient:
    def __init__(self, server: TcpServer, connection: socket.socket) -> None:
        self._server = server
        self._socket = connection
        self._loop: asyncio.AbstractEventLoop = server.wire.loop
        self._open = True
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(connection, self._readable)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._server.wire.feed(data, self.write, at_once=True)
        else:
            self.close()

    def write(self, data: bytes) -> None:
        if self._open:
            try:
                self._socket.send(data)
            except OSError:  # gone, or it reads nothing
                return

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._server.forget(self)
