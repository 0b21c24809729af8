"""The compiled ends of the field solver: its linear system from conductivity, and heat from its solution.

Plain arrays only, because numba's cache just notices changes of a kernel's own file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.world._jit import kernel

Array = NDArray[np.float64]


@kernel
def assemble(sigma: Array, phi: Array, geometry: Array, wet: Array, contacts: Array, outer: Array, lines_in: int,
             gr: Array, gz: Array, excess: Array, solid: Array, rhs: Array, u: Array) -> None:  # fmt: skip
    """The linear system in a workspace of the solver; ``rhs``: the currents that 1 V drives. Padding is isolated.

    ``geometry`` rows 0-3: geometric resistance from a cell's centre to its outer face and from there to the next
    centre, along r, then along z. ``lines_in``: lines along z in the grid (the workspace may have more).
    """
    nr = sigma.size // lines_in
    nz = u.size // nr
    for i in range(nr):
        f, c = i * nz, i * lines_in
        for j in range(lines_in):
            u[f + j] = phi[c + j]
            solid[f + j] = 1.0 - wet[c + j]
        s, ra, rb, za, zb = sigma[c:], geometry[0, c:], geometry[1, c:], geometry[2, c:], geometry[3, c:]
        if i + 1 < nr:
            outward = sigma[c + lines_in :]
            to = gr[f:]
            for j in range(lines_in):
                to[j] = s[j] * outward[j] / (ra[j] * outward[j] + rb[j] * s[j])
        above, to = s[1:], gz[f:]
        for j in range(lines_in - 1):
            to[j] = s[j] * above[j] / (za[j] * above[j] + zb[j] * s[j])
        for j in range(lines_in, nz):
            solid[f + j] = 1.0
            u[f + j] = 0.0
    for c in range(nr * nz):
        excess[c] = solid[c]
        rhs[c] = 0.0
    for m in range(outer.shape[0]):
        c = int(outer[m, 0])
        excess[c // lines_in * nz + c % lines_in] += outer[m, 1] * sigma[c]
    for m in range(contacts.shape[0]):
        if contacts[m, 3] > 0.5:
            c = int(contacts[m, 0])
            f = c // lines_in * nz + c % lines_in
            excess[f] += contacts[m, 1] * sigma[c]
            rhs[f] += contacts[m, 1] * sigma[c]


@kernel
def joule(sigma: Array, phi: Array, heat: Array, geometry: Array, contacts: Array, outer: Array, lines_in: int,
          gr: Array, gz: Array, u: Array) -> tuple[float, float]:  # fmt: skip
    """Takes over the solution; heat of each cell at 1 V from its half-faces. Returns total and what is beyond, W."""
    nr = sigma.size // lines_in
    nz = u.size // nr
    for i in range(nr):
        f, c = i * nz, i * lines_in
        for j in range(lines_in):
            phi[c + j] = u[f + j]
            heat[c + j] = 0.0
    for i in range(nr):
        f, c = i * nz, i * lines_in
        here, s, g, v = heat[c:], sigma[c:], gr[f:], u[f:]
        if i + 1 < nr:
            there, s_out, v_out = heat[c + lines_in :], sigma[c + lines_in :], u[f + nz :]
            a, b = geometry[0, c:], geometry[1, c:]
            for j in range(lines_in):
                flow = g[j] * (v_out[j] - v[j])
                here[j] += flow * flow * a[j] / s[j]
            for j in range(lines_in):
                flow = g[j] * (v_out[j] - v[j])
                there[j] += flow * flow * b[j] / s_out[j]
        a, b, g = geometry[2, c:], geometry[3, c:], gz[f:]
        v_up, s_up, up = v[1:], s[1:], here[1:]
        for j in range(lines_in - 1):
            flow = g[j] * (v_up[j] - v[j])
            here[j] += flow * flow * a[j] / s[j]
        for j in range(lines_in - 1):
            flow = g[j] * (v_up[j] - v[j])
            up[j] += flow * flow * b[j] / s_up[j]
    for m in range(contacts.shape[0]):
        if contacts[m, 3] > 0.5:
            c = int(contacts[m, 0])
            drop = 1.0 - phi[c]
            heat[c] += contacts[m, 1] * sigma[c] * drop * drop
    total = beyond = 0.0
    for c in range(heat.size):
        total += heat[c]
    for m in range(outer.shape[0]):
        c = int(outer[m, 0])
        beyond += outer[m, 1] * sigma[c] * phi[c] * phi[c]
    return total + beyond, beyond
