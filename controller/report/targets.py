"""The part of a report that is about a plan: for each target what was planned, delivered and covered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from controller.records.outcome import COMPLETED
from controller.report import sections
from controller.treatment.plan import PlannedTarget, steps
from controller.treatment.summary import Done, Treatment

TURNED = "cut through the axis of a group or array, turned around it and scaled to the zone's volume: gaps are lost."
BASIS = {
    "simulated cut": f"Zones are those of the simulated tissue, of each a {TURNED}",
    "predicted cut": f"Zones are predicted by the dry run of each protocol, of each a {TURNED}",
    "recorded cut": f"Zones are as recorded, of each a {TURNED}",
    "simulated": "Zones are those of the simulated tissue.",
    "predicted": "Zones are predicted: what the dry run of each protocol promises. Nobody has seen this tissue.",
    "recorded": "Zones are as recorded.",
}


def render(treatment: Treatment) -> str:
    """One section for each target of the plan."""
    return "".join(_target(treatment, target, told) for target, told in _both(treatment))


def tiles(treatment: Treatment) -> str:
    """The whole plan at a glance."""
    done, left = treatment.done, treatment.left
    planned = len(steps(treatment.plan))
    result = COMPLETED if not left else done[-1].result if done and done[-1].result != COMPLETED else "unfinished"
    energy_j, on_time_s = (_total(done, name) for name in ("energy_j", "on_time_s"))
    shown = [
        (f"{planned - len(left)} of {planned}", "applications completed"),
        (f"{energy_j / 1000:.2f} kJ", "energy"),
        (f"{on_time_s / 60:.1f} min", "time of energy"),
    ]
    kind = result if result in ("completed", "tripped", "aborted") else "aborted"
    first = f"<div class='tile {kind}'><b>{escape(result)}</b><span>plan</span></div>"
    return f"<div class=tiles>{first}{''.join(sections.tile(text, name) for text, name in shown)}</div>"


def _total(done: Sequence[Done], name: str) -> float:
    values = (one.facts.get(name) for one in done)
    return float(sum(value for value in values if isinstance(value, (int, float))))


def _both(treatment: Treatment) -> list[tuple[PlannedTarget, dict[str, Any]]]:
    return list(zip(treatment.plan.targets, treatment.targets(), strict=True))


def _target(treatment: Treatment, target: PlannedTarget, told: Mapping[str, Any]) -> str:
    lesion = target.lesion
    deep = f", {lesion.depth_mm:g} mm deep" if lesion.depth_mm is not None else ""
    size = f"lesion {lesion.long_mm:g} × {lesion.short_mm:g} mm{deep}, margin {target.margin_mm:g} mm"
    parts = [
        f"<section class=target><h2>Target {escape(target.target)}</h2><p class=sub>{escape(size)}</p>",
        _deliveries(treatment, target),
        _covered(treatment, target, told),
        "</section>",
    ]
    return "".join(parts)


def _deliveries(treatment: Treatment, target: PlannedTarget) -> str:
    """Planned and delivered, side by side: one line for each part of each delivery."""
    rows: list[Sequence[str]] = []
    for step in steps(treatment.plan):
        if step.target.target != target.target:
            continue
        where = "on withdrawal" if step.track else f"({', '.join(f'{x:.4g}' for x in step.at_mm)})"
        done = [one for one in treatment.of(target) if one.key == step.key]
        planned = [str(step.index), step.protocol, where]
        if not done:
            rows.append([*planned, "not done", "", "", "", ""])
        rows += [[*planned, *_delivered(one)] for one in done]
    head = ("", "protocol", "tip, mm", "result", "energy", "time", "30 s and 60 s after", "advice")
    return sections.grid(head, rows)


def _delivered(done: Done) -> list[str]:
    facts = done.facts
    energy_j, on_time_s = facts.get("energy_j"), facts.get("on_time_s")
    result = f"{done.result}: {facts['reason']}" if facts.get("reason") else done.result
    if facts.get("resumes"):
        result += " (continued)"
    return [
        result,
        f"{energy_j / 1000:.2f} kJ" if isinstance(energy_j, (int, float)) else "",
        f"{on_time_s:.0f} s" if isinstance(on_time_s, (int, float)) else "",
        "; ".join(_reading(reading) for reading in facts.get("readings") or ()),
        _advice(facts.get("advice")),
    ]


def _reading(taken: Mapping[str, Any]) -> str:
    """``30 s: tip 61 °C, tissue 48, 40 °C``: what was read of the roles that the bench has."""
    parts = []
    for name, label in (("tip_c", "tip"), ("tine_c", "tines"), ("tissue_c", "tissue")):
        value = taken.get(name)
        numbers = [f"{x:.0f}" for x in (value if isinstance(value, list) else [value]) if isinstance(x, (int, float))]
        if numbers:
            parts.append(f"{label} {', '.join(numbers)} °C")
    after_s = taken.get("after_s")
    when = f"{after_s:g} s" if isinstance(after_s, (int, float)) else ""
    return f"{when}: {', '.join(parts)}" if parts else ""


def _advice(told: object) -> str:
    if not isinstance(told, Mapping):
        return ""
    return f"{told.get('advice', '')}: {told.get('reason', '')}".strip(": ")


def _covered(treatment: Treatment, target: PlannedTarget, told: Mapping[str, Any]) -> str:
    coverage = told["coverage"]
    if coverage is None:
        return "<p>Nothing is known of the zones, so none of the coverage.</p>"
    from controller.report import coverage_plot

    least_mm = coverage["least_margin_mm"]
    what = "least margin" if least_mm >= 0 else "deepest uncovered tissue in the lesion"
    tiles = [
        (f"{coverage['lesion_percent']:.1f} %", "of the lesion"),
        (f"{coverage['margin_percent']:.1f} %", "of lesion and margin"),
        (f"{abs(least_mm):.1f} mm", f"{what}, towards {coverage['direction']}"),
        (f"{coverage['uncovered_ml']:.2f} mL", "of lesion and margin not covered"),
        (f"{coverage['total_ml']:.1f} mL", "all zones"),
        (f"{coverage['overlap_ml']:.1f} mL", "in more than one zone"),
    ]
    rows = [
        [
            str(share["application"]),
            f"{share['alone_percent']:.1f} %",
            f"{share['added_percent']:.1f} %",
            f"{share['volume_ml']:.1f} mL",
        ]
        for share in coverage["shares"]
    ]
    zones = treatment.zones(target)
    basis = " ".join(BASIS.get(word, "") for word in sorted({zone.basis for zone in zones}))
    lacking = told["without_zone"]
    if lacking:
        basis += f" Nothing is known of the zone of application {', '.join(map(str, lacking))}: it is not counted."
    picture = coverage_plot.cuts(target, [(zone.index, zone.placed) for zone in zones if zone.placed is not None])
    label = f"two cuts through target {escape(target.target)}: lesion, margin and zones"
    return (
        f"<div class=tiles>{''.join(sections.tile(text, name) for text, name in tiles)}</div>"
        f'<div role="img" aria-label="{label}">{picture}</div>'
        f"{sections.grid(('application', 'covers alone', 'adds', 'zone'), rows)}"
        f"<p class=sub>{escape(basis)} Counted on cubes of {coverage['voxel_mm']:g} mm.</p>"
    )
