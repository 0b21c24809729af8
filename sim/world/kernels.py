"""The compiled inner loops. All in one file, because numba's cache only notices changes of a kernel's own file.

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
H, T, SIG, SIG_REF, PHI, HEAT, ALIVE, OMEGA_1, OMEGA_2 = range(9)
"""Enthalpy J/m3, degC, S/m, S/m at the last field, potential at 1 V, W per V2, perfused share, damage L1, damage L2."""
W_K, W_GR, W_GZ, W_D, W_INV, W_RES, W_Z, W_P, W_AP = range(9, 18)
"""Working planes; nothing in them outlives a call."""
PLANES = 18

# Planes of ``geometry`` (sim.world.grid).
RA, RB, ZA, ZB, VOL, WET = range(6)

# Entries of ``scalar``.
Y_REF, Y_NOW, OUTER_Y, WALL_C, COOLED_W, SINCE_SOLVE_S, SINCE_DAMAGE_S, FIELD_DUE = range(8)
E_SOURCE, E_COOLED, E_PERFUSED, E_METABOLIC = range(8, 12)
N_SOLVES, N_ITERATIONS, N_STEPS = range(12, 15)
SCALARS = 15

(P_RC, P_RC_DRY, P_LATENT, P_BOIL_1, P_BOIL_2, P_K, P_K_SLOPE, P_K_DRY, P_START, P_SIG, P_SIG_SLOPE, P_DRY_F,
 P_DRY_RATIO, P_QB, P_TB, P_QM, P_LNA1, P_TA1, P_LNA2, P_TA2) = range(20)  # fmt: skip

TOLERANCE = 1.0e-4
MAX_ITERATIONS = 2000
CHANGE = 0.03
"""A new field when conductivity changed by this much, weighted by where the power goes."""
CHANGE_AGED = 0.01
"""The same once the field is a second old, or when the power was switched."""
MAX_AGE_S = 1.0
DAMAGE_EVERY_S = 0.25
DEAD_OMEGA = 4.6
"""99 % damage: blood stops."""


@inlined
def face_conductances(s: Array, a: Array, b: Array, g: Array, apart: int) -> None:
    """Conductance between each cell and the one ``apart`` cells on: two resistances in series."""
    m = s.size - apart
    s1, s2 = s[:m], s[apart:]
    for c in range(m):
        g[c] = s1[c] * s2[c] / (a[c] * s2[c] + b[c] * s1[c])
    for c in range(m, s.size):
        g[c] = 0.0


@inlined
def face_flows(g: Array, x: Array, flow: Array, apart: int) -> None:
    """Flow over each face into the nearer cell."""
    m = x.size - apart
    x1, x2 = x[:m], x[apart:]
    for c in range(m):
        flow[c] = g[c] * (x2[c] - x1[c])


@inlined
def gather(flow: Array, power: Array, apart: int) -> None:
    """Add every face's flow to the cells on either side."""
    m = power.size - apart
    near, far = power[:m], power[apart:]
    for c in range(m):
        near[c] += flow[c]
    for c in range(m):
        far[c] -= flow[c]


@inlined
def material(state: Array, p: Array) -> None:
    """Temperature, conductivity for heat and for current from enthalpy, in every cell."""
    h1 = p[P_RC] * p[P_BOIL_1]
    latent, per_rc, per_rc_dry = p[P_LATENT], 1.0 / p[P_RC], 1.0 / p[P_RC_DRY]
    boil_1, boil_2, start = p[P_BOIL_1], p[P_BOIL_2], p[P_START]
    span = (boil_2 - boil_1) / latent
    per_fraction = 1.0 / (latent * p[P_DRY_F])
    k_start, k_slope = p[P_K], p[P_K] * p[P_K_SLOPE]
    k_fall = k_start + k_slope * (100.0 - start) - p[P_K_DRY]
    sigma_start, sigma_slope, floor = p[P_SIG], p[P_SIG] * p[P_SIG_SLOPE], p[P_DRY_RATIO]
    enthalpy, temp, k, sigma = state[H], state[T], state[W_K], state[SIG]
    for c in range(enthalpy.size):
        steam = min(max(enthalpy[c] - h1, 0.0), latent)
        temp[c] = min(enthalpy[c], h1) * per_rc + steam * span + max(enthalpy[c] - h1 - latent, 0.0) * per_rc_dry
    for c in range(enthalpy.size):
        dry = min(max((temp[c] - boil_2) * 0.25, 0.0), 1.0)
        k[c] = k_start + k_slope * (min(temp[c], 100.0) - start) - dry * k_fall
    for c in range(enthalpy.size):
        x = min(max(enthalpy[c] - h1, 0.0), latent) * per_fraction
        x *= x
        left = 1.0 - min(max((temp[c] - boil_2) * 0.25, 0.0), 1.0)  # superheated: nothing conducts 4 K above boiling
        sigma[c] = (sigma_start + sigma_slope * (min(temp[c], boil_1) - start)) * max(floor, left / (1.0 + x * x))


