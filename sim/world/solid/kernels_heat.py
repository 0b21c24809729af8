"""The compiled loops of heat, conductivity and damage in 3D, on the layout of kernels_field; the laws are those of
sim.world.kernels, cell by cell. Single precision; sums over the domain are double.

Enthalpy is counted from unheated tissue, so that small changes keep their digits. Heat flows by the difference of
theta, the integral of k(T) from the start: the mean conductivity between two temperatures is then exact, and the
coefficients of the stencil are geometry alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.world._jit import inlined, kernel

Array = NDArray[np.float64]
Field = NDArray[np.float32]
Index = NDArray[np.int64]

(RC_INV, E_BOIL, LATENT, SPAN, RC_DRY_INV, U_LIMIT, U_DRY, K_0, K_SLOPE, K_FALL, SIG_0, SIG_SLOPE, FLOOR, PER_FRACTION,
 QB, U_BLOOD, QM, WAVE_A, WAVE_B, KELVIN, U_HARMLESS, LN_A1, TA_1, LN_A2, TA_2, STOP_2, STOP_OMEGA,
 STOP_GRADUAL) = range(28)  # fmt: skip
LAWS = 28
"""Entries of the laws (sim.world.solid.tissue.laws); u is the temperature above the start (KELVIN), K."""

COOLED_W, WALL_U, E_SOURCE, E_COOLED, E_PERFUSED, E_METABOLIC = range(6)
SUMS = 6

ZERO, ONE, HALF, QUARTER, EIGHTH, FOUR = (np.float32(v) for v in (0.0, 1.0, 0.5, 0.25, 0.125, 4.0))
SIXTH, PER_24, PER_128, MOST = (np.float32(v) for v in (1.0 / 6.0, 1.0 / 24.0, 1.0 / 128.0, 20.0))


@inlined
def quick_exp(x: np.float32) -> np.float32:
    """exp(x) for -20 < x < 20, to 0.01 %, held beyond: no branch, so that loops over it become SIMD."""
    v = min(max(x, -MOST), MOST) * PER_128
    v = ONE + v * (ONE + v * (HALF + v * (SIXTH + v * PER_24)))
    v *= v
    v *= v
    v *= v
    v *= v
    v *= v
    v *= v
    return v * v


@inlined
def heated(e: np.float32, law: Field) -> np.float32:
    """Temperature above the start, K, of enthalpy ``e`` above the start, J/m3."""
    boiling, latent = law[E_BOIL], law[LATENT]
    steam = min(max(e - boiling, ZERO), latent)
    dry = max(e - boiling - latent, ZERO)
    u: np.float32 = min(e, boiling) * law[RC_INV] + steam * law[SPAN] + dry * law[RC_DRY_INV]
    return u


@kernel
def theta(e: Field, out: Field, law: Field) -> None:
    """Integral of the thermal conductivity from the start to each cell's temperature, W/m."""
    boiling, latent, span = law[E_BOIL], law[LATENT], law[SPAN]
    rc, rc_dry, limit, dry = law[RC_INV], law[RC_DRY_INV], law[U_LIMIT], law[U_DRY]
    k_0, half_slope, fall = law[K_0], HALF * law[K_SLOPE], law[K_FALL]
    k_hot = k_0 + law[K_SLOPE] * limit
    for c in range(e.size):
        over = max(e[c] - boiling, ZERO)
        u = min(e[c], boiling) * rc + min(over, latent) * span + max(over - latent, ZERO) * rc_dry
        wet, hot, d = min(u, limit), max(u - limit, ZERO), max(u - dry, ZERO)
        ramp = min(d, FOUR)
        out[c] = wet * (k_0 + half_slope * wet) + hot * k_hot - fall * (ramp * ramp * EIGHTH + max(d - FOUR, ZERO))


@kernel
def blood(e: Field, alive: Field, area: Field, out: Field, law: Field) -> tuple[float, float]:
    """What blood and metabolism bring to one plane, W/m3; returns the sum over ``area`` of either, W/m."""
    boiling, latent, span, rc, rc_dry = law[E_BOIL], law[LATENT], law[SPAN], law[RC_INV], law[RC_DRY_INV]
    qb, tb, qm = law[QB], law[U_BLOOD], law[QM]
    perfused = living = ZERO
    for c in range(e.size):
        over = max(e[c] - boiling, ZERO)
        u = min(e[c], boiling) * rc + min(over, latent) * span + max(over - latent, ZERO) * rc_dry
        brought = qb * alive[c] * (tb - u)
        out[c] = brought + qm
        perfused += brought * area[c]
        living += qm * area[c]
    return float(perfused), float(living)


