"""The coagulation zone as a ruler would find it: axes and volume by interpolation of the damage contour."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from sim.world.grid import Array, Grid

CONTOUR = 0.0
"""Natural logarithm of the damage integral at the zone's edge: Omega = 1, 63 % dead."""


class Zone(TypedDict):
    """Axes along and across the needle, mm, and volume, mL (the needle's own volume included)."""

    long_axis_mm: float
    short_axis_mm: float
    volume_ml: float


def measure(grid: Grid, damage: Array, contraction: float = 0.0) -> Zone:
    """Zone of ``damage`` (Omega, [nr, nz]). ``contraction``: linear shrinkage of heated tissue, e.g. 0.10 after RF."""
    logs = np.log(np.maximum(damage, 1e-30)) - CONTOUR
    radius = np.array([_outermost(grid.r_m, logs[:, j]) for j in range(grid.z_m.size)])
    if not np.any(radius > 0.0):
        return {"long_axis_mm": 0.0, "short_axis_mm": 0.0, "volume_ml": 0.0}
    top = max(_outermost(grid.z_m, row, -np.inf) for row in logs)
    bottom = max(_outermost(-grid.z_m[::-1], row[::-1], -np.inf) for row in logs)
    volume = float(np.sum(np.pi * radius**2 * np.diff(grid.z_face_m)))
    keep = 1.0 - contraction
    return {
        "long_axis_mm": (top + bottom) * 1e3 * keep,
        "short_axis_mm": 2e3 * float(np.max(radius)) * keep,
        "volume_ml": volume * 1e6 * keep**3,
    }


def _outermost(x: Array, log_damage: Array, none: float = 0.0) -> float:
    """The largest ``x`` at which the contour is crossed, between cell centres; ``none`` where nothing is inside."""
    inside = np.nonzero(log_damage >= 0.0)[0]
    if inside.size == 0:
        return none
    last = int(inside[-1])
    if last + 1 >= x.size:
        return float(x[last])
    a, b = log_damage[last], log_damage[last + 1]
    return float(x[last] + (x[last + 1] - x[last]) * a / (a - b))
