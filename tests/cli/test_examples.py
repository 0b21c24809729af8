"""Every command shows by example how it is used, and the examples are right."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from controller import cli
from controller.config.shipped import shipped
from tests.cli.tree import COMMANDS

BLOCK = re.compile(r"^\s*Examples?:\n((?:.+\n?)+)", re.MULTILINE)


def examples(command: click.Command) -> list[str]:
    """The lines of its block that call ``ablate``, without what the shell does around them."""
    found = BLOCK.search(command.help or "")
    lines = found[1].splitlines() if found is not None else []
    calls = (re.search(r"\bablate (.*)", line) for line in lines)
    return [re.split(r"\s\s+|\s*(?:&&|\||>|\)\")", call[1])[0] for call in calls if call is not None]


EXAMPLES = [(name, line) for name, command in COMMANDS.items() for line in examples(command)]

RUN = {
    "ablate protocols list", "ablate protocols show", "ablate protocols check", "ablate protocols diff",
    "ablate config show", "ablate config check", "ablate config schema", "ablate plans check", "ablate plans show",
    "ablate plans schema", "ablate devices list", "ablate version", "ablate completion", "ablate sessions list",
    "ablate sessions show", "ablate sessions verify", "ablate sessions annotate", "ablate sessions prune",
}  # fmt: skip
"""Commands whose examples are run here as they stand, in a folder that has the files that they name."""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples(name: str) -> None:
    told = examples(COMMANDS[name])
    assert told, f"`{name} --help` has no Example: or Examples: block"
    words = name.split()[1:]
    for line in told:
        assert shlex.split(line)[: len(words)] == words or "--no-color" in line, line


@pytest.mark.parametrize("name, line", EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_every_example_is_understood(name: str, line: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its commands, options and their types are those of today; nothing is run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").touch()
    words = shlex.split(line)
    command: click.Command = cli.root
    context = click.Context(command, info_name="ablate")
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None, line
        command, context = found, click.Context(found, parent=context)
    command.make_context(name, words)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examples name: a bench, a protocol, a plan, and a session of a rehearsal."""
    from controller.config.setup import load
    from sim.rehearsal import rehearse

    here = tmp_path_factory.mktemp("examples")
    (here / "bench.yaml").write_text(shipped("bench")["cooled-rf-sim"].read_text())
    protocol = shipped("protocol")["cooled-needle-3cm-12min"].read_text()
    for name in ("protocol.yaml", "my-protocol.yaml"):
        (here / name).write_text(protocol)
    plan = Path(__file__).parents[2] / "examples" / "plans"
    (here / "my-plan.yaml").write_text(next(plan.glob("*.yaml")).read_text())
    result = rehearse(load("cooled-rf-sim", "demo-30s"), seed=1, out=here / "sessions")
    assert result["result"] == "completed"
    return here


@pytest.mark.parametrize(
    "line", [line for name, line in EXAMPLES if name in RUN], ids=[line for name, line in EXAMPLES if name in RUN]
)
def test_examples_that_need_no_bench_run(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    line = line.replace("01M80R04B0", "last").replace("/data/sessions", "sessions")
    words = [str(path) for word in shlex.split(line) for path in _globbed(word, folder)]
    done = CliRunner().invoke(cli.root, words)
    assert done.exit_code == 0, done.output
    if "--json" in words:
        json.loads(done.stdout)


def _globbed(word: str, folder: Path) -> list[Path | str]:
    if "*" not in word:
        return [word]
    return list((folder / "sessions").rglob("*.ablate"))


# ---- what reads can be read by programs

READS = {
    "ablate config check", "ablate config show", "ablate devices list", "ablate devices probe", "ablate doctor",
    "ablate plans check", "ablate plans dry-run", "ablate plans show", "ablate protocols check",
    "ablate protocols diff", "ablate protocols dry-run", "ablate protocols list", "ablate protocols show",
    "ablate sessions annotate", "ablate sessions export", "ablate sessions list", "ablate sessions prune",
    "ablate sessions replay", "ablate sessions show", "ablate sessions verify", "ablate status", "ablate version",
    "ablate campaign", "ablate simulate", "ablate rehearse", "ablate run", "ablate collect",
}  # fmt: skip
ACTS = {"ablate ack", "ablate arm", "ablate bag", "ablate confirm", "ablate mark", "ablate reset", "ablate silence",
        "ablate start", "ablate stop"}  # fmt: skip
WITHOUT = {
    "ablate completion": "a script", "ablate config schema": "JSON as it is", "ablate plans schema": "JSON as it is",
    "ablate demo": "for people", "ablate devices new": "writes files", "ablate devices trace": "writes Python",
    "ablate emulate": "runs until interrupted", "ablate safety-case": "writes a page",
    "ablate serve": "runs until interrupted", "ablate sessions accept": "writes a line",
    "ablate sessions report": "writes pages", "ablate watch": "a screen",
    "ablate init": "writes a file", "ablate panel": "opens a page", "ablate bundle": "writes a file",
    "ablate commission": "asks a person",
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_reads_or_acts_speaks_json(name: str) -> None:
    options = {option for param in COMMANDS[name].params for option in param.opts}
    assert name in READS | ACTS | set(WITHOUT), f"{name}: say here whether it reads"
    if name not in WITHOUT:
        assert "--json" in options
