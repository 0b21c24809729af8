"""A dummy load instead of physics: a resistor on the generator, water at room temperature, for one emulated device on
a desk."""

from __future__ import annotations

from collections.abc import Collection

LINE_OHM = 50.0
ROOM_C = 22.0


class Resistor:
    """The :class:`~sim.devices.base.World` of a device that is emulated alone. ``ohm`` is the load, 50 absorbs
    everything."""

    def __init__(self, ohm: float = LINE_OHM) -> None:
        if not 0.0 < ohm < 1e9:
            raise ValueError(f"load {ohm!r} ohm: give a resistance above 0")
        self.ohm = ohm
        self.t_s = 0.0
        self.energy_j = 0.0
        self.forward_w = self.reverse_w = self.load_w = 0.0
        self.flow_ml_min = 0.0
        self.coolant_c = self._bath_c = ROOM_C
        self.air_in_line = False
        self.inputs = {"estop_a": True, "estop_b": True, "foot_no": False, "foot_nc": True, "door": True}
        self._faults: dict[str, float] = {}

    @property
    def load_ohm(self) -> float:
        """What the generator sees, faults included."""
        if "open" in self._faults:
            return 1e5
        if "short" in self._faults:
            return 0.5
        return self.ohm + self._faults.get("char", 0.0) + self._faults.get("pad", 0.0)

    def advance(self, t_s: float) -> None:
        """Count the energy up to ``t_s``."""
        if t_s > self.t_s:
            self.energy_j += self.load_w * (t_s - self.t_s)
            self.t_s = t_s

    def drive(self, forward_w: float) -> None:
        """Forward power from now on."""
        gamma = (self.load_ohm - LINE_OHM) / (self.load_ohm + LINE_OHM)
        self.forward_w = forward_w
        self.reverse_w = forward_w * gamma * gamma
        self.load_w = forward_w - self.reverse_w

    def pump(self, flow_ml_min: float) -> None:
        """Flow from now on."""
        self.flow_ml_min = 0.0 if "line_off" in self._faults else flow_ml_min

    def chill(self, bath_c: float) -> None:
        """The coolant's temperature from now on."""
        self._bath_c = bath_c
        self.coolant_c = self._faults.get("coolant_temp", bath_c)

    def connect(self, channels: Collection[int]) -> None:
        """The resistor is every electrode."""

    def temperature_c(self, name: str) -> float:
        """Room temperature, whatever the probe is called."""
        return ROOM_C

    def fault(self, name: str, value: float | bool | None) -> None:
        """Begin a load fault, or end it with None."""
        if value is None:
            self._faults.pop(name, None)
        else:
            self._faults[name] = float(value)
        self.air_in_line = "air" in self._faults
        self.coolant_c = self._faults.get("coolant_temp", self._bath_c)
        self.drive(self.forward_w)
