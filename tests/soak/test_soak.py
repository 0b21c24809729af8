"""Minutes of the soak, and what its judge would say of a daemon that leaks. Hours of it: ``python -m tests.soak``."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.soak.judged import judge
from tests.soak.run import Look, Soaked, drawn, soak


def test_applications_and_benign_faults_leave_nothing_behind(tmp_path: Path) -> None:
    found = soak(tmp_path, 4 * 45.0 / 3600.0, every_s=45.0)
    assert (found.applications, found.completed, found.faults) == (4, 4, 4)
    assert (found.trips, found.broken, found.late_ticks) == ((), (), 0)
    assert len({(look.descriptors, look.tasks) for look in found.looks}) == 1
    assert found.looks[-1].objects - found.looks[0].objects < 1000
    assert [round(look.t_s) for look in found.looks] == [44, 89, 134, 179]


def test_each_application_has_its_fault() -> None:
    specs = drawn(1.0, 7)
    onsets = [float(spec.partition("@")[2].partition("+")[0]) for spec in specs]
    assert len(specs) == 6
    assert all(600 * k + 2 <= onset <= 600 * k + 30 for k, onset in enumerate(onsets))
    assert specs == drawn(1.0, 7) != drawn(1.0, 8)


def soaked(**per_hour: float) -> Soaked:
    """Twelve hours of looks that grow by so much; ``file_bytes`` may bend: from the sixth hour on twice as fast."""
    noise = random.Random(1)
    looks = []
    for k in range(72):
        t_h, grown = k / 6.0, {name: value * k / 6.0 for name, value in per_hour.items() if name != "bent"}
        file = 9e6 * t_h + (9e6 * max(0.0, t_h - 6.0) if "bent" in per_hour else 0.0)
        jitter = noise.randint(-50_000, 50_000)
        looks.append(
            Look(
                3600.0 * t_h,
                int(2e8 + jitter + grown.get("rss", 0.0)),
                int(700 + grown.get("objects", 0.0)),
                int(13 + grown.get("descriptors", 0.0)),
                int(7 + grown.get("tasks", 0.0)),
                int(3e6 + file),
            )
        )
    return Soaked(tuple(looks), 72, 72, (), 72, 0, Path("a.ablate"), ())


def test_a_daemon_that_holds_what_it_held_is_right() -> None:
    figures, wrong = judge(soaked())
    assert wrong == []
    assert (figures["wrong"], figures["descriptors"], figures["tasks"], figures["file_mb_per_h"]) == (0, 13, 7, 9.0)
    assert abs(float(str(figures["rss_mb_per_h"]))) < 0.05


@pytest.mark.parametrize(
    ("leak", "says"),
    [
        ({"rss": 2e6}, "RSS grows by 2.0"),
        ({"objects": 600.0}, "objects grow by 600 an hour"),
        ({"descriptors": 1.0}, "descriptors are not the same at every rest: [19, 20, 21, 22, 23, 24]"),
        ({"tasks": 0.2}, "tasks are not the same at every rest: [8, 9]"),
        ({"bent": 1.0}, "the file grows faster: 9.00, then 18.00 MB/h"),
    ],
)
def test_a_leak_is_told(leak: dict[str, float], says: str) -> None:
    _, wrong = judge(soaked(**leak))
    assert len(wrong) == 1
    assert wrong[0].startswith(says)


def test_trips_and_a_broken_record_are_told() -> None:
    good = soaked()
    _, wrong = judge(good._replace(completed=71, trips=("flow",), broken=("batch 5",)))
    assert wrong == ["tripped: flow", "record: batch 5", "1 of 72 applications not completed"]
