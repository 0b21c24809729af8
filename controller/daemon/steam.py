"""Tissue that is about to boil (H48): hot, and still getting hotter quickly.

Of 143 lesions in hearts those whose tissue warmed by more than 1.5 degC/s burst most often, and none burst below
89 degC (J Cardiovasc Electrophysiol, doi 10.1111/jce.12181). What holds in a heart at 30 to 50 W need not hold in a
liver at 200 W: that is why people are told and nothing is done. Sensors on the applicator itself are left out: needles
that are cooled tell nothing, tines are meant to be hotter.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from safety.types import Quality, Snapshot

HOT_C = 89.0
RISE_C_PER_S = 1.5
OVER_S = 3.0
"""So long it must have risen so quickly, on the average; half as quickly once it was told, so that nothing flutters."""


class Rising(NamedTuple):
    """A sensor in tissue that is about to boil."""

    channel: str
    value_c: float
    rise_c_per_s: float


class Steam:
    """Watches ``channels``, sensors in tissue."""

    def __init__(self, channels: Iterable[str]) -> None:
        self._seen: dict[str, deque[tuple[float, float]]] = {channel: deque() for channel in channels}
        self._told = ""

    def follow(self, snapshot: Snapshot, powered: bool) -> Rising | None:
        """One tick has passed; the sensor that rises most of those that are hot, None: there is none, or no power."""
        worst: Rising | None = None
        for channel, seen in self._seen.items():
            sample = snapshot.get(channel)
            if sample is None or sample.quality is not Quality.GOOD or not math.isfinite(sample.value):
                seen.clear()
                continue
            if not seen or sample.t_request_s > seen[-1][0]:
                seen.append((sample.t_request_s, sample.value))
            while len(seen) > 1 and sample.t_request_s - seen[1][0] >= OVER_S:
                seen.popleft()
            over_s = sample.t_request_s - seen[0][0]
            if not powered or over_s < OVER_S or sample.value < HOT_C:
                continue
            rise_c_per_s = (sample.value - seen[0][1]) / over_s
            least_c_per_s = RISE_C_PER_S / 2.0 if channel == self._told else RISE_C_PER_S
            if rise_c_per_s >= least_c_per_s and (worst is None or rise_c_per_s > worst.rise_c_per_s):
                worst = Rising(channel, sample.value, rise_c_per_s)
        self._told = worst.channel if worst is not None else ""
        return worst
