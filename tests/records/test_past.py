"""A record that was changed keeps its bench from starting, until somebody has said that he knows."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from controller import cli
from controller.records import past
from controller.records.past import VerificationError, check, remember
from controller.records.session import Recorder
from controller.records.verify import verify
from tests.records.recording import CHANNELS, HEADER, row, write


class Bench:
    """Folders of one bench, and a record in them."""

    def __init__(self, root: Path) -> None:
        self.folder, self.state, self.accepted = root / "sessions", root / "state", root / "accepted.jsonl"
        self.state.mkdir()
        self.path = write(self.folder).path

    def check(self) -> None:
        check(self.folder, "cooled-rf", self.state, self.accepted)

    def tamper(self, statement: str = "UPDATE samples SET value = 1 WHERE id = 101") -> None:
        db = sqlite3.connect(self.path)
        db.execute(statement)
        db.commit()
        db.close()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_record_that_is_as_it_was_lets_the_bench_start(bench: Bench) -> None:
    bench.check()
    remember(bench.path, bench.state)
    assert json.loads((bench.state / "last-record.json").read_text())["file"] == str(bench.path)
    bench.check()
    bench.path.unlink()  # archives are moved
    bench.check()
    shutil.rmtree(bench.folder)
    bench.check()


def test_a_record_that_was_changed_after_it_was_remembered_is_refused(bench: Bench) -> None:
    remember(bench.path, bench.state)
    bench.tamper()
    with pytest.raises(VerificationError, match="batch 2"):
        bench.check()


def test_a_changed_record_is_refused_until_it_is_accepted(bench: Bench) -> None:
    bench.tamper()
    with pytest.raises(VerificationError, match=r"batch 2 .* was changed after it was recorded.*sessions accept"):
        bench.check()
    past.accept(bench.path, "restored from a copy", bench.accepted)
    bench.check()
    line = json.loads(bench.accepted.read_text())
    assert (line["uid"], line["reason"]) == (os.getuid(), "restored from a copy")
    assert line["problem"].startswith("batch 2")
    bench.tamper("UPDATE samples SET value = 2 WHERE id = 101")  # what was accepted was another content
    with pytest.raises(VerificationError):
        bench.check()


def test_only_the_newest_record_of_this_bench_counts(bench: Bench) -> None:
    bench.tamper()
    check(bench.folder, "another", bench.state, bench.accepted)
    newer = bench.path.with_name(bench.path.name.replace("2026", "2027"))
    good = write(bench.folder.parent / "elsewhere").path
    shutil.copy(good, newer)
    bench.check()


def test_a_record_written_anew_as_a_whole_is_refused(bench: Bench) -> None:
    remember(bench.path, bench.state)
    shutil.copy(write(bench.folder.parent / "elsewhere", power_w=5.0).path, bench.path)
    with pytest.raises(VerificationError, match="it verifies, but does not end as it did when this bench closed it"):
        bench.check()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"text"])
def test_a_remembered_record_that_is_no_session_any_more_is_refused(bench: Bench, content: bytes) -> None:
    remember(bench.path, bench.state)
    bench.path.write_bytes(content)
    with pytest.raises(VerificationError):
        bench.check()


def test_a_writer_that_was_killed_is_no_crime(bench: Bench) -> None:
    bench.path.write_bytes(b"")  # before the first byte
    bench.check()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"file": 1}', "\x00", '{"file": "/none", "head": "00", "sha256": ""}']
)
def test_a_memory_that_cannot_be_read_is_none(bench: Bench, text: str) -> None:
    (bench.state / "last-record.json").write_text(text)
    bench.accepted.write_text("x\n{}\n[1]\n")
    bench.check()
    bench.tamper()
    with pytest.raises(VerificationError):
        bench.check()


def test_a_record_that_nobody_touched_is_not_looked_through_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(bench.path, bench.state)
    seen: list[Path] = []
    monkeypatch.setattr(past, "verify", lambda path: seen.append(path))
    bench.check()
    assert seen == []


def test_what_was_not_closed_is_not_remembered(bench: Bench) -> None:
    bench.tamper("DELETE FROM chain WHERE kind = 'close'")
    remember(bench.path, bench.state)
    remember(bench.folder / "none", bench.state)
    assert list(bench.state.iterdir()) == []


def test_the_command_needs_a_reason(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ABLATE_STATE_DIR", str(bench.folder.parent))
    bench.tamper()
    assert cli.run(["sessions", "accept", str(bench.path), " "]) == 2
    assert cli.run(["sessions", "accept", str(bench.folder), "x"]) == 2
    assert not bench.accepted.exists()
    assert cli.run(["sessions", "accept", "last", "known", "--folder", str(bench.folder)]) == 0
    assert "accepted as it is now, sha256" in capsys.readouterr().out
    bench.check()


def test_the_launcher_starts_nothing_beside_a_changed_record(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.tamper()
    monkeypatch.setenv("ABLATE_STATE_DIR", str(bench.folder.parent))
    assert cli.run(["serve", "cooled-rf-sim", "--out", str(bench.folder)]) == 8


def test_the_log_that_a_killed_writer_left_is_folded_in_before_the_next_start(bench: Bench) -> None:
    recorder = Recorder.create(bench.folder, HEADER, CHANNELS, threaded=False)
    recorder.tick(row(0))
    recorder.event(0.0, "trip")
    killed = recorder.path.with_name("20261123T000000Z_cooled-rf_killed.ablate")
    for end in ("", "-wal"):
        shutil.copyfile(f"{recorder.path}{end}", f"{killed}{end}")
    bench.check()  # while the other is still being written
    assert not Path(f"{killed}-wal").exists()
    assert Path(f"{recorder.path}-wal").exists()
    recorder.close()
    assert verify(killed).ticks == 1
