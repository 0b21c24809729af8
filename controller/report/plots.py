"""The pictures of a report, as SVG. Matplotlib without pyplot: no global figure, no window, no display."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from controller.records.reader import Floats
from controller.report.digest import Curve, Digest, quantity

# Okabe and Ito's colours, told apart by most colour-blind readers; line styles tell them apart in grey as well.
BLACK, ORANGE, SKY, GREEN, BLUE, RED, PINK = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
STYLES: list[tuple[str, str]] = [(BLUE, "-"), (RED, "--"), (GREEN, "-."), (PINK, ":"), (ORANGE, "-"), (SKY, "--")]
MAX_POINTS = 1500  # per line; each kept bin shows its extremes
LEAST = ("_low_ohm", "_min_ml_min")
"""Ends of the names of limits that are lower ones."""
UNSHADED = frozenset({"coolant_c"})
"""Beyond it other channels of the same plot may rightly be."""
RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names are data: a dollar sign is a dollar sign
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "path.simplify": True,
}


def thin(t_s: Floats, value: Floats) -> tuple[Floats, Floats]:
    """At most about :data:`MAX_POINTS` points; the least and greatest of each stretch stay, and so do gaps."""
    if len(t_s) <= MAX_POINTS:
        return t_s, value
    keep: list[int] = []
    for part in np.array_split(np.arange(len(t_s)), MAX_POINTS // 3):
        values = value[part]
        good = np.flatnonzero(np.isfinite(values))
        picks = {int(part[0])}
        if good.size:
            picks |= {int(part[good[np.argmin(values[good])]]), int(part[good[np.argmax(values[good])]])}
        if good.size < len(part):
            picks.add(int(part[np.flatnonzero(~np.isfinite(values))[0]]))
        keep += sorted(picks)
    return t_s[keep], value[keep]


def courses(digest: Digest) -> str:
    """Power, impedance, temperatures and flow over time, under one another, with limits and events."""
    with mpl.rc_context(RC):
        figure = Figure(figsize=(10.5, 9.6), layout="constrained")
        power, impedance, temperature, flow = figure.subplots(4, 1, sharex=True, height_ratios=[1.3, 1, 1.2, 0.8])
        ticks, limits = digest.ticks, digest.limits
        t_s = ticks.t_s - digest.zero_s
        line(power, Curve("permitted", t_s, ticks.permit_w), "#999999", ":", step=True)
        line(power, Curve("set", t_s, ticks.setpoint_w), BLACK, "-", step=True)
        _lines(power, digest.power, [(ORANGE, "-"), (BLUE, "--"), *STYLES[2:]])
        _lines(impedance, digest.impedance, STYLES)
        _lines(temperature, digest.temperature, [(RED, "-"), (BLUE, "--"), (GREEN, "-."), (SKY, "-"), *STYLES])
        _lines(flow, digest.flow, STYLES)
        for axes, label in (
            (power, "power, W"),
            (impedance, "impedance, Ω"),
            (temperature, "temperature, °C"),
            (flow, "flow, ml/min"),
        ):
            axes.set_ylabel(label)
            far = axes is impedance and "impedance_high_ohm" in limits
            fit(axes, digest.window_s, 1.2 * limits["impedance_high_ohm"] if far else math.inf)
        _limit(power, limits, "power_w")
        _limit(impedance, limits, "impedance_low_ohm")
        _limit(impedance, limits, "impedance_high_ohm")
        for name, colour in (("tip_c", RED), ("tissue_c", BLUE), ("coolant_c", SKY)):
            _limit(temperature, limits, name, colour)
        _limit(flow, limits, "flow_min_ml_min")
        for axes in (power, impedance, temperature, flow):
            _marks(axes, digest, named=axes is power)
            if axes.get_legend_handles_labels()[1]:
                axes.legend(loc="center left", bbox_to_anchor=(1.005, 0.5))
        flow.set_xlim(*digest.window_s)
        flow.set_xlabel("time since FIRE, s" if digest.fired else "time since the session began, s")
        return as_svg(figure, "courses")


def zone(picture: dict[str, Floats]) -> str | None:
    """Temperature in a section through the needle, with the edge of the zone; None when the arrays make no picture."""
    try:
        r_mm, z_mm, temperature_c = picture["r_mm"], picture["z_mm"], picture["temperature_c"]
    except KeyError:
        return None
    if (
        temperature_c.shape != (len(r_mm), len(z_mm))
        or min(temperature_c.shape) < 2
        or not np.isfinite(temperature_c).any()
    ):
        return None
    with mpl.rc_context(RC):
        figure = Figure(figsize=(6.2, 5.4), layout="constrained")
        axes = figure.subplots()
        mirrored = r_mm[0] >= 0.0  # a cut through a group of applicators has both sides already
        across = np.concatenate([-r_mm[::-1], r_mm]) if mirrored else r_mm

        def whole(values: Floats) -> Floats:
            return (np.concatenate([values[::-1], values]) if mirrored else values).T

        levels = np.linspace(float(np.nanmin(temperature_c)), max(float(np.nanmax(temperature_c)), 38.0), 65)
        mesh = axes.pcolormesh(
            across, z_mm, whole(temperature_c), cmap="inferno", shading="gouraud", rasterized=True,
            vmin=levels[0], vmax=levels[-1],
        )  # fmt: skip
        figure.colorbar(mesh, ax=axes, label="temperature at the end of energy, °C")
        axes.contour(across, z_mm, whole(temperature_c), levels=[60.0], colors="white", linewidths=0.8, linestyles=":")
        axes.plot([], [], color="white", linewidth=0.8, linestyle=":", label="60 °C")
        damage = picture.get("damage")
        if damage is not None and damage.shape == temperature_c.shape and np.nanmax(damage) > 1.0 > np.nanmin(damage):
            axes.contour(across, z_mm, whole(damage), levels=[1.0], colors=SKY, linewidths=2.0)
            axes.plot([], [], color=SKY, linewidth=2.0, label="edge of the zone (damage Ω = 1)")
        axes.legend(loc="lower left", labelcolor="white")
        axes.set_aspect("equal")
        axes.grid(visible=False)
        reach = _reach(r_mm, z_mm, temperature_c, damage)
        axes.set_xlim(-reach[0], reach[0])
        axes.set_ylim(reach[1], reach[2])
        axes.set_xlabel("distance from the needle, mm")
        axes.set_ylabel("along the needle, mm (tip at 0)")
        return as_svg(figure, "zone")


def _reach(r_mm: Floats, z_mm: Floats, temperature_c: Floats, damage: Floats | None) -> tuple[float, float, float]:
    """Show what is warm, with a margin; the world is larger."""
    floor = float(np.nanmin(temperature_c))
    warm = temperature_c > floor + 0.1 * (float(np.nanmax(temperature_c)) - floor) + 0.5
    if damage is not None and damage.shape == warm.shape:
        warm |= damage > 0.5
    if not warm.any():
        return float(r_mm[-1]), float(z_mm[0]), float(z_mm[-1])
    rows, columns = np.flatnonzero(warm.any(axis=1)), np.flatnonzero(warm.any(axis=0))
    return (
        min(float(np.abs(r_mm[rows[[0, -1]]]).max()) + 8.0, float(r_mm[-1])),
        max(float(z_mm[columns[0]]) - 8.0, float(z_mm[0])),
        min(float(z_mm[columns[-1]]) + 8.0, float(z_mm[-1])),
    )


def _lines(axes: Any, curves: Sequence[Curve], styles: Sequence[tuple[str, str]]) -> None:
    for i, curve in enumerate(curves):
        colour, style = styles[i % len(styles)]
        line(axes, curve, colour, style)


def line(axes: Any, curve: Curve, colour: str, style: str, step: bool = False) -> None:
    t_s, value = thin(curve.t_s, curve.value)
    where = {"drawstyle": "steps-post"} if step else {}
    axes.plot(t_s, value, color=colour, linestyle=style, linewidth=1.2, label=_legend(curve.label), **where)


def _legend(label: str) -> str:
    return label.lstrip("_")[:40]  # a leading underscore would hide it


def fit(axes: Any, window_s: tuple[float, float], cap: float = math.inf) -> None:
    """Scale to what the window shows, before limits are drawn: a far limit must not flatten the curves,

    and neither must an open circuit: nothing above ``cap`` is shown.
    """
    low, high = math.inf, -math.inf
    for line in axes.get_lines():
        t_s, value = np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)
        shown = value[(t_s >= window_s[0]) & (t_s <= window_s[1]) & np.isfinite(value)]
        if shown.size:
            low, high = min(low, float(shown.min())), max(high, float(shown.max()))
    if low > high:
        low, high = 0.0, 1.0
    low, high = min(low, cap), min(high, cap)
    room = max(high - low, 0.02 * abs(high), 1.0)
    axes.set_ylim(low - 0.06 * room, high + 0.12 * room)


def _limit(axes: Any, limits: dict[str, float], name: str, colour: str = RED) -> None:
    if name not in limits:
        return
    value, (low, high) = limits[name], axes.get_ylim()
    label = f"{quantity(name, value)[0]} limit {value:g}"
    if low - 0.8 * (high - low) <= value <= high + 0.8 * (high - low):
        axes.set_ylim(min(low, value - 0.03 * (high - low)), max(high, value + 0.03 * (high - low)))
        axes.axhline(value, color=colour, linestyle=(0, (6, 2, 1, 2)), linewidth=0.9, label=label)
        low, high = axes.get_ylim()
        if name not in UNSHADED:
            band = (low, value) if name.endswith(LEAST) else (value, high)
            axes.axhspan(*band, color=colour, alpha=0.08, linewidth=0)
    else:
        axes.plot([], [], color=colour, linestyle=(0, (6, 2, 1, 2)), linewidth=0.9, label=f"{label} (off scale)")


def _marks(axes: Any, digest: Digest, named: bool) -> None:
    low_s, high_s = digest.window_s
    for mark in digest.marks:
        if low_s <= mark.t_s <= high_s:
            axes.axvline(
                mark.t_s,
                color=RED if mark.bad else "#777777",
                linewidth=1.1 if mark.bad else 0.8,
                linestyle="-" if mark.bad else "--",
            )
            if named:
                axes.annotate(
                    mark.text[:30], (mark.t_s, 1.0), xycoords=("data", "axes fraction"), xytext=(2, 2),
                    textcoords="offset points", fontsize=7, color=RED if mark.bad else "#555555", rotation=20,
                )  # fmt: skip


def as_svg(figure: Figure, salt: str) -> str:
    """The ``<svg>`` element alone. The salt keeps the ids of two pictures on one page apart, and the file the same each
    time."""
    with mpl.rc_context({"svg.hashsalt": salt}):
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = buffer.getvalue()
    return text[text.index("<svg") :]
