"""Numato USB GPIO module as inputs, model name ``numato-gpio``: E-stop pair, footswitch pair, door.

Its outputs hold their last state when the host falls silent, so this driver never writes one: every port is made an
input. Wire a closed contact to a high level with a pull-down at the port: then a broken wire reads open. ``inverted``
names the exceptions.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from drivers.asking import ask, speaking
from drivers.contract import (
    BadReply,
    ChannelSpec,
    Declaration,
    DeviceError,
    Driver,
    Identity,
    NoReply,
    Options,
    Refused,
)
from drivers.doubt import Doubt
from drivers.numato_gpio import codec
from drivers.transport.base import Port
from safety.types import Sample

TIMEOUT_S = 0.1
PERIOD_S = 0.05
ANSWER_S = 0.005  # a question, its echo and the levels over USB [assumed]
TWO_VALUED = ("_closed", "_on", "_flag")
READ_ALL = "gpio readall"


class NumatoOptions(Options):
    """``options:`` of a ``numato-gpio``: names to port numbers (``estop_a_closed: 0``)."""

    pins: dict[str, int] = Field(min_length=1)
    ports: Literal[8, 16, 32, 64, 128] = 8
    inverted: tuple[str, ...] = ()  # names whose contact is closed when the level is low
    board_id: str | None = None  # as ``id get`` tells it

    @model_validator(mode="after")
    def _sound(self) -> NumatoOptions:
        for name, pin in self.pins.items():
            if not (name.isidentifier() and name.endswith(TWO_VALUED)):
                raise ValueError(f"pin {name!r}: the name must end in {', '.join(TWO_VALUED)}")
            if not 0 <= pin < self.ports:
                raise ValueError(f"pin {name!r}: port {pin} is not among the {self.ports} ports of the module")
        if len(set(self.pins.values())) < len(self.pins):
            raise ValueError("two pins share a port: a pair of contacts needs two")
        if unknown := set(self.inverted) - set(self.pins):
            raise ValueError(f"inverted names no pin: {', '.join(sorted(unknown))}")
        return self


class NumatoGpio(Driver):
    """See the module's text."""

    MODEL: ClassVar[str] = "numato-gpio"
    OPTIONS: ClassVar[type[Options]] = NumatoOptions
    BAUD: ClassVar[int] = 115200  # of no consequence on USB
    API_VERSION: ClassVar[int] = 1

    options: NumatoOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._pins = [(f"{name}.{pin}", 1 << at, pin in self.options.inverted) for pin, at in self.options.pins.items()]
        self._read_all = codec.request(READ_ALL)
        self._doubt = Doubt(PERIOD_S, ANSWER_S)

    def declaration(self) -> Declaration:
        """One two-valued channel for each pin."""
        return Declaration(
            model=self.MODEL,
            role="inputs",
            channels=tuple(ChannelSpec(name, 0.0, 1.0, PERIOD_S, two_valued=True) for name in self.options.pins),
        )

    async def connect(self) -> Identity:
        """Identify, make every port an input, and read them once.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        with speaking(self.name, "Numato GPIO module", self.port.url):
            return await self._connect()

    async def _connect(self) -> Identity:
        ports = self.options.ports
        self.port.set_marker(codec.request("ver"), lambda buffer: codec.skip_to_answer(buffer, "ver", ports))
        await self.port.send(b"\r", quiet_s=0.02)  # ends whatever half a line the module may hold
        version = await self._ask("ver")
        board_id = await self._ask("id get")
        if self.options.board_id is not None and self.options.board_id != board_id:
            remedy = "plug the named module in, or correct board_id in the bench file"
            raise DeviceError(self.name, f"expected module {self.options.board_id!r}, found {board_id!r}", remedy)
        if ports >= 16:
            await self._ask("gpio notify off")
        every = codec.hex_of((1 << ports) - 1, ports)
        await self._ask(f"gpio iomask {every}")
        await self._ask(f"gpio iodir {every}")
        try:
            await ask(self.port, self._read_all, self._levels, timeout_s=TIMEOUT_S)
        except BadReply as error:
            remedy = "correct options.ports in the bench file; a module without inputs is not one for this driver"
            problem = f"what is on {self.port.url} is not a module of {ports} ports ({error})"
            raise DeviceError(self.name, problem, remedy) from error
        return Identity("Numato GPIO", board_id, version)

    async def poll(self) -> list[Sample]:
        """All ports in one reading."""
        try:
            bits = await self._doubt.read(self._read)
        except (NoReply, BadReply, Refused):
            return []
        t_s = self.port.t_request_s
        return [Sample(name, 1.0 if bool(bits & mask) != low else 0.0, t_s) for name, mask, low in self._pins]

    async def _read(self) -> int:
        return await self.port.exchange(self._read_all, self._levels, timeout_s=TIMEOUT_S)

    def _levels(self, buffer: bytearray) -> int | None:
        answer = codec.take_answer(buffer, READ_ALL, self.options.ports)
        return None if answer is None else codec.levels(answer, self.options.ports)

    async def _ask(self, command: str) -> str:
        ports = self.options.ports
        request = codec.request(command)
        return await ask(self.port, request, lambda b: codec.take_answer(b, command, ports), timeout_s=TIMEOUT_S)
