"""Where metal meets tissue on a grid whose cells are no finer than the metal.

Metal is not cut out of the grid. Its true surface is sampled, and each sample's area is shared among the eight cell
centres around it; a cell that got area A meets the metal over a conductance ``scale * A / h`` (times the tissue's
conductivity). One ``scale`` an electrode, found at construction, makes the resistance in uniform tissue that of the
wires themselves (sim.world.solid.wires). The same conductance in series with the coolant's film over the same area
carries heat. So results depend neither on where metal lies between cell centres nor on how it is bent. What the grid
holds inside the metal behaves as tissue: for heat, steel is worth the same volume of wet tissue (3.8 MJ/m3K).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.world.applicator import Conductor, ElectrodeGroup, Point
from sim.world.solid import wires
from sim.world.solid.grid import Array, SolidGrid

ANGLES = 12
CELLS_APART = 2.5
"""Separate conductors need so many cells from surface to surface and one diameter: less is one blur."""
RADIUS_M = (0.1e-3, 2.5e-3)


@dataclass(frozen=True)
class Contacts:
    """Cells that meet metal. ``cell``: index into a stored field; ``owner``: electrode; ``area_m2``: true surface;
    ``conductance_m``: per S/m (or W/mK), before the electrode's scale.
    """

    cell: NDArray[np.int64]
    owner: NDArray[np.int64]
    area_m2: Array
    conductance_m: Array


def surface(grid: SolidGrid, parts: Sequence[tuple[int, Sequence[Point], float]]) -> Contacts:
    """Contacts of ``parts``: (owner, path, radius m). Raises ValueError for a path that leaves the domain."""
    metal = [part for part in parts if len(part[1]) > 1]
    if not metal:
        empty = np.empty(0, np.int64)
        return Contacts(empty, empty, np.empty(0), np.empty(0))
    points, area, owner = _samples(metal, grid.core_m)
    cell, weight = _around(grid, points)
    total, owners = int(np.prod(grid.padded)), sorted({part[0] for part in metal})
    cells, areas = [], []
    for mine in (owner == one for one in owners):
        shared = np.bincount(cell[mine].ravel(), (weight[mine] * area[mine, None]).ravel(), total)
        cells.append(np.flatnonzero(shared))
        areas.append(shared[cells[-1]])
    area_m2: Array = np.concatenate(areas)
    held = np.repeat(owners, [found.size for found in cells])
    return Contacts(np.concatenate(cells), held, area_m2, area_m2 / grid.core_m)


def _samples(
    parts: Sequence[tuple[int, Sequence[Point], float]], core_m: float
) -> tuple[Array, Array, NDArray[np.int64]]:
    """Points on the surfaces of bent cylinders, [n, 3], the area of each, m2, and its owner."""
    starts, ends, pieces = [], [], []
    for _, path, _ in parts:
        pieces.append(max(1, int(np.ceil(wires.length_m(path) / (core_m / 4)))))
        start, end = wires.cut(path, pieces[-1])
        starts.append(start)
        ends.append(end)
    start, end = np.concatenate(starts), np.concatenate(ends)
    along = end - start
    along /= np.linalg.norm(along, axis=1)[:, None]
    helper = np.where(np.abs(along[:, 2:]) < 0.9, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    across = np.cross(along, helper)
    across /= np.linalg.norm(across, axis=1)[:, None]
    other = np.cross(along, across)
    angle = (np.arange(ANGLES) + 0.5) * (2 * np.pi / ANGLES)
    ring = np.cos(angle)[:, None] * across[:, None] + np.sin(angle)[:, None] * other[:, None]
    radius = np.repeat([radius_m for _, _, radius_m in parts], pieces)
    points = ((start + end) / 2)[:, None] + radius[:, None, None] * ring
    samples = np.array(pieces) * ANGLES
    each = [2 * np.pi * r * wires.length_m(path) / n for (_, path, r), n in zip(parts, samples, strict=True)]
    owner = np.array([owner for owner, _, _ in parts], np.int64)
    return points.reshape(-1, 3), np.repeat(each, samples), np.repeat(owner, samples)


def _around(grid: SolidGrid, points: Array) -> tuple[NDArray[np.int64], Array]:
    """The eight cells around each point, [n, 8], and their trilinear weights."""
    _, rows, columns = grid.padded
    below, share = [], []
    for axis, name in enumerate("xyz"):
        centres, at = grid.centres_m[axis], points[:, axis]
        faces = grid.faces_m[axis]
        if np.any(at < faces[0]) or np.any(at > faces[-1]):
            raise ValueError(
                f"conductors: {name} from {np.min(at) * 1e3:.1f} to {np.max(at) * 1e3:.1f} mm leaves the domain, "
                f"{faces[0] * 1e3:.0f} to {faces[-1] * 1e3:.0f} mm"
            )
        i = np.clip(np.searchsorted(centres, at) - 1, 0, centres.size - 2)
        below.append(i)
        share.append(np.clip((at - centres[i]) / (centres[i + 1] - centres[i]), 0.0, 1.0))
    cell = np.empty((len(points), 8), np.int64)
    weight = np.empty((len(points), 8))
    for corner in range(8):
        up = (corner >> 2 & 1, corner >> 1 & 1, corner & 1)
        i, j, k = (b + u for b, u in zip(below, up, strict=True))
        cell[:, corner] = ((i + 1) * rows + j + 1) * columns + k
        x, y, z = (s if u else 1 - s for s, u in zip(share, up, strict=True))
        weight[:, corner] = x * y * z
    return cell, weight


def check_group(group: ElectrodeGroup, core_m: float) -> None:
    """Raises ValueError for an empty or mis-numbered group, radii out of range, conductors that touch, or a mesh too
    coarse to keep separate ones apart. Uncooled tines of one electrode may meet: they leave one trocar.
    """
    if not group.conductors or not group.electrodes:
        raise ValueError("applicator: a group needs at least one conductor and one electrode")
    named = sorted(i for wired in group.electrodes for i in wired)
    if named != list(range(len(group.conductors))):
        raise ValueError(
            f"applicator.electrodes: {group.electrodes!r} must name each of the {len(group.conductors)} conductors once"
        )
    for index, conductor in enumerate(group.conductors):
        low, high = RADIUS_M
        if not low <= conductor.radius_m <= high:
            raise ValueError(f"conductor {index}: radius_m {conductor.radius_m!r} is outside {low:g} to {high:g}")
        if len(conductor.path_m) < 2 or not np.all(np.isfinite(np.array(conductor.path_m + conductor.shaft_m))):
            raise ValueError(f"conductor {index}: path_m {conductor.path_m!r} needs two finite points or more")
    for electrode, wired in enumerate(group.electrodes):
        bare_m = sum(wires.length_m(group.conductors[i].path_m) for i in wired)
        if bare_m < 3.0 * core_m:
            raise ValueError(
                f"electrode {electrode}: {bare_m * 1e3:.1f} mm of bare metal are too short for cells of "
                f"{core_m * 1e3:g} mm; at least {3e3 * core_m:g} mm, or a finer mesh"
            )
    owner = {i: e for e, wired in enumerate(group.electrodes) for i in wired}
    for i, first in enumerate(group.conductors):
        for j in range(i):
            second = group.conductors[j]
            if owner[i] == owner[j] and not (first.cooled and second.cooled):
                continue
            _check_apart(i, first, j, second, core_m)


def _check_apart(i: int, first: Conductor, j: int, second: Conductor, core_m: float) -> None:
    apart = wires.nearest_m(first.path_m + first.shaft_m, second.path_m + second.shaft_m)
    thick = first.radius_m + second.radius_m
    if apart <= thick:
        raise ValueError(
            f"conductors {j} and {i} touch: {apart * 1e3:.2f} mm between axes, {thick * 1e3:.2f} mm of metal"
        )
    if apart < CELLS_APART * core_m:
        raise ValueError(
            f"conductors {j} and {i}: {apart * 1e3:.2f} mm between axes need cells of {apart * 1e3 / CELLS_APART:.2f} "
            f"mm or finer, this mesh has {core_m * 1e3:g} mm"
        )
