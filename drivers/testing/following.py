"""What rooms for generators stand on: set-points minted for a test, and followed as the daemon has them followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from drivers.contract import PowerSource
from drivers.testing.desk import Desk, Kit
from safety.types import Setpoint

SETPOINT_S = 0.15  # how long a permission lasts


class Following(Kit):
    """The device behind ``link_factory`` takes ``power_w``."""

    power_w: ClassVar[float] = 20.0
    tick_hz: ClassVar[float] = 20.0
    """Of the benches that the driver is for, as in their files; lower it for a slow line, and say so in your README."""
    acknowledge: ClassVar[bytes] = b""
    """What the host answers a reply with, in wire formats where it does."""
    mint: ClassVar[Callable[[float, int, float, str], Setpoint]]

    @staticmethod
    def _source(desk: Desk) -> PowerSource:
        assert isinstance(desk.driver, PowerSource)
        return desk.driver

    def _setpoint(
        self, source: PowerSource, power_w: float, *, epoch: int | None = None, for_s: float = SETPOINT_S
    ) -> Setpoint:
        expires_at_s = source.port.now() + for_s
        return type(self).mint(power_w, source.epoch if epoch is None else epoch, expires_at_s, "conformance")

    async def at_work(self, desk: Desk) -> None:
        """``power_w`` flows, and has been for a second."""
        await self._follow(desk)

    async def _follow(
        self, desk: Desk, orders: list[bytes] | None = None, *, for_s: float = SETPOINT_S
    ) -> dict[str, float]:
        """Apply and poll as the daemon does until power has flowed for a second; what was told last. ``orders`` gets
        what :meth:`apply` wrote until the output was told to be on."""
        source, told = self._source(desk), dict[str, float]()
        until_s = source.port.now() + source.declaration().response_s + 1.5
        while source.port.now() < until_s:
            first = len(desk.link.written)
            await source.apply(self._setpoint(source, self.power_w, for_s=for_s))
            if orders is not None and not told.get("dut.rf_on"):
                orders += self._requests(desk, first)
            told |= {s.channel: s.value for s in await source.poll()}
            await asyncio.sleep(0.05)
        why = f"{self.power_w} W, told again and again, have not turned the output on (or it went off): {told}"
        assert told["dut.rf_on"] == 1.0, why
        return told

    def _requests(self, desk: Desk, first: int) -> list[bytes]:
        return [w.data for w in desk.link.written[first:] if not w.further and w.data != self.acknowledge]