@inlined
def heat_step(state: Array, geometry: Array, contacts: Array, scalar: Array, p: Array, nz: int, dt: float, v2: float,
              coolant_c: float, film: float, shaft_film: float) -> None:  # fmt: skip
    """One explicit step of the bio-heat equation in enthalpy form; conserves energy to rounding, boiling included."""
    temp, k, power, flow, g = state[T], state[W_K], state[W_AP], state[W_RES], state[W_GR]
    heat, alive, enthalpy = state[HEAT], state[ALIVE], state[H]
    volume, wet = geometry[VOL], geometry[WET]
    qb, tb, qm = p[P_QB], p[P_TB], p[P_QM]
    source = perfused = metabolic = 0.0
    for c in range(temp.size):
        power[c] = heat[c] * v2
        source += heat[c]
    if qb > 0.0 or qm > 0.0:
        for c in range(temp.size):
            blood = qb * alive[c] * (tb - temp[c]) * wet[c] * volume[c]
            own = qm * wet[c] * volume[c]
            power[c] += blood + own
            perfused += blood
            metabolic += own
    face_conductances(k, geometry[RA], geometry[RB], g, nz)
    face_flows(g, temp, flow, nz)
    gather(flow, power, nz)
    face_conductances(k, geometry[ZA], geometry[ZB], g, 1)
    face_flows(g, temp, flow, 1)
    gather(flow, power, 1)
    cooled = wall = area = 0.0
    for n in range(contacts.shape[0]):
        c = int(contacts[n, 0])
        bare = contacts[n, 3] > 0.5
        to_coolant = (film if bare else shaft_film) * contacts[n, 2]
        if to_coolant > 0.0:
            to_cell = k[c] * contacts[n, 1]
            f = to_coolant * to_cell / (to_coolant + to_cell) * (temp[c] - coolant_c)
            power[c] -= f
            cooled += f
            if bare:
                wall += contacts[n, 2] * coolant_c + contacts[n, 2] * f / to_coolant
                area += contacts[n, 2]
    for c in range(temp.size):
        enthalpy[c] += dt * power[c] / volume[c]
    scalar[COOLED_W] = cooled
    scalar[WALL_C] = wall / area if area > 0.0 else coolant_c
    scalar[E_SOURCE] += source * v2 * dt
    scalar[E_COOLED] += cooled * dt
    scalar[E_PERFUSED] += perfused * dt
    scalar[E_METABOLIC] += metabolic * dt


@inlined
def damage_step(state: Array, p: Array, dt: float) -> None:
    """Arrhenius damage of both kinetics over ``dt``; cells at or below 40 degC gain nothing that counts."""
    temp, alive, omega_1, omega_2 = state[T], state[ALIVE], state[OMEGA_1], state[OMEGA_2]
    for c in range(temp.size):
        if temp[c] > 40.0:
            inverse = -1.0 / (temp[c] + 273.15)
            omega_1[c] += dt * np.exp(p[P_LNA1] + p[P_TA1] * inverse)
            omega_2[c] += dt * np.exp(p[P_LNA2] + p[P_TA2] * inverse)
            if omega_1[c] >= DEAD_OMEGA:
                alive[c] = 0.0


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


