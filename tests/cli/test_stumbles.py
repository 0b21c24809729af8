"""What a person would have stumbled over: the sentence, and the exit code."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest

from controller import cli, client, console, session
from controller.client import Unreachable
from controller.commands import bench
from controller.config.loading import load_bench
from controller.interlocks import in_words
from controller.launch import LiveBench
from controller.perform import LOCKOUT_REMEDY, Latched
from drivers.transport import serial
from safety.watchdog.process import EXIT_CUT


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
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(tmp_path))
    with daemon(tmp_path / "cooled-rf"):
        for name in ("cooled-rf-sim", "../cooled-rf/../x"):
            assert cli.run(["stop", "--bench", name]) == 7
            assert f"no bench {name!r} is running; running: cooled-rf" in capsys.readouterr().err


@contextlib.contextmanager
def daemon(folder: Path) -> Iterator[Path]:
    """A socket at which somebody listens; as after a kill, its file stays."""
    folder.mkdir()
    path = folder / "control.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield path


def test_a_daemon_that_was_killed_is_not_taken_for_one_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(tmp_path))
    with daemon(tmp_path / "dead") as left:
        pass
    assert left.exists()
    for words in (["stop"], ["status", "--bench", "dead"]):
        assert cli.run(words) == 7
        told = capsys.readouterr().err
        assert f"; died, see {tmp_path / 'dead' / 'daemon.log'}" in told
        assert "ablate serve BENCH" in told
    with daemon(tmp_path / "alive") as alive:
        assert client.find_socket(None) == alive
        with pytest.raises(Unreachable, match=r"no bench 'dead' is running; died, see .*; running: alive"):
            client.find_socket("dead")


def test_what_is_missing_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert str(Latched("reset refused", ["stale", "off", "E-stop is pressed"])) == (
        "reset refused: stale: a sensor or the generator has not answered in time; "
        "off: the generator has not shown yet that it is off; E-stop is pressed"
    )
    assert bench.say({"ok": False, "error": "not ready", "blocked_by": ["estop"]}, "", False) == 4
    assert "  - estop: pressed, or its contacts disagree or are not read\n" in capsys.readouterr().err
    assert bench.say({"ok": False, "error": "no such file", "blocked_by": ["no such file"]}, "", False) == 4
    assert capsys.readouterr().err == "refused: no such file\n"
    two = {"ok": False, "error": "a.yaml:1: a\na.yaml:2: b", "blocked_by": ["a.yaml:1: a", "a.yaml:2: b"]}
    assert bench.say(two, "", False) == 4
    assert capsys.readouterr().err == "refused: a.yaml:1: a\na.yaml:2: b\n"
    assert bench.say({"ok": False, "error": "reset refused in LOCKOUT", "blocked_by": ["lockout"]}, "", False) == 4
    assert "end this bench, then ablate reset REASON --bench NAME --lockout" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "code", "out", "err"),
    [
        (
            {"ok": True, "acknowledged": "trip", "state": "TRIPPED", "latched": True},
            0,
            'acknowledged; still latched: ablate reset "what was found"\n',
            "",
        ),
        (
            {"ok": True, "acknowledged": "alarms", "state": "LOCKOUT", "latched": True},
            0,
            f"alarms acknowledged; LOCKOUT stays: end this bench, then {LOCKOUT_REMEDY}\n",
            "",
        ),
        (
            {"ok": True, "acknowledged": "alarms", "state": "STOPPING", "latched": True},
            0,
            "alarms acknowledged; the trip is still latched: ablate ack again when the bench is TRIPPED\n",
            "",
        ),
        (
            {"ok": True, "acknowledged": "alarms", "state": "SAFE", "latched": False},
            0,
            "alarms acknowledged; nothing is latched\n",
            "",
        ),
        (
            {"ok": False, "error": "there is nothing to acknowledge in SAFE", "blocked_by": ["state SAFE"]},
            4,
            "",
            "refused: there is nothing to acknowledge in SAFE\n  - state SAFE\n",
        ),
    ],
)
def test_an_acknowledgement_says_what_it_did(
    answer: dict[str, Any],
    code: int,
    out: str,
    err: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("controller.commands.acts.act", lambda bench, what: answer)
    assert cli.run(["ack"]) == code
    assert capsys.readouterr() == (out, err)


def test_a_lockout_is_not_said_to_have_a_cause_that_it_may_not_have() -> None:
    assert in_words("lockout") == "lockout: no reset by an operator ends this trip; its own text says why"


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


class Starting:
    """A daemon that has just begun: its statuses, one after the other."""

    def __init__(self, *statuses: dict[str, Any]) -> None:
        self._statuses = list(statuses)

    async def status(self) -> dict[str, Any]:
        if not self._statuses:
            raise Unreachable("the daemon hung up")
        return self._statuses.pop(0)


def settled(*statuses: dict[str, Any]) -> list[str]:
    live: Any = SimpleNamespace(client=Starting(*statuses))
    return session.begun("lab-2", asyncio.run(session._settled(live, lambda: False)))


def test_serve_says_nothing_before_the_bench_has_a_state() -> None:
    boot, safe = {"state": "BOOT"}, {"state": "SAFE", "session_file": "/s/1.ablate"}
    assert settled(boot, boot, safe)[:2] == ["lab-2: SAFE", "session /s/1.ablate"]
    assert settled(boot) == [], "the daemon ended: its own words say why"


def test_serve_says_what_is_latched_and_how_that_is_left_behind() -> None:
    tripped = {"state": "TRIPPED", "trip": {"text": "E-stop is pressed"}, "session_file": "/s/1.ablate"}
    told = settled(tripped)
    assert told[1] == "  since an earlier run: E-stop is pressed"
    assert 'ablate ack, then ablate reset "what was found"' in told[2]
    told = settled({**tripped, "state": "LOCKOUT"})
    assert "end this (Ctrl-C), then ablate reset REASON --bench lab-2 --lockout" in told[2]


def test_files_that_were_taken_for_one_another_are_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["init", "--simulated"]) == 0
    Path("hot.yaml").write_text("protocol: hot\nsource: mine\n")
    capsys.readouterr()
    assert cli.run(["rehearse", "hot.yaml", "bench.yaml"]) == 3
    first = "commands that take both take the bench first"
    assert sorted(capsys.readouterr().err.splitlines()) == [
        f"ablate: bench.yaml:4: is a bench file; a protocol file is wanted here; {first}",
        f"ablate: hot.yaml:1: is a protocol file; a bench file is wanted here; {first}",
    ]
    assert cli.run(["rehearse", "bench.yaml", "bench.yaml"]) == 3
    assert "is a bench file; a protocol file is wanted here" in capsys.readouterr().err
    assert cli.run(["rehearse", "bench.yaml", "hot.yaml"]) == 3
    assert '"mine"; the publication, and what it was published to do' in capsys.readouterr().err


def test_a_misspelt_protocol_is_no_wall_of_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["rehearse", "cooled-rf-sim", "demo30s"]) == 3
    told = capsys.readouterr().err
    assert told.endswith("did you mean demo-30s? `ablate protocols list` has them all\n")


def test_a_console_is_no_serial_port(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["tty7", "ttyS0", "ttyUSB8", "null"]
    monkeypatch.setattr(serial, "_names_in", lambda folder: names)
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [SimpleNamespace(device="/dev/ttyS0")])
    assert "null" not in serial._similar("/dev/null") and "full" not in serial._similar("/dev/null")
    assert serial._similar("/dev/ttyUSB7") == "did you mean /dev/ttyUSB8 or /dev/ttyS0?"


def test_help_names_no_command_of_ours_a_plug_in(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--help"]) == 0
    assert "From the plug-in openablate" not in capsys.readouterr().out


def test_ablate_is_named_by_its_path_where_the_shell_does_not_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ours = tmp_path / ".venv" / "bin" / "ablate"
    ours.parent.mkdir(parents=True)
    ours.touch(mode=0o755)
    monkeypatch.setattr("sys.argv", [str(ours), "demo"])
    monkeypatch.setenv("PATH", "/usr/bin")
    assert console.typed() == ".venv/bin/ablate"
    monkeypatch.setenv("PATH", str(ours.parent))
    assert console.typed() == "ablate"
    monkeypatch.setattr("sys.argv", ["-c"])
    assert console.typed() == "ablate"


def test_whoever_outlived_its_daemon_says_why_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATE_RUNTIME_DIR", str(tmp_path))
    loaded = load_bench("cooled-rf-sim")
    live: Any = LiveBench(loaded.bench, loaded.reference, None)

    async def ended() -> int:
        return 1

    live._watchdog = SimpleNamespace(wait=ended)
    live.runtime_dir.mkdir()
    earlier = "watchdog: of an earlier run\n"
    live.log.write_text(f"{earlier}watchdog: no completed tick for 201 ms; energy cut\nand more\n")
    live._log_from = len(earlier)
    assert asyncio.run(live.why_ended()) == "watchdog: no completed tick for 201 ms; energy cut"
    live._log_from = len(live.log.read_text())
    assert asyncio.run(live.why_ended()) == ""
    (live.runtime_dir / "daemon.error").write_text("the disk is full\n")
    assert asyncio.run(live.why_ended()) == "the disk is full"


def test_a_cut_by_the_watchdog_is_a_trip_to_whoever_served() -> None:
    assert (session.left_with(EXIT_CUT), session.left_with(0), session.left_with(4)) == (5, 0, 4)
