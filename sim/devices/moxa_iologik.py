"""Moxa ioLogik E1210: sixteen discrete inputs on Modbus TCP.

Source: Moxa ioLogik E1200 series user's manual, appendix A-9: inputs are discrete inputs from address 0, and bits of
input register 48. ``pins`` maps contact names (``estop_a_closed``) to inputs, as in the bench file; a closed contact
reads 1, an open one or a cut wire 0. Option ``inputs`` (16).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.devices.base import InputModule, World
from sim.devices.modbus import ILLEGAL_ADDRESS, ModbusDevice, ModbusError

INPUT_WORD = 48


class MoxaIologik(ModbusDevice, InputModule):
    """Inputs and their addresses."""

    MODEL = "moxa-iologik"
    ROLE = InputModule.ROLE
    BAUD = 115200
    OPTIONS = frozenset({"pins", "inputs", "unit", "latency_s"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, {**options, "framing": "tcp"}, name)
        self.inputs = int(options.get("inputs", 16))
        pins = options.get("pins") or {}
        self.contacts = {int(pin): contact.removesuffix("_closed") for contact, pin in pins.items()}

    def _level(self, pin: int) -> bool:
        return bool(self.world.inputs.get(self.contacts.get(pin, "")))

    def read_bit(self, function: int, address: int, t_s: float) -> bool:
        if function != 2 or address >= self.inputs:
            raise ModbusError(ILLEGAL_ADDRESS)
        return self._level(address)

    def read_register(self, address: int, t_s: float) -> int:
        if address != INPUT_WORD:
            raise ModbusError(ILLEGAL_ADDRESS)
        return sum(self._level(pin) << pin for pin in range(min(16, self.inputs)))
