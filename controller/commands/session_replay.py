"""``ablate sessions replay``: a recorded session through today's code."""

from __future__ import annotations

import json
from pathlib import Path

import click

from controller.commands.completing import sessions as by_name
from controller.commands.session_keep import FOLDER, JSON
from controller.exits import Exit


@click.command()
@click.argument("session", nargs=-1, required=True, shell_complete=by_name)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Try another number of the kernel, as thresholds.power_ratio=0.1 or limits.flow_min_ml_min=40; repeatable.",
)
@click.option(
    "--as-fixture",
    "fixture",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write a pytest file that replays this session, and its data, into DIR.",
)
@FOLDER
@JSON
@click.pass_context
def replay(
    ctx: click.Context,
    session: tuple[str, ...],
    changes: tuple[str, ...],
    fixture: Path | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Feed a session through today's kernel and law; show the first difference. Exit code 8 if there is one.

    SESSION is a session or a fixture's data. No device is touched, and the file is only read.

    \b
    Examples:
      ablate sessions replay last
      ablate sessions replay last --set thresholds.power_ratio=0.1
      ablate sessions replay my.ablate --as-fixture tests/sessions
    """
    from controller.commands.sessions import find
    from controller.console import progress
    from controller.replay import ReplayError, read
    from controller.replay import replay as through
    from controller.replay.fixture import write

    change = dict(_change(text) for text in changes)
    if fixture is not None and change:
        raise click.UsageError("a fixture is made of what was recorded: leave --set away")
    told = []
    for name in session:
        try:
            recording = read(find(name, folder))
            with progress(f"replaying {recording.name}", len(recording.ticks), unit="ticks", quiet=as_json) as tell:
                found = through(recording, change, tell)
        except ReplayError as error:
            raise click.UsageError(str(error)) from error
        row = found.as_dict()
        if not as_json:
            click.echo(found.text)
            for note in found.notes:
                click.echo(f"note: {note}")
        if fixture is not None and found.equal:
            row["fixture"] = [str(path) for path in write(recording, found.ticks, fixture)]
            if not as_json:
                click.echo("\n".join(row["fixture"]))
        elif fixture is not None:
            click.echo(f"no fixture was made of {name}: it would fail from the start", err=True)
        told.append(row)
    if as_json:
        click.echo(json.dumps(told[0] if len(told) == 1 else told))
    if not all(row["equal"] for row in told):
        ctx.exit(Exit.VERIFICATION)


def _change(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name.strip(), float(number)
    except ValueError as error:
        raise click.UsageError(f"--set {text}: write NAME=NUMBER, as in thresholds.power_ratio=0.1") from error
