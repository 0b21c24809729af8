"""Function generator (33500B), AR amplifier and InfiniiVision oscilloscope as one power source, model ``rf-chain``.

The set-point is forward power, as for other generators: what the load absorbs is never more. The generator's amplitude
follows it by the nominal gain and then by what is measured (:mod:`drivers.rf_chain.regulator`). Three instruments
witness independently: the generator whether its output is on, the amplifier forward and reverse power in whole watts,
the oscilloscope voltage, current and phase at the load, and with them absorbed power and complex impedance.

None of the three has a watchdog: the output stays on when the host falls silent, so a bench needs an enable line.
"""

from __future__ import annotations

import asyncio
import cmath
import contextlib
import math
from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field, model_validator

from drivers.ar_amplifier import amplifier
from drivers.ar_amplifier.amplifier import Amplifier, AmplifierOptions
from drivers.contract import BadReply, ChannelSpec, Declaration, Identity, LinkLost, NoReply, Options, Refused
from drivers.guarded import Allowed, GuardedSource, OffStep
from drivers.infiniivision.codec import Reading
from drivers.infiniivision.meter import Meter, MeterOptions
from drivers.keysight_33500b import codec as generator
from drivers.keysight_33500b.driver import check_reach
from drivers.keysight_33500b.output import SineOptions, SineOutput
from drivers.rf_chain.operation import Operation
from drivers.rf_chain.regulator import LEAST_W, Regulator
from drivers.transport.base import Port
from safety.safeoff import SafeOffPlan
from safety.types import Quality, Sample

PERIOD_S = 0.1
READABLE_W, READABLE_OHM, READABLE_V, READABLE_A = 99_999.0, 1e5, 1e4, 1e3
PHASE_SLACK = 0.02  # part of the apparent power by which absorbed power may seem negative: noise near 90 degrees

CHANNELS = (
    ChannelSpec("forward_power_w", 0.0, READABLE_W, PERIOD_S),
    ChannelSpec("reverse_power_w", 0.0, READABLE_W, PERIOD_S),
    ChannelSpec("power_w", 0.0, READABLE_W, PERIOD_S),
    ChannelSpec("impedance_ohm", 0.0, READABLE_OHM, PERIOD_S),
    ChannelSpec("reactance_ohm", -READABLE_OHM, READABLE_OHM, PERIOD_S),
    ChannelSpec("voltage_v", 0.0, READABLE_V, PERIOD_S),
    ChannelSpec("current_a", 0.0, READABLE_A, PERIOD_S),
    ChannelSpec("rf_on", 0.0, 1.0, PERIOD_S, two_valued=True),
    ChannelSpec("amplifier_on", 0.0, 1.0, PERIOD_S, two_valued=True),
    ChannelSpec("amplifier_fault_flag", 0.0, 1.0, PERIOD_S, two_valued=True),
)


class RfChainOptions(SineOptions, AmplifierOptions, MeterOptions):
    """``options:`` of an ``rf-chain`` in the bench file, whose ``port:`` is the generator's."""

    amplifier_port: str = Field(min_length=1)
    meter_port: str = Field(min_length=1)
    power_limit_w: float = Field(75.0, ge=1, le=1000)

    @model_validator(mode="after")
    def _reachable(self) -> RfChainOptions:
        check_reach(self, self.power_limit_w)
        return self


