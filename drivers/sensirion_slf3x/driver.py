"""Sensirion SLF3S liquid flow sensor on an SCC1-USB cable, model name ``sensirion-slf3x``.

It measures flow and temperature of the coolant, and sees air in the line, the commonest failure of cooling.
"""

from __future__ import annotations

import contextlib
import math
from typing import ClassVar, Literal

from pydantic import Field

from drivers.asking import ask, other_model, other_serial, speaking
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
from drivers.sensirion_slf3x import codec
from drivers.transport.base import Port
from safety.types import Quality, Sample

TIMEOUT_S = 0.1
SLOW_S = 0.5  # starting and stopping wait for the sensor
FIRST_READING_S = 0.06  # the sensor needs 50 ms from start to its first reading
FIRST_TRIES = 10
AIR_IN_LINE, HIGH_FLOW = int(codec.Flag.AIR_IN_LINE), int(codec.Flag.HIGH_FLOW)  # plain: twenty times a second
LOW_C, HIGH_C = -10.0, 100.0  # beyond, it is no water that flows, or two damaged bytes that the sum lets pass
NOISE_FLOOR_ML_MIN = 0.005  # below one count of the 4000B: only a repeated number is so quiet


class SensirionOptions(Options):
    """``options:`` of a ``sensirion-slf3x`` in the bench file."""

    model: Literal["slf3s-0600f", "slf3s-1300f", "slf3s-4000b"]
    interval_ms: int = Field(50, ge=1, le=1000)  # of the sensor's own measurements
    serial: str | None = None  # of the cable


class SensirionSlf3x(Driver):
    """See the module's text."""

    MODEL: ClassVar[str] = "sensirion-slf3x"
    OPTIONS: ClassVar[type[Options]] = SensirionOptions
    BAUD: ClassVar[int] = codec.BAUD
    API_VERSION: ClassVar[int] = 1

    options: SensirionOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._model = codec.MODELS[self.options.model]
        self._ml_min_per_count = self._model.ml_min_per_unit / self._model.counts
        self._read = codec.frame(codec.READ, b"\x03")
        self._flow, self._coolant, self._air = (
            f"{name}.{channel}" for channel in ("flow_ml_min", "coolant_c", "air_in_line_flag")
        )

    def declaration(self) -> Declaration:
        """The flow's bounds are those of its 16-bit count, not of its calibration: a line that bursts must still be
        seen."""
        period_s = max(0.05, self.options.interval_ms / 1000.0)
        span = 32767 * self._ml_min_per_count
        return Declaration(
            model=self.MODEL,
            role="flow",
            channels=(
                ChannelSpec("flow_ml_min", -span, span, period_s, min(NOISE_FLOOR_ML_MIN, self._ml_min_per_count / 4)),
                ChannelSpec("coolant_c", LOW_C, HIGH_C, period_s),
                ChannelSpec("air_in_line_flag", 0.0, 1.0, period_s, two_valued=True),
            ),
            flow_max_ml_min=self._model.flow_max_ml_min,
        )

    async def connect(self) -> Identity:
        """Identify cable and sensor, compare the sensor's scale with the model in the bench file, start measuring
        water.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        with speaking(self.name, "Sensirion SCC1 cable", self.port.url):
            return await self._connect()

    async def _connect(self) -> Identity:
        self.port.set_marker(
            codec.frame(codec.IDENTITY, b"\x01"), lambda buffer: codec.skip_to_reply(buffer, codec.IDENTITY)
        )
        cable = codec.text(await self._get(codec.IDENTITY, b"\x01"))
        serial = codec.text(await self._get(codec.IDENTITY, b"\x03"))
        if self.options.serial is not None and self.options.serial != serial:
            raise other_serial(self.name, self.options.serial, serial, self.port.url)
        version = await self._get(codec.VERSION)
        kind = await self._get(codec.SENSOR_TYPE)
        if kind != bytes((codec.SF06,)):
            raise other_model(self.name, "an SLF3x sensor (type 3)", f"type {kind.hex()}", self.port.url)
        await self._stop()
        product = codec.text(await self._get(codec.PRODUCT))
        await self._compare_scale()
        await self._get(codec.START, self.options.interval_ms.to_bytes(2, "big") + codec.WATER.to_bytes(2, "big"))
        await self._first_reading()
        firmware = ".".join(str(b) for b in version[:2])
        return Identity(f"{cable} {self.options.model}", serial, firmware, {"sensor": product})

    async def _stop(self) -> None:
        """It may be measuring for whoever was here before; when it is not, it says so with an error."""
        with contextlib.suppress(Refused):
            await self._get(codec.STOP)

    async def _compare_scale(self) -> None:
        try:
            told = await self._get(codec.SCALE, codec.WATER.to_bytes(2, "big"))
        except Refused:  # older cables do not pass the question on
            return
        scale = int.from_bytes(told[:2], "big")
        if scale != self._model.counts:
            fits = [name for name, model in codec.MODELS.items() if model.counts == scale]
            remedy = f"write model: {fits[0]} in the bench file" if fits else "use one of the supported sensors"
            text = f"the scale of the sensor on {self.port.url} is {scale}"
            expected = f"that of a {self.options.model} is {self._model.counts:g}"
            raise DeviceError(self.name, f"{text}, {expected}", remedy)

    async def _first_reading(self) -> None:
        for _ in range(FIRST_TRIES):
            await self.port.send(b"", quiet_s=FIRST_READING_S)
            try:
                codec.reading(await self._get(codec.READ, b"\x03"))
            except Refused:
                continue
            return
        remedy = "check the sensor's plug at the cable"
        raise DeviceError(self.name, f"the sensor on {self.port.url} does not begin to measure", remedy)

    async def poll(self) -> list[Sample]:
        """The newest measurement. A flow beyond the sensor's range, or none at all, is BAD."""
        try:
            told = codec.reading(await self.port.exchange(self._read, _reading, timeout_s=TIMEOUT_S))
        except (NoReply, BadReply, Refused):
            return []
        t_s = self.port.t_request_s
        samples = [Sample(self._air, 1.0 if told.flags & AIR_IN_LINE else 0.0, t_s)]
        if told.flow is None:
            samples.append(Sample(self._flow, math.nan, t_s, Quality.BAD))
        else:
            quality = Quality.BAD if told.flags & HIGH_FLOW else Quality.GOOD
            samples.append(Sample(self._flow, told.flow * self._ml_min_per_count, t_s, quality))
        if told.temperature_c is None:
            samples.append(Sample(self._coolant, math.nan, t_s, Quality.BAD))
        else:
            quality = Quality.GOOD if LOW_C <= told.temperature_c <= HIGH_C else Quality.BAD
            samples.append(Sample(self._coolant, told.temperature_c, t_s, quality))
        return samples

    async def _get(self, command: int, data: bytes = b"") -> bytes:
        request = codec.frame(command, data)
        return await ask(self.port, request, lambda b: codec.take_reply(b, command), timeout_s=SLOW_S)


def _reading(buffer: bytearray) -> bytes | None:
    return codec.take_reply(buffer, codec.READ)
