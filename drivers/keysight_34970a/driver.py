"""Keysight 34970A and 34972A as thermocouple scanner, model name ``keysight-34970a``. One ``READ?`` is one scan."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field, field_validator

from drivers import scpi
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
from drivers.doubt import Doubt
from drivers.keysight_34970a import codec
from drivers.transport.base import Port
from safety.types import Quality, Sample

TIMEOUT_S = 0.5
NOISE_FLOOR_C = 0.001  # a real thermocouple wanders by more, even at 200 power-line cycles
RATE_MAX_C_PER_S = 50.0


class KeysightOptions(Options):
    """``options:`` of a ``keysight-34970a``: channel numbers to the names that the bench uses (``101: tip_c``)."""

    channels: dict[int, str] = Field(min_length=1, max_length=60)
    thermocouple: Literal["B", "E", "J", "K", "N", "R", "S", "T"] = "T"
    nplc: float = 1.0  # integration time in mains periods; 1 rejects mains hum
    line_hz: Literal[50, 60] = 50
    serial: str | None = None

    @field_validator("channels")
    @classmethod
    def _named(cls, channels: dict[int, str]) -> dict[int, str]:
        for number, name in channels.items():
            if not (1 <= number // 100 <= 3 and 1 <= number % 100 <= 20):
                raise ValueError(f"channel {number}: write slot and channel, 101 to 320")
            if not (name.endswith("_c") and name.isidentifier()):
                raise ValueError(f"channel {number}: {name!r} must be a name that ends in _c")
        if len(set(channels.values())) < len(channels):
            raise ValueError("two channels have the same name")
        return channels

    @field_validator("nplc")
    @classmethod
    def _offered(cls, nplc: float) -> float:
        if nplc not in codec.NPLC:
            raise ValueError(f"nplc {nplc:g} is not one of {', '.join(f'{n:g}' for n in codec.NPLC)}")
        return nplc


class Keysight34970a(Driver):
    """See the module's text."""

    MODEL: ClassVar[str] = "keysight-34970a"
    OPTIONS: ClassVar[type[Options]] = KeysightOptions
    BAUD: ClassVar[int] = codec.BAUD
    API_VERSION: ClassVar[int] = 1

    options: KeysightOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._numbers = sorted(self.options.channels)  # the instrument scans in ascending order
        self._names = [f"{name}.{self.options.channels[n]}" for n in self._numbers]
        self._scan_s = codec.scan_time_s(len(self._numbers), self.options.nplc, self.options.line_hz)
        self._period_s = self._scan_s + codec.wire_time_s(len(self._numbers), self.BAUD)
        self._doubt = Doubt(self._period_s, self._period_s)

    def declaration(self) -> Declaration:
        """The period is what scan and wire need at 57600 baud: 0.1 s for four channels at one power-line cycle."""
        low, high = codec.RANGES_C[self.options.thermocouple]
        names = [self.options.channels[n] for n in self._numbers]
        return Declaration(
            model=self.MODEL,
            role="thermometer",
            channels=tuple(ChannelSpec(n, low, high, self._period_s, NOISE_FLOOR_C, RATE_MAX_C_PER_S) for n in names),
        )

    async def connect(self) -> Identity:
        """Identify, configure the scan, read the error queue, and take one scan to prove it.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        with speaking(self.name, "Keysight 34970A", self.port.url):
            return await self._connect()

    async def _connect(self) -> Identity:
        self.port.set_marker(b"*IDN?\n", codec.skip_to_identity)
        await self.port.send(b"\n")  # ends whatever half a line the instrument may hold
        identity = await ask(self.port, b"*IDN?\n", scpi.take_words, timeout_s=TIMEOUT_S)
        if not codec.is_ours(identity):
            raise other_model(self.name, "34970A or 34972A", identity.decode("ascii", "replace"), self.port.url)
        _, model, serial, firmware = scpi.identity(identity)
        if self.options.serial is not None and self.options.serial != serial:
            raise other_serial(self.name, self.options.serial, serial, self.port.url)
        where = codec.channel_list(self._numbers)
        await scpi.order(self.port, ("SYST:REM", "*RST"))
        await ask(self.port, b"*OPC?\n", scpi.take_line, timeout_s=5.0)
        # not every firmware knows all of these; *CLS forgets what it did not know, the first scan proves the rest
        form = ("FORM:READ:CHAN OFF", "FORM:READ:TIME OFF", "FORM:READ:UNIT OFF", "FORM:READ:ALAR OFF", "*CLS")
        await scpi.order(self.port, form)
        scan = (
            f"CONF:TEMP TC,{self.options.thermocouple},{where}",  # also: trigger at once, one scan per READ?, degrees C
            f"TEMP:TRAN:TC:RJUN:TYPE INT,{where}",
            f"TEMP:NPLC {self.options.nplc:g},{where}",
            f"ROUT:SCAN {where}",
        )
        await scpi.order(self.port, scan)
        await ask(self.port, b"*OPC?\n", scpi.take_line, timeout_s=2.0)
        if errors := await scpi.errors(self.port, TIMEOUT_S):
            remedy = "check the channel numbers in the bench file against the modules in its slots"
            raise DeviceError(self.name, f"the scanner refuses its set-up: {errors[0]}", remedy)
        await self._scan()
        return Identity(model, serial, firmware)

    async def poll(self) -> list[Sample]:
        """One scan; an open thermocouple is a BAD sample."""
        try:
            values = await self._doubt.read(self._scan)
        except (NoReply, BadReply, Refused):
            return []
        t_s = self.port.t_request_s
        return [
            Sample(name, value, t_s, Quality.BAD if math.isnan(value) else Quality.GOOD)
            for name, value in zip(self._names, values, strict=True)
        ]

    async def _scan(self) -> list[float]:
        line = await self.port.exchange(b"READ?\n", scpi.take_line, timeout_s=0.3 + 2.0 * self._scan_s)
        return codec.readings(line, len(self._numbers))
