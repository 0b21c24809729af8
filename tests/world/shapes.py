"""Grids of shapes that have closed-form solutions, and a block of plain tissue on any of them.

``Block`` drives the kernels of the simulated world with the numbers of a textbook problem, also with numbers that no
tissue has (freezing, 300 degC without boiling). Everything that a kernel needs to be called is in this file.
"""

import dataclasses

import numpy as np

from sim.world import field, kernels, thermal
from sim.world.grid import ACTIVE, RA, RB, SHAFT, VOL, WET, ZA, ZB, build
from sim.world.properties import tissue_named


def sphere_grid(radius_m, step_m, domain_m):
    fine = np.arange(0.0, 2 * radius_m + step_m / 2, step_m)
    grow = [fine[-1]]
    width = step_m
    while grow[-1] < domain_m:
        width *= 1.1
        grow.append(grow[-1] + width)
    r_face = np.concatenate([fine, grow[1:]])
    z_face = np.concatenate([-r_face[:0:-1], r_face])
    return build(r_face, z_face, sphere_code(r_face, z_face, radius_m), centre_m=0.0)


def sphere_code(r_face, z_face, radius_m):
    r_m, z_m = (r_face[1:] + r_face[:-1]) / 2, (z_face[1:] + z_face[:-1]) / 2
    return np.where(r_m[:, None] ** 2 + z_m**2 < radius_m**2, ACTIVE, 0).astype(np.int8)


def hemisphere_grid(radius_m, step_m, domain_m):
    """The upper half of ``sphere_grid``: the lower one is an insulator."""
    ball = sphere_grid(radius_m, step_m, domain_m)
    code = ball.code.copy()
    code[:, ball.z_m < 0.0] = SHAFT
    return build(ball.r_face_m, ball.z_face_m, code, centre_m=0.0)


def shells_grid(inner_m, step_m, outer_m):
    """Sphere of one volt inside a grounded sphere. Cells whose centre is beyond the outer one are insulators."""
    ball = sphere_grid(inner_m, step_m, 1.3 * outer_m)
    distance = np.hypot(ball.r_m[:, None], ball.z_m)
    inside = build(ball.r_face_m, ball.z_face_m, np.where(distance > outer_m, SHAFT, ball.code), centre_m=0.0)
    edge = inside.contacts[inside.contacts[:, 3] < 0.5]
    return dataclasses.replace(inside, outer=edge[:, :2], contacts=inside.contacts[inside.contacts[:, 3] > 0.5])


def slab_grid(step_m, length_m):
    """Two equal columns of cells from a wall (ACTIVE) at z = 0 to ``length_m``: one dimension."""
    z_face = np.concatenate([[-step_m], np.arange(0.0, length_m + step_m / 2, step_m)])
    code = np.zeros((2, z_face.size - 1), np.int8)
    code[:, 0] = ACTIVE
    return build(np.array([0.0, 0.01, 0.02]), z_face, code, centre_m=0.5 * length_m)


def rings_grid(r_face_m, *, wall=True, height_m=8.0e-3):
    """A long cylinder: four slices that exchange nothing. The first ring is the wall, or tissue like the others."""
    code = np.zeros((r_face_m.size - 1, 4), np.int8)
    if wall:
        code[0] = ACTIVE
    return build(r_face_m, np.linspace(0.0, height_m, 5), code, centre_m=height_m / 2)


def growing(first_m, step_m, ratio, count):
    """Faces from ``first_m`` outward: ``count`` cells of ``step_m`` growing by ``ratio``."""
    return first_m + np.concatenate([[0.0], np.cumsum(step_m * ratio ** np.arange(count))])


