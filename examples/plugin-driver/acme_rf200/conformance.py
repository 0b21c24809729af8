"""This driver under the conformance kit; offered by entry point, so that a bench's own tests can run it too."""

from __future__ import annotations

import asyncio

from drivers.testing.roles import SourceConformance
from drivers.transport.base import Link
from safety.types import Setpoint
from sim.clock import VirtualLoop
from sim.devices.resistor import Resistor
from sim.links import MemoryLink, Wire

from acme_rf200.driver import AcmeRf200
from acme_rf200.emulator import Emulator


class TestConformance(SourceConformance):
    """In virtual time: without ``loop_factory`` the same takes many minutes."""

    driver, mint, loop_factory = AcmeRf200, Setpoint, VirtualLoop
    wire: Wire

    def link_factory(self) -> Link:
        """A fresh generator, with 50 ohm on it."""
        loop = asyncio.get_running_loop()
        self.wire = Wire(Emulator(Resistor(), {}, "dut"), loop, t0_s=loop.time())
        return self.link_again()

    def link_again(self) -> Link:
        """A second cable to the same one."""
        return MemoryLink(self.wire)

    def refusal(self, request: bytes) -> bytes:
        """What it answers to a set-point that it does not take."""
        return b"ERR range\r\n"
