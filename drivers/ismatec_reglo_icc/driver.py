"""Ismatec Reglo ICC, one channel in flow mode, model name ``ismatec-reglo-icc``.

The pump has no watchdog: it runs on when the host falls silent, which is the safe state for cooling. ``running_on``
is the state of the whole pump: use one channel per bench.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from drivers.asking import ask, other_model, other_serial, speaking
from drivers.contract import (
    BadReply,
    ChannelSpec,
    CoolantPump,
    Declaration,
    DeviceError,
    Identity,
    NoReply,
    Options,
    Refused,
)
from drivers.ismatec_reglo_icc import codec
from drivers.transport.base import Port
from safety.types import Sample

TIMEOUT_S = 0.15  # the longest reply takes 25 ms at 9600 baud
PERIOD_S = 0.1
FLOW_READ_EVERY = 5  # polls
FLOW_TOLERANCE = 0.001  # four digits of mantissa
FLOW_READABLE_ML_MIN = 1000.0


class IsmatecOptions(Options):
    """``options:`` of an ``ismatec-reglo-icc`` in the bench file."""

    channel: int = Field(1, ge=1, le=4)
    pump_address: int = Field(1, ge=1, le=8)
    tube_mm: float | None = Field(None, ge=0.13, le=3.17)  # inner diameter of the tube; None: as set on the pump
    clockwise: bool = True
    serial: str | None = None


class IsmatecRegloIcc(CoolantPump):
    """See the module's text."""

    MODEL: ClassVar[str] = "ismatec-reglo-icc"
    OPTIONS: ClassVar[type[Options]] = IsmatecOptions
    BAUD: ClassVar[int] = codec.BAUD
    API_VERSION: ClassVar[int] = 1

    options: IsmatecOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._flow_max_ml_min: float | None = None
        self._flow_ml_min: float | None = None  # acknowledged set-point
        self._running: bool | None = None
        self._polls = 0
        self._ask_running = self._request(b"E")
        self._ask_flow = self._request(b"f")

    def declaration(self) -> Declaration:
        """The largest flow is known after ``connect``; it depends on the tube."""
        return Declaration(
            model=self.MODEL,
            role="coolant_pump",
            channels=(
                ChannelSpec("running_on", 0.0, 1.0, PERIOD_S, two_valued=True),
                ChannelSpec("flow_set_ml_min", 0.0, FLOW_READABLE_ML_MIN, PERIOD_S * FLOW_READ_EVERY),
            ),
            flow_max_ml_min=self._flow_max_ml_min,
            notes=("no watchdog: it pumps on when the host falls silent",),
        )

    async def connect(self) -> Identity:
        """Identify, switch to channel addressing and flow mode, silence events. A pump that runs is left running.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        with speaking(self.name, "Ismatec Reglo ICC", self.port.url):
            return await self._connect()

    async def _connect(self) -> Identity:
        options, address = self.options, self.options.pump_address
        self.port.set_marker(codec.request(address, b"#"), codec.skip_to_name)
        if await self._line(codec.request(address, b"~")) != b"1":
            await self._do(codec.request(address, b"~", b"1"))
        await self._do(codec.request(address, b"xE", b"0"))
        model = await self._line(codec.request(address, b"#"))
        if b"REGLO ICC" not in model:
            raise other_model(self.name, "REGLO ICC", model.decode("ascii", "replace"), self.port.url)
        serial = (await self._line(codec.request(address, b"xS"))).decode("ascii", "replace").strip()
        if options.serial is not None and options.serial != serial:
            raise other_serial(self.name, options.serial, serial, self.port.url)
        channels = await self._line(codec.request(address, b"xA"))
        if channels.isdigit() and int(channels) < options.channel:
            remedy = "correct options.channel in the bench file"
            raise DeviceError(self.name, f"it has {int(channels)} channels, not {options.channel}", remedy)
        firmware = (await self._line(codec.request(address, b"("))).decode("ascii", "replace").strip()
        if options.tube_mm is not None:
            await self._do(self._request(b"+", b"%04d" % round(options.tube_mm * 100)))
        self._running = await ask(self.port, self._ask_running, codec.take_running, timeout_s=TIMEOUT_S) == b"+"
        if not self._running:  # a pump that runs may be cooling something: leave its mode and direction alone
            await self._do(self._request(b"J" if options.clockwise else b"K"))
            await self._do(self._request(b"M"))
        elif await self._line(self._request(b"xM")) != b"M":
            remedy = "stop it on its panel; it will then be set to flow mode"
            raise DeviceError(self.name, "the pump is running, and not in flow mode", remedy)
        self._flow_max_ml_min = codec.flow_text(await self._line(self._request(b"?")))
        self._flow_ml_min = None
        return Identity(model.decode("ascii", "replace").strip(), serial, firmware)

    async def poll(self) -> list[Sample]:
        """Running each time, the set flow in every fifth poll. 5 and 14 ms of wire time."""
        samples: list[Sample] = []
        try:
            running = await self.port.exchange(self._ask_running, codec.take_running, timeout_s=TIMEOUT_S) == b"+"
            self._running = running
            samples.append(Sample(f"{self.name}.running_on", 1.0 if running else 0.0, self.port.t_request_s))
            self._polls += 1
            if self._polls % FLOW_READ_EVERY == 1:
                line = await self.port.exchange(self._ask_flow, codec.take_line, timeout_s=TIMEOUT_S)
                samples.append(Sample(f"{self.name}.flow_set_ml_min", codec.volume1(line), self.port.t_request_s))
        except (NoReply, BadReply, Refused):
            pass  # what is missing here is missed by the kernel
        return samples

    async def run(self, flow_ml_min: float) -> None:
        """Set the flow, verify the pump's echo of it, start the channel if the pump stands still.

        Raises:
            Refused: negative, not a number, above what head and tube can do, or the pump said so (with its reason).
            NoReply, BadReply, LinkLost: it may or may not have taken effect.
        """
        if not (math.isfinite(flow_ml_min) and flow_ml_min >= 0.0):
            raise Refused(f"{self.name}: {flow_ml_min} mL/min is not a flow")
        if flow_ml_min == 0.0:
            self._running = None
            await self.port.exchange(self._request(b"I"), codec.take_done, timeout_s=TIMEOUT_S)
            self._running = False
            return
        largest = self._flow_max_ml_min
        if largest is not None and flow_ml_min > largest:
            text = f"{flow_ml_min:g} mL/min is more than the {largest:g} mL/min of its head and tube"
            raise Refused(f"{self.name}: {text}")
        if flow_ml_min != self._flow_ml_min:
            await self._set_flow(flow_ml_min)
        running = await self.port.exchange(self._ask_running, codec.take_running, timeout_s=TIMEOUT_S) == b"+"
        if not running:  # the pump takes a second start for an error
            await self._start()
        self._running = True

    async def _set_flow(self, flow_ml_min: float) -> None:
        self._flow_ml_min = None
        try:
            digits = codec.volume2(flow_ml_min)
        except ValueError as error:
            raise Refused(f"{self.name}: {error}") from error
        line = await self.port.exchange(self._request(b"f", digits), codec.take_line, timeout_s=TIMEOUT_S)
        echoed = codec.volume1(line)
        if not abs(echoed - flow_ml_min) <= FLOW_TOLERANCE * flow_ml_min:
            raise Refused(f"{self.name}: the pump made {echoed:g} mL/min of {flow_ml_min:g} mL/min")
        self._flow_ml_min = flow_ml_min

    async def _start(self) -> None:
        try:
            await self.port.exchange(self._request(b"H"), codec.take_done, timeout_s=TIMEOUT_S)
        except Refused:
            reason = (await self._line(self._request(b"xe"))).decode("ascii", "replace")
            raise Refused(f"{self.name}: the pump does not start: {reason} (R flow, V volume, C cycles)") from None

    # ---- small tools

    def _request(self, command: bytes, parameter: bytes = b"") -> bytes:
        return codec.request(self.options.channel, command, parameter)

    async def _line(self, request: bytes) -> bytes:
        return await ask(self.port, request, codec.take_line, timeout_s=TIMEOUT_S)

    async def _do(self, request: bytes) -> None:
        await ask(self.port, request, codec.take_done, timeout_s=TIMEOUT_S)