class Block:
    """Tissue that does not boil, dry or die, in the state that the kernels know. ``medium``: entries P_* by name."""

    def __init__(self, grid, *, start_c=37.0, **medium):
        self.grid = dataclasses.replace(grid, contacts=grid.contacts.reshape(-1, 4))
        plain = {"RC": 3.816e6, "K": 0.52, "K_SLOPE": 0.0, "QB": 0.0, "QM": 0.0, "BOIL_1": 1e12, "BOIL_2": 1e12}
        plain |= {"SIG": 0.2, "SIG_SLOPE": 0.0, "LNA1": -1e3, "LNA2": -1e3, "STOP_GRADUAL": 0.0}
        self.p = tissue_named("invivo_porcine").parameters()
        for name, value in (plain | medium).items():
            self.p[getattr(kernels, f"P_{name}")] = value
        self.state, self.scalar = field.new_state(grid), np.zeros(kernels.SCALARS)
        self.geometry = grid.geometry.copy()
        self.state[kernels.SIG] = self.p[kernels.P_SIG]
        self.state[kernels.SIG_REF], self.scalar[kernels.Y_REF] = 1.0, 1.0
        self.row = np.zeros((3, grid.r_m.size))
        self.row[0, :2] = max(grid.z_m.size // 2 - 1, 0), grid.z_m.size // 2
        self.set_temperature(start_c)

    def set_temperature(self, temperature_c):
        self.state[kernels.H] = self.p[kernels.P_RC] * temperature_c
        self._march(0, 1.0, 0.0, 0.0)
        self.stored_j = self._stored_j()

    def set_heat(self, watts):
        """``watts``: per cell, [nr, nz]."""
        self.state[kernels.HEAT] = watts * self.grid.geometry[WET]

    def joule(self, volts):
        """Field of ``volts`` between electrode and far away as the source of heat; returns the power in W."""
        field.solve(self.grid, self.state, self.scalar, 1e-9)
        self.state[kernels.HEAT] *= volts**2
        power_w = float(self.scalar[kernels.Y_REF]) * volts**2
        self.scalar[kernels.Y_REF] = 1.0
        return power_w

    def open_to_infinity(self, far_c):
        """Heat leaves through the edge of the domain as in endless tissue: steady temperature falls as 1/distance.

        Perfusion of the cells at the edge stands for the tissue beyond.
        """
        self.p[kernels.P_QB], self.p[kernels.P_TB] = 1e5, far_c
        self.state[kernels.ALIVE] = 0.0
        for cell, conductance in self.grid.outer:
            volume = self.geometry[VOL].flat[int(cell)]
            self.state[kernels.ALIVE].flat[int(cell)] += self.p[kernels.P_K] * conductance / (1e5 * volume)

    def settle(self, steps=1000, wall_c=0.0, film=0.0):
        """To the steady state, in which heat capacity has no part: each cell gets one that suits the time step.

        Every step also goes on in the direction of the last one (the heavy ball of Polyak 1964), because plain steps
        of a graded grid would take minutes.
        """
        total = self._conductance(film)
        storage = np.where(self.geometry[WET] > 0, total / self.p[kernels.P_RC], 1.0)
        self.state[kernels.ALIVE] *= self.geometry[VOL] / storage
        self.geometry[VOL] = storage
        before = self.state[kernels.H].copy()
        for _ in range(steps):
            now = self.state[kernels.H].copy()
            self._march(1, 1.85, wall_c, film)
            self.state[kernels.H] += 0.98 * (now - before)
            before = now
        self._march(0, 1.0, wall_c, film)
        return self.state[kernels.T]

    def run(self, duration_s, dt_s=None, wall_c=0.0, film=0.0):
        """March ``duration_s``; returns the temperatures [nr, nz]."""
        if dt_s is None:
            wet = self.geometry[WET] > 0
            limit = 0.9 * np.min((self.geometry[VOL] * self.p[kernels.P_RC] / self._conductance(film))[wet])
            dt_s = duration_s / np.ceil(duration_s / limit)
        left = round(duration_s / dt_s)
        while left > 0:
            left -= self._march(left, dt_s, wall_c, film)
        return self.state[kernels.T]

    def balance(self):
        return thermal.balance(self.stored_j, self._stored_j(), self.scalar)

    def _stored_j(self):
        return float(np.sum(self.state[kernels.H] * self.geometry[VOL] * self.geometry[WET]))

    def _march(self, steps, dt_s, wall_c, film):
        taken = 0
        for count in (0, steps):  # 0: what follows from H is brought up to date
            taken = kernels.march(
                self.state.reshape(kernels.PLANES, -1), self.geometry.reshape(len(self.geometry), -1),
                self.grid.contacts, self.scalar, self.p, self.row, self.grid.z_m.size, dt_s, count, 1.0, wall_c, film,
                0.0, 0.3,
            )  # fmt: skip
        return taken

    def _conductance(self, film):
        """Of each cell to all that it exchanges heat with, W/K."""
        g, k = self.geometry, self.p[kernels.P_K]
        out_r, out_z = k / (g[RA] + g[RB]), k / (g[ZA] + g[ZB])
        total = out_r + out_z + self.p[kernels.P_QB] * self.state[kernels.ALIVE] * g[VOL]
        total[1:] += out_r[:-1]
        total[:, 1:] += out_z[:, :-1]
        for cell, conductance, area, active in self.grid.contacts:
            if film > 0.0 and active:
                total.flat[int(cell)] += 1 / (1 / (film * area) + 1 / (k * conductance))
        return total
