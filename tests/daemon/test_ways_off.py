"""What the watchdog is given to turn the source off with: ports framed as they were opened, and the second way of an
instrument on HiSLIP or VXI-11, which must lead to the same instrument."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from controller.config.loading import LoadedBench, load_bench
from controller.config.problems import ConfigError
from controller.daemon.ways_off import as_opened, enable_plan, ways_off
from drivers.contract import DeviceError, EnableLine, PowerSource
from drivers.opening import open_driver
from drivers.rf_chain.driver import RfChain
from drivers.transport.base import Link, Port, SerialSettings
from drivers.transport.open import open_link
from sim.servers import TcpServer
from tests.drivers.chained import chain
from tests.drivers.visas import Instrument

SHIPPED = Path(__file__).parents[2] / "controller" / "data" / "benches" / "cooled-rf-sim.yaml"
NEEDLE = {"name": "needle", "kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30, "power_max_w": 40}


def bench_file(folder: Path, source: dict[str, Any], **devices: dict[str, Any]) -> Path:
    data = yaml.safe_load(SHIPPED.read_text())
    del data["roles"]["enable_aux"]  # not every source tells its interlock
    data["applicator"] = {**NEEDLE, "current_max_a": 2.0}
    data["limits"]["power_w"] = 40
    data["devices"] |= {"gen": source, **devices}
    path = folder / "bench.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False).replace("sim://", "/dev/serial/by-id/"))
    return path


async def opened_link(url: str, baud: int, settings: SerialSettings) -> tuple[Link, str]:
    return await open_link(url, baud, settings=settings), url


class Chain:
    """A chain whose generator is on HiSLIP and whose amplifier is on VXI-11, with raw sockets beside both."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bench = folder, chain()
        self.gen = Instrument("hislip", self.bench, folder)
        self.amplifier = Instrument("vxi11", self.bench, folder, "gen-amplifier")
        self.beside = {part: TcpServer(wire, 0) for part, wire in self.bench.wires.items()}

    def tcp(self, part: str, host: str = "127.0.0.1") -> str:
        return f"tcp://{host}:{self.beside[part].port}"

    def loaded(self, off_port: object) -> LoadedBench:
        ports = {"amplifier_port": self.amplifier.url, "meter_port": self.tcp("gen-meter")}
        source = {"driver": "rf-chain", "port": self.gen.url, "options": ports}
        return load_bench(bench_file(self.folder, source | ({"off_port": off_port} if off_port else {})))

    async def plans(self, off_port: object) -> dict[str, tuple[str | None, int | None]]:
        """By device: the resource that the watchdog would open, and the descriptor that it would share."""
        loaded = self.loaded(off_port)
        kind, options = loaded.drivers["gen"], loaded.options["gen"]
        driver = await open_driver(kind, "gen", options, self.gen.url, None, opened_link)
        assert isinstance(driver, RfChain)
        try:
            await driver.connect()
            found = await ways_off(loaded, driver, opened_link)
            return {plan.device: (plan.reopen, port.fileno()) for plan, port in found}
        finally:
            await driver.close()


@asynccontextmanager
async def two_ways(folder: Path) -> AsyncIterator[Chain]:
    pytest.importorskip("pyvisa")
    made = Chain(folder)
    await made.gen.start()
    await made.amplifier.start()
    try:
        yield made
    finally:
        for server in made.beside.values():
            server.close()
        made.gen.kill()
        made.amplifier.kill()
        made.bench.stop()
        await asyncio.sleep(0.3)


async def test_each_part_of_a_chain_may_have_a_second_way(tmp_path: Path) -> None:
    async with two_ways(tmp_path) as made:
        both = {"port": made.tcp("gen", "localhost"), "amplifier_port": made.tcp("gen-amplifier")}
        assert await made.plans(both) == {
            "gen": (made.tcp("gen"), None),  # by its address: nobody asks a name server at the cut
            "gen-amplifier": (made.tcp("gen-amplifier"), None),
        }
        assert await made.plans(made.tcp("gen")) == {"gen": (made.tcp("gen"), None), "gen-amplifier": (None, None)}
        assert await made.plans(None) == {"gen": (None, None), "gen-amplifier": (None, None)}


