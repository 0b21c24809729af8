"""Tissues: what a solver must know of one, the library of them, and their damage kinetics.

The values live in ``sim/world/data/tissues``, each with its source and its spread. Forms: enthalpy with latent heat as
in Hall's axisymmetric model; liver damage kinetics (L1) of Jacques et al. as tabulated by Mertyna et al. 2009.

Conductivity rises with temperature, falls with the fraction f of water turned to steam as 1/(1 + (f/dry_fraction)^4),
and is gone 4 K above boiling (the usual "two orders of magnitude within 5 K above 100 degC"); it follows the state
and never latches, so that impedance falls back when steam recondenses. ``dry_fraction`` is the one number of the
tissue that was calibrated: 1.0 meets the published burns of internally cooled needles in bovine (CVIR 2009;32:1235,
Song 2015) and porcine liver (Ji 2011), and how long constant currents last (Rempp 2014: 610 s at 1.2 A and 375 s at
1.3 A; here 600 and 352 s with a 4 cm tip, while 0.8 gives 525 and 281 s, 1.3 gives 678 and 404 s). 0.8 to 1.2 moves
the short axes of 12-minute burns by 1 mm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.world import checks
from sim.world.sourced import Library, Sheet

BOIL_FROM_C, BOIL_TO_C = 99.0, 101.0
LATENT_J_KG = 2.257e6
GAS_J_MOL_K = 8.314462618
L1 = (7.39e39, 2.577e5)
"""Arrhenius A (1/s), Ea (J/mol): necrosis including the red border."""
L2 = (5.51e41, 2.769e5)
"""Arrhenius A (1/s), Ea (J/mol): whitening of liver; each tissue has its own, ``white_a_per_s``, ``white_ea_j_mol``."""
BLOOD_J_M3K = 1050.0 * 3617.0
"""Heat capacity of blood by volume (IT'IS database), to turn a flow into a heat-transfer coefficient."""
SHUTDOWN = (1.0, 4.6, 0.0)
"""What stops blood: 0 the damage of L1, 1 that of whitening; at this Omega; 1 gradually as exp(-damage / Omega), 0 at
once. Here: at once where 99 % is coagulated (62 degC for two minutes), the same for every tissue. Models also use 99 %
of L1 (47 degC for ten minutes) or the stasis of small vessels (Brown 1992, 49 degC for one), and how it is done
matters (Schutt and Haemmerich, Med Phys 2008;35:3462): with L1 in place of whitening a 3 cm cooled needle in living
pigs (Song 2015, 7.8 +- 1.7 mL) makes 13.4 instead of 9.7 mL, and from 10 to 50 mL/min/100 g the short axis in perfused
liver (Huang 2012, 34.9 to 17.3 mm) falls by 7.5 mm instead of 9.1.
"""


@dataclass(frozen=True)
class Tissue:
    """One tissue. SI units; ``start_c`` and ``blood_c`` in degC; ``sigma_s_m`` (radio frequency) and ``k_w_mk`` at
    ``start_c``, the four microwave dielectrics at 37 degC before any heating.

    ``white_a_per_s``, ``white_ea_j_mol``: Arrhenius kinetics of whitening, the zone one measures with a ruler.
    ``contraction_rf``, ``contraction_mw``: linear shrinkage of the zone after the burn.
    """

    name: str
    source: str
    start_c: float
    sigma_s_m: float
    sigma_per_k: float
    k_w_mk: float
    k_per_k: float
    k_dry_w_mk: float
    rho_c_j_m3k: float
    rho_c_dry_j_m3k: float
    density_kg_m3: float
    water_fraction: float
    dry_fraction: float
    dry_sigma_ratio: float
    perfusion_w_m3k: float
    blood_c: float
    metabolic_w_m3: float
    eps_2450: float
    sigma_2450_s_m: float
    eps_915: float
    sigma_915_s_m: float
    white_a_per_s: float
    white_ea_j_mol: float
    contraction_rf: float
    contraction_mw: float

    def __post_init__(self) -> None:
        for key in RANGES:
            _in_range(f"tissue {self.name}: {key}", key, getattr(self, key))

    def parameters(self) -> NDArray[np.float64]:
        """The numbers in the order the kernels read them (``kernels.P_*``)."""
        latent = self.density_kg_m3 * self.water_fraction * LATENT_J_KG
        return np.array(
            [
                self.rho_c_j_m3k, self.rho_c_dry_j_m3k, latent, BOIL_FROM_C, BOIL_TO_C,
                self.k_w_mk, self.k_per_k, self.k_dry_w_mk, self.start_c,
                self.sigma_s_m, self.sigma_per_k, self.dry_fraction, self.dry_sigma_ratio,
                self.perfusion_w_m3k, self.blood_c, self.metabolic_w_m3,
                math.log(L1[0]), L1[1] / GAS_J_MOL_K,
                math.log(self.white_a_per_s), self.white_ea_j_mol / GAS_J_MOL_K,
                *SHUTDOWN, 0.0, 0.0,
            ]
        )  # fmt: skip

    def as_dict(self) -> dict[str, float | str]:
        """All fields, for records."""
        return asdict(self)


_SPREAD = "fat 0.02 to saline 3 S/m, Gabriel 1996"
_WATER = "dry protein 0.1 to above water's 0.68, Lopresto"
RANGES: dict[str, tuple[float, float, str]] = {
    "start_c": (0.0, 45.0, "between freezing and fever"),
    "sigma_s_m": (0.01, 3.0, _SPREAD),
    "sigma_per_k": (0.0, 0.05, "electrolytes 0.01-0.02, Hall 2015"),
    "k_w_mk": (0.1, 1.0, _WATER),
    "k_per_k": (0.0, 0.01, "0-0.0033 of 0.5 W/m/K, Hall 2015"),
    "k_dry_w_mk": (0.05, 1.0, _WATER),
    "rho_c_j_m3k": (1.0e6, 5.0e6, "fat 2.1e6 to water 4.2e6, IT'IS"),
    "rho_c_dry_j_m3k": (2.0e5, 5.0e6, "0.44e6-0.8e6, Hall 2015"),
    "density_kg_m3": (500.0, 2000.0, "lung 400-1050 to bone 1900, IT'IS"),
    "water_fraction": (0.05, 1.0, "a share; fat 0.1-0.2, IT'IS"),
    "dry_fraction": (0.02, 2.0, "calibrated range"),
    "dry_sigma_ratio": (1.0e-4, 1.0, "1e-4 to 1e-2, Hall 2015"),
    "perfusion_w_m3k": (0.0, 5.0e5, "kidney 2.5e5, IT'IS"),
    "blood_c": (0.0, 45.0, "between freezing and fever"),
    "metabolic_w_m3": (0.0, 5.0e4, "liver 1e4, IT'IS"),
    "eps_2450": (2.0, 80.0, "fat 5 to water 74, Gabriel 1996"),
    "sigma_2450_s_m": (0.01, 5.0, "fat 0.1 to blood 2.5 S/m, Gabriel 1996"),
    "eps_915": (2.0, 80.0, "fat 5 to water 74, Gabriel 1996"),
    "sigma_915_s_m": (0.01, 5.0, "fat 0.05 to blood 1.5 S/m, Gabriel 1996"),
    "white_a_per_s": (1.0e-30, 1.0e110, "1e40 to 1e98 for tissue, 1e-30 for none"),
    "white_ea_j_mol": (1.0e5, 1.0e6, "2.6e5 to 6.3e5 J/mol for tissue"),
    "contraction_rf": (0.0, 0.45, "up to 43 % radially, Farina 2014"),
    "contraction_mw": (0.0, 0.45, "up to 43 % radially, Farina 2014"),
}
"""Every number of a tissue that may be changed: lowest, highest, and what the range is taken from."""
PERFUSION_KEY = "perfusion_ml_min_100g"
FLOW_RANGE_ML_MIN_100G = (0.0, 500.0, "kidney 380 mL/min/100 g, IT'IS")


def _in_range(name: str, key: str, value: Any) -> float:
    return checks.number(name, value, *(FLOW_RANGE_ML_MIN_100G if key == PERFUSION_KEY else RANGES[key]))


def perfusion_w_m3k(flow_ml_min_100g: float, density_kg_m3: float) -> float:
    """Heat that blood of ``flow_ml_min_100g`` carries out of tissue of ``density_kg_m3``, W/m3 per K."""
    return flow_ml_min_100g * 1.0e-6 / 60.0 / 0.1 * density_kg_m3 * BLOOD_J_M3K


def with_changes(tissue: Tissue, changes: Mapping[str, Any]) -> Tissue:
    """``tissue`` with other numbers: any key of ``RANGES`` in its own unit, or ``perfusion_ml_min_100g``.

    Raises ValueError for an unknown key (with the list), a value out of range, or perfusion given twice.
    """
    for key, value in changes.items():
        if key not in RANGES and key != PERFUSION_KEY:
            raise ValueError(checks.unknown("tissue parameter", key, (*RANGES, PERFUSION_KEY)))
        _in_range(key, key, value)
    values: dict[str, Any] = {key: float(value) for key, value in changes.items()}
    if PERFUSION_KEY in values:
        if "perfusion_w_m3k" in values:
            raise ValueError(f"perfusion_w_m3k and {PERFUSION_KEY} are the same: give one")
        flow = values.pop(PERFUSION_KEY)
        values["perfusion_w_m3k"] = perfusion_w_m3k(flow, values.get("density_kg_m3", tissue.density_kg_m3))
    return replace(tissue, **values)


def tissue_of(sheet: Sheet) -> Tissue:
    """The tissue a data file describes. Raises ValueError for a missing, unknown or impossible number."""
    checks.known_keys(f"tissue {sheet.name}", sheet.quantities, RANGES)
    for key in RANGES:
        if key not in sheet.quantities:
            raise ValueError(f"tissue {sheet.name}: {key} is missing")
    return Tissue(name=sheet.name, source=sheet.cite(), **sheet.values())


TISSUES: Library[Tissue] = Library("tissue", "tissues", tissue_of)
"""Every tissue by name; ``TISSUES.sheet(name)`` has sources and spreads."""


def tissue_named(name: object) -> Tissue:
    """The tissue called ``name``. Raises ValueError listing the known ones."""
    return TISSUES.named(name)


def omega(temperature_c: float, time_s: float, kinetics: tuple[float, float] = L1) -> float:
    """Arrhenius damage integral of ``time_s`` at a constant temperature."""
    a_per_s, ea_j_mol = kinetics
    return float(a_per_s * time_s * np.exp(-ea_j_mol / (GAS_J_MOL_K * (temperature_c + 273.15))))
