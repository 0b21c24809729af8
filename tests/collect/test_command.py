"""``ablate collect``: its file, and what it says of a bad one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from controller.collect.config import read
from controller.commands.collect import collect
from controller.config.problems import ConfigError

GOOD = """\
broker: {host: 127.0.0.1}
journal: data/journal
parquet: {folder: lake}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "lab.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_good_file(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD)
    told = CliRunner().invoke(collect, [str(file), "--check"])
    assert told.output == f"{file}: good\n"
    config = read(file)
    assert config.journal == tmp_path / "data" / "journal"
    assert config.parquet is not None
    assert config.parquet.folder == tmp_path / "lake"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("broker: {host: 127.0.0.1}\njournal: x\n", 1, "nothing says where data go: give parquet, postgres, or both"),
        (GOOD + "patienc: {gap_s: 1}\n", 4, "patience"),
        (GOOD + "postgres: {conninfo: 'host=db password=secret'}\n", 4, "the password does not belong here"),
        (GOOD + "name: a/b\n", 4, "cannot be part of an MQTT topic"),
        (GOOD.replace("127.0.0.1", "broker.lab"), 1, "has no TLS"),
    ],
)
def test_a_bad_file_is_told_by_its_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError) as told:
        read(file)
    assert f"{file}:{line}" in str(told.value)
    assert problem in str(told.value)


def test_the_tables_are_printed() -> None:
    told = CliRunner().invoke(collect, ["--schema"])
    assert told.exit_code == 0
    assert told.output.count("CREATE TABLE IF NOT EXISTS") == 5


def test_a_file_is_needed() -> None:
    told = CliRunner().invoke(collect, [])
    assert told.exit_code == 2
    assert "name the collector's file, or --schema" in told.output


def test_a_missing_secret_is_said(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD.replace("{host: 127.0.0.1}", "{host: 127.0.0.1, username: c, password_file: none}"))
    told = CliRunner().invoke(collect, [str(file)])
    assert told.exit_code == 1
    assert "No such file" in told.output
    assert str(tmp_path / "none") in told.output