class RfChain(GuardedSource):
    """See the module's text."""

    MODEL: ClassVar[str] = "rf-chain"
    OPTIONS: ClassVar[type[Options]] = RfChainOptions
    BAUD: ClassVar[int] = 19200  # of the amplifier, where it is on a serial line
    MORE_PORTS: ClassVar[tuple[str, ...]] = ("amplifier_port", "meter_port")
    API_VERSION: ClassVar[int] = 1

    options: RfChainOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        chosen = self.options
        self._max_w = chosen.power_limit_w
        self._sine = SineOutput(name, port, chosen)
        gain = 10.0 ** (chosen.gain_db / 10.0) / generator.OHM
        self._regulator = Regulator(gain, self._sine.most_v)
        self._amplifier: Amplifier | None = None
        self._meter: Meter | None = None
        self._operation = Operation(chosen.amplifier_settle_s if chosen.amplifier_standby else None)

    def declaration(self) -> Declaration:
        """The response time holds the amplifier's way from standby to operation."""
        settle_s = self.options.amplifier_settle_s if self.options.amplifier_standby else 0.0
        return Declaration(
            model=self.MODEL,
            role="source",
            channels=CHANNELS,
            power_max_w=self._max_w,
            power_step_w=self.STEP_W,
            response_s=0.8 + settle_s,
            impedance_under_power=True,
            modality="rf",
            frequency_hz=self.options.frequency_hz,
            notes=(
                "no watchdog in any of the three: the output stays on when the host falls silent",
                "the set-point is forward power; absorbed power and impedance are measured where the probes are",
            ),
        )

    # ---- connecting

    async def connect(self) -> Identity:
        """Identify all three; the generator first, which is refused when it is on (after turning it off).

        Raises:
            DeviceError: with the remedy, naming the port.
            LinkLost: a port has gone.
        """
        options = self.options
        self._amplifier = Amplifier(self.name, self.ports["amplifier_port"], options)
        reach_v = 2.0 * math.sqrt(1.2 * generator.OHM * options.power_limit_w)  # at an open end of the line
        self._meter = Meter(
            self.name,
            self.ports["meter_port"],
            options,
            frequency_hz=options.frequency_hz,
            voltage_pp=reach_v * generator.VPP_PER_VRMS,
            current_pp=reach_v / generator.OHM * generator.VPP_PER_VRMS,
        )
        source = await self._sine.connect()
        self._lapsed = False
        with contextlib.suppress(NoReply, BadReply, Refused):  # not acknowledged: unknown until a status tells
            await self.off()
        strong, seen = await self._amplifier.connect(), await self._meter.connect()
        extra = {"amplifier": strong.model, "meter": seen.model, "meter_serial": seen.serial}
        return Identity(source.model, source.serial, source.firmware, extra)

    async def close(self) -> None:
        """Leave the amplifier in standby if it was this driver that took it out of it, and release the ports."""
        if self._operation.asked_s > -math.inf:
            self._operation.asked_s = -math.inf
            await self._standby()
        await super().close()

    # ---- acquisition

    async def poll(self) -> list[Sample]:
        """All three at once. One that does not answer costs the others its time-out, not their samples."""
        parts = await asyncio.gather(
            self._poll_generator(), self._poll_amplifier(), self._poll_meter(), return_exceptions=True
        )
        samples: list[Sample] = []
        for part in parts:
            if isinstance(part, BaseException):
                if not isinstance(part, (NoReply, BadReply, Refused)):
                    raise part
            else:
                samples += part
        self._learn({sample.channel.rpartition(".")[2]: sample for sample in samples})
        return samples

    def _sample(self, channel: str, value: float, t_s: float) -> Sample:
        quality = Quality.GOOD if math.isfinite(value) else Quality.BAD
        return Sample(f"{self.name}.{channel}", value, t_s, quality)

    async def _poll_generator(self) -> list[Sample]:
        status = await self._sine.status()
        t_s = self.port.t_request_s
        self._judge(status.on, t_s)
        self._lapsed = self._lapsed or not status.as_set
        if not self._sine.is_as_told(status):
            self._set_w = None  # is told again
        return [self._sample("rf_on", float(status.on), t_s)]

    async def _poll_amplifier(self) -> list[Sample]:
        """State first: what follows may fail without hiding it."""
        samples: list[Sample] = []
        device = self._amplifier
        if device is None:
            return samples

        def put(channel: str, value: float) -> None:
            samples.append(self._sample(channel, value, device.port.t_request_s))

        with contextlib.suppress(NoReply, BadReply, Refused):
            state = await device.state()
            t_s = device.port.t_request_s
            operation = self._operation
            operation.seen(state.operating, t_s)
            if self._on and not operation.proven:
                self._judge(False, t_s)
            if operation.must_ask(t_s):
                operation.asked(self.port.now())
                await device.operate(lambda: operation.wanted)
            on = state.operating if self.options.amplifier_standby else state.powered
            samples += [
                self._sample("amplifier_on", float(on), t_s),
                self._sample("amplifier_fault_flag", float(state.fault), t_s),
            ]
            put("forward_power_w", float(await device.forward_w()))
            put("reverse_power_w", float(await device.reverse_w()))
        return samples

    async def _poll_meter(self) -> list[Sample]:
        if self._meter is None:
            return []
        signal = self._on is True
        reading = await self._meter.read(signal=signal)
        t_s = self._meter.port.t_request_s
        told = _of_load(reading) if signal else _at_most(reading)
        return [self._sample(channel, value, t_s) for channel, value in told.items()]

    def _learn(self, told: dict[str, Sample]) -> None:
        """Hand the larger of both measurements of forward power to the regulator: the oscilloscope's incident wave,
        and the amplifier's meter, which rounds to whole watts."""
        names = ("forward_power_w", "power_w", "voltage_v", "current_a", "reactance_ohm")
        seen = [told.get(name) for name in names]
        if any(sample is None or sample.quality is not Quality.GOOD for sample in seen) or not self._on:
            return
        metered_w, power_w, voltage_v, current_a = (sample.value for sample in seen[:4] if sample is not None)
        ohm = generator.OHM
        incident_w = (voltage_v**2 + (ohm * current_a) ** 2 + 2.0 * ohm * power_w) / (4.0 * ohm)
        first_s = min(sample.t_request_s for sample in seen if sample is not None)
        self._regulator.learn(max(incident_w, metered_w - 0.5), first_s)

    # ---- power (drivers.guarded says when; here is how)

    def _must_tell_again(self, power_w: float) -> bool:
        return self._on is True and self._regulator.off_target(power_w)

    async def _send_power(self, power_w: float, allowed: Allowed) -> None:
        volt = self._regulator.wanted_v(power_w)
        if self._on and self._regulator.measured_gain is None and volt == self._regulator.amplitude_v:
            return  # stands still until it is measured, which each telling would put off
        self._regulator.changing()
        await self._sine.tell(volt, allowed)
        if self._on:
            self._regulator.begun(volt, self.port.now())

    async def _may_turn_on(self, allowed: Allowed) -> bool:
        """The amplifier must be seen in operation, so that power comes when the generator does, not seconds later. It
        is asked for that, and seen, by the polls: no tick waits for it."""
        self._operation.want(self.epoch)
        return self._operation.proven

    async def _send_on(self, allowed: Allowed) -> None:
        await self._sine.on(allowed)
        if self._sine.told_v is not None:
            self._regulator.begun(self._sine.told_v, self.port.now())

    def _off_steps(self) -> Sequence[OffStep]:
        self._operation.forgo()
        self._regulator.reset()
        return self._sine.off_steps()

    async def off(self) -> None:
        """Turn the generator's output off; if that is not acknowledged, take the amplifier out of operation as well.

        Raises:
            NoReply, BadReply, Refused, LinkLost: not acknowledged by the generator; the output counts as unknown.
        """
        try:
            await super().off()
        except (NoReply, BadReply, Refused, LinkLost):
            await self._standby()
            raise

    async def _standby(self) -> None:
        self._operation.wanted = False
        self._operation.doubt()  # its digits lag
        if self._amplifier is not None:
            with contextlib.suppress(LinkLost):
                await self._amplifier.standby()

    def safe_off_plan(self) -> SafeOffPlan:
        """The generator's."""
        return self._sine.plan()

    def safe_off_plans(self) -> tuple[tuple[SafeOffPlan, Port], ...]:
        """The generator's and the amplifier's: either alone stops the energy."""
        port = self.ports["amplifier_port"]
        return (self.safe_off_plan(), self.port), (amplifier.plan(f"{self.name}-amplifier", port, self.BAUD), port)


