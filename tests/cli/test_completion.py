"""The Tab key."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from controller import cli

HEAVY = ("pydantic", "numpy", "yaml", "rich", "numba", "textual", "serial")


def complete(words: str, cwd: Path, **environment: str) -> list[str]:
    """What bash would be offered for the last word of ``words``, by a process as the shell starts it; and what of the
    heavy packages was imported for it."""
    program = (
        "import sys, atexit; from controller import cli\n"
        f"atexit.register(lambda: print('loaded', [m for m in {HEAVY!r} if m in sys.modules]))\n"
        "cli.main()"
    )
    given = {"_ABLATE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n{program}"],
        cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **given, **environment},
    )  # fmt: skip
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "words, wanted",
    [
        ("ablate sto", ["plain,stop"]),
        ("ablate --no", ["plain,--no-color"]),
        ("ablate sessions ver", ["plain,verify"]),
        ("ablate run cooled-rf", ["plain,cooled-rf-sim", "file,cooled-rf"]),
        ("ablate run cooled-rf-sim demo", ["plain,demo-30s", "file,demo"]),
        ("ablate protocols show demo", ["plain,demo-30s", "file,demo"]),
        ("ablate config show bench", ["file,bench"]),
        ("ablate stop --bench ", ["plain,one", "plain,two"]),
        ("ablate sessions show 01A", ["plain,01AB", "plain,01AA", "file,01A"]),
        ("ablate sessions show --folder other la", ["plain,last", "file,la"]),
        ("ablate sessions show --folder other 01", ["plain,01CC", "file,01"]),
    ],
)
def test_names_are_completed_and_nothing_heavy_is_imported(
    words: str, wanted: list[str], tmp_path: Path, short_dir: Path
) -> None:
    with contextlib.ExitStack() as listening:
        for bench in ("one", "two", "killed"):
            (short_dir / bench).mkdir()
            daemon = listening.enter_context(socket.socket(socket.AF_UNIX))
            daemon.bind(str(short_dir / bench / "control.sock"))
            daemon.listen()
            if bench == "killed":
                daemon.close()  # its file stays behind
        for name in ("sessions/2026/1Z_b_01AA.ablate", "sessions/2026/2Z_b_01AB.ablate", "other/3Z_b_01CC.ablate"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
        found = complete(words, tmp_path, ABLATE_RUNTIME_DIR=str(short_dir))
    assert found == [*wanted, "loaded []"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_says_how_to_install_it(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["completion", shell]) == 0
    told = capsys.readouterr().out
    assert f"_ABLATE_COMPLETE={shell}_complete" in told
    assert f"ablate completion {shell}" in told.splitlines()[-1]
    assert (told.splitlines()[0] == "#compdef ablate") is (shell == "zsh")
    if (program := shutil.which(shell)) is not None:
        checked = subprocess.run([program, "-n"], input=told, text=True, capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_an_unknown_shell(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["completion", "tcsh"]) == 2
    assert "'tcsh' is not one of" in capsys.readouterr().err
