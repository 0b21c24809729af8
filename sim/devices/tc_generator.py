"""State and behaviour of a T&C AG/CXN generator: control and its dead-man, modes, tuner.

Its bytes are in ``tc_cxn.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.devices.base import NEVER, World
from sim.devices.generator import Generator

DEADMAN_S = 2.0

NORMAL, PULSE, RAMP = 1, 3, 4
RAMP_STEP_S = 0.1


class TcGenerator(Generator):
    """What the front panel would show, and what the generator does in time."""

    OPTIONS = Generator.OPTIONS | frozenset(
        {"refuse_without_control", "frame_gap_s", "address", "model", "serial", "frequency_hz", "tuner"}
    )

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.model = str(options.get("model") or "AG 0313 GTC")
        self.serial = str(options.get("serial") or "SIM00001")
        self.frequency_hz = int(options.get("frequency_hz", 480_000))
        self.tuner = int(options.get("tuner", 1))
        self.refuse_without_control = bool(options.get("refuse_without_control", True))
        self.control = False
        self.mode = NORMAL
        self.pulse_on, self.pulse_off = 100, 100
        self.ramp_start_w, self.ramp_w_per_s = 1, 10
        self.manual_tuner = False
        self.capacity = {1: 50, 2: 50}  # load, tune: % of full scale
        self.preset = 0
        self.presets = {slot: {1: 50, 2: 50} for slot in range(1, 10)}
        self.setpoint_w = 0
        self.on_since_s = 0.0
        self.frame_s = 0.0  # when the newest valid frame arrived

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
        super().faults_changed(t_s)
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

    def power_up(self, t_s: float) -> None:
        self.release(t_s)

    def release(self, t_s: float) -> None:
        self.control = False
        self.output.on = False
        self.setpoint_w = 0
        self.mode = NORMAL
        self.update(t_s)

    def metered(self, power_w: float, *, reverse: bool = False) -> int:
        """A power reading in 0.1 W, as the wire carries it."""
        return min(65535, round(10.0 * self.metered_w(power_w, reverse=reverse)))
