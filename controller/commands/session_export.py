"""``ablate sessions export``: a session for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from controller.commands.completing import sessions as by_name
from controller.commands.session_keep import FOLDER, JSON
from controller.exits import Exit


@click.command()
@click.argument("session", nargs=-1, required=True, shell_complete=by_name)
@click.option(
    "--format", "form", type=click.Choice(["csv", "xlsx", "parquet", "hdf5"]), required=True, help="What to write."
)
@click.option("--excel", is_flag=True, help="CSV for an Excel whose decimal sign is the comma.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("exports"),
    show_default=True,
    help="Folder that holds the exports.",
)
@click.option("--force", is_flag=True, help="Replace exports that are there.")
@click.option("--unverified", is_flag=True, help="Export also what is not as it was recorded; the export says so.")
@FOLDER
@JSON
@click.pass_context
def export(
    ctx: click.Context,
    session: tuple[str, ...],
    form: str,
    excel: bool,
    out: Path,
    force: bool,
    unverified: bool,
    folder: Path,
    as_json: bool,
) -> None:
    """Write sessions for other programs: CSV, Excel, Parquet, HDF5, each with a datapackage.json.

    A session that does not verify is not exported (exit code 8) unless --unverified is given.

    \b
    Examples:
      ablate sessions export last --format csv
      ablate sessions export last --format csv --excel
      ablate sessions export sessions/2026/11/22/*.ablate --format parquet --out lake
    """
    from controller.commands.sessions import find
    from controller.console import each
    from controller.exports.resource import Options

    if excel and form != "csv":
        raise click.UsageError("--excel is a flavour of --format csv; --format xlsx makes a workbook")
    paths = [find(name, folder) for name in session]
    going = each("exporting", paths, unit="sessions", quiet=as_json)
    told = [_export(path, out, form, Options(excel), force, unverified) for path in going]
    for row in told:
        if as_json:
            continue
        if "folder" in row:
            click.echo(row["folder"])
        if row["note"]:
            click.echo(f"ablate: {row['note']}", err=True)
    if as_json:
        click.echo(json.dumps(told))
    if not all("folder" in row for row in told):
        ctx.exit(Exit.VERIFICATION)


def _export(path: Path, out: Path, form: str, options: Any, force: bool, unverified: bool) -> dict[str, Any]:
    """What was exported, or (without ``folder``) why it was not: the record does not verify."""
    from controller.exports.export import ExportError, export
    from controller.exports.reading import Cores
    from controller.exports.xlsx import TooLarge
    from controller.records.past import VerificationError
    from controller.records.tables import Missing

    try:
        with Cores() as cores:
            made = export(
                path, out, form,
                options=options, force=force, unverified=unverified, reader=cores.read, verifier=cores.begin,
            )  # fmt: skip
    except VerificationError as error:
        return {"file": str(path), "format": form, "note": str(error)}
    except (ExportError, Missing, TooLarge) as error:
        raise click.ClickException(str(error)) from error
    found = made.verified
    return {
        "file": str(path),
        "format": form,
        "folder": str(made.folder),
        "files": list(made.files),
        "rows": made.rows,
        "verified": found.ok,
        "verdict": found.verdict,
        "closed": found.closed,
        "head": found.head,
        "note": "" if found.ok and found.closed else f"{path}: {found.text}",
    }
