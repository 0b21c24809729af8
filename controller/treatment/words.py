"""What came of a plan, in a few lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def in_words(result: Mapping[str, Any]) -> Iterator[str]:
    """Lines for each target of a plan, and what is left; nothing for a result without a plan."""
    for target in result.get("targets") or ():
        yield f"{target['target']}: {_applications(result, target)}; {covered(target)}"
    if why := result.get("unpredicted"):
        yield f"no zone could be predicted: {why}"
    if left := result.get("left"):
        words = ", ".join(f"{one['target']} application {one['application']}" for one in left)
        yield f"left: {words}; go on with --resume"


def _applications(result: Mapping[str, Any], target: Mapping[str, Any]) -> str:
    mine = [one for one in result["applications"] if one["target"] == target["target"]]
    completed = {one["application"] for one in mine if one["result"] == "completed"}
    told = f"{len(completed)} of {len(completed) + len(target['left'])} applications completed"
    again = [one["application"] for one in mine if (one.get("advice") or {}).get("advice") == "re-ablate"]
    return f"{told}, re-ablate {', '.join(map(str, again))}" if again else told


def application(one: Mapping[str, Any], target: Mapping[str, Any]) -> str:
    """One application of a target: ``t1 1 of 2  cooled-needle-3cm-12min  completed, 720 s, 31.1 kJ``."""
    parts = [str(one["result"])]
    if (on_time_s := one.get("on_time_s")) is not None:
        parts.append(f"{on_time_s:.0f} s")
    if (energy_j := one.get("energy_j")) is not None:
        parts.append(f"{energy_j / 1000:.2f} kJ")
    advice = one.get("advice") or {}
    parts += [f"{advice['advice']}: {advice['reason']}"] if advice else []
    return f"{one['target']} {one['application']} of {target['planned']}  {one['protocol']}  {', '.join(parts)}"


def covered(target: Mapping[str, Any]) -> str:
    """The coverage of one target of :meth:`controller.treatment.summary.Treatment.targets`."""
    coverage = target["coverage"]
    if coverage is None:
        return "no zone is known, so no coverage"
    least_mm = coverage["least_margin_mm"]
    least = f"least margin {least_mm:.1f} mm" if least_mm >= 0 else f"uncovered to {-least_mm:.1f} mm inside the lesion"
    where = coverage["direction"]
    unknown = target["without_zone"]
    missing = f", without application {', '.join(map(str, unknown))}" if unknown else ""
    share = f"{coverage['lesion_percent']:.1f} % of the lesion, {coverage['margin_percent']:.1f} % with its margin"
    return f"covered {share}, {least} ({where}); {target['basis']}{missing}"
