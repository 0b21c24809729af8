"""``ablate sessions``: list, show, report, verify."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controller.commands.sessions import sessions
from controller.records.session import Recorder
from tests.records.recording import CHANNELS, HEADER, row, write


def ablate(*arguments: str) -> Result:
    return CliRunner().invoke(sessions, arguments)


def spoil(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("UPDATE samples SET value = 0 WHERE id = 3")
    db.commit()
    db.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, ticks=10)
    return tmp_path


def test_list(folder: Path) -> None:
    (folder / "foreign.ablate").write_text("hello")
    told = ablate("list", "--folder", str(folder)).output
    assert "cooled-rf" in told
    assert "completed" in told
    assert "simulated" in told
    assert "unreadable: this is not a session file" in told
    rows = json.loads(ablate("list", "--folder", str(folder), "--json").output)
    assert [row.get("result") for row in rows] == ["completed", None]


def test_an_empty_folder_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    elsewhere = "--folder names another place; `ablate demo` makes one"
    assert ablate("list", "--folder", str(tmp_path)).output == f"no sessions in {tmp_path}; {elsewhere}\n"
    none = ablate("show", "last", "--folder", str(tmp_path))
    assert none.exit_code == 2
    assert f"there are no sessions in {tmp_path}; {elsewhere}" in none.output


def test_after_a_demonstration_its_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "demo-out", ticks=10)
    assert "those of `ablate demo` are in demo-out: --folder demo-out" in ablate("list").output
    assert "those of `ablate demo` are in demo-out: --folder demo-out" in ablate("show", "last").output


def test_show(folder: Path) -> None:
    told = ablate("show", "last", "--folder", str(folder)).output
    assert "gen.power_w                    10 samples  30 to 30 W" in told
    assert "tc.tip_c                       10 samples  no good reading" in told
    assert "10 ticks from t = 0.00 to 0.45 s" in told
    facts = json.loads(ablate("show", "0000", "--folder", str(folder), "--json").output)
    assert facts["header"]["bench"] == "cooled-rf"
    assert [event["kind"] for event in facts["events"]] == ["state", "trip"]
    assert facts["summary"]["result"] == "completed"


def test_a_name_that_means_nothing_or_too_much(folder: Path) -> None:
    nothing = ablate("show", "ZZZ", "--folder", str(folder))
    assert nothing.exit_code == 2
    assert "there is no session 'ZZZ': no such file, and no such id in" in nothing.output
    write(folder, ticks=1)
    many = ablate("show", "2026", "--folder", str(folder))
    assert many.exit_code == 2
    assert "may mean any of 2 sessions" in many.output


def test_verify(folder: Path) -> None:
    good = ablate("verify", "last", "--folder", str(folder))
    assert good.exit_code == 0
    assert good.output.startswith("OK  ")
    path = write(folder, ticks=10).path
    spoil(path)
    bad = ablate("verify", "last", "--folder", str(folder))
    assert bad.exit_code == 8
    assert "NOT as recorded: batch 2" in bad.output
    both = ablate("verify", str(path), "last", "--folder", str(folder), "--json")
    assert both.exit_code == 8
    assert [row["ok"] for row in json.loads(both.output)] == [False, False]


def test_verify_a_live_session(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, HEADER, CHANNELS, threaded=False)
    recorder.tick(row(0))
    recorder.event(0.0, "trip")
    live = ablate("verify", "last", "--folder", str(tmp_path), "--json")
    told = ablate("verify", "last", "--folder", str(tmp_path), "--finished")
    recorder.close()
    assert told.exit_code == 8
    assert told.output.startswith("UNFINISHED  ")
    assert "unfinished (still being written, or its writer was killed): as recorded so far, 1 ticks" in told.output
    assert live.exit_code == 0
    assert json.loads(live.output)[0]["closed"] is False
    assert json.loads(live.output)[0]["verdict"] == "unfinished"
    assert json.loads(live.output)[0]["last_tick"] == 0


def test_verify_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "foreign.ablate").write_bytes(b"\0" * 5000)
    told = ablate("verify", str(tmp_path / "foreign.ablate"))
    assert told.exit_code == 8
    assert "this is not a session file" in told.output


def test_report(folder: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'openablate[report]'")
    told = ablate("report", "last", "--folder", str(folder))
    assert told.exit_code == 0
    page = Path(told.output.strip())
    assert page.suffix == ".html"
    assert "SIMULATED" in page.read_text()
    refused = ablate("report", "last", "--folder", str(folder), "-o", str(folder / "no" / "where.html"))
    assert refused.exit_code == 1
    assert "cannot be written" in refused.output


def test_a_hostile_name_does_not_steer_the_terminal(tmp_path: Path) -> None:
    write(tmp_path, ticks=1, bench="x\x1b[2Jy")
    told = ablate("list", "--folder", str(tmp_path)).output
    assert "\x1b" not in told
    assert "x?[2Jy" in told


def test_what_a_killed_writer_left_becomes_one_file(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path / "live", HEADER, CHANNELS, threaded=False)
    recorder.tick(row(0))
    recorder.event(0.0, "trip")
    folder = tmp_path / "killed"
    folder.mkdir()
    for words in (["list", "--folder", str(folder)], ["verify", str(folder / "x.ablate")]):
        for end in ("", "-wal"):
            shutil.copyfile(f"{recorder.path}{end}", folder / f"x.ablate{end}")
        assert ablate(*words).exit_code == 0
        assert [part.name for part in folder.iterdir()] == ["x.ablate"]
    recorder.close()


def test_the_clock_of_a_rehearsal_was_not_set(tmp_path: Path) -> None:
    from controller.config.setup import load
    from controller.records.verify import verify
    from sim.rehearsal import rehearse

    result = rehearse(load("cooled-rf-sim", "demo-30s"), seed=1, out=tmp_path)
    assert verify(result["session_file"]).notes == ()
