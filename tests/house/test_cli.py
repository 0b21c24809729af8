"""The command line: names, laziness, exit codes, messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest

import controller.commands.doctor as doctor_command
from controller import cli, exits
from controller.checkup import Finding, Verdict, fail, ok, warn
from controller.client import Unreachable
from controller.config.problems import ConfigError, Problem
from drivers.contract import DeviceError
from drivers.registry import PluginError

DOCUMENTED = {
    "ack", "arm", "config", "demo", "devices", "doctor", "emulate", "protocols", "rehearse", "reset", "run", "serve",
    "sessions", "silence", "simulate", "start", "status", "stop", "version",
}  # fmt: skip
HEAVY = ("numba", "numpy", "pydantic", "serial", "yaml", "matplotlib", "rich", "asyncio")


def ablate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-P", "-c", "import openablate; openablate.main()", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_help_names_every_command_and_every_exit_code() -> None:
    result = ablate("--help")
    assert result.returncode == 0
    words = result.stdout.split()
    assert set(words) >= DOCUMENTED
    assert set(words) >= {"0", "1", "2", "3", "4", "5", "6", "7", "8", "130", "143"}
    assert "never on people or animals" in " ".join(words)


@pytest.mark.parametrize("arguments", [["--help"], ["version"]])
def test_nothing_heavy_is_imported_before_it_is_wanted(arguments: list[str]) -> None:
    program = (
        "import sys, controller.cli\n"
        f"code = controller.cli.run({arguments!r})\n"
        f"print('loaded:', [m for m in {HEAVY!r} if m in sys.modules], code)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.splitlines()[-1] == "loaded: [] 0"


def test_the_installed_command_is_the_guarded_start() -> None:
    script = Path(sysconfig.get_path("scripts")) / "ablate"
    assert "from openablate import main" in script.read_text()


def test_every_documented_command_loads() -> None:
    root = cli.root
    assert isinstance(root, cli.LazyGroup)
    with click.Context(root) as context:
        assert set(root.list_commands(context)) >= DOCUMENTED
        for name in root.list_commands(context):
            command = root.get_command(context, name)
            assert command is not None
            assert command.help, f"`ablate {name}` has no help"


def test_a_word_that_is_nearly_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["statsu"]) == 2
    assert "No such command 'statsu'. Did you mean 'status'?" in capsys.readouterr().err


def test_a_word_that_is_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["xyzzy"]) == 2
    assert "No such command 'xyzzy'. `ablate --help` lists them." in capsys.readouterr().err


@pytest.mark.parametrize(
    "error, code, text",
    [
        (ConfigError([Problem("b.yaml", 3, "limits.power", "unknown key")]), 3, "b.yaml:3: limits.power: unknown key"),
        (DeviceError("gen", "no such port", "check the cable"), 4, "gen: no such port; check the cable"),
        (PluginError("no driver 'x'"), 3, "no driver 'x'"),
        (Unreachable("no daemon is running"), 7, "no daemon is running"),
        (RuntimeError("boom"), 1, "please report it"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_becomes_a_message_and_an_exit_code(
    error: BaseException, code: int, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def version() -> None:
        raise error

    monkeypatch.setattr("controller.commands.version.version", version)
    assert cli.run(["version"]) == code
    told = capsys.readouterr().err
    assert text in told
    assert "Traceback" not in told


def test_a_traceback_is_shown_only_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ABLATE_DEBUG", "1")
    assert cli.explain(RuntimeError("boom")) == 1
    assert "RuntimeError: boom" in capsys.readouterr().err


def test_an_exception_that_brings_an_exit_code_keeps_it() -> None:
    ours = type("StartFailed", (Exception,), {"__module__": "controller.launch", "code": 4})
    stranger = type("StartFailed", (Exception,), {"__module__": "elsewhere", "code": 4})
    odd = type("StartFailed", (Exception,), {"__module__": "controller.launch", "code": -9})
    assert [exits.code_for(kind()) for kind in (ours, stranger, odd)] == [4, 1, 1]


@pytest.mark.parametrize("code", [0, 5, 6, 8, 143])
def test_a_command_returns_its_exit_code(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.commands.version.version", click.Command("version", callback=lambda: code))
    assert cli.run(["version"]) == code


def test_a_reader_that_leaves_early_is_no_error() -> None:
    program = f"{sys.executable} -P -c 'import openablate; openablate.main()' version --json | head -c 1"
    result = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("{", "")


def test_a_plugin_cannot_take_a_core_commands_name(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = [EntryPoint("stop", "evil:stop", cli.PLUGIN_GROUP), EntryPoint("fly", "nice:fly", cli.PLUGIN_GROUP)]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: offered)
    assert set(cli.plugins()) == {"fly"}


def test_version_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["version", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["openablate"] == "0.1.0"
    assert told["dependencies"]["click"]
    assert ("drivers", "tc-cxn") in {(plugin["group"], plugin["name"]) for plugin in told["plugins"]}


@pytest.mark.parametrize(
    "findings, code, verdict",
    [
        ([ok("a", "fine")], 0, "OK"),
        ([ok("a", "fine"), warn("b", "slow", "wait")], 0, "WARN"),
        ([warn("b", "slow", "wait"), fail("c", "gone", "plug it in")], 4, "FAIL"),
    ],
)
def test_the_doctors_exit_code(
    findings: list[Finding],
    code: int,
    verdict: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(doctor_command, "examine", lambda bench: findings)
    assert cli.run(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out)["verdict"] == verdict
    assert cli.run(["doctor"]) == code
    told = capsys.readouterr().out
    assert all(f.remedy in told for f in findings if f.verdict is not Verdict.OK)


def test_devices_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["devices", "list", "--json"]) == 0
    roles = {row["driver"]: row["role"] for row in json.loads(capsys.readouterr().out)}
    assert (roles["tc-cxn"], roles["ismatec-reglo-icc"]) == ("source", "coolant_pump")
    assert (roles["kmtronic-relay"], roles["numato-gpio"]) == ("enable", "sensor")


def test_probing_a_port_needs_a_driver(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["devices", "probe", "/dev/nonexistent"]) == 2
    assert "--driver" in capsys.readouterr().err
    assert cli.run(["devices", "probe", "/dev/nonexistent", "--driver", "kmtronic-relay", "--option", "relay=1"]) == 4
