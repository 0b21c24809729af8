"""``ablate plans``: what a lab wants to do in one session. Touches no device."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from controller.commands.completing import benches
from controller.commands.config import report_check
from controller.config.problems import ConfigError, Problem
from controller.exits import Exit

if TYPE_CHECKING:
    from controller.treatment.loading import LoadedPlan
    from controller.treatment.plan import Step


@click.group()
def plans() -> None:
    """Check and show plans: targets, the applications on each, where the probe is put.

    A plan is run with `ablate run BENCH PLAN` and rehearsed with `ablate rehearse BENCH PLAN`.
    """


@plans.command()
@click.argument("files", nargs=-1, required=True, metavar="PLAN...")
@click.option("--bench", shell_complete=benches, help="Also check that this bench can deliver every application.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def check(ctx: click.Context, files: tuple[str, ...], bench: str | None, as_json: bool) -> None:
    """Check plans and the protocols they name, alone or against a bench. Exit code 3 if anything is wrong.

    \b
    Examples:
      ablate plans check my-plan.yaml
      ablate plans check my-plan.yaml --bench bench.yaml
    """
    from controller.config.loading import load_bench
    from controller.treatment import loading

    told: list[dict[str, object]] = []
    problems: list[Problem] = []
    warnings: list[Problem] = []
    loaded_bench = load_bench(bench) if bench is not None else None
    for name in files:
        try:
            loaded = loading.load_plan(name)
            warnings += loaded.warnings
            row: dict[str, object] = {"file": name, "kind": "plan"}
            if loaded_bench is not None:
                loading.combine(loaded_bench, loaded)
                row = {"file": f"{name} on {bench}", "kind": "pair"}
        except ConfigError as error:
            problems += error.problems
        else:
            told.append({**row, "warnings": [str(warning) for warning in loaded.warnings]})
    report_check(told, problems, as_json=as_json)
    if not as_json:
        tell(warnings)
    if problems:
        ctx.exit(Exit.CONFIGURATION)


def tell(warnings: list[Problem] | tuple[Problem, ...]) -> None:
    """Say what may be meant and may be a slip."""
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


@plans.command()
@click.argument("plan")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(plan: str, as_json: bool) -> None:
    """Show what a plan does, in order.

    \b
    Example:
      ablate plans show my-plan.yaml
    """
    from controller.treatment.loading import load_plan

    loaded = load_plan(plan)
    found = [_step(loaded, step) for step in loaded.steps]
    if as_json:
        click.echo(json.dumps({"file": plan, **loaded.plan.model_dump(mode="json"), "applications": found}))
        return
    specimen = loaded.plan.specimen
    what = ", ".join(text for text in (specimen.organ, specimen.phantom, specimen.label) if text is not None)
    click.echo(f"{loaded.plan.plan}  ({loaded.path}){': ' + what if what else ''}")
    for target in loaded.plan.targets:
        lesion = target.lesion
        deep = f", {lesion.depth_mm:g} mm deep" if lesion.depth_mm is not None else ""
        size = f"{lesion.long_mm:g} x {lesion.short_mm:g} mm"
        click.echo(f"\n{target.target}: {size}{deep}, margin {target.margin_mm:g} mm")
        for row in found:
            if row["target"] == target.target:
                where = "on withdrawal" if row["track"] else f"tip at ({', '.join(f'{x:g}' for x in row['at_mm'])}) mm"
                long = f"up to {row['power_w']:g} W, {row['duration_s']:g} s"
                click.echo(f"  {row['application']} of {row['of']}  {row['protocol']}, {long}, {where}")
    total_s = sum(row["duration_s"] for row in found)
    click.echo(f"\n{len(found)} applications, at most {total_s / 60:.0f} min of energy")
    tell(loaded.warnings)


def _step(loaded: LoadedPlan, step: Step) -> dict[str, Any]:
    protocol = loaded.protocols[step.protocol].protocol
    return {
        "target": step.target.target,
        "application": step.index,
        "of": step.of,
        "protocol": protocol.protocol,
        "track": step.track,
        "at_mm": [round(x, 3) for x in step.at_mm],
        "axis": list(step.axis),
        "power_w": protocol.law.peak[1],
        "duration_s": protocol.law.end[1],
    }


@plans.command("dry-run")
@click.argument("plan")
@click.option(
    "--bench",
    shell_complete=benches,
    help="On this bench: its applicator, its limits, its tissue. Checks that it can deliver all.",
)
@click.option("--tissue", help="A tissue of the library; default: the plan's, the bench's, else exvivo_bovine.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def dry_run(plan: str, bench: str | None, tissue: str | None, as_json: bool) -> None:
    """What a plan would do: duration, energy and what is covered of each target, before any hardware moves.

    Every application is computed in fresh tissue: one that heats warm tissue again reaches further.

    \b
    Example:
      ablate plans dry-run my-plan.yaml --bench bench.yaml
    """
    tell_dry_run(plan, bench, tissue, as_json)


def tell_dry_run(plan: str, bench: str | None, tissue: str | None, as_json: bool) -> None:
    """Compute and print it."""
    from controller.config.loading import load_bench
    from controller.treatment.dry_run import dry_run as compute
    from controller.treatment.loading import load_plan
    from controller.treatment.words import application, covered

    told = compute(load_plan(plan), load_bench(bench) if bench is not None else None, tissue)
    if as_json:
        click.echo(json.dumps(told))
        return
    click.echo(f"plan       {told['plan']}")
    click.echo(f"tissue     {told['tissue']} ({told['model']})")
    click.echo(f"duration   {told['duration_s'] / 60:.0f} min of energy, {told['energy_j'] / 1000:.1f} kJ")
    for target in told["targets"]:
        click.echo(f"\n{target['target']}: {covered(target)}")
        for one in told["applications"]:
            if one["target"] == target["target"]:
                click.echo(f"  {application(one, target)}")


@plans.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write there instead of to the terminal.")
def schema(out: Path | None) -> None:
    """Print the JSON Schema of a plan file, for editors.

    With this as its first line an editor completes and checks a plan:
    # yaml-language-server: $schema=./plan.schema.json

    \b
    Example:
      ablate plans schema --out plan.schema.json
    """
    from controller.treatment.loading import schema as made

    text = json.dumps(made(), indent=2)
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
