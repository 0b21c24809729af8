"""The picture of a target: two cuts through its centre with lesion, margin and the zone of each application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from controller.report.plots import BLACK, BLUE, GREEN, ORANGE, PINK, RC, RED, SKY, as_svg
from controller.treatment.coverage import Floats, Placed, bounds, depth, signed_distance
from controller.treatment.plan import PlannedTarget

COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY)
LINES = ("-", "--", "-.", ":")
POINTS = 241
AROUND_MM = 4.0
SHOWN = 2.5
"""Of lesion and margin, what is shown at most: a zone that lies elsewhere must not make the lesion small."""
PLANES = (("x, mm", "z, mm", (0, 2)), ("x, mm", "y, mm", (0, 1)))
"""Along the lesion's axis, and across it: labels, and which coordinates lie in the plane."""
Zones = Sequence[tuple[int, Placed]]


def cuts(target: PlannedTarget, zones: Zones) -> str:
    """The cuts y = 0 and z = 0, side by side, as SVG; ``zones`` with the number of their application."""
    lesion = target.lesion
    planned_mm = np.array([lesion.short_mm, lesion.short_mm, lesion.long_mm]) / 2 + target.margin_mm
    low, high = bounds(planned_mm, [zone for _, zone in zones])
    far_mm = float(max(np.abs(low).max(), np.abs(high).max()))
    reach_mm = min(far_mm, SHOWN * float(planned_mm.max())) + AROUND_MM
    line = np.linspace(-reach_mm, reach_mm, POINTS)
    with mpl.rc_context({**RC, "axes.grid": False}):
        figure = Figure(figsize=(9.6, 4.2), layout="constrained")
        for axes, (across, up, plane) in zip(figure.subplots(1, 2), PLANES, strict=True):
            places: list[Any] = [0.0, 0.0, 0.0]
            places[plane[0]], places[plane[1]] = np.meshgrid(line, line)
            x, y, z = np.broadcast_arrays(*places)
            _cut(axes, line, (x, y, z), target, zones)
            for _, zone in zones:
                _tip(axes, zone, plane)
            axes.set_aspect("equal")
            axes.set_xlabel(across)
            axes.set_ylabel(up)
        figure.axes[1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
        return as_svg(figure, f"target-{target.target}")


def _cut(axes: Any, line: Floats, places: tuple[Floats, Floats, Floats], target: PlannedTarget, zones: Zones) -> None:
    lesion = target.lesion
    far = signed_distance(lesion.long_mm, lesion.short_mm, *places)
    covered = np.full(far.shape, -1.0)
    for _, zone in zones:
        covered = np.maximum(covered, depth(zone, *places))
    missed = np.where((far <= target.margin_mm) & (covered < 0.0), 1.0, 0.0)
    if missed.any():
        axes.contourf(line, line, missed, levels=[0.5, 1.5], colors=[RED], alpha=0.25)
    axes.plot([], [], color=RED, alpha=0.25, linewidth=6, label="not covered")
    axes.contourf(line, line, far, levels=[-1e3, 0.0], colors=["#bbbbbb"], alpha=0.5)
    axes.contour(line, line, far, levels=[0.0], colors=[BLACK], linewidths=1.6)
    axes.plot([], [], color=BLACK, linewidth=1.6, label="lesion")
    if target.margin_mm > 0.0:
        axes.contour(line, line, far, levels=[target.margin_mm], colors=[BLACK], linewidths=1.0, linestyles="dashed")
        axes.plot([], [], color=BLACK, linewidth=1.0, linestyle="--", label=f"margin {target.margin_mm:g} mm")
    for k, (index, zone) in enumerate(zones):
        colour, style = COLOURS[k % len(COLOURS)], LINES[k % len(LINES)]
        inside = depth(zone, *places)
        if inside.max() >= 0.0:
            axes.contour(line, line, inside, levels=[0.0], colors=[colour], linewidths=2.0, linestyles=style)
        axes.plot([], [], color=colour, linewidth=2.0, linestyle=style, label=f"zone of application {index}")


def _tip(axes: Any, zone: Placed, plane: tuple[int, int]) -> None:
    """The tip, and the way to the handle: what lies off the plane is seen in projection."""
    (a, b), tip, axis = plane, zone.tip_mm, zone.axis
    top = float(zone.profile.z_mm.max())
    axes.plot(tip[a], tip[b], marker="o", markersize=3.5, color=BLACK)
    axes.plot([tip[a], tip[a] + top * axis[a]], [tip[b], tip[b] + top * axis[b]], color=BLACK, linewidth=0.8)
