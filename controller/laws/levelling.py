"""What a generator must be told so that the load gets what a law wants.

Laws speak of power into the load, as publications do; generators take a set-point of forward power, and what does not
match comes back: of 30 W forward, 24 W reach tissue of 130 ohm. The set-point is therefore the demand times a ratio
that follows the measured load power within seconds. It is slow on purpose: a roll-off passes before the ratio has
moved. A generator that regulates load power by itself sees a ratio of 1, and none ever more than what is measured to
come back. What the permit holds down stays held down, and the ratio does not grow meanwhile. Microwave laws speak of
forward power and need none of this.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from controller.laws.base import permitted_w, present, sane_dt_s
from safety.types import Demand, Permit

RATIO_MAX = 1.5
"""A mismatch of 3.7 to 1, 185 ohm on a 50 ohm line; beyond, tissue has dried out, and more power is no help."""
SLACK = 1.05
"""Noise of two meters."""
FOLLOWS_S = 2.0
SETTLE_S = 0.5
"""After a step of the demand the meter still shows the power before it."""
LEAST_W = 2.0
STEP_W, STEP_FRACTION = 10.0, 0.25
"""A demand that changes by more within one tick has stepped; less is the unrest of a loop, of which the mean counts."""


class Levelling(NamedTuple):
    """Between two ticks. ``ratio`` is set-point to demand, ``steady_s`` the time since the demand last stepped."""

    ratio: float = 1.0
    demand_w: float = 0.0
    steady_s: float = 0.0

    def step(
        self, demand: Demand, load_w: float | None, forward_w: float | None, permit: Permit, dt_s: float
    ) -> tuple[Levelling, Demand]:
        """The demand in forward power, never above the permit. ``load_w`` and ``forward_w`` are what the generator's
        meters show, None: nothing.
        """
        wanted_w, before_w = demand.power_w, self.demand_w
        if not math.isfinite(wanted_w):
            return self, demand  # no number is no power: the gate's to say, and no reason to give the whole permit
        stepped = abs(wanted_w - before_w) > max(STEP_W, STEP_FRACTION * before_w)
        steady_s = 0.0 if stepped else self.steady_s + sane_dt_s(dt_s)
        ratio, cap_w = self.ratio, permitted_w(permit)
        if load_w is not None and forward_w is not None and present(forward_w) and 0.0 < load_w < math.inf:
            if steady_s >= SETTLE_S and wanted_w >= LEAST_W:
                short = (wanted_w - load_w) / wanted_w
                if short < 0.0 or ratio * wanted_w < cap_w:
                    ratio += ratio * short * sane_dt_s(dt_s) / FOLLOWS_S
            # No more than what comes back explains: a generator that lags behind its set-point must not be pushed.
            ratio = max(1.0, min(ratio, RATIO_MAX, SLACK * forward_w / load_w))
        return Levelling(ratio, wanted_w, steady_s), demand._replace(power_w=min(ratio * wanted_w, cap_w))
