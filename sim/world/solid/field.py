"""The electric field of one volt on the connected electrodes, in 3D: div(sigma grad V) = 0.

An electrode that is not connected is not seen by the field. In truth its metal floats and shorts the field along
itself; with three needles 20 mm apart that changes the resistance by 0.06 % and no heat by more than 0.02 % of the
power, and it would double the iterations. Beyond the edge the potential decays as 1/distance from the middle of the
group, as in two dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.world.applicator import Conductor
from sim.world.field import NotConverged
from sim.world.solid import kernels_field as kernels
from sim.world.solid import kernels_multigrid as multigrid
from sim.world.solid import wires
from sim.world.solid.contacts import Contacts, surface
from sim.world.solid.grid import Array, SolidGrid, aligned
from sim.world.solid.levels import levels_of

Field32 = NDArray[np.float32]
TOLERANCE = 1.2e-2
"""Of the field's norm in energy, before the last correction, which makes the error smaller still: the admittance is
good to its square, and heat to it."""
MAX_ITERATIONS = 60
DAMPING = 0.97
"""Of Jacobi's sweeps. With the multigrid's CORRECTION: fewest iterations over a burn that boils."""
REBUILD, NEVER = 0, 1000
"""Coarse levels only precondition: they are built anew when a solution took so many iterations more than the quickest
since the last time."""


class SolidField:
    """The solver for one grid and its electrodes; holds no tissue.

    After ``solve``: ``admittance_s`` (power per V2), ``beyond_s`` (its part outside the domain), ``heat`` (W/m3 per
    V2, stored layout), ``iterations``. Raises ValueError as sim.world.solid.contacts does.
    """

    def __init__(self, grid: SolidGrid, electrodes: Sequence[Sequence[Conductor]]) -> None:
        self.grid = grid
        levels = levels_of(grid)
        self._dims, self._joined = levels.dims, levels.joined
        self._per_face, self._parts = levels.per_face, levels.parts
        self._store = aligned(kernels.PLANES, -(-levels.stored // 16) * 16)
        widest = int(np.max(self._dims[:, 2]))
        self._work = aligned(2 * widest + 1)
        self.cells = int(np.prod(grid.padded))
        self._direction = aligned(self.cells)
        self.heat = aligned(self.cells)
        self.admittance_s = self.beyond_s = 0.0
        self.rebuild()
        self._planes()
        self._outer, self._outer_m = _outer(grid)
        self.contacts: Contacts = surface(
            grid, [(e, c.path_m, c.radius_m) for e, wired in enumerate(electrodes) for c in wired]
        )
        self.scales = np.ones(len(electrodes))
        for e, wired in enumerate(electrodes):
            self._calibrate(e, wires.resistance_ohm(wired, 1.0))
        self.rebuild()

    def rebuild(self) -> None:
        """Another electrode or another tissue: the next ``solve`` takes fresh coarse levels."""
        self.iterations, self._usual = NEVER, 0

    def _planes(self) -> None:
        """Geometry of one x plane (rows with ghosts), single precision; 0 closes a face."""
        dx, dy, dz = self.grid.widths_m
        rows, nz = self.grid.padded[1:]
        y, z = np.zeros(rows), dz
        y[1:-1] = dy
        thick = np.where(y > 0.0, y, 1.0)
        across_y, across_z = (y > 0.0)[:, None] * z, y[:, None] * np.ones(nz)
        across_y[-2:] = 0.0
        across_z[:, -1] = 0.0
        inside = (y > 0.0)[:, None]

        def flat(plane: Array) -> Field32:
            field = aligned(rows, nz)
            field[:] = plane
            return field.ravel()

        self._dx = np.concatenate([[1.0], dx, [1.0]]).astype(np.float32)
        self._half_x = self._dx * np.float32(0.5)
        self._open = flat(y[:, None] * z), flat(across_y), flat(across_z)
        self._half = flat(thick[:, None] / 2), flat(z / 2)
        area = thick[:, None] * z
        self._per = flat(inside / area**2), flat(inside / z**2), flat(inside / thick[:, None] ** 2)

    def solve(self, sigma: Field32, phi: Field32, volts: Array, tolerance: float = TOLERANCE) -> None:
        """Bring ``phi`` to the field of ``sigma`` (S/m, 1 in ghost cells). ``volts``: by electrode, nan: not connected.

        Raises NotConverged; ``phi`` is then useless.
        """
        store, (_, cells, sx, sy) = self._store, self._dims[0]
        open_x, open_y, open_z = self._open
        kernels.conductances(sigma, store, self._half_x, self._dx, open_x, open_y, open_z, *self._half, sx, sy)
        contacts, owner = self.contacts, self.contacts.owner
        wired = np.where(np.isnan(volts), 0.0, self.scales)
        g = (contacts.conductance_m * wired[owner] * sigma[contacts.cell]).astype(np.float32)
        known = np.nan_to_num(volts).astype(np.float32)
        kernels.fixed(sigma, store[kernels.EXTRA, :cells], contacts.cell, g, self._outer, self._outer_m)
        kernels.diagonal(store, 0, cells, sx, sy, DAMPING)
        if self.iterations > self._usual + REBUILD:
            self._usual = NEVER
            for level, (first, count, across, along) in enumerate(self._dims[1:]):
                multigrid.coarsen(store, self._dims, self._joined, self._per_face, level)
                kernels.diagonal(store, first, count, across, along, DAMPING)
        self.iterations = multigrid.solve(
            phi, self._direction, store, self._dims, self._joined, self._parts, self._work, contacts.cell, g, owner,
            known, DAMPING, tolerance, MAX_ITERATIONS,
        )  # fmt: skip
        if self.iterations < 0:
            inner = self.grid.inner(sigma)
            raise NotConverged(
                f"electric field: no solution to {tolerance:g} in {MAX_ITERATIONS} iterations on "
                f"{' x '.join(map(str, self.grid.shape))} cells (conductivity {np.min(inner):.3g} to "
                f"{np.max(inner):.3g} S/m); check tissue and mesh"
            )
        self._usual = min(self._usual, self.iterations)
        out = np.zeros(3)
        kernels.joule(
            sigma, phi, store, self.heat, self._dx, *self._per, open_x, contacts.cell, g, owner, known,
            self._outer, self._outer_m, out, sx, sy,
        )  # fmt: skip
        self.admittance_s, self.beyond_s = float(out[kernels.Y]), float(out[kernels.BEYOND])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the next solution depends on besides its arguments: the coarse levels and how well they do."""
        return {"coarse": self._store[:, self.cells :], "quickest": np.array([self.iterations, self._usual])}

    def take_up(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Go on from ``arrays``."""
        self._store[:, self.cells :] = saved["coarse"]
        self.iterations, self._usual = (int(n) for n in saved["quickest"])

    def new(self, value: float = 0.0) -> Field32:
        """A stored field of one value, ghost cells included."""
        field = aligned(self.cells)
        field[:] = value
        return field

    def _calibrate(self, electrode: int, target_ohm: float) -> None:
        """The scale at which ``electrode`` alone has ``target_ohm`` in tissue of 1 S/m."""
        volts, sigma, phi = np.full(len(self.scales), np.nan), self.new(1.0), self.new()
        volts[electrode] = 1.0
        apart: list[float] = [0.05, 0.5]  # 1 / scale; resistance is nearly linear in it
        ohm: list[float] = []
        for _ in range(12):
            self.scales[electrode] = 1.0 / apart[len(ohm)]
            self.rebuild()
            self.solve(sigma, phi, volts, 3e-4)
            ohm.append(1.0 / self.admittance_s)
            if abs(ohm[-1] / target_ohm - 1.0) < 1e-4:
                return
            if len(ohm) > 1:
                slope = (ohm[-1] - ohm[-2]) / (apart[-1] - apart[-2])
                apart.append(max(apart[-1] + (target_ohm - ohm[-1]) / slope, 0.2 * apart[-1]))
        raise ValueError(
            f"electrode {electrode}: cells of {self.grid.core_m * 1e3:g} mm cannot show its {target_ohm:.2f} ohm at "
            f"1 S/m, at best {ohm[-1]:.2f}; take a finer mesh"
        )


def _outer(grid: SolidGrid) -> tuple[NDArray[np.int64], Field32]:
    """Edge cells and their conductance (per S/m) through half a cell and the space beyond."""
    if not grid.open_edge:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    index = np.arange(np.prod(grid.padded)).reshape(grid.padded)[1:-1, 1:-1]
    away = [c - m for c, m in zip(grid.centres_m, grid.centre_m, strict=True)]
    where, conductance = [], []
    for axis in range(3):
        others = [a for a in range(3) if a != axis]
        area = np.outer(grid.widths_m[others[0]], grid.widths_m[others[1]])
        side2 = away[others[0]][:, None] ** 2 + away[others[1]] ** 2
        for end in (0, -1):
            height = abs(grid.faces_m[axis][end] - grid.centre_m[axis])
            beyond = (side2 + height**2) / height  # distance / cosine
            where.append(np.take(index, end, axis).ravel())
            conductance.append((area / (grid.widths_m[axis][end] / 2 + beyond)).ravel())
    return np.concatenate(where), np.concatenate(conductance).astype(np.float32)
