"""What a query costs on the wire, against floors and peers of the same run: ``python -m benchmarks.wire``.

A child process echoes 30 bytes for 20 on a pseudo-terminal or a TCP socket. Variants take turns, one query every 5 ms
each, so that whatever else the machine does meets all of them; ratios are of medians. Then: what codec and bookkeeping
of a driver add, eight lines polled at once against what their line rate allows, and how fast an emulator answers.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import socket
import statistics
import tempfile
import threading
import time
import tty
from collections.abc import Awaitable, Callable
from pathlib import Path

import serial

from drivers.tc_cxn import codec
from drivers.tc_cxn.driver import TcCxn
from drivers.tc_cxn.model import TcCxnOptions
from drivers.transport.open import open_link
from drivers.transport.port import LinkPort
from sim.bench import SimBench
from sim.devices.resistor import Resistor
from sim.servers import PtyServer, TcpServer

REQUEST, REPLY = b"MEAS:POWER:FORWARD?\n", b"FWD   50.00 W REV    2.50 W  \n"
PACE_S = 0.005
LINES, BAUD = 8, 115200
CHARACTER_BITS = 10.0
STATUS_LENGTH = 15  # of the emulated generator's answer to "GS"


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


def _echo_tcp(server: socket.socket) -> None:
    def serve(peer: socket.socket) -> None:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            while peer.recv(4096):
                peer.sendall(REPLY)

    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


class Peer:
    """The other end, in a process of its own."""

    def __init__(self, target: Callable[..., None], *args: object) -> None:
        self._process = multiprocessing.get_context("fork").Process(target=target, args=args, daemon=True)
        self._process.start()

    def stop(self) -> None:
        self._process.kill()
        self._process.join()


def pty_peer(wire_s: float = 0.0) -> tuple[str, int, Peer]:
    """Path of a terminal whose other end echoes, the descriptor that keeps it alive, and the process."""
    master, slave = os.openpty()
    tty.setraw(slave)
    peer = Peer(_echo_pty, master, wire_s)
    os.close(master)
    return os.ttyname(slave), slave, peer


def take(buffer: bytearray) -> bytes | None:
    if len(buffer) < len(REPLY):
        return None
    found = bytes(buffer[: len(REPLY)])
    del buffer[: len(REPLY)]
    return found


Query = Callable[[], Awaitable[object]]


async def paced(variants: dict[str, Query], queries: int) -> dict[str, tuple[float, float, float]]:
    """p50 and p99 in microseconds and CPU microseconds a query, of each variant, taking turns."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    cpu: dict[str, float] = dict.fromkeys(variants, 0.0)
    for n in range(queries):
        for name, query in variants.items():
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            await query()
            if n >= queries // 20:
                times[name].append((time.perf_counter() - began_s) * 1e6)
                cpu[name] += (time.process_time() - began_cpu_s) * 1e6
            await asyncio.sleep(PACE_S)
    return {
        name: (statistics.median(t), sorted(t)[int(0.99 * len(t))], cpu[name] / len(t)) for name, t in times.items()
    }


def table(title: str, rows: dict[str, tuple[float, float, float]], floor: str, ours: str) -> None:
    print(title)
    for name, (p50, p99, cpu) in rows.items():
        ratio = p50 / rows[floor][0]
        print(f"  {name:<34} p50 {p50:7.1f} us  p99 {p99:7.1f} us  CPU {cpu:6.1f} us  {ratio:5.2f} of the floor")
    others = [name for name in rows if name not in (floor, ours)]
    if others:
        print(f"  {ours} takes " + ", ".join(f"{rows[ours][0] / rows[n][0]:.2f} of {n}" for n in others))


