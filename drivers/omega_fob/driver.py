"""Omega FOB101/102/104 fibre-optic thermometer, model name ``omega-fob``: the one to use in a microwave field.

A fibre neither heats in the field nor picks it up. A lost probe is a BAD sample, never a number.

Awake, the box scans its enabled inputs over and over and answers with what it has (manual, pages 13 to 15). What the
bench file does not name is taken out of that scan, so that the rest comes around sooner, and stays so until somebody
enables it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
from drivers.doubt import Doubt
from drivers.omega_fob import codec
from drivers.transport.base import Port
from safety.types import Quality, Sample

TIMEOUT_S = 0.3
BITS = 10.0
LATENCY_S = 0.002  # [assumed]
LOW_C, HIGH_C = -40.0, 250.0
RATE_MAX_C_PER_S = 100.0
CONVERSION_S = 0.02  # of one input in fast mode [assumed]
TICK_S = 0.05  # asked more often, nobody would look


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
        self._numbers = sorted(self.options.channels)
        self._names = [f"{name}.{self.options.channels[number]}" for number in self._numbers]
        self._lines = 0  # of an answer, known once connected
        self._at: Sequence[int] = ()  # which of them are ours
        answer_s = LATENCY_S + (2 + 6 * self.options.inputs + 1) * BITS / self.BAUD
        self._period_s = max(TICK_S, len(self._numbers) * CONVERSION_S, answer_s)
        self._doubt = Doubt(self._period_s, answer_s)

    def declaration(self) -> Declaration:
        """No channel has a noise floor: readings come in steps of 0.1 K, and the manual tells of no noise."""
        return Declaration(
            model=self.MODEL,
            role="thermometer",
            channels=tuple(
                ChannelSpec(n, LOW_C, HIGH_C, self._period_s, max_rate=RATE_MAX_C_PER_S)
                for n in self.options.channels.values()
            ),
        )

    async def connect(self) -> Identity:
        """Identify, set degrees Celsius, fast mode and the inputs to scan, and take one reading to prove it.

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
        if inputs > 1:  # a FOB101 does not know the command
            await self._enable(codec.enable(self._numbers, inputs))
        lines = await ask(self.port, codec.READ, codec.take_reply, timeout_s=TIMEOUT_S)
        self._lines, self._at = codec.layout(lines, self._numbers, inputs)
        codec.readings_c(lines, self._lines)
        return Identity(model or "Omega FOB")

    async def _enable(self, command: bytes) -> None:
        try:
            await ask(self.port, command, codec.take_reply, timeout_s=TIMEOUT_S)
        except Refused as error:
            problem = f"the box on {self.port.url} has other inputs than options.inputs says: to {command!r} {error}"
            raise DeviceError(self.name, problem, "correct options.inputs in the bench file") from error

    async def poll(self) -> list[Sample]:
        """All channels, as the box last scanned them. About 30 ms of wire time for four, and as much again three times
        behind a damaged answer: there is no checksum (:mod:`drivers.doubt`).
        """
        try:
            values = await self._doubt.read(self._read)
        except (NoReply, BadReply, Refused):
            return []  # what is missing here is missed by the kernel
        t_s = self.port.t_request_s
        return [
            Sample(name, value, t_s, Quality.BAD if math.isnan(value) else Quality.GOOD)
            for name, value in zip(self._names, values, strict=True)
        ]

    async def _read(self) -> list[float]:
        lines = await self.port.exchange(codec.READ, codec.take_reply, timeout_s=TIMEOUT_S)
        values = codec.readings_c(lines, self._lines)
        return [values[at] for at in self._at]
