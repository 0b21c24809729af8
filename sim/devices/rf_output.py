"""The output stage of an emulated RF generator: settling, limits, fold-back, the interlock relay, and what can break
in it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from sim.devices.base import NEVER

SETTLE_AT = (0.0, 0.5, 1.0, 2.0, 3.5, 6.0)
"""When, in time constants after a change, the output is updated; between two updates it holds its value half-way."""

SMALL_STEP_W = 2.0
"""Changes up to this settle within one reading's noise and are made at once."""


class Driven(Protocol):
    """What an output goes into: the world, or an amplifier's input."""

    @property
    def forward_w(self) -> float: ...
    @property
    def reverse_w(self) -> float: ...
    def advance(self, t_s: float) -> None: ...
    def drive(self, forward_w: float) -> None: ...


class RfOutput:
    """What leaves the amplifier. The wire format sets the wishes (``on``, ``setpoint_w``, limits) and calls
    :meth:`update`.

    Switching off takes no time (the drive is gated); a rise or a change between two powers follows a first-order lag of
    ``tau_s``. Reverse power above its limit folds the forward power back.
    """

    def __init__(self, world: Driven, *, tau_s: float, power_max_w: float, reverse_max_w: float) -> None:
        self.world = world
        self.tau_s = tau_s
        self.power_max_w = power_max_w
        self.forward_limit_w = power_max_w
        self.reverse_limit_w = reverse_max_w
        self.on = False
        self.setpoint_w = 0.0
        self.interlock_closed = True
        self.folded = False  # reverse power limit is active
        self.gain = 1.0  # fault over_deliver
        self.stuck = False  # fault ignore_off: off is acknowledged and not obeyed
        self.spontaneous_w = 0.0  # fault spontaneous_on
        self.due_s = NEVER
        self.on_change: Callable[[float], None] | None = None
        self._target_w = 0.0
        self._from_w = 0.0
        self._since_s = 0.0
        self._step = len(SETTLE_AT)

    @property
    def limited(self) -> bool:
        """True while the forward power limit holds the set-point down."""
        return self.on and self.setpoint_w > self.forward_limit_w

    def update(self, t_s: float) -> None:
        """Follow the wishes: call after every change of one."""
        target_w = self._wanted_w()
        if target_w == self._target_w:
            return
        self._from_w = self._level_w(t_s)
        self._target_w = target_w
        self._since_s = t_s
        settled = target_w == 0.0 or abs(target_w - self._from_w) <= SMALL_STEP_W
        self._step = len(SETTLE_AT) - 1 if settled else 0
        self._apply(t_s)

    def poll_due(self, t_s: float) -> None:
        """The next piece of settling, if it is due."""
        if t_s >= self.due_s:
            self._apply(t_s)

    def load_moved(self, t_s: float) -> None:
        """The load changed under a constant drive: check the fold-back again."""
        if self._target_w > 0.0:
            self._drive(t_s, self._target_w if self._step >= len(SETTLE_AT) else self._level_w(t_s))

    def _wanted_w(self) -> float:
        if not self.interlock_closed:
            return 0.0  # the interlock opens the supply of the output stage: no firmware can hold against it
        wanted_w = min(self.setpoint_w, self.forward_limit_w) * self.gain if self.on else 0.0
        if self.stuck and wanted_w == 0.0:
            wanted_w = self._target_w
        return max(wanted_w, self.spontaneous_w)

    def _level_w(self, t_s: float) -> float:
        if self._target_w == 0.0:
            return 0.0
        decay = math.exp(min(0.0, (self._since_s - t_s) / self.tau_s))
        return self._target_w + (self._from_w - self._target_w) * decay

    def _apply(self, t_s: float) -> None:
        step = self._step
        if step < len(SETTLE_AT) - 1:
            middle_s = self._since_s + self.tau_s * 0.5 * (SETTLE_AT[step] + SETTLE_AT[step + 1])
            self._step = step + 1
            self.due_s = self._since_s + self.tau_s * SETTLE_AT[step + 1]
            self._drive(t_s, self._level_w(middle_s))
        else:
            self._step = len(SETTLE_AT)
            self.due_s = NEVER
            self._from_w = self._target_w
            self._drive(t_s, self._target_w)

    def _drive(self, t_s: float, forward_w: float) -> None:
        world = self.world
        world.advance(t_s)
        world.drive(forward_w)
        reverse_w = world.reverse_w
        self.folded = reverse_w > self.reverse_limit_w
        if self.folded:
            world.drive(forward_w * self.reverse_limit_w / reverse_w)
        if self.on_change is not None:
            self.on_change(t_s)
