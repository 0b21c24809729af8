"""What emulated generators have in common: output stage, interlock input, heat sink, meters, and what can break.

A model's module adds its wire format and its own dead-man.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping
from typing import Any, ClassVar

from sim.devices.base import Emulator, World
from sim.devices.rf_output import RfOutput

HEATSINK_TAU_S = 120.0
HEATSINK_K_PER_W = 0.08
ROOM_C = 24.0
NOISE = 1024


@functools.lru_cache(maxsize=16)  # half a millisecond each time a bench is made
def _noise(of: str) -> tuple[float, ...]:
    noise = random.Random(of)
    return tuple(noise.gauss(0.0, 1.0) for _ in range(NOISE))


class Generator(Emulator):
    """State that every generator has; options ``settle_s``, ``power_max_w``, ``reverse_max_w``, ``interlock_drops_rf``.

    ``interlock_drops_rf`` (True): an opening interlock switches the output off for good; False: power returns when it
    closes again.
    """

    ROLE = "generator"
    OPTIONS = frozenset({"interlock_drops_rf", "power_max_w", "reverse_max_w", "settle_s", "latency_s"})
    POWER_MAX_W: ClassVar[float] = 300.0
    REVERSE_MAX_W: ClassVar[float] = 70.0
    SETTLE_S: ClassVar[float] = 0.012

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.interlock_drops_rf = bool(options.get("interlock_drops_rf", True))
        self.output = RfOutput(
            world,
            tau_s=float(options.get("settle_s", self.SETTLE_S)),
            power_max_w=float(options.get("power_max_w", self.POWER_MAX_W)),
            reverse_max_w=float(options.get("reverse_max_w", self.REVERSE_MAX_W)),
        )
        self.output.on_change = self._output_changed
        self.heatsink_c = ROOM_C
        self._heatsink_s = 0.0
        self._noise = _noise(f"{self.MODEL}/{name}")
        self._reading = 0

    @property
    def rf_on(self) -> bool:
        """The switch as the host last left it; the output may still be nil (interlock) or not (faults)."""
        return self.output.on

    @property
    def radiating(self) -> bool:
        """What a status says of the output: on, or power that is there without having been asked for."""
        return self.output.on or (self.world.forward_w > 0.0 and "readback_zero" not in self.faults)

    def set_interlock(self, closed: bool, t_s: float) -> None:
        """The interlock input (enable relay and E-stop contacts in series)."""
        if closed == self.output.interlock_closed:
            return
        self.output.interlock_closed = closed
        if not closed and self.interlock_drops_rf:
            self.output.on = False
        self.update(t_s)

    def load_moved(self, t_s: float) -> None:
        """The world advanced."""
        self.output.load_moved(t_s)

    def update(self, t_s: float) -> None:
        """Let the output follow what was set; call after every change."""
        self.output.update(t_s)
        self.wake(self.output.due_s)

    def set_fault(self, kind: str, channel: str, value: float, t_s: float) -> None:
        super().set_fault(kind, channel, value, t_s)
        if kind == "restart":
            self.power_up(t_s)
            self.update(t_s)

    def power_up(self, t_s: float) -> None:
        """Be as after the mains switch."""
        self.output.on = False

    def faults_changed(self, t_s: float) -> None:
        faults, output = self.faults, self.output
        output.gain = faults.get("over_deliver", {}).get("", 1.0)
        output.stuck = "ignore_off" in faults
        output.spontaneous_w = faults.get("spontaneous_on", {}).get("", 0.0)
        self.update(t_s)

    def _output_changed(self, t_s: float) -> None:
        if self.on_power is not None:
            self.on_power(t_s, self.name, self.world.load_w)

    def heatsink(self, t_s: float) -> float:
        """Temperature of the heat sink at ``t_s``, degC."""
        loss_c = HEATSINK_K_PER_W * self.world.forward_w
        elapsed_s = t_s - self._heatsink_s
        if elapsed_s > 0.5:
            self.heatsink_c += (ROOM_C + loss_c - self.heatsink_c) * min(1.0, elapsed_s / HEATSINK_TAU_S)
            self._heatsink_s = t_s
        return self.heatsink_c

    @property
    def detuned(self) -> float:
        """Frequency as it is, relative to what was set."""
        return 1.0 + self.faults.get("detuned", {}).get("", 0.0)

    def metered_w(self, power_w: float, *, reverse: bool = False) -> float:
        """A power meter's reading: noise of 0.1 W + 0.3 %, and a clean zero below its threshold."""
        if reverse:
            power_w += self.faults.get("reverse_bias", {}).get("", 0.0)
        if power_w < 0.05 or "readback_zero" in self.faults or (reverse and "reverse_zero" in self.faults):
            return 0.0
        self._reading = (self._reading + 1) % NOISE
        return max(0.0, power_w + (0.1 + 0.003 * power_w) * self._noise[self._reading])
