"""How many queries a second: eight lines at once, emulators, a line that is emulated with its rate."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import statistics
import time
import tty

from benchmarks.rows import Row, at_most
from benchmarks.wires.ends import (
    REPLY,
    REQUEST,
    STATUS_LENGTH,
    Peer,
    pty_echo,
    serve_bare,
    serve_emulator,
    serve_idle,
    serve_line,
    spin,
    tcp_echo,
)
from benchmarks.wires.queries import BAUD, taker
from drivers.tc_cxn import codec
from drivers.transport.open import open_link
from drivers.transport.port import LinkPort

LINES = 8
CLIENTS = 8
BURST = 16  # requests that are sent without waiting
CHARACTER_BITS = 10.0
ROUNDS = 4
EXCHANGE_US = 87.0  # 2 % of its time on the line


async def lines_rows(seconds: float) -> list[Row]:
    """Eight lines at 115200 baud, polled at once, against eight times what one line gives a blocking client just before
    and after; the median of some turns."""
    wire_s = (len(REQUEST) + len(REPLY)) * CHARACTER_BITS / BAUD
    ends = [pty_echo(wire_s) for _ in range(LINES)]
    try:
        ports = [LinkPort(await open_link(path, BAUD), path) for path, _, _ in ends]
        alone = [_one_line(ends[0][0], seconds / ROUNDS / 4)]
        together, busy = [], []
        for _ in range(ROUNDS):
            began_cpu_s = time.process_time()
            together.append(await _polled(ports, seconds / ROUNDS))
            busy.append((time.process_time() - began_cpu_s) / (seconds / ROUNDS))
            alone.append(_one_line(ends[0][0], seconds / ROUNDS / 4))
        for port in ports:
            await port.close()
    finally:
        for _, slave, peer in ends:
            peer.stop()
            os.close(slave)
    most = [LINES * (before + after) / 2.0 for before, after in itertools.pairwise(alone)]
    ratios = [ours / theirs for ours, theirs in zip(together, most, strict=True)]
    ratio, ours, theirs = (statistics.median(values) for values in (ratios, together, most))
    share = 100 * statistics.median(busy)
    note = f"{min(ratios):.2f} to {max(ratios):.2f}; lines' own limit {LINES / wire_s:.0f}; {share:.0f} % of a core"
    what, against = f"eight lines at {BAUD} baud", "8 x one line, blocking client"
    each_us = 1e6 * statistics.median(busy) / ours
    return [
        Row(what, ours, "1/s", against, theirs, ratio, ">= 0.95 x", ratio >= 0.95, note),
        at_most("  CPU of an exchange", each_us, "us", EXCHANGE_US, f"{1e6 * wire_s:.0f} us on the line"),
    ]


async def _polled(ports: list[LinkPort], seconds: float) -> float:
    """Queries a second of all ports together."""
    take, began_s = taker(len(REPLY)), time.perf_counter()

    async def poll(port: LinkPort) -> int:
        count = 0
        while time.perf_counter() < began_s + seconds:
            await port.exchange(REQUEST, take, timeout_s=1.0)
            count += 1
        return count

    done = sum(await asyncio.gather(*(poll(port) for port in ports)))
    return done / (time.perf_counter() - began_s)


def _one_line(path: str, seconds: float) -> float:
    """Queries a second of a blocking client."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    count, began_s = 0, time.perf_counter()
    while time.perf_counter() < began_s + seconds:
        os.write(fd, REQUEST)
        got = 0
        while got < len(REPLY):
            got += len(os.read(fd, 64))
        count += 1
    took_s = time.perf_counter() - began_s
    os.close(fd)
    return count / took_s


async def baud_row(baud: int, seconds: float, most: float | None) -> Row:
    """What an exchange takes with an emulator whose line is ``baud`` fast, against the time of its bits; ``most`` is
    the largest ratio allowed."""
    request, length = codec.frame(b"GS"), STATUS_LENGTH
    wire_s = (len(request) + length) * CHARACTER_BITS / baud
    peer = Peer(serve_line, baud, tells=True)
    try:
        port, take = LinkPort(await open_link(peer.told(), baud), "gen"), taker(length)
        times: list[float] = []
        while sum(times) < seconds:
            began_s = time.perf_counter()
            await port.exchange(request, take, timeout_s=1.0)
            times.append(time.perf_counter() - began_s)
        await port.close()
    finally:
        peer.stop()
    took_s = statistics.median(times)
    ratio = took_s / wire_s
    what, against = f"emulated line of {baud} baud", f"{len(request) + length} bytes of {CHARACTER_BITS:.0f} bits"
    target, met = ("", None) if most is None else (f"1-{most:g} x", 1.0 <= ratio <= most)
    note = f"fastest {min(times) * 1e3:.2f} ms"
    return Row(what, took_s * 1e3, "ms", against, wire_s * 1e3, ratio, target, met, note)