async def serial_rows(queries: int) -> None:
    ends = [pty_peer() for _ in range(4)]
    try:
        fd = os.open(ends[0][0], os.O_RDWR | os.O_NOCTTY)
        tty.setraw(fd)

        async def blocking() -> None:
            os.write(fd, REQUEST)
            got = b""
            while len(got) < len(REPLY):
                got += os.read(fd, 64)

        port = LinkPort(await open_link(ends[1][0], BAUD), "ours")

        async def ours() -> object:
            return await port.exchange(REQUEST, take, timeout_s=1.0)

        variants: dict[str, Query] = {"blocking os.write, os.read (floor)": blocking, "our port": ours}
        try:
            import serial_asyncio_fast
        except ImportError:
            print("pyserial-asyncio-fast is not installed: no row for it (pip install pyserial-asyncio-fast)")
        else:
            reader, writer = await serial_asyncio_fast.open_serial_connection(url=ends[2][0], baudrate=BAUD)

            async def streams() -> object:
                writer.write(REQUEST)
                return await reader.readexactly(len(REPLY))

            variants["pyserial-asyncio-fast streams"] = streams
        device = serial.Serial(ends[3][0], BAUD, timeout=1.0)

        def both() -> bytes:
            device.write(REQUEST)
            return bytes(device.read(len(REPLY)))

        loop = asyncio.get_running_loop()
        variants["pyserial in an executor"] = lambda: loop.run_in_executor(None, both)
        table("one query on a pseudo-terminal", await paced(variants, queries), next(iter(variants)), "our port")
        await port.close()
        os.close(fd)
        device.close()
    finally:
        for _, slave, peer in ends:
            peer.stop()
            os.close(slave)


async def tcp_rows(queries: int) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    number = server.getsockname()[1]
    peer = Peer(_echo_tcp, server)
    try:
        blocking_socket = socket.create_connection(("127.0.0.1", number))
        blocking_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        async def blocking() -> None:
            blocking_socket.sendall(REQUEST)
            got = b""
            while len(got) < len(REPLY):
                got += blocking_socket.recv(64)

        port = LinkPort(await open_link(f"tcp://127.0.0.1:{number}", 0), "ours")

        async def ours() -> object:
            return await port.exchange(REQUEST, take, timeout_s=1.0)

        variants: dict[str, Query] = {"blocking socket (floor)": blocking, "our port": ours}
        table("one query over TCP", await paced(variants, queries), "blocking socket (floor)", "our port")
        await port.close()
        blocking_socket.close()
    finally:
        peer.stop()
        server.close()


async def driver_row(queries: int) -> None:
    """CPU of a typed poll against the same bytes through the bare port."""
    bench = SimBench({"devices": {"gen": {"driver": "tc-cxn", "port": "sim://gen"}}}, world=Resistor())
    bench.start(asyncio.get_running_loop())
    port = LinkPort(bench.open_link("sim://gen"), "gen")
    driver = TcCxn("gen", port, TcCxnOptions())
    await driver.connect()
    power, status, setpoint = (codec.frame(name) for name in (b"GP", b"GS", b"GL"))

    async def bare() -> None:
        await port.exchange(power, lambda b: codec.take_data(b, 6))
        request, length = (status, 8) if bare.turn else (setpoint, 2)  # type: ignore[attr-defined]
        bare.turn = not bare.turn  # type: ignore[attr-defined]
        await port.exchange(request, lambda b: codec.take_data(b, length))

    bare.turn = True  # type: ignore[attr-defined]
    rows = await paced({"bare exchanges": bare, "driver.poll": driver.poll}, queries)
    added = (rows["driver.poll"][2] - rows["bare exchanges"][2]) / 2.0
    print(f"codec and bookkeeping of a driver add {added:.1f} us of CPU to an exchange")
    bench.stop()


