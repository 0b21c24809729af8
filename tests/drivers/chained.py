"""A bench of one RF chain, a driver on it, and a run under power."""

from __future__ import annotations

import asyncio
from typing import Any

from drivers.opening import open_driver
from drivers.rf_chain.driver import RfChain, RfChainOptions
from drivers.transport.base import Link, SerialSettings
from safety.types import Quality, Setpoint
from sim.bench import SimBench
from sim.devices.resistor import Resistor

PORTS = {"amplifier_port": "sim://amp", "meter_port": "sim://scope"}


def chain(
    options: dict[str, Any] | None = None, emulators: dict[str, dict[str, Any]] | None = None, ohm: float = 50.0
) -> SimBench:
    """A bench of one chain, ``gen``, running on the current loop."""
    device = {"driver": "rf-chain", "port": "sim://gen", "options": {**PORTS, **(options or {})}}
    bench = SimBench({"devices": {"gen": device}, "simulation": {"devices": emulators or {}}}, world=Resistor(ohm))
    bench.start(asyncio.get_running_loop())
    return bench


async def opened(bench: SimBench, **options: object) -> RfChain:
    async def open_link(url: str, baud: int, _: SerialSettings) -> tuple[Link, str]:
        return bench.open_link(url, baud), url

    chosen = RfChainOptions.model_validate({**PORTS, **options})
    driver = await open_driver(RfChain, "gen", chosen, "sim://gen", None, open_link)
    assert isinstance(driver, RfChain)
    return driver


async def connected(bench: SimBench, **options: object) -> RfChain:
    driver = await opened(bench, **options)
    await driver.connect()
    return driver


class Run:
    """A chain under power, followed as the daemon does: applied and polled every 50 ms."""

    def __init__(self, bench: SimBench, driver: RfChain) -> None:
        self.bench, self.driver = bench, driver
        self.told: dict[str, float] = {}
        self.bad: set[str] = set()
        self.forward_w: list[float] = []  # what the load was sent
        self.load_w: list[float] = []

    def set_point(self, power_w: float) -> Setpoint:
        driver = self.driver
        return Setpoint(power_w, driver.epoch, driver.port.now() + 0.15, "test")

    async def follow(self, power_w: float, for_s: float) -> None:
        loop = asyncio.get_running_loop()
        until_s, polls = loop.time() + for_s, 0
        while loop.time() < until_s:
            next_s = loop.time() + 0.05
            await self.driver.apply(self.set_point(power_w))
            if polls % 2 == 0:
                await self.poll()
            polls += 1
            self.see()
            await asyncio.sleep(max(0.0, next_s - loop.time()))
            self.see()

    async def poll(self) -> None:
        samples = await self.driver.poll()
        self.told |= {s.channel.removeprefix("gen."): s.value for s in samples}
        self.bad = {s.channel.removeprefix("gen.") for s in samples if s.quality is not Quality.GOOD}

    def see(self) -> None:
        self.forward_w.append(self.bench.world.forward_w)
        self.load_w.append(self.bench.world.load_w)
