"""Tissues as data, and the three laws of state: temperature, conductivities and death.

Values are those of published models where marked: enthalpy form, latent heat and nominal liver of Hall's axisymmetric
MITA model; thermal conductivity after Lopresto et al.; liver damage kinetics (L1) of Jacques et al. as tabulated by
Mertyna et al. 2009, and the whitening set (L2) of Jacques; perfusion shut-down at 99 % damage.

Conductivity rises with temperature, falls with the fraction f of water turned to steam as 1/(1 + (f/dry_fraction)^4),
and is gone 4 K above boiling (the usual "two orders of magnitude within 5 K above 100 degC"); it follows the state
and never latches, so that impedance falls back when steam recondenses. ``dry_fraction`` is the one number of the
tissue that was calibrated: 0.8 meets the published burns of internally cooled needles in bovine (CVIR 2009;32:1235,
Song 2015) and porcine liver (Ji 2011); 0.75 to 1.0 moves their short axes by 1 mm.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from sim.world import checks

BOIL_FROM_C, BOIL_TO_C = 99.0, 101.0
LATENT_J_KG = 2.257e6
GAS_J_MOL_K = 8.314462618
L1 = (7.39e39, 2.577e5)
"""Arrhenius A (1/s), Ea (J/mol): necrosis including the red border; shuts perfusion down."""
L2 = (5.51e41, 2.769e5)
"""Arrhenius A (1/s), Ea (J/mol): whitening, the zone one measures with a ruler."""


@dataclass(frozen=True)
class Tissue:
    """One tissue. SI units; ``start_c`` and ``blood_c`` in degC; conductivities at ``start_c``."""

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

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            checks.number(f"tissue {self.name}: {name}", getattr(self, name), low, high)

    def parameters(self) -> NDArray[np.float64]:
        """The numbers in the order the kernels read them (``kernels.P_*``)."""
        latent = self.density_kg_m3 * self.water_fraction * LATENT_J_KG
        return np.array(
            [
                self.rho_c_j_m3k, self.rho_c_dry_j_m3k, latent, BOIL_FROM_C, BOIL_TO_C,
                self.k_w_mk, self.k_per_k, self.k_dry_w_mk, self.start_c,
                self.sigma_s_m, self.sigma_per_k, self.dry_fraction, self.dry_sigma_ratio,
                self.perfusion_w_m3k, self.blood_c, self.metabolic_w_m3,
                np.log(L1[0]), L1[1] / GAS_J_MOL_K, np.log(L2[0]), L2[1] / GAS_J_MOL_K,
            ]
        )  # fmt: skip

    def as_dict(self) -> dict[str, float | str]:
        """All fields, for records."""
        return asdict(self)


_RANGES: dict[str, tuple[float, float]] = {
    "start_c": (0.0, 45.0),
    "sigma_s_m": (0.01, 3.0),
    "sigma_per_k": (0.0, 0.05),
    "k_w_mk": (0.1, 1.0),
    "k_per_k": (0.0, 0.01),
    "k_dry_w_mk": (0.05, 1.0),
    "rho_c_j_m3k": (1.0e6, 5.0e6),
    "rho_c_dry_j_m3k": (2.0e5, 5.0e6),
    "density_kg_m3": (500.0, 2000.0),
    "water_fraction": (0.05, 1.0),
    "dry_fraction": (0.02, 2.0),
    "dry_sigma_ratio": (1.0e-4, 1.0),
    "perfusion_w_m3k": (0.0, 5.0e5),
    "blood_c": (0.0, 45.0),
    "metabolic_w_m3": (0.0, 5.0e4),
}

_MITA = "Hall MITA axisymmetric model (nominal liver)"
TISSUES: dict[str, Tissue] = {
    t.name: t
    for t in (
        Tissue(
            name="exvivo_porcine", source=f"sigma: Gabriel 1996 at 480 kHz; thermal: {_MITA}, Lopresto et al.",
            start_c=20.0, sigma_s_m=0.14, sigma_per_k=0.018, k_w_mk=0.51, k_per_k=0.0015, k_dry_w_mk=0.25,
            rho_c_j_m3k=3.82e6, rho_c_dry_j_m3k=0.6e6, density_kg_m3=1060.0, water_fraction=0.70,
            dry_fraction=0.8, dry_sigma_ratio=1e-3, perfusion_w_m3k=0.0, blood_c=20.0, metabolic_w_m3=0.0,
        ),
        Tissue(
            name="exvivo_bovine", source=f"sigma: {_MITA}, 80 ohm start of Lee et al. 2004; thermal: as exvivo_porcine",
            start_c=20.0, sigma_s_m=0.20, sigma_per_k=0.018, k_w_mk=0.51, k_per_k=0.0015, k_dry_w_mk=0.25,
            rho_c_j_m3k=3.82e6, rho_c_dry_j_m3k=0.6e6, density_kg_m3=1060.0, water_fraction=0.70,
            dry_fraction=0.8, dry_sigma_ratio=1e-3, perfusion_w_m3k=0.0, blood_c=20.0, metabolic_w_m3=0.0,
        ),
        Tissue(
            name="invivo_porcine", source=f"sigma 0.14-0.28 S/m and perfusion 3.4e4-6.8e4 W/m3K: {_MITA}",
            start_c=37.0, sigma_s_m=0.25, sigma_per_k=0.015, k_w_mk=0.52, k_per_k=0.0015, k_dry_w_mk=0.25,
            rho_c_j_m3k=3.82e6, rho_c_dry_j_m3k=0.6e6, density_kg_m3=1060.0, water_fraction=0.70,
            dry_fraction=0.8, dry_sigma_ratio=1e-3, perfusion_w_m3k=6.8e4, blood_c=37.0, metabolic_w_m3=0.0,
        ),
    )
}  # fmt: skip


def tissue_named(name: object) -> Tissue:
    """The tissue called ``name``. Raises ValueError listing the known ones."""
    if not isinstance(name, str) or name not in TISSUES:
        raise ValueError(checks.unknown("tissue", name, TISSUES))
    return TISSUES[name]


def omega(temperature_c: float, time_s: float, kinetics: tuple[float, float] = L1) -> float:
    """Arrhenius damage integral of ``time_s`` at a constant temperature."""
    a_per_s, ea_j_mol = kinetics
    return float(a_per_s * time_s * np.exp(-ea_j_mol / (GAS_J_MOL_K * (temperature_c + 273.15))))
