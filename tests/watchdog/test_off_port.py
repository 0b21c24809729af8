"""The real daemon with a generator on HiSLIP, whose session dies with it: the watchdog turns it off over ``off_port``.

The daemon is stopped and the output turned on by hand behind its back, as a defect of the generator would: nobody but
the watchdog can end that.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sim.servers import TcpServer
from tests.drivers.chained import chain
from tests.drivers.visas import Instrument
from tests.process.bench import Emulated, Live
from tests.process.ends import wait_for

pytest.importorskip("pyvisa")
T = TypeVar("T")


class Generator:
    """A chain with its generator on HiSLIP and on a raw socket, served by a thread with a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="generator")
        self._thread.start()
        self.instrument: Instrument
        self.beside: dict[str, TcpServer]
        self.instrument, self.beside = self.do(self._serve(folder))

    async def _serve(self, folder: Path) -> tuple[Instrument, dict[str, TcpServer]]:
        bench = chain()
        instrument = Instrument("hislip", bench, folder)
        await instrument.start()
        return instrument, {part: TcpServer(wire, 0) for part, wire in bench.wires.items()}

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the generator's own loop."""
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10.0)

    def tcp(self, part: str) -> str:
        return f"tcp://127.0.0.1:{self.beside[part].port}"

    @property
    def on(self) -> bool:
        return bool(self.instrument.bench.emulators["gen"].rf_on)  # type: ignore[attr-defined]

    def turn_on(self) -> None:
        async def turned() -> None:
            emulator = self.instrument.bench.emulators["gen"]
            emulator.receive(b"OUTP1 ON\n", self.instrument.bench.now_s())

        self.do(turned())

    def close(self) -> None:
        async def closed() -> None:
            for server in self.beside.values():
                server.close()
            self.instrument.kill()
            self.instrument.bench.stop()
            await asyncio.sleep(0.05)

        self.do(closed())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def generator(folder: Path) -> Iterator[Generator]:
    made = Generator(folder)
    try:
        yield made
    finally:
        made.close()


def bench_file(emulated: Emulated, made: Generator, off_port: dict[str, str] | None) -> Path:
    ports = {"amplifier_port": made.tcp("gen-amplifier"), "meter_port": made.tcp("gen-meter")}
    source: dict[str, Any] = {"driver": "rf-chain", "port": made.instrument.url, "options": ports}
    if off_port is not None:
        source["off_port"] = off_port
    data = emulated.wired_data
    needle = {"name": "needle", "kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}
    data = {**data, "applicator": {**needle, "power_max_w": 40, "current_max_a": 2.0}}
    data |= {"limits": data["limits"] | {"power_w": 40}, "devices": data["devices"] | {"gen": source}}
    del data["roles"]["enable_aux"]  # the chain does not tell its interlock
    return emulated.write("two-ways.yaml", data)


def test_the_watchdog_turns_it_off_over_the_second_way_when_the_daemon_is_dead(tmp_path: Path) -> None:
    with Emulated() as emulated, generator(tmp_path) as made:
        live = Live(emulated, bench_file(emulated, made, {"port": made.tcp("gen")}))
        try:
            live.state("SAFE")
            time.sleep(0.3)
            before = len(made.instrument.heard)
            os.kill(live.pids.daemon, signal.SIGSTOP)
            made.turn_on()
            on_s = time.monotonic()
            wait_for(lambda: not made.on, "the generator's output off", 5.0)
            assert time.monotonic() - on_s < 2.5  # 1 s of an idle daemon's silence, the kill, and the machine
            assert live.ended() == 75
            assert b"OUTP1 OFF" in b"".join(data for _, data in made.instrument.heard[before:])
            (told,) = emulated.cuts
            assert told["off_proven"] is True
            assert told["devices"]["gen"] == {"written": True, "proven": True, "can_prove": True, "error": ""}
        finally:
            live.close()


def test_without_a_second_way_the_bench_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with Emulated() as emulated, generator(tmp_path) as made:
        with pytest.raises(AssertionError, match=r"no way to reach gen: .*off_port: tcp://HOST:5025"):
            Live(emulated, bench_file(emulated, made, None))
        assert not made.on
