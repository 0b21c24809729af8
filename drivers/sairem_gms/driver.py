"""Sairem GMS solid-state generators at 2.45 GHz (Modbus RTU 115200 8N1, or TCP port 502), model name ``sairem-gms``.

Register map: Sairem GMS/GMP series as used by the ESS EPICS modules e3-sairemgmp20ked and e3-sairemai4s. Register 98 is
the generator's own dead-man: without a request for that long it faults and turns microwaves off. Its unit is not
documented; a public bench script that writes 3000 for thirty seconds says 10 ms, which is assumed here and declared.
Off is proven twice: the "microwaves on" bit, and measured forward power.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Literal, TypeVar

from pydantic import Field

from drivers.asking import ask, refuse_if_on, speaking
from drivers.contract import BadReply, ChannelSpec, Declaration, DeviceError, Identity, NoReply, Options, Refused
from drivers.guarded import Allowed, GuardedSource, OffStep
from drivers.modbus import Modbus, Request
from drivers.transport.base import Port
from drivers.transport.open import reopen_target
from safety.safeoff import Readback, SafeOffPlan
from safety.types import Sample

T = TypeVar("T")

TIMEOUT_S = 0.15
OFF_BELOW_W = 1
PERIOD_S, SLOW_S = 0.05, 0.2
SLOW_EVERY = 4  # polls

SET_POINT, REFLECTED_LIMIT, CONTROL, FREQUENCY, DEADMAN, FREQUENCY_NOW = 0, 1, 2, 9, 98, 112
FIRST_READING, READINGS = 100, 6  # set points read back, forward, reflected, faults, status
FORWARD, REFLECTED, FAULTS, STATUS = 2, 3, 4, 5  # among the readings
LIMIT_REFLECTED, MICROWAVES_ON, RESET_FAULTS = 0x10, 0x40, 0x80  # bits of CONTROL
STATUS_FAULT, STATUS_ON = 0x08, 0x40
DEADMAN_UNIT_S = 0.01
FREQUENCY_UNIT_HZ = 1e5
FREQUENCIES = range(23_000, 26_001)  # of these generators, or it is the answer to another question as short
OFF_TRANSACTION = 0xFFFF  # over TCP; the same bytes in daemon and watchdog
MARKER = (SET_POINT, 3)  # a read of a length that no other read has

CHANNELS = (
    ChannelSpec("forward_power_w", 0.0, 65535.0, PERIOD_S),
    ChannelSpec("reverse_power_w", 0.0, 65535.0, PERIOD_S),
    ChannelSpec("power_w", 0.0, 65535.0, PERIOD_S),
    ChannelSpec("rf_on", 0.0, 1.0, PERIOD_S, two_valued=True),
    ChannelSpec("fault_flag", 0.0, 1.0, PERIOD_S, two_valued=True),
    ChannelSpec("setpoint_w", 0.0, 65535.0, PERIOD_S),
    ChannelSpec("frequency_hz", 0.0, 1e10, PERIOD_S),
)
"""Powers come in whole watts, which a steady output rightly repeats: nothing is watched for standing still."""


class SairemOptions(Options):
    """``options:`` of a ``sairem-gms`` in the bench file."""

    framing: Literal["rtu", "tcp"] = "rtu"
    unit: int = Field(1, ge=1, le=247)
    power_limit_w: int = Field(200, ge=1, le=2000)
    reflected_limit_w: int = Field(50, ge=1, le=2000)  # at which the generator folds back by itself
    frequency_mhz: float = Field(2450.0, ge=2400, le=2500)
    deadman_s: float = Field(0.5, ge=0.3, le=5)  # register 98


class SairemGms(GuardedSource):
    """See the module's text."""

    MODEL: ClassVar[str] = "sairem-gms"
    OPTIONS: ClassVar[type[Options]] = SairemOptions
    BAUD: ClassVar[int] = 115200
    API_VERSION: ClassVar[int] = 1

    options: SairemOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._max_w = float(self.options.power_limit_w)
        self._bus = Modbus(self.options.framing, self.options.unit)
        self._off_bus = Modbus(self.options.framing, self.options.unit, OFF_TRANSACTION)
        self._fault = False
        self._ticks = round(self.options.deadman_s / DEADMAN_UNIT_S)
        self._polls = 0

    def declaration(self) -> Declaration:
        """``native_deadman_s`` is what register 98 is set to and read back as."""
        return Declaration(
            model=self.MODEL,
            role="source",
            channels=CHANNELS,
            native_deadman_s=self._ticks * DEADMAN_UNIT_S,
            power_max_w=self._max_w,
            power_step_w=self.STEP_W,
            modality="microwave",
            frequency_hz=self.options.frequency_mhz * 1e6,
            notes=("the unit of register 98 (10 ms) is inferred from a public bench script, not from the manual",),
        )

    async def connect(self) -> Identity:
        """Refuse a generator that is on (after turning it off), set dead-man, limits and frequency, prove 0 W.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        with speaking(self.name, "Sairem GMS generator", self.port.url):
            return await self._connect()

    async def _connect(self) -> Identity:
        options = self.options
        self.port.set_marker(*self._bus.marker(*MARKER))
        await refuse_if_on(self.name, self._is_on, self.off)
        await self.off()
        settings = ((DEADMAN, self._ticks), (REFLECTED_LIMIT, options.reflected_limit_w))
        for register, value in (*settings, (FREQUENCY, round(options.frequency_mhz * 10))):
            await self._ask(self._bus.write_register(register, value))
        (said,) = await self._ask(self._bus.read_holding(DEADMAN, 1))
        if said != self._ticks:
            remedy = "the unit does not keep its communication time-out; look at its firmware and options"
            raise DeviceError(self.name, f"register {DEADMAN} reads {said} after {self._ticks} was written", remedy)
        self._lapsed = False
        for control in (RESET_FAULTS, 0):
            await self._ask(self._bus.write_register(CONTROL, control))
        readings = await self._ask(self._bus.read_holding(FIRST_READING, READINGS))
        if readings[STATUS] & STATUS_FAULT:
            remedy = "look at its display; clear the interlock or the fault, then connect again"
            raise DeviceError(
                self.name, f"the generator is in fault (register 104 reads {readings[FAULTS]:#06x})", remedy
            )
        return Identity("Sairem GMS", extra={"frequency_mhz": str(options.frequency_mhz)})

    async def _is_on(self) -> bool:
        """By its bit or by measured power: off is only what both say."""
        readings = await self._ask(self._bus.read_holding(FIRST_READING, READINGS))
        return bool(readings[STATUS] & STATUS_ON) or readings[FORWARD] > OFF_BELOW_W

    async def poll(self) -> list[Sample]:
        """Six registers in one exchange and the frequency in another: 4 ms at 115200 baud. In every fourth poll the
        dead-man too, which a generator that was switched off and on does not keep."""
        try:
            request, parse = self._bus.read_holding(FIRST_READING, READINGS)
            readings = await self.port.exchange(request, parse, timeout_s=TIMEOUT_S)
            t_s = self.port.t_request_s
            request, parse = self._bus.read_holding(FREQUENCY_NOW, 1)
            (tuned,) = await self.port.exchange(request, parse, timeout_s=TIMEOUT_S)
            self._polls += 1
            if self._polls % SLOW_EVERY == 1:
                request, parse = self._bus.read_holding(DEADMAN, 1)
                (ticks,) = await self.port.exchange(request, parse, timeout_s=TIMEOUT_S)
                self._lapsed = self._lapsed or ticks != self._ticks
        except (NoReply, BadReply, Refused):
            return []  # what is missing here is missed by the kernel
        status = readings[STATUS]
        self._fault = bool(status & STATUS_FAULT)
        self._judge(bool(status & STATUS_ON), t_s)
        forward_w, reflected_w = float(readings[FORWARD]), float(readings[REFLECTED])
        values = {
            "forward_power_w": forward_w,
            "reverse_power_w": reflected_w,
            "power_w": max(0.0, forward_w - reflected_w),
            "rf_on": float(bool(status & STATUS_ON)),
            "fault_flag": float(self._fault),
            "setpoint_w": float(readings[0]),
            **({"frequency_hz": tuned * FREQUENCY_UNIT_HZ} if tuned in FREQUENCIES else {}),
        }
        return [Sample(f"{self.name}.{channel}", value, t_s) for channel, value in values.items()]

    # ---- power (drivers.guarded says when; here is how)

    async def _send_power(self, power_w: float, allowed: Allowed) -> None:
        await self._once(self._bus.write_register(SET_POINT, round(power_w)), allowed)

    async def _may_turn_on(self, allowed: Allowed) -> bool:
        if self._fault:
            raise Refused(f"{self.name}: the generator is in fault; stop, look at its display, then arm again")
        return True

    async def _send_on(self, allowed: Allowed) -> None:
        await self._once(self._bus.write_register(CONTROL, MICROWAVES_ON | LIMIT_REFLECTED), allowed)

    def _off_steps(self) -> Sequence[OffStep]:
        steps = [(CONTROL, 0), (SET_POINT, 0)]
        if self._fault:  # its own dead-man latches a fault; a pulse clears it, microwaves stay off
            steps += [(CONTROL, RESET_FAULTS), (CONTROL, 0)]
        return tuple(partial(self._urgently, register, value) for register, value in steps)

    async def _urgently(self, register: int, value: int) -> None:
        request, parse = self._off_bus.write_register(register, value)
        await self.port.exchange(request, parse, timeout_s=TIMEOUT_S, urgent=True)

    async def _once(self, request: Request[T], allowed: Allowed) -> T:
        return await self.port.exchange(*request, timeout_s=TIMEOUT_S, before_send=allowed)

    async def _ask(self, request: Request[T]) -> T:
        return await ask(self.port, *request, timeout_s=TIMEOUT_S)

    def safe_off_plan(self) -> SafeOffPlan:
        """RTU forgets half a frame after 3.5 characters of silence, which the gap outlasts at any baud rate here."""
        bus = self._off_bus
        off, _ = bus.write_register(CONTROL, 0)
        zero, _ = bus.write_register(SET_POINT, 0)
        query, _ = bus.read_holding(FIRST_READING, READINGS)
        body = bytes((self.options.unit, 3, 2 * READINGS))
        # over TCP: transaction and protocol as asked, then the length of what follows
        prefix = body if self.options.framing == "rtu" else query[:4] + (3 + 2 * READINGS).to_bytes(2, "big") + body
        length = len(prefix) + 2 * READINGS + (2 if self.options.framing == "rtu" else 0)
        at = len(prefix)
        return SafeOffPlan(
            device=self.name,
            resync=b"",
            off=(off, off, zero),
            readbacks=(
                Readback(query, prefix, length, at + 2 * STATUS, 2, STATUS_ON, 0),
                Readback(query, prefix, length, at + 2 * FORWARD, 2, 0xFFFF, OFF_BELOW_W),
            ),
            gap_s=0.01,
            reopen=reopen_target(self.port.url),
            baud=self.BAUD,
        )
