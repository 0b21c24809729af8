"""``ablate config``: check and show bench and protocol files, print their schemas. Touches no device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from controller.commands.completing import benches, protocols
from controller.config.problems import ConfigError, Problem
from controller.exits import Exit

if TYPE_CHECKING:
    from controller.config.loading import LoadedBench, LoadedProtocol


@click.group()
def config() -> None:
    """Check and show bench files; print their schema.

    A file is named by its path; a bench or protocol that comes with Openablate by its name.
    """


@config.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", shell_complete=benches)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def check(ctx: click.Context, files: tuple[str, ...], as_json: bool) -> None:
    """Check bench and protocol files; each protocol also against each bench that is named with it.

    Every problem is told as file:line: path: what is wrong; what to do. Exit code 3 if there is any.

    \b
    Examples:
      ablate config check bench.yaml
      ablate config check bench.yaml cooled-needle-3cm-12min my-protocol.yaml
    """
    from controller.config import setup as setups
    from controller.config.loading import LoadedBench

    told: list[dict[str, object]] = []
    problems: list[Problem] = []
    benches: list[LoadedBench] = []
    protocols: list[LoadedProtocol] = []
    for name in files:
        try:
            loaded = _load_either(name)
        except ConfigError as error:
            problems += error.problems
            continue
        if isinstance(loaded, LoadedBench):
            benches.append(loaded)
            told.append({"file": name, "kind": "bench", "config_hash": setups.config_hash(loaded)})
        else:
            protocols.append(loaded)
            told.append({"file": name, "kind": "protocol"})
    for bench in benches:
        for protocol in protocols:
            try:
                joined = setups.combine(bench, protocol)
            except ConfigError as error:
                problems += error.problems
            else:
                pair = f"{protocol.document.file} on {bench.document.file}"
                told.append({"file": pair, "kind": "pair", "config_hash": joined.config_hash})
    report_check(told, problems, as_json=as_json)
    if problems:
        ctx.exit(Exit.CONFIGURATION)


def report_check(told: list[dict[str, object]], problems: list[Problem], *, as_json: bool) -> None:
    """Print what was found good and what was not; problems go to standard error unless JSON is wanted."""
    if as_json:
        click.echo(json.dumps({"ok": not problems, "checked": told, "problems": [p._asdict() for p in problems]}))
        return
    for row in told:
        marks = f", {str(row['config_hash'])[:12]}" if "config_hash" in row else ""
        click.echo(f"{row['file']}: OK ({row['kind']}{marks})")
    if problems:
        click.echo(str(ConfigError(problems)), err=True)


def _load_either(name: str) -> LoadedBench | LoadedProtocol:
    """A bench or a protocol, whichever the file says it is."""
    from controller.config.loading import check_bench, check_protocol, kind_of
    from controller.config.shipped import locate, shipped
    from controller.config.yaml_loader import load

    path = locate(name, "bench" if name in shipped("bench") else "protocol")
    document = load(path)
    return check_bench(document, path) if kind_of(document) == "bench" else check_protocol(document, path)


@config.command()
@click.argument("kind", type=click.Choice(["bench", "protocol", "mqtt"]))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write there instead of to the terminal.")
def schema(kind: Literal["bench", "protocol", "mqtt"], out: Path | None) -> None:
    """Print the JSON Schema of a bench or protocol file, for editors; or of the MQTT messages, as AsyncAPI document.

    With this as its first line an editor completes and checks bench.yaml:
    # yaml-language-server: $schema=./bench.schema.json

    \b
    Examples:
      ablate config schema bench --out bench.schema.json
      ablate config schema mqtt
    """
    if kind == "mqtt":
        from controller.mqtt.asyncapi import document

        made = document()
    else:
        from controller.config.schema import schema as make_schema

        made = make_schema(kind)
    text = json.dumps(made, indent=2)
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")


@config.command()
@click.argument("bench", shell_complete=benches)
@click.argument("protocol", required=False, shell_complete=protocols)
@click.option("--origin", is_flag=True, help="Say of every value where it comes from.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, origins included.")
def show(bench: str, protocol: str | None, origin: bool, as_json: bool) -> None:
    """Show what is in force: every value with defaults written out, the effective limits, the hash.

    \b
    Examples:
      ablate config show cooled-rf-sim
      ablate config show bench.yaml cooled-needle-3cm-12min --origin
    """
    import yaml

    from controller.config import setup as setups
    from controller.config.loading import load_bench
    from controller.config.show import in_force, leaves
    from controller.config.units import unit

    joined = setups.load(bench, protocol) if protocol is not None else None
    loaded = joined.bench if joined is not None else load_bench(bench)
    told = in_force(loaded, joined.protocol if joined is not None else None)
    if as_json:
        click.echo(json.dumps(told))
        return
    parts = [part for part in ("bench", "protocol") if part in told]
    if origin:
        for loc, value in (leaf for part in parts for leaf in leaves(told[part], (part,))):
            path = ".".join(map(str, loc))
            click.echo(f"{path}: {json.dumps(value)}  # {told['origin'][path]}")
    else:
        for part in parts:
            click.echo(yaml.safe_dump(told[part], sort_keys=False, allow_unicode=True, width=120), nl=False)
            click.echo("---" if part != parts[-1] else "", nl=part != parts[-1])
    click.echo("# effective limits: the strictest of all layers")
    for name, bound in told["limits"].items():
        where = f" ({bound['where']})" if bound["where"] else ""
        click.echo(f"#   {name}: {bound['value']:g} {unit(name)}, set by {bound['layer']}{where}")
    click.echo(f"# config_hash: {told['config_hash']}")
