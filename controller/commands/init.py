"""``ablate init``: a bench file by asking."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click

from controller.exits import Exit


@click.command()
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("bench.yaml"), show_default=True,
    help="The file to write.",
)  # fmt: skip
@click.option(
    "--from", "source", type=click.Path(dir_okay=False, path_type=Path), metavar="ANSWERS.yaml",
    help="Answers from a file instead of the terminal; what it leaves out is as usual.",
)  # fmt: skip
@click.option("--simulated", "where", flag_value="simulated", help="Emulated instruments: no port is asked for.")
def init(out: Path, source: Path | None, where: str | None) -> int:
    """Write a bench file by asking: instruments, ports, applicator, limits. Enter takes what is offered.

    Each answer is checked as `ablate config check` would check the file. No device is opened. Enter throughout makes a
    simulated bench that works; so does --simulated without a terminal.

    \b
    Examples:
      ablate init
      ablate init --simulated --out try.yaml
      ablate init --from answers.yaml --out bench.yaml      answers.yaml: {bench: lab-2, generator: ae-bus}
    """
    from controller.wizard import offers, talk

    terminal = sys.stdin is not None and sys.stdin.isatty()
    if source is None and where is None and not terminal:
        raise click.UsageError("nobody can be asked here: give --from ANSWERS.yaml, or --simulated")
    if not _may_write(out, ask=terminal and source is None):
        return Exit.CONFIGURATION
    name = out.stem if re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", out.stem) and out.stem != "bench" else "my-bench"
    if source is not None:
        answers = talk.AnswersFile(source)
        text = talk.interview(answers, (), str(out), name)
        answers.spent()
    elif terminal:
        given, ports = ({}, offers.ports()) if where is None else ({"where": where}, ())
        text = talk.interview(talk.Person(given), ports, str(out), name)
    else:
        text = talk.interview(talk.usual, (), str(out), name)
    _write(out, text)
    return Exit.DONE


def _may_write(out: Path, *, ask: bool) -> bool:
    """Nothing is overwritten without asking; asked before anything else is."""
    if not out.exists():
        return True
    if ask and click.confirm(f"{out} exists. Replace it?", default=False):
        return True
    click.echo(f"ablate: {out} exists and was left as it is; name another file with --out", err=True)
    return False


def _write(out: Path, text: str) -> None:
    from controller.config.problems import ConfigError, Problem
    from controller.config.schema import schema
    from controller.wizard.page import SCHEMA

    beside = out.parent / SCHEMA
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        if made := not beside.exists():
            beside.write_text(json.dumps(schema("bench"), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            [Problem(str(error.filename or out), 0, "", f"cannot be written: {error.strerror}")]
        ) from error
    click.echo(f"wrote {out}{f' and {beside} (for editors)' if made else ''}")
    for line in _next(out):
        click.echo(f"next: {line}")


def _next(out: Path) -> list[str]:
    """What a person does now."""
    from controller.config import setup
    from controller.config.loading import load_bench, load_protocol
    from controller.config.problems import ConfigError
    from controller.config.shipped import shipped

    bench = load_bench(out)
    lines = [(f"ablate doctor {out}", "every device opened and identified, nothing energised")]
    real = any(not url.startswith("sim://") for url in bench.bench.ports())
    if real:
        lines.append((f"ablate commission {out}", "the proof of every trip, before the first energy"))
    for name in sorted(shipped("protocol"), key=lambda name: name != "demo-30s"):
        try:
            setup.combine(bench, load_protocol(name))
        except ConfigError:
            continue
        lines.append((f"ablate run {out} {name}", "one application; Ctrl-C is off"))
        break
    else:
        lines.append(("ablate protocols list", "what an application can be"))
    width = max(len(typed) for typed, _ in lines)
    return [f"{typed:<{width}}   {what}" for typed, what in lines]
