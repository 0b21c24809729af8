"""A compiled solver of div(sigma grad u) = -b: conjugate gradients with a multigrid cycle as preconditioner.

The unknowns are the cells of an r-z grid, cell = i * nz + j, z contiguous. Coupling is strong along r near the needle
and along z far from it, so the smoother solves whole r lines (tridiagonal, SIMD across the lines) and coarsening
halves the lines along z only: every second line goes, its cells interpolated from the two lines beside it in the
ratio of the conductances that lead there (semicoarsening with operator-dependent interpolation; Briggs, Henson and
McCormick, A Multigrid Tutorial, 2nd ed., ch. 7). Error falls about tenfold per iteration whatever the mesh, also when
boiling makes conductivity jump a thousandfold between neighbours.

Lines are padded with isolated ones so that every level but the last has an even number of them: transfers run over
one plain index. The kernel takes plain arrays and knows nothing of the state's layout, because numba's cache
only notices changes of a kernel's own file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.world._jit import kernel, part

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

# Planes of the hierarchy: conductance to the next cell in r and in z, excess of the diagonal, diagonal, reciprocal
# pivots of the r lines, 1 in solids, correction, right-hand side, scratch; on the coarser level's cells the weights of
# its odd line from the lines beside; on the finest level only the unknown, search direction and its image.
GR, GZ, EXCESS, D, INV, SOLID, X, B, Y, DOWN, UP, U, P, AP = range(14)
COARSEST = 8
"""At most so many lines on the coarsest level, which is solved directly."""
DAMPING = 2.0 / 3.0
"""Of the line smoother: errors that alternate from line to line fall to a third per sweep."""


class Workspace:
    """Memory for grids of ``nr`` x ``nz``; nothing in it outlives a call."""

    def __init__(self, nr: int, nz: int) -> None:
        halvings = 0
        while nz > COARSEST << halvings:
            halvings += 1
        few = -(-nz >> halvings)
        widths = [few << k for k in range(halvings, -1, -1)]
        first = np.concatenate([[0], np.cumsum([nr * w for w in widths])])
        self.levels: Indices = np.column_stack([first, [*widths, 0]]).astype(np.int64)
        """[first cell, lines along z] of each level, the finest first; the last row is the end."""
        n = int(first[1])
        self.planes: Array = np.zeros((14, int(first[-1]) + COARSEST))
        self.gr, self.gz, self.excess, self.solid, self.b, self.u = (
            self.planes[k, :n] for k in (GR, GZ, EXCESS, SOLID, B, U)
        )
        self.band: Array = np.zeros((nr * few + COARSEST, COARSEST + 1))
        """Factors of the coarsest level."""


@part
def lines(b: Array, x: Array, gr: Array, inv: Array, nz: int, scale: float) -> None:
    """Solve every r line for ``scale * b``; SIMD across lines (a slice per row is what lets the compiler see it)."""
    n = x.size
    for c in range(nz):
        x[c] = scale * b[c] * inv[c]
    for start in range(nz, n, nz):
        row, inner = x[start : start + nz], x[start - nz : start]
        b_row, inv_row, g_row = b[start : start + nz], inv[start : start + nz], gr[start - nz : start]
        for c in range(nz):
            row[c] = (scale * b_row[c] + g_row[c] * inner[c]) * inv_row[c]
    for start in range(n - 2 * nz, -1, -nz):
        row, outer = x[start : start + nz], x[start + nz : start + 2 * nz]
        inv_row, g_row = inv[start : start + nz], gr[start : start + nz]
        for c in range(nz):
            row[c] += g_row[c] * inv_row[c] * outer[c]


@part
def factor(d: Array, gr: Array, inv: Array, nz: int) -> None:
    """Reciprocal pivots of every r line."""
    for c in range(nz):
        inv[c] = 1.0 / d[c]
    for start in range(nz, d.size, nz):
        row, inner = inv[start : start + nz], inv[start - nz : start]
        d_row, g_row = d[start : start + nz], gr[start - nz : start]
        for c in range(nz):
            row[c] = 1.0 / (d_row[c] - g_row[c] * g_row[c] * inner[c])


@part
def couple(x: Array, gz: Array, y: Array, own: float, b: Array) -> None:
    """y = own b + what the neighbours in z contribute."""
    n = x.size
    y[0] = own * b[0] + gz[0] * x[1]
    y[n - 1] = own * b[n - 1] + gz[n - 2] * x[n - 2]
    y_mid, b_mid, above, below, x_above = y[1:], b[1:], gz[1:], gz, x[2:]
    for c in range(n - 2):
        y_mid[c] = own * b_mid[c] + above[c] * x_above[c] + below[c] * x[c]


@part
def apply(x: Array, y: Array, d: Array, gr: Array, gz: Array, nz: int) -> None:
    """y = A x."""
    n = x.size
    m = n - nz
    y[0] = d[0] * x[0] - gz[0] * x[1]
    y[n - 1] = d[n - 1] * x[n - 1] - gz[n - 2] * x[n - 2]
    y_mid, d_mid, x_mid, above, x_above = y[1:], d[1:], x[1:], gz[1:], x[2:]
    for c in range(n - 2):
        y_mid[c] = d_mid[c] * x_mid[c] - above[c] * x_above[c] - gz[c] * x[c]
    y_out, x_out = y[nz:], x[nz:]
    for c in range(m):
        y[c] -= gr[c] * x_out[c]
    for c in range(m):
        y_out[c] -= gr[c] * x[c]


@part
def diagonal(d: Array, excess: Array, gr: Array, gz: Array, nz: int) -> None:
    """d = excess + the conductances to all four neighbours."""
    n = d.size
    for c in range(n):
        d[c] = excess[c] + gr[c] + gz[c]
    d_out, d_above = d[nz:], d[1:]
    for c in range(n - nz):
        d_out[c] += gr[c]
    for c in range(n - 1):
        d_above[c] += gz[c]


@part
def coarsen(h: Array, first: int, end: int, half: int, stop: int) -> None:
    """Operator of the level ``end:stop`` from ``first:end``: z in series, r beside each other, excess kept."""
    size = stop - end
    gr, gz, excess, solid = h[GR, first:end], h[GZ, first:end], h[EXCESS, first:end], h[SOLID, first:end]
    down, up = h[DOWN, end:stop], h[UP, end:stop]
    new_gr, new_gz, new_excess, new_solid = h[GR, end:stop], h[GZ, end:stop], h[EXCESS, end:stop], h[SOLID, end:stop]
    for c in range(size):
        below, above = gz[2 * c], gz[2 * c + 1]
        share = (1.0 - solid[2 * c + 1]) / (below + above + 1e-60)
        down[c] = below * share
        up[c] = above * share
        new_gz[c] = below * above * share
    for c in range(size):
        new_solid[c] = solid[2 * c]
    for c in range(size):
        new_excess[c] = excess[2 * c] + down[c] * excess[2 * c + 1]
    above_excess = new_excess[1:]
    for c in range(size - 1):
        above_excess[c] += up[c] * excess[2 * c + 1]
    down_out, up_out = down[half:], up[half:]
    for c in range(size - half, size):
        new_gr[c] = 0.0
    for c in range(size - half):
        a, b = min(down[c], down_out[c]), min(up[c], up_out[c])
        new_gr[c] = gr[2 * c] + gr[2 * c + 1] * a / (a + b + 1e-60)
    above_gr = new_gr[1:]
    for c in range(size - half):
        a, b = min(down[c], down_out[c]), min(up[c], up_out[c])
        above_gr[c] += gr[2 * c + 1] * b / (a + b + 1e-60)


@part
def factor_band(band: Array, d: Array, gr: Array, gz: Array, nz: int) -> None:
    """Factors L D L' of the coarsest level; row c: 1 / D, then L of rows c + 1 ... c + COARSEST, 0 beyond nz."""
    for c in range(band.shape[0]):
        for k in range(1, COARSEST + 1):
            band[c, k] = 0.0
        band[c, 0] = 1.0
    for c in range(d.size):
        band[c, 0] = d[c]
        band[c, 1] = -gz[c]
        band[c, nz] -= gr[c]
    for c in range(d.size):
        pivot = 1.0 / band[c, 0]
        for k in range(1, COARSEST + 1):
            share = band[c, k] * pivot
            for m in range(COARSEST + 1 - k):
                band[c + k, m] -= share * band[c, k + m]
        band[c, 0] = pivot
        for k in range(1, COARSEST + 1):
            band[c, k] *= pivot


