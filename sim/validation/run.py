"""Runs the cases, over processes, and judges what came out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.alone import Task, simulate
from sim.validation import loop
from sim.validation.cases import PLACED, Case, burns_of, rehearsals_of
from sim.validation.checks import Check, Correlation, Order, Peak, Ratio, Slope, Trend

Floats = NDArray[np.float64]
COMPARED = {"rf": "before", "microwave": "after"}
"""Which zone is held against the published one: ``before`` or ``after`` contraction of the heated tissue. Published
zones are all cut after it. Microwave zones are therefore compared after contraction. In radio-frequency runs the one
calibrated number of the tissue (``dry_fraction``) was set so that the zone of the undeformed mesh meets measured axes:
contraction is inside it, and taking it off again would count it twice."""
RULE = {
    "rf": "as computed, on the undeformed mesh (the calibrated drying of the tissue contains contraction)",
    "microwave": "after contraction (linear, by the tissue's share)",
}


@dataclass(frozen=True)
class Verdict:
    """A published figure beside the predicted one."""

    burn: str
    quantity: str
    published: float
    sd: float | None
    predicted: float | None
    allowed: float
    gate: bool
    looped: float | None = None
    """Predicted with the controller in the loop; None: not rehearsed, or a rehearsal does not show it."""

    @property
    def off_by(self) -> float:
        """Predicted less published; nan when nothing was predicted."""
        return math.nan if self.predicted is None else self.predicted - self.published

    @property
    def met(self) -> bool:
        """Within the tolerance?"""
        return abs(self.off_by) <= self.allowed

    @property
    def looped_met(self) -> bool | None:
        """Within the tolerance with the controller in the loop? None: not rehearsed."""
        return None if self.looped is None else abs(self.looped - self.published) <= self.allowed


@dataclass(frozen=True)
class Finding:
    """How one check came out. ``wrong_sign``: it goes the other way than published."""

    check: Check
    text: str
    expected: str
    met: bool
    wrong_sign: bool = False


@dataclass(frozen=True)
class Outcome:
    """Everything of one run of the validation. ``failed``: burn -> what the solver or the command said; ``looped``:
    figures with the controller in the loop, ``loop_failed``: what a rehearsal said.
    """

    mesh: str
    cases: Mapping[str, Case]
    results: Mapping[str, dict[str, Any]]
    failed: Mapping[str, str]
    verdicts: Mapping[str, list[Verdict]] = field(default_factory=dict)
    findings: Mapping[str, list[Finding]] = field(default_factory=dict)
    looped: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    loop_failed: Mapping[str, str] = field(default_factory=dict)


def run(
    cases: Mapping[str, Case],
    *,
    mesh: str = "fast",
    jobs: int = 2,
    loops: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Outcome:
    """Compute every burn of ``cases`` on ``mesh`` with ``jobs`` processes and judge it; ``loops``: rehearse those that
    name a bench as well.

    A burn whose law ends early, or that the solver gives up, is reported, not raised. ``progress`` gets each finished
    burn's name, how many are finished and how many there are.
    """
    burns = burns_of(cases)
    results: dict[str, dict[str, Any]] = {}
    looped: dict[str, dict[str, float | None]] = {}
    failed: dict[str, str] = {}
    loop_failed: dict[str, str] = {}
    with ProcessPoolExecutor(max(1, jobs)) as pool:
        rehearsals = rehearsals_of(cases) if loops else {}  # first: they take longest
        futures = {pool.submit(loop.rehearse, case, name, mesh): (name, True) for name, case in rehearsals.items()}
        futures |= {pool.submit(compute, case, name, mesh): (name, False) for name, case in burns.items()}
        for done, future in enumerate(as_completed(futures), 1):
            name, in_the_loop = futures[future]
            try:
                if in_the_loop:
                    looped[name] = zone_figures(future.result(), burns[name].modality)
                else:
                    results[name] = future.result()
            except Exception as error:
                (loop_failed if in_the_loop else failed)[name] = f"{type(error).__name__}: {error}"
            if progress is not None:
                progress(name, done, len(futures))
    ordered = {name: results[name] for name in burns if name in results}
    outcome = Outcome(mesh, cases, ordered, failed, looped=looped, loop_failed=loop_failed)
    return judge(outcome)


def compute(case: Case, name: str, mesh: str) -> dict[str, Any]:
    """One burn: the quantities of :data:`sim.validation.cases.QUANTITIES` and of its probes, under ``figures``.

    Raises ValueError, sim.world.field.NotConverged.
    """
    scene, burn = case.scene(name), case.burns[name]
    radii = sorted({float(found[2]) for quantity in burn.measured if (found := PLACED.fullmatch(quantity))})
    task = Task(
        law=case.law(name),
        applicator=scene.applicator,
        tissue=scene.tissue or "",
        changes=scene.changes,
        simulation=scene.simulation,
        mesh=mesh,
        flow_ml_min=scene.flow_ml_min or 0.0,
        probe_radii_mm=tuple(radii),
        until_short_axis_mm=burn.until_short_axis_mm,
        turns=burn.turns,
    )
    result = simulate(task)
    return {**result, "figures": figures(result, case.modality)}


def figures(result: Mapping[str, Any], modality: str) -> dict[str, float | None]:
    """The quantities that cases may ask for, out of the result of a simulation. None: did not happen."""
    names = ("first_rolloff_s", "impedance_start_ohm", "impedance_min_ohm")
    found = {**zone_figures(result, modality), **{name: result[name] for name in names}}
    for probe in result["probes"]:
        place = f"{probe['radius_mm']:g}mm"
        found[f"max_{place}_c"] = probe["max_c"]
        found[f"end_{place}_c"] = probe["end_c"]
        found[f"time_to_54c_{place}_s"] = probe["time_to_54c_s"]
    return found


def zone_figures(result: Mapping[str, Any], modality: str) -> dict[str, float | None]:
    """Those of them that a rehearsal shows as well."""
    prefix = "" if COMPARED[modality] == "before" else "contracted_"
    zone = {name: result["zone"][prefix + name] for name in ("short_axis_mm", "long_axis_mm", "volume_ml")}
    return {
        **zone,
        **{name: result[name] for name in ("energy_j", "duration_s", "rolloffs")},
        "aspect": zone["short_axis_mm"] / zone["long_axis_mm"] if zone["long_axis_mm"] else None,
        "energy_per_ml_j": result["energy_j"] / zone["volume_ml"] if zone["volume_ml"] else None,
    }


def judge(outcome: Outcome) -> Outcome:
    """The outcome with its verdicts and findings."""
    predicted = {name: result["figures"] for name, result in outcome.results.items()}
    verdicts, findings = {}, {}
    for name, case in outcome.cases.items():
        if case.status != "computed":
            continue
        verdicts[name] = [
            Verdict(
                burn,
                quantity,
                m.value,
                m.sd,
                predicted.get(burn, {}).get(quantity),
                m.allowed(quantity),
                m.gate,
                outcome.looped.get(burn, {}).get(quantity),
            )
            for burn, made in case.burns.items()
            for quantity, m in made.measured.items()
        ]
        x = {burn: made.x for other in outcome.cases.values() for burn, made in other.burns.items()}
        findings[name] = [_examine(check, predicted, x) for check in case.checks]
    return replace(outcome, verdicts=verdicts, findings=findings)


def _examine(check: Check, predicted: Mapping[str, Mapping[str, Any]], at: Mapping[str, float | None]) -> Finding:
    values = [predicted.get(burn, {}).get(check.of) for burn in check.burns]
    if any(value is None for value in values):
        return Finding(check, "not computed", "", met=False)
    y = np.array(values, dtype=float)
    x = np.array([at.get(burn) or 0.0 for burn in check.burns])
    if np.ptp(x) == 0.0:  # the series varies something else: the order of the burns is the published one
        x = np.arange(y.size, dtype=float)
    series = ", ".join(f"{value:.3g}" for value in y)
    match check:
        case Trend(sign=sign):
            slope = _slope(x, y)
            right = slope > 0.0 if sign == "rises" else slope < 0.0
            return Finding(check, series, sign, met=right, wrong_sign=not right)
        case Slope(between=(low, high)):
            slope = _slope(x, y)
            wrong = slope * (low + high) < 0.0
            return Finding(check, f"{slope:.3g}", f"{low:g} to {high:g}", low <= slope <= high, wrong)
        case Order():
            right = bool(np.all(np.diff(y) > 0.0))
            return Finding(check, series, "ascending", met=right, wrong_sign=not right and bool(y[-1] <= y[0]))
        case Peak(among=among):
            best = check.burns[int(np.argmax(y))]
            return Finding(check, f"{series}: greatest in {best}", f"greatest in {' or '.join(among)}", best in among)
        case Ratio(kind="ratio", between=(low, high)):
            ratio = float(y[0] / y[1])
            wrong = (ratio - 1.0) * (0.5 * (low + high) - 1.0) < 0.0
            return Finding(check, f"{ratio:.3g}", f"{low:g} to {high:g}", low <= ratio <= high, wrong)
        case Ratio(between=(low, high)):
            difference = float(y[0] - y[1])
            wrong = low * high > 0.0 and difference * low < 0.0
            return Finding(check, f"{difference:.3g}", f"{low:g} to {high:g}", low <= difference <= high, wrong)
        case Correlation(over=over, at_least=least):
            other = np.array([predicted[burn][over] for burn in check.burns], dtype=float)
            r = float(np.corrcoef(y, other)[0, 1])
            return Finding(check, f"r = {r:.2f}", f"r at least {least:g}", r >= least, r * least < 0.0)


def _slope(x: Floats, y: Floats) -> float:
    """Of the least-squares line."""
    off = x - x.mean()
    return float(np.dot(off, y) / np.dot(off, off))
