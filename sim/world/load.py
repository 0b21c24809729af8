"""What a generator sees: leads, return electrode, carbon, steam and faults around the tissue. Algebra, without time.

The line is 50 ohm. Radio frequency: everything is in series with the tissue, what does not match is reflected, and the
series part takes its share of the heat away from the tissue. Microwaves: the antenna reflects what the tissue tells it
to (``sim.world.microwave.delivered``); a load in ohm has no meaning there and is nan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from sim.world.applicator import Antenna
from sim.world.microwave import Delivered, delivered, delivered_in_air

GENERATOR_OHM = 50.0
"""Characteristic impedance of the generator's output and line."""
OPEN_OHM = 1.0e5
SHORT_OHM = 0.5
PAD_OHM = 4.0
"""Of the leads' and return electrode's ohms, the contact of the whole pad; inversely as the area that still sticks."""
PEEL_STEPS = 10
"""A pad that peels off loses its area in this many equal jerks; after the last there is no circuit."""

FAULTS: dict[str, tuple[float, float, float]] = {
    "open": (1.0, 1.0, 1.0),
    "short": (1.0, 1.0, 1.0),
    "char": (150.0, 0.0, 1.0e6),
    "pad": (150.0, 0.0, 1.0e6),
    "peel": (60.0, 1.0, 3600.0),
    "withdrawn": (0.5, 0.0, 1.0),
    "mismatch": (0.6, 0.0, 1.0),
}
"""Faults of the load: value when none is given, lowest, highest."""


class Division(NamedTuple):
    """Of one watt forward: what comes back, what heats tissue, what heats the antenna's shaft; and the load in ohm."""

    load_ohm: float
    reflected: float
    tissue: float
    shaft: float


class Load:
    """The line to an applicator; ``antenna`` is None for electrodes. ``faults`` are those of ``FAULTS`` that are on.

    ``power_scale``: what reaches the applicator, of what the generator's meter says.
    """

    def __init__(self, antenna: Antenna | None, lead_ohm: float, power_scale: float = 1.0) -> None:
        self._antenna = antenna
        self._lead_ohm = lead_ohm
        self._power_scale = power_scale
        self.faults: dict[str, float] = {}
        self._peels_since_s = 0.0

    def fault(self, name: str, value: float | None, t_s: float) -> None:
        """Set a fault of ``FAULTS``, or clear it (None)."""
        if value is None:
            self.faults.pop(name, None)
            return
        self.faults[name] = value
        if name == "peel":
            self._peels_since_s = t_s

    def divide(self, tissue_ohm: float, reflected: float, extra_ohm: float, t_s: float) -> Division:
        """The load as it is: ``extra_ohm`` is what steam and carbon add, ``reflected`` an antenna's share."""
        if self._antenna is not None:
            return self._antenna_division(self._antenna, reflected)
        faults = self.faults
        load_ohm, share = self._lead_ohm + extra_ohm, 0.0
        if faults:
            load_ohm += faults.get("char", 0.0) + faults.get("pad", 0.0)
            stuck = self._stuck_share(t_s)
            wetted = 1.0 - faults.get("withdrawn", 0.0)
            if "open" in faults or stuck == 0.0 or wetted == 0.0:
                return _matched(OPEN_OHM, 0.0)
            if "short" in faults:
                return _matched(SHORT_OHM, 0.0)
            load_ohm += PAD_OHM * (1.0 / stuck - 1.0)
            tissue_ohm /= wetted
        load_ohm += tissue_ohm
        share = self._power_scale * tissue_ohm / load_ohm
        return _matched(load_ohm, share)

    def _stuck_share(self, t_s: float) -> float:
        if "peel" not in self.faults:
            return 1.0
        gone = (t_s - self._peels_since_s) / self.faults["peel"]
        jerks = min(PEEL_STEPS, math.floor(PEEL_STEPS * gone + 1e-9))
        return 1.0 - jerks / PEEL_STEPS

    def _antenna_division(self, antenna: Antenna, reflected: float) -> Division:
        faults = self.faults
        if "open" in faults or "short" in faults:
            return Division(math.nan, 1.0, 0.0, 0.0)
        inside = delivered(antenna, 1.0, reflected)
        out = faults.get("withdrawn", 0.0)
        if out > 0.0:
            air = delivered_in_air(antenna, 1.0)
            inside = Delivered(*(a + out * (b - a) for a, b in zip(inside, air, strict=True)))
        bad = faults.get("mismatch", 0.0)
        if bad > inside.reverse_w:  # before the cable, whose loss would hide it
            left = (1.0 - bad) / (1.0 - inside.reverse_w)
            inside = Delivered(left * inside.tissue_w, bad, left * inside.shaft_w)
        scale = self._power_scale
        return Division(math.nan, inside.reverse_w, inside.tissue_w * scale, inside.shaft_w * scale)

    def save(self) -> dict[str, float]:
        """The faults that are on."""
        return {**self.faults, "peels_since_s": self._peels_since_s}

    def restore(self, saved: Mapping[str, float]) -> None:
        """Take up what ``save`` gave."""
        self.faults = {name: value for name, value in saved.items() if name in FAULTS}
        self._peels_since_s = saved["peels_since_s"]


def _matched(load_ohm: float, share: float) -> Division:
    gamma = (load_ohm - GENERATOR_OHM) / (load_ohm + GENERATOR_OHM)
    reflected = gamma * gamma
    return Division(load_ohm, reflected, (1.0 - reflected) * share, 0.0)
