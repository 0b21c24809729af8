"""What every driver must hold, as classes for pytest to collect in a subclass (no pytest needed to read them).

    class TestMyPump(PumpConformance):      # of drivers.testing.roles
        driver = MyPump
        options = {"channel": 1}
        loop_factory = VirtualLoop          # optional; the kit needs some minutes of real time without it

        def link_factory(self) -> Link:     # called within a running loop; a device at rest is behind it
            return MyEmulator().link()

Each test makes its own loop, link, port and driver. The tests are in rooms: ``declarations`` (what a driver says),
``offs`` (off and its bounds in time), ``lines`` (lines that misbehave), ``cables`` (what is pulled and switched off),
``strangers`` (bad input), ``clocks`` (clocks and the loop); what only some devices must hold is in ``roles``.
"""

from __future__ import annotations

from drivers.testing.cables import CableRoom
from drivers.testing.clocks import ClockRoom
from drivers.testing.declarations import DeclarationRoom
from drivers.testing.desk import Desk, raises
from drivers.testing.lines import LineRoom
from drivers.testing.offs import OffRoom
from drivers.testing.strangers import StrangerRoom


class DriverConformance(DeclarationRoom, OffRoom, LineRoom, CableRoom, StrangerRoom, ClockRoom):
    """For every driver. Subclass it; see the module's text."""


__all__ = ["Desk", "DriverConformance", "raises"]
