"""Tissue as a lossy dielectric in the two microwave bands of ablation: permittivity, conductivity, what a wave does.

2.45 GHz: sigmoids of temperature measured in ex vivo liver while it was heated through boiling (Ji & Brace 2011,
Phys Med Biol 56:5249, PMC3157027). 915 MHz: the reversible slopes of bovine liver (Chin & Sherar 2001, Phys Med Biol
46:197); their permanent rise with protein denaturation, within the same doubling of the conductivity, is left out.
The shape is liver's; the size is the tissue's own value at 37 degC (Gabriel 1996).

Above the boiling point both fall with the water that left as steam. They follow the state of the tissue and do not
latch: steam that condenses restores them.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.world import checks

LIGHT_M_S = 299_792_458.0
EPS_0_F_M = 8.8541878128e-12
BODY_C = 37.0
HOT_C = 101.0
"""Above it the sigmoids give way to drying: what is hotter has no water left."""

BANDS_HZ = {"2.45 GHz": (2.40e9, 2.50e9), "915 MHz": (902.0e6, 928.0e6)}
"""The ISM bands ablation uses; no other frequency has measured temperature curves here."""

EPS_SIGMOID = (6.286, 0.0764)
SIGMA_SIGMOID = (5.951, 0.0697)
"""a, b (1/K) of 1 - 1/(1 + exp(a - b T)), T in degC: Ji & Brace 2011."""
JI_BRACE_EPS, JI_BRACE_EPS_FLOOR, JI_BRACE_SIGMA_S_M = 48.391, 1.0, 2.173
"""Their own liver: permittivity 48.391 s(T) + 1, conductivity 2.173 s(T) S/m."""
EPS_PER_K, SIGMA_PER_K = -0.00130, 0.0182
"""Reversible changes at 915 MHz, of the value at 37 degC: Chin & Sherar 2001."""

DRY_FRACTION = 0.5
"""Steam fraction that halves both: 1/(1 + (f/0.5)^2) is the water left, 1 - f, within 0.07 up to f = 0.75."""
DRY_RATIO = 0.1
"""What remains of the conductivity when all water has gone: the sigmoid's own value at about 140 degC."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Dielectric:
    """One tissue at one frequency: its relative permittivity and conductivity (S/m) at 37 degC before heating.

    Raises ValueError for a frequency outside the two bands or values no tissue has.
    """

    frequency_hz: float
    eps_37: float
    sigma_37_s_m: float

    def __post_init__(self) -> None:
        band(self.frequency_hz)
        checks.number("eps_r at 37 degC", self.eps_37, 2.0, 80.0)
        checks.number("sigma_s_m at 37 degC", self.sigma_37_s_m, 0.01, 5.0)

    @property
    def eps_law(self) -> tuple[float, float, float, float]:
        """(scale, a, b, slope): eps_r = 1 + scale (1 + slope (T - 37)) / (1 + exp(b T - a))."""
        return _law(self.eps_37 - 1.0, EPS_SIGMOID, EPS_PER_K * self.eps_37 / (self.eps_37 - 1.0), self._sigmoidal)

    @property
    def sigma_law(self) -> tuple[float, float, float, float]:
        """(scale, a, b, slope): sigma = scale (1 + slope (T - 37)) / (1 + exp(b T - a)), S/m."""
        return _law(self.sigma_37_s_m, SIGMA_SIGMOID, SIGMA_PER_K, self._sigmoidal)

    @property
    def _sigmoidal(self) -> bool:
        return self.frequency_hz > 1.5e9

    def eps_r(self, temperature_c: float) -> float:
        """Relative permittivity of wet tissue at ``temperature_c``, up to boiling."""
        return 1.0 + _at(self.eps_law, temperature_c)

    def sigma_s_m(self, temperature_c: float) -> float:
        """Conductivity of wet tissue at ``temperature_c``, up to boiling."""
        return _at(self.sigma_law, temperature_c)

    def attenuation_np_m(self, temperature_c: float) -> float:
        """Field attenuation of a plane wave in wet tissue."""
        return plane_wave(self.eps_r(temperature_c), self.sigma_s_m(temperature_c), self.frequency_hz)[0]


def band(frequency_hz: float) -> str:
    """The band of ``frequency_hz``. Raises ValueError outside all."""
    for name, (low, high) in BANDS_HZ.items():
        if low <= frequency_hz <= high:
            return name
    known = ", ".join(f"{low / 1e6:g} to {high / 1e6:g} MHz" for low, high in BANDS_HZ.values())
    raise ValueError(f"frequency_hz: {frequency_hz!r}; allowed are {known} (the bands with measured tissue curves)")


def ji_brace(temperature_c: float) -> tuple[float, float]:
    """Relative permittivity and conductivity (S/m) of ex vivo liver at 2.45 GHz as Ji & Brace 2011 fitted them."""
    eps = JI_BRACE_EPS * _sigmoid(*EPS_SIGMOID, temperature_c) + JI_BRACE_EPS_FLOOR
    return eps, JI_BRACE_SIGMA_S_M * _sigmoid(*SIGMA_SIGMOID, temperature_c)


def complex_permittivity(eps_r: float, sigma_s_m: float, frequency_hz: float) -> complex:
    """eps_r - j sigma / (omega eps_0)."""
    return complex(eps_r, -sigma_s_m / (2.0 * math.pi * frequency_hz * EPS_0_F_M))


def plane_wave(eps_r: float, sigma_s_m: float, frequency_hz: float) -> tuple[float, float]:
    """Field attenuation (Np/m) and wavelength (m) of a plane wave (Balanis, Advanced Engineering Electromagnetics)."""
    gamma = 2j * math.pi * frequency_hz / LIGHT_M_S * cmath.sqrt(complex_permittivity(eps_r, sigma_s_m, frequency_hz))
    return gamma.real, 2.0 * math.pi / gamma.imag


def reflected_share(matched: complex, now: complex, reflected: float) -> float:
    """Share of the power that an antenna designed for the permittivity ``matched`` reflects when surrounded by ``now``.

    An antenna's impedance in a medium is that in vacuum, at the electrically equivalent frequency, over the refractive
    index (Deschamps 1962, IRE Trans Antennas Propag 10:648); the small change with that frequency is left out. So the
    load grows as the index falls: ``reflected``, what it reflects in ``matched``, is taken as a load that is already
    too high, the side on which drying tissue makes it worse.
    """
    gamma = math.sqrt(reflected)
    load = (1.0 + gamma) / (1.0 - gamma) * cmath.sqrt(matched / now)
    return abs((load - 1.0) / (load + 1.0)) ** 2


def _sigmoid(a: float, b: float, temperature_c: float) -> float:
    return 1.0 - 1.0 / (1.0 + math.exp(a - b * temperature_c))


def _law(at_37: float, shape: tuple[float, float], slope: float, sigmoidal: bool) -> tuple[float, float, float, float]:
    if sigmoidal:
        return at_37 / _sigmoid(*shape, BODY_C), *shape, 0.0
    return at_37, 40.0, 0.0, slope  # exp(-40): no sigmoid


def _at(law: tuple[float, float, float, float], temperature_c: float) -> float:
    scale, a, b, slope = law
    return scale * (1.0 + slope * (temperature_c - BODY_C)) * _sigmoid(a, b, temperature_c)
