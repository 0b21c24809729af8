"""How cost grows: ``python -m benchmarks.scale [--quick] [--only CURVE]... [--out build/scale]``.

Curves: devices (3 to 24), control ticks a second (10 to 200, as a bench file may ask), the length of one session (10
minutes to 24 hours of virtual time, an application every ten minutes), benches on one broker, processes of a campaign.
Each point is printed as it is measured and kept in ``scale.json`` with machine and versions; ``scale.csv`` has a line a
value, ``scale.svg`` the curves. Half an hour of one core, the most of it the day; ``--quick``: a first look.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks.__main__ import ROOT, machine, now
from benchmarks.rows import number
from benchmarks.scaling import figure, page, processes, rehearsed
from benchmarks.scaling.points import CURVES, Point

Measured = Callable[[argparse.Namespace], Iterator[Point]]
CORES = os.cpu_count() or 1
WHOLE: dict[str, Measured] = {
    "devices": lambda _: rehearsed.devices((3, 4, 6, 8, 12, 16, 20, 24), 60.0),
    "ticks": lambda _: rehearsed.rates((10, 20, 50, 100, 200), 60.0),
    "session": lambda given: rehearsed.sessions(given.hours * 60.0),
    "broker": lambda _: processes.brokers((1, 2, 5, 10, 20, 35, 50), 20.0),
    "campaign": lambda _: processes.workers(sorted({1, 2, 4, CORES, 2 * CORES}), 150),
}
QUICK: dict[str, Measured] = {
    "devices": lambda _: rehearsed.devices((3, 6, 12, 24), 5.0),
    "ticks": lambda _: rehearsed.rates((10, 20, 100), 5.0),
    "session": lambda _: rehearsed.sessions(4.0, every_s=60.0),
    "broker": lambda _: processes.brokers((1, 5), 3.0),
    "campaign": lambda _: processes.workers((1, 2), 32),
}


def keep(points: Iterable[Point], out: Path, *, quick: bool) -> None:
    """JSON, CSV and figure of all ``points``."""
    told = list(points)
    out.mkdir(parents=True, exist_ok=True)
    data = {**machine(), **now(quick), "points": [point._asdict() for point in told]}
    (out / "scale.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    with (out / "scale.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(("curve", "x", "value", "figure"))
        lines.writerows((point.curve, point.x, name, value) for point in told for name, value in point.values.items())
    figure.draw(told, out / "scale.svg")


def write(to: Path, out: Path) -> None:
    """The page, and its picture in the folder ``pictures`` beside it."""
    told = json.loads((out / "scale.json").read_text(encoding="utf-8"))
    (to.parent / "pictures").mkdir(exist_ok=True)
    shutil.copyfile(out / "scale.svg", to.parent / "pictures" / "scale.svg")
    to.write_text(page.render(told, "pictures/scale.svg"), encoding="utf-8")


def before(out: Path) -> dict[str, list[Point]]:
    """What was kept, by curve."""
    found: dict[str, list[Point]] = {}
    path = out / "scale.json"
    for row in json.loads(path.read_text(encoding="utf-8"))["points"] if path.is_file() else ():
        found.setdefault(row["curve"], []).append(Point(**row))
    return found


def main() -> int:
    """Measure, print and keep. With ``--only`` the other curves stay as they were kept."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few points, short ones")
    parser.add_argument("--only", action="append", choices=[*WHOLE], help="this curve; repeatable")
    parser.add_argument("--hours", type=float, default=24.0, help="of the session's curve (default: 24)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "scale")
    parser.add_argument("--page", type=Path, help="write this page of --out's files, and measure nothing")
    given = parser.parse_args()
    if given.page is not None:
        write(given.page, given.out)
        return 0
    points = before(given.out) if given.only else {}
    for name in given.only or WHOLE:
        points[name] = []
        for point in (QUICK if given.quick else WHOLE)[name](given):
            points[name].append(point)
            values = ", ".join(f"{value} {number(figure)}" for value, figure in point.values.items())
            print(f"{name:9} {point.x:8.3g}  {values}", flush=True)
        everything = [point for curve in CURVES for point in points.get(curve.name, ())]
        keep(everything, given.out, quick=given.quick)
    print(given.out / "scale.json")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
