"""Colours, bars and escape codes: on a terminal that wants them, and nowhere else."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from controller.console import each, progress

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
ABLATE = [sys.executable, "-P", "-c", "import openablate; openablate.main()"]


def on_terminal(*arguments: str, cwd: Path, **environment: str) -> str:
    """What a real terminal of 100 columns would get from the command, both streams."""
    near, far = pty.openpty()
    given = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "ABLATE_DEBUG")}
    given |= {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30", **environment}
    with subprocess.Popen([*ABLATE, *arguments], stdin=far, stdout=far, stderr=far, cwd=cwd, env=given) as process:
        os.close(far)
        told = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while data := os.read(near, 65536):
                told += data
        process.wait(30)
    os.close(near)
    return told.decode()


REHEARSE = ("rehearse", "cooled-rf-sim", "demo-30s", "--fault", "pump.stall@12")
DOCTOR = ("doctor",)


def test_on_a_terminal_there_are_colours_and_a_live_line(tmp_path: Path) -> None:
    told = on_terminal(*REHEARSE, cwd=tmp_path)
    assert COLOUR.search(told)
    assert "\x1b[" in COLOUR.sub("", told)  # the line is redrawn
    assert "TRIP H38" in told
    assert COLOUR.search(on_terminal(*DOCTOR, cwd=tmp_path))


@pytest.mark.parametrize("how", ["NO_COLOR", "--no-color"])
@pytest.mark.parametrize("command", [REHEARSE, DOCTOR], ids=["rehearse", "doctor"])
def test_who_wants_no_colour_gets_none(command: tuple[str, ...], how: str, tmp_path: Path) -> None:
    given = {"NO_COLOR": "1"} if how == "NO_COLOR" else {}
    told = on_terminal(*(["--no-color"] if how != "NO_COLOR" else []), *command, cwd=tmp_path, **given)
    assert not COLOUR.search(told)
    assert told


@pytest.mark.parametrize("command", [REHEARSE, DOCTOR], ids=["rehearse", "doctor"])
def test_a_terminal_that_cannot_draw_gets_text_alone(command: tuple[str, ...], tmp_path: Path) -> None:
    told = on_terminal(*command, cwd=tmp_path, TERM="dumb")
    assert "\x1b" not in told
    assert told


def test_a_pipe_gets_text_alone(tmp_path: Path) -> None:
    done = subprocess.run([*ABLATE, *REHEARSE], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert "\x1b" not in done.stdout + done.stderr
    assert "TRIP H38" in done.stdout
    assert done.returncode == 5


class Screen:
    """Standard error that says whether it is a terminal."""

    def __init__(self, terminal: bool) -> None:
        self.text, self._terminal = "", terminal

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize(
    "terminal, quiet, term, drawn",
    [
        (True, False, "xterm", True),
        (False, False, "xterm", False),
        (True, True, "xterm", False),
        (True, False, "dumb", False),
    ],
)
def test_a_bar_on_a_terminal_only(
    terminal: bool, quiet: bool, term: str, drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen(terminal)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", term)
    with progress("simulating", 10.0, unit="s", quiet=quiet) as tell:
        tell(5.0)
    assert ("simulating" in screen.text) is drawn
    assert list(each("verifying", "abc", unit="sessions", quiet=quiet)) == ["a", "b", "c"]
    assert ("of 3 sessions" in screen.text) is drawn


def test_the_collectors_bar_while_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from controller.commands.collect import _CatchUp

    screen = Screen(True)
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with _CatchUp(quiet=False) as told:
        told(0)
        assert screen.text == ""
        for missing in (40, 30, 50, 10, 0):
            told(missing)
        assert "of 40 batches" in screen.text
        assert "40 of 50 batches" in screen.text
        drawn = len(screen.text)
        told(0)
        assert len(screen.text) == drawn
