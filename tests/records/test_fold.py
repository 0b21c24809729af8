"""What a killed writer left becomes one clean file, and nobody else ever writes while a writer lives."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from controller.records.annotations import annotate
from controller.records.fold import fold, fold_all
from controller.records.hold import Hold, being_written, held
from controller.records.opening import connect
from controller.records.session import Recorder, RecordError
from controller.records.verify import verify
from tests.records.recording import CHANNELS, HEADER, row, write


@contextmanager
def writer(folder: Path, repository: Path, rate_hz: int) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that records, until it is killed."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.records.recording", str(folder), str(rate_hz)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=repository,
    )
    assert child.stdout is not None
    try:
        path = Path(child.stdout.readline().strip())
        child.stdout.readline()
        yield child, path
    finally:
        child.kill()
        child.stdout.close()
        child.wait()


def left(path: Path, folder: Path) -> Path:
    """A session as its killed writer leaves it: the file and its log."""
    recorder = Recorder.create(folder / "live", HEADER, CHANNELS, threaded=False)
    for seq in range(150):
        recorder.tick(row(seq))
    recorder.event(7.5, "trip")
    for end in ("", "-wal"):
        shutil.copyfile(f"{recorder.path}{end}", f"{path}{end}")
    recorder.close()
    shutil.rmtree(folder / "live")
    return path


def test_only_the_writer_writes_while_it_lives_and_the_log_is_folded_in_after(tmp_path: Path, repository: Path) -> None:
    """The WAL-reset bug of SQLite needs a second connection that writes or checkpoints: there is none."""
    with writer(tmp_path, repository, 400) as (child, path):
        for _ in range(60):
            assert being_written(path)
            assert not fold(path)
            with pytest.raises(
                RecordError, match="the session is being written or read; annotate it when it has ended"
            ):
                annotate(path, "somebody", {"note": "now"})
            with closing(connect(path)) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
                reader.execute("DELETE FROM samples")
        with closing(connect(path)) as reader, pytest.raises(sqlite3.OperationalError):
            reader.execute("PRAGMA wal_checkpoint(PASSIVE)")
        while verify(path).last_tick is None:
            time.sleep(0.01)
        assert child.poll() is None
        child.kill()
        child.wait()
    before = verify(path)
    assert before.ok
    assert before.last_tick is not None
    assert before.ticks == before.last_tick + 1 > 0
    assert not being_written(path)
    assert fold(path)
    assert [part.name for part in path.parent.iterdir()] == [path.name]
    after = verify(path)
    assert (after.verdict, after.head, after.ticks) == ("unfinished", before.head, before.ticks)


def test_no_other_code_opens_a_session_to_write(repository: Path) -> None:
    """Whoever connects to a session other than through :mod:`opening` is named here, and holds the file."""
    records = {path.name: path.read_text() for path in (repository / "controller/records").glob("*.py")}
    writers = {name for name, text in records.items() if "sqlite3.connect(" in text.replace("mode=ro", "")}
    assert writers == {"annotations.py", "fold.py", "opening.py", "store.py"}
    for name in ("annotations.py", "fold.py"):
        assert "with held(path) as mine" in records[name]


def test_a_session_that_is_read_is_folded_in_later(tmp_path: Path) -> None:
    path = left(tmp_path / "left.ablate", tmp_path)
    with closing(connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM ticks").fetchone()
        assert not fold(path)
    assert fold(path)
    assert verify(path).ticks == 150


def test_a_folder_is_folded_in_whole(tmp_path: Path) -> None:
    paths = [left(tmp_path / f"{name}.ablate", tmp_path) for name in "ab"]
    foreign = tmp_path / "foreign"
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE theirs(x)")
        fold_all(tmp_path)
        assert {part.name for part in tmp_path.iterdir()} == {
            "a.ablate",
            "b.ablate",
            "foreign",
            "foreign-wal",
            "foreign-shm",
        }
    assert [verify(path).ticks for path in paths] == [150, 150]


def damage(path: Path, commit: int) -> bytes:
    """Change a byte of the log behind that many commits; the log as it is then."""
    log = Path(f"{path}-wal")
    whole = bytearray(log.read_bytes())
    ends = [at for at in range(32, len(whole), 4096 + 24) if whole[at + 4 : at + 8] != bytes(4)]
    whole[ends[commit - 1] + 2 * 4120 if commit else 32] ^= 1
    log.write_bytes(whole)
    return bytes(whole)


def test_a_log_that_a_disk_damaged_is_kept_aside(tmp_path: Path) -> None:
    path = left(tmp_path / "left.ablate", tmp_path)
    log = damage(path, 1)
    assert fold(path)
    assert Path(f"{path}-wal.cut").read_bytes() == log
    result = verify(path)
    assert (result.verdict, result.batches) == ("unfinished", 1)


def test_a_log_of_which_nothing_can_be_read_is_not_touched(tmp_path: Path) -> None:
    path = left(tmp_path / "left.ablate", tmp_path)
    log = damage(path, 0)
    assert not fold(path)
    assert Path(f"{path}-wal").read_bytes() == log
    with pytest.raises(RecordError, match="it is empty"):
        verify(path)


def test_an_annotation_that_was_cut_short_is_undone(tmp_path: Path) -> None:
    """A rollback journal beside the file: the next to use it takes back what was half written."""
    path = write(tmp_path / "s", ticks=3).path
    before = path.read_bytes()
    writing = sqlite3.connect(path, isolation_level=None)
    writing.execute("PRAGMA cache_size=1")
    writing.execute("BEGIN")
    writing.execute("INSERT INTO annotations VALUES(1,'','','note','\"x\"',x'00',x'00')")
    writing.execute("UPDATE samples SET value=1")
    torn = tmp_path / "torn.ablate"
    for end in ("", "-journal"):
        shutil.copyfile(f"{path}{end}", f"{torn}{end}")
    writing.execute("ROLLBACK")
    writing.close()
    assert verify(torn).ok
    assert fold(torn)
    assert not Path(f"{torn}-journal").exists()
    assert verify(torn).head == verify(path).head
    assert path.read_bytes() == before


def test_a_writer_waits_for_its_lock_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To ask whether a file is being written takes that lock for a moment."""
    monkeypatch.setattr("controller.records.hold.PATIENCE_S", 0.02)
    path = tmp_path / "new.ablate"
    path.touch()
    with held(path) as mine:
        assert mine
        with pytest.raises(BlockingIOError, match="another process holds the new file"):
            Hold(path, os.open(path, os.O_RDONLY))
    hold = Hold(path, os.open(path, os.O_RDONLY))
    assert being_written(path)
    hold.release()
    assert not being_written(path)
