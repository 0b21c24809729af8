"""``ablate sessions annotate`` and ``prune``: what is said of records later, and which of them go."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import click

from controller.commands.completing import sessions as by_name

UNITS = {"": 1, "b": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000}
FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("sessions"),
    show_default=True,
    help="Where sessions lie (records.folder of the bench file).",
)


MAX_DAYS = 36500.0
JSON = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


def printable(text: object) -> str:
    """What came from a file must not steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(text))


def size_bytes(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """``20GB``, ``500 MB``, or plain bytes."""
    if value is None:
        return None
    told = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?b|)\s*", value, re.IGNORECASE)
    if told is None:
        raise click.BadParameter(f"{value!r} is no size: write 500MB or 20GB", ctx, param)
    return int(float(told[1]) * UNITS[told[2].lower()])


def number(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """Days; ``nan`` is in every range."""
    if value is not None and math.isnan(value):
        raise click.BadParameter(f"nan is no number of days: give 0 to {MAX_DAYS:g}, such as 90", ctx, param)
    return value


@click.command()
@click.argument("session", shell_complete=by_name)
@click.option("--who", help="Who says it. Default: the user's name.")
@click.option("--text", help="A note.")
@click.option("--field", "fields", multiple=True, metavar="KEY=VALUE", help="A fact; VALUE is JSON or plain text.")
@FOLDER
@JSON
def annotate(
    session: str, who: str | None, text: str | None, fields: tuple[str, ...], folder: Path, as_json: bool
) -> None:
    """Say something of a session that has ended. Nothing of the record changes; it still verifies.

    A field with the name of a metadatum (title, creators, organisation, licence, keywords, specimen, ...) takes its
    place in `ablate sessions show --json` and in exports. Without --text and --field the annotations are listed.

    \b
    Examples:
      ablate sessions annotate last --who "A. Miller" --text "zone cut at 14:20, 31 x 28 mm"
      ablate sessions annotate last --field licence=CC-BY-4.0 --field 'keywords=["liver", "ex vivo"]'
    """
    from controller.commands.sessions import find
    from controller.records.annotations import NOTE, annotate
    from controller.records.ids import account
    from controller.records.reader import open_session

    path = find(session, folder)
    said: dict[str, object] = {NOTE: text} if text is not None else {}
    for field in fields:
        key, equals, value = field.partition("=")
        if not equals:
            raise click.UsageError(f"--field {field!r}: write KEY=VALUE")
        said[key.strip()] = _value(value)
    if said:
        try:
            annotate(path, who if who is not None else account(), said)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    with open_session(path) as opened:
        notes = opened.annotations()
    if as_json:
        click.echo(json.dumps([note._asdict() for note in notes]))
        return
    for note in notes:
        line = f"{note.n:4} {note.utc} {note.who}: {note.key} = {json.dumps(note.value, ensure_ascii=False)}"
        click.echo(printable(line))


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


@click.command()
@click.option(
    "--older-than",
    "days",
    type=click.FloatRange(min=0, max=MAX_DAYS),
    callback=number,
    metavar="DAYS",
    help="What began before that.",
)
@click.option("--keep", callback=size_bytes, metavar="SIZE", help="The oldest, until the rest fits: 500MB, 20GB.")
@click.option("--yes", is_flag=True, help="Delete. Without it, only what would go is shown.")
@click.option("--force-unpublished", is_flag=True, help="Also what the broker does not have yet.")
@click.option("--force-changed", is_flag=True, help="Also what does not verify, or cannot be read.")
@JSON
@FOLDER
def prune(
    days: float | None,
    keep: int | None,
    yes: bool,
    force_unpublished: bool,
    force_changed: bool,
    as_json: bool,
    folder: Path,
) -> None:
    """Delete old sessions, by age or by size; by default only show which.

    One that is being written always stays; one that its broker does not have yet, or that is not as it was recorded,
    stays unless it is forced. What was deleted is listed in pruned.jsonl in the folder, with its SHA-256 and the end
    of its hash chain. Reports and exports beside a session stay. A rehearsal is as old as its file: its record, of
    virtual time, has no date of its own.

    \b
    Examples:
      ablate sessions prune --older-than 90
      ablate sessions prune --keep 20GB --folder /data/sessions --yes
    """
    from controller.records.prune import LOG, choose, remove

    if days is None and keep is None:
        raise click.UsageError("say what may go: --older-than DAYS, or --keep SIZE")
    chosen = choose(
        folder,
        older_than_days=days,
        keep_bytes=keep,
        force_unpublished=force_unpublished,
        force_changed=force_changed,
    )
    going = [one for one in chosen if not one.keep]
    freed_bytes = sum(one.size_bytes for one in going)
    if yes:
        for one in going:
            remove(folder, one)
    if as_json:
        rows = [{**one._asdict(), "path": str(one.path), "deleted": yes and not one.keep} for one in chosen]
        click.echo(json.dumps({"sessions": rows, "freed_bytes": freed_bytes, "deleted": yes}))
        return
    if not chosen:
        click.echo(f"no sessions in {folder}")
        return
    for one in chosen:
        what = f"stays: {one.keep}" if one.keep else f"{'deleted' if yes else 'goes'}: {one.why}"
        click.echo(f"{one.utc[:19]}  {one.size_bytes / 1e6:9.1f} MB  {printable(one.path)}  {printable(what)}")
    size = f"{len(going)} of {len(chosen)} sessions, {freed_bytes / 1e6:.1f} MB"
    if yes:
        click.echo(f"deleted {size}" + (f"; listed in {folder / LOG}" if going else ""))
    else:
        click.echo(f"would delete {size}; nothing was deleted: --yes does it" if going else "nothing would go")
