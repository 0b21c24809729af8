"""The pump follows a wish, on its own acquisition task, so that nobody else ever talks to its port."""

from __future__ import annotations

from drivers.contract import CoolantPump


class Coolant:
    """``wish_ml_min`` is set by the tick; the pump is told when the wish changed, again after every failure."""

    def __init__(self, pump: CoolantPump) -> None:
        self.wish_ml_min = 0.0
        self._pump = pump
        self._told_ml_min: float | None = None

    async def follow(self) -> None:
        """Bring the pump to the wish. Raises what the driver raises; the next cycle tries again."""
        wish = self.wish_ml_min
        if wish != self._told_ml_min:
            self._told_ml_min = None
            await self._pump.run(wish)
            self._told_ml_min = wish
