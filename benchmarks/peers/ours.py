"""The problem on the kernels of ``sim.world``: explicit enthalpy steps, a new field when conductivity has changed."""

from __future__ import annotations

import dataclasses
import time

import numpy as np

from benchmarks.peers.problem import (
    ARRHENIUS_K,
    ARRHENIUS_PER_S,
    BARE_M,
    DURATION_S,
    HEIGHT_M,
    K_W_MK,
    LOOK_S,
    OUTER_M,
    POWER_W,
    PROBES_MM,
    QB_W_M3K,
    R50_ALONG_MM,
    RC_J_M3K,
    SIGMA_PER_K,
    SIGMA_S_M,
    START_C,
    Answer,
    Array,
    r50_mm,
)  # fmt: skip
from sim.world import field, kernels
from sim.world.grid import ACTIVE, RA, RB, SHAFT, VOL, ZA, ZB, Grid, build
from sim.world.properties import tissue_named

NEVER_C = 1.0e9
MEDIUM = {
    "RC": RC_J_M3K, "BOIL_1": NEVER_C, "BOIL_2": NEVER_C, "K": K_W_MK, "K_SLOPE": 0.0, "K_DRY": K_W_MK,
    "START": START_C, "SIG": SIGMA_S_M, "SIG_SLOPE": SIGMA_PER_K, "QB": QB_W_M3K, "TB": START_C, "QM": 0.0,
    "LNA1": float(np.log(ARRHENIUS_PER_S)), "TA1": ARRHENIUS_K,
    "STOP_2": 0.0, "STOP_OMEGA": 1.0, "STOP_GRADUAL": 1.0,
}  # fmt: skip
"""The problem as entries P_* of the kernels' parameters; the rest stays as in liver and has no part in it."""


def ring(r_face: Array, z_face: Array) -> Grid:
    """The ring around the needle, grounded at its outer face."""
    z_m = (z_face[1:] + z_face[:-1]) / 2
    code = np.zeros((r_face.size, z_m.size), np.int8)
    code[0] = np.where((z_m > BARE_M[0]) & (z_m < BARE_M[1]), ACTIVE, SHAFT)
    grid = build(np.concatenate([[0.0], r_face]), z_face, code, centre_m=HEIGHT_M / 2)
    ground = 2.0 * np.pi * np.diff(z_face) / np.log(OUTER_M / grid.r_m[-1])
    last = grid.r_m.size - 1
    return dataclasses.replace(grid, outer=np.array([[last * z_m.size + j, g] for j, g in enumerate(ground)]))


class Ours:
    """The problem on one mesh. Without ``joule`` the heat of the first field stays: the thermal problem alone."""

    def __init__(self, r_face: Array, z_face: Array, joule: bool = True) -> None:
        began_s = time.process_time()
        self.grid = ring(r_face, z_face)
        self.p = tissue_named("invivo_porcine").parameters()
        for name, value in MEDIUM.items():
            self.p[getattr(kernels, f"P_{name}")] = value
        if not joule:
            self.p[[kernels.P_SIG_SLOPE, kernels.P_LNA1]] = 0.0, -1e3
        self.state, self.scalar = field.new_state(self.grid), np.zeros(kernels.SCALARS)
        self.state[kernels.H] = RC_J_M3K * START_C
        self.row = np.full((3, self.grid.r_m.size), START_C)
        self.row[0, :2] = 0, 0
        self._march(0, 1.0)
        self.set_up_s = time.process_time() - began_s

    def heat_w_m3(self) -> Array:
        """Heat of the first field in each tissue cell, [r, z]."""
        field.solve(self.grid, self.state, self.scalar, tolerance=1e-9)
        return self.state[kernels.HEAT, 1:] * POWER_W / self.scalar[kernels.Y_REF] / self.grid.geometry[VOL, 1:]

    def solve(self, dt_s: float, look_every_s: float = 2.0, changed: float = 0.004, **tolerance: float) -> Answer:
        """Steps of at most ``dt_s`` and 0.9 of what is stable.

        A new field when the kernels ask for one, or when the admittance is found ``changed``, relative.
        """
        began_s = time.process_time()
        steps = 18 * int(
            np.ceil(DURATION_S / 18 / min(dt_s, 0.9 * self._stable_dt_s()))
        )  # LOOK_S are multiples of 40 s
        most = max(1, round(look_every_s * steps / DURATION_S))
        field.solve(self.grid, self.state, self.scalar, **tolerance)
        looks, done = [], 0
        for look_s in LOOK_S:
            until = round(look_s * steps / DURATION_S)
            while done < until:
                done += self._march(min(until - done, most), DURATION_S / steps)
                drift = self.scalar[kernels.Y_NOW] / self.scalar[kernels.Y_REF] - 1.0
                if self.scalar[kernels.FIELD_DUE] or abs(drift) > changed:
                    field.solve(self.grid, self.state, self.scalar, **tolerance)
            looks.append([self._at(r, z) for r, z in PROBES_MM])
        cpu_s = time.process_time() - began_s
        along = np.array([self._at(r, HEIGHT_M * 500.0) for r in R50_ALONG_MM])
        return Answer(np.array(looks), r50_mm(along), self.set_up_s, cpu_s, int(self.scalar[kernels.N_SOLVES]))

    def now_c(self) -> Array:
        """Temperature of each tissue cell, [r, z]."""
        return self.state[kernels.T, 1:]

    def _march(self, count: int, dt_s: float) -> int:
        return kernels.march(
            self.state.reshape(kernels.PLANES, -1), self.grid.cells, self.grid.contacts, self.scalar, self.p, self.row,
            self.grid.z_m.size, dt_s, count, POWER_W, START_C, 0.0, 0.0, 1.0,
        )  # fmt: skip

    def _stable_dt_s(self) -> float:
        g = self.grid.geometry
        out_r, out_z = K_W_MK / (g[RA] + g[RB]), K_W_MK / (g[ZA] + g[ZB])
        total = out_r + out_z + QB_W_M3K * g[VOL]
        total[1:] += out_r[:-1]
        total[:, 1:] += out_z[:, :-1]
        return float(np.min((g[VOL] * RC_J_M3K / total)[1:]))

    def _at(self, r_mm: float, z_mm: float) -> float:
        """Temperature between cell centres: linear in ln r, as the fluxes are, and in z."""
        r_m, z_m = self.grid.r_m[1:], self.grid.z_m
        i = int(np.clip(np.searchsorted(r_m, r_mm / 1e3) - 1, 0, r_m.size - 2))
        j = int(np.clip(np.searchsorted(z_m, z_mm / 1e3) - 1, 0, z_m.size - 2))
        a = np.log(r_mm / 1e3 / r_m[i]) / np.log(r_m[i + 1] / r_m[i])
        b = (z_mm / 1e3 - z_m[j]) / (z_m[j + 1] - z_m[j])
        return float(np.array([1 - a, a]) @ self.now_c()[i : i + 2, j : j + 2] @ np.array([1 - b, b]))
