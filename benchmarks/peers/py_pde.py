"""The thermal problem alone in py-pde: its cylindrical grid, explicit Euler, its own compiled loop.

py-pde has no solver for div(sigma grad V) = 0, so the heat of the first field is given to it, and to us.
"""

from __future__ import annotations

import time

import numpy as np
import pde

from benchmarks.peers.problem import (
    DURATION_S,
    HEIGHT_M,
    INNER_M,
    K_W_MK,
    OUTER_M,
    QB_W_M3K,
    RC_J_M3K,
    START_C,
    Array,
)  # fmt: skip


def solve(heat_w_m3: Array, dt_s: float) -> tuple[Array, float, float]:
    """Temperatures after 12 min with the heat of each cell, [r, z]; CPU seconds of py-pde's loop alone, compiled
    before, and of ``PDE.solve`` as one calls it, which compiles anew each time.
    """
    grid = pde.CylindricalSymGrid((INNER_M, OUTER_M), (0.0, HEIGHT_M), heat_w_m3.shape)
    heat = pde.ScalarField(grid, heat_w_m3 / RC_J_M3K)
    equation = pde.PDE(
        {"T": f"{K_W_MK / RC_J_M3K} * laplace(T) + heat - {QB_W_M3K / RC_J_M3K} * (T - {START_C})"},
        consts={"heat": heat},
        bc={"derivative": 0},
    )
    start = pde.ScalarField(grid, START_C)
    stepper = pde.EulerSolver(equation, backend="numba").make_stepper(start, dt=dt_s)
    stepper(start.copy(), 0.0, 2 * dt_s)
    now = start.copy()
    began_s = time.process_time()
    stepper(now, 0.0, DURATION_S)
    loop_s = time.process_time() - began_s
    began_s = time.process_time()
    equation.solve(start, t_range=DURATION_S, dt=dt_s, solver="euler", backend="numba", tracker=None)
    return np.asarray(now.data), loop_s, time.process_time() - began_s
