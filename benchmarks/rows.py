"""A measured row, whether it met its target, and the table of all."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Timing(NamedTuple):
    """One variant's queries: microseconds."""

    p50: float
    p99: float
    cpu: float
    """Median CPU of this process for one query."""

    @classmethod
    def of(cls, wall_us: list[float], cpu_us: list[float]) -> Timing:
        """From one value a query."""
        return cls(statistics.median(wall_us), sorted(wall_us)[int(0.99 * len(wall_us))], statistics.median(cpu_us))


class Row(NamedTuple):
    """``ours`` against ``theirs``, both in ``unit``; ``met`` None: there is no target, the row is there to be seen."""

    what: str
    ours: float
    unit: str
    against: str = ""
    theirs: float | None = None
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    note: str = ""

    def verdict(self) -> str:
        """In words."""
        return {True: "met", False: "NOT MET", None: ""}[self.met]


def within(what: str, ours: Timing, against: str, theirs: Timing, most: float | None) -> Row:
    """A query's median beside another's; ``most`` is the largest ratio allowed."""
    ratio = ours.p50 / theirs.p50
    target, met = ("", None) if most is None else (f"<= {most:g} x", ratio <= most)
    note = f"p99 {ours.p99:.0f} / {theirs.p99:.0f} us, CPU {ours.cpu:.0f} / {theirs.cpu:.0f} us"
    return Row(what, ours.p50, "us", against, theirs.p50, ratio, target, met, note)


def at_most(what: str, ours: float, unit: str, most: float, note: str = "") -> Row:
    """A figure of its own, with the most that it may be."""
    return Row(what, ours, unit, target=f"<= {most:g} {unit}", met=ours <= most, note=note)


def at_least(what: str, ours: float, unit: str, least: float, note: str = "") -> Row:
    """A figure of its own, with the least that it must be."""
    return Row(what, ours, unit, target=f">= {least:g} {unit}", met=ours >= least, note=note)


def beside(what: str, ours: float, unit: str, against: str, theirs: float, most: float | None, note: str = "") -> Row:
    """A figure beside another of the same run; ``most`` is the largest ratio allowed."""
    ratio = ours / theirs
    target, met = ("", None) if most is None else (f"<= {most:.3g} x", ratio <= most)
    return Row(what, ours, unit, against, theirs, ratio, target, met, note)


def command(
    doc: str, measure: Callable[[argparse.Namespace], Iterable[Row]], **options: tuple[type, object, str]
) -> int:
    """A benchmark's command line: the table as it is measured, or with ``--json`` an object a row.

    Args:
        doc: for ``--help``.
        measure: gives the rows.
        options: further options: type, default, help.

    Returns 1 when a target was missed.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, (kind, default, text) in options.items():
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"{text} (default {default})")
    parser.add_argument("--json", action="store_true", help="one JSON object a row instead of the table")
    given = parser.parse_args()
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load > cores / 2:
        text = f"others keep this machine busy (load {load:.1f} on {cores} cores)"
        print(f"{text}: judge what is measured by the clock on a quiet one", file=sys.stderr)
    if not given.json:
        print(head())
    missed = False
    for row in measure(given):
        missed |= row.met is False
        print(json.dumps(row._asdict()) if given.json else show(row), flush=True)
    return int(missed)


HEADS = ("", "ours", "", "against", "", "ratio", "target", "", "")


def show(row: Row, widths: tuple[int, ...] = (34, 7, 3, 42, 7, 5, 9, 7, 0)) -> str:
    """One line of the table."""
    return _line(
        (
            row.what,
            number(row.ours),
            row.unit,
            row.against,
            "" if row.theirs is None else number(row.theirs),
            "" if row.ratio is None else f"{row.ratio:.2f}",
            row.target,
            row.verdict(),
            row.note,
        ),
        widths,
    )


def head(widths: tuple[int, ...] = (34, 7, 3, 42, 7, 5, 9, 7, 0)) -> str:
    """The first line of the table."""
    return _line(HEADS, widths)


def _line(cells: tuple[str, ...], widths: tuple[int, ...]) -> str:
    right = (1, 4, 5)
    parts = (
        cell.rjust(width) if n in right else cell.ljust(width)
        for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(parts).rstrip()


def number(value: float) -> str:
    """With about three digits."""
    if value != value:
        return "-"
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
