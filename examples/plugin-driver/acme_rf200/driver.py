"""acme-rf200: a generator whose output is a set-point and a switch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from pydantic import Field

from drivers.asking import ask, refuse_if_on, speaking
from drivers.contract import BadReply, ChannelSpec, Declaration, Identity, NoReply, Options, Refused
from drivers.guarded import Allowed, GuardedSource, OffStep
from drivers.transport.base import Port
from drivers.transport.open import reopen_target
from safety.safeoff import Readback, SafeOffPlan
from safety.types import Sample

from acme_rf200 import codec

TIMEOUT_S = 0.1
PERIOD_S = 0.05  # how often the daemon polls: the shortest period of all channels
READABLE_W = 10000.0


class AcmeRf200Options(Options):
    """``options:`` in the bench file; unknown keys are errors."""

    power_limit_w: int = Field(100, ge=1, le=1000)


class AcmeRf200(GuardedSource):
    """See the module's text."""

    MODEL: ClassVar[str] = "acme-rf200"
    OPTIONS: ClassVar[type[Options]] = AcmeRf200Options
    BAUD: ClassVar[int] = codec.BAUD
    API_VERSION: ClassVar[int] = 1

    options: AcmeRf200Options

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._max_w = float(self.options.power_limit_w)

    def declaration(self) -> Declaration:
        """From this alone this generator's interlocks are built: staleness, range, and what must follow a set-point."""
        return Declaration(
            model=self.MODEL,
            role="source",
            channels=(
                ChannelSpec("forward_power_w", 0.0, READABLE_W, PERIOD_S),
                ChannelSpec("reverse_power_w", 0.0, READABLE_W, PERIOD_S),
                ChannelSpec("power_w", 0.0, READABLE_W, PERIOD_S),
                ChannelSpec("rf_on", 0.0, 1.0, PERIOD_S, two_valued=True),
            ),
            native_deadman_s=None,  # after what host silence does it turn off by itself? None: never
            power_max_w=self._max_w,
            power_step_w=self.STEP_W,
            modality="rf",
        )

    async def connect(self) -> Identity:
        """Identify, and prove the output off. Never energises."""
        with speaking(self.name, "acme-rf200 generator", self.port.url):
            identity = await ask(self.port, codec.ASK_IDENTITY, codec.take_identity, timeout_s=TIMEOUT_S)
            self.port.set_marker(codec.ASK_IDENTITY, codec.skip_to_identity)
            await refuse_if_on(self.name, self._is_on, self.off)
            await self.off()
        return Identity(identity.decode("ascii", "replace"))

    async def _is_on(self) -> bool:
        return await ask(self.port, codec.ASK_RF, codec.take_rf, timeout_s=TIMEOUT_S)

    async def poll(self) -> list[Sample]:
        """One acquisition cycle; what is missing from it is missed by the kernel."""
        samples: list[Sample] = []
        try:
            forward_w, reverse_w = await self.port.exchange(codec.ASK_POWER, codec.take_power, timeout_s=TIMEOUT_S)
            t_s = self.port.t_request_s
            samples.append(Sample(f"{self.name}.forward_power_w", forward_w, t_s))
            samples.append(Sample(f"{self.name}.reverse_power_w", reverse_w, t_s))
            samples.append(Sample(f"{self.name}.power_w", max(0.0, forward_w - reverse_w), t_s))
            on = await self.port.exchange(codec.ASK_RF, codec.take_rf, timeout_s=TIMEOUT_S)
            self._judge(on, self.port.t_request_s)
            samples.append(Sample(f"{self.name}.rf_on", float(on), self.port.t_request_s))
        except (NoReply, BadReply, Refused):
            pass
        return samples

    async def _send_power(self, power_w: float, allowed: Allowed) -> None:
        await self._order(codec.set_power(round(power_w)), allowed)

    async def _send_on(self, allowed: Allowed) -> None:
        await self._order(codec.RF_ON, allowed)

    async def _order(self, command: bytes, allowed: Allowed) -> None:
        await self.port.exchange(command, codec.take_done, timeout_s=TIMEOUT_S, before_send=allowed)

    def _off_steps(self) -> Sequence[OffStep]:
        return tuple(
            partial(self.port.exchange, command, codec.take_done, timeout_s=TIMEOUT_S, urgent=True)
            for command in (codec.RF_OFF, codec.set_power(0))
        )

    def safe_off_plan(self) -> SafeOffPlan:
        """What the watchdog writes when this process is gone: an end of line for half a command, then off, twice."""
        return SafeOffPlan(
            device=self.name,
            resync=b"\r\n",
            off=(codec.RF_OFF, codec.RF_OFF),
            readbacks=(  # the answer RF 0: six bytes, the fourth of them a digit that must be 0
                Readback(codec.ASK_RF, prefix=b"RF ", reply_length=6, offset=3, width=1, mask=0x01, at_most=0),
            ),
            reopen=reopen_target(self.port.url),
            baud=self.BAUD,
        )
