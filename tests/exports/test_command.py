"""``ablate sessions export``: what it refuses, what it says, what it leaves behind."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controller.commands.sessions import sessions
from controller.exports import export as exporting
from controller.exports import parquet
from controller.exports.export import ExportError, export
from controller.records.tables import Missing
from tests.exports.sessions import spoil, write


def ablate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(sessions, ["export", *map(str, arguments)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "sessions")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_the_folder_is_named(path: Path, out: Path) -> None:
    told = ablate("last", "--format", "csv", "--folder", path.parents[3], "--out", out)
    assert told.exit_code == 0
    assert told.output == f"{out / path.stem}-csv\n"


def test_json(path: Path, out: Path) -> None:
    (row,) = json.loads(ablate(path, "--format", "csv", "--out", out, "--json").output)
    assert row["files"] == ["channels.csv", "datapackage.json", "events.csv", "samples.csv", "ticks.csv"]
    assert row["rows"] == {"ticks": 5, "samples": 14, "events": 3, "channels": 4}
    assert (row["verified"], row["closed"], row["note"]) == (True, True, "")


def test_what_is_there_is_not_overwritten(path: Path, out: Path) -> None:
    assert ablate(path, "--format", "csv", "--out", out).exit_code == 0
    (out / f"{path.stem}-csv" / "mine.txt").write_text("notes")
    again = ablate(path, "--format", "csv", "--out", out)
    assert again.exit_code == 1
    assert "is there already; --force replaces it" in again.output
    assert (out / f"{path.stem}-csv" / "mine.txt").exists()
    assert ablate(path, "--format", "csv", "--out", out, "--force").exit_code == 0
    assert not (out / f"{path.stem}-csv" / "mine.txt").exists()
    assert [entry.name for entry in out.iterdir()] == [f"{path.stem}-csv"]


def test_a_changed_record_is_not_exported_silently(path: Path, out: Path) -> None:
    other = write(out.parent / "sessions")
    spoil(path)
    told = ablate(path, other, "--format", "csv", "--out", out)
    assert told.exit_code == 8
    assert "NOT as recorded" in told.output
    assert "--unverified" in told.output
    assert [entry.name for entry in out.iterdir()] == [f"{other.stem}-csv"]
    anyway = ablate(path, "--format", "csv", "--out", out, "--unverified")
    assert anyway.exit_code == 0
    assert "NOT as recorded" in anyway.output
    package = json.loads((out / f"{path.stem}-csv" / "datapackage.json").read_text())
    assert package["openablate"]["verification"]["ok"] is False
    assert package["openablate"]["verification"]["problems"]


def test_a_live_record_says_so(tmp_path: Path, out: Path) -> None:
    path = write(tmp_path, close=False)
    told = ablate(path, "--format", "csv", "--out", out, "--json")
    (row,) = json.loads(told.output)
    assert told.exit_code == 0
    assert row["closed"] is False
    assert "as recorded so far, 5 ticks" in row["note"]


def test_what_is_no_session(tmp_path: Path, out: Path) -> None:
    (tmp_path / "foreign.ablate").write_bytes(b"\0" * 5000)
    told = ablate(tmp_path / "foreign.ablate", "--format", "csv", "--out", out)
    assert "this is not a session file" in str(told.exception)
    assert not out.exists()


def test_excel_is_csv(path: Path, out: Path) -> None:
    told = ablate(path, "--format", "parquet", "--excel", "--out", out)
    assert told.exit_code == 2
    assert "--excel is a flavour of --format csv" in told.output


def test_a_missing_library_is_named(path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> object:
        raise Missing("pyarrow is needed for this and is not installed: pip install 'openablate[export]'")

    monkeypatch.setattr(parquet, "write_table", gone)
    told = ablate(path, "--format", "parquet", "--out", out)
    assert told.exit_code == 1
    assert "pip install 'openablate[export]'" in told.output
    assert [p for p in out.rglob("*") if p.is_file()] == []


def test_nothing_half_written_is_left(path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting.datapackage, "write", full)
    with pytest.raises(ExportError, match=r"cannot be written \(.*No space left on device\); check the folder"):
        export(path, out, "csv")
    assert list(out.iterdir()) == []


def test_a_damaged_row_ends_the_export(path: Path, out: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("UPDATE samples SET channel = 77 WHERE id = 1")
    db.commit()
    db.close()
    told = ablate(path, "--format", "csv", "--out", out, "--unverified")
    assert "a sample names a channel that is not there" in str(told.exception)
    assert not out.exists()
