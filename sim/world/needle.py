"""Internally cooled straight needles as data: a bare tip that conducts, an insulated shaft, coolant inside both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.world import checks

GAUGE_MM: dict[int, float] = {14: 2.108, 15: 1.829, 16: 1.651, 17: 1.473, 18: 1.270}
"""Outer diameter of hypodermic tubing by gauge (ISO 9626)."""

FILM_W_M2K = 3000.0
"""Wall-to-coolant heat transfer at the nominal flow (Hall's cooled-needle study: 3366; 1000-10000 is 3 mm of zone)."""
NOMINAL_FLOW_ML_MIN = 80.0
STAGNANT_W_M2K = 50.0
"""What still leaves through the wall when the coolant stands."""
SHAFT_FILM_RATIO = 0.3
"""Of the tip's heat transfer, what passes the shaft's insulation. Chosen in 0.2-0.5 (polymer) by long axes."""


@dataclass(frozen=True)
class Needle:
    """Radius and bare length, m."""

    radius_m: float
    active_m: float

    @property
    def active_area_m2(self) -> float:
        """Cooled bare surface, side and tip disc, m2."""
        return 2.0 * math.pi * self.radius_m * self.active_m + math.pi * self.radius_m**2


def needle_from(applicator: Mapping[str, Any]) -> Needle:
    """The needle of a bench file's ``applicator`` block. Raises ValueError naming the key and what is allowed."""
    kind = applicator.get("kind", "cooled-needle")
    if kind != "cooled-needle":
        raise ValueError(checks.unknown("applicator kind", kind, ("cooled-needle",)))
    gauge = applicator.get("gauge", 17)
    if gauge not in GAUGE_MM:
        raise ValueError(checks.unknown("applicator gauge", gauge, [str(g) for g in GAUGE_MM]))
    if "active_tip_mm" not in applicator:
        raise ValueError("applicator.active_tip_mm is missing: the length of the bare tip, 10 to 50 mm")
    active_mm = checks.number("applicator.active_tip_mm", applicator["active_tip_mm"], 10.0, 50.0)
    return Needle(GAUGE_MM[gauge] / 2000.0, active_mm / 1000.0)
