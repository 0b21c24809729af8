"""The electric field of one volt on the electrode, at 460-500 kHz: div(sigma grad V) = 0.

Displacement current is neglected (it makes |Z| about 11 % smaller than R in liver). The far field beyond the domain
decays as 1/distance. Because the equation is linear in V, power, current and voltage control are algebra on this one
solution.
"""

from __future__ import annotations

import numpy as np

from sim.world import kernels, kernels_field, multigrid
from sim.world.grid import WET, Array, Grid

TOLERANCE = 1.0e-2
"""Relative, in the energy norm, before the last iteration, which takes another digit."""
MAX_ITERATIONS = 200


class NotConverged(RuntimeError):
    """The potential did not reach its tolerance. There is no result: the last iterate is never used."""


def new_state(grid: Grid) -> Array:
    """Zeroed state planes for ``grid``; the tissue is perfused everywhere."""
    state = np.zeros((kernels.PLANES, grid.r_m.size, grid.z_m.size))
    state[kernels.ALIVE] = grid.geometry[WET]
    return state


def solve(grid: Grid, state: Array, scalar: Array, tolerance: float = TOLERANCE, limit: int = MAX_ITERATIONS) -> int:
    """Solve for the conductivity in ``state``; returns the iterations. Raises NotConverged.

    Fills PHI, HEAT (W per V2 in each cell), SIG_REF, the admittance and its part beyond the domain. The admittance is
    what is dissipated at 1 V, so power is never lost between generator and tissue, and its error is that of the
    potential squared.
    """
    cells, space = state.reshape(kernels.PLANES, -1), grid.workspace
    sigma, phi, heat = cells[kernels.SIG], cells[kernels.PHI], cells[kernels.HEAT]
    edges, lines = (grid.contacts, grid.outer), grid.z_m.size
    kernels_field.assemble(
        sigma, phi, grid.cells, grid.cells[WET], *edges, lines,
        space.gr, space.gz, space.excess, space.solid, space.b, space.u,
    )  # fmt: skip
    done = multigrid.solve(space.planes, space.band, space.levels, tolerance, limit)
    if done < 0:
        sigma = state[kernels.SIG][grid.geometry[WET] > 0]
        raise NotConverged(
            f"electric field: no solution to {tolerance:g} in {limit} iterations "
            f"on {grid.r_m.size} x {grid.z_m.size} cells "
            f"(conductivity {np.min(sigma):.3g} to {np.max(sigma):.3g} S/m); check tissue and mesh"
        )
    total, beyond = kernels_field.joule(sigma, phi, heat, grid.cells, *edges, lines, space.gr, space.gz, space.u)
    cells[kernels.SIG_REF] = sigma
    scalar[kernels.Y_REF] = scalar[kernels.Y_NOW] = total
    scalar[kernels.OUTER_Y] = beyond
    scalar[kernels.SINCE_SOLVE_S] = 0.0
    scalar[kernels.N_SOLVES] += 1.0
    scalar[kernels.N_ITERATIONS] += done
    return int(done)


def resistance_ohm(grid: Grid, sigma_s_m: float, tolerance: float = 1.0e-8) -> float:
    """Resistance from the electrode to infinity in uniform tissue, ohm."""
    state, scalar = new_state(grid), np.zeros(kernels.SCALARS)
    state[kernels.SIG] = sigma_s_m
    solve(grid, state, scalar, tolerance)
    return float(1.0 / scalar[kernels.Y_REF])
