"""Stretched r-z finite-volume grid around a needle on the axis.

Coordinates: r from the needle's axis, z along it; the tip is at z = 0, the active part reaches to z = L, the shaft
goes on to the top. Cells are rings. A conductance between two cells is ``1/(a/s1 + b/s2)`` with ``a``, ``b`` of
geometry only and ``s`` the conductivity (thermal or electrical) of either cell: series resistance, exact across
jumps. Radially ``a`` and ``b`` are logarithms, which makes purely radial flow exact on any spacing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from sim.world import checks, kernels
from sim.world.multigrid import Workspace

Array = NDArray[np.float64]
TISSUE, ACTIVE, SHAFT = 0, 1, 2
CLOSED = 1.0e30
"""Geometric resistance of a face nothing crosses (finite, so that arithmetic stays free of infinities)."""

RA, RB, ZA, ZB, VOL, WET = kernels.RA, kernels.RB, kernels.ZA, kernels.ZB, kernels.VOL, kernels.WET
"""Planes of ``Grid.geometry``: radial face (i, i+1), axial face (j, j+1), volume m3, 1 in tissue and 0 in solids."""


@dataclass(frozen=True)
class Mesh:
    """Spacing: cells grow by ``ratio`` from the needle outward and beyond 15 mm of the bare tip, up to ``coarse_m``."""

    r_fine_m: float
    z_fine_m: float
    z_active_m: float
    ratio: float
    coarse_m: float
    dt_max_s: float


MESHES: dict[str, Mesh] = {
    "fast": Mesh(0.50e-3, 2.0e-3, 2.0e-3, 1.20, 8.0e-3, 0.1),
    "fine": Mesh(0.25e-3, 1.0e-3, 1.0e-3, 1.12, 5.0e-3, 0.05),
    "reference": Mesh(0.15e-3, 0.5e-3, 0.5e-3, 1.08, 4.0e-3, 0.025),
}
DOMAIN_M = 70.0e-3


@dataclass(frozen=True)
class Grid:
    """Faces, centres and the packed arrays the kernels read.

    Cells are numbered i * nz + j. ``contacts`` rows: cell, geometric conductance m, area m2, 1 if electrode (else
    insulated shaft). ``outer`` rows: cell, geometric conductance m of half a cell plus the space beyond, where the
    potential decays as 1/distance.
    """

    r_face_m: Array
    z_face_m: Array
    r_m: Array
    z_m: Array
    code: NDArray[np.int8]
    geometry: Array
    contacts: Array
    outer: Array

    @cached_property
    def cells(self) -> Array:
        """``geometry`` as [plane, cell], the kernels' layout (a view)."""
        return self.geometry.reshape(len(self.geometry), -1)

    @cached_property
    def workspace(self) -> Workspace:
        """Memory of the field solver."""
        return Workspace(self.r_m.size, self.z_m.size)


def needle_grid(radius_m: float, active_m: float, mesh: Mesh, sample_radius_m: float = DOMAIN_M) -> Grid:
    """Grid for a straight needle with ``active_m`` of bare tip in a cylinder of tissue that is insulated outside.

    Raises ValueError when it does not fit.
    """
    checks.number("needle radius_m", radius_m, 0.2e-3, 3.0e-3)
    checks.number("active_m", active_m, 3.0 * mesh.z_active_m, DOMAIN_M - 15.0e-3)
    checks.number("sample_radius_m", sample_radius_m, 10.0e-3, DOMAIN_M)
    return replace(_needle_grid(radius_m, active_m, mesh, sample_radius_m))  # each its own workspace


@lru_cache(maxsize=16)  # 4 ms a burn; nobody writes to a grid
def _needle_grid(radius_m: float, active_m: float, mesh: Mesh, sample_radius_m: float) -> Grid:
    r_face = np.concatenate([[0.0, radius_m / 2], radius_m + _growing(mesh.r_fine_m, mesh, sample_radius_m - radius_m)])
    core_m = 15.0e-3
    below = -core_m - _growing(mesh.z_fine_m * mesh.ratio, mesh, DOMAIN_M - core_m)[:0:-1]
    active = np.linspace(0.0, active_m, round(active_m / mesh.z_active_m) + 1)
    margin = np.linspace(0.0, core_m, round(core_m / mesh.z_fine_m) + 1)
    above = active_m + core_m + _growing(mesh.z_fine_m * mesh.ratio, mesh, DOMAIN_M - core_m)[1:]
    z_face = np.concatenate([below, margin[:-1] - core_m, active, active_m + margin[1:], above])
    r_m, z_m = (r_face[1:] + r_face[:-1]) / 2, (z_face[1:] + z_face[:-1]) / 2
    code = np.zeros((r_m.size, z_m.size), np.int8)
    inside = r_m < radius_m
    code[np.ix_(inside, (z_m > 0) & (z_m < active_m))] = ACTIVE
    code[np.ix_(inside, z_m > active_m)] = SHAFT
    return build(r_face, z_face, code, centre_m=active_m / 2)


