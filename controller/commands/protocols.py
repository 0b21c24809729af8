"""``ablate protocols``: the treatment files that come with Openablate, and your own. Touches no device."""

from __future__ import annotations

import json
from typing import Any

import click

from controller.commands.config import report_check
from controller.config import setup as setups
from controller.config.loading import LoadedProtocol, load_bench, load_protocol
from controller.config.problems import ConfigError, Problem
from controller.config.shipped import shipped
from controller.config.units import unit
from controller.exits import Exit


@click.group()
def protocols() -> None:
    """Shipped and own treatment files.

    A protocol is named by its path, or by its name if it comes with Openablate.
    """


@protocols.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def list_(as_json: bool) -> None:
    """List the protocols that come with Openablate."""
    rows = [_summary(load_protocol(path)) for path in shipped("protocol").values()]
    if as_json:
        click.echo(json.dumps(rows))
        return
    columns = ("protocol", "law", "mounts")
    widths = {name: max(len(row[name]) for row in rows) for name in columns}
    for row in rows:
        left = "  ".join(f"{row[name]:{widths[name]}}" for name in columns)
        click.echo(f"{left}  up to {row['power_w']:g} W, {row['duration_s']:g} s")


@protocols.command()
@click.argument("protocol")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(protocol: str, as_json: bool) -> None:
    """Show one protocol: where it was published, its law and numbers, its limits.

    \b
    Examples:
      ablate protocols show demo-30s
      ablate protocols show my-protocol.yaml --json
    """
    loaded = load_protocol(protocol)
    told = loaded.protocol.model_dump(mode="json")
    if as_json:
        click.echo(json.dumps({"file": str(loaded.path), **told}))
        return
    click.echo(f"{told['protocol']}  ({loaded.path})\n")
    click.echo(click.wrap_text(told["source"], width=110))
    law: dict[str, Any] = told["law"]
    click.echo(f"\n{told['modality']}, {loaded.protocol.applicator}, law {law.pop('kind')}:")
    for title, block in (("", law), ("limits:", told["limits"]), ("cooling:", told["cooling"] or {})):
        if title and any(value is not None for value in block.values()):
            click.echo(title)
        for name, value in block.items():
            if isinstance(value, (int, float)):
                click.echo(f"  {name}: {value:g} {unit(name)}".rstrip())
            elif isinstance(value, list):
                for item in value:
                    click.echo(f"  {name}: {_in_words(item)}")
            elif value is not None:
                click.echo(f"  {name}: {value}")


@protocols.command()
@click.argument("files", nargs=-1, required=True, metavar="PROTOCOL...")
@click.option("--bench", help="Also check that this bench can deliver them.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def check(ctx: click.Context, files: tuple[str, ...], bench: str | None, as_json: bool) -> None:
    """Check protocols, alone or against a bench. Exit code 3 if anything is wrong.

    \b
    Examples:
      ablate protocols check my-protocol.yaml
      ablate protocols check my-protocol.yaml --bench bench.yaml
    """
    told: list[dict[str, object]] = []
    problems: list[Problem] = []
    loaded_bench = load_bench(bench) if bench is not None else None
    for name in files:
        try:
            loaded = load_protocol(name)
            row: dict[str, object] = {"file": name, "kind": "protocol"}
            if loaded_bench is not None:
                row = {"file": f"{name} on {bench}", "kind": "pair"}
                row["config_hash"] = setups.combine(loaded_bench, loaded).config_hash
        except ConfigError as error:
            problems += error.problems
        else:
            told.append(row)
    report_check(told, problems, as_json=as_json)
    if problems:
        ctx.exit(Exit.CONFIGURATION)


def _in_words(item: object) -> str:
    """One entry of a list: ``deployment_mm 20, target_c 105`` for a mapping."""
    if not isinstance(item, dict):
        return str(item)
    return ", ".join(f"{name} {value:g} {unit(name)}".rstrip() for name, value in item.items() if value is not None)


def _summary(loaded: LoadedProtocol) -> dict[str, Any]:
    protocol = loaded.protocol
    return {
        "protocol": protocol.protocol,
        "law": protocol.law.kind,
        "modality": protocol.modality,
        "applicator": protocol.applicator.model_dump(mode="json", exclude_none=True),
        "mounts": str(protocol.applicator),
        "power_w": protocol.law.peak[1],
        "duration_s": protocol.law.end[1],
        "source": protocol.source,
        "file": str(loaded.path),
    }