@part
def solve_band(band: Array, b: Array, x: Array, work: Array) -> None:
    """Exact solution on the coarsest level."""
    n = x.size
    for c in range(n):
        work[c] = b[c]
    for c in range(n, work.size):
        work[c] = 0.0
    for c in range(n):
        value = work[c]
        for k in range(1, COARSEST + 1):
            work[c + k] -= band[c, k] * value
    for c in range(n - 1, -1, -1):
        value = work[c] * band[c, 0]
        for k in range(1, COARSEST + 1):
            value -= band[c, k] * work[c + k]
        work[c] = value
    for c in range(n):
        x[c] = work[c]


@part
def cycle(h: Array, band: Array, levels: Indices) -> None:
    """One V cycle for the right-hand side in B of the finest level; the correction ends in X."""
    last = levels.shape[0] - 2
    for k in range(last):
        first, nz, end, stop = levels[k, 0], levels[k, 1], levels[k + 1, 0], levels[k + 2, 0]
        x, b, y, gz = h[X, first:end], h[B, first:end], h[Y, first:end], h[GZ, first:end]
        lines(b, x, h[GR, first:end], h[INV, first:end], nz, DAMPING)
        couple(x, gz, y, 1.0 - DAMPING, b)  # the residual: A x but for the coupling in z is DAMPING * b
        coarse, down, up = h[B, end:stop], h[DOWN, end:stop], h[UP, end:stop]
        above = coarse[1:]
        for c in range(coarse.size):
            coarse[c] = y[2 * c] + down[c] * y[2 * c + 1]
        for c in range(coarse.size - 1):
            above[c] += up[c] * y[2 * c + 1]
    first, end = levels[last, 0], levels[last + 1, 0]
    solve_band(band, h[B, first:end], h[X, first:end], h[Y, : band.shape[0]])
    for k in range(last - 1, -1, -1):
        first, nz, end, stop = levels[k, 0], levels[k, 1], levels[k + 1, 0], levels[k + 2, 0]
        x, b, y, gz = h[X, first:end], h[B, first:end], h[Y, first:end], h[GZ, first:end]
        coarse, down, up = h[X, end:stop], h[DOWN, end:stop], h[UP, end:stop]
        above = coarse[1:]
        for c in range(coarse.size - 1):
            x[2 * c] += coarse[c]
            x[2 * c + 1] += down[c] * coarse[c] + up[c] * above[c]
        c = coarse.size - 1
        x[2 * c] += coarse[c]
        x[2 * c + 1] += down[c] * coarse[c]
        couple(x, gz, y, 1.0, b)
        lines(y, b, h[GR, first:end], h[INV, first:end], nz, DAMPING)  # b of this level is not needed any more
        for c in range(x.size):
            x[c] = (1.0 - DAMPING) * x[c] + b[c]


