"""Two or three equal microwave antennas: each is the line source of the 2D model (sim.world.microwave), and powers add.

Antennas of one generator are not phase-locked in tissue that changes while it is heated, so their fields are taken as
incoherent, as along one antenna. Each one's pattern is normalised by itself: all connected antennas have equal shares.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from sim.world import checks, dielectric, kernels, microwave
from sim.world.applicator import Antenna, AntennaGroup, Conductor
from sim.world.microwave import TIP_FILM_RATIO
from sim.world.properties import Tissue
from sim.world.solid import kernels_wave
from sim.world.solid.contacts import CELLS_APART, Contacts, surface
from sim.world.solid.electrodes import Sinks
from sim.world.solid.field import TOLERANCE, Field32, SolidField
from sim.world.solid.grid import Array, SolidGrid, Spacing, group_grid
from sim.world.solid.tissue import laws

SUBCELLS = 3
"""|E|^2 of a cell is the mean of so many points along each axis; what lies inside the metal counts as none."""
TABLE = (160, 320)
"""Points across (in equal ratios) and along the antenna of the table of its pattern."""


class AntennaSource:
    """Antennas of one generator. Raises ValueError for a group that does not fit the mesh or the domain."""

    impedance = False
    admittance_s, beyond_s = 1.0, 0.0

    def __init__(self, group: AntennaGroup, tissue: Tissue, spacing: Spacing) -> None:
        antenna = self._antenna = group.antenna
        _check(group, spacing.core_m)
        self.channels, self.contraction = len(group.places_m), tissue.contraction_mw
        self._medium = microwave.tissue_dielectric(tissue, antenna.frequency_hz)
        self.parameters = microwave.wave_parameters(tissue, self._medium)
        self._laws = laws(self.parameters)
        places = np.array([(*place, z) for place in group.places_m for z in (0.0, antenna.bare_m)])
        grid = self.grid = group_grid(places.min(0), places.max(0), spacing)
        self.reflected, self.solves, self.iterations = antenna.reflected, 0, 0
        top_m = float(grid.z_face_m[-1])
        bare = [_straight(place, 0.0, antenna.bare_m) for place in group.places_m]
        shafts = [_straight(place, antenna.bare_m, top_m) for place in group.places_m]
        scales = SolidField(grid, [[Conductor(path, (), antenna.radius_m, False)] for path in bare]).scales
        contacts = [
            surface(grid, [(e, path, antenna.radius_m) for e, path in enumerate(paths)]) for paths in (bare, shafts)
        ]
        self.sinks = _sinks(contacts, scales, antenna.film_w_m2k > 0.0)
        self.heat = np.zeros(int(np.prod(grid.padded)), np.float32)
        self._excess, self._path = np.zeros_like(self.heat), np.zeros_like(self.heat)
        volume = np.zeros(grid.padded)
        volume[1:-1, 1:-1] = grid.volume_m3
        self._volume = volume.ravel()
        self._patterns(group, tissue)
        self._conducted(contacts)
        self.connect(tuple(range(self.channels)))

    def _patterns(self, group: AntennaGroup, tissue: Tissue) -> None:
        antenna, grid = self._antenna, self.grid
        alpha = self._medium.attenuation_np_m(tissue.start_c)
        top_m = antenna.bare_m if antenna.choked else float(grid.z_face_m[-1])
        source_z, source_w = microwave.line_source(antenna, top_m)
        _, rows, sy = grid.padded
        cells = np.arange(self.heat.size).reshape(grid.padded)[1:-1, 1:-1].ravel()
        x, y, z = grid.centres_m
        self._unheated, self._rays = [], []
        for at in group.places_m:
            unheated = np.zeros(grid.padded, np.float32)
            unheated[1:-1, 1:-1] = _pattern(grid, at, antenna.radius_m, source_z, source_w, alpha)
            self._unheated.append(unheated.ravel())
            across = np.maximum(np.hypot((x - at[0])[:, None], y - at[1]) - antenna.radius_m, 0.0)
            ahead = z - np.clip(z, antenna.offset_m, top_m)
            order = cells[np.argsort(np.hypot(across[:, :, None], ahead).ravel(), kind="stable")]
            rays = kernels_wave.trace(x, y, z, *at, antenna.radius_m, antenna.offset_m, top_m, order, rows * sy, sy)
            self._rays.append((order, *rays))
        wave = microwave.wave_law(antenna, self._medium, self.parameters, alpha)
        wave[kernels_wave.W_BOILS_AT] -= self.parameters[kernels.P_RC] * tissue.start_c
        self._wave = wave

    def _conducted(self, contacts: list[Contacts]) -> None:
        """How the heat of an uncooled shaft spreads, W/m3 for 1 W of each antenna."""
        self._shaft = [np.zeros_like(self.heat) for _ in range(self.channels)]
        for e, heat in enumerate(self._shaft):
            for contact in contacts:
                mine = contact.owner == e
                np.add.at(heat, contact.cell[mine], contact.area_m2[mine] / self._volume[contact.cell[mine]])
            heat /= np.sum(heat * self._volume)

    def connect(self, channels: tuple[int, ...]) -> None:
        """The antennas that share the power from now on."""
        self._connected = channels

    def solve(self, enthalpy: Field32, sigma: Field32, tolerance: float = TOLERANCE) -> None:
        """Each cell's heat for 1 W in all, and ``reflected``: the mean over the connected antennas."""
        wave, count, self.reflected = self._wave, len(self._connected), 0.0
        celsius = self._laws.temperature_c(enthalpy)
        self.heat[:] = 0.0
        design = microwave.design_permittivity(self._antenna.frequency_hz)
        for e in self._connected:
            eps_r, sigma_s_m = kernels_wave.attenuation(
                enthalpy, celsius, sigma, self._excess, wave, self._unheated[e], self._volume
            )
            now = dielectric.complex_permittivity(eps_r, sigma_s_m, self._antenna.frequency_hz)
            self.reflected += dielectric.reflected_share(design, now, self._antenna.reflected) / count
            kernels_wave.illuminate(
                self.heat, sigma, self._excess, self._path, self._unheated[e], *self._rays[e], self._volume,
                (1.0 - wave[kernels_wave.W_CONDUCTED]) / count,
            )  # fmt: skip
            self.heat += np.float32(wave[kernels_wave.W_CONDUCTED] / count) * self._shaft[e]
        self.solves += 1

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The heat of the last solution and what came back."""
        return {"heat": self.heat, "effort": np.array([self.reflected, self.solves])}

    def take_up(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Go on from ``arrays``."""
        self.heat[:] = saved["heat"]
        self.reflected, self.solves = float(saved["effort"][0]), int(saved["effort"][1])


