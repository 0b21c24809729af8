"""Whether this computer slept (H29): the clock that decisions see stands still meanwhile, and so finds nothing late.

Nothing ran while it did, the watchdog neither: what the source delivered is known to nobody but to its own meter.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from safety.monitors.base import ACTIVE
from safety.types import Fault, State

SLEPT_S = 0.05
"""More than this is a sleep."""
GUARDED = ACTIVE | {State.PRECHECK, State.STOPPING}
"""States in which a sleep is a fault: evidence is being gathered, or energy may flow."""


class Clocks(NamedTuple):
    """The clock that counts sleep, read between two readings of the one that does not, s."""

    before_s: float
    with_sleep_s: float
    behind_s: float


def live_clocks() -> Clocks:
    """Of this computer. Where its system does not say (it is not Linux), it has never slept."""
    before_s = time.monotonic()
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return Clocks(before_s, time.clock_gettime(boot) if boot is not None else before_s, time.monotonic())


class Sleep:
    """Compares the clocks at each tick. ``clocks`` None: time is virtual, and a sleep of the computer is no event."""

    def __init__(self, clocks: Callable[[], Clocks] | None) -> None:
        self._clocks = clocks
        self._apart_s = math.inf  # at most so far apart were they: a wait between two readings is no sleep

    def look(self) -> float:
        """For how long the computer has slept since the last look, s; 0.0: not at all."""
        if self._clocks is None:
            return 0.0
        before_s, with_sleep_s, behind_s = self._clocks()
        slept_s = (with_sleep_s - behind_s) - self._apart_s
        if slept_s > SLEPT_S:
            self._apart_s = with_sleep_s - before_s
            return slept_s
        self._apart_s = min(self._apart_s, with_sleep_s - before_s)
        return 0.0


def fault(slept_s: float, state: State, now_s: float) -> Fault | None:
    """What a sleep means in ``state``; None: nothing."""
    if state not in GUARDED:
        return None
    text = f"this computer slept for {slept_s:.1f} s, and so did all that guards the bench"
    if state in (State.FIRING, State.STOPPING):
        text += ": nobody knows what was delivered meanwhile"
    check = "take this dose as unknown; keep the computer awake while a bench runs (ablate doctor says how)"
    return Fault("H29", "sleep", "host", text, check, now_s)