def _growing(first_m: float, mesh: Mesh, length_m: float) -> Array:
    """Faces from 0 to ``length_m``: the first cell ``first_m``, then growing; far cells give way so that it fits."""
    steps = [first_m]
    while sum(steps) < length_m:
        steps.append(min(steps[-1] * mesh.ratio, mesh.coarse_m))
    faces = np.concatenate([[0.0], np.cumsum(steps)])
    excess = faces[-1] - length_m
    faces[1:] -= excess * (faces[1:] / faces[-1]) ** 2  # the far cells give way, the near ones keep their size
    return faces


def build(r_face: Array, z_face: Array, code: NDArray[np.int8], centre_m: float) -> Grid:
    """Grid of any mask ``code[nr, nz]`` of TISSUE, ACTIVE, SHAFT; ``centre_m`` is where the far field comes from."""
    r_m, z_m = (r_face[1:] + r_face[:-1]) / 2, (z_face[1:] + z_face[:-1]) / 2
    nr, nz = r_m.size, z_m.size
    dz = np.diff(z_face)
    ring = np.pi * (r_face[1:] ** 2 - r_face[:-1] ** 2)
    with np.errstate(divide="ignore"):
        inner = np.log(r_m / np.maximum(r_face[:-1], 1e-12))  # from a cell's inner face to its centre
    outward = np.log(r_face[1:] / r_m)
    geometry = np.empty((6, nr, nz))
    geometry[RA] = outward[:, None] / (2 * np.pi * dz)
    geometry[RB] = CLOSED
    geometry[RB, :-1] = inner[1:, None] / (2 * np.pi * dz)
    geometry[ZA] = dz / 2 / ring[:, None]
    geometry[ZB] = CLOSED
    geometry[ZB, :, :-1] = dz[1:] / 2 / ring[:, None]
    geometry[VOL] = ring[:, None] * dz
    wet = code == TISSUE
    geometry[WET] = wet
    contacts: list[tuple[float, ...]] = []
    for i, j in zip(*np.nonzero(wet), strict=True):
        r_area = 2 * np.pi * dz[j]
        for di, dj, conductance, area in (
            (-1, 0, 1 / (inner[i] / r_area), r_face[i] * r_area),
            (1, 0, r_area / outward[i], r_face[i + 1] * r_area),
            (0, -1, ring[i] / (dz[j] / 2), ring[i]),
            (0, 1, ring[i] / (dz[j] / 2), ring[i]),
        ):
            a, b = i + di, j + dj
            if 0 <= a < nr and 0 <= b < nz and code[a, b] != TISSUE:
                contacts.append((i * nz + j, conductance, area, float(code[a, b] == ACTIVE)))
    solid_r = ~(wet[:-1] & wet[1:])
    geometry[RA, :-1][solid_r] = geometry[RB, :-1][solid_r] = CLOSED
    solid_z = ~(wet[:, :-1] & wet[:, 1:])
    geometry[ZA, :, :-1][solid_z] = geometry[ZB, :, :-1][solid_z] = CLOSED
    geometry[RA, -1] = geometry[ZA, :, -1] = CLOSED
    return Grid(
        r_face, z_face, r_m, z_m, code, geometry, np.array(contacts), _outer(r_face, z_face, r_m, z_m, wet, centre_m)
    )


def _outer(r_face: Array, z_face: Array, r_m: Array, z_m: Array, wet: NDArray[np.bool_], centre_m: float) -> Array:
    rows: list[tuple[float, float]] = []
    dz = np.diff(z_face)
    ring = np.pi * (r_face[1:] ** 2 - r_face[:-1] ** 2)
    radius = r_face[-1]
    for j in np.flatnonzero(wet[-1]).tolist():
        axial = z_m[j] - centre_m
        beyond = (radius**2 + axial**2) / radius  # distance / cosine
        area = 2 * np.pi * radius * dz[j]
        rows.append(
            (float((r_m.size - 1) * z_m.size + j), 1 / (np.log(radius / r_m[-1]) * radius / area + beyond / area))
        )
    for j, face in ((0, z_face[0]), (z_m.size - 1, z_face[-1])):
        height = abs(face - centre_m)
        for i in np.flatnonzero(wet[:, j]).tolist():
            beyond = (r_m[i] ** 2 + height**2) / height
            rows.append((float(i * z_m.size + j), ring[i] / (dz[j] / 2 + beyond)))
    return np.array(rows)
