"""The table of benchmarks: how rows are judged, shown and made a page of."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import page
from benchmarks.goals import GOALS
from benchmarks.rows import Row, at_least, at_most, beside, command, show

ROWS = [
    at_most("a tick", 18.0, "us", 20.0),
    at_least("rows", 900.0, "/s", 1000.0, "slow disk"),
    beside("a query", 30.0, "us", "blocking", 20.0, 1.6),
    beside("a query", 30.0, "us", "blocking", 10.0, None),
]


def test_rows_are_judged_by_their_targets() -> None:
    assert [(row.met, row.ratio) for row in ROWS] == [(True, None), (False, None), (True, 1.5), (None, 3.0)]
    assert show(ROWS[1]).split() == ["rows", "900.0", "/s", ">=", "1000", "/s", "NOT", "MET", "slow", "disk"]


def test_a_command_prints_rows_as_json_and_says_by_its_code_that_one_is_missed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def measured(given: argparse.Namespace) -> Iterator[Row]:
        asked.append(given.seconds)
        yield from ROWS

    monkeypatch.setattr(sys, "argv", ["benchmark", "--json", "--seconds", "0.5"])
    assert command("A benchmark.", measured, seconds=(float, 4.0, "length")) == 1
    assert asked == [0.5]
    assert [Row(**json.loads(line)) for line in capsys.readouterr().out.splitlines()] == ROWS


def told() -> dict[str, Any]:
    when = {"utc": "2026-11-22 21:00", "revision": "abc", "load": 0.1, "quick": False}
    rows = [row._asdict() for row in ROWS]
    where = {"python": "3.11.7", "system": "Linux", "processor": "a processor", "cores": 2}
    return {**where, "when": {"tick": when}, "rows": {"tick": rows}}


def test_the_page_shows_what_is_not_met() -> None:
    text = page.render(told())
    assert "2 of 3 targets met." in text
    assert "| rows | 900.0 /s |  |  |  | >= 1000 /s | NOT MET | slow disk |" in text
    assert "NOT MET (1 of 3): rows" in text
    assert "| not measured here |" in text


def test_one_measured_anew_leaves_the_others_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "bench.json"
    file.write_text(json.dumps(told()))
    monkeypatch.setattr(benchmarks, "run", lambda name, options: [at_most(name, 1.0, "us", 2.0)])
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--only", "laws", "--out", str(file)])
    assert benchmarks.main() == 0
    found = json.loads(file.read_text())
    assert found["rows"]["tick"] == told()["rows"]["tick"]
    assert found["rows"]["laws"][0]["what"] == "laws"
    assert set(found["when"]) == {"tick", "laws"}


def test_a_fresh_clone_keeps_what_the_committed_page_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmarks.write_page(told(), tmp_path / "performance.md")
    assert "2 of 3 targets met." in (tmp_path / "performance.md").read_text()
    monkeypatch.setattr(benchmarks, "COMMITTED", tmp_path / "performance.json")
    monkeypatch.setattr(benchmarks, "run", lambda name, options: [at_most(name, 1.0, "us", 2.0)])
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--only", "laws", "--out", str(tmp_path / "bench.json")])
    assert benchmarks.main() == 0
    assert set(json.loads((tmp_path / "bench.json").read_text())["rows"]) == {"tick", "laws"}


def test_the_committed_page_is_what_its_data_say(repository: Path) -> None:
    data = json.loads((repository / "docs" / "performance.json").read_text(encoding="utf-8"))
    assert page.render(data) == (repository / "docs" / "performance.md").read_text(encoding="utf-8")


def test_words_between_the_rows_are_shown_and_are_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "benchmarks").mkdir()
    row = json.dumps(ROWS[0]._asdict())
    (tmp_path / "benchmarks" / "wordy.py").write_text(f"print('a library greets')\nprint('[1]')\nprint({row!r})\n")
    monkeypatch.setattr(benchmarks, "ROOT", tmp_path)
    assert benchmarks.run("wordy", ()) == [ROWS[0]]
    assert "a library greets\n[1]\n" in capsys.readouterr().out


def test_every_benchmark_of_the_table_exists() -> None:
    names = {**benchmarks.QUICK, **benchmarks.PEERS}
    assert [name for name in names if importlib.util.find_spec(f"benchmarks.{name}") is None] == []


def test_every_goal_names_benchmarks_of_the_table() -> None:
    assert {row.partition(": ")[0] for goal in GOALS for row in goal.rows} <= {*benchmarks.QUICK, *benchmarks.PEERS}
