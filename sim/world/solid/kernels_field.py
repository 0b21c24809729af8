"""The compiled loops of the electric field in 3D. All in one file: numba's cache notices changes of that file only.

Layout: stored fields are flat, with ``sx`` cells from one x plane to the next, ``sy`` = nz from one row to the next and
1 along z. Loops run over one x plane at a time (it stays in the first caches) and over views with one plain index,
which the compiler turns into SIMD. Single precision throughout; sums over the domain are double.

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
Index32 = NDArray[np.uint32]

GX, GY, GZ, EXTRA, DIAG, INV, X, RES, TMP = range(9)
"""Planes of ``store``: conductance to the next cell in x, y, z; conductance to fixed potentials; diagonal; damped
inverse diagonal; solution before and right-hand side of a sweep, solution after it."""
PLANES = 9

Y, BEYOND, ITERATIONS = range(3)
"""Entries of ``out``: admittance S (power per V2), its part beyond the domain, iterations."""

COARSEST_SWEEPS = 16


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
def flows(y: Field, x: Field, d: Field, gx: Field, gy: Field, gz: Field, s: int, sx: int, sy: int) -> None:
    """y = A x in the plane that begins at ``s`` (y holds that plane only)."""
    own, dd = x[s : s + sx], d[s : s + sx]
    ga, gb, xa, xb = gx[s : s + sx], gx[s - sx : s], x[s + sx : s + 2 * sx], x[s - sx : s]
    ha, hb, ya, yb = gy[s : s + sx], gy[s - sy : s - sy + sx], x[s + sy : s + sy + sx], x[s - sy : s - sy + sx]
    ka, kb, za, zb = gz[s : s + sx], gz[s - 1 : s - 1 + sx], x[s + 1 : s + 1 + sx], x[s - 1 : s - 1 + sx]
    for c in range(sx):
        y[c] = (dd[c] * own[c] - ga[c] * xa[c] - gb[c] * xb[c] - ha[c] * ya[c] - hb[c] * yb[c]
                - ka[c] * za[c] - kb[c] * zb[c])  # fmt: skip


@kernel
def coarsen(store: Field, dims: Index, joined: Index, per_face: Field, level: int) -> None:
    """Conductances of ``level + 1``: the faces between joined cells, in parallel, each scaled to the longer way."""
    f0, n, sx, sy = dims[level, 0], dims[level, 1], dims[level, 2], dims[level, 3]
    c0, m, tx, ty = dims[level + 1, 0], dims[level + 1, 1], dims[level + 1, 2], dims[level + 1, 3]
    ix, iy, iz = joined[level, 0], joined[level, 1], joined[level, 2]
    rx, ry, rz = per_face[level, 0], per_face[level, 1], per_face[level, 2]
    store[GX : EXTRA + 1, c0 : c0 + m] = 0.0
    for i in range(1, n // sx - 1):
        for j in range(1, sx // sy - 1):
            f = f0 + i * sx + j * sy
            c = c0 + ix[i] * tx + iy[j] * ty
            extra, e = store[EXTRA, f : f + sy], store[EXTRA, c : c + ty]
            for k in range(sy):
                e[iz[k]] += extra[k]
            if ix[i] != ix[i + 1]:
                g, t = store[GX, f : f + sy], store[GX, c : c + ty]
                for k in range(sy):
                    t[iz[k]] += g[k] * rx[i]
            if iy[j] != iy[j + 1]:
                g, t = store[GY, f : f + sy], store[GY, c : c + ty]
                for k in range(sy):
                    t[iz[k]] += g[k] * ry[j]
            g, t = store[GZ, f : f + sy], store[GZ, c : c + ty]
            for k in range(sy - 1):
                if iz[k] != iz[k + 1]:
                    t[iz[k]] += g[k] * rz[k]


@kernel
def restrict(store: Field, dims: Index, joined: Index, parts: Index32, work: Field, level: int, damping: float) -> None:
    """Right-hand side of ``level + 1``: what the first sweep of ``level`` left, RES - A X, added up over joined cells.

    X is INV RES here, so that the diagonal's part of A X is ``damping`` RES. ``parts[level, 1:, C]``: the up to four
    cells of one plane that are joined in cell C of the next level's plane (the first entry beyond a plane is 0).
    """
    f0, n, sx, sy = dims[level, 0], dims[level, 1], dims[level, 2], dims[level, 3]
    c0, tx = dims[level + 1, 0], dims[level + 1, 2]
    ix = joined[level, 0]
    gx, gy, gz = store[GX, f0 : f0 + n], store[GY, f0 : f0 + n], store[GZ, f0 : f0 + n]
    x, r = store[X, f0 : f0 + n], store[RES, f0 : f0 + n]
    one, two, three, four = parts[level, 1], parts[level, 2], parts[level, 3], parts[level, 4]
    sums, keep = work[: sx + 1], np.float32(1.0 - damping)
    for i in range(1, n // sx - 1):
        s = i * sx
        if ix[i] != ix[i - 1]:
            sums[:] = 0.0
        own = r[s : s + sx]
        ga, gb, xa, xb = gx[s : s + sx], gx[s - sx : s], x[s + sx : s + 2 * sx], x[s - sx : s]
        ha, hb, ya, yb = gy[s : s + sx], gy[s - sy : s - sy + sx], x[s + sy : s + sy + sx], x[s - sy : s - sy + sx]
        ka, kb, za, zb = gz[s : s + sx], gz[s - 1 : s - 1 + sx], x[s + 1 : s + 1 + sx], x[s - 1 : s - 1 + sx]
        for c in range(sx):
            sums[c] += (keep * own[c] + ga[c] * xa[c] + gb[c] * xb[c] + ha[c] * ya[c] + hb[c] * yb[c]
                        + ka[c] * za[c] + kb[c] * zb[c])  # fmt: skip
        if ix[i] != ix[i + 1]:
            out = store[RES, c0 + ix[i] * tx : c0 + (ix[i] + 1) * tx]
            for c in range(tx):
                out[c] = sums[one[c]] + sums[two[c]] + sums[three[c]] + sums[four[c]]


@kernel
def prolong(store: Field, dims: Index, joined: Index, parts: Index32, work: Field, level: int) -> None:
    """Add the correction of ``level + 1`` to X of ``level``. ``parts[level, 0, c]``: cell c of a plane is joined in."""
    f0, n, sx = dims[level, 0], dims[level, 1], dims[level, 2]
    c0, tx = dims[level + 1, 0], dims[level + 1, 2]
    ix, into, plane = joined[level, 0], parts[level, 0], work[:sx]
    for i in range(1, n // sx - 1):
        if ix[i] != ix[i - 1]:
            coarse = store[TMP, c0 + ix[i] * tx : c0 + (ix[i] + 1) * tx]
            for c in range(sx):
                plane[c] = coarse[into[c]]
        own = store[X, f0 + i * sx : f0 + (i + 1) * sx]
        for c in range(sx):
            own[c] += plane[c]


@kernel
def smooth(store: Field, dims: Index, level: int, damping: float) -> None:
    """One damped Jacobi sweep: TMP = X + INV (RES - A X)."""
    f0, n, sx, sy = dims[level, 0], dims[level, 1], dims[level, 2], dims[level, 3]
    gx, gy, gz = store[GX, f0 : f0 + n], store[GY, f0 : f0 + n], store[GZ, f0 : f0 + n]
    x, r = store[X, f0 : f0 + n], store[RES, f0 : f0 + n]
    inv, new, keep = store[INV, f0 : f0 + n], store[TMP, f0 : f0 + n], np.float32(1.0 - damping)
    for s in range(sx, n - sx, sx):
        y, old, rhs, per = new[s : s + sx], x[s : s + sx], r[s : s + sx], inv[s : s + sx]
        ga, gb, xa, xb = gx[s : s + sx], gx[s - sx : s], x[s + sx : s + 2 * sx], x[s - sx : s]
        ha, hb, ya, yb = gy[s : s + sx], gy[s - sy : s - sy + sx], x[s + sy : s + sy + sx], x[s - sy : s - sy + sx]
        ka, kb, za, zb = gz[s : s + sx], gz[s - 1 : s - 1 + sx], x[s + 1 : s + 1 + sx], x[s - 1 : s - 1 + sx]
        for c in range(sx):
            y[c] = keep * old[c] + per[c] * (
                rhs[c] + ga[c] * xa[c] + gb[c] * xb[c] + ha[c] * ya[c] + hb[c] * yb[c] + ka[c] * za[c] + kb[c] * zb[c]
            )


@kernel
def cycle(store: Field, dims: Index, joined: Index, parts: Index32, work: Field, damping: float) -> None:
    """One symmetric V cycle from RES of level 0: TMP becomes about the solution."""
    last = dims.shape[0] - 1
    for level in range(last + 1):
        f0, n = dims[level, 0], dims[level, 1]
        x, r, inv = store[X, f0 : f0 + n], store[RES, f0 : f0 + n], store[INV, f0 : f0 + n]
        for c in range(n):
            x[c] = inv[c] * r[c]
        if level < last:
            restrict(store, dims, joined, parts, work, level, damping)
    f0, n = dims[last, 0], dims[last, 1]
    for _ in range(COARSEST_SWEEPS):
        smooth(store, dims, last, damping)
        store[X, f0 : f0 + n] = store[TMP, f0 : f0 + n]
    for level in range(last - 1, -1, -1):
        prolong(store, dims, joined, parts, work, level)
        smooth(store, dims, level, damping)


@kernel
def dot(a: Field, b: Field, sx: int) -> float:
    """Sum of products, each plane in single precision, planes added in double."""
    total = 0.0
    for s in range(sx, a.size - sx, sx):
        u, v = a[s : s + sx], b[s : s + sx]
        part = np.float32(0.0)
        for c in range(sx):
            part += u[c] * v[c]
        total += float(part)
    return total


@kernel
def solve(phi: Field, p: Field, store: Field, dims: Index, joined: Index, parts: Index32, work: Field, cell: Index,
          g: Field, owner: Index, volts: Field, damping: float, tolerance: float, limit: int) -> int:  # fmt: skip
    """Potential by conjugate gradients from ``phi``, preconditioned by one V cycle.

    ``volts`` by electrode; ``g``: conductance of each contact now, S, 0 where the ``owner`` is not connected.
    Stops when the error's energy is below ``tolerance``^2 of the field's. Returns iterations, -1 beyond ``limit``.
    """
    n, sx, sy = dims[0, 1], dims[0, 2], dims[0, 3]
    d, gx, gy, gz = store[DIAG, :n], store[GX, :n], store[GY, :n], store[GZ, :n]
    r, z, ap = store[RES, :n], store[TMP, :n], store[X, :n]
    for s in range(sx, n - sx, sx):
        flows(ap[s : s + sx], phi, d, gx, gy, gz, s, sx, sy)
    for c in range(n):
        r[c] = -ap[c]
        p[c] = 0.0
    for m in range(cell.size):
        r[cell[m]] += g[m] * volts[owner[m]]
    rz_old = 1.0
    done = 0
    while True:
        cycle(store, dims, joined, parts, work, damping)
        rz = dot(r, z, sx)
        scale = 0.0
        for m in range(cell.size):  # the power of the field: potential times current, contact by contact
            scale += g[m] * volts[owner[m]] * (volts[owner[m]] - phi[cell[m]])
        if rz <= tolerance * tolerance * abs(scale):
            break
        if done >= limit or not np.isfinite(rz):
            return -1
        beta = np.float32(rz / rz_old) if done > 0 else np.float32(0.0)
        for c in range(n):
            p[c] = z[c] + beta * p[c]
        for s in range(sx, n - sx, sx):
            flows(ap[s : s + sx], p, d, gx, gy, gz, s, sx, sy)
        alpha = np.float32(rz / dot(p, ap, sx))
        for c in range(n):
            phi[c] += alpha * p[c]
            r[c] -= alpha * ap[c]
        rz_old = rz
        done += 1
    for c in range(n):
        phi[c] += z[c]
    return done


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
