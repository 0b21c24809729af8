"""``ablate version``."""

from __future__ import annotations

import json

import click

from controller.versions import software


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def version(as_json: bool) -> None:
    """Versions of everything that takes part.

    \b
    Examples:
      ablate version
      ablate version --json
    """
    told = software()
    if as_json:
        click.echo(json.dumps(told))
        return
    revision = f" ({told['revision']})" if told["revision"] else ""
    click.echo(f"openablate {told['openablate'] or 'not installed, run from source'}{revision}")
    click.echo(f"python {told['python']} on {told['platform']}")
    dependencies = told["dependencies"]
    assert isinstance(dependencies, dict)
    for name, number in dependencies.items():
        click.echo(f"  {name} {number or '-'}")
    foreign = [p for p in told["plugins"] if p["distribution"] != "openablate"]  # type: ignore[attr-defined]
    for plugin in foreign:
        click.echo(f"  plug-in {plugin['group']}/{plugin['name']}: {plugin['distribution']} {plugin['version']}")
