"""How laws read impedance: a filter that one wild reading cannot move far, blanked after steps of power.

Ours, not published. Readings requested within the blanking time after a step of power belong to the old power and are
not used. The time constant follows the noise of generators' meters: 0.3 s keeps a 10 ohm threshold clear of it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from controller.laws.base import Observation, present

FILTER_S = 0.3
BLANK_S = 0.15
MISSING_S = 0.5
"""How long impedance may be missing before a law that lives on it demands no power."""
STEP_W, STEP_FRACTION = 2.0, 0.05
"""A demand that changes by more than this within one tick is a step, after which impedance is blanked."""


class Meter(NamedTuple):
    """Filtered impedance between two ticks; ``filtered_ohm`` is NaN until there is one."""

    filtered_ohm: float = math.nan
    since_step_s: float = 0.0
    missing_s: float = 0.0

    @property
    def known(self) -> bool:
        """True when there is a filtered reading."""
        return not math.isnan(self.filtered_ohm)

    def read(
        self,
        observation: Observation,
        dt_s: float,
        jump_ohm: float,
        blank_s: float = BLANK_S,
        filter_s: float = FILTER_S,
    ) -> Meter:
        """Take one tick's reading in; one reading moves the filter by at most ``jump_ohm`` times its gain."""
        since_step_s = self.since_step_s + dt_s
        z_ohm = observation.impedance_ohm
        if z_ohm is None or not present(z_ohm) or z_ohm <= 0.0:
            return Meter(self.filtered_ohm, since_step_s, self.missing_s + dt_s)
        filtered_ohm = self.filtered_ohm
        if since_step_s - observation.impedance_age_s >= blank_s:
            if math.isnan(filtered_ohm):
                filtered_ohm = z_ohm
            elif dt_s > 0.0:
                off_by_ohm = max(-jump_ohm, min(jump_ohm, z_ohm - filtered_ohm))
                filtered_ohm += off_by_ohm * dt_s / (filter_s + dt_s)
        return Meter(filtered_ohm, since_step_s, 0.0)

    def after(self, before_w: float, now_w: float) -> Meter:
        """The meter once the demand has gone from ``before_w`` to ``now_w``."""
        if abs(now_w - before_w) > max(STEP_W, STEP_FRACTION * before_w):
            return self._replace(since_step_s=0.0)
        return self
