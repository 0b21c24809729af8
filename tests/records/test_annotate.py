"""What is said of a session later: added, chained, never mixed with the record."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controller.commands.sessions import sessions
from controller.records.annotations import annotate
from controller.records.reader import open_session
from controller.records.session import Recorder, RecordError
from controller.records.verify import verify
from tests.records.recording import CHANNELS, HEADER, UTC, row, write

LATER = "2026-11-23T09:00:00.000Z"


def ablate(*arguments: str) -> Result:
    return CliRunner().invoke(sessions, arguments)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path, ticks=10, metadata={"title": "Liver", "licence": "CC0-1.0"}).path


def test_annotations_are_kept_in_order_and_the_record_still_verifies(path: Path) -> None:
    head = verify(path).head
    assert annotate(path, "A. Miller", {"note": "cut at 14:20"}, lambda: LATER) == [1]
    assert annotate(path, "B. Novak", {"licence": "CC-BY-4.0", "zone_mm": [31.0, 28.5]}, lambda: LATER) == [2, 3]
    with open_session(path) as session:
        assert [tuple(note) for note in session.annotations()] == [
            (1, LATER, "A. Miller", "note", "cut at 14:20"),
            (2, LATER, "B. Novak", "licence", "CC-BY-4.0"),
            (3, LATER, "B. Novak", "zone_mm", [31.0, 28.5]),
        ]
        told = session.metadata()
    assert (told["title"], told["licence"], told["zone_mm"]) == ("Liver", "CC-BY-4.0", [31.0, 28.5])
    assert told["notes"] == [{"utc": LATER, "who": "A. Miller", "text": "cut at 14:20"}]
    result = verify(path)
    assert (result.verdict, result.head, result.annotations) == ("recorded", head, 3)
    assert [part.name for part in path.parent.iterdir()] == [path.name]


TAMPERING = {
    "changed": ("UPDATE annotations SET value='\"x\"' WHERE n=2", "annotation 2 was changed, or the one before it"),
    "another author": ("UPDATE annotations SET who='me' WHERE n=1", "annotation 1 was changed, or the one before it"),
    "gone": ("DELETE FROM annotations WHERE n=1", "annotation 2 was changed, or the one before it was, or is gone"),
    "of another session": ("UPDATE chain SET hash=zeroblob(32) WHERE kind='close'", "annotation 1 was made of another"),
}


@pytest.mark.parametrize(("statement", "problem"), TAMPERING.values(), ids=TAMPERING)
def test_tampering_with_annotations_is_found(path: Path, statement: str, problem: str) -> None:
    annotate(path, "A. Miller", {"note": "one"})
    annotate(path, "A. Miller", {"note": "two"})
    db = sqlite3.connect(path)
    assert db.execute(statement).rowcount == 1
    db.commit()
    db.close()
    assert any(told.startswith(problem) for told in verify(path).problems)


def test_what_cannot_be_said(path: Path) -> None:
    with pytest.raises(ValueError, match="say who annotates"):
        annotate(path, " ", {"note": "x"})
    with pytest.raises(ValueError, match="'Zone mm' is no key: lower-case letters, digits"):
        annotate(path, "A. Miller", {"Zone mm": 3})
    with pytest.raises(ValueError, match="note has 100003 characters, 100000 can be kept: keep a file"):
        annotate(path, "A. Miller", {"note": "x" * 100_001})
    with open_session(path) as session:
        assert session.annotations() == []


def test_a_session_that_is_being_written_is_not_annotated(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS, utc=lambda: UTC, threaded=False)
    recorder.tick(row(0))
    recorder.event(0.0, "trip")
    with pytest.raises(RecordError, match="the session is being written or read; annotate it when it has ended"):
        annotate(recorder.path, "A. Miller", {"note": "x"})
    recorder.close()
    assert annotate(recorder.path, "A. Miller", {"note": "x"}) == [1]


def test_command(path: Path) -> None:
    folder = ["--folder", str(path.parents[3])]
    told = ablate("annotate", "last", "--who", "A. Miller", "--text", "cut", "--field", "zone_mm=[31, 28]", *folder)
    assert told.exit_code == 0
    assert "   1 " in told.output and ' A. Miller: note = "cut"\n' in told.output
    assert " A. Miller: zone_mm = [31, 28]\n" in told.output
    shown = json.loads(ablate("show", "last", "--json", *folder).output)
    assert shown["metadata"]["zone_mm"] == [31, 28]
    assert [note["key"] for note in shown["annotations"]] == ["note", "zone_mm"]
    assert "annotation 1" in ablate("show", "last", *folder).output
    wrong = ablate("annotate", "last", "--field", "zone", *folder)
    assert wrong.exit_code == 2
    assert "--field 'zone': write KEY=VALUE" in wrong.output
