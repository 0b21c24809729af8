"""``docs/command-line.md``, written from the tree of commands: ``python -m tests.cli.reference``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from controller import cli
from controller.exits import MEANING
from tests.cli.tree import COMMANDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"
HEAD = """\
# Command line

<!-- written by `python -m tests.cli.reference`; do not edit -->

`ablate COMMAND --help` says the same in the terminal. What holds for all of them:

- `--json`, on every command that reads or acts: one JSON object or array on standard output, and nothing else there.
  What is meant for people goes to standard error.
- A bar or a live line is drawn only on a terminal. `NO_COLOR=1`, `ablate --no-color …` and `TERM=dumb` take colours
  away, the last one everything that is redrawn.
- `--bench NAME` is needed only while several benches run. BENCH and PROTOCOL are files, or names that come with
  Openablate.
- The Tab key completes commands, options, benches, protocols and sessions: `ablate completion bash` (or zsh, fish).
- `ABLATE_DEBUG=1` shows where an error came from.
- The exit code says how it ended:

"""
EXAMPLES = re.compile(r"^Examples?:$")


def page() -> str:
    """All of it."""
    parts = [HEAD, *(f"{line}\n" for line in _exits()), "\n"]
    parts += [f"{line}\n" for line in _index()]
    for name, command in COMMANDS.items():
        parts += [f"\n## {name}\n\n", "\n".join(_command(name, command)), "\n"]
    return "".join(parts)


def _exits() -> Iterator[str]:
    yield "| code | meaning |"
    yield "|---|---|"
    for code, meaning in MEANING.items():
        yield f"| {int(code)} | {meaning} |"


def _index() -> Iterator[str]:
    yield "| command | |"
    yield "|---|---|"
    lines = {**cli.PLUGIN_LINES, **{name: line for name, (_, line) in cli.COMMANDS.items()}}
    for name, command in COMMANDS.items():
        words = name.split()
        line = lines.get(words[1]) if len(words) == 2 else None
        yield f"| [{name}](#{name.replace(' ', '-')}) | {_cell(line or _first_sentence(command.help or ''))} |"


def _command(name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    for paragraph in (command.help or "").split("\n\n"):
        verbatim = paragraph.lstrip().startswith("\b")
        lines = [line for line in paragraph.replace("\b", "").splitlines() if line.strip()]
        if not lines:
            continue
        if EXAMPLES.match(lines[0].strip()):
            yield from (
                "<!-- run by tests/cli/test_examples.py -->",
                "```sh",
                *(x.strip() for x in lines[1:]),
                "```",
                "",
            )
        elif verbatim:
            yield from ("```text", *lines, "```", "")
        else:
            yield from (*(line.strip() for line in lines), "")
    yield from ("```text", command.get_usage(context).removeprefix("Usage: "), "```")
    records = [
        record for param in command.get_params(context) if (record := param.get_help_record(context)) is not None
    ]
    if records := [record for record in records if record[1] and "--help" not in record[0]]:
        yield from ("", "| option | |", "|---|---|")
        yield from (f"| `{_cell(option)}` | {_cell(text)} |" for option, text in records)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.)\s", text.partition("\n\n")[0])[0]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
