"""Applicators as geometry: what a solver must know of a needle, an antenna or a group of them. SI units.

Coordinates: z along the applicator's axis, the tip at z = 0, the handle at positive z; a group's axis is x = y = 0.
Of an array the tip is the trocar's end, so that nothing moves while tines are deployed; tines reach to negative z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Needle:
    """A straight radio-frequency needle: a bare tip of ``active_m`` that conducts, an insulated shaft above it.

    ``cooled``: coolant runs inside tip and shaft; without it metal and tissue have the same temperature.
    ``perfused``: saline seeps out of the tip and replaces the water that boils away, so that the tissue stays wet.
    """

    radius_m: float
    active_m: float
    cooled: bool = True
    perfused: bool = False

    @property
    def active_area_m2(self) -> float:
        """Bare surface, side and tip disc, m2."""
        return 2.0 * math.pi * self.radius_m * self.active_m + math.pi * self.radius_m**2


@dataclass(frozen=True)
class Antenna:
    """A straight microwave antenna and the numbers that make its pattern; one set for each model, never for a case.

    ``radiating_m``: length of the equivalent line source. ``offset_m``: from the tip to where it begins.
    ``efficiency``: share of the power at the connector that reaches tissue when matched, cable not counted.
    ``cable_db``: loss of the cable. ``reflected``: share reflected in unheated tissue. ``film_w_m2k``: from shaft to
    coolant at nominal flow; 0 for an antenna without coolant. ``choked``: currents do not run back along the shaft.
    """

    name: str
    source: str
    frequency_hz: float
    radius_m: float
    radiating_m: float
    offset_m: float
    efficiency: float
    cable_db: float
    reflected: float
    film_w_m2k: float
    choked: bool

    @property
    def bare_m(self) -> float:
        """From the tip to the end of the radiating part."""
        return self.offset_m + self.radiating_m


@dataclass(frozen=True)
class Conductor:
    """A piece of bare metal, straight or bent: ``path_m`` from its tip back, then the insulated ``shaft_m``."""

    path_m: tuple[Point, ...]
    shaft_m: tuple[Point, ...]
    radius_m: float
    cooled: bool


@dataclass(frozen=True)
class ElectrodeGroup:
    """Several conductors in one tissue. ``electrodes``: conductors that are wired together, by index, each a channel
    that a switch can connect: a cluster or the tines of an array are one electrode, switched needles are three.
    ``thermocouples``: conductors with a thermocouple in the tip, by index, in the order of their numbers (tine_1...).
    """

    conductors: tuple[Conductor, ...]
    electrodes: tuple[tuple[int, ...], ...]
    thermocouples: tuple[int, ...] = ()


@dataclass(frozen=True)
class AntennaGroup:
    """Equal antennas side by side, each a channel; ``places_m``: x and y of each axis."""

    antenna: Antenna
    places_m: tuple[tuple[float, float], ...]


Applicator = Needle | Antenna | ElectrodeGroup | AntennaGroup


SHAFT_SHOWN_M = 0.1


class Metal(NamedTuple):
    """What is seen of an applicator in a section: ``bare`` is what conducts or radiates, the rest is shaft."""

    bare: bool
    radius_m: float
    path_m: tuple[Point, ...]


def metal(applicator: Applicator) -> list[Metal]:
    """All of it, shafts as long as a picture wants them; what is later lies above what is before it."""

    def straight(bare: bool, radius_m: float, place: tuple[float, float], from_m: float, to_m: float) -> Metal:
        return Metal(bare, radius_m, ((*place, from_m), (*place, to_m)))

    match applicator:
        case Needle(radius_m=radius_m, active_m=active_m):
            parts = ((True, 0.0, active_m), (False, active_m, SHAFT_SHOWN_M))
            return [straight(bare, radius_m, (0.0, 0.0), *ends) for bare, *ends in parts]
        case Antenna():
            return metal(AntennaGroup(applicator, ((0.0, 0.0),)))
        case AntennaGroup(antenna=one, places_m=places_m):
            parts = ((False, 0.0, SHAFT_SHOWN_M), (True, one.offset_m, one.offset_m + one.radiating_m))
            return [straight(bare, one.radius_m, place, *ends) for place in places_m for bare, *ends in parts]
        case ElectrodeGroup(conductors=conductors):
            return [
                Metal(bare, one.radius_m, path_m)
                for one in conductors
                for bare, path_m in ((False, one.shaft_m), (True, one.path_m))
            ]
