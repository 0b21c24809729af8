"""The compiled loops of the microwave source. They know nothing of the planes in sim.world.kernels: numba's cache only
notices changes of a kernel's own file.

Cells are numbered i * nz + j, z contiguous.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.world._jit import inlined, kernel

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

(W_OMEGA_C, W_ALPHA_0, W_OMEGA_EPS_0, W_EPS, W_EPS_A, W_EPS_B, W_EPS_SLOPE, W_CONDUCTED, W_BOILS_AT, W_HALF_DRY,
 W_DRY_RATIO, W_HOT_C) = range(12)  # fmt: skip
"""Entries of the wave's parameters: omega/c 1/m, attenuation in unheated tissue Np/m, omega eps_0 S/m, the law of the
permittivity (sim.world.dielectric), share of the power that the shaft conducts into the tissue, enthalpy at which
boiling begins and how much more halves the water, J/m3, what is left when it is gone, and above which degC it is."""


@inlined
def ray(r: float, z: float, radius: float, low: float, high: float) -> tuple[float, float]:
    """From a cell's centre to the nearest point of the line source, on the metal's surface: dr <= 0 and dz."""
    return min(r, radius) - r, min(max(z, low), high) - z


@kernel
def shape(r_face: Array, z_face: Array, wet: Array, radius: float, source_z: Array, source_w: Array,
          alpha: float) -> Array:  # fmt: skip
    """|E|^2 times volume of every cell, in no unit: sources ``source_w`` at ``source_z`` that add their powers.

    Each spreads as exp(-2 alpha R)/R^2; R is held at the antenna's ``radius``. Four Gauss points a cell.
    """
    nr, nz = r_face.size - 1, z_face.size - 1
    energy = np.zeros(nr * nz)
    gauss = 0.5 / np.sqrt(3.0)
    for i in range(nr):
        mid_r, dr = 0.5 * (r_face[i] + r_face[i + 1]), r_face[i + 1] - r_face[i]
        for j in range(nz):
            if wet[i * nz + j] < 0.5:
                continue
            mid_z, dz = 0.5 * (z_face[j] + z_face[j + 1]), z_face[j + 1] - z_face[j]
            for point in range(4):
                r = mid_r + (gauss if point < 2 else -gauss) * dr
                z = mid_z + (gauss if point % 2 == 0 else -gauss) * dz
                r2 = max(r, radius) ** 2
                total = 0.0
                for k in range(source_z.size):
                    d2 = r2 + (z - source_z[k]) ** 2
                    total += source_w[k] * np.exp(-2.0 * alpha * np.sqrt(d2)) / d2
                energy[i * nz + j] += total * 0.5 * np.pi * r * dr * dz
    return energy


@kernel
def trace(r_m: Array, z_m: Array, wet: Array, radius: float, low: float, high: float,
          cells: Indices) -> tuple[Indices, Indices, Array, Array]:  # fmt: skip
    """The last piece of each cell's ray from the line source (z ``low`` to ``high``): where it enters, how long it is.

    It enters between the centres of two neighbours, the second with ``share``; both are nearer to the source. A
    neighbour in the metal is replaced by the other; where both are, the ray begins in the cell (index -1).
    """
    nz = z_m.size
    first, second = np.full(cells.size, -1), np.full(cells.size, -1)
    share, length = np.zeros(cells.size), np.zeros(cells.size)
    for n in range(cells.size):
        i, j = cells[n] // nz, cells[n] % nz
        dr, dz = ray(r_m[i], z_m[j], radius, low, high)
        whole = np.hypot(dr, dz)
        up = j + 1 if dz > 0.0 else j - 1
        step_r = r_m[i] - r_m[i - 1] if i > 0 and dr < 0.0 else np.inf
        step_z = abs(z_m[up] - z_m[j]) if dz != 0.0 and 0 <= up < nz else np.inf
        t_r = step_r / -dr if dr < 0.0 else np.inf
        t_z = step_z / abs(dz) if dz != 0.0 else np.inf
        if min(t_r, t_z) >= 1.0:  # the source is nearer than the next centre
            length[n] = whole
            continue
        if t_r <= t_z:
            a, b, part = (i - 1) * nz + j, (i - 1) * nz + up, t_r / t_z
        else:
            a, b, part = i * nz + up, (i - 1) * nz + up, t_z / t_r
        length[n] = whole * min(t_r, t_z)
        if part < 1e-12 or wet[b] < 0.5:
            b = a
        if wet[a] < 0.5:
            a = b
        if wet[a] < 0.5:
            length[n] *= 0.5
            continue
        first[n], second[n], share[n] = a, b, part
    return first, second, share, length


@kernel
def share_power(enthalpy: Array, temp: Array, sigma: Array, heat: Array, wave: Array, unheated: Array,
                conducted: Array, cells: Indices, first: Indices, second: Indices, portion: Array, length: Array,
                excess: Array, path: Array) -> tuple[float, float]:  # fmt: skip
    """Fill ``heat`` with each cell's share of the antenna's power (their sum is 1) for the tissue's state now.

    ``unheated`` is |E|^2 times volume at the uniform attenuation W_ALPHA_0; every ray is corrected for the attenuation
    it meets. ``conducted``: how the shaft's own heat, W_CONDUCTED of the power, spreads. ``cells`` come in the order of
    their distance from the source. ``excess`` and ``path`` are working space. Returns permittivity and conductivity
    (S/m), averaged over ``unheated``.
    """
    mean_eps = mean_sigma = weight = 0.0
    for c in range(sigma.size):
        steam = max(enthalpy[c] - wave[W_BOILS_AT], 0.0) / wave[W_HALF_DRY]
        left = 1.0 - min(max((temp[c] - wave[W_HOT_C]) * 0.25, 0.0), 1.0)
        wetness = max(wave[W_DRY_RATIO], left / (1.0 + steam * steam))
        t = min(temp[c], wave[W_HOT_C])
        eps = 1.0 + wetness * wave[W_EPS] * (1.0 + wave[W_EPS_SLOPE] * (t - 37.0)) / (
            1.0 + np.exp(wave[W_EPS_B] * t - wave[W_EPS_A])
        )
        loss = sigma[c] / (wave[W_OMEGA_EPS_0] * eps)
        excess[c] = wave[W_OMEGA_C] * np.sqrt(0.5 * eps * (np.sqrt(1.0 + loss * loss) - 1.0)) - wave[W_ALPHA_0]
        mean_eps += unheated[c] * eps
        mean_sigma += unheated[c] * sigma[c]
        weight += unheated[c]
        heat[c] = 0.0
    total = 0.0
    for n in range(cells.size):
        c, a, b = cells[n], first[n], second[n]
        if a < 0:
            path[c] = length[n] * excess[c]
        else:
            entering = excess[a] + portion[n] * (excess[b] - excess[a])
            path[c] = path[a] + portion[n] * (path[b] - path[a]) + 0.5 * length[n] * (entering + excess[c])
        heat[c] = unheated[c] * sigma[c] * np.exp(-2.0 * path[c])
        total += heat[c]
    for c in range(sigma.size):
        heat[c] = heat[c] * (1.0 - wave[W_CONDUCTED]) / total + conducted[c] * wave[W_CONDUCTED]
    return mean_eps / weight, mean_sigma / weight
