"""The compiled loops of antennas in 3D: rays through heated tissue, on the layout of kernels_field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.world._jit import kernel

Array = NDArray[np.float64]
Field = NDArray[np.float32]
Index = NDArray[np.int64]
Index32 = NDArray[np.int32]

(W_OMEGA_C, W_ALPHA_0, W_OMEGA_EPS_0, W_EPS, W_EPS_A, W_EPS_B, W_EPS_SLOPE, W_CONDUCTED, W_BOILS_AT, W_HALF_DRY,
 W_DRY_RATIO, W_HOT_C) = range(12)  # fmt: skip
"""The wave's parameters, as sim.world.kernels_microwave has them; W_BOILS_AT is counted from unheated tissue."""


@kernel
def attenuation(enthalpy: Field, celsius: Field, sigma: Field, excess: Field, wave: Array, weight: Field,
                volume: Array) -> tuple[float, float]:  # fmt: skip
    """Attenuation of every cell over that of unheated tissue, Np/m; mean permittivity and conductivity, by
    ``weight`` (|E|^2). The formulas are those of sim.world.kernels_microwave.share_power.
    """
    eps_sum = sigma_sum = total = 0.0
    for c in range(sigma.size):
        steam = max(enthalpy[c] - wave[W_BOILS_AT], 0.0) / wave[W_HALF_DRY]
        left = 1.0 - min(max((celsius[c] - wave[W_HOT_C]) * 0.25, 0.0), 1.0)
        wetness = max(wave[W_DRY_RATIO], left / (1.0 + steam * steam))
        t = min(celsius[c], wave[W_HOT_C])
        eps = 1.0 + wetness * wave[W_EPS] * (1.0 + wave[W_EPS_SLOPE] * (t - 37.0)) / (
            1.0 + np.exp(wave[W_EPS_B] * t - wave[W_EPS_A])
        )
        loss = sigma[c] / (wave[W_OMEGA_EPS_0] * eps)
        excess[c] = wave[W_OMEGA_C] * np.sqrt(0.5 * eps * (np.sqrt(1.0 + loss * loss) - 1.0)) - wave[W_ALPHA_0]
        share = weight[c] * volume[c]
        eps_sum += share * eps
        sigma_sum += share * sigma[c]
        total += share
    return eps_sum / total, sigma_sum / total


@kernel
def trace(x: Array, y: Array, z: Array, at_x: float, at_y: float, radius: float, low: float, high: float, cells: Index,
          sx: int, sy: int) -> tuple[Index32, Index32, Index32, Field, Field, Field]:  # fmt: skip
    """The last piece of each cell's ray from a line source along z: where it enters and how long it is.

    It enters the plane of the next centres towards the source, between four of them: ``first``, and from there
    ``beside`` and ``along`` cells on with their shares; -1 where the source is nearer than any. Length in m.
    """
    first = np.full(cells.size, -1, np.int32)
    beside, along = np.zeros(cells.size, np.int32), np.zeros(cells.size, np.int32)
    share_1, share_2 = np.zeros(cells.size, np.float32), np.zeros(cells.size, np.float32)
    length = np.zeros(cells.size, np.float32)
    to, reach, jump = np.zeros(3), np.zeros(3), np.zeros(3, np.int64)
    for n in range(cells.size):
        i, j, k = cells[n] // sx - 1, cells[n] % sx // sy - 1, cells[n] % sy
        far = np.hypot(at_x - x[i], at_y - y[j])
        inward = max(0.0, 1.0 - radius / far) if far > 0.0 else 0.0
        to[0], to[1] = (at_x - x[i]) * inward, (at_y - y[j]) * inward
        to[2] = min(max(z[k], low), high) - z[k]
        reach[:] = np.inf
        for axis in range(3):
            at, size, stride = (i, x.size, sx) if axis == 0 else ((j, y.size, sy) if axis == 1 else (k, z.size, 1))
            up = to[axis] > 0.0
            if to[axis] != 0.0 and 0 <= at + (1 if up else -1) < size:
                where = x if axis == 0 else (y if axis == 1 else z)
                reach[axis] = (where[at + (1 if up else -1)] - where[at]) / to[axis]
                jump[axis] = stride if up else -stride
        nearest = np.argmin(reach)
        whole = np.sqrt(to[0] * to[0] + to[1] * to[1] + to[2] * to[2])
        if reach[nearest] >= 1.0:
            length[n] = whole
            continue
        a, b = (nearest + 1) % 3, (nearest + 2) % 3
        length[n] = whole * reach[nearest]
        first[n] = cells[n] + jump[nearest]
        if reach[a] < np.inf:
            beside[n], share_1[n] = jump[a], reach[nearest] / reach[a]
        if reach[b] < np.inf:
            along[n], share_2[n] = jump[b], reach[nearest] / reach[b]
    return first, beside, along, share_1, share_2, length


@kernel
def illuminate(heat: Field, sigma: Field, excess: Field, path: Field, unheated: Field, cells: Index, first: Index32,
               beside: Index32, along: Index32, share_1: Field, share_2: Field, length: Field, volume: Array,
               power: float) -> None:  # fmt: skip
    """Add one antenna's heat, W/m3, for ``power`` in all: |E|^2 in unheated tissue times sigma, every ray corrected for
    the attenuation it meets. ``cells`` come in the order of their distance; ``path`` is working space.
    """
    total = 0.0
    for n in range(cells.size):
        c, a = cells[n], first[n]
        if a < 0:
            path[c] = length[n] * excess[c]
        else:
            b, d = a + beside[n], a + along[n]
            e = b + along[n]
            u, v = share_1[n], share_2[n]
            near, far = path[a] + u * (path[b] - path[a]), path[d] + u * (path[e] - path[d])
            entering = near + v * (far - near)
            near, far = excess[a] + u * (excess[b] - excess[a]), excess[d] + u * (excess[e] - excess[d])
            path[c] = entering + np.float32(0.5) * length[n] * (near + v * (far - near) + excess[c])
        total += unheated[c] * sigma[c] * np.exp(-2.0 * path[c]) * volume[c]
    scale = power / total
    for n in range(cells.size):
        c = cells[n]
        heat[c] += scale * unheated[c] * sigma[c] * np.exp(-2.0 * path[c])
