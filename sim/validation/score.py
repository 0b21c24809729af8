"""One score out of many verdicts: what the acceptance of the world is read from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from sim.validation.run import Outcome, Verdict

AXES = ("short_axis_mm", "long_axis_mm")


@dataclass(frozen=True)
class Score:
    """Counts and roots of mean squares over all computed cases. The RMS pairs are (burns, mm).

    ``energies`` are those of gated and supporting cases: a case of confidence ``trend`` says nothing in absolute terms.
    ``looped``: figures with the controller in the loop; ``loop_gated``: rehearsed burns of gated cases, by their axes.
    """

    figures: int
    met: int
    gated: int
    gated_met: int
    rms_rf_mm: tuple[int, float]
    rms_microwave_mm: tuple[int, float]
    energies: int
    energy_met: int
    checks: int
    checks_met: int
    wrong_signs: tuple[str, ...]
    looped: int
    looped_met: int
    loop_gated: int
    loop_gated_met: int


def score_of(outcome: Outcome) -> Score:
    """The score of a run."""
    verdicts = [verdict for group in outcome.verdicts.values() for verdict in group]
    gated: dict[str, bool] = {}
    loop_gated: dict[str, bool] = {}
    for v in verdicts:
        if v.gate and v.quantity in AXES:
            gated[v.burn] = gated.get(v.burn, True) and v.met
            if v.looped_met is not None:
                loop_gated[v.burn] = loop_gated.get(v.burn, True) and v.looped_met
    looped = [v.looped_met for v in verdicts if v.looped_met is not None]
    energies = [
        v
        for name, group in outcome.verdicts.items()
        if outcome.cases[name].confidence != "trend"
        for v in group
        if v.quantity == "energy_j"
    ]
    findings = [(name, f) for name, group in outcome.findings.items() for f in group]
    return Score(
        figures=len(verdicts),
        met=sum(v.met for v in verdicts),
        gated=len(gated),
        gated_met=sum(gated.values()),
        rms_rf_mm=_rms(_short_axes(outcome, "rf")),
        rms_microwave_mm=_rms(_short_axes(outcome, "microwave")),
        energies=len(energies),
        energy_met=sum(v.met for v in energies),
        checks=len(findings),
        checks_met=sum(f.met for _, f in findings),
        wrong_signs=tuple(f"{name}: {f.check.kind} of {f.check.of}" for name, f in findings if f.wrong_sign),
        looped=len(looped),
        looped_met=sum(looped),
        loop_gated=len(loop_gated),
        loop_gated_met=sum(loop_gated.values()),
    )


def _short_axes(outcome: Outcome, modality: str) -> list[Verdict]:
    return [
        v
        for name, group in outcome.verdicts.items()
        if outcome.cases[name].modality == modality
        for v in group
        if v.gate and v.quantity == "short_axis_mm"
    ]


def _rms(verdicts: Iterable[Verdict]) -> tuple[int, float]:
    off = [v.off_by for v in verdicts if not math.isnan(v.off_by)]
    return len(off), math.sqrt(sum(d * d for d in off) / len(off)) if off else math.nan
