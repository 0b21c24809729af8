"""The generator's meters: impedance, forward and reverse power, as a console shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sim.world import checks
from sim.world.sensors import Noise

SHOWN_OHM = (25.0, 999.0)
"""Range of impedance displays."""
IMPEDANCE_SHARE, IMPEDANCE_OHM = 0.01, 1.0
"""Noise rms: 1 % and 1 ohm."""
POWER_SHARE = 0.05
"""Directional couplers are within 5 %: a calibration of each bench, drawn from the seed."""
POWERS = ("forward", "reverse")


class Meters:
    """Impedance is blanked for ``blanking_s`` after a change of power: the reading stays what it was."""

    def __init__(self, noise: Noise, blanking_s: float) -> None:
        self._noise, self._blanking_s = noise, blanking_s
        draws = {name: noise.draws(f"{name} meter").uniform(-POWER_SHARE, POWER_SHARE) for name in POWERS}
        self._gains = {name: 1.0 + float(error) for name, error in draws.items()}
        self._blank_until_s = -math.inf
        self._held_ohm = math.nan

    def power_changed(self, t_s: float, ohm_before: float, power_before_w: float) -> None:
        """Power changes at ``t_s``."""
        held = self.impedance_ohm(t_s, ohm_before, power_before_w)
        self._held_ohm, self._blank_until_s = held, t_s + self._blanking_s

    def impedance_ohm(self, t_s: float, load_ohm: float, power_w: float) -> float:
        """The reading, ohm; nan without power, for nothing is measured then."""
        if t_s < self._blank_until_s:
            return self._held_ohm
        if power_w <= 0.0 or math.isnan(load_ohm):
            return math.nan
        scale, offset = self._noise.at("impedance", t_s), self._noise.at("impedance offset", t_s)
        value = load_ohm * (1.0 + IMPEDANCE_SHARE * scale) + IMPEDANCE_OHM * offset
        return min(max(value, SHOWN_OHM[0]), SHOWN_OHM[1])

    def power_w(self, name: str, true_w: float) -> float:
        """The reading of the ``forward`` or ``reverse`` meter. Raises ValueError for any other."""
        if name not in self._gains:
            raise ValueError(checks.unknown("power meter", name, POWERS))
        return true_w * self._gains[name]

    def save(self) -> dict[str, float]:
        """What is held."""
        return {"blank_until_s": self._blank_until_s, "held_ohm": self._held_ohm}

    def restore(self, saved: Mapping[str, float]) -> None:
        """Take up what ``save`` gave."""
        self._blank_until_s, self._held_ohm = saved["blank_until_s"], saved["held_ohm"]
