"""Where the output goes: to a reader that leaves, nowhere, to a full disk, to a path that takes nothing. None of it is
a defect of ours."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from controller import cli, perform
from controller.client import Client, Unreachable
from controller.exits import MEANING
from controller.live_view import LiveView
from controller.streams import OUTPUT_CLOSED


def shell(line: str, folder: Path) -> tuple[int, str]:
    """A line of bash in which ``ablate`` is the command: its exit code and what it says on standard error."""
    program = f"ablate() {{ {sys.executable} -P -c 'import openablate; openablate.main()' \"$@\"; }}; {line}"
    where = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
    made = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=60, cwd=folder, env=where)
    return made.returncode, made.stderr


@pytest.mark.parametrize("command", ["protocols list", "config show cooled-rf-sim", "--help", "version"])
def test_a_reader_that_has_left_is_no_error(command: str, tmp_path: Path) -> None:
    assert shell(f"ablate {command} | :; exit ${{PIPESTATUS[0]}}", tmp_path) == (0, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_a_stream_that_was_closed_is_no_error(closed: str, tmp_path: Path) -> None:
    assert shell(f"ablate version {closed}", tmp_path) == (0, "")


@pytest.mark.parametrize("command", ["protocols list > /dev/full", "config schema bench --out /dev/full"])
def test_a_full_disk_is_said(command: str, tmp_path: Path) -> None:
    code, told = shell(f"ablate {command}", tmp_path)
    assert (code, len(told.splitlines())) == (3, 1)
    assert "No space left on device; free some space, or write elsewhere" in told


@pytest.mark.parametrize(
    "command", [["config", "schema", "bench", "--out", "/proc/x"], ["devices", "new", "acme-x", "--out", "/proc/x"]]
)
def test_a_path_that_takes_nothing_is_said(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(command) == 3
    told = capsys.readouterr().err
    assert told == "ablate: /proc/x: No such file or directory; look at that path, or name another\n"


def test_a_number_that_is_no_port(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["emulate", "tc-cxn", "--tcp", "99999"]) == 2
    assert "99999 is not in the range" in capsys.readouterr().err


def test_a_speed_that_is_none_is_refused_before_anything_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["demo", "--speed", "0"]) == 3
    assert capsys.readouterr().err == "ablate: --speed: '0' is no speed; give a positive number, or max\n"


def test_evidence_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["safety-case", "--evidence", str(tmp_path / "no"), "-o", str(tmp_path / "page.html")]) == 0
    assert f"no such folder: {tmp_path / 'no'}" in capsys.readouterr().err


def test_the_end_by_a_closed_terminal_has_a_meaning() -> None:
    assert {int(code): text for code, text in MEANING.items()}[129] == "its terminal was closed"


def test_a_daemon_that_died_is_told_with_its_log_and_what_to_look_at(tmp_path: Path) -> None:
    async def go() -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.close()

        async with await asyncio.start_unix_server(hang_up, tmp_path / "s"):
            client = await Client.connect(tmp_path / "s")
            try:
                await client.status()
            finally:
                await client.close()

    with pytest.raises(Unreachable, match=f"see that the generator is off.*{tmp_path}/daemon.log"):
        asyncio.run(go())


def test_a_view_that_nobody_reads_says_so_and_goes_on() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", closefd=True) as stream:
        view = LiveView(quiet=False, stream=stream)
        view.say("somebody there?")
        assert view.closed == OUTPUT_CLOSED
        view.say("nobody")
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


async def test_the_reason_on_record_is_what_the_foreground_says() -> None:
    asked: list[Any] = []

    class Bench:
        async def stop(self, who: str, reason: str) -> None:
            asked.append(reason)

        async def renew(self) -> dict[str, Any]:
            return {"state": "SAFE"}

        async def status(self) -> dict[str, Any]:
            return {"state": "SAFE", "result": {}}

    for said in (True, OUTPUT_CLOSED):
        await perform.hold(Bench(), lambda status: None, lambda said=said: said)  # type: ignore[arg-type,misc]
    assert asked == ["interrupted", OUTPUT_CLOSED]
