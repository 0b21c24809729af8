"""``ablate bundle``: one archive for whoever is asked for help."""

from __future__ import annotations

from pathlib import Path

import click

from controller.exits import Exit


@click.command()
@click.argument("session", required=False)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Default: openablate-UTC.zip.")
@click.option("--bench", "bench", metavar="BENCH", help="Put in this bench file too, with the doctor's word on it.")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), help="Where sessions are. Default: sessions."
)
def bundle(session: str | None, out: Path | None, bench: str | None, folder: Path | None) -> int:
    """Pack what a maintainer asks for: logs, the newest session or SESSION, its files, latches, versions, the doctor.

    Passwords, tokens, keys, account and host names are taken out; what is inside, what was left out and how often
    something was taken out is printed, and stands in the archive. Nothing is sent anywhere.

    \b
    Examples:
      ablate bundle
      ablate bundle 01KAMQ --bench bench.yaml --out for-support.zip
    """
    import sqlite3

    from controller.bundle import pack
    from controller.client import runtime_root, state_root
    from controller.commands.doctor import examine
    from controller.commands.sessions import find
    from controller.config.problems import ConfigError, Problem
    from controller.config.shipped import locate
    from controller.records.ids import utc_now
    from controller.records.store import RecordError

    stamp = utc_now()[:19].replace("-", "").replace(":", "")
    target = out or Path(f"openablate-{stamp}Z.zip")
    if target.exists():
        raise ConfigError([Problem(str(target), 0, "", "exists and was left as it is", "name another file with --out")])
    files = [locate(bench, "bench")] if bench is not None else []
    doctor: list[dict[str, str]]
    try:
        doctor = [finding.as_dict() for finding in examine(bench)]
    except ConfigError as error:  # a file that is wrong is what a bundle may be made for
        doctor = [{"verdict": "FAIL", "subject": "bench file", "text": str(error), "remedy": ""}]
        doctor += [finding.as_dict() for finding in examine(None)]
    path, why_none = None, ""
    try:
        path = find(session or "last", folder or _records(bench) or Path("sessions"))
    except click.UsageError as error:
        if session is not None:
            raise
        why_none = error.message
    try:
        made = pack.gather(runtime_root(), state_root(), doctor, files, path, why_none)
    except (RecordError, sqlite3.Error) as error:  # a damaged record is no reason to send nothing
        made = pack.gather(runtime_root(), state_root(), doctor, files, None, f"{path}: {error}")
    try:
        made.write(target)
    except OSError as error:
        raise ConfigError([Problem(str(target), 0, "", f"cannot be written: {error.strerror}")]) from error
    click.echo(made.listing(), nl=False)
    click.echo(f"\nwrote {target}")
    return Exit.DONE


def _records(bench: str | None) -> Path | None:
    """Where a bench file says that its sessions are; None: it says nothing that can be used."""
    from controller.config.loading import load_bench
    from controller.config.problems import ConfigError

    try:
        return Path(load_bench(bench).bench.records.folder) if bench is not None else None
    except ConfigError:
        return None
