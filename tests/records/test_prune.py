"""Old sessions go only where that was asked for, where nothing is lost, and never silently."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controller.commands.sessions import sessions
from controller.mqtt.earlier import Ledger
from controller.records.ids import SUFFIX
from controller.records.prune import LOG, choose, remove
from controller.records.session import Recorder, RecordError
from controller.records.verify import verify
from tests.records.recording import CHANNELS, HEADER, row
from tests.records.test_command import spoil

MADE_S = datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp()
NOW = "2026-12-01T00:00:00.000Z"


def ablate(*arguments: str) -> Result:
    return CliRunner().invoke(sessions, arguments)


def record(folder: Path, day: int, sent: int | None = None, **header: object) -> Recorder:
    """A session of a day of November 2026; ``sent``: batches that its broker acknowledged."""
    recorder = Recorder.create(
        folder, {**HEADER, **header}, CHANNELS, utc=lambda: f"2026-11-{day:02}T08:00:00.000Z", threaded=False
    )
    recorder.tick(row(0))
    recorder.tick(row(1))
    if sent is not None:
        recorder.cursor("mqtt", sent)
    recorder.close()
    return recorder


def names(folder: Path) -> list[str]:
    return sorted(path.name[:8] for path in folder.rglob(f"*{SUFFIX}"))


def test_by_age(tmp_path: Path) -> None:
    for day in (1, 10, 20):
        record(tmp_path, day)
    chosen = choose(tmp_path, older_than_days=15, now=NOW)
    assert [(one.utc[:10], one.why, one.keep) for one in chosen] == [
        ("2026-11-01", "older than 15 days", ""),
        ("2026-11-10", "older than 15 days", ""),
    ]
    assert names(tmp_path) == ["20261101", "20261110", "20261120"]


def test_virtual_time_is_as_old_as_its_file(tmp_path: Path) -> None:
    """Every rehearsal says that it began on 2000-01-01."""
    rehearsed = Recorder.create(tmp_path, HEADER, CHANNELS, utc=lambda: "2000-01-01T00:00:00.000Z", threaded=False)
    rehearsed.close()
    os.utime(rehearsed.path, (MADE_S, MADE_S))
    now = "2026-11-23T10:00:00.000Z"
    assert choose(tmp_path, older_than_days=3650, now=now) == []
    (chosen,) = choose(tmp_path, older_than_days=0.01, now=now)
    assert chosen.utc[:16] == "2026-11-23T08:00"
    assert chosen.why == "older than 0.01 days (virtual time: its age is that of its file)"


def test_the_list_has_one_order(tmp_path: Path) -> None:
    record(tmp_path, 24)
    rehearsed = Recorder.create(tmp_path, HEADER, CHANNELS, utc=lambda: "2000-01-01T00:00:00.000Z", threaded=False)
    rehearsed.close()
    os.utime(rehearsed.path, (MADE_S, MADE_S))
    os.utime(record(tmp_path, 22).path)  # annotated today, say
    rows = ablate("list", "--folder", str(tmp_path)).output.splitlines()
    assert [row[:10] for row in rows] == ["2026-11-22", "2026-11-23", "2026-11-24"]
    assert ["(virtual time)" in row for row in rows] == [False, True, False]


@pytest.mark.parametrize("days", ["nan", "inf", "1e30", "100000000", "-1"])
def test_an_age_that_is_none_is_a_wrong_use(tmp_path: Path, days: str) -> None:
    record(tmp_path, 1)
    told = ablate("prune", "--older-than", days, "--folder", str(tmp_path))
    assert (told.exit_code, "36500" in told.output) == (2, True)


def test_by_size_the_oldest_first(tmp_path: Path) -> None:
    size = [record(tmp_path, day).path.stat().st_size for day in (1, 10, 20)]
    chosen = choose(tmp_path, keep_bytes=sum(size) - 1, now=NOW)
    assert [one.utc[:10] for one in chosen] == ["2026-11-01"]
    assert choose(tmp_path, keep_bytes=sum(size), now=NOW) == []
    with pytest.raises(ValueError, match="say what may go"):
        choose(tmp_path)


def test_what_stays(tmp_path: Path) -> None:
    record(tmp_path, 1, outbox=["mqtt"])
    record(tmp_path, 2, sent=1, outbox=["mqtt"])
    record(tmp_path, 3, sent=2, outbox=["mqtt"])
    record(tmp_path, 4, bench_text="bench: x\nmqtt: {host: broker}\n")  # as version 1 tells it
    spoil(record(tmp_path, 5).path)
    (tmp_path / "20261106T080000Z_x_x.ablate").write_text("no session")
    live = Recorder.create(tmp_path, HEADER, CHANNELS, utc=lambda: "2026-11-07T08:00:00.000Z", threaded=False)
    keeps = [one.keep for one in choose(tmp_path, older_than_days=1, now=NOW)]
    assert keeps[:4] == [
        "it is not published: mqtt lacks 3 batches",
        "it is not published: mqtt lacks 1 batches",
        "",
        "it is not published: mqtt lacks 3 batches",
    ]
    assert keeps[4].startswith("it does not verify: ")
    assert keeps[5].startswith("it cannot be read: this is not a session file")
    assert keeps[6] == "it is being written"
    forced = choose(tmp_path, older_than_days=1, now=NOW, force_unpublished=True, force_changed=True)
    assert [one.keep for one in forced] == ["", "", "", "", "", "", "it is being written"]
    live.close()


def test_what_was_published_after_its_end_may_go(tmp_path: Path) -> None:
    recorder = record(tmp_path, 1, sent=-1, outbox=["mqtt"])
    (before,) = choose(tmp_path, older_than_days=1, now=NOW)
    assert before.keep == "it is not published: mqtt lacks 3 batches"
    ledger = Ledger(tmp_path, "cooled-rf")
    ledger.reach(recorder.session_id, 2)
    ledger.save(datetime(2026, 10, 1, tzinfo=UTC))
    (after,) = choose(tmp_path, older_than_days=1, now=NOW)
    assert after.keep == ""


def test_what_goes_is_listed_first(tmp_path: Path) -> None:
    path = record(tmp_path, 1).path
    head, content = verify(path).head, path.read_bytes()
    (choice,) = choose(tmp_path, older_than_days=1, now=NOW)
    remove(tmp_path, choice, "A. Miller")
    assert names(tmp_path) == []
    (line,) = (json.loads(line) for line in (tmp_path / LOG).read_text().splitlines())
    assert (line["who"], line["file"], line["why"]) == ("A. Miller", str(path), "older than 1 days")
    assert (line["sha256"], line["head"], line["verdict"]) == (hashlib.sha256(content).hexdigest(), head, "recorded")


def test_what_changed_meanwhile_stays(tmp_path: Path) -> None:
    path = record(tmp_path, 1).path
    (choice,) = choose(tmp_path, older_than_days=1, now=NOW)
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(RecordError, match="the file has changed since it was chosen; prune again"):
        remove(tmp_path, choice)
    assert path.exists()


def test_command(tmp_path: Path) -> None:
    record(tmp_path, 1)
    record(tmp_path, 2, outbox=["mqtt"])
    folder = ["--folder", str(tmp_path)]
    nothing = ablate("prune", *folder)
    assert nothing.exit_code == 2
    assert "say what may go: --older-than DAYS, or --keep SIZE" in nothing.output
    dry = ablate("prune", "--keep", "0MB", *folder)
    assert "goes: the folder holds 0.1 MB, 0.0 MB may stay" in dry.output
    assert "stays: it is not published: mqtt lacks 3 batches" in dry.output
    assert "would delete 1 of 2 sessions, 0.1 MB; nothing was deleted: --yes does it" in dry.output
    assert names(tmp_path) == ["20261101", "20261102"]
    done = ablate("prune", "--keep", "0", "--yes", *folder)
    assert f"deleted 1 of 2 sessions, 0.1 MB; listed in {tmp_path / LOG}" in done.output
    assert names(tmp_path) == ["20261102"]
    told = json.loads(ablate("prune", "--keep", "0", "--json", *folder).output)
    assert (told["deleted"], told["freed_bytes"], len(told["sessions"])) == (False, 0, 1)
    assert "'ten' is no size: write 500MB or 20GB" in ablate("prune", "--keep", "ten", *folder).output
