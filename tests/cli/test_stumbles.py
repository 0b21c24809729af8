"""What a person would have stumbled over: the sentence, and the exit code."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from controller import cli


@pytest.mark.parametrize("command", [["show"], ["verify"], ["replay"], ["report"], ["export", "--format", "csv"]])
def test_a_file_that_is_no_session_does_not_verify(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "junk.ablate"
    file.write_text("hello\n")
    assert cli.run(["sessions", *command, str(file)]) == 8
    told = capsys.readouterr()
    assert "this is not a session file" in told.out + told.err
    assert "Traceback" not in told.err


def test_a_bench_that_does_not_run_names_those_that_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ablate serve cooled-rf-sim` runs a bench that calls itself cooled-rf."""
    (tmp_path / "cooled-rf").mkdir()
    (tmp_path / "cooled-rf" / "control.sock").touch()
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(tmp_path))
    for name in ("cooled-rf-sim", "../cooled-rf/../x"):
        assert cli.run(["stop", "--bench", name]) == 7
        assert f"no bench {name!r} is running; running: cooled-rf" in capsys.readouterr().err


def test_a_sentence_for_a_person_is_no_defect(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def version() -> None:
        raise click.ClickException("out.csv is there already; --force replaces it")

    monkeypatch.setattr("controller.commands.version.version", version)
    assert cli.run(["version"]) == 3
    assert "out.csv is there already" in capsys.readouterr().err


def test_a_run_that_is_none_is_told_how_one_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["campaign", "--only", "nosuch"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "'nosuch' is no run of a campaign: write BENCH/FAULT[=VALUE][+LATENT]/PHASE/NUMBERus/SEED[/WARP]" in told
