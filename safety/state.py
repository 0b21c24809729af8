"""The kernel's memory between two ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from safety.types import State, Trip


@dataclass(slots=True)
class KernelState:
    """Made by :func:`safety.kernel.initial`; a published state is never changed: each step works on its own fork."""

    state: State
    memories: tuple[Any, ...]  # one per monitor
    trips: tuple[Trip, ...] = ()  # first cause first, until a reset
    now_s: float | None = None  # time of the newest tick; None: none yet
    entered_s: float = 0.0
    epoch: int = 0
    history: tuple[tuple[float, float], ...] = ()
    flowing_from_s: float | None = None  # request time of the first sample that showed power
    flowing_since_s: float = 0.0
    power_w: float = 0.0  # worst case at the newest tick
    energy_j: float = 0.0
    on_time_s: float = 0.0
    off_at_s: float = math.inf  # when off was last commanded: only later requests prove it
    off_alarmed: bool = False
    powered_since_s: float | None = None  # power seen in a state that must not have any
    armed_at_s: float = math.inf
    foot_released: bool = False  # seen released by a request later than ARM
    holder: str = ""  # who holds the run: "footswitch", "foreground" or nobody
    fired: bool = False  # energy has flowed since SAFE
    pump_on: bool = False
    pump_since_s: float = 0.0
    enable: bool = False
    enable_since_s: float = 0.0
    acked: bool = False
    clear_since_s: float | None = None
    resets: tuple[float, ...] = ()

    def fork(self) -> KernelState:
        """A copy to work on. All values are immutable, so a shallow one is a whole one."""
        return KernelState(*_values(self))


_values = attrgetter(*(f.name for f in fields(KernelState)))
