"""A night of trials, kind by kind: what is tried again takes the place of what was, and nothing bad is hidden."""

from __future__ import annotations

from typing import Any

from tests.evidence.trials import merged, rows
from tests.process.trials import Figure


def row(fault: str, trials: int, max_ms: float) -> dict[str, Any]:
    return {"fault": fault, "trials": trials, "bound_ms": 220.0, "median_ms": 150.0, "max_ms": max_ms, "repeated": 0}


def test_a_row_is_of_all_times() -> None:
    figure = Figure("hang", 0.220, [0.150, 0.190, 0.160], repeated=1)
    assert rows([figure, Figure("nothing tried", 0.1)]) == [
        {"fault": "hang", "trials": 3, "bound_ms": 220.0, "median_ms": 160.0, "max_ms": 190.0, "repeated": 1}
    ]


def test_other_kinds_stay() -> None:
    assert merged([row("stop", 500, 180.0)], [row("hang", 20, 160.0)]) == [
        row("hang", 20, 160.0),
        row("stop", 500, 180.0),
    ]


def test_a_longer_run_replaces() -> None:
    assert merged([row("stop", 20, 180.0)], [row("stop", 500, 190.0)]) == [row("stop", 500, 190.0)]


def test_a_shorter_run_that_passed_does_not() -> None:
    assert merged([row("stop", 500, 190.0)], [row("stop", 20, 180.0)]) == [row("stop", 500, 190.0)]


def test_a_shorter_run_that_missed_its_bound_does() -> None:
    assert merged([row("stop", 500, 190.0)], [row("stop", 3, 221.0)]) == [row("stop", 3, 221.0)]
