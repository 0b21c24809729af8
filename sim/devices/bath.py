"""The bath of an emulated circulator: first order towards where it regulates, and the coolant bag of the world.

Options of every circulator: ``start_c`` (20), ``lag_s`` (60; how fast the bath follows while it regulates), ``room_c``
(22), ``standing_s`` (1800; how fast it goes to room temperature in standby). Assumed throughout: the coolant that comes
back does not warm the bath, and cooling power has no limit.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any

from sim.devices.base import Emulator, World

STEP_S = 1.0


class Circulator(Emulator):
    """``bath_c`` as of the last call; ``target_c`` is where it regulates, None in standby."""

    ROLE = "chiller"
    BATH_OPTIONS = frozenset({"start_c", "lag_s", "room_c", "standing_s", "latency_s"})

    def __init__(self, world: World, options: Mapping[str, Any], name: str) -> None:
        super().__init__(world, options, name)
        self.bath_c = float(options.get("start_c", 20.0))
        self.lag_s = float(options.get("lag_s", 60.0))
        self.room_c = float(options.get("room_c", 22.0))
        self.standing_s = float(options.get("standing_s", 1800.0))
        self._bath_s = 0.0
        self.due_s = 0.0

    @property
    @abc.abstractmethod
    def target_c(self) -> float | None:
        """Where it regulates."""

    def settle(self, t_s: float) -> None:
        """The bath up to ``t_s``; call it before anything about it changes or is read."""
        dt_s, self._bath_s = max(0.0, t_s - self._bath_s), max(t_s, self._bath_s)
        target_c = self.target_c
        goal_c, lag_s = (self.room_c, self.standing_s) if target_c is None else (target_c, self.lag_s)
        self.bath_c = goal_c + (self.bath_c - goal_c) * math.exp(-dt_s / lag_s)

    def poll_due(self, t_s: float) -> float | None:
        self.settle(t_s)
        self.world.advance(t_s)
        self.world.chill(min(max(self.bath_c, -20.0), 95.0))
        self.due_s = t_s + STEP_S
        return self.due_s
