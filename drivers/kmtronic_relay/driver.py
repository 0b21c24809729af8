"""KMTronic USB relay as enable line, model name ``kmtronic-relay``.

The board itself holds its last state for ever. ``native_timeout_s`` declares a board or a timer relay behind it that
opens when it is not refreshed; without one, the line protects against everything but the death of daemon and watchdog
together.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from drivers.asking import silent
from drivers.contract import (
    BadReply,
    ChannelSpec,
    Declaration,
    DeviceError,
    EnableLine,
    Identity,
    NoReply,
    Options,
    Refused,
)
from drivers.kmtronic_relay import codec
from drivers.kmtronic_relay.board import TIMEOUT_S, everything_said
from drivers.transport.base import Port
from drivers.transport.open import reopen_target
from safety.safeoff import EnablePlan
from safety.types import Sample

SETTLE_S = 0.05  # a relay needs 5 to 15 ms, three bytes at 9600 baud 3 ms
PERIOD_S = 0.1
TRIES = 3


class KmtronicOptions(Options):
    """``options:`` of a ``kmtronic-relay`` in the bench file."""

    relay: int = Field(1, ge=1, le=8)
    native_timeout_s: float | None = Field(None, gt=0, le=10)


class KmtronicRelay(EnableLine):
    """See the module's text."""

    MODEL: ClassVar[str] = "kmtronic-relay"
    OPTIONS: ClassVar[type[Options]] = KmtronicOptions
    BAUD: ClassVar[int] = codec.BAUD
    API_VERSION: ClassVar[int] = 1

    options: KmtronicOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._shape = codec.Shape(0, 4)
        self._open = codec.command(self.options.relay, close=False)

    def declaration(self) -> Declaration:
        """``closed_on`` is published from the watchdog's reading on a live bench."""
        return Declaration(
            model=self.MODEL,
            role="enable",
            channels=(ChannelSpec("closed_on", 0.0, 1.0, PERIOD_S, two_valued=True),),
            native_deadman_s=self.options.native_timeout_s,
        )

    async def connect(self) -> Identity:
        """Open the contact, learn how the board tells its states, and prove the contact open.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        for _ in range(TRIES):
            await self.off()
            await self.port.send(b"", quiet_s=SETTLE_S)
            seen = await everything_said(self.port)
            try:
                self._shape = codec.shape_of(seen)
            except BadReply as error:
                failure = error
            else:
                break
        else:
            raise silent(self.name, "KMTronic relay board", self.port.url, failure)
        if self.options.relay > self._shape.relays:
            remedy = "correct options.relay in the bench file"
            has = f"the board on {self.port.url} has {self._shape.relays} relays ({seen.hex(' ')})"
            raise DeviceError(self.name, f"{has}, and relay {self.options.relay} is asked for", remedy)
        if seen[self._offset]:
            remedy = "the board does not obey; replace it, and check that the enable line is open"
            raise DeviceError(self.name, "the enable contact reads closed after it was opened", remedy)
        return Identity(f"KMTronic {self._shape.relays} relays")

    async def poll(self) -> list[Sample]:
        """The contact's state."""
        try:
            states = await self.port.exchange(
                codec.QUERY, lambda buffer: codec.take_states(buffer, self._shape), timeout_s=TIMEOUT_S
            )
        except (NoReply, BadReply, Refused):
            return []
        closed = states[self.options.relay - 1]
        return [Sample(f"{self.name}.closed_on", 1.0 if closed else 0.0, self.port.t_request_s)]

    async def off(self) -> None:
        """Open the contact."""
        await self.port.send(self._open * 2, urgent=True)

    @property
    def _offset(self) -> int:
        return self._shape.prefix + self.options.relay - 1

    def enable_plan(self) -> EnablePlan:
        """``open`` is written twice, so that half a frame before it cannot swallow it. Complete after ``connect``."""
        return EnablePlan(
            device=self.name,
            close=codec.command(self.options.relay, close=True),
            open=self._open * 2,
            query=codec.QUERY,
            reply_length=self._shape.length,
            offset=self._offset,
            closed_value=1,
            reopen=reopen_target(self.port.url),
            baud=self.BAUD,
        )
