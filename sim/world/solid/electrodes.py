"""The source of a group of electrodes: current from connected metal, coolant inside all that has any."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.world.applicator import ElectrodeGroup, Point
from sim.world.needle import SHAFT_FILM_RATIO
from sim.world.properties import Tissue
from sim.world.solid.contacts import check_group, surface
from sim.world.solid.field import TOLERANCE, Field32, SolidField
from sim.world.solid.grid import Array, SolidGrid, Spacing, group_grid

PHI = "phi_"
"""Name of a saved potential, before the connected channels."""


@dataclass(frozen=True)
class Sinks:
    """Cells that meet metal: conductance per W/mK, true area, film as a share of the coolant's (0: none), 1 if bare."""

    cell: NDArray[np.int64]
    conductance_m: Array
    area_m2: Array
    film: Array
    bare: NDArray[np.int64]


class Source(Protocol):
    """Where heat comes from, and the metal in it. ``heat`` in W/m3 per unit of ``admittance_s``, stored layout."""

    grid: SolidGrid
    sinks: Sinks
    parameters: Array
    channels: int
    contraction: float
    heat: Field32
    admittance_s: float
    beyond_s: float
    reflected: float
    impedance: bool
    solves: int
    iterations: int

    def connect(self, channels: tuple[int, ...]) -> None:
        """Choose the channels of the next ``solve``."""

    def solve(self, enthalpy: Field32, sigma: Field32, tolerance: float = TOLERANCE) -> None:
        """Heat and admittance for the state now. Raises NotConverged."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that goes on in time, for saving."""

    def take_up(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Go on from ``arrays`` that were saved; the connected channels are set already."""


class ElectrodeSource:
    """Electrodes of one generator. Raises ValueError for a group that does not fit the mesh or the domain."""

    reflected = 0.0
    impedance = True

    def __init__(self, group: ElectrodeGroup, tissue: Tissue, spacing: Spacing) -> None:
        check_group(group, spacing.core_m)
        self.parameters, self.contraction = tissue.parameters(), tissue.contraction_rf
        self.channels = len(group.electrodes)
        points = np.array([p for c in group.conductors for p in c.path_m])
        self.grid = group_grid(points.min(0), points.max(0), spacing)
        wired = [[group.conductors[i] for i in e] for e in group.electrodes]
        self._field = SolidField(self.grid, wired)
        self.heat = self._field.heat
        self._phi: dict[tuple[int, ...], Field32] = {}
        self.connect(tuple(range(self.channels)))
        self.admittance_s = self.beyond_s = 0.0
        self.solves = self.iterations = 0
        self.sinks = self._sinks(group, {i: e for e, wires in enumerate(group.electrodes) for i in wires})

    def _sinks(self, group: ElectrodeGroup, owner: dict[int, int]) -> Sinks:
        """Bare metal, then cooled shafts (up to the domain's edge), with each electrode's scale."""
        top_m = float(self.grid.z_face_m[-1])
        lists = []
        for cooled in (True, False):
            bare = [(owner[i], c.path_m, c.radius_m) for i, c in enumerate(group.conductors) if c.cooled == cooled]
            all_bare = len(bare) == len(group.conductors)  # then the field has found them already
            contacts = self._field.contacts if all_bare else surface(self.grid, bare)
            lists.append((contacts, 1.0 if cooled else 0.0, 1))
        shafts = [(owner[i], below(c.shaft_m, top_m), c.radius_m) for i, c in enumerate(group.conductors) if c.cooled]
        lists.append((surface(self.grid, shafts), SHAFT_FILM_RATIO, 0))
        return Sinks(
            np.concatenate([c.cell for c, _, _ in lists]),
            np.concatenate([c.conductance_m * self._field.scales[c.owner] for c, _, _ in lists]),
            np.concatenate([c.area_m2 for c, _, _ in lists]),
            np.concatenate([np.full(c.cell.size, film) for c, film, _ in lists]),
            np.concatenate([np.full(c.cell.size, bare) for c, _, bare in lists]),
        )

    def connect(self, channels: tuple[int, ...]) -> None:
        """The connected electrodes are at the generator's potential."""
        self._volts = np.full(self.channels, np.nan)
        self._volts[list(channels)] = 1.0
        if channels not in self._phi:
            self._phi[channels] = self._field.new()
        self._now = self._phi[channels]
        self._field.rebuild()

    def solve(self, enthalpy: Field32, sigma: Field32, tolerance: float = TOLERANCE) -> None:
        """The field of ``sigma`` with the connected electrodes at 1 V."""
        self._field.solve(sigma, self._now, self._volts, tolerance)
        self.admittance_s, self.beyond_s = self._field.admittance_s, self._field.beyond_s
        self.solves += 1
        self.iterations += self._field.iterations

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Potentials by connection, the heat of the last one, and the solver's own."""
        effort = np.array([self.admittance_s, self.beyond_s, self.solves, self.iterations])
        named = {PHI + "_".join(map(str, channels)): phi for channels, phi in self._phi.items()}
        return {"heat": self.heat, "effort": effort, **named, **self._field.arrays()}

    def take_up(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Go on from ``arrays``."""
        self.heat[:] = saved["heat"]
        self.admittance_s, self.beyond_s = float(saved["effort"][0]), float(saved["effort"][1])
        self.solves, self.iterations = int(saved["effort"][2]), int(saved["effort"][3])
        for name in saved:
            if name.startswith(PHI):
                channels = tuple(int(part) for part in name.removeprefix(PHI).split("_"))
                self._phi[channels] = self._field.new()
                self._phi[channels][:] = saved[name]
        self._now = self._phi[chosen(np.flatnonzero(~np.isnan(self._volts)).tolist(), self.channels)]
        self._field.take_up(saved)


def below(path_m: Sequence[Point], top_m: float) -> tuple[Point, ...]:
    """The part of a straight or bent path up to the height ``top_m``; empty when none of it is."""
    kept: list[Point] = []
    for start, end in pairwise(path_m):
        if start[2] > top_m:
            break
        kept = kept or [start]
        if end[2] <= top_m:
            kept.append(end)
            continue
        share = (top_m - start[2]) / (end[2] - start[2])
        kept.append(tuple(a + share * (b - a) for a, b in zip(start, end, strict=True)))  # type: ignore[arg-type]
        break
    return tuple(kept) if len(kept) > 1 else ()


def chosen(channels: Collection[int], count: int) -> tuple[int, ...]:
    """``channels`` in order. Raises ValueError for none, or for one that is not there."""
    picked = tuple(sorted(set(channels)))
    if not picked or picked[0] < 0 or picked[-1] >= count:
        raise ValueError(f"channels: {sorted(channels)!r}; connect one or more of 0 to {count - 1}")
    return picked
