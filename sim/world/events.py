"""What happens to tissue and metal by itself: steam pops and charring.

A pop is a hazard: the rate grows with the volume of tissue that boils and with the power that makes steam in it. The
threshold of the summed hazard is drawn from the seed for each pop, so that it does not depend on the steps. When it
goes off, steam bursts along the needle: the impedance jumps by 10-200 ohm and comes back as the tissue wets again, and
the tip's thermometer drops by 5 degC.

Carbon grows on metal that is hotter than 130 degC for more than a second and stays: ohms in series, half the heat
transfer into the coolant. A cooled needle in normal use stays far below.
"""

from __future__ import annotations

import math

from sim.world.sensors import Noise

POP_RATE_PER_ML_W_S = 2.0e-6
"""Pops a second, per mL of boiling tissue and watt in tissue. Chosen so that a 12-minute pulsed burn of a 3 cm needle
pops in about 5 % of cases (11 of 194 cardiac applications did, PMC13058229); six minutes at a constant 60 W then do in
4 %, at 90 W in 16 %. Nothing was found for cooled needles in liver.
"""
POP_OHM = (10.0, 200.0)
POP_TIP_C = 5.0
POP_DECAY_S = 1.0
"""Steam of a pop escapes and the step in impedance goes with it, in about three seconds."""
CHAR_FROM_C, CHAR_AFTER_S = 130.0, 1.0
CHAR_OHM = (50.0, 150.0)
CHAR_FILM = 0.5


class Events:
    """State of what may happen. ``pop_ohm``, ``char_ohm``: in series with the tissue now; ``pops``: how many so far."""

    def __init__(self, noise: Noise, *, pops: bool, charring: bool) -> None:
        self._noise, self._may_pop, self._may_char = noise, pops, charring
        self.pop_ohm = self.tip_drop_c = self.char_ohm = 0.0
        self.pops = 0
        self._hazard = self._hot_s = 0.0
        self._due = self._draw()[0]

    @property
    def series_ohm(self) -> float:
        """What steam and carbon put in series with the tissue now."""
        return self.pop_ohm + self.char_ohm

    @property
    def film_factor(self) -> float:
        """What carbon leaves of the heat transfer from metal to coolant."""
        return CHAR_FILM if self.char_ohm > 0.0 else 1.0

    def pop(self, ohm: float) -> None:
        """Steam bursts out now; 0 takes the step back."""
        self.pop_ohm = ohm
        self.tip_drop_c = POP_TIP_C if ohm > 0.0 else 0.0

    def wipe(self) -> None:
        """Carbon and steam are gone from the metal: a clean probe in other tissue."""
        self.pop_ohm = self.tip_drop_c = self.char_ohm = 0.0
        self._hazard = self._hot_s = 0.0

    def step(self, dt_s: float, boiling_ml: float, tissue_w: float, wall_c: float) -> None:
        """``dt_s`` with so much tissue at boiling, so much power into tissue and the metal's surface at ``wall_c``."""
        if self.pop_ohm or self.tip_drop_c:
            left = math.exp(-dt_s / POP_DECAY_S)
            self.pop_ohm = self.pop_ohm * left if self.pop_ohm > 1.0 else 0.0
            self.tip_drop_c = self.tip_drop_c * left if self.tip_drop_c > 0.05 else 0.0
        if self._may_pop:
            self._hazard += dt_s * POP_RATE_PER_ML_W_S * boiling_ml * tissue_w
            if self._hazard >= self._due:
                self.pop(self._draw()[1])
                self.pops += 1
                self._hazard, self._due = 0.0, self._draw()[0]
        if self._may_char and self.char_ohm == 0.0:
            self._hot_s = self._hot_s + dt_s if wall_c > CHAR_FROM_C else 0.0
            if self._hot_s > CHAR_AFTER_S:
                self.char_ohm = float(self._noise.draws("char").uniform(*CHAR_OHM))

    def _draw(self) -> tuple[float, float]:
        """Of the next pop: the hazard at which it goes off, and its ohms."""
        draw = self._noise.draws("pop", self.pops)
        return float(draw.exponential()), float(draw.uniform(*POP_OHM))

    def save(self) -> dict[str, object]:
        """The state."""
        return {name: value for name, value in vars(self).items() if name != "_noise"}

    def restore(self, saved: dict[str, object]) -> None:
        """Take up what ``save`` gave."""
        vars(self).update(saved)
