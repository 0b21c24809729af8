"""Tissue that begins to dry, seen in impedance before any thermocouple sees it.

While tissue boils, tines stay near 100 degC whatever the power; when its water has gone, the same power heats what is
left by tens of kelvins a second, which no loop on temperature can catch. The impedance rises some seconds earlier.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from controller.laws.base import Observation, present

FILTER_S, SETTLE_S = 1.0, 5.0
"""Time constant of the filter; a new place in tissue is not judged at once."""
FRESH_S = 0.3
POWERED_W = 5.0
"""Readings at less power are noise."""
ONSET, OVER = 1.12, 1.04
"""Above this multiple of the least impedance tissue begins to dry; below this one it has been wetted again. Ours: clear
of a meter's noise through the filter, and seven seconds ahead of the first dry tine of simulated arrays."""
STEADY = 1.08
"""From this multiple on power is what flows at unchanged voltage: :attr:`Drying.share`."""


class Drying(NamedTuple):
    """Between two ticks, since the electrode came to its place. ``onset``: at this tick; ``onsets``: how often."""

    filtered_ohm: float = math.nan
    least_ohm: float = math.inf
    here_s: float = 0.0
    dry: bool = False
    onset: bool = False
    onsets: int = 0

    @property
    def share(self) -> float:
        """Of the power, as the load would take it at the voltage of wet tissue: 1 while it is wet. At constant power
        the driest spot takes an ever larger part and runs away; at constant voltage it takes less as it dries.
        """
        wet_ohm = STEADY * self.least_ohm
        return wet_ohm / self.filtered_ohm if self.filtered_ohm > wet_ohm else 1.0

    def read(self, observation: Observation, power_w: float, dt_s: float) -> Drying:
        """Take one tick's reading in, made while ``power_w`` flowed."""
        z_ohm, here_s = observation.impedance_ohm, self.here_s + dt_s
        usable = z_ohm is not None and present(z_ohm) and z_ohm > 0.0 and observation.impedance_age_s <= FRESH_S
        if z_ohm is None or not usable or power_w < POWERED_W:
            return self._replace(here_s=here_s, onset=False)
        known = not math.isnan(self.filtered_ohm)
        filtered_ohm = self.filtered_ohm + (z_ohm - self.filtered_ohm) * dt_s / (FILTER_S + dt_s) if known else z_ohm
        least_ohm = min(self.least_ohm, filtered_ohm) if here_s > SETTLE_S else self.least_ohm
        onset = not self.dry and filtered_ohm > ONSET * least_ohm
        dry = onset or (self.dry and filtered_ohm >= OVER * least_ohm)
        return Drying(filtered_ohm, least_ohm, here_s, dry, onset, self.onsets + onset)
