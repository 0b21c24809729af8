"""Files of version 1 are read, verified and annotated; nothing of them is written anew."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from controller.records.annotations import annotate
from controller.records.migrations import HISTORY
from controller.records.reader import open_session
from controller.records.schema import COLUMNS, SCHEMA_VERSION
from controller.records.verify import verify
from tests.records.test_page import VERSION_1

HEAD = "0cc9144c31db3dd9dad02bd6fcefd08f6e302c92293e19531ad66ea9a955ea11"


def rows(path: Path) -> list[object]:
    db = sqlite3.connect(path)
    found: list[object] = [
        db.execute(f"SELECT {columns} FROM {table}").fetchall() for table, (columns, _) in COLUMNS.items()
    ]
    found.append(db.execute("SELECT * FROM header").fetchall())
    db.close()
    return found


def test_version_1_is_read_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "old.ablate"
    shutil.copyfile(VERSION_1, path)
    with open_session(path) as session:
        assert session.series("gen.power_w").value.tolist() == [30.0] * 40
        assert session.ticks().seq.tolist() == list(range(40))
        assert [event.kind for event in session.events()] == ["state", "trip"]
        assert session.summary == {"result": "completed", "energy_j": 300.0}
        assert session.annotations() == []
        assert session.metadata()["title"] == "cooled-rf, 2026-11-22T04:25:00.000Z"
    result = verify(path)
    assert (result.verdict, result.head, result.annotations) == ("recorded", HEAD, 0)
    assert path.read_bytes() == VERSION_1.read_bytes()
    assert [part.name for part in tmp_path.iterdir()] == ["old.ablate"]


def test_an_annotation_adds_to_version_1_and_touches_no_row(tmp_path: Path) -> None:
    path = tmp_path / "old.ablate"
    shutil.copyfile(VERSION_1, path)
    annotate(path, "A. Miller", {"licence": "CC0-1.0"})
    result = verify(path)
    assert (result.verdict, result.head, result.annotations) == ("recorded", HEAD, 1)
    assert rows(path) == rows(VERSION_1)
    with open_session(path) as session:
        assert session.metadata()["licence"] == "CC0-1.0"
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (2,)
    db.close()


def test_what_the_writer_did_not_make_is_found(tmp_path: Path) -> None:
    path = tmp_path / "old.ablate"
    shutil.copyfile(VERSION_1, path)
    db = sqlite3.connect(path)
    db.execute("CREATE TRIGGER quiet AFTER DELETE ON samples BEGIN SELECT 1; END")
    db.commit()
    db.close()
    assert verify(path).problems == ("'quiet' is not of the session's writer: another program changed the file",)


def test_every_version_has_its_history() -> None:
    assert list(HISTORY) == list(range(1, SCHEMA_VERSION + 1))
