"""How much of a lesion and its safety margin the zones of several applications cover together.

Geometry only. The target's frame: the lesion is an ellipsoid of revolution about z with its centre at the origin, mm. A
zone is a body of revolution about its applicator; an axis points from the tip to the handle. Everything is counted on
cubes of half a millimetre or a little more (``voxel_mm``), so that a share is good to about one per cent of a lesion of
2 cm, a least margin to a quarter of a cube.

The least margin is the shortest way from the lesion's surface to tissue that no zone reaches; where the lesion itself
is not covered it is negative: how deep below the surface living tissue lies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Vector = tuple[float, float, float]

LEAST_VOXEL_MM = 0.5
MOST_VOXELS = 300_000
PROFILE_POINTS = 121
NEAREST_STEPS = 4
"""Of the iteration for the nearest point of an ellipse: its error is below 1 % of the distance after three."""


class Profile(NamedTuple):
    """A zone: the radius over the place along the applicator, both mm, rising places; tip at 0, handle positive."""

    z_mm: Floats
    radius_mm: Floats

    @property
    def volume_ml(self) -> float:
        """Of the body of revolution; between two places the area of the disc is interpolated."""
        area_mm2 = math.pi * self.radius_mm**2
        return float(np.sum(0.5 * (area_mm2[1:] + area_mm2[:-1]) * np.diff(self.z_mm))) / 1e3

    def as_dict(self) -> dict[str, list[float]]:
        """Plain numbers, for a record."""
        return {"z_mm": [round(z, 3) for z in self.z_mm.tolist()], "radius_mm": np.round(self.radius_mm, 3).tolist()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Profile:
        """What :meth:`as_dict` gave."""
        return cls(np.array(data["z_mm"], dtype=float), np.array(data["radius_mm"], dtype=float))


class Placed(NamedTuple):
    """A zone in the target's frame: where the tip is, mm, and the unit vector from tip to handle."""

    tip_mm: Vector
    axis: Vector
    profile: Profile


class Share(NamedTuple):
    """What one application did for the target: ``alone`` of lesion and margin, ``added`` to those before it, %."""

    alone_percent: float
    added_percent: float
    volume_ml: float


class Coverage(NamedTuple):
    """What all zones together cover of a target."""

    lesion_percent: float
    margin_percent: float
    """Of lesion and margin together."""
    least_margin_mm: float
    least_margin_at_mm: Vector
    """Where in the target's frame the tissue lies that is nearest to the lesion and not reached, or deepest in it."""
    uncovered_ml: float
    """Of lesion and margin together."""
    total_ml: float
    """Of all zones, what overlaps counted once."""
    overlap_ml: float
    """Reached by more than one application."""
    voxel_mm: float
    shares: tuple[Share, ...]

    def as_dict(self) -> dict[str, Any]:
        """As in ``run --json``: rounded to what the cubes can tell."""
        return {
            "lesion_percent": round(self.lesion_percent, 1),
            "margin_percent": round(self.margin_percent, 1),
            "least_margin_mm": round(self.least_margin_mm, 1),
            "least_margin_at_mm": [round(x, 1) for x in self.least_margin_at_mm],
            "direction": direction(self.least_margin_at_mm),
            "uncovered_ml": round(self.uncovered_ml, 2),
            "total_ml": round(self.total_ml, 2),
            "overlap_ml": round(self.overlap_ml, 2),
            "voxel_mm": round(self.voxel_mm, 2),
            "shares": [
                {
                    "alone_percent": round(share.alone_percent, 1),
                    "added_percent": round(share.added_percent, 1),
                    "volume_ml": round(share.volume_ml, 2),
                }
                for share in self.shares
            ],
        }


def direction(at_mm: Vector) -> str:
    """Where a place lies as seen from the lesion's centre: ``-z``, ``+x -z``; ``centre`` within a millimetre of it."""
    far = math.hypot(*at_mm)
    if far < 1.0:
        return "centre"
    words = [f"{'+' if x > 0 else '-'}{name}" for name, x in zip("xyz", at_mm, strict=True) if abs(x) > 0.35 * far]
    return " ".join(words)


# ---- zones


def ellipsoid(long_mm: float, short_mm: float, centre_mm: float) -> Profile:
    """A zone known by its axes along and across the applicator, its centre so far from the tip towards the handle."""
    u = -np.cos(np.linspace(0.0, math.pi, PROFILE_POINTS))
    return Profile(centre_mm + 0.5 * long_mm * u, 0.5 * short_mm * np.sqrt(np.maximum(1.0 - u**2, 0.0)))


