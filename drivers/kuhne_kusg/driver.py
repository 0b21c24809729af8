"""Kuhne electronic KU SG 2.45-250 A, 2.45 GHz solid-state generator to 250 W, model name ``kuhne-kusg``.

It has no watchdog: the output stays on when the host falls silent, so a bench needs an enable line. The amplifier's
bias must be on, and settled, before RF; ``off`` takes RF away first and then the bias.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Literal, TypeVar

from pydantic import Field

from drivers.asking import ask, refuse_if_on, speaking
from drivers.contract import BadReply, ChannelSpec, Declaration, DeviceError, Identity, NoReply, Options, Refused
from drivers.guarded import Allowed, GuardedSource, OffStep
from drivers.kuhne_kusg import codec
from drivers.transport.base import Port
from drivers.transport.open import reopen_target
from safety.safeoff import Readback, SafeOffPlan
from safety.types import Sample

T = TypeVar("T")

TIMEOUT_S = 0.1
OFF_BELOW_W = 1
FAST_S, SLOW_S = 0.05, 0.2
SLOW_EVERY = 4  # polls
READABLE_W = 255.0  # one byte

CHANNELS = (
    ChannelSpec("forward_power_w", 0.0, READABLE_W, FAST_S),
    ChannelSpec("reverse_power_w", 0.0, READABLE_W, FAST_S),
    ChannelSpec("power_w", 0.0, READABLE_W, FAST_S),
    ChannelSpec("rf_on", 0.0, 1.0, FAST_S, two_valued=True),
    ChannelSpec("setpoint_w", 0.0, READABLE_W, SLOW_S),
    ChannelSpec("heatsink_c", -40.0, 150.0, SLOW_S),
    ChannelSpec("bias_on", 0.0, 1.0, SLOW_S, two_valued=True),
    ChannelSpec("frequency_hz", 0.0, 1e10, FAST_S),
)
"""Powers come in whole watts, which a steady output rightly repeats: nothing is watched for standing still."""


class KuhneOptions(Options):
    """``options:`` of a ``kuhne-kusg`` in the bench file."""

    power_limit_w: int = Field(codec.POWER_MAX_W, ge=1, le=codec.POWER_MAX_W)
    reflection_limit_w: Literal[100, 150, 180, 200, 230] = 100  # at which the generator itself folds back and locks
    bias_settle_s: float = Field(0.5, ge=0, le=5)  # from bias on to RF on; the maker's own figure is not published


class KuhneKusg(GuardedSource):
    """See the module's text."""

    MODEL: ClassVar[str] = "kuhne-kusg"
    OPTIONS: ClassVar[type[Options]] = KuhneOptions
    BAUD: ClassVar[int] = codec.BAUD
    API_VERSION: ClassVar[int] = 1

    options: KuhneOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._max_w = float(self.options.power_limit_w)
        self._frequency_hz: float | None = None
        self._limit, self._limit_wrong = codec.REFLECTION_LIMITS_W.index(self.options.reflection_limit_w), False
        self._bias_since_s: float | None = None  # None: off, or not known to be on
        self._polls = 0

    def declaration(self) -> Declaration:
        """The response time holds the settling of the bias, which the first "on" of an application waits for."""
        return Declaration(
            model=self.MODEL,
            role="source",
            channels=CHANNELS,
            power_max_w=self._max_w,
            power_step_w=self.STEP_W,
            response_s=0.3 + self.options.bias_settle_s,
            modality="microwave",
            frequency_hz=self._frequency_hz,
            notes=("no watchdog: the output stays on when the host falls silent",),
        )

    async def connect(self) -> Identity:
        """Identify, refuse a generator that is on (after turning it off), set its limits, and prove output 0 W.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        with speaking(self.name, "Kuhne KU SG generator", self.port.url):
            return await self._connect()

    async def _connect(self) -> Identity:
        frequency = await self._ask(codec.ASK_FREQUENCY, codec.take_text)
        self._frequency_hz = codec.frequency_hz(frequency)
        self.port.set_marker(codec.ASK_FREQUENCY, codec.skip_to_frequency)
        firmware = await self._ask(codec.VERSION, codec.take_text)
        await refuse_if_on(self.name, partial(self._ask, codec.ASK_RF, codec.take_flag), self.off)
        if await self._ask(codec.ASK_EXTERNAL, codec.take_flag):
            await self._do(codec.EXTERNAL_OFF)  # an external line could set RF behind our back
        await self.off()
        await self._do(codec.PULSE_OFF)
        await self._do(b"B%d\r" % self._limit)
        self._lapsed = self._limit_wrong = False
        set_w = codec.number(await self._ask(codec.ASK_POWER, codec.take_text))
        if set_w != 0.0:
            remedy = "look for another controller on this generator"
            raise DeviceError(self.name, f"the set-point stays at {set_w:g} W after it was set to 0 W", remedy)
        return Identity("KU SG 2.45-250 A", firmware=firmware, extra={"frequency_hz": str(self._frequency_hz)})

    async def poll(self) -> list[Sample]:
        """Powers and output each time, the rest in every fourth poll: with it bias and reflection limit, which a
        generator that was switched off and on does not keep. About 3 ms of wire time.

        Replies of one byte say neither what they answer nor whether they are whole, so each poll ends with the question
        whose answer no other looks like: when something else comes instead, one of the earlier answers was another's,
        and none of them counts.
        """
        port = self.port
        samples: list[Sample] = []
        settings: tuple[bool, float, int] | None = None

        def put(channel: str, value: float) -> None:
            samples.append(Sample(f"{self.name}.{channel}", value, port.t_request_s))

        try:
            on = await port.exchange(codec.ASK_RF, codec.take_flag, timeout_s=TIMEOUT_S)
            asked_s = port.t_request_s
            put("rf_on", float(on))
            forward_w = await port.exchange(codec.ASK_FORWARD, codec.take_byte, timeout_s=TIMEOUT_S)
            put("forward_power_w", float(forward_w))
            reverse_w = await port.exchange(codec.ASK_REVERSE, codec.take_byte, timeout_s=TIMEOUT_S)
            put("reverse_power_w", float(reverse_w))
            put("power_w", float(max(0, forward_w - reverse_w)))
            self._polls += 1
            if self._polls % SLOW_EVERY == 1:
                put("setpoint_w", codec.number(await self._once(codec.ASK_POWER, codec.take_text)))
                put("heatsink_c", codec.number(await self._once(codec.ASK_TEMPERATURE, codec.take_text)))
                bias = await self._once(codec.ASK_BIAS, codec.take_flag)
                bias_asked_s = port.t_request_s
                put("bias_on", float(bias))
                settings = bias, bias_asked_s, await self._once(codec.ASK_REFLECTION_LIMIT, codec.take_byte)
            put("frequency_hz", codec.frequency_hz(await self._once(codec.ASK_FREQUENCY, codec.take_text)))
            if settings is not None:
                self._judge_settings(*settings)
            self._judge(on, asked_s)
        except (NoReply, BadReply, Refused):
            return []  # what is missing here is missed by the kernel
        return samples

    def _judge_settings(self, bias: bool, asked_s: float, limit: int) -> None:
        """One that was switched off and on has neither bias nor limit any more. A single wrong limit may be noise."""
        if not bias and self._bias_since_s is not None and self._bias_since_s < asked_s:
            self._dropped = True
        wrong = limit != self._limit
        self._lapsed = self._lapsed or (wrong and self._limit_wrong)
        self._limit_wrong = wrong

    # ---- power (drivers.guarded says when; here is how)

    async def _send_power(self, power_w: float, allowed: Allowed) -> None:
        await self.port.exchange(
            codec.set_power(round(power_w)), codec.take_done, timeout_s=TIMEOUT_S, before_send=allowed
        )

    async def _may_turn_on(self, allowed: Allowed) -> bool:
        if self._bias_since_s is None:
            await self.port.exchange(codec.BIAS_ON, codec.take_done, timeout_s=TIMEOUT_S, before_send=allowed)
            self._bias_since_s = self.port.now()
        return self.port.now() - self._bias_since_s >= self.options.bias_settle_s

    async def _send_on(self, allowed: Allowed) -> None:
        await self.port.exchange(codec.RF_ON, codec.take_done, timeout_s=TIMEOUT_S, before_send=allowed)

    def _off_steps(self) -> Sequence[OffStep]:
        self._bias_since_s = None
        return tuple(partial(self._urgently, command) for command in (codec.RF_OFF, codec.BIAS_OFF, codec.set_power(0)))

    async def _urgently(self, command: bytes) -> None:
        await self.port.exchange(command, codec.take_done, timeout_s=TIMEOUT_S, urgent=True)

    def safe_off_plan(self) -> SafeOffPlan:
        """CR ends any half-written command; then RF off, twice, and the bias."""
        return SafeOffPlan(
            device=self.name,
            resync=b"\r",
            off=(codec.RF_OFF, codec.RF_OFF, codec.BIAS_OFF),
            readbacks=(
                Readback(codec.ASK_RF, b"", 2, 0, 2, 0xFFFF, 0x000D),
                Readback(codec.ASK_FORWARD, b"", 2, 0, 1, 0xFF, OFF_BELOW_W),
            ),
            reopen=reopen_target(self.port.url),
            baud=self.BAUD,
        )

    # ---- small tools

    async def _ask(self, request: bytes, take: Callable[[bytearray], T | None]) -> T:
        return await ask(self.port, request, take, timeout_s=TIMEOUT_S)

    async def _once(self, request: bytes, take: Callable[[bytearray], T | None]) -> T:
        return await self.port.exchange(request, take, timeout_s=TIMEOUT_S)

    async def _do(self, command: bytes) -> None:
        await ask(self.port, command, codec.take_done, timeout_s=TIMEOUT_S)
