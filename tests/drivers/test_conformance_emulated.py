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
from drivers.testing.roles import EnableConformance, PumpConformance, SourceConformance
from drivers.transport.port import LinkPort
from safety.types import Setpoint
from sim.bench import SimBench
from tests.drivers.emulated import Alone

BENCH = Path(__file__).resolve().parents[2] / "examples" / "benches" / "cooled-rf-sim.yaml"


def bench_file() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(BENCH.read_text())
    return loaded


class TestTcCxn(Alone, SourceConformance):
    driver, options, mint = TcCxn, {"power_limit_w": 200}, Setpoint
    checked = True

    def refusal(self, request: bytes) -> bytes:
        return b"?"


class TestIsmatec(Alone, PumpConformance):
    driver, options = IsmatecRegloIcc, {"tube_mm": 2.79}

    def refusal(self, request: bytes) -> bytes:
        return b"#"


class TestKeysight(Alone):
    driver, options = Keysight34970a, {"channels": {101: "tip_c", 102: "tissue_10mm_c"}}
    truth = {"tip_c": 22.0, "tissue_10mm_c": 22.0}


class TestKeysightOneChannel(Alone):
    driver, options, truth = Keysight34970a, {"channels": {101: "tip_c"}}, {"tip_c": 22.0}


class TestSensirion(Alone):
    checked = True
    driver, options, truth = SensirionSlf3x, {"model": "slf3s-4000b"}, {"flow_ml_min": 0.0, "coolant_c": 22.0}


class TestNumato(Alone):
    driver = NumatoGpio
    options = {"pins": {"estop_a_closed": 0, "estop_b_closed": 1, "foot_no_closed": 2, "foot_nc_closed": 3}}


class TestKmtronic(Alone, EnableConformance):
    driver, options = KmtronicRelay, {"relay": 1, "native_timeout_s": 2.0}
    bare_bytes = True


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
