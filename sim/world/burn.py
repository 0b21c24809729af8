"""One needle in one tissue: power in, impedance, temperatures and damage out. Knows no generator and no clock."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sim.world import checks, field, kernels, thermal, zone
from sim.world.grid import MESHES, VOL, WET, Array, needle_grid
from sim.world.needle import FILM_W_M2K, SHAFT_FILM_RATIO, Needle
from sim.world.properties import Tissue

PROBE_LAG_S = 0.3
"""First-order lag of a bare thermocouple in tissue."""


class Burn:
    """The state of one application. Raises ValueError for an unknown mesh or a needle that does not fit it."""

    def __init__(self, needle: Needle, tissue: Tissue, mesh: str = "fast") -> None:
        if mesh not in MESHES:
            raise ValueError(checks.unknown("mesh", mesh, MESHES))
        self.grid = needle_grid(needle.radius_m, needle.active_m, MESHES[mesh])
        self.tissue = tissue
        self._parameters = tissue.parameters()
        self._state = field.new_state(self.grid)
        self._cells, self._geometry = self._state.reshape(kernels.PLANES, -1), self.grid.cells
        self._scalar = np.zeros(kernels.SCALARS)
        self._state[kernels.H] = thermal.enthalpy_j_m3(tissue.start_c, tissue)
        self._dt_max_s = min(MESHES[mesh].dt_max_s, thermal.stable_dt_s(self.grid, tissue, 2.0 * FILM_W_M2K))
        self._stored_j = thermal.stored_j(self.grid, self._state)
        self._row = self._middle_row(needle.active_m / 2)
        self._march(0, 1.0, 0.0, tissue.start_c, 0.0)
        field.solve(self.grid, self._state, self._scalar, tolerance=1e-8)
        self._scalar[kernels.WALL_C] = tissue.start_c
        self.impedance_ohm = self.cooled_w = 0.0
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
        self.impedance_ohm = 1.0 / float(scalar[kernels.Y_NOW])
        self.cooled_w = float(scalar[kernels.COOLED_W])
        self.wall_c = float(scalar[kernels.WALL_C])

    def step(self, dt_s: float, power_w: float, coolant_c: float, film_w_m2k: float) -> None:
        """``dt_s`` at constant power into tissue; refreshes the public attributes. Raises NotConverged."""
        steps = max(1, math.ceil(dt_s / self._dt_max_s - 1e-9))
        step_s = dt_s / steps
        while steps > 0:
            steps -= self._march(steps, step_s, power_w, coolant_c, film_w_m2k)
            if self._scalar[kernels.FIELD_DUE]:
                field.solve(self.grid, self._state, self._scalar)
        self._publish()

    def _march(self, steps: int, dt_s: float, power_w: float, coolant_c: float, film_w_m2k: float) -> int:
        return kernels.march(
            self._cells, self._geometry, self.grid.contacts, self._scalar, self._parameters, self._row,
            self.grid.z_m.size, dt_s, steps, power_w, coolant_c, film_w_m2k, film_w_m2k * SHAFT_FILM_RATIO, PROBE_LAG_S,
        )  # fmt: skip

    def power_switched(self) -> None:
        """Power was switched: the next step takes a fresh field for small changes too."""
        self._scalar[kernels.SINCE_SOLVE_S] = kernels.MAX_AGE_S

    def probe_row(self) -> tuple[Array, Array, Array]:
        """Radii m, temperatures now and as lagging probes read them, degC, of the plane at mid-tip (live views)."""
        return self.grid.r_m, self._row[1], self._row[2]

    def max_c(self) -> float:
        """Hottest tissue, degC."""
        return float(np.max(self._state[kernels.T][self.grid.geometry[WET] > 0]))

    def zone(self) -> zone.Zone:
        """The white zone now."""
        return zone.measure(self.grid, self._state[kernels.OMEGA_2])

    def picture_data(self) -> dict[str, NDArray[np.float64]]:
        """r_mm, z_mm, temperature_c[nr, nz], damage[nr, nz] (copies)."""
        return {
            "r_mm": self.grid.r_m * 1e3,
            "z_mm": self.grid.z_m * 1e3,
            "temperature_c": self._state[kernels.T].copy(),
            "damage": self._state[kernels.OMEGA_2].copy(),
        }

    def balance(self) -> dict[str, float]:
        """Energy bookkeeping, J."""
        return thermal.balance(self._stored_j, thermal.stored_j(self.grid, self._state), self._scalar)

    def effort(self) -> dict[str, float]:
        """Cells, heat steps, field solutions and their iterations so far."""
        s = self._scalar
        return {
            "cells": float(np.sum(self.grid.geometry[VOL] > 0)),
            "steps": float(s[kernels.N_STEPS]),
            "solves": float(s[kernels.N_SOLVES]),
            "iterations": float(s[kernels.N_ITERATIONS]),
        }
