"""Our drivers against other people's simulators, each a process in the environment that ``make interop`` makes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.contract import DeviceError, Refused
from drivers.julabo.driver import Julabo, JulaboOptions
from drivers.sairem_gms.driver import SairemGms, SairemOptions
from drivers.transport.base import Link
from drivers.transport.open import open_link
from drivers.transport.port import LinkPort
from drivers.watson_marlow_du.driver import WatsonMarlowDu, WatsonMarlowOptions
from safety.types import Setpoint
from tests.interop.installed import PYTHON, needs

SIMULATORS = Path(__file__).resolve().parent / "simulators"
ISIS = os.environ.get("INTEROP_ISIS", "")
"""A clone of ISISComputingGroup/EPICS-DeviceEmulator, which no registry has."""
START_S = 30.0

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not PYTHON, reason="needs other people's simulators: make interop"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lewis(device: str, adapter: str, number: int, *more: str) -> tuple[str, ...]:
    """The command that serves a device of lewis; GPL, so only ever as a process."""
    listen = f"{adapter}: {{bind_address: 127.0.0.1, port: {number}}}"
    return (str(Path(PYTHON).with_name("lewis")), *more, device, "-p", listen)


@contextlib.contextmanager
def serving(port: int, *command: str) -> Iterator[None]:
    """A simulator in a process of its own, from when ``port`` listens."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            until_s = time.monotonic() + START_S
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
                    break
                if process.poll() is not None or time.monotonic() > until_s:
                    process.kill()
                    raise RuntimeError(f"{' '.join(command)} did not start: {process.communicate()[0]}")
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            try:
                process.communicate(timeout=5.0)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
async def test_sairem_on_pymodbus_server(framing: str) -> None:
    """RTU goes over TCP here, as through a terminal server; the frames are those of a serial line."""
    needs("pymodbus")
    number = free_port()
    url = f"tcp://127.0.0.1:{number}"
    script = str(SIMULATORS / "pymodbus_sairem.py")
    with serving(number, PYTHON, script, {"tcp": "socket"}.get(framing, framing), str(number)):
        other = {"tcp": "rtu", "rtu": "tcp"}[framing]
        for wrong, says in (({"framing": framing, "unit": 2}, "exception 4"), ({"framing": other}, "no reply to b")):
            port = LinkPort(await open_link(url, SairemGms.BAUD), url)
            with pytest.raises(DeviceError, match=f"no Sairem GMS generator answers on {url} .*{says}"):
                await SairemGms("gen", port, SairemOptions.model_validate(wrong)).connect()
            await port.close()
        port = LinkPort(await open_link(url, SairemGms.BAUD), url)
        gms = SairemGms("gen", port, SairemOptions.model_validate({"framing": framing, "deadman_s": 0.5}))

        async def told() -> dict[str, float]:
            return {sample.channel.removeprefix("gen."): sample.value for sample in await gms.poll()}

        async def want(power_w: float) -> None:
            await gms.apply(Setpoint(power_w, gms.epoch, port.now() + 0.15, "interop"))

        try:
            await gms.connect()
            assert (await told())["rf_on"] == 0.0
            for power_w in (60.0, 127.0, 200.0):
                await want(power_w)
                now = await told()
                assert (now["rf_on"], now["setpoint_w"], now["forward_power_w"]) == (1.0, power_w, power_w)
            await gms.off()
            now = await told()
            assert (now["rf_on"], now["setpoint_w"], now["forward_power_w"], now["fault_flag"]) == (0.0, 0.0, 0.0, 0.0)
            await want(40.0)
            await asyncio.sleep(0.7)  # longer than register 98 allows
            now = await told()
            assert (now["rf_on"], now["forward_power_w"], now["fault_flag"]) == (0.0, 0.0, 1.0)
            with pytest.raises(Refused, match="went off by itself"):
                await want(40.0)
            await gms.off()
            assert (await told())["fault_flag"] == 0.0
        finally:
            await port.close()
        await asyncio.to_thread(prove_off, gms, number)


def prove_off(gms: SairemGms, number: int) -> None:
    """The plan the watchdog keeps, sent by a socket that knows nothing of Modbus."""
    plan = gms.safe_off_plan()
    with socket.create_connection(("127.0.0.1", number), 2.0) as wire:
        for request in plan.off:
            wire.sendall(request)
            assert wire.recv(256)
        for readback in plan.readbacks:
            wire.sendall(readback.query)
            assert readback.proves_off(wire.recv(256)), readback


