"""The compiled solver of the electric field in 3D: conjugate gradients, preconditioned by one multigrid V cycle.

Layout and planes of ``store`` as in kernels_field, whose constants these kernels are compiled with: after a change of
those, change this file. Memory is slower than arithmetic here, so each pass over the grid does all that it can with a
plane while that is in the first caches, and prepares the plane ahead before it needs it as a neighbour.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.world._jit import kernel
from sim.world.solid.kernels_field import DIAG, EXTRA, GX, GY, GZ, INV, RES, TMP, X

Field = NDArray[np.float32]
Index = NDArray[np.int64]
Index32 = NDArray[np.uint32]

COARSEST_SWEEPS = 16
CORRECTION = np.float32(0.85)
"""Share of a coarse grid's correction that is taken: being constant over joined cells, all of it overshoots."""


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
def flows(y: Field, x: Field, d: Field, gx: Field, gy: Field, gz: Field, s: int, sx: int, sy: int) -> float:
    """y = A x in the plane that begins at ``s`` (y holds that plane only); returns x y there."""
    own, dd = x[s : s + sx], d[s : s + sx]
    ga, gb, xa, xb = gx[s : s + sx], gx[s - sx : s], x[s + sx : s + 2 * sx], x[s - sx : s]
    ha, hb, ya, yb = gy[s : s + sx], gy[s - sy : s - sy + sx], x[s + sy : s + sy + sx], x[s - sy : s - sy + sx]
    ka, kb, za, zb = gz[s : s + sx], gz[s - 1 : s - 1 + sx], x[s + 1 : s + 1 + sx], x[s - 1 : s - 1 + sx]
    part = np.float32(0.0)
    for c in range(sx):
        out = (dd[c] * own[c] - ga[c] * xa[c] - gb[c] * xb[c] - ha[c] * ya[c] - hb[c] * yb[c]
               - ka[c] * za[c] - kb[c] * zb[c])  # fmt: skip
        y[c] = out
        part += own[c] * out
    return float(part)


@kernel
def first_sweep(x: Field, r: Field, inv: Field, phi: Field, p: Field, alpha: float, s: int, sx: int) -> None:
    """X = INV RES in the plane from ``s`` on; before that, unless ``alpha`` is 0, the step of conjugate gradients
    along ``p``, of which X holds A p.
    """
    own, rhs, per = x[s : s + sx], r[s : s + sx], inv[s : s + sx]
    if alpha != 0.0:
        u, along, step = phi[s : s + sx], p[s : s + sx], np.float32(alpha)
        for c in range(sx):
            u[c] += step * along[c]
            left = rhs[c] - step * own[c]
            rhs[c] = left
            own[c] = per[c] * left
    else:
        for c in range(sx):
            own[c] = per[c] * rhs[c]


