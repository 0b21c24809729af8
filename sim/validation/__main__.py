"""``python -m sim.validation``: run the published burns, print the verdicts, write the page."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from controller.config.problems import ConfigError
from sim.validation import page
from sim.validation.cases import load_cases
from sim.validation.run import run
from sim.world.grid import MESHES


@click.command()
@click.option("--mesh", type=click.Choice(list(MESHES)), default="fast", show_default=True)
@click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Processes.")
@click.option("--only", multiple=True, metavar="CASE", help="Only these cases; the page is not written. Repeatable.")
@click.option(
    "--cases", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path("tests/validation"),
    show_default=True,
)  # fmt: skip
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("docs/validation.md"), show_default=True
)
@click.option(
    "--alone", is_flag=True, help="Without the rehearsals: no controller in the loop; the page is not written."
)
def main(mesh: str, jobs: int, only: tuple[str, ...], folder: Path, out: Path, alone: bool) -> None:
    """Predicted against published, side by side. Exits 0 when every burn ran: a miss is a result, not a failure."""
    try:
        cases = load_cases(folder)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    for name in only:
        if name not in cases:
            raise click.UsageError(f"--only {name}: no such case; there are {', '.join(cases)}")
    chosen = {name: case for name, case in cases.items() if not only or name in only}
    began_s = time.perf_counter()
    shown = sys.stderr.isatty()

    def tell(name: str, done: int, total: int) -> None:
        if shown:
            click.echo(f"\r{done}/{total} {name:<24}", nl=False, err=True)

    outcome = run(chosen, mesh=mesh, jobs=jobs, loops=not alone, progress=tell)
    if shown:
        click.echo("\r" + " " * 40 + "\r", nl=False, err=True)
    click.echo(page.table(outcome))
    if not only and not alone:
        page.write(out, page.markdown(outcome))
        click.echo(f"written: {out}")
    took_s = time.perf_counter() - began_s
    click.echo(f"{len(outcome.results)} burns and {len(outcome.looped)} rehearsals in {took_s:.0f} s")
    for name, why in (*outcome.failed.items(), *outcome.loop_failed.items()):
        click.echo(f"failed: {name}: {why}", err=True)
    sys.exit(1 if outcome.failed or outcome.loop_failed else 0)


if __name__ == "__main__":
    main()
