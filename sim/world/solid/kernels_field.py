"""The compiled loops around the electric field in 3D: its equations and its heat (kernels_multigrid solves them).

Layout: stored fields are flat, with ``sx`` cells from one x plane to the next, ``sy`` = nz from one row to the next and
1 along z. Loops run over one x plane at a time (it stays in the first caches) and over views with one plain index,
which the compiler turns into SIMD. Single precision throughout; sums over the domain are double. Numba's cache notices
changes of a kernel's own file only, so that each kernel file holds all that it calls.

Multigrid: level 0 is the grid, each next level joins small neighbours along each axis (sim.world.solid.levels).
``store[plane, cell]`` holds all levels behind one another; ``dims[level]``: first cell, cells, sx, sy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.world._jit import kernel

Array = NDArray[np.float64]
Field = NDArray[np.float32]
Index = NDArray[np.int64]

GX, GY, GZ, EXTRA, DIAG, INV, X, RES, TMP = range(9)
"""Planes of ``store``: conductance to the next cell in x, y, z; conductance to fixed potentials; diagonal; damped
inverse diagonal; solution before and right-hand side of a sweep, solution after it."""
PLANES = 9

Y, BEYOND, ITERATIONS = range(3)
"""Entries of ``out``: admittance S (power per V2), its part beyond the domain, iterations."""


@kernel
def conductances(sig: Field, store: Field, half_x: Field, dx: Field, open_x: Field, open_y: Field, open_z: Field,
                 half_y: Field, half_z: Field, sx: int, sy: int) -> None:  # fmt: skip
    """Face conductances of level 0: two half cells in series. ``open_*``: area per width across, 0 where closed."""
    planes = sig.size // sx
    gx, gy, gz = store[GX], store[GY], store[GZ]
    for i in range(1, planes - 1):
        s = i * sx
        near, g = sig[s : s + sx], gx[s : s + sx]
        far = sig[s + sx : s + 2 * sx]
        a, b = half_x[i], half_x[i + 1]
        if i < planes - 2:
            for c in range(sx):
                g[c] = near[c] * far[c] * open_x[c] / (a * far[c] + b * near[c])
        else:
            g[:] = 0.0
        g, far, h2 = gy[s : s + sx], sig[s + sy : s + sy + sx], half_y[sy:]
        for c in range(sx - sy):
            g[c] = dx[i] * near[c] * far[c] * open_y[c] / (half_y[c] * far[c] + h2[c] * near[c])
        g, far, h2 = gz[s : s + sx], sig[s + 1 : s + 1 + sx], half_z[1:]
        for c in range(sx - 1):
            g[c] = dx[i] * near[c] * far[c] * open_z[c] / (half_z[c] * far[c] + h2[c] * near[c])


@kernel
def fixed(sig: Field, extra: Field, cell: Index, g: Field, outer: Index, outer_g: Field) -> None:
    """Conductance of every cell to metal and to the space beyond the edge."""
    extra[:] = 0.0
    for m in range(cell.size):
        extra[cell[m]] += g[m]
    for m in range(outer.size):
        extra[outer[m]] += outer_g[m] * sig[outer[m]]


@kernel
def diagonal(store: Field, first: int, cells: int, sx: int, sy: int, damping: float) -> None:
    """Diagonal and its damped inverse of one level; 0 in ghost cells."""
    gx, gy, gz = store[GX, first : first + cells], store[GY, first : first + cells], store[GZ, first : first + cells]
    d, inv = store[DIAG, first : first + cells], store[INV, first : first + cells]
    extra = store[EXTRA, first : first + cells]
    keep = np.float32(damping)
    for s in range(sx, cells - sx, sx):
        own = d[s : s + sx]
        a, b, e = gx[s : s + sx], gx[s - sx : s], extra[s : s + sx]
        for c in range(sx):
            own[c] = e[c] + a[c] + b[c]
        a, b = gy[s : s + sx], gy[s - sy : s - sy + sx]
        for c in range(sx):
            own[c] += a[c] + b[c]
        a, b, i = gz[s : s + sx], gz[s - 1 : s - 1 + sx], inv[s : s + sx]
        for c in range(sx):
            own[c] += a[c] + b[c]
            i[c] = keep / own[c] if own[c] > 0.0 else np.float32(0.0)


@kernel
def joule(sig: Field, phi: Field, store: Field, heat: Field, dx: Field, per_x: Field, per_y: Field, per_z: Field,
          area_x: Field, cell: Index, g: Field, owner: Index, volts: Field, outer: Index, outer_g: Field,
          out: Array, sx: int, sy: int) -> None:  # fmt: skip
    """Heat density of the field, W/m3, and its power with what is dissipated beyond the domain.

    Half of a face's current passes half of either cell: density = sum of squared current densities / (2 sigma).
    ``per_*``: 1/area^2 of the faces across each axis without their share of dx; ``area_x``: dy dz.
    """
    n = sig.size
    gx, gy, gz = store[GX, :n], store[GY, :n], store[GZ, :n]
    planes = n // sx
    for i in range(1, planes - 1):
        s = i * sx
        q, own, sigma = heat[s : s + sx], phi[s : s + sx], sig[s : s + sx]
        ga, gb, xa, xb = gx[s : s + sx], gx[s - sx : s], phi[s + sx : s + 2 * sx], phi[s - sx : s]
        ha, hb, ya, yb = gy[s : s + sx], gy[s - sy : s - sy + sx], phi[s + sy : s + sy + sx], phi[s - sy : s - sy + sx]
        ka, kb, za, zb = gz[s : s + sx], gz[s - 1 : s - 1 + sx], phi[s + 1 : s + 1 + sx], phi[s - 1 : s - 1 + sx]
        half, per_dx2 = np.float32(0.5), np.float32(1.0) / (dx[i] * dx[i])
        for c in range(sx):
            u, v = ga[c] * (xa[c] - own[c]), gb[c] * (xb[c] - own[c])
            total = (u * u + v * v) * per_x[c]
            u, v = ha[c] * (ya[c] - own[c]), hb[c] * (yb[c] - own[c])
            beside = (u * u + v * v) * per_y[c]
            u, v = ka[c] * (za[c] - own[c]), kb[c] * (zb[c] - own[c])
            beside += (u * u + v * v) * per_z[c]
            q[c] = half * (total + beside * per_dx2) / sigma[c]
    for m in range(cell.size):
        c = cell[m]
        i = c // sx
        drop = volts[owner[m]] - phi[c]
        heat[c] += g[m] * drop * drop / (dx[i] * area_x[c - i * sx])
    beyond = power = 0.0
    for m in range(outer.size):
        beyond += sig[outer[m]] * outer_g[m] * phi[outer[m]] * phi[outer[m]]
    for i in range(1, planes - 1):
        q = heat[i * sx : i * sx + sx]
        part = np.float32(0.0)
        for c in range(sx):
            part += q[c] * area_x[c]
        power += part * dx[i]
    out[Y] = power + beyond
    out[BEYOND] = beyond
