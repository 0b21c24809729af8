"""``ablate safety-case``: from hazards to what has shown that they are met, on one page."""

from __future__ import annotations

from pathlib import Path

import click

from controller.exits import Exit

FOLDER = Path("build/evidence")  # controller.evidence.store.FOLDER, whose import would slow down --help


@click.command("safety-case")
@click.option(
    "--evidence",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER,
    show_default=True,
    help="What the last runs have shown: NAME.json, NAME/evidence.json.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("docs/safety-case.html"),
    show_default=True,
)
@click.option("--readme", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Renew its layer table.")
@click.option(
    "--strict", is_flag=True, help="Exit code 8 when something failed, was not run, or is not of this program."
)
def safety_case(folder: Path, out: Path, readme: Path | None, strict: bool) -> int:
    """Write the safety case: hazard, interlock, tests, campaign figures, open points.

    Made of the hazard table that is installed and of the evidence there is. What was not run is called so.

    \b
    Examples:
      ablate safety-case
      ablate safety-case --evidence nightly -o safety-case.html --readme README.md
    """
    from controller.evidence import layers, page
    from controller.evidence.argument import FAILED, NOT_RUN, claims, failures, table
    from controller.evidence.revision import revision, stale
    from controller.evidence.store import read
    from controller.records.ids import utc_now

    if not folder.is_dir():
        click.echo(f"no such folder: {folder}; the page is written without evidence", err=True)
    found = read(folder)
    made = claims(table(), found)
    commit = revision()
    old = {name: why for name, each in found.evidence.items() if (why := stale(each.commit, name=name))}
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page.render(made, found, when=utc_now(), commit=commit, stale=old), encoding="utf-8")
        if readme is not None:
            readme.write_text(layers.put(readme.read_text(encoding="utf-8"), found), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    wrong = [claim.hazard.id for claim in made if claim.status == FAILED]
    unseen = [claim.hazard.id for claim in made if claim.status == NOT_RUN]
    click.echo(f"{out}: {len(made)} hazards, {len(wrong)} failed, {len(unseen)} not run")
    for what, names in (("failed", wrong), ("not run", found.missing), ("unreadable", tuple(found.unreadable))):
        if names:
            click.echo(f"  {what}: {', '.join(names)}")
    for failure in failures(found):
        click.echo(f"  {failure}")
    if old:
        click.echo(f"  of an earlier state of the program: {', '.join(old)}")
    lacking = bool(wrong or unseen or old or found.missing or found.unreadable or failures(found))
    return Exit.VERIFICATION if strict and lacking else Exit.DONE
