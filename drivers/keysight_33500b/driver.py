"""Keysight 33500B (or 33220A) with an amplifier of known gain and no meter, model name ``keysight-33500b``.

For low power: what reaches the load is computed from amplitude and gain, not measured, and the declaration says so.
It has no watchdog: the output stays on when the host falls silent. With a meter behind the amplifier, use ``rf-chain``.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field, model_validator

from drivers.contract import BadReply, ChannelSpec, Declaration, Identity, NoReply, Options, Refused
from drivers.guarded import Allowed, GuardedSource, OffStep
from drivers.keysight_33500b import codec
from drivers.keysight_33500b.output import SineOptions, SineOutput
from drivers.transport.base import Port
from safety.safeoff import SafeOffPlan
from safety.types import Sample

PERIOD_S = 0.05
READABLE_W = 10_000.0

CHANNELS = (
    ChannelSpec("forward_power_w", 0.0, READABLE_W, PERIOD_S),
    ChannelSpec("power_w", 0.0, READABLE_W, PERIOD_S),
    ChannelSpec("rf_on", 0.0, 1.0, PERIOD_S, two_valued=True),
    ChannelSpec("setpoint_w", 0.0, READABLE_W, PERIOD_S),
)


class Keysight33500bOptions(SineOptions):
    """``options:`` of a ``keysight-33500b`` in the bench file."""

    power_limit_w: float = Field(10.0, gt=0, le=1000)

    @model_validator(mode="after")
    def _reachable(self) -> Keysight33500bOptions:
        check_reach(self, self.power_limit_w)
        return self


def check_reach(options: SineOptions, power_w: float) -> None:
    """Raises ValueError when ``power_w`` needs more than ``amplitude_max_vpp`` at ``gain_db``."""
    needed_vpp = amplitude_v(power_w, options.gain_db) * codec.VPP_PER_VRMS
    if needed_vpp > options.amplitude_max_vpp * 1.001:
        text = f"{power_w:g} W at {options.gain_db:g} dB need {needed_vpp:.2f} Vpp"
        raise ValueError(f"{text}, and amplitude_max_vpp is {options.amplitude_max_vpp:g}: lower power_limit_w")


def amplitude_v(power_w: float, gain_db: float) -> float:
    """Volts RMS into 50 ohm that make ``power_w`` behind an amplifier of ``gain_db``."""
    return math.sqrt(codec.OHM * power_w / 10.0 ** (gain_db / 10.0))


class Keysight33500b(GuardedSource):
    """See the module's text."""

    MODEL: ClassVar[str] = "keysight-33500b"
    OPTIONS: ClassVar[type[Options]] = Keysight33500bOptions
    BAUD: ClassVar[int] = 115200  # of no consequence: it has LAN and USB only
    API_VERSION: ClassVar[int] = 1
    STEP_W: ClassVar[float] = 0.1

    options: Keysight33500bOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._max_w = self.options.power_limit_w
        self._sine = SineOutput(name, port, self.options)

    def declaration(self) -> Declaration:
        """Complete before ``connect``."""
        return Declaration(
            model=self.MODEL,
            role="source",
            channels=CHANNELS,
            power_max_w=self._max_w,
            power_step_w=self.STEP_W,
            modality="rf",
            frequency_hz=self.options.frequency_hz,
            notes=(
                "no watchdog: the output stays on when the host falls silent",
                f"powers are computed from the amplitude and {self.options.gain_db:g} dB of gain, not measured",
            ),
        )

    async def connect(self) -> Identity:
        """Identify, refuse an output that is on (after turning it off), and set it up at its least amplitude.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        identity = await self._sine.connect()
        self._lapsed = False
        with contextlib.suppress(NoReply, BadReply, Refused):  # not acknowledged: unknown until a status tells
            await self.off()
        return identity

    async def poll(self) -> list[Sample]:
        """One question."""
        try:
            status = await self._sine.status()
        except (NoReply, BadReply, Refused):
            return []
        t_s = self.port.t_request_s
        self._judge(status.on, t_s)
        if not status.as_set:
            self._lapsed = True
            return [Sample(f"{self.name}.rf_on", float(status.on), t_s)]
        if not self._sine.is_as_told(status):
            self._set_w = None  # is told again
        power_w = status.amplitude_v**2 / codec.OHM * 10.0 ** (self.options.gain_db / 10.0)
        flowing_w = power_w if status.on else 0.0
        values = (flowing_w, flowing_w, float(status.on), power_w)
        return [Sample(f"{self.name}.{spec.name}", value, t_s) for spec, value in zip(CHANNELS, values, strict=True)]

    async def _send_power(self, power_w: float, allowed: Allowed) -> None:
        await self._sine.tell(amplitude_v(power_w, self.options.gain_db), allowed)

    async def _send_on(self, allowed: Allowed) -> None:
        await self._sine.on(allowed)

    def _off_steps(self) -> Sequence[OffStep]:
        return self._sine.off_steps()

    def safe_off_plan(self) -> SafeOffPlan:
        """Output off."""
        return self._sine.plan()
