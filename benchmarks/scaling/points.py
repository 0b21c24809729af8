"""A measured point of a curve, and what a curve is about."""

from __future__ import annotations

from typing import NamedTuple


class Point(NamedTuple):
    """``values``: by name with its unit at the end; all points of a curve have the same."""

    curve: str
    x: float
    values: dict[str, float]


class Curve(NamedTuple):
    """``shown``: the value that the figure draws; ``per_x``: beside it the line that its first point would give."""

    name: str
    x: str
    shown: str
    label: str
    log_x: bool = False
    per_x: bool = False


CURVES = (
    Curve("devices", "devices", "cpu_ms_per_s", "CPU, ms a second of bench time"),
    Curve("ticks", "control ticks a second", "cpu_ms_per_s", "CPU, ms a second of bench time"),
    Curve("session", "hours of one session", "rss_mb", "resident memory, MB", log_x=True),
    Curve("broker", "benches on one broker, 20 ticks/s", "cores", "cores of the benches"),
    Curve("campaign", "processes", "runs_per_min", "judged runs a minute", per_x=True),
)
