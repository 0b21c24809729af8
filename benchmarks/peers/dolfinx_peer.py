"""The problem in dolfinx as its tutorials write it: linear triangles, backward Euler, PETSc's LU in every step.

A program of its own, because dolfinx comes from a system's packages (Debian, conda) and not from an environment:
``python benchmarks/peers/dolfinx_peer.py CELLS_R CELLS_Z STEP_S`` prints the answer as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.peers import problem as given


def solve(cells_r: int, cells_z: int, dt_s: float) -> given.Answer:
    """On a uniform mesh."""
    import ufl
    from dolfinx import fem, mesh
    from dolfinx.fem.petsc import LinearProblem
    from mpi4py import MPI

    began_s = time.process_time()
    corners = [np.array([given.INNER_M, 0.0]), np.array([given.OUTER_M, given.HEIGHT_M])]
    ring = mesh.create_rectangle(MPI.COMM_WORLD, corners, [cells_r, cells_z])
    space = (getattr(fem, "functionspace", None) or fem.FunctionSpace)(ring, ("Lagrange", 1))
    r = ufl.SpatialCoordinate(ring)[0]
    u, v = ufl.TrialFunction(space), ufl.TestFunction(space)
    now, damage, phi = fem.Function(space), fem.Function(space), fem.Function(space)
    now.x.array[:] = given.START_C
    sigma = given.SIGMA_S_M * (1.0 + given.SIGMA_PER_K * (now - given.START_C))
    low, high = given.BARE_M[0] - 1e-9, given.BARE_M[1] + 1e-9
    held = []
    for volts, where in (
        (1.0, lambda x: (x[0] < given.INNER_M + 1e-9) & (x[1] > low) & (x[1] < high)),
        (0.0, lambda x: x[0] > given.OUTER_M - 1e-9),
    ):
        dofs = fem.locate_dofs_geometrical(space, where)
        held.append(fem.dirichletbc(np.float64(volts), dofs, space))
    options = {"ksp_type": "preonly", "pc_type": "lu"}
    nothing = fem.Constant(ring, np.float64(0.0))
    field = LinearProblem(r * sigma * ufl.inner(ufl.grad(u), ufl.grad(v)) * ufl.dx, r * nothing * v * ufl.dx,
                          bcs=held, u=phi, petsc_options=options)  # fmt: skip
    joule = sigma * ufl.inner(ufl.grad(phi), ufl.grad(phi))
    admittance = fem.form(2.0 * np.pi * r * joule * ufl.dx)
    square_v = fem.Constant(ring, np.float64(0.0))
    blood = given.QB_W_M3K * ufl.exp(-damage)
    left = r * ((given.RC_J_M3K / dt_s + blood) * u * v + given.K_W_MK * ufl.inner(ufl.grad(u), ufl.grad(v))) * ufl.dx
    right = r * (given.RC_J_M3K / dt_s * now + blood * given.START_C + square_v * joule) * v * ufl.dx
    heat = LinearProblem(left, right, petsc_options=options)
    set_up_s = time.process_time() - began_s
    steps = round(given.DURATION_S / dt_s)
    looks_c = []
    for step in range(1, steps + 1):
        field.solve()
        square_v.value = given.POWER_W / fem.assemble_scalar(admittance)
        now.x.array[:] = heat.solve().x.array
        rate = given.ARRHENIUS_PER_S * np.exp(-given.ARRHENIUS_K / (now.x.array + 273.15))
        damage.x.array[:] += np.where(now.x.array > given.UNHARMED_C, dt_s * rate, 0.0)
        if step * dt_s in given.LOOK_S:
            looks_c.append(now.x.array.copy())
    cpu_s = time.process_time() - began_s - set_up_s
    where = np.round(space.tabulate_dof_coordinates(), 9)
    order = np.lexsort((where[:, 1], where[:, 0]))
    shape = cells_r + 1, cells_z + 1
    r_mm, z_mm = where[order, 0].reshape(shape)[:, 0] * 1e3, where[order, 1][: cells_z + 1] * 1e3

    def along_c(node_c: given.Array, z_at: float) -> given.Array:
        return np.array([np.interp(z_at, z_mm, line) for line in node_c[order].reshape(shape)])

    probes = [[np.interp(r_at, r_mm, along_c(look_c, z_at)) for r_at, z_at in given.PROBES_MM] for look_c in looks_c]
    along = np.interp(given.R50_ALONG_MM, r_mm, along_c(looks_c[-1], given.HEIGHT_M * 500.0))
    return given.Answer(np.array(probes), given.r50_mm(along), set_up_s, cpu_s, steps)


def main() -> None:
    """Print the answer as JSON."""
    found = solve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
    print(json.dumps({**vars(found), "probes_c": found.probes_c.tolist()}))


if __name__ == "__main__":
    main()
