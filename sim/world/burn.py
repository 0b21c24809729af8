"""One needle or antenna in one tissue: power in, impedance, temperatures, damage out. Knows no generator, no clock."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from sim.world import checks, field, kernels, retract, thermal, zone
from sim.world.applicator import Antenna, Applicator, Needle
from sim.world.grid import DOMAIN_M, MESHES, VOL, WET, Array, needle_grid
from sim.world.microwave import TIP_FILM_RATIO, Source, antenna_grid
from sim.world.needle import FILM_W_M2K, SHAFT_FILM_RATIO
from sim.world.properties import BOIL_FROM_C, Tissue

PROBE_LAG_S = 0.3
"""First-order lag of a bare thermocouple in tissue."""


class Burn:
    """The state of one application. Raises ValueError for an unknown mesh or a probe that does not fit it.

    ``sample_radius_m``: of a piece of tissue that is thinner than the domain; nothing leaves through its outside.
    """

    def __init__(
        self, probe: Needle | Antenna, tissue: Tissue, mesh: str = "fast", sample_radius_m: float = DOMAIN_M
    ) -> None:
        if mesh not in MESHES:
            raise ValueError(checks.unknown("mesh", mesh, MESHES))
        self.tissue = tissue
        self._antenna: Source | None = None
        if isinstance(probe, Antenna):
            self.grid = antenna_grid(probe, MESHES[mesh], sample_radius_m)
            bare_m, film_w_m2k = probe.bare_m, probe.film_w_m2k
            self._antenna = Source(probe, tissue, self.grid)
            self._films = (TIP_FILM_RATIO, 1.0)
            self._parameters = self._antenna.parameters
        else:
            self.grid = needle_grid(probe.radius_m, probe.active_m, MESHES[mesh], sample_radius_m)
            bare_m, film_w_m2k = probe.active_m, FILM_W_M2K
            self._films = (1.0, SHAFT_FILM_RATIO)
            self._parameters = tissue.parameters()
            if probe.perfused:  # steam leaves, saline follows: heat and current find wet tissue all the time
                self._parameters[kernels.P_DRY_RATIO] = 1.0
                warmed = 1.0 + tissue.k_per_k * (BOIL_FROM_C - tissue.start_c)
                self._parameters[kernels.P_K_DRY] = tissue.k_w_mk * warmed
        self._state = field.new_state(self.grid)
        self._cells, self._geometry = self._state.reshape(kernels.PLANES, -1), self.grid.cells
        self._celsius: Array = self._cells[kernels.T]
        self._places: dict[tuple[float, float, float], list[tuple[int, float]]] = {}
        self._scalar = np.zeros(kernels.SCALARS)
        self._state[kernels.H] = thermal.enthalpy_j_m3(tissue.start_c, tissue)
        self._dt_max_s = min(MESHES[mesh].dt_max_s, thermal.stable_dt_s(self.grid, tissue, 2.0 * film_w_m2k))
        self._stored_j = np.array([thermal.stored_j(self.grid, self._state)])
        self._row = self._middle_row(bare_m / 2)
        self._fixed = (
            self._cells, self._geometry, self.grid.contacts, self._scalar, self._parameters, self._row,
            self.grid.z_m.size,
        )  # fmt: skip
        self._march(0, 1.0, 0.0, tissue.start_c, 0.0)
        self._solve(tolerance=1e-8)
        self._scalar[kernels.WALL_C] = tissue.start_c
        self.impedance_ohm, self.cooled_w, self.reflected = math.nan, 0.0, 0.0
        self.wall_c = tissue.start_c
        self._publish()

    def _middle_row(self, z_m: float) -> Array:
        """The probes' plane at ``z_m``: [0, :2] z indices to average, [1] degC by r now, [2] as lagging probes read."""
        upper = int(np.searchsorted(self.grid.z_m, z_m - 1e-9))
        lower = upper if abs(self.grid.z_m[upper] - z_m) < 1e-9 else upper - 1
        row = np.full((3, self.grid.r_m.size), self.tissue.start_c)
        row[0, :2] = lower, upper
        return row

    def _publish(self) -> None:
        scalar = self._scalar
        if self._antenna is None:
            self.impedance_ohm = 1.0 / float(scalar[kernels.Y_NOW])
        else:
            self.reflected = self._antenna.reflected
        self.cooled_w = float(scalar[kernels.COOLED_W])
        self.wall_c = float(scalar[kernels.WALL_C])

    def step(self, dt_s: float, power_w: float, coolant_c: float, film_w_m2k: float) -> None:
        """``dt_s`` at constant power into tissue; refreshes the public attributes. Raises NotConverged."""
        steps = max(1, math.ceil(dt_s / self._dt_max_s - 1e-9))
        step_s = dt_s / steps
        while steps > 0:
            steps -= self._march(steps, step_s, power_w, coolant_c, film_w_m2k)
            if self._scalar[kernels.FIELD_DUE]:
                self._solve()
        self._publish()

    def _solve(self, tolerance: float = field.TOLERANCE) -> None:
        if self._antenna is None:
            field.solve(self.grid, self._state, self._scalar, tolerance)
        else:
            self._antenna.solve(self._state, self._scalar)

    def _march(self, steps: int, dt_s: float, power_w: float, coolant_c: float, film_w_m2k: float) -> int:
        bare, shaft = self._films
        return kernels.march(
            *self._fixed, dt_s, steps, power_w, coolant_c, film_w_m2k * bare, film_w_m2k * shaft, PROBE_LAG_S
        )

    def power_switched(self) -> None:
        """Power was switched: the next step takes a fresh field for small changes too."""
        self._scalar[kernels.SINCE_SOLVE_S] = kernels.MAX_AGE_S

    def connect(self, channels: Collection[int]) -> None:
        """One probe has one channel, 0. Raises ValueError for any other choice."""
        if set(channels) != {0}:
            raise ValueError(f"channels: {sorted(channels)!r}; a single probe has channel 0 only")

    def temperature_c(self, x_m: float, y_m: float, z_m: float) -> float:
        """Tissue temperature at a point, between the centres of wet cells; inside the probe that of its surface.

        Raises ValueError outside the domain.
        """
        place = self._places.get((x_m, y_m, z_m))
        if place is None:
            place = self._places[x_m, y_m, z_m] = self._corners(math.hypot(x_m, y_m), z_m)
        if not place:
            return self.wall_c
        item = self._celsius.item
        return float(sum(item(cell) * share for cell, share in place))

    def _corners(self, r_m: float, z_m: float) -> list[tuple[int, float]]:
        """The wet cells around a point and their shares of its temperature."""
        i, across = _between(self.grid.r_m, self.grid.r_face_m, r_m, "r")
        j, along = _between(self.grid.z_m, self.grid.z_face_m, z_m, "z")
        wet, nz = self.grid.cells[WET], self.grid.z_m.size
        around = [
            (row * nz + column, share_r * share_z * wet.item(row * nz + column))
            for row, share_r in ((i, 1.0 - across), (i + 1, across))
            for column, share_z in ((j, 1.0 - along), (j + 1, along))
        ]
        total = sum(share for _, share in around)
        return [(cell, share / total) for cell, share in around if share > 0.0]

    def _arrays(self) -> dict[str, NDArray[np.float64]]:
        return {"state": self._state, "scalar": self._scalar, "row": self._row, "stored_j": self._stored_j}

    def save(self) -> dict[str, NDArray[np.float64]]:
        """The whole state (copies): ``state``, ``scalar``, ``row``, ``stored_j``, ``reflected``."""
        copies = {name: array.copy() for name, array in self._arrays().items()}
        return {**copies, "reflected": np.array([self.reflected])}

    def restore(self, saved: Mapping[str, NDArray[np.float64]]) -> None:
        """Take up a saved state. Raises ValueError when it is of another mesh or applicator."""
        arrays = self._arrays()
        for name, array in arrays.items():
            if name not in saved or saved[name].shape != array.shape:
                raise ValueError(f"saved {name}: of another scene; this one has shape {array.shape}")
        for name, array in arrays.items():
            array[...] = saved[name]
        if self._antenna is not None:
            self._antenna.reflected = float(saved["reflected"][0])
        self._publish()

    def probe_row(self) -> tuple[Array, Array, Array]:
        """Radii m, temperatures now and as lagging probes read them, degC, of the plane at mid-tip (live views)."""
        return self.grid.r_m, self._row[1], self._row[2]

    def max_c(self) -> float:
        """Hottest tissue, degC."""
        return float(np.max(self._state[kernels.T][self.grid.geometry[WET] > 0]))

    def boiling_ml(self) -> float:
        """Tissue at 99 degC and above, mL."""
        hot = (self._state[kernels.T] >= BOIL_FROM_C) & (self.grid.geometry[WET] > 0)
        return float(np.sum(self.grid.geometry[VOL][hot])) * 1e6

    def pull_back(self, distance_m: float) -> None:
        """The probe moves towards its handle, the tissue stays as it is; what enters the domain is booked as stored."""
        before_j = thermal.stored_j(self.grid, self._state)
        fresh_j_m3 = thermal.enthalpy_j_m3(self.tissue.start_c, self.tissue)
        retract.pull_back(self.grid, self._state, distance_m, fresh_j_m3)
        self._stored_j[0] += thermal.stored_j(self.grid, self._state) - before_j
        self._march(0, 1.0, 0.0, self.tissue.start_c, 0.0)
        self._solve()
        self._publish()

    def deploy(self, applicator: Applicator) -> None:
        """Refused: a straight probe has no tines."""
        raise ValueError(f"deploy: {type(applicator).__name__} has no tines; an expandable-array has")

    prepare = deploy

    def zone(self) -> zone.Zone:
        """The white zone now."""
        share = self.tissue.contraction_rf if self._antenna is None else self.tissue.contraction_mw
        return zone.measure(self.grid, self._state[kernels.OMEGA_2], share)

    def picture_data(self) -> dict[str, NDArray[np.float64]]:
        """r_mm, z_mm, temperature_c[nr, nz], damage[nr, nz] and, by the other kinetics, necrosis[nr, nz] (copies)."""
        return {
            "r_mm": self.grid.r_m * 1e3,
            "z_mm": self.grid.z_m * 1e3,
            "temperature_c": self._state[kernels.T].copy(),
            "damage": self._state[kernels.OMEGA_2].copy(),
            "necrosis": self._state[kernels.OMEGA_1].copy(),
        }

    def balance(self) -> dict[str, float]:
        """Energy bookkeeping, J."""
        return thermal.balance(float(self._stored_j[0]), thermal.stored_j(self.grid, self._state), self._scalar)

    def effort(self) -> dict[str, float]:
        """Cells, heat steps, field solutions and their iterations so far."""
        s = self._scalar
        return {
            "cells": float(np.sum(self.grid.geometry[VOL] > 0)),
            "steps": float(s[kernels.N_STEPS]),
            "solves": float(s[kernels.N_SOLVES]),
            "iterations": float(s[kernels.N_ITERATIONS]),
        }


def _between(centres_m: Array, faces_m: Array, at_m: float, axis: str) -> tuple[int, float]:
    """Index of the cell centre below ``at_m`` and the share of the next one; held at the first and last centre."""
    low_m, high_m = float(faces_m[0]), float(faces_m[-1])
    if not low_m <= at_m <= high_m:
        raise ValueError(f"{axis}: {at_m * 1e3:g} mm is outside the domain, {low_m * 1e3:.0f} to {high_m * 1e3:.0f} mm")
    i = min(max(int(np.searchsorted(centres_m, at_m)) - 1, 0), centres_m.size - 2)
    share = (at_m - centres_m[i]) / (centres_m[i + 1] - centres_m[i])
    return i, float(min(max(share, 0.0), 1.0))