def _pattern(
    grid: SolidGrid, at: tuple[float, float], radius_m: float, source_z: Array, source_w: Array, alpha: float
) -> NDArray[np.float32]:
    """|E|^2 of an antenna at ``at`` in uniform tissue, mean over each cell, in no unit; 0 inside the metal."""
    reach = 1.01 * math.hypot(*(float(np.max(np.abs(f - a))) for f, a in zip(grid.faces_m[:2], at, strict=True)))
    r = radius_m * (reach / radius_m) ** np.linspace(0.0, 1.0, TABLE[0])
    z = np.linspace(grid.z_face_m[0], grid.z_face_m[-1], TABLE[1])
    apart = np.hypot(r[:, None, None], z[:, None] - source_z)
    table = np.log(np.exp(-2.0 * alpha * apart) / apart**2 @ source_w)
    offsets = (np.arange(SUBCELLS) + 0.5) / SUBCELLS - 0.5
    total = np.zeros(grid.shape)
    x, y, height = ((c, w) for c, w in zip(grid.centres_m, grid.widths_m, strict=True))
    for u in offsets:
        for v in offsets:
            far = np.hypot((x[0] + u * x[1] - at[0])[:, None], y[0] + v * y[1] - at[1])
            row = np.log(np.maximum(far, radius_m) / radius_m) / math.log(reach / radius_m) * (TABLE[0] - 1)
            for w in offsets:
                column = (height[0] + w * height[1] - z[0]) / (z[-1] - z[0]) * (TABLE[1] - 1)
                places = np.broadcast_arrays(row[:, :, None], column)
                total += np.exp(map_coordinates(table, places, order=1)) * (far >= radius_m)[:, :, None]
    mean: NDArray[np.float32] = (total / SUBCELLS**3).astype(np.float32)
    return mean / np.max(mean)


def _straight(place: tuple[float, float], low_m: float, high_m: float) -> tuple[tuple[float, float, float], ...]:
    return ((*place, low_m), (*place, high_m))


def _sinks(contacts: list[Contacts], scales: Array, cooled: bool) -> Sinks:
    cell = np.concatenate([c.cell for c in contacts])
    return Sinks(
        cell,
        np.concatenate([c.conductance_m * scales[c.owner] for c in contacts]),
        np.concatenate([c.area_m2 for c in contacts]),
        np.concatenate(
            [np.full(c.cell.size, ratio * cooled) for c, ratio in zip(contacts, (TIP_FILM_RATIO, 1.0), strict=True)]
        ),
        np.concatenate([np.full(c.cell.size, int(bare)) for c, bare in zip(contacts, (True, False), strict=True)]),
    )


def _check(group: AntennaGroup, core_m: float) -> None:
    antenna: Antenna = group.antenna
    checks.number(f"antenna {antenna.name}: radius_m", antenna.radius_m, 0.2e-3, 3.0e-3)
    checks.number(f"antenna {antenna.name}: offset_m + radiating_m", antenna.bare_m, 3.0 * core_m, 80e-3)
    if not group.places_m:
        raise ValueError("antennas: places_m is empty; a group has at least one antenna")
    for i, a in enumerate(group.places_m):
        for b in group.places_m[:i]:
            apart = math.hypot(a[0] - b[0], a[1] - b[1])
            least = max(2.0 * antenna.radius_m, CELLS_APART * core_m)
            if not apart > least:
                raise ValueError(
                    f"antennas: {apart * 1e3:.2f} mm between axes; they touch below {2e3 * antenna.radius_m:.2f} mm, "
                    f"and this mesh of {core_m * 1e3:g} mm tells them apart from {CELLS_APART * core_m * 1e3:.2f} mm on"
                )