async def lines_row(seconds: float) -> None:
    """Eight lines at 115200 baud, polled at once: how much of what one line gives a blocking client, eight times."""
    wire_s = (len(REQUEST) + len(REPLY)) * CHARACTER_BITS / BAUD
    ends = [pty_peer(wire_s) for _ in range(LINES)]
    try:
        fd = os.open(ends[0][0], os.O_RDWR | os.O_NOCTTY)
        count, began_s = 0, time.perf_counter()
        while time.perf_counter() < began_s + seconds / 3:
            os.write(fd, REQUEST)
            got = 0
            while got < len(REPLY):
                got += len(os.read(fd, 64))
            count += 1
        one_line = count / (time.perf_counter() - began_s)
        os.close(fd)
        ports = [LinkPort(await open_link(path, BAUD), path) for path, _, _ in ends]
        until_s = time.perf_counter() + seconds

        async def poll(port: LinkPort) -> int:
            count = 0
            while time.perf_counter() < until_s:
                await port.exchange(REQUEST, take, timeout_s=1.0)
                count += 1
            return count

        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        done = sum(await asyncio.gather(*(poll(port) for port in ports)))
        took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        print(
            f"eight lines at {BAUD} baud: {done / took_s:.0f} exchanges a second, "
            f"{100 * done / took_s / (LINES * one_line):.0f} % of eight times one line with a blocking client "
            f"({one_line:.0f}; the line itself {1 / wire_s:.0f}), {100 * cpu_s / took_s:.0f} % of a core"
        )
        for port in ports:
            await port.close()
    finally:
        for _, slave, peer in ends:
            peer.stop()
            os.close(slave)


class _Bare(asyncio.Protocol):
    """The least that a server can do: one status query, one answer made beforehand."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(bytes(STATUS_LENGTH))  # type: ignore[attr-defined]


def _serve_emulator(ready: object) -> None:
    async def run() -> None:
        device = {"driver": "tc-cxn", "port": "sim://gen", "options": {"latency_s": 0.0, "baud": 100_000_000}}
        bench = SimBench({"devices": {"gen": device}}, world=Resistor())
        bench.start(asyncio.get_running_loop())
        server = TcpServer(bench.wires["gen"], 0)
        bare = await asyncio.get_running_loop().create_server(_Bare, "127.0.0.1", 0)
        ready.send((server.port, bare.sockets[0].getsockname()[1]))  # type: ignore[attr-defined]
        await asyncio.sleep(3600)

    asyncio.run(run())


def _rate(number: int, seconds: float) -> float:
    request = codec.frame(b"GS")
    with socket.create_connection(("127.0.0.1", number)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        count, until_s = 0, time.perf_counter() + seconds
        while time.perf_counter() < until_s:
            client.sendall(request)
            got = 0
            while got < STATUS_LENGTH:
                got += len(client.recv(64))
            count += 1
    return count / seconds


def emulator_row(seconds: float) -> None:
    ours_end, theirs = multiprocessing.Pipe()
    peer = Peer(_serve_emulator, theirs)
    try:
        emulator, bare = ours_end.recv()
        rates = [(_rate(emulator, seconds / 4), _rate(bare, seconds / 4)) for _ in range(4)]
        ours, floor = (statistics.median(r) for r in zip(*rates, strict=True))
        print(
            f"an emulator answers {ours:.0f} requests a second to a client, {ours / floor:.2f} of a bare asyncio server"
        )
    finally:
        peer.stop()


def _idle_bench(told: object, seconds: float) -> None:
    """Twelve devices on pseudo-terminals, with tissue; nobody asks them anything."""
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
        told.send((len(ends), (time.process_time() - began_s) / seconds))  # type: ignore[attr-defined]

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


def idle_row(seconds: float) -> None:
    ours_end, theirs = multiprocessing.Pipe()
    peer = Peer(_idle_bench, theirs, seconds)
    try:
        count, share = ours_end.recv()
        print(f"an emulated bench of {count} devices with tissue, idle: {100 * share:.1f} % of a core")
    finally:
        peer.stop()


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=600, help="of each variant (default 600)")
    queries = parser.parse_args().queries
    asyncio.run(serial_rows(queries))
    asyncio.run(tcp_rows(queries))
    asyncio.run(driver_row(queries))
    asyncio.run(lines_row(3.0))
    emulator_row(2.0)
    idle_row(5.0)


if __name__ == "__main__":
    main()
