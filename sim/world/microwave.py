"""A microwave antenna in tissue: how its power spreads, what comes back, what its own shaft takes.

The antenna is a line of incoherent sources along its radiating part: |E|^2 is the mean over the line of
exp(-2 alpha R)/R^2, corrected along each ray for the attenuation of the heated tissue it crosses, times the local
conductivity, normalised so that the tissue takes exactly the net power. Without a choke, currents run back along the
shaft and radiate there, weaker with every millimetre. Without coolant, the heat of the lossy shaft enters the tissue
around it: the comet's tail. Both together make the zone of a plain antenna longer (He et al., Acad Radiol 2010;17(7)).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.world import checks, dielectric, kernels, kernels_microwave
from sim.world.applicator import Antenna
from sim.world.dielectric import Dielectric
from sim.world.grid import DOMAIN_M, WET, Grid, Mesh, needle_grid
from sim.world.properties import Tissue

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

SOURCE_STEP_M = 0.5e-3
"""Between the points of the line source: less than any antenna's radius, so that no point stands out."""
LEAK_SHARE = 0.20
"""Of its power, what an antenna without choke radiates from the shaft. Calibrated, like the next, on the long axes of
He 2010's cooled and non-cooled antennas: one pair of numbers for every antenna without choke."""
LEAK_LENGTH_M = 14.0e-3
"""Height over which that falls by 1/e; less than a wavelength in liver, 18 mm."""
SHAFT_IN_TISSUE = 0.4
"""Of a shaft's length, and so of its loss, the part inside the domain: 70 of 150 to 200 mm (catalogue lengths)."""
TIP_FILM_RATIO = 0.4
"""Of the shaft's heat transfer, what the radiating part has: the coolant turns back where the line ends."""
DESIGN_EPS_R, DESIGN_SIGMA_S_M = {"2.45 GHz": 43.03, "915 MHz": 46.76}, {"2.45 GHz": 1.686, "915 MHz": 0.861}
"""What antennas are matched to: liver at 37 degC (Gabriel 1996)."""


class Delivered(NamedTuple):
    """Where the generator's forward power goes, W; the rest warms the cable."""

    tissue_w: float
    """Into the tissue: what ``Burn.step`` takes."""
    reverse_w: float
    """Reflected, as the generator reads it behind the cable's loss."""
    shaft_w: float
    """Lost in the antenna's shaft: into the coolant, or without coolant out through the handle."""


def delivered(antenna: Antenna, forward_w: float, reflected: float) -> Delivered:
    """Split the generator's ``forward_w`` at the share ``reflected`` that comes back (``Burn.reflected``).

    Raises ValueError for a power that is negative or no number.
    """
    checks.number("forward_w", forward_w, 0.0, 1000.0)
    through = 10.0 ** (-antenna.cable_db / 10.0)
    accepted_w = forward_w * through * (1.0 - reflected)
    tissue_w = accepted_w * (antenna.efficiency + _shaft_to_tissue(antenna))
    return Delivered(tissue_w, forward_w * through**2 * reflected, accepted_w - tissue_w)


def delivered_in_air(antenna: Antenna, forward_w: float) -> Delivered:
    """The same for an antenna out of the tissue: most comes back, the rest radiates away, nothing is absorbed."""
    outside = delivered(antenna, forward_w, reflected_in_air(antenna))
    return outside._replace(tissue_w=0.0)


def reflected_in_air(antenna: Antenna) -> float:
    """Share that comes back from an antenna in air."""
    return dielectric.reflected_share(design_permittivity(antenna.frequency_hz), complex(1.0, 0.0), antenna.reflected)


def tissue_dielectric(tissue: Tissue, frequency_hz: float) -> Dielectric:
    """The tissue's dielectric at ``frequency_hz``. Raises ValueError outside the bands."""
    if dielectric.band(frequency_hz) == "2.45 GHz":
        return Dielectric(frequency_hz, tissue.eps_2450, tissue.sigma_2450_s_m)
    return Dielectric(frequency_hz, tissue.eps_915, tissue.sigma_915_s_m)


def antenna_grid(antenna: Antenna, mesh: Mesh, sample_radius_m: float = DOMAIN_M) -> Grid:
    """Grid around an antenna: from the tip to the end of the radiating part the metal counts as bare, above as shaft.

    Raises ValueError for an antenna that does not fit the domain or a mesh too coarse for it.
    """
    low_m, high_m = 3.0 * mesh.z_active_m, DOMAIN_M - 15.0e-3
    if not low_m <= antenna.bare_m <= high_m:
        raise ValueError(
            f"antenna {antenna.name}: offset_m + radiating_m = {antenna.bare_m:g} is outside {low_m:g} (three cells of "
            f"this mesh; take a finer one) to {high_m:g} (the domain reaches {DOMAIN_M:g} m from the tip)"
        )
    return needle_grid(antenna.radius_m, antenna.bare_m, mesh, sample_radius_m)