# ---- emulators


class _Clients:
    """One process with so many connections; each asks ``burst`` times at once and waits for all answers."""

    def __init__(self, number: int, clients: int = 1, burst: int = 1) -> None:
        self._sockets = [socket.create_connection(("127.0.0.1", number)) for _ in range(clients)]
        for one in self._sockets:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._asked, self._length, self._each = codec.frame(b"GS") * burst, STATUS_LENGTH * burst, burst * clients

    def rate(self, seconds: float) -> float:
        """Answers a second."""
        count, began_s = 0, time.perf_counter()
        while time.perf_counter() < began_s + seconds:
            for one in self._sockets:
                one.sendall(self._asked)
            for one in self._sockets:
                got = 0
                while got < self._length:
                    got += len(one.recv(4096))
            count += self._each
        return count / (time.perf_counter() - began_s)

    def close(self) -> None:
        for one in self._sockets:
            one.close()


def emulator_rows(seconds: float) -> list[Row]:
    """An emulator whose line and device take no time, beside asyncio's own server and one of blocking sockets, neither
    of which looks at what it is asked. Processes of the lowest class keep the processors awake: two that wait for each
    other all the time would else measure how long a halted (virtual) processor takes to wake."""
    ours, bare = Peer(serve_emulator, tells=True), Peer(serve_bare, tells=True)
    number, blocking = tcp_echo(bytes(STATUS_LENGTH))
    spinners = [Peer(spin) for _ in range(os.cpu_count() or 1)]
    try:
        ends = (ours.told(), bare.told(), number)
        one, cpu_us = _rates([_Clients(end) for end in ends], seconds, ours)
        many, _ = _rates([_Clients(end, clients=CLIENTS) for end in ends[:2]], seconds / 2, ours)
        burst, burst_cpu_us = _rates([_Clients(ends[0], burst=BURST)], seconds / 4, ours)
    finally:
        for peer in (ours, bare, blocking, *spinners):
            peer.stop()
    what, against = "emulator, one client", "bare asyncio server"
    note, burst_note = (f"server CPU {us:.0f} us a request" for us in (cpu_us, burst_cpu_us))
    return [
        Row(what, one[0], "1/s", "blocking sockets", one[2], one[0] / one[2], ">= 20000", one[0] >= 20_000, note),
        Row(what, one[0], "1/s", against, one[1], one[0] / one[1], ">= 0.4 x", one[0] >= 0.4 * one[1]),
        Row(f"  {CLIENTS} clients together", many[0], "1/s", against, many[1], many[0] / many[1]),
        Row(f"  one client, {BURST} requests at once", burst[0], "1/s", note=burst_note),
    ]


def _rates(clients: list[_Clients], seconds: float, ours: Peer) -> tuple[list[float], float]:
    """Median rate of each, taking turns; CPU microseconds a request of the first one's server."""
    each_s = seconds / ROUNDS / len(clients)
    rates: list[list[float]] = [[] for _ in clients]
    answered, cpu_s = 0.0, 0.0
    for _ in range(ROUNDS):
        for n, client in enumerate(clients):
            began_cpu_s = ours.cpu_s()
            rates[n].append(client.rate(each_s))
            if n == 0:
                answered += rates[0][-1] * each_s
                cpu_s += ours.cpu_s() - began_cpu_s
    for client in clients:
        client.close()
    return [statistics.median(rate) for rate in rates], cpu_s * 1e6 / answered


def idle_row(seconds: float) -> Row:
    """What an emulated bench costs while nobody asks it anything."""
    peer = Peer(serve_idle, seconds, tells=True)
    try:
        count, share = peer.told()
    finally:
        peer.stop()
    what = f"{count} emulated devices, tissue, idle"
    return Row(what, 100 * share, "%", "a core", target="<= 5 %", met=share <= 0.05)