@kernel
def exchange(enthalpy: Field, before: Field, own: Field, after: Field, heat: Field, more: Field, g_up: float,
             g_down: float, up: Field, down: Field, right: Field, left: Field, slack: int, sy: int,
             dt: float, v2: float) -> None:  # fmt: skip
    """One explicit step of a plane: conduction, the field's heat times ``v2``, ``more``. Theta of the plane ``before``,
    its ``own``, and of the one ``after``, each with ``slack`` before and behind, no less than a row.
    """
    n = enthalpy.size
    first, last = slack, slack + n
    t, ta, tb = own[first:last], after[first:last], before[first:last]
    ya, yb, za, zb = own[first + sy : last + sy], own[first - sy :], own[first + 1 : last + 1], own[first - 1 :]
    step, volts, ga, gb = np.float32(dt), np.float32(v2), np.float32(g_up), np.float32(g_down)
    for c in range(n):
        enthalpy[c] += step * (
            ga * (ta[c] - t[c]) + gb * (tb[c] - t[c]) + up[c] * (ya[c] - t[c]) + down[c] * (yb[c] - t[c])
            + right[c] * (za[c] - t[c]) + left[c] * (zb[c] - t[c]) + heat[c] * volts + more[c]
        )  # fmt: skip


@kernel
def cool(e: Field, law: Field, cell: Index, conductance: Array, area: Array, film: Array, bare: Index, volume: Array,
         coolant_u: float, dt: float, sums: Array) -> None:  # fmt: skip
    """Heat through the metal into the coolant; the mean temperature of the bare surface where there is any coolant."""
    cooled = wall = total = 0.0
    for m in range(cell.size):
        c = cell[m]
        u = heated(e[c], law)
        to_coolant = film[m] * area[m]
        f = 0.0
        if to_coolant > 0.0:
            dry = min(max(u - law[U_DRY], ZERO) * QUARTER, ONE)
            k = law[K_0] + law[K_SLOPE] * min(u, law[U_LIMIT]) - dry * law[K_FALL]
            to_cell = k * conductance[m]
            f = to_coolant * to_cell / (to_coolant + to_cell) * (u - coolant_u)
            e[c] -= np.float32(f * dt / volume[m])
            cooled += f
        if bare[m] > 0:
            wall += area[m] * (coolant_u + f / to_coolant if to_coolant > 0.0 else u)
            total += area[m]
    sums[COOLED_W] = cooled
    sums[WALL_U] = wall / total if total > 0.0 else coolant_u
    sums[E_COOLED] += cooled * dt


@kernel
def conduct(e: Field, sig: Field, law: Field, box: Index, sx: int, sy: int) -> None:
    """Conductivity now in the planes and rows of ``box``."""
    boiling, latent, span, rc, rc_dry = law[E_BOIL], law[LATENT], law[SPAN], law[RC_INV], law[RC_DRY_INV]
    dry_from, sig_0, slope, floor, per = law[U_DRY], law[SIG_0], law[SIG_SLOPE], law[FLOOR], law[PER_FRACTION]
    wave_a, wave_b, wave = law[WAVE_A], law[WAVE_B], law[WAVE_B] > ZERO
    for i in range(box[0], box[1]):
        first, last = i * sx + box[2] * sy, i * sx + box[3] * sy
        enthalpy, sigma = e[first:last], sig[first:last]
        for c in range(last - first):
            over = max(enthalpy[c] - boiling, ZERO)
            steam = min(over, latent)
            u = min(enthalpy[c], boiling) * rc + steam * span + max(over - latent, ZERO) * rc_dry
            x = steam * per
            x *= x
            left = ONE - min(max(u - dry_from, ZERO) * QUARTER, ONE)
            wet = sig_0 + slope * min(u, dry_from)
            if wave:
                v = quick_exp(wave_a - wave_b * min(u, dry_from))
                wet = sig_0 * v / (ONE + v)
            sigma[c] = wet * max(floor, left / (ONE + x * x))


@kernel
def drift(enthalpy: Field, sigma: Field, heat: Field, area: Field, law: Field) -> tuple[float, float]:
    """First-order change of the admittance since the field of ``sigma``, in part of a plane, per width: as it is and
    summed as absolute values, S/m. As in two dimensions: a cell counts bounded, however far it dries. The law is
    ``conduct``'s with its division put off, for divisions would take most of the time.
    """
    boiling, latent, span, rc, rc_dry = law[E_BOIL], law[LATENT], law[SPAN], law[RC_INV], law[RC_DRY_INV]
    dry_from, sig_0, slope, floor, per = law[U_DRY], law[SIG_0], law[SIG_SLOPE], law[FLOOR], law[PER_FRACTION]
    wave_a, wave_b, wave = law[WAVE_A], law[WAVE_B], law[WAVE_B] > ZERO
    part = whole = ZERO
    for c in range(enthalpy.size):
        over = max(enthalpy[c] - boiling, ZERO)
        steam = min(over, latent)
        u = min(enthalpy[c], boiling) * rc + steam * span + max(over - latent, ZERO) * rc_dry
        x = steam * per
        x *= x
        by = ONE + x * x
        left = ONE - min(max(u - dry_from, ZERO) * QUARTER, ONE)
        wet = sig_0 + slope * min(u, dry_from)
        if wave:
            v = quick_exp(wave_a - wave_b * min(u, dry_from))
            wet = sig_0 * v / (ONE + v)
        now, then = wet * max(floor * by, left), sigma[c] * by
        dy = heat[c] * area[c] * (now - then) / max(now, then)
        part += dy
        whole += abs(dy)
    return float(part), float(whole)


