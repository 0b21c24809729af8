"""Cartesian grid: cubes around the conductors, cells that grow away from them, to 70 mm beyond.

Fields are stored with one closed ghost cell on either side in x and y, none in z: ``padded`` shape ``(nx + 2, ny + 2,
nz)``, z contiguous. A neighbour is then a constant number of cells away, and no loop needs an edge case.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.world import checks

Array = NDArray[np.float64]
DOMAIN_M = 70.0e-3
"""From the group's axis in x and y, and from the ends of bare metal in z, to the edge; as in two dimensions."""


def aligned(*shape: int) -> NDArray[np.float32]:
    """Zeros that begin where a line of the processor's caches does: loads of whole SIMD words then touch one line."""
    size, line = int(np.prod(shape)) * 4, 64
    raw = np.zeros(size + line, np.uint8)
    start = -raw.ctypes.data % line
    return raw[start : start + size].view(np.float32).reshape(shape)


@dataclass(frozen=True)
class Spacing:
    """Cubes of ``core_m`` up to ``margin_m`` around bare metal, then growing by ``ratio`` up to ``coarse_m``."""

    core_m: float
    margin_m: float
    ratio: float
    coarse_m: float
    dt_max_s: float


SPACINGS: dict[str, Spacing] = {
    "fast": Spacing(1.5e-3, 4.5e-3, 1.40, 14.0e-3, 0.1),
    "fine": Spacing(1.0e-3, 5.0e-3, 1.50, 14.0e-3, 0.1),
    "reference": Spacing(0.75e-3, 6.0e-3, 1.25, 10.0e-3, 0.05),
}


@dataclass(frozen=True)
class SolidGrid:
    """Faces of the cells along each axis, m, and where the far field comes from."""

    x_face_m: Array
    y_face_m: Array
    z_face_m: Array
    core_m: float
    core_low_m: tuple[float, float, float]
    core_high_m: tuple[float, float, float]
    centre_m: tuple[float, float, float]
    open_edge: bool = True
    """The potential goes on as 1/distance beyond the edge; else nothing crosses it."""

    @cached_property
    def faces_m(self) -> tuple[Array, Array, Array]:
        """Faces along x, y, z."""
        return self.x_face_m, self.y_face_m, self.z_face_m

    @cached_property
    def widths_m(self) -> tuple[Array, Array, Array]:
        """Cell widths along x, y, z."""
        return np.diff(self.x_face_m), np.diff(self.y_face_m), np.diff(self.z_face_m)

    @cached_property
    def centres_m(self) -> tuple[Array, Array, Array]:
        """Cell centres along x, y, z."""
        x, y, z = self.faces_m
        return (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2, (z[1:] + z[:-1]) / 2

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Cells along x, y, z."""
        x, y, z = self.widths_m
        return x.size, y.size, z.size

    @property
    def padded(self) -> tuple[int, int, int]:
        """Shape of a stored field."""
        nx, ny, nz = self.shape
        return nx + 2, ny + 2, nz

    @cached_property
    def volume_m3(self) -> Array:
        """Cell volumes, [nx, ny, nz]."""
        dx, dy, dz = self.widths_m
        volume: Array = dx[:, None, None] * dy[:, None] * dz
        return volume

    def inner(self, field: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cells of a stored (flat, padded) field as [nx, ny, nz], a view."""
        return field.reshape(self.padded)[1:-1, 1:-1]


def group_grid(low_m: Array, high_m: Array, spacing: Spacing) -> SolidGrid:
    """Grid whose cubes cover the box of all bare metal, ``low_m`` to ``high_m`` (x, y, z).

    Raises ValueError when the box leaves less than 15 mm to the domain's edge in x or y, or is longer than 80 mm.
    """
    for axis, name in enumerate("xy"):
        for edge in (low_m[axis], high_m[axis]):
            checks.number(f"conductors: {name}_m", float(edge), -DOMAIN_M + 15e-3, DOMAIN_M - 15e-3)
    checks.number("conductors: extent along z, m", float(high_m[2] - low_m[2]), 0.0, 80e-3)
    faces, cores = [], []
    for axis in range(3):
        h = spacing.core_m
        first = int(np.floor((low_m[axis] - spacing.margin_m) / h + 1e-6))
        last = int(np.ceil((high_m[axis] + spacing.margin_m) / h - 1e-6))
        core = h * np.arange(first, last + 1)  # the same faces for every shape of an array
        ends = (-DOMAIN_M, DOMAIN_M) if axis < 2 else (low_m[2] - DOMAIN_M, high_m[2] + DOMAIN_M)
        below = core[0] - _growing(spacing, core[0] - ends[0])[::-1]
        above = core[-1] + _growing(spacing, ends[1] - core[-1])
        faces.append(np.concatenate([below, core, above]))
        cores.append((float(core[0]), float(core[-1])))
    centre = (0.0, 0.0, float((low_m[2] + high_m[2]) / 2))
    x, y, z = faces
    low, high = zip(*cores, strict=True)
    return SolidGrid(x, y, z, spacing.core_m, low, high, centre)


def _growing(spacing: Spacing, length_m: float) -> Array:
    """Faces beyond the core, from its edge (not included) to ``length_m``; the far cells give way so that it fits."""
    steps = [spacing.core_m * spacing.ratio]
    while sum(steps) < length_m:
        steps.append(min(steps[-1] * spacing.ratio, spacing.coarse_m))
    faces = np.cumsum(steps)
    excess = faces[-1] - length_m
    return np.asarray(faces - excess * (faces / faces[-1]) ** 2)
