"""The bath of an emulated circulator: first order towards where it regulates, and the coolant bag of the world.

Options of every circulator: ``start_c`` (20), ``lag_s`` (60; how fast the bath follows while it regulates), ``room_c``
(22), ``standing_s`` (1800; how fast it goes to room temperature in standby). Assumed throughout: the coolant that comes
back does not warm the bath, and cooling power has no limit; a heater that is stuck is stronger than the cooler, and
stops at 95 degC (the over-temperature cut-out); a bath that is filled up again regulates again.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any

from sim.devices.base import Emulator, World

STEP_S = 1.0
LOWEST_C, HIGHEST_C = -20.0, 95.0  # of the world's coolant


class Circulator(Emulator):
    """``bath_c`` as of the last call; ``target_c`` is where it regulates, None in standby. ``low_level``: by option, or
    as long as the fault lasts.
    """

    ROLE = "chiller"
    BATH_OPTIONS = frozenset({"start_c", "lag_s", "room_c", "standing_s", "latency_s"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.bath_c = float(options.get("start_c", 20.0))
        self.lag_s = float(options.get("lag_s", 60.0))
        self.room_c = float(options.get("room_c", 22.0))
        self.standing_s = float(options.get("standing_s", 1800.0))
        self.low_level = False
        self._bath_s = 0.0
        self.due_s = 0.0

    @property
    @abc.abstractmethod
    def target_c(self) -> float | None:
        """Where it regulates."""

    @abc.abstractmethod
    def panel(self, setpoint_c: float | None) -> None:
        """Somebody takes over at the panel and sets this; None: hands over again."""

    def set_fault(self, kind: str, channel: str, value: float, t_s: float) -> None:
        """See :meth:`Emulator.set_fault`; what was before, was without the fault."""
        self.settle(t_s)
        if kind == "low_level":
            self.low_level = True
        elif kind == "panel":
            self.panel(value)
        super().set_fault(kind, channel, value, t_s)

    def clear_fault(self, kind: str, channel: str, t_s: float) -> None:
        """See :meth:`Emulator.clear_fault`."""
        self.settle(t_s)
        if kind == "low_level":
            self.low_level = False
        elif kind == "panel":
            self.panel(None)
        super().clear_fault(kind, channel, t_s)

    def settle(self, t_s: float) -> None:
        """The bath up to ``t_s``; call it before anything about it changes or is read."""
        dt_s, self._bath_s = max(0.0, t_s - self._bath_s), max(t_s, self._bath_s)
        k_per_min = self._on("heater_stuck", "")
        if k_per_min is not None:
            self.bath_c = max(self.bath_c, min(self.bath_c + k_per_min * dt_s / 60.0, HIGHEST_C))
            return
        goal_c, lag_s = self._goal()
        self.bath_c = goal_c + (self.bath_c - goal_c) * math.exp(-dt_s / lag_s)

    def _goal(self) -> tuple[float, float]:
        """Where the bath goes, degC, and how fast, s."""
        target_c = None if self.low_level else self.target_c
        if target_c is None or (target_c < self.room_c and self._on("cooler_off", "") is not None):
            return self.room_c, self.standing_s
        return target_c + (self._on("undercooled", "") or 0.0), self.lag_s

    def poll_due(self, t_s: float) -> float | None:
        self.settle(t_s)
        self.world.advance(t_s)
        self.world.chill(min(max(self.bath_c, LOWEST_C), HIGHEST_C))
        self.due_s = t_s + STEP_S
        return self.due_s
