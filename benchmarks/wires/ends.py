"""The other ends of the wire, each in a process of its own: echoes that are floors, and emulators."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import socket
import tempfile
import threading
import time
import tty
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sim.bench import SimBench
from sim.devices.resistor import Resistor
from sim.servers import PtyServer, TcpServer, serving_loop

REQUEST, REPLY = b"MEAS:POWER:FORWARD?\n", b"FWD   50.00 W REV    2.50 W  \n"
STATUS_LENGTH = 15  # of the emulated generator's answer to "GS"


class Peer:
    """A function in a process of its own; with ``told``, its last argument is the pipe by which it tells something."""

    def __init__(self, target: Callable[..., None], *args: object, tells: bool = False) -> None:
        self._end, theirs = multiprocessing.Pipe()
        given = (*args, theirs) if tells else args
        self._process = multiprocessing.get_context("fork").Process(target=target, args=given, daemon=True)
        self._process.start()

    def told(self) -> Any:
        """What it tells next; waits for it."""
        return self._end.recv()

    def cpu_s(self) -> float:
        """CPU that the process has used."""
        return int(Path(f"/proc/{self._process.pid}/schedstat").read_text(encoding="ascii").split()[0]) * 1e-9

    def stop(self) -> None:
        self._process.kill()
        self._process.join()


def spin() -> None:
    """Run only where no other process wants to, for ever."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass


# ---- echoes


def _echo_pty(master: int, wire_s: float) -> None:
    buffer = b""
    while True:
        try:
            buffer += os.read(master, 4096)
        except OSError:
            return
        while len(buffer) >= len(REQUEST):
            buffer = buffer[len(REQUEST) :]
            if wire_s:
                time.sleep(wire_s)
            os.write(master, REPLY)


def pty_echo(wire_s: float = 0.0) -> tuple[str, int, Peer]:
    """Path of a terminal whose other end echoes, the descriptor that keeps it alive, and the process."""
    master, slave = os.openpty()
    tty.setraw(slave)
    peer = Peer(_echo_pty, master, wire_s)
    os.close(master)
    return os.ttyname(slave), slave, peer


def _echo_tcp(server: socket.socket, reply: bytes) -> None:
    def serve(peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            while peer.recv(4096):
                peer.sendall(reply)

    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


def tcp_echo(reply: bytes) -> tuple[int, Peer]:
    """Port of a server of blocking sockets that gives ``reply`` to whatever comes, and the process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1], Peer(_echo_tcp, server, reply)


class _Bare(asyncio.Protocol):
    """The least that an asyncio server can do: one status query, one answer made beforehand."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(bytes(STATUS_LENGTH))  # type: ignore[attr-defined]


def serve_bare(told: Connection) -> None:
    """asyncio's own server; tells its port."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Bare, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await asyncio.sleep(3600)

    asyncio.run(run())


# ---- emulators


def generator_bench(**options: object) -> SimBench:
    """A bench of one emulated generator on a resistor, started on the running loop."""
    device = {"driver": "tc-cxn", "port": "sim://gen", "options": options}
    bench = SimBench({"devices": {"gen": device}}, world=Resistor())
    bench.start(asyncio.get_running_loop())
    return bench


def serve_emulator(told: Connection) -> None:
    """An emulator on TCP whose line and device take no time; tells its port."""

    async def run() -> None:
        server = TcpServer(generator_bench(latency_s=0.0, baud=10**10).wires["gen"], 0)
        told.send(server.port)
        await asyncio.sleep(3600)

    serving_loop().run_until_complete(run())


def serve_line(baud: int, told: Connection) -> None:
    """An emulator on a pseudo-terminal whose line takes its time; tells its path."""

    async def run(folder: Path) -> None:
        server = PtyServer(generator_bench(latency_s=0.0, baud=baud).wires["gen"], folder / "gen")
        told.send(str(server.path))
        await asyncio.sleep(3600)

    with tempfile.TemporaryDirectory() as folder:
        serving_loop().run_until_complete(run(Path(folder)))


def serve_idle(seconds: float, told: Connection) -> None:
    """Twelve devices on pseudo-terminals, with tissue; nobody asks them anything. Tells its share of a core."""
    models = ["tc-cxn", "ismatec-reglo-icc", *["sensirion-slf3x"] * 2, *["kmtronic-relay"] * 4, *["moxa-iologik"] * 4]
    options = {"moxa-iologik": {"pins": {"door_closed": 0}}}
    devices = {
        f"d{n}": {"driver": model, "port": f"sim://d{n}", "options": options.get(model, {})}
        for n, model in enumerate(models)
    }

    async def run(folder: Path) -> None:
        bench = SimBench({"devices": devices, "applicator": {"active_tip_mm": 30}, "simulation": {}})
        bench.start(asyncio.get_running_loop())
        ends = [PtyServer(bench.wires[name], folder / name) for name in devices]
        await asyncio.sleep(1.0)
        began_s = time.process_time()
        await asyncio.sleep(seconds)
        told.send((len(ends), (time.process_time() - began_s) / seconds))

    with tempfile.TemporaryDirectory() as folder:
        serving_loop().run_until_complete(run(Path(folder)))