@pytest.mark.skipif(not ISIS, reason="ISIS' wm323: INTEROP_ISIS names no clone of EPICS-DeviceEmulator")
async def test_watson_marlow_on_isis_wm323() -> None:
    """No echo, and ``1SP 110`` with a space: options of our driver."""
    needs("lewis")
    number = free_port()
    url = f"tcp://127.0.0.1:{number}"
    with serving(number, *lewis("wm323", "stream", number, "-a", ISIS, "-k", "lewis_emulators")):
        port = LinkPort(await open_link(url, WatsonMarlowDu.BAUD), url)
        pump = WatsonMarlowDu("pump", port, WatsonMarlowOptions.model_validate({"ml_per_rev": 0.8, "sp_space": True}))

        async def told() -> list[float]:
            return [sample.value for sample in await pump.poll()]

        try:
            assert (await pump.connect()).model == "323Du"
            for flow_ml_min in (80.0, 40.4):
                await pump.run(flow_ml_min)
                assert await told() == [1.0, pytest.approx(flow_ml_min, abs=0.05)]
            await pump.run(0.0)
            assert (await told())[0] == 0.0
        finally:
            await port.close()


class InCapitals:
    """A link that sends capitals: lewis' Julabo takes nothing else, where the manuals print small letters."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.start, self.fileno, self.close = link.start, link.fileno, link.close

    def write(self, data: bytes) -> None:
        self._link.write(data.upper())


async def holds_and_stops(port: LinkPort, **options: object) -> dict[str, float]:
    """Our driver connects, holds two temperatures and stops; the channels at the end."""
    bath = Julabo("bath", port, JulaboOptions.model_validate({"unit_query": None, **options}))

    async def told() -> dict[str, float]:
        return {sample.channel.removeprefix("bath."): sample.value for sample in await bath.poll()}

    assert (await bath.connect()).model.startswith("JULABO")
    for celsius in (8.25, 21.5):
        await bath.regulate(celsius)
        now = await told()
        assert (now["setpoint_c"], now["running_on"], now["alarm_flag"]) == (celsius, 1.0, 0.0)
    await bath.regulate(None)
    now = await told()
    assert now["running_on"] == 0.0
    return now


async def test_julabo_on_lewis() -> None:
    """Its status is set to what a unit says, and its bath stands still, as it tells all digits of a moving one; its
    readings are swapped, and each out command gets an empty line."""
    needs("lewis")
    number, control = free_port(), free_port()
    url, remote = f"tcp://127.0.0.1:{number}", f"127.0.0.1:{control}"
    with serving(number, *lewis("julabo", "julabo-version-1", number, "-r", remote)):
        for setting in (("status", "'03 REMOTE START'"), ("heating_power", "0.0")):
            command = [str(Path(PYTHON).with_name("lewis-control")), "-r", remote, "device", *setting]
            await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, timeout=30.0)
        port = LinkPort(InCapitals(await open_link(url, Julabo.BAUD)), url)
        try:
            now = await holds_and_stops(port, external=True, swapped_pv=True)
        finally:
            await port.close()
    assert (now["bath_c"], now["external_c"]) == (24.0, 26.0)


async def test_julabo_on_sinstruments(tmp_path: Path) -> None:
    """The simulator of the julabo package. It begins under its panel's control, which our driver refuses."""
    needs("julabo", "sinstruments")
    number = free_port()
    url = f"tcp://127.0.0.1:{number}"
    device = {
        "class": "JulaboCF",
        "name": "cf31",
        "package": "julabo.simulator",
        "transports": [{"type": "tcp", "url": f"127.0.0.1:{number}"}],
    }
    bench = tmp_path / "bench.json"
    bench.write_text(json.dumps({"devices": [device]}))
    with serving(number, str(Path(PYTHON).with_name("sinstruments-server")), "-c", str(bench)):
        port = LinkPort(await open_link(url, Julabo.BAUD), url)
        try:
            with pytest.raises(DeviceError, match=r"its panel is in charge \(00 MANUAL START\)"):
                await holds_and_stops(port)
            await port.send(b"OUT_MODE_05 0\r")
            now = await holds_and_stops(port, external=True)
        finally:
            await port.close()
    assert (now["bath_c"], now["external_c"]) == (29.45, 28.22)
