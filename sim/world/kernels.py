"""The compiled march of heat, damage and conductivity. All that a kernel calls is in its own file, because numba's
cache notices no changes elsewhere.

Layout: ``state[plane, cell]`` with cell = i * nz + j, z contiguous. A neighbour in r is ``nz`` cells away, one in z
is one cell away; faces at the domain's and the needle's edges are closed in the geometry, so no loop needs an edge
case. Every loop runs over views with one plain index, because that is what the compiler turns into SIMD (four times
faster than ``a[i + 1]``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.world._jit import inlined, kernel

Array = NDArray[np.float64]

# Planes of ``state``.
H, T, SIG, SIG_REF, PHI, HEAT, ALIVE, OMEGA_1, OMEGA_2, K = range(10)
"""Enthalpy J/m3, degC, S/m, S/m at the last field, potential at 1 V, W per V2, perfused share, damage L1, damage L2,
W/m/K."""
W_R, W_Z = range(10, 12)
"""Working planes, heat flow over the outer faces; nothing in them outlives a call."""
PLANES = 12

# Planes of ``geometry`` (sim.world.grid).
RA, RB, ZA, ZB, VOL, WET = range(6)

# Entries of ``scalar``.
Y_REF, Y_NOW, OUTER_Y, WALL_C, COOLED_W, SINCE_SOLVE_S, SINCE_DAMAGE_S, FIELD_DUE = range(8)
E_SOURCE, E_COOLED, E_PERFUSED, E_METABOLIC = range(8, 12)
N_SOLVES, N_ITERATIONS, N_STEPS = range(12, 15)
SCALARS = 15

(P_RC, P_RC_DRY, P_LATENT, P_BOIL_1, P_BOIL_2, P_K, P_K_SLOPE, P_K_DRY, P_START, P_SIG, P_SIG_SLOPE, P_DRY_F,
 P_DRY_RATIO, P_QB, P_TB, P_QM, P_LNA1, P_TA1, P_LNA2, P_TA2, P_STOP_2, P_STOP_OMEGA, P_STOP_GRADUAL, P_WAVE_A,
 P_WAVE_B) = range(25)  # fmt: skip
"""Entries of the parameters (``Tissue.parameters``). P_STOP_2: share of the damage that stops blood taken from the
second kinetics (0 or 1); P_STOP_OMEGA: that damage stops it; P_STOP_GRADUAL: 1 if as exp(-Omega / P_STOP_OMEGA), 0 if
at once. P_WAVE_A, P_WAVE_B: sigmoid of the conductivity at microwave frequencies, both 0 for RF."""

CHANGE = 0.05
"""A new field when conductivity changed by this much, weighted by where the power goes: as much of the heat may be in
the wrong place before. Five times as many fields, ten times as exact, move a boiling 12-minute zone by 0.1 mm."""
CHANGE_AGED = 0.02
"""The same once the field is a second old, or when the power was switched."""
MAX_AGE_S = 1.0
DAMAGE_EVERY_S = 0.5
"""Damage is summed up at this interval, at the temperature at its end."""


@inlined
def face_flows(k: Array, x: Array, a: Array, b: Array, flow: Array, apart: int) -> None:
    """Flow into each cell from the one ``apart`` cells on: two resistances in series."""
    m = x.size - apart
    k1, k2, x1, x2 = k[:m], k[apart:], x[:m], x[apart:]
    for c in range(m):
        flow[c] = (x2[c] - x1[c]) * k1[c] * k2[c] / (a[c] * k2[c] + b[c] * k1[c])
    for c in range(m, x.size):
        flow[c] = 0.0


@inlined
def quick_exp(x: float) -> float:
    """exp(x) for -40 < x < 40, to a few parts per million: no branch, so loops over it become SIMD."""
    u = min(max(x, -40.0), 40.0) * (1.0 / 256.0)
    e = 1.0 + u * (1.0 + u * (1.0 / 2.0 + u * (1.0 / 6.0 + u * (1.0 / 24.0))))
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    return e * e


@inlined
def reach(values: Array, above: float, nz: int) -> int:
    """How many cells, in whole columns from the needle outward, hold everything that is not at most ``above``."""
    end = values.size
    while end > 0:
        column, found = values[end - nz : end], 0
        for c in range(nz):
            found += 0 if column[c] <= above else 1
        if found:
            break
        end -= nz
    return end


@inlined
def material(state: Array, p: Array, nz: int) -> None:
    """Temperature, conductivity for heat and for current from enthalpy, in every cell."""
    h1 = p[P_RC] * p[P_BOIL_1]
    latent, per_rc, per_rc_dry = p[P_LATENT], 1.0 / p[P_RC], 1.0 / p[P_RC_DRY]
    boil_1, boil_2, start = p[P_BOIL_1], p[P_BOIL_2], p[P_START]
    span = (boil_2 - boil_1) / latent
    per_fraction = 1.0 / (latent * p[P_DRY_F])
    k_start, k_slope = p[P_K], p[P_K] * p[P_K_SLOPE]
    k_fall = k_start + k_slope * (100.0 - start) - p[P_K_DRY]
    sigma_start, sigma_slope, floor = p[P_SIG], p[P_SIG] * p[P_SIG_SLOPE], p[P_DRY_RATIO]
    wave_a, wave_b = p[P_WAVE_A], p[P_WAVE_B]
    enthalpy, temp, k, sigma = state[H], state[T], state[K], state[SIG]
    boiling = reach(enthalpy, h1, nz)
    for c in range(boiling):
        steam = min(max(enthalpy[c] - h1, 0.0), latent)
        temp[c] = min(enthalpy[c], h1) * per_rc + steam * span + max(enthalpy[c] - h1 - latent, 0.0) * per_rc_dry
    for c in range(boiling):
        dry = min(max((temp[c] - boil_2) * 0.25, 0.0), 1.0)
        k[c] = k_start + k_slope * (min(temp[c], 100.0) - start) - dry * k_fall
    for c in range(boiling):
        x = min(max(enthalpy[c] - h1, 0.0), latent) * per_fraction
        x *= x
        left = 1.0 - min(max((temp[c] - boil_2) * 0.25, 0.0), 1.0)  # superheated: nothing conducts 4 K above boiling
        sigma[c] = (sigma_start + sigma_slope * (min(temp[c], boil_1) - start)) * max(floor, left / (1.0 + x * x))
    if wave_b > 0.0:
        for c in range(boiling):
            x = min(max(enthalpy[c] - h1, 0.0), latent) * per_fraction
            x *= x
            left = 1.0 - min(max((temp[c] - boil_2) * 0.25, 0.0), 1.0)
            e = quick_exp(wave_a - wave_b * min(temp[c], boil_2))
            sigma[c] = sigma_start * e / (1.0 + e) * max(floor, left / (1.0 + x * x))
    # Behind the last column with steam the same laws are shorter: nothing is dry, and one division fewer.
    wet_enthalpy, wet_temp, wet_k, wet_sigma = enthalpy[boiling:], temp[boiling:], k[boiling:], sigma[boiling:]
    wet = max(floor, 1.0)
    for c in range(wet_enthalpy.size):
        celsius = wet_enthalpy[c] * per_rc
        wet_temp[c] = celsius
        wet_k[c] = k_start + k_slope * (min(celsius, 100.0) - start)
        wet_sigma[c] = (sigma_start + sigma_slope * (min(celsius, boil_1) - start)) * wet
    if wave_b > 0.0:
        for c in range(wet_temp.size):
            e = quick_exp(wave_a - wave_b * min(wet_temp[c], boil_2))
            wet_sigma[c] = sigma_start * e / (1.0 + e) * wet


@inlined
def heat_step(state: Array, geometry: Array, contacts: Array, scalar: Array, p: Array, nz: int, dt: float, v2: float,
              coolant_c: float, film: float, shaft_film: float) -> None:  # fmt: skip
    """One explicit step of the bio-heat equation in enthalpy form; conserves energy to rounding, boiling included."""
    temp, k, enthalpy, heat, alive = state[T], state[K], state[H], state[HEAT], state[ALIVE]
    volume, wet = geometry[VOL], geometry[WET]
    qb, tb, qm = p[P_QB], p[P_TB], p[P_QM]
    face_flows(k, temp, geometry[RA], geometry[RB], state[W_R], nz)
    face_flows(k, temp, geometry[ZA], geometry[ZB], state[W_Z], 1)
    into_r, into_z = state[W_R], state[W_Z]
    source = perfused = metabolic = 0.0
    for c in range(temp.size):
        source += heat[c]
    enthalpy[0] += dt * (heat[0] * v2 + into_r[0] + into_z[0]) / volume[0]
    for c in range(1, nz):
        enthalpy[c] += dt * (heat[c] * v2 + into_r[c] + into_z[c] - into_z[c - 1]) / volume[c]
    outer, outer_heat, outer_volume, outer_r, outer_z = enthalpy[nz:], heat[nz:], volume[nz:], into_r[nz:], into_z[nz:]
    below = into_z[nz - 1 :]
    for c in range(temp.size - nz):
        gain = outer_heat[c] * v2 + outer_r[c] - into_r[c] + outer_z[c] - below[c]
        outer[c] += dt * gain / outer_volume[c]
    if qb > 0.0 or qm > 0.0:
        for c in range(temp.size):
            blood = qb * alive[c] * (tb - temp[c]) * wet[c]
            own = qm * wet[c]
            enthalpy[c] += dt * (blood + own)
            perfused += blood * volume[c]
            metabolic += own * volume[c]
    cooled = wall = area = 0.0
    for n in range(contacts.shape[0]):
        c = int(contacts[n, 0])
        bare = contacts[n, 3] > 0.5
        to_coolant = (film if bare else shaft_film) * contacts[n, 2]
        if to_coolant > 0.0:
            to_cell = k[c] * contacts[n, 1]
            f = to_coolant * to_cell / (to_coolant + to_cell) * (temp[c] - coolant_c)
            enthalpy[c] -= dt * f / volume[c]
            cooled += f
            if bare:
                wall += contacts[n, 2] * coolant_c + contacts[n, 2] * f / to_coolant
                area += contacts[n, 2]
        elif bare:  # without coolant metal has the temperature of the tissue that it touches
            wall += contacts[n, 2] * temp[c]
            area += contacts[n, 2]
    scalar[COOLED_W] = cooled
    scalar[WALL_C] = wall / area if area > 0.0 else coolant_c
    scalar[E_SOURCE] += source * v2 * dt
    scalar[E_COOLED] += cooled * dt
    scalar[E_PERFUSED] += perfused * dt
    scalar[E_METABOLIC] += metabolic * dt


@inlined
def damage_step(state: Array, p: Array, nz: int, dt: float) -> None:
    """Arrhenius damage of both kinetics over ``dt``; cells at or below 40 degC gain nothing that counts."""
    temp, alive, omega_1, omega_2 = state[T], state[ALIVE], state[OMEGA_1], state[OMEGA_2]
    lna_1, ta_1, lna_2, ta_2 = p[P_LNA1], p[P_TA1], p[P_LNA2], p[P_TA2]
    warm = reach(temp, 40.0, nz)
    for c in range(warm):
        inverse = -1.0 / (max(temp[c], 40.0) + 273.15)
        due = dt if temp[c] > 40.0 else 0.0
        omega_1[c] += due * quick_exp(lna_1 + ta_1 * inverse)
    for c in range(warm):
        inverse = -1.0 / (max(temp[c], 40.0) + 273.15)
        due = dt if temp[c] > 40.0 else 0.0
        omega_2[c] += due * quick_exp(lna_2 + ta_2 * inverse)
    harm = omega_2 if p[P_STOP_2] > 0.5 else omega_1
    stop, gradual = p[P_STOP_OMEGA], p[P_STOP_GRADUAL] > 0.5
    if gradual:
        for c in range(temp.size):
            alive[c] = quick_exp(-harm[c] / stop)
    else:
        for c in range(temp.size):
            alive[c] = 0.0 if harm[c] >= stop else alive[c]


@inlined
def sensitivity(state: Array, scalar: Array) -> float:
    """First-order change of the admittance since the last field; returns the summed absolute change, relative.

    The power of a unit-voltage field is the derivative of its admittance with respect to the logarithm of conductivity.
    """
    heat, sigma, reference = state[HEAT], state[SIG], state[SIG_REF]
    change = total = 0.0
    for c in range(heat.size):
        dy = (
            heat[c] * (sigma[c] - reference[c]) / max(sigma[c], reference[c])
        )  # bounded however far a cell dries or wets
        change += dy
        total += abs(dy)
    scalar[Y_NOW] = scalar[Y_REF] + change
    return float(total / scalar[Y_REF])


@kernel
def march(state: Array, geometry: Array, contacts: Array, scalar: Array, p: Array, row: Array, nz: int, dt: float,
          steps: int, power_w: float, coolant_c: float, film: float, shaft_film: float,
          lag_s: float) -> int:  # fmt: skip
    """Up to ``steps`` heat steps of ``dt`` at constant tissue power; stops early, FIELD_DUE set, when a field is due.

    Returns the steps taken. With ``steps`` 0 only T, K and SIG are brought up to date with H, as is due whenever H was
    changed from outside; otherwise they are taken as the last call left them. ``row``: [0, :2] the z
    indices whose mean is the plane of the probes, [1] temperatures there by r, [2] the same with the probes' lag.
    """
    lower, upper = int(row[0, 0]), int(row[0, 1])
    keep = np.exp(-dt / lag_s)
    temp = state[T]
    taken = 0
    scalar[FIELD_DUE] = 0.0
    if steps == 0:
        material(state, p, nz)
    while taken < steps:
        heat_step(state, geometry, contacts, scalar, p, nz, dt, power_w / scalar[Y_REF], coolant_c, film, shaft_film)
        material(state, p, nz)
        taken += 1
        scalar[SINCE_SOLVE_S] += dt
        scalar[SINCE_DAMAGE_S] += dt
        scalar[N_STEPS] += 1.0
        if scalar[SINCE_DAMAGE_S] >= DAMAGE_EVERY_S - 1e-9:
            damage_step(state, p, nz, scalar[SINCE_DAMAGE_S])
            scalar[SINCE_DAMAGE_S] = 0.0
        for i in range(row.shape[1]):
            now = 0.5 * (temp[i * nz + lower] + temp[i * nz + upper])
            row[1, i] = now
            row[2, i] = now + (row[2, i] - now) * keep
        changed = sensitivity(state, scalar)
        if changed > CHANGE or (changed > CHANGE_AGED and scalar[SINCE_SOLVE_S] >= MAX_AGE_S):
            scalar[FIELD_DUE] = 1.0
            break
    return taken
