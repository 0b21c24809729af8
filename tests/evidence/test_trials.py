"""A night of trials, kind by kind: what is tried again takes the place of what was, and nothing bad is hidden."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.evidence.trials import merged, rows
from tests.process.trials import FIGURES, Figure, judge_going_on


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


def test_a_kind_that_ends_nothing_has_no_times() -> None:
    figure = Figure("wall clock jumped", None, failed=["a trip"], went_on=20)
    times = {"bound_ms": None, "median_ms": None, "max_ms": None}
    counts = {"trials": 20, "late": 0, "failed": 1, "repeated": 0, "starts_repeated": 0}
    assert rows([figure]) == [{"fault": "wall clock jumped", **times, **counts}]
    assert figure.text.endswith("the energy went on, 20 trials, 1 FAILED")


def test_one_application_that_failed_does_not_end_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of its trials counts as one in which the energy went on."""
    monkeypatch.delitem(FIGURES, "a kind", raising=False)
    done: list[int] = []

    @contextlib.contextmanager
    def application(figure: Figure) -> Iterator[Callable[[], None]]:
        done.append(0)

        def once() -> None:
            done[-1] += 1

        yield once
        assert len(done) != 2, "a sample is missing"

    with pytest.raises(AssertionError, match="a sample is missing"):
        judge_going_on("a kind", 25, application, each=10)
    assert done == [10, 10, 5]
    figure = FIGURES.pop("a kind")
    assert (figure.went_on, len(figure.failed)) == (15, 1)


def test_a_kind_of_which_every_trial_failed_is_told() -> None:
    (row,) = rows([Figure("hang", 0.220, failed=["no latch"])])
    assert (row["trials"], row["failed"], row["bound_ms"], row["max_ms"]) == (0, 1, 220.0, None)


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
