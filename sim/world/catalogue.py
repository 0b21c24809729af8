"""From a bench or protocol file's ``applicator`` block to geometry: every kind, and the catalogue of antennas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.world import checks
from sim.world.applicator import Antenna, AntennaGroup, Applicator, ElectrodeGroup, Point
from sim.world.arrays import ARRAYS, array_from
from sim.world.needle import cluster_from, count, needle_from, places_m, switched_from
from sim.world.sourced import Library, Sheet

__all__ = ["ANTENNAS", "ARRAYS", "KINDS", "applicator_from", "tine_tips_m"]

_ANTENNA_RANGES: dict[str, tuple[float, float]] = {
    "frequency_hz": (0.9e9, 2.5e9),
    "radius_m": (0.4e-3, 2.0e-3),
    "radiating_m": (5.0e-3, 60.0e-3),
    "offset_m": (0.0, 30.0e-3),
    "efficiency": (0.05, 1.0),
    "cable_db": (0.0, 6.0),
    "reflected": (0.0, 0.5),
    "film_w_m2k": (0.0, 1.0e4),
}


def _antenna(sheet: Sheet) -> Antenna:
    where, values = f"antenna {sheet.name}", sheet.values()
    checks.known_keys(where, values, (*_ANTENNA_RANGES, "choked"))
    numbers = {key: checks.number(f"{where}: {key}", values.get(key), *_ANTENNA_RANGES[key]) for key in _ANTENNA_RANGES}
    if not isinstance(values.get("choked"), bool):
        raise ValueError(f"{where}: choked: {values.get('choked')!r} is neither true nor false")
    return Antenna(name=sheet.name, source=sheet.cite(), choked=values["choked"], **numbers)


ANTENNAS: Library[Antenna] = Library("antenna", "antennas", _antenna)
"""Microwave antennas by name."""


def _antenna_from(applicator: Mapping[str, Any]) -> Antenna:
    if "antenna" not in applicator:
        raise ValueError(f"applicator.antenna is missing: one of {', '.join(ANTENNAS)}")
    return ANTENNAS.named(applicator["antenna"])


def _antennas_from(applicator: Mapping[str, Any]) -> AntennaGroup:
    return AntennaGroup(_antenna_from(applicator), places_m(count(applicator, "antennas"), applicator))


_SHARED = ("kind", "name", "power_max_w", "current_max_a")
"""What every block may have: read by others, not by geometry."""
KINDS: dict[str, tuple[Callable[[Mapping[str, Any]], Applicator], tuple[str, ...]]] = {
    "cooled-needle": (needle_from, ("gauge", "active_tip_mm")),
    "needle": (needle_from, ("gauge", "active_tip_mm")),
    "perfused-needle": (needle_from, ("gauge", "active_tip_mm")),
    "cooled-cluster": (cluster_from, ("gauge", "active_tip_mm", "spacing_mm")),
    "switched-needles": (switched_from, ("gauge", "active_tip_mm", "needles", "spacing_mm")),
    "expandable-array": (array_from, ("array", "deployment_mm")),
    "microwave-antenna": (_antenna_from, ("antenna",)),
    "microwave-antennas": (_antennas_from, ("antenna", "antennas", "spacing_mm")),
}
"""Kinds of applicators: what builds each, and the keys it reads."""


def applicator_from(applicator: Mapping[str, Any]) -> Applicator:
    """The geometry of an ``applicator`` block.

    ``name``, ``power_max_w`` and ``current_max_a`` are for others and not read. Raises ValueError naming the key, its
    value and what is allowed.
    """
    kind = applicator.get("kind", "cooled-needle")
    if kind not in KINDS:
        raise ValueError(checks.unknown("applicator kind", kind, KINDS))
    build, keys = KINDS[kind]
    checks.known_keys(f"applicator of kind {kind}", applicator, (*keys, *_SHARED))
    return build(applicator)


def tine_tips_m(applicator: Applicator) -> tuple[Point, ...]:
    """Where the thermocouples of an array's tines are, tine_1 first; empty for applicators without."""
    if not isinstance(applicator, ElectrodeGroup):
        return ()
    return tuple(applicator.conductors[k].path_m[0] for k in applicator.thermocouples)
