"""What one reads off a 3D burn: temperature between cells, the zone as a ruler finds it, a cut for the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes

from sim.world import zone
from sim.world.solid.grid import Array, SolidGrid

DIRECTIONS_DEG = 5
"""Across the axis, diameters are taken in steps of so many degrees."""


def corner(grid: SolidGrid, at_m: tuple[float, float, float]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Cell indices below a point and the shares of the next ones; held at the outermost centres.

    Raises ValueError for a point outside the domain.
    """
    below, share = [], []
    for name, centres, faces, x in zip("xyz", grid.centres_m, grid.faces_m, at_m, strict=True):
        if not faces[0] <= x <= faces[-1]:
            raise ValueError(
                f"{name}: {x * 1e3:g} mm is outside the domain, {faces[0] * 1e3:.0f} to {faces[-1] * 1e3:.0f} mm"
            )
        i = min(max(int(np.searchsorted(centres, x)) - 1, 0), centres.size - 2)
        below.append(i)
        share.append(min(max(float((x - centres[i]) / (centres[i + 1] - centres[i])), 0.0), 1.0))
    return tuple(below), tuple(share)


def around(grid: SolidGrid, at_m: tuple[float, float, float]) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The eight cells around a point, as indices of a stored field with z the fastest, and ``corner``'s shares."""
    (i, j, k), share = corner(grid, at_m)
    _, rows, nz = grid.padded
    first = ((i + 1) * rows + j + 1) * nz + k
    return tuple(first + x * rows * nz + y * nz + z for x in (0, 1) for y in (0, 1) for z in (0, 1)), share


def blend(values: list[float], share: tuple[float, ...]) -> float:
    """Trilinear value between the eight of ``around``."""
    for part in share:
        half = len(values) // 2
        rest = 1.0 - part
        values = [a * rest + b * part for a, b in zip(values[:half], values[half:], strict=True)]
    return values[0]


def measure(grid: SolidGrid, damage: NDArray[np.float32], contraction: float) -> zone.Zone:
    """Zone of ``damage`` (Omega, [nx, ny, nz]); ``contraction``: linear shrinkage of heated tissue.

    Long axis: extent along z. Short axis: in the largest cross-section, calliper widths are taken in all directions;
    of the means of two perpendicular ones, the smallest. Volume: cells count by the share inside the contour; what a
    cross-section encloses (the applicator and the cooled sleeve around it) counts in full.
    """
    logs = np.log(np.maximum(damage, np.float32(1e-30))).astype(np.float64) - zone.CONTOUR
    inside = logs >= 0.0
    if not np.any(inside):
        return zone.zone(0.0, 0.0, 0.0, contraction)
    volume, areas = _volume_m3(grid, logs, inside)
    crossings = _crossings(grid, logs)
    long_m = float(np.ptp(crossings[:, 2]))
    k = int(np.argmax(areas))
    section = _section(grid, logs, k)
    angles = np.radians(np.arange(0, 180, DIRECTIONS_DEG))
    widths = np.ptp(section @ np.array([np.cos(angles), np.sin(angles)]), axis=0)
    means = (widths + np.roll(widths, -widths.size // 2)) / 2
    return zone.zone(long_m * 1e3, float(np.min(means)) * 1e3, volume * 1e6, contraction)


def _crossings(grid: SolidGrid, logs: Array) -> Array:
    """Points where the contour crosses lines between cell centres along z, [n, 3] (and centres at the edge)."""
    return _crossed(logs, grid.centres_m, (2,))


def _section(grid: SolidGrid, logs: Array, k: int) -> Array:
    """Points of the contour in the plane of the k-th cells along z, [n, 2]."""
    return _crossed(logs[:, :, k : k + 1], (*grid.centres_m[:2], grid.centres_m[2][k : k + 1]), (0, 1))[:, :2]


def _crossed(logs: Array, centres: tuple[Array, ...], axes: tuple[int, ...]) -> Array:
    points = []
    for axis in axes:
        count = logs.shape[axis]
        low, high = logs.take(range(count - 1), axis), logs.take(range(1, count), axis)
        index = np.nonzero((low >= 0.0) != (high >= 0.0))
        a, b = low[index], high[index]
        at = [c[i] for c, i in zip(centres, index, strict=True)]
        at[axis] = at[axis] + a / (a - b) * (centres[axis][index[axis] + 1] - at[axis])
        points.append(np.stack(at, 1))
    return np.concatenate(points)


def _volume_m3(grid: SolidGrid, logs: Array, inside: NDArray[np.bool_]) -> tuple[float, Array]:
    """Volume within the contour and, by z index, the area of each cross-section."""
    dx, dy, dz = grid.widths_m
    solid = np.stack([binary_fill_holes(inside[:, :, k]) for k in range(dz.size)], axis=2)
    share = np.where(solid & ~inside, 1.0, _share(grid, logs))
    hole = solid & ~inside
    grown = hole.copy()  # cells beside a hole are whole too: their contour is the hole's
    for axis in (0, 1):
        for shift in (1, -1):
            grown |= np.roll(hole, shift, axis)
    share[grown & inside] = 1.0
    areas = np.einsum("ijk,i,j->k", share, dx, dy)
    return float(np.sum(areas * dz)), areas


def _share(grid: SolidGrid, logs: Array) -> Array:
    """Share of each cell inside the contour: of a half space with the same distance and slope at the cell's centre."""
    reach = np.zeros_like(logs)
    for axis in range(3):
        slope = np.gradient(np.clip(logs, -12.0, 12.0), grid.centres_m[axis], axis=axis)
        shape = [1, 1, 1]
        shape[axis] = -1
        reach += np.abs(slope) * grid.widths_m[axis].reshape(shape)
    result: Array = np.clip(0.5 + np.clip(logs, -12.0, 12.0) / np.maximum(reach, 1e-9), 0.0, 1.0)
    return result


def cut(
    grid: SolidGrid, celsius: NDArray[np.float32], damage: NDArray[np.float32], necrosis: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    """The plane y = 0, between the nearest two layers of cells: r_mm (x with its sign), z_mm and the three fields."""
    x, y, z = grid.centres_m
    j = min(max(int(np.searchsorted(y, 0.0)) - 1, 0), y.size - 2)
    share = min(max(-float(y[j]) / float(y[j + 1] - y[j]), 0.0), 1.0)

    def layer(values: NDArray[np.float32]) -> Array:
        two = values[:, j : j + 2].astype(np.float64)
        flat: Array = two[:, 0] * (1.0 - share) + two[:, 1] * share
        return flat

    logs = [layer(np.log(np.maximum(omega, np.float32(1e-30)))) for omega in (damage, necrosis)]
    dead, necrotic = (np.where(log > -69.0, np.exp(log), 0.0) for log in logs)
    return {
        "r_mm": x * 1e3,
        "z_mm": z * 1e3,
        "temperature_c": layer(celsius),
        "damage": dead,
        "necrosis": necrotic,
    }
