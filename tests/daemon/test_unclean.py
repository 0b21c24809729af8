"""An application that its daemon could not end is told at the next start of that bench, and only there."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from controller.daemon.unclean import Unclean, unclean_end
from controller.records.ids import seeded_id
from controller.records.session import Recorder, TickRow
from safety.types import Trip

FIRST = {"number": 1, "protocol": "short", "target": None}
SECOND = {"number": 2, "protocol": "long", "target": "t2"}
Events = list[tuple[str, dict[str, Any]]]


def session(folder: Path, seed: int, events: Events, *, closed: bool = False, **header: Any) -> Recorder:
    """A session of bench b; without ``closed`` as a daemon that was killed leaves it."""
    utc = f"2026-03-01T11:00:0{seed}.000Z"
    recorder = Recorder.create(
        folder,
        {"bench": "b", "simulated": False, **header},
        [],
        utc=lambda: utc,
        threaded=False,
        new_id=lambda: seeded_id(seed, utc),
        min_free_bytes=0,
    )
    for k, (kind, data) in enumerate(events):
        recorder.event(float(k), kind, data)
        recorder.tick(TickRow(k, float(k), "FIRING", 20.0, 20.0, 20.0, 1, energy_j=100.0 * (k + 1)))
    recorder.event(10.0, "state", {})  # committed at once
    if closed:
        recorder.close({})
    return recorder


def left(folder: Path, besides: Path | None = None) -> Unclean | None:
    return unclean_end(folder, {"bench": "b", "simulated": False}, besides=besides or folder / "none")


BEGUN: Events = [("application", FIRST), ("application_end", FIRST), ("application", SECOND)]
ENDED: Events = [*BEGUN, ("application_end", SECOND)]


def test_an_application_without_an_end_is_found_with_what_is_recorded(tmp_path: Path) -> None:
    killed = session(tmp_path, 1, BEGUN)
    assert left(tmp_path) == Unclean(str(seeded_id(1, "2026-03-01T11:00:01.000Z")), 2, "long", "t2", 300.0)
    assert left(tmp_path, killed.path) is None  # it is the one that is being written


@pytest.mark.parametrize(
    ("events", "more"),
    [
        ([], {}),
        (ENDED, {}),
        (BEGUN, {"closed": True}),
        (BEGUN, {"bench": "another"}),
        (BEGUN, {"simulated": True}),
    ],
    ids=["none began", "ended", "closed", "another bench", "simulated"],
)
def test_nothing_was_left(tmp_path: Path, events: Events, more: dict[str, Any]) -> None:
    session(tmp_path, 1, events, **more)
    assert left(tmp_path) is None


def test_only_the_newest_session_of_the_bench_counts(tmp_path: Path) -> None:
    """Whoever came behind it was told."""
    session(tmp_path, 1, BEGUN)
    assert left(tmp_path) is not None
    session(tmp_path, 2, BEGUN, bench="another")
    assert left(tmp_path) is not None
    session(tmp_path, 3, [], closed=True)
    assert left(tmp_path) is None


def test_what_is_no_session_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    session(tmp_path, 1, BEGUN)
    (tmp_path / "empty.ablate").touch()
    (tmp_path / "broken.ablate").write_text("no session")
    with caplog.at_level(logging.WARNING):
        assert left(tmp_path) is not None
    (told,) = caplog.messages
    assert "cannot be told" in told and "broken.ablate" in told


def test_a_folder_that_is_not_there_yet_holds_none(tmp_path: Path) -> None:
    assert left(tmp_path / "new") is None


def test_without_a_latch_it_is_one() -> None:
    trip = Unclean("S", 2, "long", "t2", 300.4).latched(None, 7.0)
    assert (trip.hazard, trip.monitor, trip.device, trip.value, trip.t_s) == ("H23", "unclean", "daemon", 300.4, 7.0)
    assert trip.lockout is False
    text = "nobody knows what application 2 of session S (protocol long) on target t2 delivered: 300 J are on record"
    assert trip.text.startswith(text)
    assert "reset" in trip.check


def test_the_first_cause_stays_and_says_it_as_well() -> None:
    first = Trip("H24", "watchdog", "daemon", "lease", 0.2, 0.2, 0.0, 5.0, "no completed tick", "look at the load")
    trip = Unclean("S", 1, "short", None, 0.0).latched(first, 7.0)
    assert (trip.hazard, trip.t_s, trip.text) == ("H24", 5.0, "no completed tick")
    assert trip.check.startswith(
        "look at the load; nobody knows what application 1 of session S (protocol short) deliv"
    )
