"""Lauda thermostat or chiller as circulator, model name ``lauda``.

A PRO watches its interface: after ``timeout_s`` without a command it goes to its safe set-point. Both are set here when
the options give them, and read back; the time-out stays in force when this program ends, so that a forgotten bath goes
to the safe set-point too. Ecoline thermostats have no such time-out and regulate on for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal, TypeVar

from pydantic import Field, model_validator

from drivers.asking import ask, other_model, speaking
from drivers.circulator import HIGH_C, LOW_C, allowed, only
from drivers.contract import (
    BadReply,
    ChannelSpec,
    Circulator,
    Declaration,
    DeviceError,
    Identity,
    NoReply,
    Options,
    Refused,
)
from drivers.lauda import codec
from drivers.transport.base import Port
from safety.types import Sample

TIMEOUT_S = 0.3  # 17 characters at 9600 baud take 18 ms; the rest is the thermostat's own time
PERIOD_S = 0.5
SAME_C = 0.015  # set-points are kept to 0.01 K
V = TypeVar("V", float, bool, str)


class LaudaOptions(Options):
    """``options:`` of a ``lauda`` in the bench file."""

    low_c: float = Field(2.0, ge=-90, le=300)  # set-points outside are refused; below 2 degC water freezes at the coil
    high_c: float = Field(60.0, ge=-90, le=300)
    family: Literal["pro", "ecoline-e", "ecoline-re"] = "pro"
    timeout_s: int | None = Field(30, ge=5, le=99)  # of the interface; None leaves the thermostat's own in force
    safe_c: float | None = Field(None, ge=-90, le=300)  # where it goes then; None leaves the thermostat's own in force
    address: int | None = Field(None, ge=0, le=127)  # on RS-485
    model: str | None = None  # what TYPE must begin with

    @model_validator(mode="after")
    def _sound(self) -> LaudaOptions:
        if not self.low_c < self.high_c:
            raise ValueError("low_c must be below high_c")
        if self.safe_c is not None and not self.low_c <= self.safe_c <= self.high_c:
            raise ValueError("safe_c must lie within low_c to high_c")
        asked = {"timeout_s", "safe_c"} & self.model_fields_set
        if asked and not codec.FAMILIES[self.family].watched and (self.timeout_s, self.safe_c) != (None, None):
            raise ValueError(f"a thermostat of family {self.family} has no interface time-out: leave out {min(asked)}")
        return self


class Lauda(Circulator):
    """See the module's text."""

    MODEL: ClassVar[str] = "lauda"
    OPTIONS: ClassVar[type[Options]] = LaudaOptions
    BAUD: ClassVar[int] = codec.BAUD
    API_VERSION: ClassVar[int] = 1

    options: LaudaOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._family = codec.FAMILIES[self.options.family]
        self._prefix = b"" if self.options.address is None else b"A%03d_" % self.options.address

    def declaration(self) -> Declaration:
        """``alarm_flag`` is the thermostat's STATUS; ``low_level_flag`` its bath's level."""
        flags = ("running_on", "alarm_flag", "low_level_flag")
        return Declaration(
            model=self.MODEL,
            role="chiller",
            channels=(
                ChannelSpec("bath_c", LOW_C, HIGH_C, PERIOD_S),
                ChannelSpec("setpoint_c", LOW_C, HIGH_C, PERIOD_S),
                *(ChannelSpec(name, 0.0, 1.0, PERIOD_S, two_valued=True) for name in flags),
            ),
            native_deadman_s=self.options.timeout_s if self._family.watched else None,
            bath_c=(self.options.low_c, self.options.high_c),
        )

    async def connect(self) -> Identity:
        """Identify, set time-out and safe set-point and read them back. The bath is left as it is.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        with speaking(self.name, "Lauda thermostat", self.port.url):
            return await self._connect()

    async def _connect(self) -> Identity:
        prefix = self._prefix
        self.port.set_marker(codec.request(codec.TYPE, prefix), lambda buffer: codec.skip_to_type(buffer, prefix))
        kind = await self._ask(codec.TYPE, codec.is_type)
        if self.options.model is not None and not kind.startswith(self.options.model):
            raise other_model(self.name, self.options.model, kind, self.port.url)
        try:
            await self._ask(codec.BATH, codec.temperature_c)
            await self._ask(codec.STAT, lambda line: codec.low_level(line, self._family))
        except BadReply as error:
            remedy = "correct options.family, or the thermostat's interface settings"
            raise DeviceError(
                self.name, f"{kind} on {self.port.url} speaks another dialect ({error})", remedy
            ) from error
        return Identity(kind, extra=await self._guarded() if self._family.watched else {})

    async def _guarded(self) -> dict[str, str]:
        """Time-out and safe set-point as they are in force now."""
        try:
            if self.options.safe_c is not None:
                await self._set("OUT_SP_07", self.options.safe_c, codec.SAFE_SETPOINT, codec.temperature_c)
            if self.options.timeout_s is not None:
                await self._set("OUT_SP_08", self.options.timeout_s, codec.TIMEOUT, codec.number)
            safe_c = await self._ask(codec.SAFE_SETPOINT, codec.temperature_c)
            timeout_s = await self._ask(codec.TIMEOUT, codec.number)
        except (BadReply, Refused) as error:
            problem = f"its interface time-out cannot be set and read back ({error})"
            raise DeviceError(self.name, problem, "correct options.family, timeout_s and safe_c") from error
        return {"interface_timeout_s": f"{timeout_s:g}", "safe_setpoint_c": f"{safe_c:g}"}

    async def poll(self) -> list[Sample]:
        """Bath, set-point and flags: five questions, about 0.15 s of wire time."""
        family = self._family
        samples: list[Sample] = []
        questions: tuple[tuple[str, str, Callable[[bytes], float]], ...] = (
            ("bath_c", codec.BATH, codec.temperature_c),
            ("setpoint_c", codec.SETPOINT, codec.temperature_c),
            ("running_on", family.running, self._runs),
            ("alarm_flag", codec.STATUS, codec.fault),
            ("low_level_flag", codec.STAT, lambda line: codec.low_level(line, family)),
        )
        for channel, command, parse in questions:
            try:
                value = await self._exchange(command, parse)
            except Refused:
                continue
            except BadReply:
                return []  # a line does not say what it answers: those before may have been another question's too
            except NoReply:
                break  # what is missing here is missed by the kernel
            samples.append(Sample(f"{self.name}.{channel}", float(value), self.port.t_request_s))
        return samples

    async def regulate(self, temperature_c: float | None) -> None:
        """See :meth:`drivers.contract.Circulator.regulate`."""
        if temperature_c is None:
            await self._exchange(codec.STOP, codec.told)
        else:
            wanted_c = allowed(self.name, temperature_c, self.options.low_c, self.options.high_c)
            await self._set("OUT_SP_00", wanted_c, codec.SETPOINT, codec.temperature_c)
            if not await self._exchange(self._family.running, self._runs):
                await self._exchange(codec.START, codec.told)
            if self._family.watched and await self._exchange(codec.SAFE_MODE, codec.number) != 0.0:
                raise Refused(f"{self.name} stays in its safe mode; end it at its panel, then prepare again")
        if await self._exchange(self._family.running, self._runs) is not (temperature_c is not None):
            told, does = ("stop", "runs") if temperature_c is None else ("start", "is in standby")
            raise Refused(f"{self.name}: told to {told}, it {does}; look at its panel")

    # ---- small tools

    def _runs(self, line: bytes) -> bool:
        return (codec.number(line) == 0.0) is self._family.running_zero

    async def _set(self, command: str, value: float, question: str, parse: Callable[[bytes], float]) -> None:
        """Set one value, and have it read back."""
        text = f"{value:.2f}" if isinstance(value, float) else str(value)
        await self._exchange(f"{command}_{text}", codec.told)
        found = await self._exchange(question, parse)
        if abs(found - value) > SAME_C:
            raise Refused(f"{self.name}: {command} was set to {text}, {question} reads {found:g}")

    async def _exchange(self, command: str, parse: Callable[[bytes], V]) -> V:
        request = codec.request(command, self._prefix)
        return await self.port.exchange(request, lambda buffer: self._parsed(buffer, parse), timeout_s=TIMEOUT_S)

    async def _ask(self, command: str, parse: Callable[[bytes], V]) -> V:
        request = codec.request(command, self._prefix)
        return await ask(self.port, request, lambda buffer: self._parsed(buffer, parse), timeout_s=TIMEOUT_S)

    def _parsed(self, buffer: bytearray, parse: Callable[[bytes], V]) -> V | None:
        line = only(codec.take_answer(buffer, self._prefix), buffer)
        return None if line is None else parse(line)