def _of_load(reading: Reading) -> dict[str, float]:
    """Under power: absorbed power and complex impedance; NaN where the oscilloscope has no reading, is stopped, or says
    that the load gives power (a current probe the wrong way round)."""
    if not reading.running:
        reading = Reading(math.nan, math.nan, math.nan, False)
    voltage_v, current_a, phase_deg, _ = reading
    apparent_va = voltage_v * current_a
    power_w = apparent_va * math.cos(math.radians(phase_deg))
    if power_w < 0.0:
        power_w = 0.0 if power_w >= -PHASE_SLACK * apparent_va else math.nan
    told = {"voltage_v": voltage_v, "current_a": current_a, "power_w": power_w}
    if current_a > 0.0 and apparent_va >= LEAST_W and math.isfinite(power_w):
        impedance = cmath.rect(min(READABLE_OHM, voltage_v / current_a), math.radians(phase_deg))
        told |= {"impedance_ohm": abs(impedance), "reactance_ohm": impedance.imag}
    return told


def _at_most(reading: Reading) -> dict[str, float]:
    """Without power there is no phase to measure; what is absorbed is at most voltage times current."""
    voltage_v, current_a = (reading.voltage_v, reading.current_a) if reading.running else (math.nan, math.nan)
    return {"voltage_v": voltage_v, "current_a": current_a, "power_w": voltage_v * current_a}
