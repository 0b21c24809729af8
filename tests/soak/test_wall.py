"""The soak by the clock: two applications of real processes, and what its judge says of ticks that grow later."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process.bench import STARVED
from tests.soak.run import Look, Soaked
from tests.soak.wall import Punctual, Walled, judged, wall

ATTEMPTS = 3


@pytest.mark.process
@pytest.mark.timeout(300)
def test_two_applications_by_the_clock_leave_nothing_behind() -> None:
    for _ in range(ATTEMPTS):
        found, punctual = wall(0.4, every_s=12.0, powered_s=3.0)
        if not any(trip.partition(" ")[0] in STARVED for trip in found.trips):
            break  # else the machine had no processor for a tick or a sample
    assert (found.applications, found.completed) == (2, 2), found.trips
    assert (found.trips, found.broken) == ((), ())
    assert len({look.descriptors for look in found.looks}) == 1
    assert found.looks[1].file_bytes > found.looks[0].file_bytes > 0
    assert all(look.late_s > 0.0 for look in punctual)


def walled(late_s: list[float], **changed: object) -> Walled:
    """An hour of looks at a process that holds what it held."""
    looks = tuple(Look(180.0 * k, 90_000_000, 0, 40, 5, 1_000_000 + 50_000 * k) for k in range(len(late_s)))
    soaked = Soaked(looks, len(late_s), len(late_s), (), 0, 0, Path("a.ablate"), ())
    return Walled(soaked._replace(**changed), tuple(Punctual(180.0 * k, late) for k, late in enumerate(late_s)))  # type: ignore[arg-type]


def test_a_daemon_that_is_as_punctual_as_it_was_is_right() -> None:
    figures, wrong = judged(walled([0.0001, 0.0009, 0.0002, 0.0001] * 5))
    assert wrong == []
    assert (figures["threads"], figures["descriptors"], figures["completed"], figures["wrong"]) == (5, 40, 20, 0)


def test_ticks_that_grow_later_and_trips_are_told() -> None:
    figures, wrong = judged(walled([0.0001] * 10 + [0.0015] * 10, trips=("flow",)))
    assert wrong == ["tripped: flow", "ticks grow later: 100, then 1500 us in the mean"]
    assert figures["wrong"] == 2


def test_a_trip_before_the_first_rest_is_told() -> None:
    figures, wrong = judged(walled([], completed=0, applications=1, trips=("H33 ticks are late",)))
    assert wrong == ["tripped: H33 ticks are late", "1 of 1 applications not completed"]
    assert figures["completed"] == 0
