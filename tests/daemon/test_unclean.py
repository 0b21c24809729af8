"""An application that its daemon could not end is told at the next start of that bench, once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.daemon.unclean import Unclean, UnderWay
from safety.types import Trip
from tests.daemon.recorded import record

UTC = "2026-03-01T11:00:00.000Z"
FIRST = {"number": 1, "protocol": "short", "target": None}
SECOND = {"number": 2, "protocol": "long", "target": "t2"}
Events = list[tuple[str, dict[str, Any]]]
BEGUN: Events = [("application", FIRST), ("application_end", FIRST), ("application", SECOND)]
ENDED: Events = [*BEGUN, ("application_end", SECOND)]


def after(folder: Path, events: Events, *, closed: bool = False) -> Unclean | None:
    """What a daemon finds behind one that wrote these events and was killed."""
    path = folder / "session.txt"
    UnderWay(path).begins(record(folder / "elsewhere", 1, UTC, events, closed=closed))
    return UnderWay(path).left()


def test_an_application_without_an_end_is_told_with_what_is_recorded(tmp_path: Path) -> None:
    left = after(tmp_path, BEGUN)
    assert left is not None
    assert (left.recorded_j, Path(left.session).parents[4]) == (200.0, tmp_path)
    stem = Path(left.session).stem
    assert left.text == (
        f"nobody knows what application 2 of session {stem} (protocol long, target t2) delivered: "
        "200 J are on record, and then its daemon ended"
    )
    only = after(tmp_path / "only", BEGUN[:1])
    assert only is not None
    assert "application 1 of session" in only.text
    assert "(protocol short) delivered: 0 J" in only.text


@pytest.mark.parametrize(
    ("events", "closed"), [([], False), (ENDED, False), (BEGUN, True)], ids=["none began", "ended", "closed"]
)
def test_nothing_was_left(tmp_path: Path, events: Events, closed: bool) -> None:
    assert after(tmp_path, events, closed=closed) is None


def test_a_bench_that_never_ran_and_a_rehearsal_have_left_nothing(tmp_path: Path) -> None:
    assert UnderWay(tmp_path / "session.txt").left() is None
    rehearsal = UnderWay(None)
    rehearsal.begins(tmp_path / "x.ablate")
    rehearsal.ends()
    assert rehearsal.left() is None


def test_it_is_forgotten_once_the_next_session_is_under_way_and_when_that_ends(tmp_path: Path) -> None:
    assert after(tmp_path, BEGUN) is not None
    path = tmp_path / "session.txt"
    refused = UnderWay(path)  # a daemon that did not come so far, its generator was not there
    refused.ends()
    assert refused.left() is not None
    following = UnderWay(path)
    following.begins(record(tmp_path, 2, UTC, []))
    assert UnderWay(path).left() is None
    following.ends()
    assert not path.exists()


@pytest.mark.parametrize("content", ["gone", "no session", "damaged"])
def test_what_cannot_be_read_may_have_been_one(tmp_path: Path, content: str) -> None:
    session, path = tmp_path / "x.ablate", tmp_path / "session.txt"
    if content == "no session":
        session.write_text("something else")
    UnderWay(path).begins(session)
    if content == "damaged":
        path.write_bytes(b"\xff\xfe")
    left = UnderWay(path).left()
    assert left is not None
    assert left.text.startswith("nobody knows whether an application was under way when the daemon before this one")
    assert left.recorded_j == 0.0


def test_a_session_that_holds_nothing_had_none(tmp_path: Path) -> None:
    session, path = tmp_path / "x.ablate", tmp_path / "session.txt"
    session.touch()
    UnderWay(path).begins(session)
    assert UnderWay(path).left() is None


def test_what_cannot_be_written_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    UnderWay(tmp_path / "missing" / "session.txt").begins(tmp_path / "x.ablate")
    assert "could not be written down" in caplog.text


LEFT = Unclean("S", "nobody knows what application 2 delivered: 300 J are on record", 300.4)


def test_without_a_latch_it_is_one() -> None:
    trip = LEFT.latched(None, 7.0)
    assert (trip.hazard, trip.monitor, trip.device, trip.value, trip.t_s) == ("H23", "unclean", "daemon", 300.4, 7.0)
    assert (trip.text, trip.lockout) == (LEFT.text, False)
    assert "reset" in trip.check
    assert LEFT.latched(trip, 9.0) is trip  # a daemon that was killed before it came further


def test_the_first_cause_stays_and_says_it_as_well_and_once() -> None:
    first = Trip("H24", "watchdog", "daemon", "lease", 0.2, 0.2, 0.0, 5.0, "no completed tick", "look at the load")
    trip = LEFT.latched(first, 7.0)
    assert (trip.hazard, trip.t_s, trip.text) == ("H24", 5.0, "no completed tick")
    assert trip.check == f"look at the load; {LEFT.text}"
    assert LEFT.latched(trip, 9.0) is trip