@kernel
def descend(store: Field, dims: Index, joined: Index, parts: Index32, work: Field, level: int, damping: float,
            phi: Field, p: Field, alpha: float) -> None:  # fmt: skip
    """First sweep of ``level``, and the right-hand side of the next: what it left, RES - A X, summed over joined cells.

    X is INV RES here, so that the diagonal's part of A X is ``damping`` RES. ``parts[level, 1:, C]``: the up to four
    cells of one plane that are joined in cell C of the next level's plane (the first entry beyond a plane is 0).
    """
    f0, n, sx, sy = dims[level, 0], dims[level, 1], dims[level, 2], dims[level, 3]
    c0, tx = dims[level + 1, 0], dims[level + 1, 2]
    ix = joined[level, 0]
    gx, gy, gz = store[GX, f0 : f0 + n], store[GY, f0 : f0 + n], store[GZ, f0 : f0 + n]
    x, r, inv = store[X, f0 : f0 + n], store[RES, f0 : f0 + n], store[INV, f0 : f0 + n]
    one, two, three, four = parts[level, 1], parts[level, 2], parts[level, 3], parts[level, 4]
    sums, keep = work[: sx + 1], np.float32(1.0 - damping)
    first_sweep(x, r, inv, phi, p, alpha, sx, sx)
    for i in range(1, n // sx - 1):
        s = i * sx
        if i < n // sx - 2:
            first_sweep(x, r, inv, phi, p, alpha, s + sx, sx)
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
def smooth(store: Field, f0: int, n: int, s: int, sx: int, sy: int, damping: float) -> float:
    """One damped Jacobi sweep of the plane from ``s`` on, TMP = X + INV (RES - A X); returns RES TMP there."""
    gx, gy, gz = store[GX, f0 : f0 + n], store[GY, f0 : f0 + n], store[GZ, f0 : f0 + n]
    x, keep, part = store[X, f0 : f0 + n], np.float32(1.0 - damping), np.float32(0.0)
    y, rhs = store[TMP, f0 + s : f0 + s + sx], store[RES, f0 + s : f0 + s + sx]
    old, per = x[s : s + sx], store[INV, f0 + s : f0 + s + sx]
    ga, gb, xa, xb = gx[s : s + sx], gx[s - sx : s], x[s + sx : s + 2 * sx], x[s - sx : s]
    ha, hb, ya, yb = gy[s : s + sx], gy[s - sy : s - sy + sx], x[s + sy : s + sy + sx], x[s - sy : s - sy + sx]
    ka, kb, za, zb = gz[s : s + sx], gz[s - 1 : s - 1 + sx], x[s + 1 : s + 1 + sx], x[s - 1 : s - 1 + sx]
    for c in range(sx):
        new = keep * old[c] + per[c] * (
            rhs[c] + ga[c] * xa[c] + gb[c] * xb[c] + ha[c] * ya[c] + hb[c] * yb[c] + ka[c] * za[c] + kb[c] * zb[c]
        )
        y[c] = new
        part += rhs[c] * new
    return float(part)


@kernel
def ascend(store: Field, dims: Index, joined: Index, parts: Index32, work: Field, level: int, damping: float) -> float:
    """Add the correction of ``level + 1`` to X of ``level``, then one sweep; returns the sum of RES TMP.

    ``parts[level, 0, c]``: the cell that cell c of a plane is joined in.
    """
    f0, n, sx, sy = dims[level, 0], dims[level, 1], dims[level, 2], dims[level, 3]
    c0, tx = dims[level + 1, 0], dims[level + 1, 2]
    ix, into, plane, last = joined[level, 0], parts[level, 0], work[:sx], n // sx - 2
    total = 0.0
    for i in range(1, last + 2):  # corrects plane i, then smooths the one before
        if i <= last:
            if ix[i] != ix[i - 1]:
                coarse = store[TMP, c0 + ix[i] * tx : c0 + (ix[i] + 1) * tx]
                for c in range(sx):
                    plane[c] = coarse[into[c]]
            own = store[X, f0 + i * sx : f0 + (i + 1) * sx]
            for c in range(sx):
                own[c] += CORRECTION * plane[c]
        if i > 1:
            total += smooth(store, f0, n, (i - 1) * sx, sx, sy, damping)
    return total


@kernel
def cycle(store: Field, dims: Index, joined: Index, parts: Index32, work: Field, damping: float, phi: Field, p: Field,
          alpha: float) -> float:  # fmt: skip
    """The step ``alpha`` along ``p``, then one symmetric V cycle from RES of level 0: TMP becomes about the solution.

    Returns the sum of RES TMP: each plane in single precision, planes added in double.
    """
    last, total = dims.shape[0] - 1, 0.0
    for level in range(last):
        descend(store, dims, joined, parts, work, level, damping, phi, p, alpha if level == 0 else 0.0)
    f0, n, sx, sy = dims[last, 0], dims[last, 1], dims[last, 2], dims[last, 3]
    for s in range(sx, n - sx, sx):
        x, r, inv = store[X, f0 : f0 + n], store[RES, f0 : f0 + n], store[INV, f0 : f0 + n]
        first_sweep(x, r, inv, phi, p, alpha if last == 0 else 0.0, s, sx)
    for _ in range(COARSEST_SWEEPS):
        total = 0.0
        for s in range(sx, n - sx, sx):
            total += smooth(store, f0, n, s, sx, sy, damping)
        store[X, f0 : f0 + n] = store[TMP, f0 : f0 + n]
    for level in range(last - 1, -1, -1):
        total = ascend(store, dims, joined, parts, work, level, damping)
    return total


@kernel
def solve(phi: Field, p: Field, store: Field, dims: Index, joined: Index, parts: Index32, work: Field, cell: Index,
          g: Field, owner: Index, volts: Field, damping: float, tolerance: float, limit: int) -> int:  # fmt: skip
    """Potential by conjugate gradients from ``phi``, preconditioned by one V cycle.

    ``volts`` by electrode; ``g``: conductance of each contact now, S, 0 where the ``owner`` is not connected. Stops
    when the error's energy, but for a last correction, is below ``tolerance``^2 of the field's. Returns iterations, -1
    beyond ``limit``. (To start with the last change again takes fewer iterations to one tolerance, but ends so close to
    it that heat is worse: no gain at equal exactness.)
    """
    n, sx, sy = dims[0, 1], dims[0, 2], dims[0, 3]
    d, gx, gy, gz = store[DIAG, :n], store[GX, :n], store[GY, :n], store[GZ, :n]
    r, z, ap = store[RES, :n], store[TMP, :n], store[X, :n]
    for s in range(sx, n - sx, sx):
        flows(ap[s : s + sx], phi, d, gx, gy, gz, s, sx, sy)
        left, own = r[s : s + sx], ap[s : s + sx]
        for c in range(sx):
            left[c] = -own[c]
    for m in range(cell.size):
        r[cell[m]] += g[m] * volts[owner[m]]
    rz_old, alpha, done = 1.0, 0.0, 0
    p[:] = 0.0
    while True:
        rz = cycle(store, dims, joined, parts, work, damping, phi, p, alpha)
        scale = 0.0
        for m in range(cell.size):  # the power of the field: potential times current, contact by contact
            scale += g[m] * volts[owner[m]] * (volts[owner[m]] - phi[cell[m]])
        if rz <= tolerance * tolerance * abs(scale):
            break
        if done >= limit or not np.isfinite(rz):
            return -1
        beta = np.float32(rz / rz_old) if done > 0 else np.float32(0.0)
        bent = 0.0
        for s in range(sx, n, sx):  # turns p of this plane, then takes A p of the one before
            along, new = p[s : s + sx], z[s : s + sx]
            for c in range(sx):
                along[c] = new[c] + beta * along[c]
            if s > sx:
                bent += flows(ap[s - sx : s], p, d, gx, gy, gz, s - sx, sx, sy)
        alpha = rz / bent
        rz_old = rz
        done += 1
    for c in range(n):
        phi[c] += z[c]
    return done
