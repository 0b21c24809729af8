"""A tissue's laws as the 3D kernels read them: from the same parameters as the 2D kernels, counted from the start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.world import kernels as flat
from sim.world.solid import kernels_heat as kernels
from sim.world.solid.grid import Array

KELVIN = 273.15
HARMLESS_C = 40.0
"""Cells at or below gain no damage that counts, as in two dimensions."""


@dataclass(frozen=True)
class Laws:
    """``law``: the entries of kernels_heat."""

    start_c: float
    law: NDArray[np.float32]

    @property
    def start_j_m3(self) -> float:
        """Enthalpy of unheated tissue from 0 degC."""
        return self.start_c / float(self.law[kernels.RC_INV])

    def temperature_c(self, enthalpy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Temperatures of enthalpies above the start, J/m3."""
        law = self.law
        over = np.maximum(enthalpy - law[kernels.E_BOIL], 0.0)
        u = np.minimum(enthalpy, law[kernels.E_BOIL]) * law[kernels.RC_INV]
        u = u + np.minimum(over, law[kernels.LATENT]) * law[kernels.SPAN]
        warm: NDArray[np.float32] = np.float32(self.start_c) + (
            u + np.maximum(over - law[kernels.LATENT], 0.0) * law[kernels.RC_DRY_INV]
        )
        return warm

    def conductivity_s_m(self) -> float:
        """Of unheated tissue, at the working frequency."""
        law = self.law
        if law[kernels.WAVE_B] > 0.0:
            return float(law[kernels.SIG_0] / (1.0 + np.exp(-law[kernels.WAVE_A])))
        return float(law[kernels.SIG_0])


def laws(parameters: Array) -> Laws:
    """Laws from ``Tissue.parameters`` (entries ``sim.world.kernels.P_*``)."""
    p, start = parameters, parameters[flat.P_START]
    law = np.zeros(kernels.LAWS)
    law[kernels.RC_INV], law[kernels.RC_DRY_INV] = 1.0 / p[flat.P_RC], 1.0 / p[flat.P_RC_DRY]
    law[kernels.E_BOIL], law[kernels.LATENT] = p[flat.P_RC] * (p[flat.P_BOIL_1] - start), p[flat.P_LATENT]
    law[kernels.SPAN] = (p[flat.P_BOIL_2] - p[flat.P_BOIL_1]) / p[flat.P_LATENT]
    law[kernels.U_LIMIT], law[kernels.U_DRY] = 100.0 - start, p[flat.P_BOIL_2] - start
    law[kernels.K_0], law[kernels.K_SLOPE] = p[flat.P_K], p[flat.P_K] * p[flat.P_K_SLOPE]
    law[kernels.K_FALL] = law[kernels.K_0] + law[kernels.K_SLOPE] * law[kernels.U_LIMIT] - p[flat.P_K_DRY]
    law[kernels.SIG_0], law[kernels.SIG_SLOPE] = p[flat.P_SIG], p[flat.P_SIG] * p[flat.P_SIG_SLOPE]
    law[kernels.FLOOR] = p[flat.P_DRY_RATIO]
    law[kernels.PER_FRACTION] = 1.0 / (p[flat.P_LATENT] * p[flat.P_DRY_F])
    law[kernels.QB], law[kernels.U_BLOOD], law[kernels.QM] = p[flat.P_QB], p[flat.P_TB] - start, p[flat.P_QM]
    law[kernels.WAVE_A] = p[flat.P_WAVE_A] - p[flat.P_WAVE_B] * start
    law[kernels.WAVE_B] = p[flat.P_WAVE_B]
    law[kernels.KELVIN], law[kernels.U_HARMLESS] = KELVIN + start, HARMLESS_C - start
    law[kernels.LN_A1], law[kernels.TA_1] = p[flat.P_LNA1], p[flat.P_TA1]
    law[kernels.LN_A2], law[kernels.TA_2] = p[flat.P_LNA2], p[flat.P_TA2]
    law[kernels.STOP_2] = p[flat.P_STOP_2]
    law[kernels.STOP_OMEGA], law[kernels.STOP_GRADUAL] = p[flat.P_STOP_OMEGA], p[flat.P_STOP_GRADUAL]
    return Laws(float(start), law.astype(np.float32))
