"""The bio-heat equation in enthalpy form: what step is stable, what energy went where.

Explicit steps: at the sizes used here the stability limit (0.1-0.5 s) is longer than the step the coupling to the
generator wants, a step costs a tenth of an implicit one, latent heat needs no iteration, and the energy balance
closes to rounding.
"""

from __future__ import annotations

import numpy as np

from sim.world import kernels
from sim.world.grid import RA, RB, VOL, WET, ZA, ZB, Array, Grid
from sim.world.properties import Tissue

WET_SHARE, DRY_SHARE = 0.9, 1.1
"""Of the step at which a cell would just reach its neighbours' mean. Dry cells have a sixth of the heat capacity of wet
ones and hence the shortest such step; between wet neighbours they stay stable up to nearly twice of it, in a dry
neighbourhood (which conducts less) up to 1.4 times."""


def stable_dt_s(grid: Grid, tissue: Tissue, film_w_m2k: float) -> float:
    """Longest step that is stable, s: no wet cell overshoots its neighbours, and where a dry one does, it dies out."""
    hot_k = tissue.k_w_mk * (1.0 + tissue.k_per_k * max(0.0, 100.0 - tissue.start_c))
    limits = []
    for own_k, heat, share in (
        (hot_k, tissue.rho_c_j_m3k, WET_SHARE),
        (tissue.k_dry_w_mk, tissue.rho_c_dry_j_m3k, DRY_SHARE),
    ):
        g = grid.geometry
        out_r, out_z = 1 / (g[RA] / own_k + g[RB] / hot_k), 1 / (g[ZA] / own_k + g[ZB] / hot_k)
        in_r, in_z = 1 / (g[RA] / hot_k + g[RB] / own_k), 1 / (g[ZA] / hot_k + g[ZB] / own_k)
        total = out_r + out_z + tissue.perfusion_w_m3k * g[VOL]
        total[1:] += in_r[:-1]
        total[:, 1:] += in_z[:, :-1]
        if film_w_m2k > 0.0:
            for cell, conductance, area, _ in grid.contacts:
                total.flat[int(cell)] += 1 / (1 / (film_w_m2k * area) + 1 / (own_k * conductance))
        limits.append(share * np.min((g[VOL] * heat / total)[g[WET] > 0]))
    return float(min(limits))


def enthalpy_j_m3(temperature_c: float, tissue: Tissue) -> float:
    """Volumetric enthalpy of wet tissue below boiling, from 0 degC."""
    return tissue.rho_c_j_m3k * temperature_c


def stored_j(grid: Grid, state: Array) -> float:
    """Heat content of the tissue from 0 degC, J."""
    return float(np.sum(state[kernels.H] * grid.geometry[VOL] * grid.geometry[WET]))


def balance(stored_at_start_j: float, stored_now_j: float, scalar: Array) -> dict[str, float]:
    """Where the energy went, J; ``residual_j`` is what the books cannot explain, ``residual`` its share."""
    source, cooled = float(scalar[kernels.E_SOURCE]), float(scalar[kernels.E_COOLED])
    perfused, metabolic = float(scalar[kernels.E_PERFUSED]), float(scalar[kernels.E_METABOLIC])
    stored = stored_now_j - stored_at_start_j
    residual = stored - (source + perfused + metabolic - cooled)
    scale = max(abs(source), abs(cooled), abs(perfused), abs(stored), 1e-9)
    return {
        "source_j": source,
        "cooled_j": cooled,
        "perfused_j": perfused,
        "metabolic_j": metabolic,
        "stored_j": stored,
        "residual_j": residual,
        "residual": abs(residual) / scale,
    }
