"""Straight needles: gauges, what coolant takes up through the wall, and groups of parallel needles."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sim.world import checks
from sim.world.applicator import Conductor, ElectrodeGroup, Needle, Point

GAUGE_MM: dict[int, float] = {14: 2.108, 15: 1.829, 16: 1.651, 17: 1.473, 18: 1.270}
"""Outer diameter of hypodermic tubing by gauge (ISO 9626)."""

FILM_W_M2K = 3000.0
"""Wall-to-coolant heat transfer at the nominal flow (Hall's cooled-needle study: 3366; 1000-10000 is 3 mm of zone)."""
FILM_SD = 0.20
"""From one needle to the next, relative: flow and fit of the inner tube. Assumed."""
NOMINAL_FLOW_ML_MIN = 80.0
STAGNANT_W_M2K = 50.0
"""What still leaves through the wall when the coolant stands."""
SHAFT_FILM_RATIO = 0.3
"""Of the tip's heat transfer, what passes the shaft's insulation. Chosen in 0.2-0.5 (polymer) by long axes."""

SHAFT_TOP_M = 0.070
"""How far up a shaft is described: to the edge of the domain."""
CLUSTER_TIP_MM, CLUSTER_SPACING_MM = 25.0, 5.0
"""The cooled cluster: three tips of 2.5 cm, 0.5 cm apart (Goldberg 1998)."""
SPACING_MM = (3.0, 50.0)
"""Between axes: more than two needles' thickness, and zones that still have to do with each other."""


def needle_from(applicator: Mapping[str, Any]) -> Needle:
    """The cooled, dry or perfused needle of an ``applicator`` block. Raises ValueError naming what is allowed."""
    kind, kinds = applicator.get("kind", "cooled-needle"), ("cooled-needle", "needle", "perfused-needle")
    if kind not in kinds:
        raise ValueError(checks.unknown("applicator kind", kind, kinds))
    cooled, perfused = kind == "cooled-needle", kind == "perfused-needle"
    return Needle(_radius_m(applicator), _active_m(applicator), cooled, perfused)


def cluster_from(applicator: Mapping[str, Any]) -> ElectrodeGroup:
    """A cooled cluster: three parallel needles that are one electrode."""
    whole = {"active_tip_mm": CLUSTER_TIP_MM, "spacing_mm": CLUSTER_SPACING_MM, **applicator}
    return ElectrodeGroup(_parallel(whole, 3), ((0, 1, 2),))


def switched_from(applicator: Mapping[str, Any]) -> ElectrodeGroup:
    """Two or three parallel cooled needles, each a channel."""
    n = count(applicator, "needles")
    return ElectrodeGroup(_parallel(applicator, n), tuple((i,) for i in range(n)))


def count(applicator: Mapping[str, Any], key: str) -> int:
    """2 or 3 of something. Raises ValueError."""
    n = applicator.get(key, 3)
    if n not in (2, 3) or isinstance(n, bool):
        raise ValueError(f"applicator.{key}: {n!r} is neither 2 nor 3")
    return int(n)


def places_m(n: int, applicator: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    """x, y of ``n`` parallel axes ``spacing_mm`` apart around the origin: two on x, three an equilateral triangle."""
    if "spacing_mm" not in applicator:
        raise ValueError(f"applicator.spacing_mm is missing: axis to axis, {SPACING_MM[0]:g} to {SPACING_MM[1]:g} mm")
    apart_m = checks.number("applicator.spacing_mm", applicator["spacing_mm"], *SPACING_MM) / 1e3
    if n == 2:
        return (-apart_m / 2, 0.0), (apart_m / 2, 0.0)
    height_m = apart_m * math.sqrt(0.75)
    return (0.0, height_m * 2 / 3), (-apart_m / 2, -height_m / 3), (apart_m / 2, -height_m / 3)


def _parallel(applicator: Mapping[str, Any], n: int) -> tuple[Conductor, ...]:
    radius_m, active_m = _radius_m(applicator), _active_m(applicator)
    return tuple(straight(x, y, radius_m, active_m) for x, y in places_m(n, applicator))


def straight(x_m: float, y_m: float, radius_m: float, active_m: float, cooled: bool = True) -> Conductor:
    """A straight conductor along z with its tip at z = 0 and its shaft to the edge of the domain."""
    tip: Point = (x_m, y_m, 0.0)
    neck: Point = (x_m, y_m, active_m)
    return Conductor((tip, neck), (neck, (x_m, y_m, active_m + SHAFT_TOP_M)), radius_m, cooled)


def _radius_m(applicator: Mapping[str, Any]) -> float:
    gauge = applicator.get("gauge", 17)
    if isinstance(gauge, bool) or gauge not in GAUGE_MM:
        raise ValueError(checks.unknown("applicator gauge", gauge, [str(g) for g in GAUGE_MM]) + " (ISO 9626)")
    return GAUGE_MM[gauge] / 2000.0


def _active_m(applicator: Mapping[str, Any]) -> float:
    if "active_tip_mm" not in applicator:
        raise ValueError("applicator.active_tip_mm is missing: the length of the bare tip, 10 to 50 mm")
    return checks.number("applicator.active_tip_mm", applicator["active_tip_mm"], 10.0, 50.0) / 1000.0
