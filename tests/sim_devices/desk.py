"""One emulated device on a resistor, in words a test can read."""

from __future__ import annotations

from typing import Any

from sim.devices import emulator_class
from sim.devices.base import Emulator
from sim.devices.resistor import Resistor

TC_CHANNELS = {101: "tip_c", 102: "tissue_10mm_c", 103: "tissue_20mm_c", 104: "coolant_in_c"}
PINS = {"estop_a_closed": 0, "estop_b_closed": 1, "foot_no_closed": 2, "foot_nc_closed": 3, "door_closed": 4}


class Desk:
    """``ask`` sends bytes and joins the replies; ``wait`` moves time ``t_s`` and runs the device's own timers."""

    def __init__(self, model: str, options: dict[str, Any] | None = None, ohm: float = 50.0) -> None:
        self.world = Resistor(ohm)
        self.device: Any = emulator_class(model)(self.world, options or {}, "dev")
        assert isinstance(self.device, Emulator)
        self.t_s = 0.0

    def ask(self, data: bytes) -> bytes:
        return b"".join(reply for _, reply in self.device.receive(data, self.t_s))

    def hex(self, data: str) -> str:
        """As :meth:`ask`, in spaced hex."""
        return self.ask(bytes.fromhex(data)).hex(" ").upper()

    def wait(self, seconds: float) -> None:
        until_s = self.t_s + seconds
        while self.device.due_s <= until_s:
            self.t_s = max(self.t_s, self.device.due_s)
            if self.device.poll_due(self.t_s) is None:
                break
        self.t_s = until_s
        self.world.advance(until_s)
