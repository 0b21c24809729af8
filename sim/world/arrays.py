"""Expandable arrays: tines that bend out of a trocar, as polylines for any deployment.

A tine is a wire bent to a circle before it was drawn into the trocar: what is out of the trocar's end is an arc that
leaves along the axis, tip first, with the radius of the bend. Of a model, the reach at full deployment (straight, from
the trocar's end to the tine's tip) and the angle of that line with the axis give the radius: half of the arc's turn
is that angle. StarBurst tines end in a forward cone at 45 degrees; LeVeen tines turn right back, at 90 degrees.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np

from sim.world import checks
from sim.world.applicator import Conductor, ElectrodeGroup, Point
from sim.world.needle import GAUGE_MM, SHAFT_TOP_M
from sim.world.sourced import Library, Sheet

SEGMENT_M = 2.0e-3
"""Longest piece of a tine's polyline."""


@dataclass(frozen=True)
class ExpandableArray:
    """One model. ``steps_mm``: (deployment marked on the handle, reach), from none to full.

    ``chord_deg``: angle between the axis, forwards, and the line from the trocar's end to the tip at full deployment.
    ``axial_tine``: a straight tine in the middle besides. ``thermocouples``: tines that have one, from 1; the axial
    tine is the last. ``bare_mm``: of the trocar's end, what conducts.
    """

    name: str
    source: str
    trocar_gauge: int
    tines: int
    axial_tine: bool
    tine_diameter_mm: float
    chord_deg: float
    steps_mm: tuple[tuple[float, float], ...]
    bare_mm: float
    thermocouples: tuple[int, ...]

    @property
    def deployment_max_mm(self) -> float:
        """The last mark on the handle."""
        return self.steps_mm[-1][0]

    def reach_m(self, deployment_mm: float) -> float:
        """From the trocar's end to a tine's tip in a straight line, m. Raises ValueError out of range."""
        where = f"applicator.deployment_mm of array {self.name}"
        checks.number(where, deployment_mm, 0.0, self.deployment_max_mm)
        marks, reaches = zip(*self.steps_mm, strict=True)
        return float(np.interp(deployment_mm, marks, reaches)) / 1e3

    def deployed(self, deployment_mm: float) -> ElectrodeGroup:
        """Tines and the trocar's bare end at ``deployment_mm``, one electrode. Raises ValueError out of range.

        Undeployed tines are inside the trocar: only its bare end conducts, and there is nothing to measure with. Of a
        wholly insulated trocar the shaft belongs to the first tine.
        """
        reach_m = self.reach_m(deployment_mm)
        if reach_m == 0.0 and self.bare_mm == 0.0:
            raise ValueError(f"applicator.deployment_mm of array {self.name}: 0 leaves nothing bare; deploy the tines")
        wires: list[Conductor] = []
        if reach_m > 0.0:
            wires = [self._wire(self._arc(reach_m, 2.0 * math.pi * k / self.tines)) for k in range(self.tines)]
            if self.axial_tine:
                wires.append(self._wire([(0.0, 0.0, reach_m * (share - 1.0)) for share in (0.0, 0.5, 1.0)]))
        tip, neck = (0.0, 0.0, 0.0), (0.0, 0.0, self.bare_mm / 1e3)
        shaft: tuple[Point, ...] = (neck, (0.0, 0.0, neck[2] + SHAFT_TOP_M))
        if self.bare_mm > 0.0:
            wires.append(Conductor((tip, neck), shaft, GAUGE_MM[self.trocar_gauge] / 2e3, cooled=False))
        else:
            wires[0] = replace(wires[0], shaft_m=shaft)
        thermocouples = tuple(k - 1 for k in self.thermocouples) if reach_m > 0.0 else ()
        return ElectrodeGroup(tuple(wires), (tuple(range(len(wires))),), thermocouples)

    def _arc(self, reach_m: float, turn: float) -> list[Point]:
        chord = math.radians(self.chord_deg)
        bend_m = self.reach_m(self.deployment_max_mm) / (2.0 * math.sin(chord))
        swept = 2.0 * math.asin(min(reach_m / (2.0 * bend_m), 1.0))
        pieces = max(2, math.ceil(bend_m * swept / SEGMENT_M))
        path: list[Point] = []
        for k in range(pieces, -1, -1):
            angle = swept * k / pieces
            aside_m, ahead_m = bend_m * (1.0 - math.cos(angle)), bend_m * math.sin(angle)
            path.append((aside_m * math.cos(turn), aside_m * math.sin(turn), 0.0 - ahead_m))
        return path

    def _wire(self, path: list[Point]) -> Conductor:
        return Conductor(tuple(path), (), self.tine_diameter_mm / 2e3, cooled=False)


_FIELDS = tuple(field.name for field in fields(ExpandableArray) if field.name not in ("name", "source"))


def _array(sheet: Sheet) -> ExpandableArray:
    where, values = f"array {sheet.name}", sheet.values()
    checks.known_keys(where, values, _FIELDS)
    steps = tuple((float(mark), float(reach)) for mark, reach in values["steps_mm"])
    if steps[0] != (0.0, 0.0) or any(b[0] <= a[0] or b[1] <= a[1] for a, b in pairwise(steps)):
        raise ValueError(f"{where}: steps_mm: {steps!r} does not rise from 0, 0")
    tines, axial = int(values["tines"]), bool(values["axial_tine"])
    return ExpandableArray(
        name=sheet.name,
        source=sheet.cite(),
        trocar_gauge=int(values["trocar_gauge"]),
        tines=int(checks.number(f"{where}: tines", tines, 2, 16)),
        axial_tine=axial,
        tine_diameter_mm=checks.number(f"{where}: tine_diameter_mm", values["tine_diameter_mm"], 0.1, 1.5),
        chord_deg=checks.number(f"{where}: chord_deg", values["chord_deg"], 10.0, 90.0),
        steps_mm=steps,
        bare_mm=checks.number(f"{where}: bare_mm", values["bare_mm"], 0.0, 20.0),
        thermocouples=tuple(
            int(checks.number(f"{where}: thermocouples", k, 1, tines + axial)) for k in values["thermocouples"]
        ),
    )


ARRAYS: Library[ExpandableArray] = Library("array", "arrays", _array)
"""Expandable arrays by name."""


def array_from(applicator: Mapping[str, Any]) -> ElectrodeGroup:
    """The deployed array of an ``applicator`` block; fully deployed where it does not say. Raises ValueError."""
    if "array" not in applicator:
        raise ValueError(f"applicator.array is missing: one of {', '.join(ARRAYS)}")
    model = ARRAYS.named(applicator["array"])
    deployment_mm = applicator.get("deployment_mm")
    return model.deployed(model.deployment_max_mm if deployment_mm is None else deployment_mm)
