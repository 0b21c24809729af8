"""One query, every 5 ms, through us and through others, in turns; and what a driver adds to the bare port."""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import sys
import time
import tty
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import serial

from benchmarks.rows import Row, Timing, within
from benchmarks.wires.ends import REPLY, REQUEST, generator_bench, pty_echo, tcp_echo
from drivers.tc_cxn import codec
from drivers.tc_cxn.driver import TcCxn
from drivers.tc_cxn.model import TcCxnOptions
from drivers.transport.base import Link
from drivers.transport.open import open_link
from drivers.transport.port import LinkPort

PACE_S = 0.005
BAUD = 115200
FLOOR, OURS, LEAST, FAST = "blocking", "our port", "add_reader and a future", "pyserial-asyncio-fast"
EXECUTOR = "pyserial in an executor"
VISA = "pyvisa-py in an executor"
REQUEST_LINE, REPLY_LINE = b"MEAS:VOLT:DC? (@101)\n", b"+1.23456789E+01,+2.3456789E+0\n"
ADDED_MOST = 15.0 / 7.0
"""15 us of CPU where a blocking query every 5 ms takes 7 us of it. After 5 ms of sleep both find their caches cold, and
on a machine with slower memory both take longer."""

Query = Callable[[], Awaitable[object]]


def taker(length: int) -> Callable[[bytearray], bytes | None]:
    """The least that a parser can do: ``length`` bytes, whatever they are."""

    def take(buffer: bytearray) -> bytes | None:
        if len(buffer) < length:
            return None
        found = bytes(buffer[:length])
        del buffer[:length]
        return found

    return take