def from_picture(picture: Mapping[str, Any], volume_ml: float | None = None) -> Profile | None:
    """The zone in a map of damage: ``r_mm``[nr], ``z_mm``[nz], ``damage``[nr, nz] (Omega; 1 is its edge).

    Everything within the outermost edge belongs to it, the metal's channel too. A map whose ``r_mm`` begins below 0 is
    a cut through a group of applicators: half the width of the cut is taken as radius, all radii then scaled so that
    the body has the zone's ``volume_ml``. None for a map without damage, or none at all.
    """
    try:
        r_mm, z_mm, damage = (np.asarray(picture[name], dtype=float) for name in ("r_mm", "z_mm", "damage"))
    except KeyError:
        return None
    if damage.shape != (r_mm.size, z_mm.size) or min(damage.shape) < 2:
        return None
    level = np.log(np.maximum(np.nan_to_num(damage), 1e-30))
    right = np.array([_outermost(r_mm, column) for column in level.T])
    if r_mm[0] < 0.0:
        left = np.array([_outermost(-r_mm[::-1], column[::-1]) for column in level.T])
        right = 0.5 * (right + left)
    right = np.where(np.isfinite(right), np.maximum(right, 0.0), 0.0)
    inside = np.flatnonzero(right > 0.0)
    if inside.size == 0:
        return None
    rows = slice(inside[0], inside[-1] + 1)
    top_mm = max(max(_outermost(z_mm, row) for row in level), z_mm[inside[-1]] + 1e-3)
    bottom_mm = min(-max(_outermost(-z_mm[::-1], row[::-1]) for row in level), z_mm[inside[0]] - 1e-3)
    found = Profile(np.concatenate([[bottom_mm], z_mm[rows], [top_mm]]), np.concatenate([[0.0], right[rows], [0.0]]))
    if r_mm[0] < 0.0 and volume_ml is not None and volume_ml > 0.0:
        found = found._replace(radius_mm=found.radius_mm * math.sqrt(volume_ml / found.volume_ml))
    return found


def is_cut(picture: Mapping[str, Any]) -> bool:
    """A cut through a group or an array, of which :func:`from_picture` makes a body that is only like it."""
    return "r_mm" in picture and float(np.asarray(picture["r_mm"])[0]) < 0.0


def _outermost(x_mm: Floats, level: Floats) -> float:
    """The largest ``x_mm`` at which ``level`` crosses zero, between the points; -inf where it is nowhere above."""
    above = np.flatnonzero(level >= 0.0)
    if above.size == 0:
        return -math.inf
    last = int(above[-1])
    if last + 1 >= x_mm.size:
        return float(x_mm[last])
    a, b = float(level[last]), float(level[last + 1])
    return float(x_mm[last] + (x_mm[last + 1] - x_mm[last]) * a / (a - b))


def depth(zone: Placed, x_mm: Floats, y_mm: Floats, z_mm: Floats) -> Floats:
    """At least 0 within the zone, below 0 outside: the square of its radius there less that of the place, mm2."""
    (nx, ny, nz), (tx, ty, tz) = zone.axis, zone.tip_mm
    dx, dy, dz = x_mm - tx, y_mm - ty, z_mm - tz
    along = nx * dx + ny * dy + nz * dz
    profile = zone.profile
    area = np.interp(along, profile.z_mm, profile.radius_mm**2, left=-1.0, right=-1.0)
    found: Floats = area - (dx * dx + dy * dy + dz * dz - along * along)
    return found


# ---- the lesion


def signed_distance(long_mm: float, short_mm: float, x_mm: Floats, y_mm: Floats, z_mm: Floats) -> Floats:
    """Distance from the surface of the lesion, mm; negative inside.

    The nearest point of the ellipse in the plane through z, found by going round on circles of curvature (C. Chatfield,
    "Simple method for distance to ellipse", 2017).
    """
    a, b = 0.5 * long_mm, 0.5 * short_mm
    p, q = np.abs(z_mm), np.hypot(x_mm, y_mm)
    p, q = np.broadcast_arrays(p, q)
    tp = tq = np.full(p.shape, math.sqrt(0.5))
    for _ in range(NEAREST_STEPS):
        ep, eq = (a * a - b * b) * tp**3 / a, (b * b - a * a) * tq**3 / b  # centre of curvature at the point so far
        radius = np.hypot(a * tp - ep, b * tq - eq)
        dp, dq = p - ep, q - eq
        ratio = radius / np.maximum(np.hypot(dp, dq), 1e-9)
        tp, tq = np.clip((dp * ratio + ep) / a, 0.0, 1.0), np.clip((dq * ratio + eq) / b, 0.0, 1.0)
        length = np.maximum(np.hypot(tp, tq), 1e-9)
        tp, tq = tp / length, tq / length
    distance: Floats = np.hypot(p - a * tp, q - b * tq)
    return np.where((p / a) ** 2 + (q / b) ** 2 <= 1.0, -distance, distance)


# ---- both


