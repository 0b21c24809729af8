"""The other end for the queries of ``benchmarks.peers_queries``: one reply to every line, from a process of its own.

Needs nothing but the standard library, as the peers' environment has little of ours.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import tty
from multiprocessing.process import BaseProcess

REQUEST, REPLY = b"MEAS:POWER:FORWARD?\n", b"+5.000000000000000000000E+01\r\n"


def _serve(server: socket.socket) -> None:
    while True:
        peer, _ = server.accept()
        if os.fork():
            peer.close()
            continue
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            while data := peer.recv(4096):
                peer.sendall(REPLY * data.count(b"\n"))
        os._exit(0)


def _terminal(master: int) -> None:
    with contextlib.suppress(OSError):
        while data := os.read(master, 4096):
            os.write(master, REPLY * data.count(b"\n"))


def _process(target: object, *args: object) -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=target, args=args, daemon=True)  # type: ignore[arg-type]
    process.start()
    return process


def tcp() -> tuple[int, BaseProcess]:
    """Port of a server of blocking sockets, a process a client, and its process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1], _process(_serve, server)


def terminal() -> tuple[str, int, BaseProcess]:
    """Path of a pseudo-terminal, the descriptor that keeps it alive, and the process at its other end."""
    master, slave = os.openpty()
    tty.setraw(slave)
    process = _process(_terminal, master)
    os.close(master)
    return os.ttyname(slave), slave, process
