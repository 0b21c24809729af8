"""Disks that fill up, folders that are no place, clocks that are wrong, files that another program wrote: a plain
sentence, and what to do."""

from __future__ import annotations

import os
import pickle
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.records.past import doubt
from controller.records.reader import open_session
from controller.records.session import Recorder, RecordError
from controller.records.store import NothingRecorded
from controller.records.verify import verify
from tests.records.recording import CHANNELS, HEADER, row, write


def test_a_file_that_may_not_grow_stops_the_record_and_keeps_what_was_durable(tmp_path: Path, repository: Path) -> None:
    """A real refusal by the system: the file may not become larger than 200 kB (RLIMIT_FSIZE)."""
    program = """
        import resource, sys, time
        from controller.records.session import Recorder
        from tests.records.recording import CHANNELS, HEADER, row
        recorder = Recorder.create(sys.argv[1], HEADER, CHANNELS)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
        seq = 0
        while recorder.status().healthy:
            recorder.tick(row(seq))
            seq += 1
            time.sleep(0.0005)
        print(recorder.path)
        print(recorder.status().text)
        print(seq, round(recorder.status().t_durable_s / 0.05))
        if sys.argv[2] == "passes":
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            recorder.close({"result": "tripped"})
    """
    for then in ("stays", "passes"):
        told = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), str(tmp_path), then],
            capture_output=True,
            text=True,
            cwd=repository,
            check=True,
            timeout=60,
        )
        name, trouble, numbers = told.stdout.splitlines()
        assert trouble.startswith("the session file cannot be written (")
        ticks, durable = map(int, numbers.split())
        result = verify(name)
        assert result.ok
        assert result.ticks == (ticks if then == "passes" else durable + 1)
        assert result.closed is (then == "passes")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordError) as caught:
        Recorder.create(tmp_path / "file" / "sessions", HEADER, CHANNELS)
    assert "session files cannot be written here (Not a directory)" in str(caught.value)
    assert "check records.folder, its permissions and the disk's free space" in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write and read everywhere")
def test_a_folder_and_a_file_without_permission(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir(mode=0o500)
    with pytest.raises(RecordError, match=r"session files cannot be written here \(Permission denied\)"):
        Recorder.create(folder, HEADER, CHANNELS)
    path = write(tmp_path).path
    path.chmod(0)
    with pytest.raises(RecordError, match=r"the file cannot be read .*; check its permissions and its disk"):
        open_session(path)


def _unmade(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode=WAL")


def _half(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA application_id=0x41424C54")
    db.execute("CREATE TABLE header(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT")
    db.execute("CREATE TABLE theirs(x)")


def _foreign(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE theirs(x)")


OTHERS: dict[str, tuple[Callable[[sqlite3.Connection], None], str]] = {
    "killed before it held anything": (_unmade, "it is empty .*; look for another copy; if there is none, delete it"),
    "half made": (
        _half,
        "has no table arrays, chain, channels.*: another program wrote to it, or the copy",
    ),
    "another program's": (_foreign, "it was made by another program; session files end in .ablate"),
}


@pytest.mark.parametrize(("make", "said"), OTHERS.values(), ids=OTHERS)
def test_files_of_other_programs(tmp_path: Path, make: Callable[[sqlite3.Connection], None], said: str) -> None:
    path = tmp_path / "x.ablate"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=1")
        make(db)
        db.commit()
    with pytest.raises(RecordError, match=said):
        open_session(path)


def test_a_file_that_never_held_anything_is_no_reason_not_to_start(tmp_path: Path) -> None:
    path = tmp_path / "x.ablate"
    path.touch()
    with pytest.raises(NothingRecorded):
        verify(path)
    assert doubt(path) == ""
    assert doubt(path, head="00").startswith("this is not a session file: it is empty")


CHANGES = {
    "an index": "CREATE INDEX theirs ON samples(channel)",
    "a view": "CREATE VIEW theirs AS SELECT * FROM samples",
    "a table": "CREATE TABLE theirs(x)",
}


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
def test_what_another_program_added_is_named(tmp_path: Path, statement: str) -> None:
    path = write(tmp_path, ticks=3).path
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
    assert verify(path).problems == ("'theirs' is not of the session's writer: another program changed the file",)


def test_a_cursor_beyond_the_end_shows_that_the_end_was_cut_off(tmp_path: Path) -> None:
    """All of the last batches, and what they hold: only who was sent them knows."""
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS, threaded=False)
    for seq in range(10):
        recorder.tick(row(seq))
        recorder.event(seq * 0.05, "trip")
    recorder.cursor("mqtt", recorder.head)
    recorder.close()
    with closing(sqlite3.connect(recorder.path)) as db:
        for statement in (
            "DELETE FROM chain WHERE n>8",
            "DELETE FROM ticks WHERE seq>7",
            "DELETE FROM samples WHERE tick>7",
            "DELETE FROM events WHERE seq>8",
            "DELETE FROM summary",
        ):
            assert db.execute(statement).rowcount >= 0
        db.commit()
    assert verify(recorder.path).problems == ("mqtt was sent batch 10, but the file ends with batch 8",)
    with closing(sqlite3.connect(recorder.path)) as db:
        db.execute("DELETE FROM cursor")
        db.commit()
    assert verify(recorder.path).verdict == "unfinished"


def clock(*labels: str) -> Iterator[str]:
    yield from labels


def test_a_wrong_clock_is_said_and_is_no_change(tmp_path: Path) -> None:
    labels = clock("1970-01-01T00:01:40.000Z", "1970-01-01T00:01:40.000Z", "2026-11-22T08:00:00.000Z")
    recorder = Recorder.create(
        tmp_path, {**HEADER, "simulated": False}, CHANNELS, utc=lambda: next(labels), threaded=False
    )
    recorder.event(100.0, "start")
    recorder.event(110.0, "end")
    recorder.close()
    assert recorder.path.parent == tmp_path / "1970/01/01"
    result = verify(recorder.path)
    assert result.verdict == "recorded"
    assert result.notes == (
        "the clock of the machine was wrong: it said 1970-01-01T00:01:40.000Z",
        "the clock of the machine was set meanwhile, by 1795334290 s; t is not affected",
    )


def test_an_error_comes_back_whole_from_another_process():
    error = pickle.loads(pickle.dumps(RecordError(Path("a.ablate"), "it is gone", "look for it")))
    assert (str(error), error.remedy) == ("a.ablate: it is gone; look for it", "look for it")
