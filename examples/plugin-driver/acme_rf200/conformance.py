"""This driver under the conformance kit; offered by entry point, so that a bench's own tests can run it too."""

from __future__ import annotations

from drivers.testing.roles import SourceConformance
from drivers.transport.base import Link
from safety.types import Setpoint
from sim.clock import VirtualLoop

from acme_rf200.driver import AcmeRf200
from acme_rf200.emulator import EmulatedLink, Emulator


class TestConformance(SourceConformance):
    """In virtual time: without ``loop_factory`` the same takes many minutes."""

    driver, mint, loop_factory = AcmeRf200, Setpoint, VirtualLoop

    def link_factory(self) -> Link:
        return EmulatedLink(Emulator())

    def refusal(self, request: bytes) -> bytes:
        return b"ERR range\r\n"
