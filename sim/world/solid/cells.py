"""The tissue of a 3D burn, cell by cell: heat content, conductivity, damage, and how they go on in time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sim.world.needle import FILM_W_M2K
from sim.world.solid import kernels_heat as kernels
from sim.world.solid.electrodes import Source
from sim.world.solid.field import Field32
from sim.world.solid.grid import Array, SolidGrid, aligned
from sim.world.solid.tissue import Laws

WARM_K = 0.5
"""Conductivity is followed where tissue is warmer or colder than at the start by this much; damage where it is hot."""
SAFETY = 0.9
LEAST_OMEGA = np.float32(1.0e-30)


class Cells:
    """Fields in the stored layout (sim.world.solid.grid). ``enthalpy``: J/m3 above unheated tissue; ``omega_1``,
    ``omega_2``: damage; ``alive``: perfused share; ``sigma``: S/m when ``conduct`` was last called: at the last field.
    ``box``: planes and rows where conductivity is followed; ``hot``: where damage is (first, last, first, last).
    """

    def __init__(self, source: Source, laws: Laws) -> None:
        self.grid, self.laws = source.grid, laws
        self.enthalpy, self.omega_1, self.omega_2 = self._field(0.0), self._field(0.0), self._field(0.0)
        self.alive, self.sigma = self._field(0.0), self._field(1.0)
        self.grid.inner(self.alive)[:] = 1.0
        self.grid.inner(self.sigma)[:] = laws.conductivity_s_m()
        _, rows, self._sy = self.grid.padded
        self._sx = rows * self._sy
        self._slack = -(-self._sy // 16) * 16  # whole lines of the caches (grid.aligned)
        self._more, self._flow = aligned(self._sx), aligned(3, -(-self._sx // 16) * 16 + 2 * self._slack)
        self._sinks = source.sinks
        self._stencil()
        low, high = self.grid.core_low_m, self.grid.core_high_m
        inside = [np.flatnonzero((c > a) & (c < b)) for c, a, b in zip(self.grid.centres_m, low, high, strict=True)]
        self.box = np.array([inside[0][0] + 1, inside[0][-1] + 2, inside[1][0] + 1, inside[1][-1] + 2])
        self.hot = self.box.copy()

    def _field(self, value: float) -> Field32:
        field = aligned(int(np.prod(self.grid.padded)))
        field[:] = value
        return field

    def _stencil(self) -> None:
        """Coefficients of heat conduction, 1/m2: along x by plane, along y and z within a plane; 0 at the edges."""
        grid, (_, rows, nz) = self.grid, self.grid.padded
        across = []
        for width in grid.widths_m:
            apart = (width[1:] + width[:-1]) / 2
            across.append(np.array([np.append(1 / apart, 0.0) / width, np.insert(1 / apart, 0, 0.0) / width]))
        self._across = np.zeros((2, grid.padded[0]), np.float32)
        self._across[:, 1:-1] = across[0]
        planes = aligned(5, rows, nz)
        planes[0:2, 1:-1] = across[1][:, :, None]
        planes[2:4, 1:-1] = across[2][:, None]
        planes[4, 1:-1] = np.outer(grid.widths_m[1], grid.widths_m[2])
        self._up, self._down, self._right, self._left, self._area = planes.reshape(5, -1)
        self._dx = np.concatenate([[1.0], grid.widths_m[0], [1.0]]).astype(np.float32)
        volume = np.ones(grid.padded)
        volume[1:-1, 1:-1] = grid.volume_m3
        self._sink_m3 = volume.ravel()[self._sinks.cell]
        self._per_m2 = sum(float(np.max(np.sum(pair, 0))) for pair in across)

    def stable_dt_s(self) -> float:
        """Longest step at which no cell, wet or dry, overshoots its neighbours or the coolant at twice nominal flow."""
        law, sinks = self.laws.law, self._sinks
        k_hot = float(law[kernels.K_0] + law[kernels.K_SLOPE] * law[kernels.U_LIMIT])
        rates = []
        for k, rc_inv in ((k_hot, law[kernels.RC_INV]), (k_hot - float(law[kernels.K_FALL]), law[kernels.RC_DRY_INV])):
            film = 2.0 * FILM_W_M2K * sinks.film * sinks.area_m2
            to_cell = k * sinks.conductance_m
            through = film * to_cell / np.maximum(film + to_cell, 1e-30)
            drawn = np.bincount(sinks.cell, through / self._sink_m3)
            rates.append((k * self._per_m2 + float(np.max(drawn)) + float(law[kernels.QB])) * float(rc_inv))
        return SAFETY / max(rates)

    def heat(
        self, source: Source, dt_s: float, power_w: float, coolant_c: float, film_w_m2k: float, sums: Array
    ) -> tuple[float, float]:
        """One step of the bio-heat equation; adds to the energies in ``sums`` (kernels_heat).

        Returns the first-order change of the admittance since the field of ``sigma``, net and absolute, S.
        """
        law, sinks = self.laws.law, self._sinks
        kernels.cool(
            self.enthalpy, law, sinks.cell, sinks.conductance_m, sinks.area_m2, film_w_m2k * sinks.film, sinks.bare,
            self._sink_m3, coolant_c - self.laws.start_c, dt_s, sums,
        )  # fmt: skip
        change, total = kernels.march(
            self.enthalpy, self.sigma, source.heat, self.alive, self._more, self._flow, law, self._dx, self._area,
            self._across, self._up, self._down, self._right, self._left, self.box,
            source.admittance_s - source.beyond_s, self._sx, self._sy, self._slack, dt_s,
            power_w / source.admittance_s, sums,
        )  # fmt: skip
        return float(change), float(total)

    def conduct(self) -> None:
        """Bring ``sigma`` up to date, for a new field."""
        kernels.conduct(self.enthalpy, self.sigma, self.laws.law, self.box, self._sx, self._sy)

    def harm(self, dt_s: float) -> None:
        """Damage of ``dt_s`` at the present temperatures, where there is any; both boxes follow the heat outward."""
        law = self.laws.law
        for box, warm_k in ((self.box, WARM_K), (self.hot, float(law[kernels.U_HARMLESS]))):
            kernels.widen(self.enthalpy, box, warm_k / float(law[kernels.RC_INV]), self._sx, self._sy)
        kernels.harm(self.enthalpy, self.omega_1, self.omega_2, self.alive, law, self.hot, self._sx, self._sy, dt_s)

    def celsius(self) -> NDArray[np.float32]:
        """Temperatures, [nx, ny, nz]."""
        return self.laws.temperature_c(self.grid.inner(self.enthalpy))

    def boiling_m3(self) -> float:
        """Volume at 99 degC and above."""
        box = self.box
        near = self.enthalpy.reshape(self.grid.padded)[box[0] : box[1], box[2] : box[3]]
        hot = near >= self.laws.law[kernels.E_BOIL]
        if not np.any(hot):
            return 0.0
        area = self._area.reshape(self.grid.padded[1:])[box[2] : box[3]]
        return float(self._dx[box[0] : box[1]] @ np.einsum("ijk,jk->i", hot, area))

    def stored_j(self) -> float:
        """Heat content above unheated tissue."""
        dx, dy, dz = self.grid.widths_m
        per_line = self.grid.inner(self.enthalpy).astype(np.float64) @ dz
        return math.fsum((dx @ per_line) * dy)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """All that goes on in time, for saving."""
        names = ("enthalpy", "omega_1", "omega_2", "alive", "sigma", "box", "hot")
        return {name: getattr(self, name) for name in names}

    def take_over(self, old: Cells, back_m: float) -> None:
        """The tissue of ``old``, seen from a frame ``back_m`` further along z, on this grid: conservative overlaps.

        Damage is averaged as its logarithm, in which its edge is straight. Tissue from outside ``old`` is fresh.
        """

        def moved(values: NDArray[np.float32]) -> NDArray[np.float64]:
            return carried(old.grid, self.grid, old.grid.inner(values).astype(np.float64), back_m)

        self.grid.inner(self.enthalpy)[:] = moved(old.enthalpy)
        self.grid.inner(self.alive)[:] = 1.0 - moved(1.0 - old.alive)
        for mine, theirs in ((self.omega_1, old.omega_1), (self.omega_2, old.omega_2)):
            logs = moved(np.log(np.maximum(theirs, LEAST_OMEGA)) - np.log(LEAST_OMEGA))
            self.grid.inner(mine)[:] = np.where(logs > 0.5, np.exp(logs) * LEAST_OMEGA, 0.0)
        self.follow_everywhere()

    def follow_everywhere(self) -> None:
        """Both boxes: the whole grid."""
        for box in (self.box, self.hot):
            box[:] = 1, self.grid.padded[0] - 1, 1, self.grid.padded[1] - 1


def carried(old: SolidGrid, new: SolidGrid, values: Array, back_m: float) -> Array:
    """Mean of ``values`` (per volume, on ``old``) over each cell of ``new``, whose frame is ``back_m`` further along z;
    what lies outside ``old`` counts as 0.
    """
    result = values
    for axis in range(3):
        shift = back_m if axis == 2 else 0.0
        if not shift and np.array_equal(old.faces_m[axis], new.faces_m[axis]):
            continue
        low, high = new.faces_m[axis][:-1] + shift, new.faces_m[axis][1:] + shift
        from_, to = old.faces_m[axis][:-1], old.faces_m[axis][1:]
        overlap = np.minimum(high[:, None], to) - np.maximum(low[:, None], from_)
        share = sparse.csr_array(np.maximum(overlap, 0.0) / (high - low)[:, None])  # a few cells each
        lines = np.moveaxis(result, axis, 0)
        moved = share @ lines.reshape(len(lines), -1)
        result = np.moveaxis(moved.reshape(-1, *lines.shape[1:]), 0, axis)
    return result
