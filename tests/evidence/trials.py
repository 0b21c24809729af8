"""``make trials``: every way of killing and stopping processes under power, and of taking away what they stand on, many
times each, as evidence for ``ablate safety-case``. Some hours for 500 of each kind; ``-k`` names some of the kinds, and
the others stay as they were.

Two of these may work side by side, with other kinds each, but for the kind that leaves nobody a processor: it would be
a fault of the others too. How many: ``TRIALS`` in the environment.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from controller.evidence import store
from controller.evidence.revision import Origin, origin, stale
from tests.process.trials import FIGURES, Figure

REPOSITORY = Path(__file__).parents[2]
TESTS = ("tests/process/test_time_to_off.py", "tests/process/test_surroundings_to_off.py")
NAME = "processes"

Row = dict[str, Any]


def rows(figures: Iterable[Figure]) -> list[Row]:
    """One of each kind that was tried, ms from the fault to 0 W; no times where the energy must go on."""
    return [
        {
            "fault": figure.name,
            "trials": figure.trials,
            "bound_ms": _ms(figure.bound_s),
            "median_ms": _ms(sorted(figure.times_s)[len(figure.times_s) // 2] if figure.times_s else None),
            "max_ms": _ms(max(figure.times_s, default=None)),
            "late": figure.late,
            "failed": len(figure.failed),
            "repeated": figure.repeated,
            "starts_repeated": figure.starts_repeated,
        }
        for figure in figures
        if figure.trials or figure.failed
    ]


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(1e3 * seconds, 1)


def merged(old: Sequence[Row], new: Sequence[Row]) -> list[Row]:
    """``new`` beside those of ``old`` that were not tried again; a shorter run in which nothing was wrong does not take
    the place of a longer one."""
    kept = {row["fault"]: row for row in old}
    for row in new:
        before = kept.get(row["fault"])
        if before is None or row["trials"] >= before["trials"] or row["late"] or row["failed"]:
            kept[row["fault"]] = row
    return [kept[fault] for fault in sorted(kept)]


def write(folder: Path, made_from: Origin) -> None:
    """``processes.json``, with what this process has tried since ``made_from`` was taken; what it held stays where the
    program is the same."""
    new = rows(figure for key, figure in FIGURES.items() if key != "record")
    if not new:
        return
    before = store.read(folder).evidence.get(NAME)
    old = before.rows if before is not None and not stale(before.commit, name=NAME) else []
    rows_now = merged(old, new)
    figures = {name: sum(row[name] for row in rows_now) for name in ("trials", "late", "failed")}
    store.write(folder / f"{NAME}.json", "trials of real processes", "make trials", figures, rows_now, origin=made_from)


class _Kept:
    """A kind is written as soon as it was tried: a night that is broken off has not been for nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._made_from = folder, origin(NAME)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Behind each test."""
        if report.when == "call":
            write(self._folder, self._made_from)


def main() -> int:
    """Run and write; the exit code of pytest."""
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.trials", description=__doc__)
    parser.add_argument("--out", type=Path, default=REPOSITORY / store.FOLDER)
    parser.add_argument("-k", dest="kinds", help="some of the kinds, as pytest takes it")
    args = parser.parse_args()
    chosen = ["-k", args.kinds] if args.kinds else []
    tests = [str(REPOSITORY / test) for test in TESTS]
    options = ["-p", "no:cacheprovider", "--rootdir", str(REPOSITORY), *chosen, *tests]
    return int(pytest.main(options, plugins=[_Kept(args.out)]))


if __name__ == "__main__":
    sys.exit(main())
