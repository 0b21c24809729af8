"""The picture of a burn: temperature in a section through the applicator, the edges of damage, a scale.

Matplotlib without pyplot: no window, no display, no global figure. The colours (inferno; Okabe and Ito's) are told
apart by most colour-blind readers and in grey.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.world.applicator import Antenna, Applicator, ElectrodeGroup, Needle, metal

SUFFIXES = (".png", ".svg", ".pdf")
WHITE_ZONE, NECROSIS, METAL, SHAFT = "#56B4E9", "#FFFFFF", "#C0C0C0", "#4D4D4D"
SCALE_BAR_MM = 10.0
MARGIN_MM = 8.0
RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "zone",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "legend.fontsize": 8,
}
Floats = NDArray[np.float64]


def refusal(path: Path) -> str:
    """Why no picture can be written to ``path``; empty when one can."""
    if path.suffix.lower() not in SUFFIXES:
        return f"{path}: a picture is one of {', '.join(SUFFIXES)}, by its suffix"
    folder = path.parent
    if not folder.is_dir():
        return f"{path}: there is no folder {folder}"
    if path.is_dir():
        return f"{path}: is a folder"
    if not os.access(folder, os.W_OK):
        return f"{path}: the folder {folder} may not be written"
    return ""


def atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` make a file beside ``path``, then put it in its place: whole, or the old one stays."""
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        os.umask(mask := os.umask(0))
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def draw(path: Path, data: Mapping[str, Floats], applicator: Applicator, title: str) -> None:
    """Write the picture of ``data`` (``Plant.picture_data``) to ``path``, as its suffix says.

    Raises ValueError for a path that :func:`refusal` refuses, OSError when writing fails.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    if why := refusal(path):
        raise ValueError(why)
    across_mm, z_mm = data["r_mm"], data["z_mm"]
    mirrored = across_mm[0] >= 0.0

    def whole(values: Floats) -> Floats:
        return (np.concatenate([values[::-1], values]) if mirrored else values).T

    if mirrored:
        across_mm = np.concatenate([-across_mm[::-1], across_mm])
    temperature_c = whole(data["temperature_c"])
    with mpl.rc_context(RC):
        figure = Figure(figsize=(6.4, 5.6), layout="constrained")
        axes = figure.subplots()
        mesh = axes.pcolormesh(across_mm, z_mm, temperature_c, cmap="inferno", shading="gouraud", rasterized=True)
        figure.colorbar(mesh, ax=axes, label="temperature, °C")
        inside = _metal_cells(applicator, across_mm, z_mm)
        for name, colour, style, label in (
            ("damage", WHITE_ZONE, "solid", "white zone (Jacques, Ω = 1)"),
            ("necrosis", NECROSIS, "dashed", "necrosis with border (Ω = 1)"),
        ):
            if name in data:
                _edge(axes, across_mm, z_mm, np.ma.masked_array(whole(data[name]), inside), colour, style, label)
        _metal(axes, applicator)
        _frame(axes, across_mm, z_mm, temperature_c, whole(data["damage"]))
        if axes.get_legend_handles_labels()[1]:
            axes.legend(loc="lower left", labelcolor="white", facecolor="black", framealpha=0.6, edgecolor="none")
        axes.set_title(title)
        atomically(path, lambda temporary: figure.savefig(temporary, dpi=200, metadata=_undated(path.suffix)))


def _undated(suffix: str) -> dict[str, Any]:
    """Metadata without the time of day: the same run makes the same file."""
    return {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(suffix.lower(), {})


def _metal_cells(applicator: Applicator, x_mm: Floats, z_mm: Floats) -> NDArray[np.bool_]:
    """Cells of a straight probe, [nz, nx]: no tissue, so no edge of damage."""
    if not isinstance(applicator, Needle | Antenna):
        return np.zeros((z_mm.size, x_mm.size), dtype=bool)
    return (np.abs(x_mm)[None, :] < 1e3 * applicator.radius_m) & (z_mm > 0.0)[:, None]


def _edge(axes: Any, x_mm: Floats, z_mm: Floats, omega: Floats, colour: str, style: str, label: str) -> None:
    """The line where the damage integral is 1, interpolated on its logarithm."""
    if omega.max() > 1.0 > omega.min():
        axes.contour(x_mm, z_mm, np.log(np.maximum(omega, 1e-30)), levels=[0.0], colors=colour, linestyles=style)
        axes.plot([], [], color=colour, linestyle=style, label=label)


def _metal(axes: Any, applicator: Applicator) -> None:
    """Bare metal light, insulated shaft dark, to scale."""
    for part in metal(applicator):
        colour = METAL if part.bare else SHAFT
        if isinstance(applicator, ElectrodeGroup):
            x, z = [1e3 * p[0] for p in part.path_m], [1e3 * p[2] for p in part.path_m]
            axes.plot(x, z, color=colour, linewidth=max(1.0, 2e3 * part.radius_m), zorder=4)
        else:
            (x_m, _, from_m), (_, _, to_m) = part.path_m
            _bar(axes, x_m, from_m, to_m, part.radius_m, colour)


def _bar(axes: Any, x_m: float, from_m: float, to_m: float, radius_m: float, colour: str) -> None:
    from matplotlib.patches import Rectangle

    corner = (1e3 * (x_m - radius_m), 1e3 * from_m)
    axes.add_patch(
        Rectangle(corner, 2e3 * radius_m, 1e3 * (to_m - from_m), facecolor=colour, edgecolor="none", zorder=4)
    )


def _frame(axes: Any, x_mm: Floats, z_mm: Floats, temperature_c: Floats, omega: Floats) -> None:
    """Show what is warm or dead, with a margin, and a bar of 10 mm: the world is larger."""
    low, high = float(np.nanmin(temperature_c)), float(np.nanmax(temperature_c))
    shown = (temperature_c > low + 0.1 * (high - low) + 0.5) | (omega > 0.5)
    if shown.any():
        rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
        reach = float(np.max(np.abs(x_mm[columns[[0, -1]]]))) + MARGIN_MM
        bottom, top = float(z_mm[rows[0]]) - MARGIN_MM, float(z_mm[rows[-1]]) + MARGIN_MM
    else:
        reach, bottom, top = float(np.max(np.abs(x_mm))), float(z_mm[0]), float(z_mm[-1])
    axes.set_xlim(-reach, reach)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal")
    axes.set_xlabel("distance from the axis, mm")
    axes.set_ylabel("along the axis, mm (tip at 0)")
    right, foot = reach - 3.0, bottom + 3.0
    axes.plot(
        [right - SCALE_BAR_MM, right], [foot, foot], color="white", linewidth=3.0, solid_capstyle="butt", zorder=5
    )
    axes.text(right - SCALE_BAR_MM / 2, foot + 1.0, "10 mm", color="white", ha="center", va="bottom", zorder=5)