@part
def set_up(h: Array, band: Array, levels: Indices) -> None:
    """The coarser operators and all factors, from GR, GZ, EXCESS and SOLID of the finest level."""
    last = levels.shape[0] - 2
    for k in range(last + 1):
        first, nz, end = levels[k, 0], levels[k, 1], levels[k + 1, 0]
        gr, d = h[GR, first:end], h[D, first:end]
        diagonal(d, h[EXCESS, first:end], gr, h[GZ, first:end], nz)
        if k < last:
            factor(d, gr, h[INV, first:end], nz)
            coarsen(h, first, end, levels[k + 1, 1], levels[k + 2, 0])
        else:
            factor_band(band, d, gr, h[GZ, first:end], nz)


@kernel
def solve(h: Array, band: Array, levels: Indices, tolerance: float, limit: int) -> int:
    """Solve for U from the start value in it, with GR, GZ, EXCESS, SOLID and the right-hand side B of the finest level.

    ``h``, ``band``, ``levels``: of a ``Workspace``. B: each cell's conductance to a source of potential 1. Returns the
    iterations, or -1 when ``limit`` did not suffice. It stops after the iteration that began with an error whose
    energy, of which r'M^-1 r is the estimate, was below ``tolerance``^2 of the field's; a tenth of that error is left.
    """
    n, nz = levels[1, 0], levels[0, 1]
    set_up(h, band, levels)
    d, gr, gz, z, b = h[D, :n], h[GR, :n], h[GZ, :n], h[X, :n], h[B, :n]
    u, p, ap = h[U, :n], h[P, :n], h[AP, :n]
    res = h[EXCESS, :n]  # in the diagonal by now
    driven = 0.0
    for c in range(n):
        driven += b[c] * u[c]
    scale = 0.0
    for c in range(n):
        scale += b[c]
    apply(u, ap, d, gr, gz, nz)
    for c in range(n):
        res[c] = b[c] - ap[c]
        p[c] = 0.0
    stop = tolerance * tolerance * max(scale - driven, 1e-3 * scale)
    old = 1.0
    for done in range(1, limit + 1):
        for c in range(n):
            b[c] = res[c]
        cycle(h, band, levels)
        rz = 0.0
        for c in range(n):
            rz += res[c] * z[c]
        if not np.isfinite(rz):
            return -1
        beta = rz / old if done > 1 else 0.0
        for c in range(n):
            p[c] = z[c] + beta * p[c]
        apply(p, ap, d, gr, gz, nz)
        pap = 0.0
        for c in range(n):
            pap += p[c] * ap[c]
        if not pap > 0.0:  # exactly solved already
            return done if rz == 0.0 else -1
        alpha = rz / pap
        for c in range(n):
            u[c] += alpha * p[c]
        if rz <= stop:
            return done
        for c in range(n):
            res[c] -= alpha * ap[c]
        old = rz
    return -1