async def paced(variants: dict[str, Query], queries: int) -> dict[str, tuple[list[float], list[float]]]:
    """Wall and CPU microseconds of each query of each variant; they take turns, so that whatever else the machine does
    meets all of them."""
    wall: dict[str, list[float]] = {name: [] for name in variants}
    cpu: dict[str, list[float]] = {name: [] for name in variants}
    for n in range(queries + queries // 20):
        for name, query in variants.items():
            began_s, began_cpu_s = time.perf_counter(), time.thread_time()
            await query()
            took_s, took_cpu_s = time.perf_counter() - began_s, time.thread_time() - began_cpu_s
            if n >= queries // 20:
                wall[name].append(took_s * 1e6)
                cpu[name].append(took_cpu_s * 1e6)
            await asyncio.sleep(PACE_S)
    return {name: (wall[name], cpu[name]) for name in variants}


async def timings(variants: dict[str, Query], queries: int) -> dict[str, Timing]:
    """As :func:`paced`, summed up."""
    return {name: Timing.of(wall, cpu) for name, (wall, cpu) in (await paced(variants, queries)).items()}


@asynccontextmanager
async def our_port(url: str) -> AsyncIterator[Query]:
    """A query through our port."""
    port, take = LinkPort(await open_link(url, BAUD), "ours"), taker(len(REPLY))
    yield lambda: port.exchange(REQUEST, take, timeout_s=1.0)
    await port.close()


async def serial_rows(queries: int) -> list[Row]:
    """A pseudo-terminal whose other end answers at once."""
    ends = [pty_echo() for _ in range(5)]
    fd, bare = (os.open(path, os.O_RDWR | os.O_NOCTTY) for path in (ends[0][0], ends[4][0]))
    tty.setraw(fd)
    tty.setraw(bare)
    device = serial.Serial(ends[3][0], BAUD, timeout=1.0)

    async def blocking() -> None:
        os.write(fd, REQUEST)
        got = 0
        while got < len(REPLY):
            got += len(os.read(fd, 64))

    def both() -> bytes:
        device.write(REQUEST)
        return bytes(device.read(len(REPLY)))

    loop = asyncio.get_running_loop()
    try:
        async with our_port(ends[1][0]) as ours:
            variants: dict[str, Query] = {FLOOR: blocking, OURS: ours, LEAST: _least(bare)}
            variants |= await _streams(ends[2][0])
            variants[EXECUTOR] = lambda: loop.run_in_executor(None, both)
            seen = await timings(variants, queries)
    finally:
        loop.remove_reader(bare)
        os.close(fd)
        os.close(bare)
        device.close()
        for _, slave, peer in ends:
            peer.stop()
            os.close(slave)
    what = "serial query"
    rows = [
        within(what, seen[OURS], "blocking os.write, os.read", seen[FLOOR], 1.6),
        within(what, seen[OURS], f"asyncio's least, {LEAST}", seen[LEAST], None),
    ]
    if FAST in seen:
        rows.append(within(what, seen[OURS], FAST, seen[FAST], 0.9))
    return [*rows, within(what, seen[OURS], EXECUTOR, seen[EXECUTOR], 0.25)]


def _least(fd: int) -> Query:
    """Nothing but asyncio: no deadline, no queue, no check of anything."""
    loop, buffer = asyncio.get_running_loop(), bytearray()
    answered: asyncio.Future[bytes] = loop.create_future()

    def readable() -> None:
        buffer.extend(os.read(fd, 64))
        if len(buffer) >= len(REPLY):
            answered.set_result(bytes(buffer))
            buffer.clear()

    async def query() -> bytes:
        nonlocal answered
        answered = loop.create_future()
        os.write(fd, REQUEST)
        return await answered

    loop.add_reader(fd, readable)
    return query


async def _streams(path: str) -> dict[str, Query]:
    """The fastest library there is for asyncio, where it is installed."""
    try:
        import serial_asyncio_fast
    except ImportError:
        print(f"{FAST} is not installed: no row for it (pip install {FAST})", file=sys.stderr)
        return {}
    reader, writer = await serial_asyncio_fast.open_serial_connection(url=path, baudrate=BAUD)

    async def query() -> object:
        writer.write(REQUEST)
        return await reader.readexactly(len(REPLY))

    return {FAST: query}


async def tcp_rows(queries: int) -> list[Row]:
    """A server of blocking sockets."""
    number, peer = tcp_echo(REPLY)
    blocking_socket = socket.create_connection(("127.0.0.1", number))
    blocking_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", number)

    async def blocking() -> None:
        blocking_socket.sendall(REQUEST)
        got = 0
        while got < len(REPLY):
            got += len(blocking_socket.recv(64))

    async def streams() -> object:
        writer.write(REQUEST)
        return await reader.readexactly(len(REPLY))

    try:
        async with our_port(f"tcp://127.0.0.1:{number}") as ours:
            seen = await timings({FLOOR: blocking, OURS: ours, "streams": streams}, queries)
    finally:
        blocking_socket.close()
        writer.close()
        peer.stop()
    return [
        within("TCP query", seen[OURS], "blocking socket", seen[FLOOR], 2.5),
        within("TCP query", seen[OURS], "asyncio streams", seen["streams"], None),
    ]


async def visa_rows(queries: int) -> list[Row]:
    """A raw socket as VISA: our link, with its thread, beside pyvisa from an executor."""
    try:
        import pyvisa

        from drivers.transport.visa import open_visa
    except ImportError:
        return [Row("VISA query", float("nan"), "us", note="pyvisa is not installed: pip install 'openablate[visa]'")]
    number, peer = tcp_echo(REPLY_LINE)
    resource = f"TCPIP::127.0.0.1::{number}::SOCKET"
    session = pyvisa.ResourceManager("@py").open_resource(resource, write_termination="", read_termination="")
    loop = asyncio.get_running_loop()

    def both() -> object:
        session.write_raw(REQUEST_LINE)  # type: ignore[attr-defined]
        return session.read_bytes(len(REPLY_LINE))  # type: ignore[attr-defined]

    port, take = LinkPort(await open_visa(f"visa://{resource}", BAUD), "ours"), taker(len(REPLY_LINE))
    variants: dict[str, Query] = {
        OURS: lambda: port.exchange(REQUEST_LINE, take, timeout_s=1.0),
        VISA: lambda: loop.run_in_executor(None, both),
    }
    try:
        seen = await timings(variants, queries)
    finally:
        await port.close()
        session.close()
        peer.stop()
    return [within("VISA query", seen[OURS], VISA, seen[VISA], None)]


class _Canned:
    """A link that gives the replies it has heard once, in the next round of the loop: no emulator in the figure."""

    def __init__(self, link: Link) -> None:
        self._link: Link | None = link
        self._replies: dict[bytes, bytes] = {}
        self._asked = b""
        self._loop = asyncio.get_running_loop()

    def start(self, on_data: Callable[[bytes], None], on_lost: Callable[[Exception | None], None]) -> None:
        self._on_data = on_data
        assert self._link is not None
        self._link.start(self._heard, on_lost)

    def _heard(self, data: bytes) -> None:
        self._replies[self._asked] = data
        self._on_data(data)

    def write(self, data: bytes) -> None:
        if self._link is None:
            self._loop.call_soon(self._on_data, self._replies[data])
        else:
            self._asked = data
            self._link.write(data)

    def learnt(self) -> None:
        """From now on from memory."""
        self._link = None

    def fileno(self) -> int | None:
        return None

    def close(self) -> None:
        pass


async def driver_rows(queries: int) -> list[Row]:
    """CPU of a driver's poll (two exchanges: power, then status or set-point) against the same bytes through the bare
    port with the least parser: codec, checks, samples and what the driver keeps of them."""
    bench = generator_bench(latency_s=0.0, baud=10**10)
    link = _Canned(bench.open_link("sim://gen"))
    port = LinkPort(link, "gen")
    driver = TcCxn("gen", port, TcCxnOptions())
    await driver.connect()
    for _ in range(4):
        await driver.poll()
    bench.stop()
    link.learnt()
    (power, six), (status, eight), (setpoint, two) = (
        (codec.frame(name), taker(length)) for name, length in ((b"GP", 13), (b"GS", 15), (b"GL", 9))
    )
    turn = False

    async def bare() -> None:
        nonlocal turn
        await port.exchange(power, six)
        turn = not turn
        await port.exchange(*((setpoint, two) if turn else (status, eight)))

    async def busy(poll: Query) -> float:
        began_s = time.thread_time()
        for _ in range(500):
            await poll()
        return (time.thread_time() - began_s) * 1e6 / 1000

    turns = [(await busy(bare), await busy(driver.poll)) for _ in range(12)]
    best, best_poll = (min(times) for times in zip(*turns, strict=True))
    path, slave, peer = pty_echo()
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)

    async def blocking() -> None:
        os.write(fd, REQUEST)
        got = 0
        while got < len(REPLY):
            got += len(os.read(fd, 64))

    try:
        seen = {
            name: cpu
            for name, (_, cpu) in (await paced({"bare": bare, "poll": driver.poll, FLOOR: blocking}, queries)).items()
        }
    finally:
        peer.stop()
        os.close(fd)
        os.close(slave)
    added = statistics.median((p - b) / 2.0 for p, b in zip(seen["poll"], seen["bare"], strict=True))
    floor, exchange = statistics.median(seen[FLOOR]), statistics.median(seen["bare"]) / 2.0
    what, against, ratio = "codec, bookkeeping: CPU added", "CPU of a blocking query", added / floor
    note = f"a bare exchange of ours {exchange:.0f} us"
    at_once = Row(
        "  the same back to back", best_poll - best, "us", "CPU of a bare exchange", best, (best_poll - best) / best
    )
    return [Row(what, added, "us", against, floor, ratio, f"<= {ADDED_MOST:.1f} x", ratio <= ADDED_MOST, note), at_once]
