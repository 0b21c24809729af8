"""One verdict for a session file, told from all its applications: in lists, reports, JUnit and the panel's library."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from controller.commands.sessions import sessions
from controller.panel.library_index import Index
from controller.records.outcome import CUT_OFF, NO_APPLICATION, UNDER_WAY, outcome
from controller.records.reader import open_session
from controller.records.session import Recorder, TickRow
from controller.report import junit

LEFT = "left"  # an application without its end


def write(folder: Path, *results: str, close: bool = True) -> Recorder:
    """An application of 10 s and 1 kJ for each result; each has a tick after 4 s with 400 J."""
    recorder = Recorder.create(folder, {"bench": "rf", "simulated": True}, [], threaded=False)
    for number, result in enumerate(results, 1):
        t_s, head = 100.0 * number, {"number": number, "target": None, "index": None, "protocol": "ours"}
        recorder.event(t_s, "application", head)
        recorder.tick(TickRow(number, t_s + 4.0, "FIRING", 100.0, 200.0, 100.0, 3, [], {}, 400.0))
        if result == LEFT:
            continue
        reason = "let go" if result == "aborted" else None
        end = {"result": result, "reason": reason, "energy_j": 1000.0, "on_time_s": 10.0, "rolloffs": 1}
        recorder.event(t_s + 10.0, "application_end", {**head, **end})
        told = {"result": result, "reason": reason, "duration_s": 10.0, "energy_j": 1000.0, "time_to_off_s": None}
        recorder.event(t_s + 10.1, "result", {**told, "zone": {"volume_ml": 3.5}})
    if close:
        recorder.close({"result": "completed", "duration_s": 10.0, "energy_j": 1000.0})
    return recorder


def killed(folder: Path, *results: str) -> Path:
    """What a killed daemon leaves: no end of the session, and nobody who writes it."""
    recorder = write(folder / "live", *results, close=False)
    left = folder / "killed"
    left.mkdir()
    for end in ("", "-wal"):
        shutil.copyfile(f"{recorder.path}{end}", left / f"{recorder.path.name}{end}")
    recorder.close()
    return left / recorder.path.name


def ablate(*arguments: str) -> str:
    told = CliRunner().invoke(sessions, arguments)
    assert told.exit_code == 0, told.output
    return told.output


def test_the_last_application_was_cut_off(tmp_path: Path) -> None:
    path = killed(tmp_path, "completed", LEFT)
    folder = ("--folder", str(path.parent))
    (row,) = json.loads(ablate("list", *folder, "--json"))
    assert (row["result"], row["verdict"]) == (CUT_OFF, "2 applications: 1 completed, 1 cut off")
    assert (row["duration_s"], row["energy_j"], row["whole"]) == (14.0, 1400.0, False)
    assert "2 applications: 1 completed, 1 cut off  14.0 s  1.40 kJ on record" in ablate("list", *folder)
    shown = ablate("show", str(path))
    assert "result       2 applications: 1 completed, 1 cut off\n" in shown
    assert "energy_j     1400.0 on record\n" in shown
    assert "cut off     4.0 s  0.40 kJ on record  the record has no end of this application: its daemon" in shown
    told = json.loads(ablate("show", str(path), "--json"))["outcome"]
    assert [one["result"] for one in told["applications"]] == ["completed", CUT_OFF]


def test_the_only_application_was_cut_off(tmp_path: Path) -> None:
    path = killed(tmp_path, LEFT)
    assert "cut off     4.0 s  0.40 kJ on record" in ablate("list", "--folder", str(path.parent))


def test_the_report_says_it_too(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'openablate[report]'")
    from controller.report.page import render

    with open_session(killed(tmp_path, "completed", LEFT)) as session:
        page = render(session)
    assert "<title>rf: 2 applications: 1 completed, 1 cut off</title>" in page
    assert "<div class='tile aborted'><b>2 applications: 1 completed, 1 cut off</b>" in page
    assert "<b>14 s on record</b><span>time of energy of all</span>" in page
    assert "<td>cut off</td><td>4 s on record</td><td>400 J on record</td>" in page


def test_junit_and_the_library_say_it_too(tmp_path: Path) -> None:
    path = killed(tmp_path, "completed", LEFT)
    with open_session(path) as session:
        error = junit.suite(session).find("testcase/error")
    assert error is not None
    assert error.get("type") == CUT_OFF
    (row,) = Index(path.parent).list(10, 0, "", {}, 10.0).sessions
    assert row.result == CUT_OFF
    assert row.result_text.startswith("2 applications: 1 completed, 1 cut off; the record has no end of this")


def test_while_its_daemon_lives_it_is_under_way(tmp_path: Path) -> None:
    recorder = write(tmp_path, "completed", LEFT, close=False)
    (listed,) = json.loads(ablate("list", "--folder", str(tmp_path), "--json"))
    (row,) = Index(tmp_path).list(10, 0, "", {}, 10.0).sessions
    recorder.close()
    assert (listed["result"], listed["verdict"]) == (UNDER_WAY, "2 applications: 1 completed, 1 under way")
    assert (row.result, CUT_OFF in row.result_text, row.being_written) == (UNDER_WAY, False, True)


def test_an_ordinary_day_is_seen_whole(tmp_path: Path) -> None:
    recorder = write(tmp_path, "completed", "aborted", "completed")
    with open_session(recorder.path) as session:
        ended = outcome(session)
    assert (ended.result, ended.text) == ("aborted", "3 applications: 2 completed, 1 aborted")
    assert ended.counts == {"completed": 2, "aborted": 1}
    assert ended.delivered == "30.0 s  3.00 kJ"
    assert (ended.facts["reason"], ended.facts["rolloffs"], ended.facts["zone"]) == ("let go", 3, {"volume_ml": 3.5})


def test_an_end_without_its_result_is_not_told_by_the_one_before(tmp_path: Path) -> None:
    recorder = write(tmp_path, "completed", LEFT, close=False)
    end = {"number": 2, "protocol": "ours", "result": "aborted", "energy_j": 450.0, "on_time_s": 4.5}
    recorder.event(205.0, "application_end", end)
    recorder.close({"result": "aborted", "duration_s": 4.5, "energy_j": 450.0})
    with open_session(recorder.path) as session:
        ended = outcome(session)
    assert (ended.text, ended.delivered) == ("2 applications: 1 completed, 1 aborted", "14.5 s  1.45 kJ")


def test_a_bench_that_was_only_served_had_no_application(tmp_path: Path) -> None:
    recorder = Recorder.create(tmp_path, {"bench": "rf", "simulated": True}, [], threaded=False)
    recorder.close({"result": "aborted", "reason": None, "duration_s": 0.0, "energy_j": 0.0})
    listed = ablate("list", "--folder", str(tmp_path))
    assert NO_APPLICATION in listed
    assert "aborted" not in listed
    assert "0.0 s" not in listed
