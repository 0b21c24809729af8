"""From the generator's forward power to joules in tissue, between two field steps and to the joule.

A generator and its law look more often than the field moves. Between field steps the tissue's impedance goes straight
on with the last step's slope, where that is like the slope of the step before and not steep; the impedance also has
kinks and jumps, when tissue dries or a field is solved anew, and there it stays as it is. So it does after a change of
power or a fault. What is absorbed meanwhile is booked as the mean of both ends of each piece: looking more often
changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from sim.world.load import GENERATOR_OHM, Division, Load

STEEPEST_PER_S = 0.1
"""Of itself in a second: what is steeper ends suddenly, and is not gone on with."""


class Delivery:
    """Forward power, the load it meets, and the books. All times are absolute, s; the last field step was at
    ``field_s``. ``amplifier_s``: lag of the forward power after a change, 0 for none.
    """

    def __init__(self, load: Load, amplifier_s: float) -> None:
        self._load, self._amplifier_s = load, amplifier_s
        self.wanted_w = self._from_w = self._switched_s = 0.0
        self.field_s = self._since_s = 0.0
        self._tissue_ohm, self._reflected, self._extra_ohm = math.nan, 0.0, 0.0
        self._field_ohm, self._ohm_per_s, self._slope_before = math.nan, 0.0, 0.0
        self._pending_j = self._shaft_j = self._load_j = self._tissue_j = 0.0
        self._seen_s = math.nan
        self._seen = Division(math.nan, 0.0, 0.0, 0.0)

    def begin(self, t_s: float) -> None:
        """The clock's origin."""
        self.field_s = self._since_s = self._switched_s = t_s
        self._seen_s = math.nan

    def field(self, t_s: float, tissue_ohm: float, reflected: float, extra_ohm: float) -> None:
        """The field stepped to ``t_s``; ``extra_ohm`` is in series with the tissue now. What was pending is in."""
        slope, before = (tissue_ohm - self._field_ohm) / (t_s - self.field_s), self._slope_before
        alike = slope * before > 0.0 and 0.7 < slope / before < 1.4 and abs(slope) < STEEPEST_PER_S * tissue_ohm
        self._ohm_per_s = slope if alike else 0.0
        self._slope_before = slope
        self._field_ohm = self._tissue_ohm = tissue_ohm
        self._reflected, self._extra_ohm, self.field_s = reflected, extra_ohm, t_s
        self._pending_j = self._shaft_j = 0.0
        self._seen_s = math.nan

    def jump(self, t_s: float, extra_ohm: float) -> None:
        """Power is switched, or a fault changes the load, at ``t_s``: from here it has no slope."""
        self.settle(t_s)
        self._tissue_ohm += self._ohm_per_s * (t_s - self.field_s)
        self._extra_ohm, self._ohm_per_s, self._slope_before = extra_ohm, 0.0, 0.0
        self._seen_s = math.nan

    def connect(self, t_s: float, tissue_ohm: float, reflected: float) -> None:
        """Another tissue load at ``t_s``."""
        self.settle(t_s)
        self._tissue_ohm = self._field_ohm = tissue_ohm
        self._reflected, self._ohm_per_s, self._slope_before = reflected, 0.0, 0.0
        self._seen_s = math.nan

    def drive(self, t_s: float, forward_w: float) -> None:
        """Another forward power from ``t_s`` on."""
        self.settle(t_s)
        self._from_w, self._switched_s = self.forward_w(t_s), t_s
        self.wanted_w = forward_w

    def settle(self, t_s: float) -> None:
        """Book what was delivered up to ``t_s``."""
        if t_s > self._since_s:
            tissue_j, shaft_j, load_j = self._delivered(t_s)
            self._pending_j += tissue_j
            self._shaft_j += shaft_j
            self._tissue_j += tissue_j
            self._load_j += load_j
            self._since_s = t_s

    def pending_j(self) -> tuple[float, float]:
        """Into tissue and into the antenna's shaft since the last field step, J, as far as it is booked."""
        return self._pending_j, self._shaft_j

    def energy_j(self, t_s: float) -> tuple[float, float]:
        """Into tissue and into the whole load up to ``t_s``, J."""
        tissue_j, _, load_j = self._delivered(t_s)
        return self._tissue_j + tissue_j, self._load_j + load_j

    def _delivered(self, t_s: float) -> tuple[float, float, float]:
        forward_j = self.wanted_w * (t_s - self._since_s)
        if self._amplifier_s > 0.0:  # the integral of an exponential
            forward_j -= self._amplifier_s * (self.forward_w(t_s) - self.forward_w(self._since_s))
        if forward_j <= 0.0:
            return 0.0, 0.0, 0.0
        a, b = self._divide(self._since_s), self._divide(t_s)
        return (
            forward_j * 0.5 * (a.tissue + b.tissue),
            forward_j * 0.5 * (a.shaft + b.shaft),
            forward_j * (1.0 - 0.5 * (a.reflected + b.reflected)),
        )

    def forward_w(self, t_s: float) -> float:
        """Incident on the load at ``t_s``."""
        if self._amplifier_s == 0.0:
            return self.wanted_w
        left = math.exp((self._switched_s - t_s) / self._amplifier_s)
        return self.wanted_w + (self._from_w - self.wanted_w) * left

    def at(self, t_s: float) -> Division:
        """The load at ``t_s``."""
        if self._seen_s != t_s:
            self._seen, self._seen_s = self._divide(t_s), t_s
        return self._seen

    def rf_v(self, t_s: float) -> float:
        """On the applicator, V rms; for an antenna what 50 ohm would have."""
        now, forward_w = self.at(t_s), self.forward_w(t_s)
        if math.isnan(now.load_ohm):
            return math.sqrt(forward_w * GENERATOR_OHM)
        return math.sqrt(forward_w * (1.0 - now.reflected) * now.load_ohm)

    def _divide(self, t_s: float) -> Division:
        ohm = self._tissue_ohm + self._ohm_per_s * (t_s - self.field_s)
        return self._load.divide(ohm, self._reflected, self._extra_ohm, t_s)

    def save(self) -> dict[str, float]:
        """The state."""
        return {name: value for name, value in vars(self).items() if isinstance(value, int | float)}

    def restore(self, saved: Mapping[str, float]) -> None:
        """Take up what ``save`` gave."""
        vars(self).update(saved)
        self._seen_s = math.nan
