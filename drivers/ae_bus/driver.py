"""Advanced Energy generators on the AE Bus (Cesar, Paramount MF, Apex), model name ``ae-bus``.

By itself such a generator stays on when the host falls silent. Units that know command 39 (Paramount) get a
communication watchdog, which is read back: then, and only then, ``native_deadman_s`` is declared. RF off is honoured
whoever has control.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from drivers.ae_bus import codec
from drivers.asking import ask, other_model, refuse_if_on, speaking
from drivers.contract import BadReply, ChannelSpec, Declaration, DeviceError, Identity, NoReply, Options, Refused
from drivers.guarded import Allowed, GuardedSource, OffStep
from drivers.reflection import IMPEDANCE_MAX_OHM, impedance_ohm
from drivers.transport.base import Port, SerialSettings
from drivers.transport.open import reopen_target
from safety.safeoff import Readback, SafeOffPlan
from safety.types import Sample

T = TypeVar("T")
Take = Callable[[bytearray, int, int], T | None]

TIMEOUT_S = 0.12
OFF_BELOW_W = 1
FAST_S, SLOW_S = 0.05, 0.2
SLOW_EVERY = 4  # polls
READABLE_W = 65535.0
PORT_TIMEOUT_10MS = 2  # the shortest that command 40 takes: half a packet is forgotten after 20 ms
PORT_TIMEOUT_DEFAULT_S = 0.75

CHANNELS = (
    ChannelSpec("forward_power_w", 0.0, READABLE_W, FAST_S),
    ChannelSpec("reverse_power_w", 0.0, READABLE_W, FAST_S),
    ChannelSpec("power_w", 0.0, READABLE_W, FAST_S),
    ChannelSpec("impedance_ohm", 0.0, IMPEDANCE_MAX_OHM, FAST_S),
    ChannelSpec("rf_on", 0.0, 1.0, FAST_S, two_valued=True),
    ChannelSpec("setpoint_w", 0.0, READABLE_W, SLOW_S),
    ChannelSpec("over_temperature_flag", 0.0, 1.0, FAST_S, two_valued=True),
    ChannelSpec("frequency_hz", 0.0, 1e10, SLOW_S),
)
"""Powers come in whole watts, which a steady output rightly repeats: nothing is watched for standing still."""


class AeBusOptions(Options):
    """``options:`` of an ``ae-bus`` in the bench file."""

    address: int = Field(1, ge=1, le=31)
    regulation: Literal["forward", "load"] = "forward"
    reference_ohm: float = Field(50.0, gt=0, le=1000)
    load_branch: Literal["above", "below"] = "above"
    power_limit_w: int = Field(200, ge=1, le=10000)
    reverse_limit_w: int | None = Field(None, ge=1, le=10000)
    watchdog_s: float = Field(1.0, ge=0.3, le=5)  # asked for with command 39, where the unit has it
    model: str | None = None  # what the unit's own type must contain
    serial: str | None = None


class AeBus(GuardedSource):
    """See the module's text."""

    MODEL: ClassVar[str] = "ae-bus"
    OPTIONS: ClassVar[type[Options]] = AeBusOptions
    BAUD: ClassVar[int] = codec.BAUD
    SERIAL: ClassVar[SerialSettings] = SerialSettings(parity="O")
    API_VERSION: ClassVar[int] = 1

    options: AeBusOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._max_w = float(self.options.power_limit_w)
        self._deadman_s: float | None = None
        self._gap_s = PORT_TIMEOUT_DEFAULT_S + 0.01
        self._frequency_hz: float | None = None
        self._polls = 0

    def declaration(self) -> Declaration:
        """Watchdog and frequency are known after ``connect``."""
        notes = ["impedance is derived from forward and reverse power, assuming a resistive load on one branch"]
        if self._deadman_s is None:
            notes.append("no watchdog in this unit: the output stays on when the host falls silent")
        return Declaration(
            model=self.MODEL,
            role="source",
            channels=CHANNELS,
            native_deadman_s=self._deadman_s,
            power_max_w=self._max_w,
            power_step_w=self.STEP_W,
            impedance_under_power=True,
            modality="rf",
            frequency_hz=self._frequency_hz,
            notes=tuple(notes),
        )

    # ---- connecting

    async def connect(self) -> Identity:
        """Identify, refuse a generator that is on (after turning it off), take host control, set limits and watchdog.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        what = "AE Bus generator (odd parity; the baud rate of its host port)"
        with speaking(self.name, what, self.port.url):
            identity = await self._identify()
            await refuse_if_on(self.name, self._is_on, self.off)
            await self._quieten()
        return identity

    async def _identify(self) -> Identity:
        address = self.options.address
        self.port.set_marker(
            codec.packet(address, codec.GET_STATUS),
            lambda buffer: codec.skip_to(buffer, address, codec.GET_STATUS),
            codec.ACKNOWLEDGE,
        )
        await self._get(codec.GET_STATUS, 4)
        model = " ".join([await self._text(codec.GET_TYPE), await self._text(codec.GET_SIZE)]).strip()
        software, serial = await self._text(codec.GET_SOFTWARE), ""
        try:
            serial = str(await self._get(codec.GET_SERIAL, 4))
            self._frequency_hz = await self._get(codec.GET_FREQUENCY, 4) * 1e3
        except codec.CommandRefused:
            pass  # older units know neither
        if self.options.model is not None and self.options.model not in model:
            raise other_model(self.name, self.options.model, model, self.port.url)
        if self.options.serial is not None and self.options.serial != serial:
            raise other_model(self.name, self.options.serial, serial or "no serial number", self.port.url)
        return Identity(model or "AE Bus", serial, software, {"frequency_hz": str(self._frequency_hz)})

    async def _is_on(self) -> bool:
        return bool(await self._get(codec.GET_STATUS, 4) & (codec.STATUS_ON | codec.STATUS_REQUESTED))

    async def _quieten(self) -> None:
        options = self.options
        await self._do(codec.CONTROL, bytes((codec.HOST,)))
        if await self._get(codec.GET_CONTROL, 1) != codec.HOST:
            remedy = "give control to the host port on its front panel"
            raise DeviceError(self.name, "the generator does not give the host port control", remedy)
        await self.off()
        regulation = codec.BY_LOAD if options.regulation == "load" else codec.BY_FORWARD
        await self._do(codec.REGULATION, bytes((regulation,)))
        await self._do(codec.FORWARD_LIMIT, codec.word(options.power_limit_w))
        if options.reverse_limit_w is not None:
            await self._do(codec.REVERSE_LIMIT, codec.word(options.reverse_limit_w))
        limit_w = await self._get(codec.GET_FORWARD_LIMIT, 2)
        if limit_w != options.power_limit_w:
            remedy = "set power_limit_w to what the unit can give"
            raise DeviceError(self.name, f"its forward limit reads {limit_w} W after {options.power_limit_w} W", remedy)
        await self._set_timeouts()

    async def _set_timeouts(self) -> None:
        """The two safety nets that not every unit has: a short memory for half packets, and the watchdog."""
        try:
            await self._do(codec.PORT_TIMEOUT, codec.word(PORT_TIMEOUT_10MS))
            timeout_10ms = await self._get(codec.GET_PORT_TIMEOUT, 2)
            self._gap_s = timeout_10ms / 100.0 + 0.01
        except codec.CommandRefused as error:
            if error.code not in codec.UNKNOWN_COMMANDS:
                raise
        wanted_ms = round(self.options.watchdog_s * 100) * 10
        self._deadman_s, self._lapsed = None, False
        try:
            await self._do(codec.WATCHDOG, b"\x01" + codec.word(wanted_ms))
            said_ms = await self._get(codec.GET_WATCHDOG, 2, b"\0")
        except codec.CommandRefused as error:
            if error.code not in codec.UNKNOWN_COMMANDS:
                raise
            return
        if said_ms != wanted_ms:
            remedy = "the unit does not keep its watchdog; use an enable line and set watchdog_s to what it keeps"
            raise DeviceError(self.name, f"its watchdog reads {said_ms} ms after {wanted_ms} ms was set", remedy)
        self._deadman_s = wanted_ms / 1000.0

    # ---- acquisition

    async def poll(self) -> list[Sample]:
        """Powers and status each time, set-point and frequency in every fourth poll. About 5 ms of wire time."""
        samples: list[Sample] = []

        def put(channel: str, value: float) -> None:
            samples.append(Sample(f"{self.name}.{channel}", value, self.port.t_request_s))

        try:
            forward_w = await self._number(codec.GET_FORWARD, 2)
            put("forward_power_w", float(forward_w))
            reverse_w = await self._number(codec.GET_REVERSE, 2)
            put("reverse_power_w", float(reverse_w))
            above = self.options.load_branch == "above"
            ohm = impedance_ohm(forward_w, reverse_w, self.options.reference_ohm, above=above)
            if ohm is not None:
                put("impedance_ohm", ohm)
            put("power_w", float(await self._number(codec.GET_DELIVERED, 2)))
            status = await self._number(codec.GET_STATUS, 4)
            on = bool(status & codec.STATUS_ON)
            self._judge(on or bool(status & codec.STATUS_REQUESTED), self.port.t_request_s)
            put("rf_on", float(on))
            put("over_temperature_flag", float(bool(status >> 8 & codec.STATUS_HOT)))
            self._polls += 1
            if self._polls % SLOW_EVERY == 1:
                put("setpoint_w", float(await self._number(codec.GET_SET_POINT, 2)))
                if self._frequency_hz is not None:
                    put("frequency_hz", await self._number(codec.GET_FREQUENCY, 4) * 1e3)
                await self._check_watchdog()
        except (NoReply, BadReply, Refused):
            pass  # what is missing here is missed by the kernel
        return samples

    async def _check_watchdog(self) -> None:
        """A unit that was switched off and on does not keep it."""
        if self._deadman_s is not None:
            take = partial(codec.take_number, width=2)
            said_ms = await self._exchange(codec.GET_WATCHDOG, b"\0", take)
            self._lapsed = self._lapsed or said_ms != round(self._deadman_s * 1000.0)

    # ---- power (drivers.guarded says when; here is how)

    async def _send_power(self, power_w: float, allowed: Allowed) -> None:
        await self._command(codec.SET_POINT, codec.word(round(power_w)), allowed)

    async def _send_on(self, allowed: Allowed) -> None:
        await self._command(codec.RF_ON, b"", allowed)

    def _off_steps(self) -> Sequence[OffStep]:
        steps = ((codec.RF_OFF, b""), (codec.SET_POINT, codec.word(0)))
        return tuple(partial(self._urgently, command, data) for command, data in steps)

    async def _urgently(self, command: int, data: bytes) -> None:
        await self._exchange(command, data, codec.take_done, urgent=True)

    async def _command(self, command: int, data: bytes, allowed: Allowed) -> None:
        await self._exchange(command, data, codec.take_done, before_send=allowed)

    def safe_off_plan(self) -> SafeOffPlan:
        """The gap before each off is longer than the unit remembers half a packet."""
        address = self.options.address
        off = codec.packet(address, codec.RF_OFF)
        status, forward = codec.packet(address, codec.GET_STATUS), codec.packet(address, codec.GET_FORWARD)
        status_head = bytes((codec.ACK, address << 3 | 4, codec.GET_STATUS))
        forward_head = bytes((codec.ACK, address << 3 | 2, codec.GET_FORWARD))
        radiating = codec.STATUS_ON | codec.STATUS_REQUESTED
        return SafeOffPlan(
            device=self.name,
            resync=b"",
            off=(off, off, codec.packet(address, codec.SET_POINT, codec.word(0))),
            readbacks=(
                Readback(status, status_head, 8, 3, 1, radiating, 0),
                Readback(forward, forward_head, 6, 3, 1, 0xFF, OFF_BELOW_W),  # low byte
                Readback(forward, forward_head, 6, 4, 1, 0xFF, 0),  # high byte
            ),
            gap_s=self._gap_s,
            reopen=reopen_target(self.port.url),
            baud=self.BAUD,
        )

    # ---- small tools

    async def _exchange(self, command: int, data: bytes, take: Take[T], **how: Any) -> T:
        address = self.options.address
        return await self.port.exchange(
            codec.packet(address, command, data),
            lambda buffer: take(buffer, address, command),
            timeout_s=TIMEOUT_S,
            acknowledge=codec.ACKNOWLEDGE,
            **how,
        )

    async def _number(self, command: int, width: int) -> int:
        return await self._exchange(command, b"", partial(codec.take_number, width=width))

    async def _ask(self, command: int, take: Take[T], data: bytes = b"") -> T:
        """While connecting: a few tries."""
        address = self.options.address
        return await ask(
            self.port,
            codec.packet(address, command, data),
            lambda buffer: take(buffer, address, command),
            timeout_s=TIMEOUT_S,
            acknowledge=codec.ACKNOWLEDGE,
        )

    async def _get(self, command: int, width: int, data: bytes = b"") -> int:
        return await self._ask(command, partial(codec.take_number, width=width), data)

    async def _text(self, command: int) -> str:
        return codec.text(await self._ask(command, codec.take))

    async def _do(self, command: int, data: bytes = b"") -> None:
        await self._ask(command, codec.take_done, data)
