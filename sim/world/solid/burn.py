"""Several electrodes or antennas in one tissue, in 3D: the ``Plant`` (sim.world.plant) behind clusters, arrays,
switched needles and groups of antennas.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.world import checks
from sim.world.applicator import AntennaGroup, Applicator, ElectrodeGroup, Point
from sim.world.properties import Tissue
from sim.world.solid import kernels_heat as kernels
from sim.world.solid import measure
from sim.world.solid.antennas import AntennaSource
from sim.world.solid.cells import Cells
from sim.world.solid.electrodes import ElectrodeSource, Source, chosen
from sim.world.solid.field import TOLERANCE
from sim.world.solid.grid import SPACINGS, SolidGrid, Spacing
from sim.world.solid.tissue import laws
from sim.world.solid.vessel import Vessel, VesselSink
from sim.world.zone import Zone

CHANGE, CHANGE_AGED, MAX_AGE_S = 0.05, 0.02, 1.0
"""A new field is due at the same first-order changes as in two dimensions (sim.world.kernels)."""
FIRST_TOLERANCE = 1.0e-3
"""Of a field after something was switched or moved."""
DAMAGE_EVERY_S = 0.5

STEPS, FIELD_AGE_S, DAMAGE_AGE_S, ADMITTANCE_S, SHIFTED_J = range(5)
"""Entries of the clock: steps, time since the last field and damage step, admittance now, heat moved by ``deploy``."""
CLOCKS = 5


class SolidBurn:
    """The state of one application. Raises ValueError for an unknown mesh or a group that does not fit it.

    ``impedance_ohm`` is that of the connected electrodes; all are connected at first.
    """

    def __init__(
        self,
        applicator: ElectrodeGroup | AntennaGroup,
        tissue: Tissue,
        mesh: str = "fast",
        vessel: Vessel | None = None,
    ) -> None:
        if mesh not in SPACINGS:
            raise ValueError(checks.unknown("mesh", mesh, SPACINGS))
        self.tissue, self._spacing = tissue, SPACINGS[mesh]
        self._vessel = vessel
        self._sums = np.zeros(kernels.SUMS)
        self._clock = np.zeros(CLOCKS)
        self._connected: tuple[int, ...] = ()
        self._ahead: tuple[Applicator, Source] | None = None
        self._places: dict[Point, tuple[tuple[int, ...], tuple[float, ...]]] = {}  # where somebody looks
        self._seen_c: dict[Point, float] = {}  # what is there, until something changes
        self.impedance_ohm, self.cooled_w, self.reflected, self.wall_c = math.nan, 0.0, 0.0, tissue.start_c
        self._place(_source(applicator, tissue, self._spacing))
        self._fresh_field()

    def _place(self, source: Source) -> None:
        """Put an applicator into fresh tissue; a field is due."""
        if self._connected and source.channels != len(self._everything()):
            raise ValueError(f"applicator: {source.channels} channels instead of {len(self._everything())}")
        self._source = source
        self._places.clear()
        self._cells = Cells(source, laws(source.parameters))
        self._sink = VesselSink(self._vessel, self._cells, self.tissue.blood_c) if self._vessel is not None else None
        self._dt_max_s = min(self._spacing.dt_max_s, self._cells.stable_dt_s())
        self._connected = self._connected or self._everything()
        source.connect(self._connected)

    def _everything(self) -> tuple[int, ...]:
        return tuple(range(self._source.channels))

    @property
    def grid(self) -> SolidGrid:
        """The cells."""
        return self._source.grid

    def step(self, dt_s: float, power_w: float, coolant_c: float, film_w_m2k: float) -> None:
        """``dt_s`` at constant power into tissue; refreshes the public attributes. Raises NotConverged."""
        steps = max(1, math.ceil(dt_s / self._dt_max_s - 1e-9))
        for _ in range(steps):
            self._advance(dt_s / steps, power_w, coolant_c, film_w_m2k)
        self._publish()

    def _advance(self, dt_s: float, power_w: float, coolant_c: float, film_w_m2k: float) -> None:
        source, cells, clock = self._source, self._cells, self._clock
        if self._sink is not None:
            self._sink.cool(dt_s, self._sums)
        change, total = cells.heat(source, dt_s, power_w, coolant_c, film_w_m2k, self._sums)
        clock[STEPS] += 1.0
        clock[FIELD_AGE_S] += dt_s
        clock[DAMAGE_AGE_S] += dt_s
        if clock[DAMAGE_AGE_S] >= DAMAGE_EVERY_S - 1e-9:
            cells.harm(clock[DAMAGE_AGE_S])
            clock[DAMAGE_AGE_S] = 0.0
        limit = CHANGE_AGED if clock[FIELD_AGE_S] >= MAX_AGE_S else CHANGE
        if total > limit * source.admittance_s:
            self._solve(TOLERANCE)
        else:
            clock[ADMITTANCE_S] = source.admittance_s + change

    def _solve(self, tolerance: float) -> None:
        self._cells.conduct()
        self._source.solve(self._cells.enthalpy, self._cells.sigma, tolerance)
        self._clock[ADMITTANCE_S] = self._source.admittance_s
        self._clock[FIELD_AGE_S] = 0.0

    def _fresh_field(self) -> None:
        self._solve(FIRST_TOLERANCE)
        self._publish()

    def _publish(self) -> None:
        self._seen_c.clear()
        if self._source.impedance:
            self.impedance_ohm = 1.0 / float(self._clock[ADMITTANCE_S])
        self.reflected = self._source.reflected
        self.cooled_w = float(self._sums[kernels.COOLED_W])
        self.wall_c = float(self._sums[kernels.WALL_U]) + self.tissue.start_c

    def power_switched(self) -> None:
        """Power was switched: the next step takes a fresh field for small changes too."""
        self._clock[FIELD_AGE_S] = MAX_AGE_S

    def connect(self, channels: Collection[int]) -> None:
        """Which electrodes carry the generator's potential, or which antennas share the power.

        Raises ValueError for none or an unknown one; NotConverged.
        """
        picked = chosen(channels, self._source.channels)
        if picked != self._connected:
            self._connected = picked
            self._source.connect(picked)
            self._fresh_field()

    def pull_back(self, distance_m: float) -> None:
        """The applicator moves towards its handle, the tissue stays. What enters and leaves the domain at its ends, and
        what the metal's channel closes with, is booked as stored. Raises ValueError outside 0 to 50 mm.
        """
        checks.number("distance_m", distance_m, 0.0, 50.0e-3)
        self._move(self._source, distance_m)

    def prepare(self, applicator: Applicator) -> None:
        """Most of the work of a ``deploy`` to this shape, ahead of it: what does not depend on the tissue's state.

        Raises ValueError as ``deploy`` does.
        """
        if self._ahead is None or self._ahead[0] != applicator:
            self._ahead = applicator, self._shaped(applicator)

    def deploy(self, applicator: Applicator) -> None:
        """The same electrodes in another shape, in the same tissue: tines pushed out further, with the trocar's end
        where it was. Tissue and metal share every cell (sim.world.solid.contacts), so heat content and damage stay
        as they are; a grid that must reach further takes them over by volume. Raises ValueError for an applicator that
        does not fit, or has other channels.
        """
        ahead, self._ahead = self._ahead, None
        source = ahead[1] if ahead is not None and ahead[0] == applicator else self._shaped(applicator)
        self._move(source, 0.0)

    def _shaped(self, applicator: Applicator) -> Source:
        if not isinstance(applicator, ElectrodeGroup) or not isinstance(self._source, ElectrodeSource):
            raise ValueError(f"deploy: {type(applicator).__name__} has no tines; an expandable-array has")
        return _source(applicator, self.tissue, self._spacing)

    def _move(self, source: Source, back_m: float) -> None:
        old, before_j = self._cells, self._cells.stored_j()
        self._place(source)
        self._cells.take_over(old, back_m)
        self._clock[SHIFTED_J] += self._cells.stored_j() - before_j
        self._fresh_field()

    # ---- what there is to see ---------------------------------------------------------------------------------------

    def temperature_c(self, x_m: float, y_m: float, z_m: float) -> float:
        """Tissue temperature at a point, between cell centres (in metal: its own). Raises ValueError outside."""
        place = x_m, y_m, z_m
        if place not in self._places:
            self._places[place] = measure.around(self.grid, place)
            self._seen_c.clear()
        if not self._seen_c:
            self._look()
        return self._seen_c[place]

    def _look(self) -> None:
        """Every place that anybody asks for, at once: an array's thermometers cost 60 us a step one by one."""
        cells = [cells for cells, _ in self._places.values()]
        warm_c = self._cells.laws.temperature_c(self._cells.enthalpy[np.array(cells)]).astype(np.float64).tolist()
        for (place, (_, share)), values in zip(self._places.items(), warm_c, strict=True):
            self._seen_c[place] = measure.blend(values, share)

    def max_c(self) -> float:
        """Hottest tissue, degC."""
        hottest = np.max(self._cells.enthalpy, keepdims=True)
        return float(self._cells.laws.temperature_c(hottest)[0])

    def boiling_ml(self) -> float:
        """Tissue at 99 degC and above, mL."""
        return self._cells.boiling_m3() * 1e6

    def zone(self) -> Zone:
        """The white zone now: along z, the smaller mean of perpendicular diameters across, volume (measure.measure)."""
        return measure.measure(self.grid, self.grid.inner(self._cells.omega_2), self._source.contraction)

    def picture_data(self) -> dict[str, NDArray[Any]]:
        """The cut y = 0: ``r_mm`` is x with its sign; z_mm, temperature_c, damage and, by the other kinetics, necrosis,
        each [nr, nz].
        """
        cells = self._cells
        damage, necrosis = self.grid.inner(cells.omega_2), self.grid.inner(cells.omega_1)
        return measure.cut(self.grid, cells.celsius(), damage, necrosis)

    def balance(self) -> dict[str, float]:
        """Energy bookkeeping, J, as sim.world.thermal.balance, without what ``deploy`` and ``pull_back`` moved."""
        source, cooled, perfused, metabolic = (float(self._sums[i]) for i in range(kernels.E_SOURCE, kernels.SUMS))
        stored = self._cells.stored_j() - float(self._clock[SHIFTED_J])
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

    def effort(self) -> dict[str, float]:
        """Cells, heat steps, field solutions and their iterations so far."""
        return {
            "cells": float(np.prod(self.grid.shape)),
            "steps": float(self._clock[STEPS]),
            "solves": float(self._source.solves),
            "iterations": float(self._source.iterations),
        }

    def save(self) -> dict[str, NDArray[Any]]:
        """The whole state (copies); going on from it is going on, to the last bit."""
        grid = dict(zip(("x_face_m", "y_face_m", "z_face_m"), self.grid.faces_m, strict=True))
        own = {"sums": self._sums, "clock": self._clock, "connected": np.array(self._connected)}
        everything = {**grid, **own, **self._cells.arrays(), **self._source.arrays()}
        return {name: np.array(array) for name, array in everything.items()}

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Take up a saved state. Raises ValueError when it is of another mesh or applicator."""
        for name, face in zip(("x_face_m", "y_face_m", "z_face_m"), self.grid.faces_m, strict=True):
            if name not in saved or not np.array_equal(saved[name], face):
                raise ValueError(f"saved {name}: of another scene; this one has {face.size} faces in {face[[0, -1]]} m")
        own = {"sums": self._sums, "clock": self._clock, **self._cells.arrays()}
        for name, array in own.items():
            if name not in saved or saved[name].shape != array.shape:
                raise ValueError(f"saved {name}: of another scene; this one has shape {array.shape}")
        self._connected = chosen(saved["connected"].tolist(), self._source.channels)
        for name, array in own.items():
            array[...] = saved[name]
        self._source.connect(self._connected)
        self._source.take_up(saved)
        self._publish()


def _source(applicator: ElectrodeGroup | AntennaGroup, tissue: Tissue, spacing: Spacing) -> Source:
    if isinstance(applicator, ElectrodeGroup):
        return ElectrodeSource(applicator, tissue, spacing)
    return AntennaSource(applicator, tissue, spacing)
