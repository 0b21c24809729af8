"""Numato USB relay module as enable line, model name ``numato-relay``.

The module itself holds its last state for ever. ``native_timeout_s`` declares a timer relay behind it that opens when
it is not refreshed; without one, the line protects against everything but the death of daemon and watchdog together.

Nothing here ever empties an output buffer: a "relay off" that was just written would be lost with it.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from drivers.asking import ask, speaking
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
from drivers.numato_gpio import codec as terminal
from drivers.numato_relay import codec
from drivers.transport.base import Port
from drivers.transport.open import reopen_target
from safety.safeoff import EnablePlan
from safety.types import Sample

TIMEOUT_S = 0.1
SETTLE_S = 0.05  # a relay needs 5 to 15 ms, a USB frame 1 ms
PERIOD_S = 0.1


class NumatoRelayOptions(Options):
    """``options:`` of a ``numato-relay`` in the bench file."""

    relay: int = Field(0, ge=0, le=31)  # as the module counts, from 0
    native_timeout_s: float | None = Field(None, gt=0, le=10)
    board_id: str | None = None  # as ``id get`` tells it


class NumatoRelay(EnableLine):
    """See the module's text."""

    MODEL: ClassVar[str] = "numato-relay"
    OPTIONS: ClassVar[type[Options]] = NumatoRelayOptions
    BAUD: ClassVar[int] = 115200  # of no consequence on USB
    API_VERSION: ClassVar[int] = 1

    options: NumatoRelayOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        relay = self.options.relay
        self._read = codec.command("read", relay) + b"\r"
        self._close = codec.command("on", relay) + b"\r"
        self._open = b"\r" + codec.command("off", relay) + b"\r"  # the first CR ends half a line that may be there
        self._eol = codec.EOLS[0]

    def declaration(self) -> Declaration:
        """``closed_on`` is published from the watchdog's reading on a live bench."""
        return Declaration(
            model=self.MODEL,
            role="enable",
            channels=(ChannelSpec("closed_on", 0.0, 1.0, PERIOD_S, two_valued=True),),
            native_deadman_s=self.options.native_timeout_s,
        )

    async def connect(self) -> Identity:
        """Identify, open the contact, learn how the module ends its lines, and prove the contact open.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        self.port.set_marker(terminal.request("ver"), lambda buffer: terminal.skip_to_answer(buffer, "ver", 8))
        await self.off()
        await self.port.send(b"", quiet_s=SETTLE_S)
        with speaking(self.name, "Numato relay module", self.port.url):
            version, board_id = await self._ask("ver"), await self._ask("id get")
        if self.options.board_id is not None and self.options.board_id != board_id:
            remedy = "plug the named module in, or correct board_id in the bench file"
            raise DeviceError(self.name, f"expected module {self.options.board_id!r}, found {board_id!r}", remedy)
        try:
            closed, self._eol = await ask(self.port, self._read, self._state, timeout_s=TIMEOUT_S)
        except (NoReply, BadReply) as error:
            relay = self.options.relay
            remedy = "correct options.relay in the bench file; a GPIO module has no relays, take numato-gpio for it"
            raise DeviceError(
                self.name, f"the module on {self.port.url} has no relay {relay} ({error})", remedy
            ) from error
        if closed:
            remedy = "the module does not obey; replace it, and check that the enable line is open"
            raise DeviceError(self.name, "the enable contact reads closed after it was opened", remedy)
        return Identity("Numato relay", board_id, version)

    async def _ask(self, command: str) -> str:
        request = terminal.request(command)
        return await ask(self.port, request, lambda b: terminal.take_answer(b, command, 8), timeout_s=TIMEOUT_S)

    def _state(self, buffer: bytearray) -> tuple[bool, bytes] | None:
        return codec.take_state(buffer, self.options.relay)

    async def poll(self) -> list[Sample]:
        """The contact's state, as the module believes it."""
        try:
            closed, _ = await self.port.exchange(self._read, self._state, timeout_s=TIMEOUT_S)
        except (NoReply, BadReply, Refused):
            return []
        return [Sample(f"{self.name}.closed_on", float(closed), self.port.t_request_s)]

    async def off(self) -> None:
        """Open the contact."""
        await self.port.send(self._open, urgent=True)

    def enable_plan(self) -> EnablePlan:
        """The state is the second letter of ``on`` or ``off`` behind the echo of the question. Complete after
        ``connect``.
        """
        echo = self._read.rstrip(b"\r") + self._eol
        return EnablePlan(
            device=self.name,
            close=self._close,
            open=self._open,
            query=self._read,
            reply_length=len(echo) + 2,
            offset=len(echo) + 1,
            closed_value=ord("n"),
            reopen=reopen_target(self.port.url),
            baud=self.BAUD,
            prefix=echo,
        )