async def test_a_second_way_to_another_instrument_is_refused(tmp_path: Path) -> None:
    async with two_ways(tmp_path) as made:
        with pytest.raises(
            DeviceError, match=r"off_port tcp.* is 'AGILENT.*DSO-X.*, and visa.*hislip0.* is 'Agilent.*33522B"
        ):
            await made.plans(made.tcp("gen-meter"))


async def test_a_second_way_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    async with two_ways(tmp_path) as made:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            url = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
            with pytest.raises(DeviceError, match=r"gen: off_port .* does not say who it is .* switch on .* SCPI sock"):
                await made.plans(url)
        with pytest.raises(DeviceError, match="connection refused"):
            await made.plans(url)


async def test_a_part_that_carries_no_energy_needs_no_second_way(tmp_path: Path) -> None:
    async with two_ways(tmp_path) as made:
        ports = {"amplifier_port": made.amplifier.url, "meter_port": "visa://TCPIP::10.0.0.7::INSTR"}
        source = {"driver": "rf-chain", "port": made.gen.url, "options": ports}
        loaded = load_bench(bench_file(tmp_path, source | {"off_port": {"meter_port": made.tcp("gen-meter")}}))
        kind, options = loaded.drivers["gen"], made.loaded(None).options["gen"]
        driver = await open_driver(kind, "gen", options, made.gen.url, None, opened_link)
        assert isinstance(driver, PowerSource)
        try:
            await driver.connect()
            with pytest.raises(DeviceError, match="off_port names meter_port, through which nothing is turned off"):
                await ways_off(loaded, driver, opened_link)
        finally:
            await driver.close()


VISA = {"driver": "keysight-33500b", "port": "visa://TCPIP::10.0.0.7::hislip0::INSTR"}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ({**VISA, "off_port": "visa://TCPIP::10.0.0.7::5025::SOCKET"}, "the watchdog cannot open visa://"),
        ({**VISA, "off_port": "tcp://10.0.0.7"}, r"the watchdog cannot open tcp://10\.0\.0\.7"),
        ({**VISA, "off_port": "rfc2217://10.0.0.7:4001"}, "the watchdog cannot open rfc2217://"),
        ({**VISA, "off_port": {"amplifier_port": "tcp://10.0.0.7:5025"}}, "gen has no amplifier_port"),
        ({**VISA, "port": "tcp://10.0.0.7:5025", "off_port": "tcp://10.0.0.7:5024"}, "off_port is for visa:// ports"),
    ],
)
def test_in_the_bench_file(source: dict[str, Any], problem: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        load_bench(bench_file(tmp_path, source))
    at = next(found for found in caught.value.problems if "off_port" in str(found) or "cannot open" in str(found))
    lines = (tmp_path / "bench.yaml").read_text().splitlines()
    assert "off_port" in lines[at.line - 1]


def test_only_the_source_is_turned_off_so(tmp_path: Path) -> None:
    meter = {"driver": "keysight-34970a", "port": "visa://TCPIP::10.0.0.8::INSTR", "off_port": "tcp://10.0.0.8:5025"}
    shipped = yaml.safe_load(SHIPPED.read_text())["devices"]
    with pytest.raises(ConfigError, match="off_port is for the source alone"):
        load_bench(bench_file(tmp_path, shipped["gen"], tc=shipped["tc"] | meter))


def test_plans_have_the_framing_of_the_port_as_it_was_opened(tmp_path: Path) -> None:
    """The bench's baud rate, where it names one, and the driver's parity and stop bits."""
    source = {"driver": "ae-bus", "port": "/dev/ttyUSB0", "baud": 19_200, "options": {}}
    loaded = load_bench(bench_file(tmp_path, source))
    ae_bus = loaded.drivers["gen"]("gen", cast(Port, SimpleNamespace(url="/dev/ttyUSB0")), loaded.options["gen"])
    plan = ae_bus.safe_off_plan()
    assert plan is not None
    framed = as_opened(loaded, "gen", plan)
    assert (framed.baud, framed.bytesize, framed.parity, framed.stopbits) == (19_200, 8, "O", 1)
    assert framed.off == plan.off
    line = loaded.drivers["enable"]("enable", cast(Port, SimpleNamespace(url="/dev/ttyUSB0")), loaded.options["enable"])
    assert isinstance(line, EnableLine)
    opened = enable_plan(loaded, line)
    assert (opened.baud, opened.bytesize, opened.parity, opened.stopbits) == (9600, 8, "N", 1)
