"""A large vessel beside the applicator: a straight tube of blood along z that takes heat through its wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.world import checks
from sim.world.applicator import Antenna, AntennaGroup, Applicator, ElectrodeGroup, Needle
from sim.world.needle import straight
from sim.world.solid import kernels_heat as kernels
from sim.world.solid.cells import Cells
from sim.world.solid.contacts import surface
from sim.world.solid.grid import Array

WALL_W_M2K = 230.0
"""From a vein's wall to its blood (Go-Smart models of hepatic veins)."""
DISTANCE_M, RADIUS_M = (3.0e-3, 55.0e-3), (0.5e-3, 10.0e-3)


@dataclass(frozen=True)
class Vessel:
    """A vessel whose axis is ``distance_m`` from the applicator's, along +x. Raises ValueError out of range."""

    distance_m: float
    radius_m: float

    def __post_init__(self) -> None:
        checks.number("vessel: radius_m", self.radius_m, *RADIUS_M, "portal and hepatic veins")
        nearest_m = self.radius_m + DISTANCE_M[0]
        checks.number("vessel: distance_m", self.distance_m, nearest_m, DISTANCE_M[1], "clear of metal, in the domain")


class VesselSink:
    """What the vessel takes from the cells around its wall; its inside counts as tissue. Blood stays as it is."""

    def __init__(self, vessel: Vessel, cells: Cells, blood_c: float) -> None:
        grid = cells.grid
        path = tuple((vessel.distance_m, 0.0, float(grid.z_face_m[end])) for end in (0, -1))
        self._cells, self._blood_u = cells, blood_c - cells.laws.start_c
        self._wall = surface(grid, [(0, path, vessel.radius_m)])
        volume = np.ones(grid.padded)
        volume[1:-1, 1:-1] = grid.volume_m3
        self._volume_m3 = volume.ravel()[self._wall.cell]
        self._film = np.full(self._wall.cell.size, WALL_W_M2K)
        self._bare = np.zeros(self._wall.cell.size, np.int64)
        self._sums = np.zeros(kernels.SUMS)

    def cool(self, dt_s: float, sums: Array) -> None:
        """``dt_s`` of heat into the blood, booked in ``sums`` as perfusion."""
        wall, cells = self._wall, self._cells
        kernels.cool(
            cells.enthalpy, cells.laws.law, wall.cell, wall.conductance_m, wall.area_m2, self._film, self._bare,
            self._volume_m3, self._blood_u, dt_s, self._sums,
        )  # fmt: skip
        sums[kernels.E_PERFUSED] -= dt_s * self._sums[kernels.COOLED_W]


def in_space(applicator: Applicator) -> ElectrodeGroup | AntennaGroup:
    """A single straight probe as a group of one, for the 3D solver; groups as they are."""
    if isinstance(applicator, Needle):
        needle = straight(0.0, 0.0, applicator.radius_m, applicator.active_m, applicator.cooled)
        return ElectrodeGroup((needle,), ((0,),))
    if isinstance(applicator, Antenna):
        return AntennaGroup(applicator, ((0.0, 0.0),))
    return applicator
