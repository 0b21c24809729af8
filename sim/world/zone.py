"""The coagulation zone as a ruler would find it: axes and volume by interpolation of the damage contour.

Heated tissue shrinks, and a burn is cut and measured afterwards. A zone therefore has its size twice: in the tissue as
it was, which is what was killed and where the simulation's coordinates are; and contracted, by one linear share for
the whole zone, which is what a ruler finds on the cut. The share is the tissue's (``contraction_rf`` or ``_mw``).
"""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from sim.world import checks
from sim.world.grid import Array, Grid

CONTOUR = 0.0
"""Natural logarithm of the damage integral at the zone's edge: Omega = 1, 63 % dead."""
CONTRACTION_MAX = 0.45
"""Up to 43 % radially in liver cubes under microwaves (Farina 2014)."""


class Zone(TypedDict):
    """Axes along and across the applicator, mm, and volume, mL (its own included), before and after contraction."""

    long_axis_mm: float
    short_axis_mm: float
    volume_ml: float
    contracted_long_axis_mm: float
    contracted_short_axis_mm: float
    contracted_volume_ml: float


def zone(long_axis_mm: float, short_axis_mm: float, volume_ml: float, contraction: float) -> Zone:
    """A zone of these sizes, and of what they become when everything shrinks by ``contraction``, linearly.

    Raises ValueError for a share outside 0 to 0.45.
    """
    keep = 1.0 - checks.number("contraction", contraction, 0.0, CONTRACTION_MAX)
    return {
        "long_axis_mm": long_axis_mm,
        "short_axis_mm": short_axis_mm,
        "volume_ml": volume_ml,
        "contracted_long_axis_mm": long_axis_mm * keep,
        "contracted_short_axis_mm": short_axis_mm * keep,
        "contracted_volume_ml": volume_ml * keep**3,
    }


def measure(grid: Grid, damage: Array, contraction: float = 0.0) -> Zone:
    """Zone of ``damage`` (Omega, [nr, nz]). ``contraction``: linear shrinkage of heated tissue, e.g. 0.10 after RF."""
    logs = np.log(np.maximum(damage, 1e-30)) - CONTOUR
    radius = np.array([_outermost(grid.r_m, logs[:, j]) for j in range(grid.z_m.size)])
    if not np.any(radius > 0.0):
        return zone(0.0, 0.0, 0.0, contraction)
    top = max(_outermost(grid.z_m, row, -np.inf) for row in logs)
    bottom = max(_outermost(-grid.z_m[::-1], row[::-1], -np.inf) for row in logs)
    volume = float(np.sum(np.pi * radius**2 * np.diff(grid.z_face_m)))
    return zone(float(top + bottom) * 1e3, 2e3 * float(np.max(radius)), volume * 1e6, contraction)


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