class Source:
    """The heat source of one antenna in one tissue on one grid. Raises ValueError for a frequency outside the bands."""

    def __init__(self, antenna: Antenna, tissue: Tissue, grid: Grid) -> None:
        self._antenna = antenna
        self._medium = tissue_dielectric(tissue, antenna.frequency_hz)
        self.parameters = wave_parameters(tissue, self._medium)
        self.reflected = antenna.reflected
        alpha = self._medium.attenuation_np_m(tissue.start_c)
        wet = grid.geometry[WET].ravel()
        top_m = antenna.bare_m if antenna.choked else float(grid.z_face_m[-1])
        source_z, source_w = line_source(antenna, top_m)
        unheated = kernels_microwave.shape(
            grid.r_face_m, grid.z_face_m, wet, antenna.radius_m, source_z, source_w, alpha
        )
        self._unheated = unheated / np.sum(unheated)
        self._rays = _rays(grid, antenna.radius_m, antenna.offset_m, top_m)
        self._conducted = np.zeros(wet.size)
        np.add.at(self._conducted, grid.contacts[:, 0].astype(np.int64), grid.contacts[:, 2])
        self._conducted /= np.sum(self._conducted)
        self._work = np.zeros((2, wet.size))
        self._wave = wave_law(antenna, self._medium, self.parameters, alpha)

    def solve(self, state: Array, scalar: Array) -> None:
        """Each cell's share of the power (``kernels.HEAT``, sum 1) for the tissue as it is now, and ``reflected``."""
        cells = state.reshape(len(state), -1)
        eps_r, sigma_s_m = kernels_microwave.share_power(
            cells[kernels.H], cells[kernels.T], cells[kernels.SIG], cells[kernels.HEAT],
            self._wave, self._unheated, self._conducted, *self._rays, *self._work,
        )  # fmt: skip
        state[kernels.SIG_REF] = state[kernels.SIG]
        scalar[kernels.Y_REF] = scalar[kernels.Y_NOW] = 1.0
        scalar[kernels.SINCE_SOLVE_S] = 0.0
        scalar[kernels.N_SOLVES] += 1.0
        frequency_hz = self._antenna.frequency_hz
        now = dielectric.complex_permittivity(eps_r, sigma_s_m, frequency_hz)
        self.reflected = dielectric.reflected_share(design_permittivity(frequency_hz), now, self._antenna.reflected)


def wave_law(antenna: Antenna, medium: Dielectric, parameters: Array, alpha_np_m: float) -> Array:
    """The wave's parameters as the kernels read them (``kernels_microwave.W_*``)."""
    shaft, p = _shaft_to_tissue(antenna), parameters
    return np.array(
        [
            2.0 * math.pi * antenna.frequency_hz / dielectric.LIGHT_M_S, alpha_np_m,
            2.0 * math.pi * antenna.frequency_hz * dielectric.EPS_0_F_M, *medium.eps_law,
            shaft / (antenna.efficiency + shaft),
            p[kernels.P_RC] * p[kernels.P_BOIL_1], p[kernels.P_LATENT] * p[kernels.P_DRY_F],
            p[kernels.P_DRY_RATIO], p[kernels.P_BOIL_2],
        ]
    )  # fmt: skip


def wave_parameters(tissue: Tissue, medium: Dielectric) -> Array:
    """The tissue's parameters with the conductivity of the antenna's frequency and its drying."""
    parameters = tissue.parameters()
    scale, a, b, slope = medium.sigma_law
    at_start = scale if b > 0.0 else medium.sigma_s_m(tissue.start_c)
    parameters[kernels.P_SIG], parameters[kernels.P_SIG_SLOPE] = at_start, scale * slope / at_start
    parameters[kernels.P_WAVE_A], parameters[kernels.P_WAVE_B] = a, b
    parameters[kernels.P_DRY_F], parameters[kernels.P_DRY_RATIO] = dielectric.DRY_FRACTION, dielectric.DRY_RATIO
    return parameters


def line_source(antenna: Antenna, top_m: float) -> tuple[Array, Array]:
    """z and weight of the points of the line source; the weights add up to 1."""
    points = max(2, round(antenna.radiating_m / SOURCE_STEP_M))
    z = antenna.offset_m + (np.arange(points) + 0.5) * antenna.radiating_m / points
    weight = np.full(points, 1.0 / points)
    if antenna.choked:
        return z, weight
    bare_m = antenna.bare_m
    leak_z = bare_m + (np.arange(round((top_m - bare_m) / SOURCE_STEP_M)) + 0.5) * SOURCE_STEP_M
    leak = np.exp(-(leak_z - bare_m) / LEAK_LENGTH_M)
    leak *= LEAK_SHARE / np.sum(leak)
    return np.concatenate([z, leak_z]), np.concatenate([weight * (1.0 - LEAK_SHARE), leak])


def _rays(grid: Grid, radius_m: float, low_m: float, high_m: float) -> tuple[Indices, Indices, Indices, Array, Array]:
    """Cells in the order of their distance from the source, and the last piece of the ray to each."""
    wet = grid.geometry[WET].ravel()
    cells: Indices = np.flatnonzero(wet > 0.5).astype(np.int64)
    r, z = grid.r_m[cells // grid.z_m.size], grid.z_m[cells % grid.z_m.size]
    far = np.hypot(r - np.minimum(r, radius_m), z - np.clip(z, low_m, high_m))
    cells = cells[np.argsort(far, kind="stable")]
    return cells, *kernels_microwave.trace(grid.r_m, grid.z_m, wet, radius_m, low_m, high_m, cells)


def _shaft_to_tissue(antenna: Antenna) -> float:
    """Of the power the antenna accepts, what its shaft conducts into the tissue: nothing while coolant takes it."""
    return 0.0 if antenna.film_w_m2k > 0.0 else (1.0 - antenna.efficiency) * SHAFT_IN_TISSUE


def design_permittivity(frequency_hz: float) -> complex:
    """What antennas of this frequency are matched to."""
    name = dielectric.band(frequency_hz)
    return dielectric.complex_permittivity(DESIGN_EPS_R[name], DESIGN_SIGMA_S_M[name], frequency_hz)
