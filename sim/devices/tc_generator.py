"""State and behaviour of a T&C AG/CXN generator: control and its dead-man, modes, interlock, meters.

Its bytes are in ``tc_cxn.py``.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from sim.devices.base import NEVER, Emulator, World
from sim.devices.rf_output import RfOutput

DEADMAN_S = 2.0
HEATSINK_TAU_S = 120.0
HEATSINK_K_PER_W = 0.08
NOISE = 1024

NORMAL, PULSE, RAMP = 1, 3, 4
RAMP_STEP_S = 0.1


class TcGenerator(Emulator):
    """What the front panel would show, and what the generator does in time."""

    ROLE = "generator"
    OPTIONS = frozenset(
        {"refuse_without_control", "frame_gap_s", "interlock_drops_rf", "address", "model", "serial", "frequency_hz"}
        | {"power_max_w", "reverse_max_w", "tuner", "settle_s", "latency_s"}
    )

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.model = str(options.get("model") or "AG 0313 GTC")
        self.serial = str(options.get("serial") or "SIM00001")
        self.frequency_hz = int(options.get("frequency_hz", 480_000))
        self.tuner = int(options.get("tuner", 1))
        self.refuse_without_control = bool(options.get("refuse_without_control", True))
        self.interlock_drops_rf = bool(options.get("interlock_drops_rf", True))
        self.output = RfOutput(
            world,
            tau_s=float(options.get("settle_s", 0.012)),
            power_max_w=float(options.get("power_max_w", 300.0)),
            reverse_max_w=float(options.get("reverse_max_w", 70.0)),
        )
        self.output.on_change = self._output_changed
        self.control = False
        self.mode = NORMAL
        self.pulse_on, self.pulse_off = 100, 100
        self.ramp_start_w, self.ramp_w_per_s = 1, 10
        self.manual_tuner = False
        self.capacity = {1: 50, 2: 50}  # load, tune: % of full scale
        self.preset = 0
        self.presets = {slot: {1: 50, 2: 50} for slot in range(1, 10)}
        self.setpoint_w = 0
        self.heatsink_c = 24.0
        self._heatsink_s = 0.0
        self.on_since_s = 0.0
        self.frame_s = 0.0  # when the newest valid frame arrived
        noise = random.Random(f"tc-cxn/{name}")
        self._noise = [noise.gauss(0.0, 1.0) for _ in range(NOISE)]
        self._reading = 0

    @property
    def rf_on(self) -> bool:
        """RF as the host last left it; the output may still be nil (interlock) or not (faults)."""
        return self.output.on

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

    def poll_due(self, t_s: float) -> float | None:
        self.due_s = NEVER
        self.output.poll_due(t_s)
        if self.control and t_s >= self.frame_s + DEADMAN_S - 1e-9 and "deadman_off" not in self.faults:
            self.release(t_s)
        if self.mode == RAMP and self.output.on:
            self.update(t_s)
        due_s = min(self.output.due_s, self._deadman_s(t_s), self._ramp_s(t_s))
        self.due_s = due_s
        return None if due_s == NEVER else due_s

    def faults_changed(self, t_s: float) -> None:
        faults, output = self.faults, self.output
        output.gain = faults.get("over_deliver", {}).get("", 1.0)
        output.stuck = "ignore_off" in faults
        output.spontaneous_w = faults.get("spontaneous_on", {}).get("", 0.0)
        self.update(t_s)
        if self.control:
            self.wake(max(t_s, self.frame_s + DEADMAN_S))

    def _deadman_s(self, t_s: float) -> float:
        if not self.control or "deadman_off" in self.faults:
            return NEVER
        return self.frame_s + DEADMAN_S

    def _ramp_s(self, t_s: float) -> float:
        moving = self.mode == RAMP and self.output.on and self.output.setpoint_w < self.setpoint_w
        return t_s + RAMP_STEP_S if moving else NEVER

    def update(self, t_s: float) -> None:
        wanted_w = float(self.setpoint_w)
        if self.mode == PULSE:
            wanted_w *= self.pulse_on / (self.pulse_on + self.pulse_off)
        elif self.mode == RAMP:
            wanted_w = min(wanted_w, self.ramp_start_w + self.ramp_w_per_s * max(0.0, t_s - self.on_since_s))
        self.output.setpoint_w = wanted_w
        self.output.update(t_s)
        self.wake(min(self.output.due_s, self._ramp_s(t_s)))

    def release(self, t_s: float) -> None:
        self.control = False
        self.output.on = False
        self.setpoint_w = 0
        self.mode = NORMAL
        self.update(t_s)

    def _output_changed(self, t_s: float) -> None:
        if self.on_power is not None:
            self.on_power(t_s, self.name, self.world.load_w)

    def heatsink(self, t_s: float) -> float:
        loss_c = HEATSINK_K_PER_W * self.world.forward_w
        elapsed_s = t_s - self._heatsink_s
        if elapsed_s > 0.5:
            self.heatsink_c += (24.0 + loss_c - self.heatsink_c) * min(1.0, elapsed_s / HEATSINK_TAU_S)
            self._heatsink_s = t_s
        return self.heatsink_c

    def metered(self, power_w: float) -> int:
        """A power meter's reading in 0.1 W: noise of 0.1 W + 0.3 %, and a clean zero below its threshold."""
        if power_w < 0.05 or "readback_zero" in self.faults:
            return 0
        self._reading = (self._reading + 1) % NOISE
        value_w = power_w + (0.1 + 0.003 * power_w) * self._noise[self._reading]
        return min(65535, max(0, round(10.0 * value_w)))
