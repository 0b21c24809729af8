"""Four real VISA resources in front of one emulated 33500B: a raw socket, a serial line, HiSLIP and VXI-11."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sim.bench import SimBench
from sim.links import Sink, Wire
from sim.servers import PtyServer, TcpServer
from tests.drivers.chained import chain
from tests.support.hislip import HislipServer
from tests.support.vxi11 import Vxi11Server

KINDS = ("socket", "serial", "hislip", "vxi11")
IDENTITY = "Agilent Technologies,33522B,MY00000001,3.05-1.19-2.00-52-00"


class Instrument:
    """One emulated instrument of a chain on one resource. ``heard`` is what it was sent and when (CLOCK_MONOTONIC)."""

    def __init__(self, kind: str, bench: SimBench, folder: Path, part: str = "gen") -> None:
        self.kind, self.bench, self.part, self.folder = kind, bench, part, folder
        self.wire: Wire = bench.wires[part]
        self.heard: list[tuple[float, bytes]] = []
        self.server: HislipServer | Vxi11Server | None = None
        self.url = ""
        self._torn_s = 0.0
        self._feed, self.wire.feed = self.wire.feed, self._listen  # type: ignore[method-assign]
        self._kill: Callable[[], None]

    def _listen(self, data: bytes, sink: Sink, *, at_once: bool = False) -> None:
        self.heard.append((time.monotonic(), data))
        self._feed(data, self._tearing(sink) if self._torn_s and self.server is None else sink, at_once=at_once)

    def _tearing(self, sink: Sink) -> Sink:
        def torn(data: bytes) -> None:
            sink(data[: len(data) // 2])
            asyncio.get_running_loop().call_later(self._torn_s, sink, data[len(data) // 2 :])

        return torn

    async def start(self) -> None:
        if self.kind == "socket":
            tcp = TcpServer(self.wire, 0)
            self.url, self._kill = f"visa://TCPIP::127.0.0.1::{tcp.port}::SOCKET", tcp.close
        elif self.kind == "serial":
            pty = PtyServer(self.wire, self.folder / self.part)
            self.url, self._kill = f"visa://ASRL{pty.path.resolve()}::INSTR", pty.close
        else:
            self.server = HislipServer(self.wire) if self.kind == "hislip" else Vxi11Server(self.wire)
            self.url, self._kill = await self.server.start(), self.server.kill

    def tear(self, for_s: float) -> None:
        """From now on the second half of an answer comes so much later."""
        self._torn_s = for_s
        if self.server is not None:
            self.server.torn_s = for_s

    def kill(self) -> None:
        """Power or cable is gone."""
        self._kill()

    @property
    def sent(self) -> list[bytes]:
        """The messages it was sent, in order; bytes of a serial line are joined to lines."""
        return b"".join(data for _, data in self.heard).splitlines(keepends=True)

    def when(self, message: bytes) -> float:
        """When it had heard the first such message."""
        so_far = b""
        for t_s, data in self.heard:
            so_far += data
            if message in so_far:
                return t_s
        raise AssertionError(f"{message!r} was never sent: {self.sent}")


@asynccontextmanager
async def instrument(kind: str, folder: Path) -> AsyncIterator[Instrument]:
    bench = chain()
    one = Instrument(kind, bench, folder)
    await one.start()
    try:
        yield one
    finally:
        one.kill()
        bench.stop()
        await asyncio.sleep(0.3)  # the links' threads end
