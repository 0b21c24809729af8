"""Sairem GMS solid-state microwave generator: Modbus RTU 115200 8N1 or TCP.

Sources: the register map as the EPICS modules e3-sairemgmp20ked and e3-sairemai4s and public bench scripts use it.
Registers 0 set point W, 1 reflected limit W, 2 control (bit 4 reflected limitation, bit 6 microwaves on, bit 7 reset
faults), 3-9, 11, 12, 16, 17 settings, 20 heartbeat, 98 communication time-out; 100-105 set points, forward, reflected,
faults, status (bit 3 fault, bit 6 on, bit 7 ready), 107-109 further faults, 112 frequency.

Assumed, as the sources are silent: register 98 counts 10 ms (a script writes 3000 for thirty seconds), 0 is off; when
it runs out, microwaves go off and the fault stays until it is reset; the set point stays; with the interlock open the
fault is bit 0 of 104 and microwaves cannot be turned on. Option ``deadman_10ms`` (3000): register 98 at power-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.devices.base import NEVER, World
from sim.devices.generator import Generator
from sim.devices.modbus import ILLEGAL_ADDRESS, ILLEGAL_VALUE, ModbusDevice, ModbusError

LIMIT_REFLECTED, ON, RESET = 0x10, 0x40, 0x80
FAULT_INTERLOCK, FAULT_SILENCE = 1 << 0, 1 << 3  # of registers 104 and 109
STATUS_FAULT, STATUS_ON, STATUS_READY = 1 << 3, 1 << 6, 1 << 7
SETTINGS = {3: 2, 4: 255, 5: 2000, 6: 2000, 7: 65535, 8: 65535, 11: 65535, 12: 65535, 16: 65535, 17: 255, 20: 65535}
"""Settings that this emulator stores without using, and their largest value."""


class SairemGms(ModbusDevice, Generator):
    """Registers and behaviour."""

    MODEL = "sairem-gms"
    BAUD = 115200
    LATENCY_S = 0.002
    POWER_MAX_W = 200.0
    OPTIONS = Generator.OPTIONS | frozenset({"framing", "unit", "deadman_10ms"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.request_s = 0.0
        self.power_up(0.0)

    # behaviour ------------------------------------------------------------------------------------------------------

    def power_up(self, t_s: float) -> None:
        self.control = 0
        self.setpoint_w = 0
        self.reflected_limit_w = 100
        self.frequency = 24500
        self.deadman_10ms = int(self.options.get("deadman_10ms", 3000))
        self.silent = False  # the communication time-out has run out
        self.settings = dict.fromkeys(SETTINGS, 0)

    def heard(self, t_s: float) -> None:
        self.request_s = t_s
        self.wake(self._deadman_s())

    def _deadman_s(self) -> float:
        if not self.deadman_10ms or self.silent or "deadman_off" in self.faults:
            return NEVER
        return self.request_s + self.deadman_10ms * 0.01

    def poll_due(self, t_s: float) -> float | None:
        self.due_s = NEVER
        self.output.poll_due(t_s)
        if t_s >= self._deadman_s() - 1e-9:
            self.silent = True
            self.control &= ~ON
            self.update(t_s)
        self.due_s = min(self.output.due_s, self._deadman_s())
        return None if self.due_s == NEVER else self.due_s

    def set_interlock(self, closed: bool, t_s: float) -> None:
        if not closed:
            self.control &= ~ON
        super().set_interlock(closed, t_s)

    def update(self, t_s: float) -> None:
        self.output.on = bool(self.control & ON)
        self.output.setpoint_w = float(self.setpoint_w)
        self.output.reverse_limit_w = self.reflected_limit_w if self.control & LIMIT_REFLECTED else self.REVERSE_MAX_W
        super().update(t_s)

    # registers ------------------------------------------------------------------------------------------------------

    def read_register(self, address: int, t_s: float) -> int:
        interlock = 0 if self.output.interlock_closed else FAULT_INTERLOCK
        if address == 105:
            fault = STATUS_FAULT if interlock or self.silent else STATUS_READY
            return fault | (STATUS_ON if self.radiating else 0)
        values = {
            0: self.setpoint_w,
            1: self.reflected_limit_w,
            2: self.control,
            9: self.frequency,
            98: self.deadman_10ms,
            100: self.setpoint_w,
            101: self.reflected_limit_w,
            104: interlock,
            107: 0,
            108: 0,
            109: FAULT_SILENCE if self.silent else 0,
            112: round(self.frequency * self.detuned),
            **self.settings,
        }
        if address in (102, 103):
            reverse = address == 103
            power_w = self.world.reverse_w if reverse else self.world.forward_w
            return min(65535, round(self.metered_w(power_w, reverse=reverse)))
        if address not in values:
            raise ModbusError(ILLEGAL_ADDRESS)
        return values[address]

    def write_register(self, address: int, value: int, t_s: float) -> None:
        if address == 0 and value <= self.output.power_max_w:
            self.setpoint_w = value
        elif address == 1:
            self.reflected_limit_w = value
        elif address == 2 and value <= 0xFF:
            self._set_control(value)
        elif address == 9 and 24000 <= value <= 25000:
            self.frequency = value
        elif address == 98:
            self.deadman_10ms = value
        elif value <= SETTINGS.get(address, -1):
            self.settings[address] = value
        else:
            known = address in (0, 1, 2, 9, 98) or address in SETTINGS
            raise ModbusError(ILLEGAL_VALUE if known else ILLEGAL_ADDRESS)
        self.update(t_s)
        self.wake(self._deadman_s())

    def _set_control(self, value: int) -> None:
        if value & RESET:
            self.silent = False
        if value & ON and (self.silent or not self.output.interlock_closed):
            value &= ~ON
        self.control = value
