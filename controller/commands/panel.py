"""`ablate panel`: the link of a running bench's panel."""

from __future__ import annotations

import json

import click

from controller.commands.bench import BENCH_OPTION, JSON_OPTION
from controller.exits import Exit


@click.command()
@BENCH_OPTION
@click.option("--viewer", is_flag=True, help="The link for whoever may look and STOP, and nothing else.")
@click.option("--no-open", is_flag=True, help="Print the link only.")
@JSON_OPTION
def panel(bench: str | None, viewer: bool, no_open: bool, as_json: bool) -> int:
    """Print the link of a running bench's panel, and open it in a browser where there is a screen.

    The link carries a token that is made anew at every start of the bench: whoever has it may control the bench, with
    --viewer only look and STOP. The panel listens on 127.0.0.1; from another computer use a tunnel with the same port
    at both ends: ssh -L 8480:127.0.0.1:8480 THIS-COMPUTER

    \b
    Examples:
      ablate panel
      ablate panel --viewer --no-open
    """
    from controller.beside_panel import can_open, of_bench, open_page

    name, told = of_bench(bench)
    link = told.link(viewer=viewer)
    if as_json:
        token = told.viewer_token if viewer else told.token
        found = {"bench": name, "url": told.url, "port": told.port, "pid": told.pid, "token": token, "link": link}
        click.echo(json.dumps(found))
        return Exit.DONE
    click.echo(link)
    if not no_open and can_open() and not open_page(link):
        click.echo("no browser was found; open the link in one on this computer", err=True)
    return Exit.DONE
