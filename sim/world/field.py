"""The electric field of one volt on the electrode, at 460-500 kHz: div(sigma grad V) = 0.

Displacement current is neglected (it makes |Z| about 11 % smaller than R in liver). The far field beyond the domain
decays as 1/distance. Because the equation is linear in V, power, current and voltage control are algebra on this one
solution.
"""

from __future__ import annotations

import numpy as np

from sim.world import kernels
from sim.world.grid import WET, Array, Grid


class NotConverged(RuntimeError):
    """The potential did not reach its tolerance. There is no result: the last iterate is never used."""


def new_state(grid: Grid) -> Array:
    """Zeroed state planes for ``grid``; the tissue is perfused everywhere."""
    state = np.zeros((kernels.PLANES, grid.r_m.size, grid.z_m.size))
    state[kernels.ALIVE] = grid.geometry[WET]
    return state


def solve(
    grid: Grid, state: Array, scalar: Array, tolerance: float = kernels.TOLERANCE, limit: int = kernels.MAX_ITERATIONS
) -> int:
    """Solve for the conductivity in ``state``; returns the iterations. Raises NotConverged."""
    cells = state.reshape(kernels.PLANES, -1)
    done = kernels.solve_field(cells, grid.cells, grid.contacts, grid.outer, scalar, grid.z_m.size, tolerance, limit)
    if done < 0:
        sigma = state[kernels.SIG][grid.geometry[WET] > 0]
        raise NotConverged(
            f"electric field: no solution to {tolerance:g} in {limit} iterations "
            f"on {grid.r_m.size} x {grid.z_m.size} cells "
            f"(conductivity {np.min(sigma):.3g} to {np.max(sigma):.3g} S/m); check tissue and mesh"
        )
    return int(done)


def resistance_ohm(grid: Grid, sigma_s_m: float, tolerance: float = 1.0e-8) -> float:
    """Resistance from the electrode to infinity in uniform tissue, ohm."""
    state, scalar = new_state(grid), np.zeros(kernels.SCALARS)
    state[kernels.SIG] = sigma_s_m
    solve(grid, state, scalar, tolerance)
    return float(1.0 / scalar[kernels.Y_REF])
