"""Julabo circulator, model name ``julabo``.

Commands are not answered, so each is verified by reading back; what the circulator has against one it says in its
status. It has no watchdog in the base set of commands and regulates on when the host falls silent.

``in_pv_01`` is the heating power in percent and ``in_pv_02`` the external Pt100; firmware and emulators exist that have
them the other way round: ``swapped_pv``.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import ClassVar, Literal, TypeVar

from pydantic import Field, model_validator

from drivers.asking import insist, other_model, speaking
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
from drivers.julabo import codec
from drivers.transport.base import Port, SerialSettings
from safety.types import Quality, Sample

TIMEOUT_S = 0.4  # a status of 60 characters takes 0.13 s at 4800 baud
PERIOD_S = 1.0  # with the pauses of a change in between, a bath reading is never older than 2 s
SAME_C = 0.055  # some keep set-points to 0.1 K
JUMP_C = 1.0  # from poll to poll no bath does that
BITS = 10.0  # start, 7 data, parity, stop
V = TypeVar("V")


class JulaboOptions(Options):
    """``options:`` of a ``julabo`` in the bench file."""

    low_c: float = Field(2.0, ge=-90, le=300)  # set-points outside are refused; below 2 degC water freezes at the coil
    high_c: float = Field(60.0, ge=-90, le=300)
    external: bool = False  # an external Pt100 is connected: channel external_c
    swapped_pv: bool = False  # in_pv_01 is the external Pt100, in_pv_02 the heating power
    unit_query: Literal["in_sp_06", "in_sp_11"] | None = "in_sp_06"  # tells degC from degF; None: coolers have none
    address: int | None = Field(None, ge=0, le=127)  # on RS-485
    model: str | None = None  # what its version must contain

    @model_validator(mode="after")
    def _sound(self) -> JulaboOptions:
        if not self.low_c < self.high_c:
            raise ValueError("low_c must be below high_c")
        return self


class Julabo(Circulator):
    """See the module's text."""

    MODEL: ClassVar[str] = "julabo"
    OPTIONS: ClassVar[type[Options]] = JulaboOptions
    BAUD: ClassVar[int] = codec.BAUD
    SERIAL: ClassVar[SerialSettings] = SerialSettings(bytesize=7, parity="E", rtscts=True)
    API_VERSION: ClassVar[int] = 1

    options: JulaboOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._prefix = b"" if self.options.address is None else b"A%03d_" % self.options.address
        self._external = codec.HEATING_OR_EXTERNAL[0 if self.options.swapped_pv else 1]
        self._last_c: dict[str, float] = {}
        self._turn = asyncio.Lock()  # a question, its answer, and the pause that must follow

    def declaration(self) -> Declaration:
        """``alarm_flag`` is set by an alarm in the status, not by a warning or a refused command."""
        temperatures = ("bath_c", "setpoint_c", *(("external_c",) if self.options.external else ()))
        return Declaration(
            model=self.MODEL,
            role="chiller",
            channels=(
                *(ChannelSpec(name, LOW_C, HIGH_C, PERIOD_S) for name in temperatures),
                *(ChannelSpec(name, 0.0, 1.0, PERIOD_S, two_valued=True) for name in ("running_on", "alarm_flag")),
            ),
            bath_c=(self.options.low_c, self.options.high_c),
            notes=("no watchdog: it regulates on when the host falls silent",),
        )

    async def connect(self) -> Identity:
        """Identify, check unit and remote control. The bath is left as it is.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        with speaking(self.name, "Julabo circulator", self.port.url):
            return await self._connect()

    async def _connect(self) -> Identity:
        prefix, options = self._prefix, self.options
        self.port.set_marker(codec.request(codec.VERSION, prefix), lambda buffer: codec.skip_to_version(buffer, prefix))
        version = await self._ask(codec.VERSION, codec.version)
        if options.model is not None and options.model not in version:
            raise other_model(self.name, options.model, version, self.port.url)
        if options.unit_query is not None:
            await self._check_unit(version, options.unit_query)
        status = await self._ask(codec.STATUS, codec.status)
        if not status.remote:
            problem = f"its panel is in charge ({status})"
            raise DeviceError(self.name, problem, "set it to remote control by RS232 in its configuration menu")
        try:
            self._last_c = {"bath_c": await self._ask(codec.BATH, codec.temperature_c)}
        except BadReply as error:
            problem = f"{version} on {self.port.url} tells no temperature ({error})"
            raise DeviceError(self.name, problem, "correct its unit and language") from error
        return Identity(version)

    async def _check_unit(self, version: str, question: str) -> None:
        try:
            fahrenheit = await self._ask(question, codec.digit)
        except (NoReply, BadReply) as error:
            problem = f"{version} on {self.port.url} does not tell its unit by {question} ({error})"
            raise DeviceError(self.name, problem, "correct options.unit_query; null if its manual has none") from error
        if fahrenheit:
            problem = "it is set to degrees Fahrenheit, and means them on its interface too"
            raise DeviceError(self.name, problem, "set it to degrees Celsius")

    async def poll(self) -> list[Sample]:
        """Bath, set-point, status: four questions, about 0.25 s of wire time."""
        questions: list[tuple[str, str, Callable[[bytes], float]]] = [
            ("bath_c", codec.BATH, codec.temperature_c),
            ("setpoint_c", codec.SETPOINT, codec.temperature_c),
            ("running_on", codec.RUNNING, codec.digit),
            ("alarm_flag", codec.STATUS, lambda line: float(codec.status(line).alarm)),
        ]
        if self.options.external:
            questions.insert(1, ("external_c", self._external, codec.temperature_c))
        samples = []
        for channel, question, parse in questions:
            try:
                value, t_s = await self._exchange(question, parse)
                if channel.endswith("_c"):
                    value, t_s = await self._confirmed(channel, question, value, t_s)
            except BadReply:
                return []  # a line does not say what it answers: those before may have been another question's too
            except (NoReply, Refused):
                break  # what is missing here is missed by the kernel
            quality = Quality.BAD if math.isnan(value) else Quality.GOOD
            samples.append(Sample(f"{self.name}.{channel}", float(value), t_s, quality))
        return samples

    async def regulate(self, temperature_c: float | None) -> None:
        """See :meth:`drivers.contract.Circulator.regulate`. About 0.7 s, for the pauses that commands want."""
        if temperature_c is not None:
            wanted_c = allowed(self.name, temperature_c, self.options.low_c, self.options.high_c)
            await self._tell(f"out_sp_00 {wanted_c:.2f}")
        await self._tell(f"out_mode_05 {0 if temperature_c is None else 1}")
        running, _ = await self._exchange(codec.RUNNING, codec.digit)
        setpoint_c, _ = await self._exchange(codec.SETPOINT, codec.temperature_c)
        if temperature_c is None:
            as_told = not running
            told = "stop"
        else:
            as_told = bool(running) and abs(setpoint_c - wanted_c) <= SAME_C
            told = f"hold {wanted_c:.2f} degC"
        if not as_told:
            status, _ = await self._exchange(codec.STATUS, codec.status)
            does = f"it {'runs' if running else 'stands'} at a set-point of {setpoint_c:g} degC"
            raise Refused(f"{self.name}: told to {told}, {does} and says {status}")

    # ---- small tools

    async def _confirmed(self, channel: str, question: str, value: float, t_s: float) -> tuple[float, float]:
        """A temperature that is not where the last one was is asked for again. Its digits have no sum and no fixed
        width: without its first one, 19.96 is 9.96, and only a second answer tells.

        Raises:
            BadReply: told twice, differently.
        """
        if not abs(value - self._last_c.get(channel, value)) <= JUMP_C and math.isfinite(value):
            again, t_s = await self._exchange(question, codec.temperature_c)
            if not abs(again - value) <= JUMP_C:
                raise BadReply(f"{question} was answered {value:g} and then {again:g}")
            value = again
        if math.isfinite(value):
            self._last_c[channel] = value
        return value, t_s

    async def _exchange(self, question: str, parse: Callable[[bytes], V]) -> tuple[V, float]:
        """One question's answer and when it was asked. The pause comes before it: what brought the port back in step,
        and what another task asked, is an answer too.
        """

        def whole(buffer: bytearray) -> V | None:
            line = only(codec.take_answer(buffer, self._prefix), buffer)
            return None if line is None else parse(line)

        async with self._turn:
            await self.port.send(b"", quiet_s=codec.AFTER_IN_S)
            value = await self.port.exchange(codec.request(question, self._prefix), whole, timeout_s=TIMEOUT_S)
            return value, self.port.t_request_s

    async def _ask(self, question: str, parse: Callable[[bytes], V]) -> V:
        return (await insist(lambda: self._exchange(question, parse)))[0]

    async def _tell(self, command: str) -> None:
        data = codec.request(command, self._prefix)
        async with self._turn:
            await self.port.send(b"", quiet_s=codec.AFTER_IN_S)
            await self.port.send(data, quiet_s=codec.AFTER_OUT_S + len(data) * BITS / self.BAUD)
