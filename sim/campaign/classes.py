"""Time and energy after a fault, class by class of ``injections.toml``, as they would be at 200 W."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sim.campaign.expected import MARGIN_W, find
from sim.campaign.plan import parse

Row = Mapping[str, Any]
POWER_W = 200.0
"""Energies are also told as they would be at this set-point."""


class Line(NamedTuple):
    """The worst of one class over all runs of a single fault; s from when it could be seen to 0 W, J at 200 W."""

    kind: str
    runs: int
    worst_s: float
    worst_j: float
    worst_case: str
    allowed_s: float
    allowed_j: float
    detect_s: float | None = None  # the trip
    command_s: float | None = None  # a way off was told
    confirm_s: float | None = None  # off was proven; LOCKOUT where it was not


def took_s(row: Row, until: str) -> float | None:
    """From when the fault could be seen; None when that or the end never came."""
    since_s, end_s = row.get("shown_s"), row.get(until)
    return None if since_s is None or end_s is None else max(0.0, end_s - since_s)


def commanded_s(row: Row) -> float | None:
    """From when the fault could be seen until the first way off was told; that the other one was too is judged."""
    return min((s for s in (took_s(row, "off_told_s"), took_s(row, "open_told_s")) if s is not None), default=None)


def longest(seconds: Iterable[float | None]) -> float | None:
    """The longest of those that there are."""
    return max((round(s, 4) for s in seconds if s is not None), default=None)


def energetic(row: Row) -> bool:
    """Did this run trip with energy flowing, and end it?"""
    return bool(row.get("trip") and row.get("energy_after_j")) and took_s(row, "off_s") is not None


def at_power_j(row: Row) -> float:
    """Energy after the fault as it would have been at ``POWER_W``."""
    return float(row["energy_after_j"]) * POWER_W / max(float(row["power_w"]), MARGIN_W)


def by_class(rows: Sequence[Row]) -> list[Line]:
    """A line for each class, of faults alone and in the nominal world. What is allowed is the most of its faults."""
    found: dict[str, list[tuple[Row, float, float]]] = {}
    for row in rows:
        case = parse(str(row["case"]))
        if not case.fault or case.latent or str(case.warp) or not energetic(row):
            continue
        injection = find(case.fault, case.modality)
        found.setdefault(injection.kind, []).append((row, injection.within_s, injection.energy_w_s * POWER_W))
    return [_line(kind, group) for kind, group in sorted(found.items())]


def _line(kind: str, group: Sequence[tuple[Row, float, float]]) -> Line:
    worst = max((row for row, _, _ in group), key=at_power_j)
    return Line(
        kind,
        len(group),
        round(max(took_s(row, "off_s") or 0.0 for row, _, _ in group), 4),
        round(at_power_j(worst), 2),
        str(worst["case"]),
        max(seconds for _, seconds, _ in group),
        max(joules for _, _, joules in group),
        longest(took_s(row, "trip_s") for row, _, _ in group),
        longest(commanded_s(row) for row, _, _ in group),
        longest(took_s(row, "confirmed_s") for row, _, _ in group),
    )


def text(lines: Sequence[Line]) -> list[str]:
    """For a terminal."""
    head = f"{'class':10}  runs  worst s  allowed  worst J at {POWER_W:g} W  allowed  detect  command  confirm s  in"
    return [
        head,
        *(
            f"{line.kind:10} {line.runs:5} {line.worst_s:8.3f} {line.allowed_s:8.2f} {line.worst_j:17.1f} "
            f"{line.allowed_j:8.0f} {_s(line.detect_s):>7} {_s(line.command_s):>8} {_s(line.confirm_s):>10}  "
            f"{line.worst_case}"
            for line in lines
        ),
    ]


def _s(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.3f}"
