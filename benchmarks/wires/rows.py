"""A measured row, whether it met its target, and the table of all."""

from __future__ import annotations

import statistics
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


HEADS = ("", "ours", "", "against", "", "ratio", "target", "", "")


def show(row: Row, widths: tuple[int, ...] = (34, 7, 3, 42, 7, 5, 9, 7, 0)) -> str:
    """One line of the table."""
    return _line(
        (
            row.what,
            _number(row.ours),
            row.unit,
            row.against,
            "" if row.theirs is None else _number(row.theirs),
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


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
