"""``ablate simulate``: plant and law alone."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import click

from controller.commands.completing import protocols
from controller.exits import Exit

FLOW = "flow_ml_min"
NAMES = ("array", "antenna")
"""Applicator keys that are no numbers."""
WHOLE = ("gauge", "needles", "antennas")
"""Applicator keys that count something."""


@dataclass
class Changes:
    """What ``--set`` asked for, by where it belongs."""

    tissue: dict[str, float] = field(default_factory=dict)
    applicator: dict[str, float | int] = field(default_factory=dict)
    simulation: dict[str, float] = field(default_factory=dict)
    flow_ml_min: float | None = None


def parse_changes(words: tuple[str, ...], kind: str) -> Changes:
    """``--set`` words as changes. ``kind``: the applicator's, whose numbers may be set as ``applicator.NAME``.

    Raises click.UsageError for a word that is not NAME=NUMBER, an unknown name, or a name given twice.
    """
    from sim.world import checks
    from sim.world.catalogue import KINDS
    from sim.world.options import Options
    from sim.world.properties import PERFUSION_KEY, RANGES

    tissue = {*RANGES, PERFUSION_KEY}
    simulation = {option.name for option in fields(Options) if "range" in option.metadata}
    applicator = {f"applicator.{key}" for key in KINDS[kind][1] if key not in NAMES} if kind in KINDS else set()
    known = (*RANGES, PERFUSION_KEY, FLOW, *sorted(applicator), *sorted(simulation))
    changes, seen = Changes(), set[str]()
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise click.UsageError(f"--set {word}: write NAME=NUMBER")
        if name not in known:
            raise click.UsageError(f"--set {word}: {checks.unknown('name', name, known)}")
        if name in seen:
            raise click.UsageError(f"--set {name}: given twice")
        seen.add(name)
        value = _number(word, text)
        if name in tissue:
            changes.tissue[name] = value
        elif name in simulation:
            changes.simulation[name] = value
        elif name in applicator:
            key = name.partition(".")[2]
            changes.applicator[key] = int(value) if key in WHOLE and value.is_integer() else value
        else:
            changes.flow_ml_min = value
    return changes


def _number(word: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise click.UsageError(f"--set {word}: {text!r} is not a finite number")
    return value


@click.command()
@click.argument("protocol", shell_complete=protocols)
@click.option("--tissue", default="exvivo_bovine", show_default=True, help="A tissue of the library.")
@click.option("--mesh", type=click.Choice(["fast", "fine", "reference"]), default="fast", show_default=True)
@click.option("--gauge", type=int, help="Of the needle; default: the protocol's, else 17.")
@click.option(
    "--set", "words", multiple=True, metavar="NAME=NUMBER",
    help="Another number of the tissue, the applicator (applicator.gauge=15) or the bench (coolant_c=4); repeatable.",
)  # fmt: skip
@click.option(
    "--picture", type=click.Path(path_type=Path), metavar="FILE",
    help="Temperature, damage and applicator at the end, as .png, .svg or .pdf.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def simulate(
    protocol: str,
    tissue: str,
    mesh: str,
    gauge: int | None,
    words: tuple[str, ...],
    picture: Path | None,
    as_json: bool,
) -> int:
    """Plant and law alone: what PROTOCOL would do to the tissue with an ideal generator.

    \b
    Examples:
      ablate simulate cooled-needle-3cm-12min --tissue exvivo_porcine --json
      ablate simulate cooled-needle-3cm-12min --set perfusion_w_m3k=20000 --picture zone.png
    """
    from controller.config.loading import load_protocol
    from controller.config.problems import ConfigError, Problem
    from controller.console import progress
    from sim import picture as pictures
    from sim.alone import Task
    from sim.alone import simulate as run
    from sim.world.catalogue import applicator_from
    from sim.world.field import NotConverged

    if picture is not None and (why := pictures.refusal(picture)):
        raise click.UsageError(f"--picture {why}")
    loaded = load_protocol(protocol)
    treatment = loaded.protocol
    applicator = treatment.applicator.model_dump(exclude_none=True)
    changes = parse_changes(words, treatment.applicator.kind)
    if gauge is not None:
        changes.applicator.setdefault("gauge", gauge)
    flow_ml_min = treatment.cooling.flow_ml_min if treatment.cooling is not None else 0.0
    task = Task(
        law=treatment.law,
        applicator={**applicator, **changes.applicator},
        tissue=tissue,
        changes=changes.tissue,
        simulation=changes.simulation,
        mesh=mesh,
        flow_ml_min=flow_ml_min if changes.flow_ml_min is None else changes.flow_ml_min,
        power_max_w=treatment.limits.power_w or math.inf,
    )
    try:
        task.changed_tissue()
        if changes.applicator:
            applicator_from(task.applicator)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    title = f"{treatment.protocol}, {tissue}"

    def draw(world: Any) -> None:
        if picture is not None:
            pictures.draw(picture, world.picture_data(), world.applicator, title)

    try:
        with progress("simulating", task.law.end[1], unit="s", quiet=as_json) as tell:
            result = run(task, progress=tell, picture=draw)
    except NotConverged as error:
        click.echo(f"ablate: stopped without a result: {error}", err=True)
        return Exit.UNEXPECTED
    except ValueError as error:
        raise ConfigError([Problem(str(loaded.path), 0, "", str(error))]) from error
    if as_json:
        click.echo(json.dumps(result))
        return Exit.DONE
    for label, text in rows(result):
        click.echo(f"{label:<12} {text}")
    if picture is not None:
        click.echo(f"{'picture':<12} {picture}")
    return Exit.DONE


def rows(result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The result for a person: label and text of each line."""
    yield "tissue", f"{result['tissue']}, {result['mesh']} mesh"
    yield "applicator", ", ".join(f"{key} {value}" for key, value in result["applicator"].items() if key != "kind")
    yield "zone", _zone(result["zone"])
    yield "contracted", _zone(result["zone"], "contracted_")
    mean_w = result["energy_j"] / result["duration_s"] if result["duration_s"] else 0.0
    yield "energy", f"{result['energy_j'] / 1000:.1f} kJ in {result['duration_s']:.0f} s, {mean_w:.0f} W on average"
    if result["stopped"]:
        yield "stopped", result["stopped"]
    if result["by_hand"]:
        done = (f"{act['kind']} {act['value_mm']:g} mm at {act['t_s']:.0f} s" for act in result["by_hand"])
        yield "by hand", ", ".join(done)
    if result["impedance_start_ohm"] is not None:
        first_s = result["first_rolloff_s"]
        yield (
            "impedance",
            f"{result['impedance_start_ohm']:.0f} ohm at first, {result['impedance_min_ohm']:.0f} at least",
        )
        yield (
            "roll-offs",
            f"{result['rolloffs']}" + (f", the first after {first_s:.0f} s" if first_s is not None else ""),
        )
    else:
        share = 1.0 - result["energy_j"] / result["forward_j"] if result["forward_j"] else 0.0
        yield "reflected", f"{100 * share:.1f} % of {result['forward_j'] / 1000:.1f} kJ sent forward"
    for probe in result["probes"]:
        reached_s = probe["time_to_54c_s"]
        when = f", 54 °C after {reached_s:.0f} s" if reached_s is not None else ""
        yield f"at {probe['radius_mm']:g} mm", f"at most {probe['max_c']:.1f} °C{when}"
    yield "computed", f"in {result['wall_s']:.2f} s; parameters {result['parameters'][:12]}"


def _zone(zone: Mapping[str, float], which: str = "") -> str:
    long_mm, short_mm, volume_ml = (zone[which + name] for name in ("long_axis_mm", "short_axis_mm", "volume_ml"))
    return f"{long_mm:.1f} x {short_mm:.1f} mm, {volume_ml:.1f} mL"
