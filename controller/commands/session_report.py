"""``ablate sessions report``: a session as a page, on paper, over others, or for CI."""

from __future__ import annotations

import contextlib
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import click

from controller.commands.completing import sessions as by_name
from controller.commands.session_keep import FOLDER


@click.command()
@click.argument("session", nargs=-1, required=True, shell_complete=by_name)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Default: beside the (first) session.")
@click.option("--compare", is_flag=True, help="One page for two to six sessions, over one another.")
@click.option("--pdf", "as_pdf", is_flag=True, help="A PDF instead, where a browser (Chromium's family) is installed.")
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write JUnit XML of the sessions instead: a test case for each application.",
)
@click.option("--open", "open_it", is_flag=True, help="Show it in a browser.")
@FOLDER
def report(
    session: tuple[str, ...],
    out: Path | None,
    compare: bool,
    as_pdf: bool,
    junit: Path | None,
    open_it: bool,
    folder: Path,
) -> None:
    """Write a session's report: one HTML file that needs nothing else.

    \b
    Examples:
      ablate sessions report last --open
      ablate sessions report last --pdf
      ablate sessions report --compare before.ablate after.ablate -o both.html
      ablate sessions report sessions/2026/11/22/*.ablate --junit bench.xml
    """
    from controller.commands.sessions import find

    paths = [find(name, folder) for name in session]
    if junit is not None:
        if compare or as_pdf or out is not None or open_it:
            raise click.UsageError("--junit writes its own FILE and nothing else: leave the other options away")
        from controller.report import junit as xml

        with _said(junit):
            click.echo(xml.write(paths, junit))
        return
    if not compare and len(paths) > 1:
        raise click.UsageError(f"{len(paths)} sessions: a report is of one; --compare makes one page of them")
    target = out if out is not None else paths[0].with_suffix(".compared.html" if compare else ".html")
    page = _page(paths, target.with_suffix(".html") if as_pdf else target, compare)
    if as_pdf:
        page = _printed(page, target.with_suffix(".pdf"))
    click.echo(page)
    if open_it:
        webbrowser.open(page.resolve().as_uri())


def _page(paths: list[Path], target: Path, compare: bool) -> Path:
    try:
        from controller.report import comparison
        from controller.report.page import keep, write
    except ImportError as error:
        raise click.ClickException(f"{error}: pip install 'openablate[report]'") from error
    from controller.records.reader import open_session

    with _said(target):
        if not compare:
            return write(paths[0], target)
        try:
            with contextlib.ExitStack() as opened:
                text = comparison.render([opened.enter_context(open_session(path)) for path in paths])
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        return keep(text, target)


def _printed(page: Path, target: Path) -> Path:
    from controller.report import pdf

    try:
        with _said(target):
            return pdf.write(page, target)
    except pdf.PdfError as error:
        raise click.ClickException(f"{error} (the page is {page})") from error


@contextlib.contextmanager
def _said(target: Path) -> Iterator[None]:
    """A place that cannot be written is named."""
    try:
        yield
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written ({error}); choose another place with --out") from error