def coverage(long_mm: float, short_mm: float, margin_mm: float, zones: Sequence[Placed]) -> Coverage:
    """What ``zones`` cover of a lesion with these axes (along z and across) and of the margin around it."""
    reach_mm = np.array([0.5 * short_mm, 0.5 * short_mm, 0.5 * long_mm]) + margin_mm
    near = _Cubes.between(-reach_mm, reach_mm)
    far = near.far(long_mm, short_mm)
    lesion, planned = far <= 0.0, far <= margin_mm
    planned_n = int(planned.sum())
    covered = np.zeros(far.shape, dtype=bool)
    shares: list[Share] = []
    for zone in zones:
        here = near.within(zone) & planned
        added = here & ~covered
        covered |= here
        alone, more = (100.0 * float(some.sum()) / planned_n for some in (here, added))
        shares.append(Share(alone, more, zone.profile.volume_ml))
    whole = _Cubes.between(*bounds(reach_mm, zones))
    times = np.zeros(tuple(axis.size for axis in whole.axes_mm), dtype=np.int16)
    for zone in zones:
        times += whole.within(zone)
    if bool(np.all(covered | ~planned)):
        least = _least(whole, whole.far(long_mm, short_mm), times > 0, long_mm, short_mm, zones)
    else:
        least = _least(near, far, covered | ~planned, long_mm, short_mm, zones)
    return Coverage(
        100.0 * float((covered & lesion).sum()) / float(lesion.sum()),
        100.0 * float(covered.sum()) / planned_n,
        *least,
        float((planned & ~covered).sum()) * near.voxel_ml,
        float((times > 0).sum()) * whole.voxel_ml,
        float((times > 1).sum()) * whole.voxel_ml,
        near.edge_mm,
        tuple(shares),
    )


class _Cubes(NamedTuple):
    """A box cut into cubes: their edge and their centres along x, y and z."""

    edge_mm: float
    axes_mm: tuple[Floats, Floats, Floats]

    @classmethod
    def between(cls, low_mm: Floats, high_mm: Floats) -> _Cubes:
        """A box around these corners, as fine as :data:`MOST_VOXELS` allow."""
        edge_mm = max(LEAST_VOXEL_MM, float(np.prod(high_mm - low_mm) / MOST_VOXELS) ** (1.0 / 3.0))
        first, last = np.floor(low_mm / edge_mm).astype(int) - 1, np.ceil(high_mm / edge_mm).astype(int) + 1
        x, y, z = ((np.arange(a, b) + 0.5) * edge_mm for a, b in zip(first, last, strict=True))
        return cls(edge_mm, (x, y, z))

    @property
    def voxel_ml(self) -> float:
        return self.edge_mm**3 / 1e3

    def places(self) -> tuple[Floats, Floats, Floats]:
        """x, y and z of every cube, for broadcasting."""
        x, y, z = self.axes_mm
        return x[:, None, None], y[None, :, None], z[None, None, :]

    def far(self, long_mm: float, short_mm: float) -> Floats:
        """:func:`signed_distance` of every cube."""
        return signed_distance(long_mm, short_mm, *self.places())

    def within(self, zone: Placed) -> NDArray[np.bool_]:
        """Which cubes lie in ``zone``."""
        return depth(zone, *self.places()) >= 0.0


def bounds(reach_mm: Floats, zones: Sequence[Placed]) -> tuple[Floats, Floats]:
    """Corners of a box around lesion, margin and every zone."""
    low, high = -reach_mm, reach_mm
    for zone in zones:
        axis, tip = np.array(zone.axis), np.array(zone.tip_mm)
        centres = tip + axis * zone.profile.z_mm[:, None]
        discs = zone.profile.radius_mm[:, None] * np.sqrt(np.maximum(1.0 - axis**2, 0.0))
        low, high = np.minimum(low, (centres - discs).min(axis=0)), np.maximum(high, (centres + discs).max(axis=0))
    return low, high


def _least(
    cubes: _Cubes,
    far: Floats,
    reached: NDArray[np.bool_],
    long_mm: float,
    short_mm: float,
    zones: Sequence[Placed],
) -> tuple[float, Vector]:
    """The least of ``far`` where nothing reaches, and its place, looked at again in steps of a quarter of a cube."""
    best = np.unravel_index(int(np.argmin(np.where(reached, math.inf, far))), far.shape)
    centre = [float(axis[i]) for axis, i in zip(cubes.axes_mm, best, strict=True)]
    fine = np.linspace(-cubes.edge_mm, cubes.edge_mm, 9)
    x, y, z = (c + f for c, f in zip(centre, np.meshgrid(fine, fine, fine, indexing="ij"), strict=True))
    close = signed_distance(long_mm, short_mm, x, y, z)
    for zone in zones:
        close = np.where(depth(zone, x, y, z) >= 0.0, math.inf, close)
    k = np.unravel_index(int(np.argmin(close)), close.shape)
    return float(close[k]), (float(x[k]), float(y[k]), float(z[k]))
