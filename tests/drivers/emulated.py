"""One emulated device alone on a memory link, with a resistor for tissue: conformance tests stand on it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from drivers.testing.conformance import DriverConformance
from drivers.transport.base import Link
from sim.bench import SimBench
from sim.devices.base import World
from sim.devices.resistor import Resistor
from tests.support.virtual_loop import VirtualLoop


def alone(
    model: str,
    options: dict[str, Any] | None = None,
    emulator: dict[str, Any] | None = None,
    world: World | None = None,
) -> SimBench:
    """A bench of one device, ``dut``, running on the current loop; ``emulator``: options that only the emulator has."""
    device = {"driver": model, "port": "sim://dut", "options": options or {}}
    simulation = {"devices": {"dut": emulator or {}}}
    bench = SimBench({"devices": {"dut": device}, "simulation": simulation}, world=world or Resistor())
    bench.start(asyncio.get_running_loop())
    return bench


class Alone(DriverConformance):
    """A fresh device for each link."""

    loop_factory = VirtualLoop
    emulator: ClassVar[dict[str, Any]] = {}

    def link_factory(self) -> Link:
        self.bench = alone(self.driver.MODEL, self.options, self.emulator)
        return self.link_again()

    def link_again(self) -> Link:
        return self.bench.open_link("sim://dut", self.driver.BAUD)
