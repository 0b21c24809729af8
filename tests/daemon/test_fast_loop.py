"""uvloop as the daemon's loop: clock, timer descriptor, terminal, socket, signal. Skipped where it is not installed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import pytest

from controller.client import Client
from controller.config.bench import Loop
from controller.daemon import __main__ as daemon
from controller.daemon.control import ControlSocket
from controller.daemon.fast_loop import loop_factory
from controller.daemon.ticker import Ticker, TimerfdAlarm
from drivers.transport.open import open_link
from tests.daemon.test_control import Recorder

T = TypeVar("T")
needs_uvloop = pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is not installed")


class Operator(Recorder):
    """Nobody looks."""

    async def look(self) -> dict[str, Any]:
        return {"ok": True}


def on_it(main: Callable[[], Awaitable[T]]) -> T:
    """Run on such a loop."""

    async def run() -> T:
        return await main()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(run())


@needs_uvloop
def test_its_clock_resolves_more_than_a_millisecond_and_is_the_monotonic_one() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert type(loop).__mro__[1].__module__.startswith("uvloop")
        before = time.monotonic()
        seen = [loop.time() for _ in range(1000)]
        assert before <= seen[0] and seen[-1] <= time.monotonic()
        assert seen == sorted(seen) and len({round(t_s * 1e6) for t_s in seen}) > 10
        begun = loop.time()
        await asyncio.sleep(0.02)
        assert loop.time() - begun >= 0.019

    on_it(main)


@needs_uvloop
def test_the_ticker_meets_its_deadlines_by_the_descriptor_and_none_too_early() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        ticker = Ticker(0.01, TimerfdAlarm(loop), loop)
        assert all([await ticker.next() >= ticker.deadline_s for _ in range(30)])
        ticker.close()
        return ticker.ticks

    assert on_it(main) == 30


@needs_uvloop
def test_a_terminal_is_read_and_written_as_a_serial_port_is() -> None:
    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        peer, theirs = os.openpty()
        link = await open_link(os.ttyname(theirs), 9600)
        got: asyncio.Future[bytes] = loop.create_future()
        link.start(lambda data: None if got.done() else got.set_result(data), lambda error: None)
        link.write(b"*IDN?\n")
        assert os.read(peer, 100) == b"*IDN?\n"
        os.write(peer, b"a device\n")
        try:
            return await asyncio.wait_for(got, 2.0)
        finally:
            link.close()
            os.close(peer)
            os.close(theirs)

    assert on_it(main) == b"a device\n"


@needs_uvloop
def test_the_control_socket_knows_who_asks(short_dir: Path) -> None:
    async def main() -> dict[str, object]:
        server = ControlSocket(Operator(), short_dir / "c.sock")
        await server.start()
        client = await Client.connect(short_dir / "c.sock")
        answer = await client.status()
        await client.close()
        await server.close()
        return answer

    assert on_it(main) == {"ok": True, "state": "SAFE"}


@needs_uvloop
def test_a_signal_is_heard_and_one_that_is_ignored_is_not() -> None:
    async def main() -> None:
        heard = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, heard.set)
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(heard.wait(), 2.0)
        finally:
            signal.signal(signal.SIGHUP, before)

    on_it(main)


class Bench:
    """As much of one as is asked about."""

    def __init__(self, **wish: bool) -> None:
        self.bench = self
        self.loop = Loop(**wish)


def test_where_it_is_not_installed_the_loop_is_asyncios_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    made, claim = daemon._claimed(Bench(uvloop=True))  # type: ignore[arg-type]
    assert made is None
    told = claim.as_dict()
    assert told["event_loop"] == "asyncio"
    assert told["refused"] == ["uvloop is not installed, so the loop is asyncio's: pip install 'openablate[fast]'"]
    assert daemon._claimed(Bench())[0] is None  # type: ignore[arg-type]
