"""Moxa ioLogik E1210/E1212/E1214 as inputs (Modbus TCP, port 502), model name ``moxa-iologik``.

Reads E-stop, footswitch and door contacts as discrete inputs; a closed contact to the module's common reads 1, a broken
wire 0. This driver writes no output. The module has a communication watchdog of its own for its outputs, which is set
in its web page and does nothing for inputs.

Source: Moxa ioLogik E1200 series user's manual, appendix A-9 (Modbus addresses).
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from drivers.asking import ask, speaking
from drivers.contract import BadReply, ChannelSpec, Declaration, Driver, Identity, NoReply, Options, Refused
from drivers.modbus import Modbus
from drivers.transport.base import Port
from safety.types import Sample

TIMEOUT_S = 0.1
PERIOD_S = 0.05
TWO_VALUED = ("_closed", "_on", "_flag")


class MoxaOptions(Options):
    """``options:`` of a ``moxa-iologik``: names to input numbers (``estop_a_closed: 0``)."""

    pins: dict[str, int] = Field(min_length=1)
    inputs: int = Field(16, ge=1, le=32)  # E1210 has 16, E1212 8, E1214 6
    inverted: tuple[str, ...] = ()  # names whose contact is closed when the input reads 0
    unit: int = Field(1, ge=0, le=255)

    @model_validator(mode="after")
    def _sound(self) -> MoxaOptions:
        for name, pin in self.pins.items():
            if not (name.isidentifier() and name.endswith(TWO_VALUED)):
                raise ValueError(f"pin {name!r}: the name must end in {', '.join(TWO_VALUED)}")
            if not 0 <= pin < self.inputs:
                raise ValueError(f"pin {name!r}: input {pin} is not among the {self.inputs} inputs of the module")
        if len(set(self.pins.values())) < len(self.pins):
            raise ValueError("two pins share an input: a pair of contacts needs two")
        if unknown := set(self.inverted) - set(self.pins):
            raise ValueError(f"inverted names no pin: {', '.join(sorted(unknown))}")
        return self


class MoxaIologik(Driver):
    """See the module's text."""

    MODEL: ClassVar[str] = "moxa-iologik"
    OPTIONS: ClassVar[type[Options]] = MoxaOptions
    API_VERSION: ClassVar[int] = 1

    options: MoxaOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._bus = Modbus("tcp", self.options.unit)
        self._pins = [(f"{name}.{pin}", at, pin in self.options.inverted) for pin, at in self.options.pins.items()]

    def declaration(self) -> Declaration:
        """One two-valued channel for each pin."""
        return Declaration(
            model=self.MODEL,
            role="inputs",
            channels=tuple(ChannelSpec(name, 0.0, 1.0, PERIOD_S, two_valued=True) for name in self.options.pins),
        )

    async def connect(self) -> Identity:
        """Read the inputs once.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        what = f"Moxa ioLogik with {self.options.inputs} inputs"
        with speaking(self.name, what, self.port.url):
            await ask(self.port, *self._bus.read_inputs(0, self.options.inputs), timeout_s=TIMEOUT_S)
        return Identity(f"ioLogik, {self.options.inputs} inputs")

    async def poll(self) -> list[Sample]:
        """All inputs in one exchange."""
        request, parse = self._bus.read_inputs(0, self.options.inputs)
        try:
            bits = await self.port.exchange(request, parse, timeout_s=TIMEOUT_S)
        except (NoReply, BadReply, Refused):
            return []  # what is missing here is missed by the kernel
        t_s = self.port.t_request_s
        return [Sample(name, float(bits[at] is not inverted), t_s) for name, at, inverted in self._pins]
