"""A night of trials, kind by kind: what is tried again takes the place of what was, and nothing bad is hidden."""

from __future__ import annotations

from typing import Any

from tests.evidence.trials import merged, rows
from tests.process.trials import Figure


def row(fault: str, trials: int, max_ms: float, *, late: int = 0, failed: int = 0) -> dict[str, Any]:
    times = {"bound_ms": 220.0, "median_ms": 150.0, "max_ms": max_ms}
    return {
        "fault": fault,
        "trials": trials,
        **times,
        "late": late,
        "failed": failed,
        "repeated": 0,
        "starts_repeated": 0,
    }


def test_a_row_is_of_all_times() -> None:
    figure = Figure("hang", 0.220, [0.150, 0.230, 0.160], repeated=1, starts_repeated=2, failed=["no latch"])
    times = {"bound_ms": 220.0, "median_ms": 160.0, "max_ms": 230.0}
    assert rows([figure, Figure("nothing tried", 0.1)]) == [
        {"fault": "hang", "trials": 3, **times, "late": 1, "failed": 1, "repeated": 1, "starts_repeated": 2}
    ]
    assert "3 trials, 1 LATE, 1 FAILED, 1 repeated: emulator, line or death late, 2 starts repeated" in figure.text


def test_other_kinds_stay() -> None:
    assert merged([row("stop", 500, 180.0)], [row("hang", 20, 160.0)]) == [
        row("hang", 20, 160.0),
        row("stop", 500, 180.0),
    ]


def test_a_longer_run_replaces() -> None:
    assert merged([row("stop", 20, 180.0)], [row("stop", 500, 190.0)]) == [row("stop", 500, 190.0)]


def test_a_shorter_run_that_passed_does_not() -> None:
    assert merged([row("stop", 500, 190.0)], [row("stop", 20, 180.0)]) == [row("stop", 500, 190.0)]


def test_a_shorter_run_in_which_something_was_wrong_does() -> None:
    late, failed = row("stop", 3, 221.0, late=1), row("stop", 2, 180.0, failed=1)
    assert merged([row("stop", 500, 190.0)], [late]) == [late]
    assert merged([row("stop", 500, 190.0)], [failed]) == [failed]
