"""A KMTronic relay board as electrode switch, model name ``electrode-switch``: one generator serves several needles.

Contacts are changed break before make, and each change is verified by the board's own read-back. That read-back is the
board's output register: it shows a board that does not obey, not a contact that has welded. Use relays rated for the
generator's voltage and frequency, and never switch under power: relays that open on an arc weld. The daemon proves 0 W
before it selects; connecting moves no contact.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field, field_validator

from drivers.asking import silent
from drivers.contract import (
    BadReply,
    ChannelSpec,
    Declaration,
    DeviceError,
    ElectrodeSwitch,
    Identity,
    NoReply,
    Options,
    Refused,
)
from drivers.kmtronic_relay import codec
from drivers.kmtronic_relay.board import TIMEOUT_S, everything_said
from drivers.transport.base import Port
from safety.types import Sample

PERIOD_S = 0.1
TRIES = 3
BITS = 10.0


class SwitchOptions(Options):
    """``options:`` of an ``electrode-switch``: electrodes from 0 to relays from 1 (``needles: {0: 1, 1: 2, 2: 3}``)."""

    needles: dict[int, int] = Field(min_length=1, max_length=8)
    settle_s: float = Field(0.02, ge=0.005, le=0.15)  # a relay needs 5 to 15 ms, a contactor more

    @field_validator("needles")
    @classmethod
    def _sound(cls, needles: dict[int, int]) -> dict[int, int]:
        if sorted(needles) != list(range(len(needles))):
            raise ValueError(f"electrodes are counted from 0 without a gap, not {sorted(needles)}")
        for needle, relay in needles.items():
            if not 1 <= relay <= 8:
                raise ValueError(f"electrode {needle}: relay {relay} is not among 1 to 8")
        if len(set(needles.values())) < len(needles):
            raise ValueError("two electrodes share a relay")
        return needles


class RelaySwitch(ElectrodeSwitch):
    """See the module's text."""

    MODEL: ClassVar[str] = "electrode-switch"
    OPTIONS: ClassVar[type[Options]] = SwitchOptions
    BAUD: ClassVar[int] = codec.BAUD
    API_VERSION: ClassVar[int] = 1

    options: SwitchOptions

    def __init__(self, name: str, port: Port, options: Options) -> None:
        super().__init__(name, port, options)
        self._relays = self.options.needles
        self._names = [(f"{name}.electrode_{needle}_on", self._relays[needle] - 1) for needle in sorted(self._relays)]
        self._shape = codec.Shape(0, 4)

    def declaration(self) -> Declaration:
        """One two-valued channel for each electrode."""
        return Declaration(
            model=self.MODEL,
            role="switch",
            channels=tuple(
                ChannelSpec(f"electrode_{needle}_on", 0.0, 1.0, PERIOD_S, two_valued=True)
                for needle in sorted(self._relays)
            ),
            electrodes=len(self._relays),
            notes=("reads back what was commanded: a welded contact does not show",),
        )

    async def connect(self) -> Identity:
        """Learn how the board tells its states. Contacts stay as they are.

        Raises:
            DeviceError: with the remedy.
            LinkLost: the port has gone.
        """
        for _ in range(TRIES):
            try:
                seen = await everything_said(self.port)
                self._shape = codec.shape_of(seen)
            except BadReply as error:
                failure = error
            else:
                break
        else:
            raise silent(self.name, "KMTronic relay board", self.port.url, failure)
        highest = max(self._relays.values())
        if highest > self._shape.relays:
            remedy = "correct options.needles in the bench file"
            has = f"the board on {self.port.url} has {self._shape.relays} relays ({seen.hex(' ')})"
            raise DeviceError(self.name, f"{has}, and relay {highest} is asked for", remedy)
        return Identity(f"KMTronic {self._shape.relays} relays")

    async def poll(self) -> list[Sample]:
        """What the board believes of each electrode. About 8 ms of wire time."""
        try:
            states = await self._states()
        except (NoReply, BadReply, Refused):
            return []
        t_s = self.port.t_request_s
        return [Sample(name, float(states[at]), t_s) for name, at in self._names]

    async def select(self, channels: tuple[int, ...]) -> None:
        """See :meth:`drivers.contract.ElectrodeSwitch.select`. About 0.1 s."""
        wanted = set(channels)
        if unknown := wanted - set(self._relays):
            there = f"electrodes 0 to {len(self._relays) - 1}"
            raise Refused(f"{self.name}: there is no electrode {min(unknown)}, the board serves {there}")
        others = self._relays.keys() - wanted
        await self._move(others, close=False)
        await self._verify(wanted, may_differ=wanted)
        if wanted:
            await self._move(wanted, close=True)
            await self._verify(wanted)

    async def _move(self, needles: Iterable[int], *, close: bool) -> None:
        frames = b"".join(codec.command(self._relays[needle], close=close) for needle in sorted(needles))
        if frames:
            await self.port.send(frames, quiet_s=self.options.settle_s + len(frames) * BITS / self.BAUD)

    async def _verify(self, wanted: set[int], may_differ: Iterable[int] = ()) -> None:
        states = await self._states()
        for needle in self._relays.keys() - set(may_differ):
            closed = states[self._relays[needle] - 1]
            if closed is not (needle in wanted):
                told, does = ("close", "open") if needle in wanted else ("open", "closed")
                raise Refused(f"{self.name}: told to {told} electrode {needle}, its relay reads {does}")

    async def _states(self) -> tuple[bool, ...]:
        return await self.port.exchange(
            codec.QUERY, lambda buffer: codec.take_states(buffer, self._shape), timeout_s=TIMEOUT_S
        )
