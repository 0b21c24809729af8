"""A session becomes a test that runs by itself, and fails when today's code decides otherwise."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from controller import cli
from controller.replay import ReplayError, read, replay
from controller.replay.fixture import write
from tests.replay.sessions import recorded

pytest_plugins = ["pytester"]

INI = "[pytest]\nfilterwarnings = error\n"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of the demonstration."""
    return recorded("demo-30s", tmp_path_factory.mktemp("session"), seconds=4.0)


def test_the_data_hold_the_recording_exactly(session: Path, tmp_path: Path):
    recording = read(session)
    _, data = write(recording, 1, tmp_path)
    again = read(data)
    assert (again.ticks, again.events) == (recording.ticks, recording.events)
    assert [again.channels[s.channel] for s in again.samples] == [
        recording.channels[s.channel] for s in recording.samples
    ]
    assert [s[2:] for s in again.samples] == [s[2:] for s in recording.samples]
    assert replay(again).equal
    assert data.stat().st_size < session.stat().st_size / 4


def test_it_runs_green_in_a_project_of_its_own(session: Path, pytester: pytest.Pytester):
    assert cli.run(["sessions", "replay", str(session), "--as-fixture", str(pytester.path / "sessions")]) == 0
    pytester.makeini(INI)
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:cacheprovider", "sessions")
    result.assert_outcomes(passed=1)


def test_it_is_red_where_the_kernel_is_another(
    session: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    from safety.monitors.power import OverPower

    write(read(session), replay(read(session)).ticks, pytester.path)
    pytester.makeini(INI)
    monkeypatch.setattr(OverPower, "update", lambda self, memory, view: 1 / 0)
    result = pytester.runpytest_inprocess("-p", "no:asyncio", "-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*differs at tick 1,*in BOOT:*"])


def test_no_fixture_is_made_of_what_differs(session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    given = ["--as-fixture", str(tmp_path / "new"), "--set", "thresholds.power_ratio=1"]
    assert cli.run(["sessions", "replay", str(session), *given]) == 2
    assert "leave --set away" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"nothing", "it is no fixture"),
        (gzip.compress(json.dumps({"version": 9}).encode(), mtime=0), "read it with a newer openablate"),
        (gzip.compress(json.dumps({"version": 1}).encode(), mtime=0), "make it anew with --as-fixture"),
    ],
)
def test_what_is_no_fixture_is_said(data: bytes, said: str, tmp_path: Path):
    path = tmp_path / "some.replay.json.gz"
    path.write_bytes(data)
    with pytest.raises(ReplayError, match=said):
        read(path)
