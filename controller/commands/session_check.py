"""``ablate sessions verify`` and ``accept``: is a record as it was recorded, and who knows why it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from controller.commands.completing import sessions as by_name
from controller.commands.session_keep import FOLDER, JSON, printable
from controller.exits import Exit

WORDS = {"recorded": "OK  ", "unfinished": "UNFINISHED", "changed": "FAIL"}


@click.command()
@click.argument("session", nargs=-1, required=True, shell_complete=by_name)
@FOLDER
@JSON
@click.option("--finished", is_flag=True, help="Exit code 8 for an unfinished session, too.")
@click.pass_context
def verify(ctx: click.Context, session: tuple[str, ...], folder: Path, as_json: bool, finished: bool) -> None:
    """Check that sessions still hold what was recorded. Exit code 8 if one does not.

    OK: whole, and as recorded. UNFINISHED: as recorded up to the time that is named, but not ended: it is being
    written, its writer was killed, or its end was cut off. FAIL: something was changed, taken out, added or moved.

    \b
    Examples:
      ablate sessions verify last
      ablate sessions verify sessions/2026/11/22/*.ablate --json
    """
    from controller.commands.sessions import find
    from controller.console import each

    names = each("verifying", session, unit="sessions", quiet=as_json)
    told = [_verify(find(name, folder)) for name in names]
    for row in told:
        if not as_json:
            click.echo(f"{WORDS[row['verdict']]}  {printable(row['file'])}: {printable(row['text'])}")
            for more in (*row["problems"][1:], *row["notes"]):
                click.echo(f"      {printable(more)}")
    if as_json:
        click.echo(json.dumps(told))
    if not all(row["ok"] and (row["closed"] or not finished) for row in told):
        ctx.exit(Exit.VERIFICATION)


@click.command()
@click.argument("session", shell_complete=by_name)
@click.argument("reason")
@FOLDER
def accept(session: str, reason: str, folder: Path) -> None:
    """Say that you know why a record is not as it was recorded, so that its bench may start again.

    Nothing is repaired: who, when, why and the content's SHA-256 are appended to a file beside the latches.

    \b
    Example:
      ablate sessions accept last "disk was full, file restored from a copy"
    """
    from controller.client import state_root
    from controller.commands.sessions import find
    from controller.records import past

    path = find(session, folder)
    if not reason.strip():
        raise click.UsageError("give a reason; it is kept")
    if not path.is_file():
        raise click.UsageError(f"{path} is no file")
    line = past.accept(path, reason, state_root() / past.ACCEPTED)
    click.echo(f"{path}: accepted as it is now, sha256 {line['sha256'][:16]}…")


def _verify(path: Path) -> dict[str, Any]:
    from controller.records.store import RecordError
    from controller.records.verify import verify as check

    try:
        result = check(path)
    except RecordError as error:
        problem = f"{error.problem}; {error.remedy}"
        unread: dict[str, Any] = {"problems": [problem], "notes": [], "text": problem}
        return {"file": str(path), "ok": False, "verdict": "changed", "closed": False, **unread}
    return {
        "file": str(path),
        "ok": result.ok,
        "verdict": result.verdict,
        "closed": result.closed,
        "problems": list(result.problems),
        "notes": list(result.notes),
        "text": result.text,
        "ticks": result.ticks,
        "samples": result.samples,
        "events": result.events,
        "batches": result.batches,
        "last_tick": result.last_tick,
        "t_durable_s": result.t_durable_s,
        "head": result.head,
    }