@kernel
def widen(e: Field, box: Index, warm: float, sx: int, sy: int) -> None:
    """Grow ``box`` (first and last plane, first and last row, the last ones not included) until no cell beside it has
    gained or lost more than ``warm``, J/m3.
    """
    limit, quiet, side = np.float32(warm), 0, 0
    while quiet < 4:
        step = 1 if side % 2 else -1
        beside = box[side] + (step - 1) // 2  # the first plane or row outside
        most = ZERO
        if 1 <= beside <= (e.size // sx if side < 2 else sx // sy) - 2:
            planes = (beside, beside + 1) if side < 2 else (box[0], box[1])
            rows = (box[2], box[3]) if side < 2 else (beside, beside + 1)
            for i in range(planes[0], planes[1]):
                line = e[i * sx + rows[0] * sy : i * sx + rows[1] * sy]
                for c in range(line.size):
                    most = max(most, abs(line[c]))
        quiet = 0 if most > limit else quiet + 1
        if most > limit:
            box[side] += step
        else:
            side = (side + 1) % 4


@kernel
def harm(e: Field, omega_1: Field, omega_2: Field, alive: Field, law: Field, box: Index, sx: int, sy: int,
         dt: float) -> None:  # fmt: skip
    """Arrhenius damage of both kinetics over ``dt`` in ``box``, and what it does to blood."""
    boiling, latent, span, rc, rc_dry = law[E_BOIL], law[LATENT], law[SPAN], law[RC_INV], law[RC_DRY_INV]
    start, lowest, step = law[KELVIN], law[U_HARMLESS], np.float32(dt)
    ln_1, per_1, ln_2, per_2 = law[LN_A1], law[TA_1], law[LN_A2], law[TA_2]
    second, at, gentle = law[STOP_2] > HALF, law[STOP_OMEGA], law[STOP_GRADUAL] > HALF
    for i in range(box[0], box[1]):
        first, last = i * sx + box[2] * sy, i * sx + box[3] * sy
        enthalpy, one, two, living = e[first:last], omega_1[first:last], omega_2[first:last], alive[first:last]
        for c in range(last - first):
            over = max(enthalpy[c] - boiling, ZERO)
            u = min(enthalpy[c], boiling) * rc + min(over, latent) * span + max(over - latent, ZERO) * rc_dry
            per_kelvin = ONE / (start + u)
            counts = step if u > lowest else ZERO
            one[c] += counts * quick_exp(ln_1 - per_1 * per_kelvin)
            two[c] += counts * quick_exp(ln_2 - per_2 * per_kelvin)
        done = two if second else one
        if gentle:
            for c in range(last - first):
                living[c] = quick_exp(-done[c] / at)
        else:
            for c in range(last - first):
                living[c] = ZERO if done[c] >= at else living[c]


@kernel
def march(e: Field, sig: Field, q: Field, alive: Field, more: Field, flow: Field, law: Field, dx: Field, area: Field,
          across: Field, up: Field, down: Field, right: Field, left: Field, box: Index, heat_s: float, sx: int, sy: int,
          slack: int, dt: float, v2: float, sums: Array) -> tuple[float, float]:  # fmt: skip
    """One heat step of the whole grid, plane after plane, theta one plane ahead in the three planes of ``flow``
    (``slack``: exchange).

    ``across[0 | 1, plane]``: conduction to the next and last plane, 1/m2; ``heat_s``: the field's heat inside the
    domain, W per V2; ``sig``: conductivity of that field. Returns the first-order change of the admittance since then
    in the planes and rows of ``box``, net and absolute, S.
    """
    planes = e.size // sx
    perfused = living = change = total = 0.0
    flowing = law[QB] > ZERO or law[QM] > ZERO
    theta(e[sx : 2 * sx], flow[1, slack : slack + sx], law)
    for i in range(1, planes - 1):
        s = i * sx
        before, own, after = flow[(i - 1) % 3], flow[i % 3], flow[(i + 1) % 3]
        if i < planes - 2:
            theta(e[s + sx : s + 2 * sx], after[slack : slack + sx], law)
        enthalpy = e[s : s + sx]
        if flowing:
            brought, own_w = blood(enthalpy, alive[s : s + sx], area, more, law)
            perfused += brought * dx[i]
            living += own_w * dx[i]
        exchange(enthalpy, before, own, after, q[s : s + sx], more, across[0, i], across[1, i], up, down, right, left,
                 slack, sy, dt, v2)  # fmt: skip
        if box[0] <= i < box[1]:
            low, high = box[2] * sy, box[3] * sy
            part, whole = drift(enthalpy[low:high], sig[s + low : s + high], q[s + low : s + high], area[low:high], law)
            change += part * dx[i]
            total += whole * dx[i]
    sums[E_SOURCE] += heat_s * v2 * dt
    sums[E_PERFUSED] += perfused * dt
    sums[E_METABOLIC] += living * dt
    return change, total
