"""The figure of the curves, where matplotlib (the extra ``report``) is installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.scaling.points import CURVES, Point

BLUE, GREY = "#0072B2", "#777777"


def draw(points: Sequence[Point], path: Path) -> bool:
    """A panel a curve; False without matplotlib."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        return False
    mpl.use("svg")
    from matplotlib import pyplot as plt

    shown = [curve for curve in CURVES if any(point.curve == curve.name for point in points)]
    if not shown:
        return False
    style: Any = {"svg.hashsalt": "scale", "svg.fonttype": "none", "font.size": 9}
    with mpl.rc_context(style):
        columns = min(3, len(shown))
        rows = -(-len(shown) // columns)
        picture, axes = plt.subplots(rows, columns, figsize=(4.2 * columns, 3.2 * rows), squeeze=False)
        for ax, curve in zip(axes.flat, shown, strict=False):
            mine = [point for point in points if point.curve == curve.name]
            x, y = [point.x for point in mine], [point.values[curve.shown] for point in mine]
            if curve.per_x:
                ax.plot([0.0, x[-1]], [0.0, y[0] / x[0] * x[-1]], color=GREY, linestyle="--", linewidth=0.8)
            ax.plot(x, y, color=BLUE, marker="o", markersize=3.5)
            if curve.log_x:
                ax.set_xscale("log")
                ax.set_xticks(x, [f"{value:.2g}" for value in x])
                ax.minorticks_off()
            ax.set_ylim(0.0, 1.1 * max(y))
            ax.set(title=curve.name, xlabel=curve.x, ylabel=curve.label)
            ax.grid(linewidth=0.3)
        for ax in list(axes.flat)[len(shown) :]:
            ax.remove()
        picture.tight_layout()
        picture.savefig(path, metadata={"Date": None})
        plt.close(picture)
    return True