@inlined
def apply(x: Array, y: Array, d: Array, gr: Array, gz: Array, nz: int) -> float:
    """y = A x; returns x'y."""
    m = x.size - nz
    inward, outward, x_in, x_out = y[:m], y[nz:], x[:m], x[nz:]
    below, above, x_below, x_above = y[:-1], y[1:], x[:-1], x[1:]
    for c in range(m):
        inward[c] = d[c] * x_in[c] - gr[c] * x_out[c]
    for c in range(m, x.size):
        y[c] = d[c] * x[c]
    for c in range(m):
        outward[c] -= gr[c] * x_in[c]
    for c in range(x.size - 1):
        below[c] -= gz[c] * x_above[c]
    total = x[0] * y[0]
    x_last = x[1:]
    for c in range(x.size - 1):
        above[c] -= gz[c] * x_below[c]
        total += x_last[c] * above[c]
    return float(total)


@inlined
def lines(b: Array, x: Array, gr: Array, inv: Array, nz: int) -> None:
    """Solve every r line (tridiagonal, factors in ``inv``) for the right-hand side ``b``; SIMD across lines."""
    n = x.size
    for c in range(nz):
        x[c] = b[c] * inv[c]
    for start in range(nz, n, nz):
        row, inner = x[start : start + nz], x[start - nz : start]
        b_row, inv_row, g_row = b[start : start + nz], inv[start : start + nz], gr[start - nz : start]
        for c in range(nz):
            row[c] = (b_row[c] + g_row[c] * inner[c]) * inv_row[c]
    for start in range(n - 2 * nz, -1, -nz):
        row, outer = x[start : start + nz], x[start + nz : start + 2 * nz]
        inv_row, g_row = inv[start : start + nz], gr[start : start + nz]
        for c in range(nz):
            row[c] += g_row[c] * inv_row[c] * outer[c]


@inlined
def joule(state: Array, geometry: Array, contacts: Array, outer: Array, scalar: Array, nz: int) -> None:
    """Heat of each cell at 1 V from the half-faces, admittance, and what is dissipated beyond the domain."""
    sigma, phi, heat, squared = state[SIG], state[PHI], state[HEAT], state[W_Z]
    reference = state[SIG_REF]
    for c in range(phi.size):
        heat[c] = 0.0
        reference[c] = sigma[c]
    for axis in range(2):
        apart = nz if axis == 0 else 1
        a, b = geometry[2 * axis], geometry[2 * axis + 1]
        m = phi.size - apart
        face_flows(state[W_GR + axis], phi, squared, apart)
        near, far, s_far = heat[:m], heat[apart:], sigma[apart:]
        for c in range(m):
            squared[c] *= squared[c]
            near[c] += squared[c] * a[c] / sigma[c]
        for c in range(m):
            far[c] += squared[c] * b[c] / s_far[c]
    admittance = beyond = 0.0
    for n in range(contacts.shape[0]):
        if contacts[n, 3] > 0.5:
            c = int(contacts[n, 0])
            drop = 1.0 - phi[c]
            current = contacts[n, 1] * sigma[c] * drop
            heat[c] += current * drop
            admittance += current
    for n in range(outer.shape[0]):
        c = int(outer[n, 0])
        beyond += outer[n, 1] * sigma[c] * phi[c] * phi[c]
    scalar[Y_REF] = admittance
    scalar[Y_NOW] = admittance
    scalar[OUTER_Y] = beyond


