"""A third-party law that turns bad when told to: how the process tests hang a daemon that has no hook for it.

It holds constant power until a file ``order`` appears in ``$UNRULY_DIR``. Then it notes the time (CLOCK_MONOTONIC) in
``begun`` and does what the order says, once.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from controller.daemon import ticker
from controller.laws.base import Observation
from controller.laws.constant_power import ConstantPower, ConstantPowerParams
from drivers.transport.port import LinkPort
from safety.types import Demand, Permit

HANG_S = 30


class UnrulyParams(ConstantPowerParams):
    """Those of constant power."""

    kind: Literal["unruly"]  # type: ignore[assignment]


def block_loop() -> None:
    """The event loop stands still; other threads run on."""
    time.sleep(HANG_S)


def hold_gil() -> None:
    """No thread of the interpreter runs any more."""
    ctypes.PyDLL(None).sleep(HANG_S)


def spin() -> None:
    """The loop computes without end: at a real-time priority it would keep its processor."""
    until_s = time.monotonic() + HANG_S
    while time.monotonic() < until_s:
        pass


def lose_wakeup() -> None:
    """The await of the next tick never ends; the loop itself runs on."""

    def never(self: object, t_s: float, wake: Callable[[], None]) -> None:
        return

    ticker.TimerfdAlarm.at = never  # type: ignore[method-assign]
    ticker.LoopAlarm.at = never  # type: ignore[method-assign]


def lose_replies() -> None:
    """Every exchange with a device waits for ever, off included; loop and ticks run on."""

    async def never(*args: Any, **kwargs: Any) -> None:
        await asyncio.get_running_loop().create_future()

    LinkPort.exchange = never  # type: ignore[assignment]


ORDERS = {order.__name__: order for order in (block_loop, hold_gil, spin, lose_wakeup, lose_replies)}


class Unruly(ConstantPower):
    """Constant power, until the order comes."""

    PARAMS = UnrulyParams
    _folder = Path(os.environ.get("UNRULY_DIR", "/nonexistent"))

    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        demand = super().step(observation, permit, dt_s)
        try:
            order = (self._folder / "order").read_text()
        except OSError:
            return demand
        (self._folder / "order").unlink()
        draft = self._folder / "begun.new"
        draft.write_text(repr(time.monotonic()))
        draft.replace(self._folder / "begun")
        ORDERS[order]()
        return demand
