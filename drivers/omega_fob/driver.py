"""Omega FOB101/102/104 fibre-optic thermometer, model name ``omega-fob``: the one to use in a microwave field.

A fibre neither heats in the field nor picks it up. A lost probe is a BAD sample, never a number.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field, field_validator

from drivers.asking import ask, other_model, speaking
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
from drivers.omega_fob import codec
from drivers.transport.base import Port
from safety.types import Quality, Sample

TIMEOUT_S = 0.3
BITS = 10.0
LOW_C, HIGH_C = -40.0, 250.0
RATE_MAX_C_PER_S = 100.0
CONVERSION_S = 0.02  # of one channel in fast mode [assumed]


class FobOptions(Options):
    """``options:`` of an ``omega-fob`` in the bench file: channel numbers to names (``1: tissue_10mm_c``)."""

    channels: dict[int, str] = Field(min_length=1, max_length=4)
    inputs: int = Field(4, ge=1, le=4)  # how many the instrument has: a FOB101 one, a FOB102 two, a FOB104 four
    model: str | None = None  # what its own identification must contain

    @field_validator("channels")
    @classmethod
    def _named(cls, channels: dict[int, str]) -> dict[int, str]:
        for number, name in channels.items():
            if not 1 <= number <= 4:
                raise ValueError(f"channel {number}: write 1 to 4")
            if not (name.endswith("_c") and name.isidentifier()):
                raise ValueError(f"channel {number}: {name!r} must be a name that ends in _c")
        if len(set(channels.values())) < len(channels):
            raise ValueError("two channels have the same name")
        return channels


class OmegaFob(Driver):
    """See the module's text."""

    MODEL: ClassVar[str] = "omega-fob"
    OPTIONS: ClassVar[type[Options]] = FobOptions
    BAUD: ClassVar[int] = codec.BAUD
    API_VERSION: ClassVar[int] = 1

    options: FobOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        inputs = self.options.inputs
        self._names = [(number - 1, f"{name}.{self.options.channels[number]}") for number in self.options.channels]
        self._period_s = inputs * CONVERSION_S + (2 + 6 * inputs + 1) * BITS / self.BAUD

    def declaration(self) -> Declaration:
        """No channel is watched for standing still: readings come in steps of 0.1 K."""
        return Declaration(
            model=self.MODEL,
            role="thermometer",
            channels=tuple(
                ChannelSpec(n, LOW_C, HIGH_C, self._period_s, max_rate=RATE_MAX_C_PER_S)
                for n in self.options.channels.values()
            ),
        )

    async def connect(self) -> Identity:
        """Identify, set degrees Celsius and fast mode, and take one reading to prove it.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        with speaking(self.name, "Omega FOB thermometer", self.port.url):
            return await self._connect()

    async def _connect(self) -> Identity:
        inputs, highest = self.options.inputs, max(self.options.channels)
        if highest > inputs:
            remedy = "correct options.channels or options.inputs in the bench file"
            raise DeviceError(self.name, f"channel {highest} is named, the instrument has {inputs}", remedy)
        self.port.set_marker(codec.BOX, codec.skip_to_box)
        for command in (codec.STREAM_OFF, codec.AWAKE, codec.CELSIUS, codec.FAST):
            await ask(self.port, command, codec.take_reply, timeout_s=TIMEOUT_S)
        text = b" ".join(await ask(self.port, codec.IDENTIFY, codec.take_reply, timeout_s=TIMEOUT_S))
        model = text.decode("ascii", "replace")
        if self.options.model is not None and self.options.model not in model:
            raise other_model(self.name, self.options.model, model, self.port.url)
        await self._read()
        return Identity(model or "Omega FOB")

    async def poll(self) -> list[Sample]:
        """All channels. About 30 ms of wire time for four."""
        try:
            values = await self._read()
        except (NoReply, BadReply, Refused):
            return []  # what is missing here is missed by the kernel
        t_s = self.port.t_request_s
        return [
            Sample(name, values[at], t_s, Quality.BAD if math.isnan(values[at]) else Quality.GOOD)
            for at, name in self._names
        ]

    async def _read(self) -> list[float]:
        lines = await self.port.exchange(codec.READ, codec.take_reply, timeout_s=TIMEOUT_S)
        return codec.readings_c(lines, self.options.inputs)
