"""The six drivers under the conformance kit, each against its independently written emulator on a simulated bench."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from drivers.contract import Refused
from drivers.ismatec_reglo_icc.driver import IsmatecRegloIcc
from drivers.keysight_34970a.driver import Keysight34970a
from drivers.kmtronic_relay.driver import KmtronicOptions, KmtronicRelay
from drivers.numato_gpio.driver import NumatoGpio
from drivers.sensirion_slf3x.driver import SensirionSlf3x
from drivers.tc_cxn.driver import TcCxn
from drivers.tc_cxn.model import TcCxnOptions
from drivers.testing.conformance import DriverConformance
from drivers.testing.roles import EnableConformance, PumpConformance, SourceConformance
from drivers.transport.base import Link
from drivers.transport.port import LinkPort
from safety.types import Setpoint
from sim.bench import SimBench
from tests.support.virtual_loop import VirtualLoop

BENCH = Path(__file__).resolve().parents[2] / "examples" / "benches" / "cooled-rf-sim.yaml"


def bench_file() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(BENCH.read_text())
    return loaded


class Emulated(DriverConformance):
    """A fresh bench for each link."""

    device: str
    loop_factory = VirtualLoop

    def link_factory(self) -> Link:
        bench = SimBench(bench_file())
        bench.start(asyncio.get_running_loop())
        return bench.open_link(f"sim://{self.device}", self.driver.BAUD)


def options_of(device: str) -> dict[str, Any]:
    options: dict[str, Any] = bench_file()["devices"][device]["options"]
    return options


class TestTcCxn(Emulated, SourceConformance):
    device, driver, options, mint = "gen", TcCxn, options_of("gen"), Setpoint


class TestIsmatec(Emulated, PumpConformance):
    device, driver, options = "pump", IsmatecRegloIcc, options_of("pump")


class TestKeysight(Emulated):
    device, driver, options = "tc", Keysight34970a, options_of("tc")


class TestSensirion(Emulated):
    device, driver, options = "flow", SensirionSlf3x, options_of("flow")


class TestNumato(Emulated):
    device, driver, options = "inputs", NumatoGpio, options_of("inputs")


class TestKmtronic(Emulated, EnableConformance):
    device, driver, options = "enable", KmtronicRelay, options_of("enable")


@pytest.mark.virtual
async def test_power_over_the_wire_and_the_generators_own_dead_man() -> None:
    """The enable line closed by its plan, 50 W set and read back; then host silence: the generator lets go."""
    bench = SimBench(bench_file())
    bench.start(asyncio.get_running_loop())
    enable = KmtronicRelay("enable", LinkPort(bench.open_link("sim://enable"), "sim://enable"), KmtronicOptions())
    gen = TcCxn("gen", LinkPort(bench.open_link("sim://gen"), "sim://gen"), TcCxnOptions(power_limit_w=200))
    await enable.connect()
    await gen.connect()

    async def poll_for(duration_s: float) -> dict[str, float]:
        told: dict[str, float] = {}
        for _ in range(round(duration_s / 0.05)):
            await enable.port.send(enable.enable_plan().close)
            told |= {s.channel: s.value for s in await gen.poll()}
            await asyncio.sleep(0.05)
        return told

    await poll_for(0.2)
    await gen.apply(Setpoint(50.7, gen.epoch, gen.port.now() + 0.15))
    told = await poll_for(1.0)
    assert told["gen.setpoint_w"] == 50.0
    assert told["gen.rf_on"] == 1.0
    assert told["gen.forward_power_w"] == pytest.approx(50.0, abs=2.0)
    assert 50.0 < told["gen.impedance_ohm"] < 200.0
    await asyncio.sleep(2.2)
    told = await poll_for(0.2)
    assert (told["gen.rf_on"], told["gen.control_on"]) == (0.0, 0.0)
    with pytest.raises(Refused, match="went off by itself"):
        await gen.apply(Setpoint(50.0, gen.epoch, gen.port.now() + 0.15))
    await gen.off()
    told = await poll_for(0.3)
    assert (told["gen.forward_power_w"], told["gen.control_on"]) == (0.0, 1.0)