@kernel
def solve_field(state: Array, geometry: Array, contacts: Array, outer: Array, scalar: Array, nz: int, tolerance: float,
                limit: int) -> int:  # fmt: skip
    """Potential for 1 V on the electrode: conjugate gradients from the last field, r lines as preconditioner.

    Fills PHI, HEAT (W per V2 in each cell), the admittance and its part beyond the domain. Returns the number of
    iterations, or -1 when ``limit`` did not suffice.
    """
    sigma, phi = state[SIG], state[PHI]
    gr, gz, d, inv = state[W_GR], state[W_GZ], state[W_D], state[W_INV]
    res, z, p, ap = state[W_RES], state[W_Z], state[W_P], state[W_AP]
    n = phi.size
    face_conductances(sigma, geometry[RA], geometry[RB], gr, nz)
    face_conductances(sigma, geometry[ZA], geometry[ZB], gz, 1)
    wet = geometry[WET]
    for c in range(n):
        d[c] = gr[c] + gz[c] + (1.0 - wet[c])
        res[c] = 0.0
    d_out, d_above = d[nz:], d[1:]
    for c in range(n - nz):
        d_out[c] += gr[c]
    for c in range(n - 1):
        d_above[c] += gz[c]
    b2 = 0.0
    for m in range(contacts.shape[0]):
        if contacts[m, 3] > 0.5:
            c = int(contacts[m, 0])
            d[c] += contacts[m, 1] * sigma[c]
            res[c] += contacts[m, 1] * sigma[c]
    for c in range(n):
        b2 += res[c] * res[c]
    for m in range(outer.shape[0]):
        c = int(outer[m, 0])
        d[c] += outer[m, 1] * sigma[c]
    for c in range(nz):
        inv[c] = 1.0 / d[c]
    for start in range(nz, n, nz):
        row, inner = inv[start : start + nz], inv[start - nz : start]
        d_row, g_row = d[start : start + nz], gr[start - nz : start]
        for c in range(nz):
            row[c] = 1.0 / (d_row[c] - g_row[c] * g_row[c] * inner[c])
    apply(phi, ap, d, gr, gz, nz)
    r2 = 0.0
    for c in range(n):
        res[c] -= ap[c]
        r2 += res[c] * res[c]
        p[c] = 0.0
    stop = tolerance * tolerance * b2
    done = 0
    rz_old = 1.0
    while not r2 <= stop:  # so that a NaN never passes for converged
        if done >= limit or not np.isfinite(r2):
            return -1
        lines(res, z, gr, inv, nz)
        rz = 0.0
        for c in range(n):
            rz += res[c] * z[c]
        beta = rz / rz_old if done > 0 else 0.0
        for c in range(n):
            p[c] = z[c] + beta * p[c]
        alpha = rz / apply(p, ap, d, gr, gz, nz)
        for c in range(n):
            phi[c] += alpha * p[c]
        r2 = 0.0
        for c in range(n):
            res[c] -= alpha * ap[c]
            r2 += res[c] * res[c]
        rz_old = rz
        done += 1
    joule(state, geometry, contacts, outer, scalar, nz)
    scalar[SINCE_SOLVE_S] = 0.0
    scalar[N_SOLVES] += 1.0
    scalar[N_ITERATIONS] += done
    return done


@kernel
def march(state: Array, geometry: Array, contacts: Array, scalar: Array, p: Array, row: Array, nz: int, dt: float,
          steps: int, power_w: float, coolant_c: float, film: float, shaft_film: float,
          lag_s: float) -> int:  # fmt: skip
    """Up to ``steps`` heat steps of ``dt`` at constant tissue power; stops early, FIELD_DUE set, when a field is due.

    Returns the steps taken. With ``steps`` 0 only the material state is brought up to date. ``row``: [0, :2] the z
    indices whose mean is the plane of the probes, [1] temperatures there by r, [2] the same with the probes' lag.
    """
    lower, upper = int(row[0, 0]), int(row[0, 1])
    keep = np.exp(-dt / lag_s)
    temp = state[T]
    taken = 0
    scalar[FIELD_DUE] = 0.0
    while True:
        material(state, p)
        if taken > 0:
            scalar[SINCE_SOLVE_S] += dt
            scalar[SINCE_DAMAGE_S] += dt
            scalar[N_STEPS] += 1.0
            if scalar[SINCE_DAMAGE_S] >= DAMAGE_EVERY_S - 1e-9:
                damage_step(state, p, scalar[SINCE_DAMAGE_S])
                scalar[SINCE_DAMAGE_S] = 0.0
            for i in range(row.shape[1]):
                now = 0.5 * (temp[i * nz + lower] + temp[i * nz + upper])
                row[1, i] = now
                row[2, i] = now + (row[2, i] - now) * keep
            changed = sensitivity(state, scalar)
            if changed > CHANGE or (changed > CHANGE_AGED and scalar[SINCE_SOLVE_S] >= MAX_AGE_S):
                scalar[FIELD_DUE] = 1.0
                return taken
        if taken >= steps:
            return taken
        heat_step(state, geometry, contacts, scalar, p, nz, dt, power_w / scalar[Y_REF], coolant_c, film, shaft_film)
        taken += 1
