"""``ablate protocols``: the treatment files that come with Openablate, and your own. Touches no device."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from controller.commands import completing
from controller.commands.config import report_check
from controller.commands.plans import tell_dry_run
from controller.config.problems import ConfigError, Problem
from controller.config.shipped import shipped
from controller.config.units import unit
from controller.exits import Exit

if TYPE_CHECKING:
    from controller.config.loading import LoadedProtocol
    from controller.config.yaml_loader import Loc


@click.group()
def protocols() -> None:
    """Shipped and own treatment files.

    A protocol is named by its path, or by its name if it comes with Openablate.
    """


@protocols.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def list_(as_json: bool) -> None:
    """List the protocols that come with Openablate.

    \b
    Examples:
      ablate protocols list
      ablate protocols list --json
    """
    from controller.config.loading import load_protocol

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
@click.argument("protocol", shell_complete=completing.protocols)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(protocol: str, as_json: bool) -> None:
    """Show one protocol: where it was published, its law and numbers, its limits.

    \b
    Examples:
      ablate protocols show demo-30s
      ablate protocols show my-protocol.yaml --json
    """
    from controller.config.loading import load_protocol

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
@click.argument("files", nargs=-1, required=True, metavar="PROTOCOL...", shell_complete=completing.protocols)
@click.option("--bench", shell_complete=completing.benches, help="Also check that this bench can deliver them.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def check(ctx: click.Context, files: tuple[str, ...], bench: str | None, as_json: bool) -> None:
    """Check protocols, alone or against a bench. Exit code 3 if anything is wrong.

    \b
    Examples:
      ablate protocols check my-protocol.yaml
      ablate protocols check my-protocol.yaml --bench bench.yaml
    """
    from controller.config import setup as setups
    from controller.config.loading import load_bench, load_protocol

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


@protocols.command("dry-run")
@click.argument("protocol", metavar="PROTOCOL|PLAN", shell_complete=completing.protocols)
@click.option(
    "--bench",
    shell_complete=completing.benches,
    help="On this bench: its applicator, its limits, its tissue. Checks that it can deliver it.",
)
@click.option("--tissue", help="A tissue of the library; default: the bench's, else exvivo_bovine.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def dry_run(protocol: str, bench: str | None, tissue: str | None, as_json: bool) -> None:
    """What a protocol would do: duration, energy and zone in a named tissue, before any hardware moves.

    Of a plan: what its applications cover together (`ablate plans dry-run`).

    \b
    Examples:
      ablate protocols dry-run cooled-needle-3cm-12min --tissue exvivo_porcine
      ablate protocols dry-run my-protocol.yaml --bench bench.yaml --json
    """
    from controller import predictors
    from controller.config.loading import load_bench, load_protocol
    from controller.treatment.loading import is_plan

    if is_plan(protocol):
        tell_dry_run(protocol, bench, tissue, as_json)
        return
    loaded = load_protocol(protocol)
    told = predictors.predict(loaded, load_bench(bench) if bench is not None else None, tissue)
    if as_json:
        click.echo(json.dumps({"protocol": loaded.protocol.protocol, "bench": bench, **predictors.brief(told)}))
        return
    zone, seconds, joules = told["zone"], told["duration_s"], told["energy_j"]
    mean_w = joules / seconds if seconds else 0.0
    click.echo(f"protocol   {loaded.protocol.protocol}, {loaded.protocol.applicator}")
    click.echo(f"tissue     {told['tissue']} ({told['model']})")
    click.echo(f"duration   {seconds:.0f} s" + (f", ended early: {told['stopped']}" if told["stopped"] else ""))
    click.echo(f"energy     {joules / 1000:.1f} kJ, {mean_w:.0f} W on average, {told['rolloffs']} roll-offs")
    axes = f"{zone['long_axis_mm']:.1f} x {zone['short_axis_mm']:.1f} mm"
    click.echo(f"zone       {axes}, {zone['volume_ml']:.1f} mL")


@protocols.command()
@click.argument("before", shell_complete=completing.protocols)
@click.argument("after", shell_complete=completing.protocols)
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def diff(before: str, after: str, as_json: bool) -> None:
    """What differs between two protocols: values in force, defaults written out; comments and order do not count.

    \b
    Examples:
      ablate protocols diff cooled-needle-2cm-12min cooled-needle-3cm-12min
      ablate protocols diff cooled-needle-3cm-12min my-protocol.yaml --json
    """
    from controller.config.loading import load_protocol

    first, second = (dict(_values(load_protocol(name).protocol.model_dump(mode="json"))) for name in (before, after))
    rows = [
        {"path": path, "before": first.get(path), "after": second.get(path)}
        for path in dict.fromkeys((*first, *second))
        if first.get(path) != second.get(path)
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    if not rows:
        click.echo("no difference")
    for row in rows:
        mark = unit(str(row["path"]).rpartition(".")[2])
        left, right = ("-" if row[side] is None else f"{row[side]}" for side in ("before", "after"))
        click.echo(f"{row['path']}: {left} -> {right} {mark}".rstrip())


def _values(value: Any, loc: Loc = ()) -> Iterator[tuple[str, Any]]:
    """Every value by its path, lists entry by entry; what is null says nothing."""
    from controller.config.yaml_loader import dotted

    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if children is not None:
        for key, child in children:
            yield from _values(child, (*loc, key))
    elif value is not None:
        yield dotted(loc), value


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
