"""What a plan would do, before any hardware moves: each application in fresh tissue, all zones put together."""

from __future__ import annotations

from typing import Any

from controller.config.loading import LoadedBench, LoadedProtocol
from controller.predictors import predict
from controller.records.outcome import COMPLETED
from controller.treatment.coverage import Profile, from_picture, is_cut
from controller.treatment.loading import LoadedPlan, combine
from controller.treatment.plan import Step
from controller.treatment.summary import CUT, PREDICTED, Done, Treatment


def promised(told: dict[str, Any]) -> Profile | None:
    """The zone of a prediction (:func:`controller.predictors.predict`) as a body around the probe; None without one."""
    return from_picture(told.get("picture") or {}, (told.get("zone") or {}).get("volume_ml"))


def dry_run(plan: LoadedPlan, bench: LoadedBench | None = None, tissue: str | None = None) -> dict[str, Any]:
    """``applications``, ``targets`` as ``run --json`` tells them, ``duration_s``, ``energy_j`` and ``tissue``.

    Applications that heat the same tissue again, or tissue that is still warm, reach further than is told here.

    Args:
        bench: its applicator, its limits; None: the protocols alone.
        tissue: None takes the plan's, then the bench's, then ex vivo bovine liver.

    Raises:
        ConfigError: the bench cannot deliver it, nothing predicts, or the tissue is not known.
    """
    if bench is not None:
        bench = combine(bench, plan).bench
    wanted = tissue or plan.plan.specimen.tissue
    told: dict[str, dict[str, Any]] = {}
    done: list[Done] = []
    for step in plan.steps:
        if step.track:  # its zone is the channel: it covers nothing of its own
            continue
        if step.protocol not in told:
            told[step.protocol] = predict(plan.protocols[step.protocol], bench, wanted)
        done.append(_done(step, plan.protocols[step.protocol], told[step.protocol]))
    whole = Treatment(plan.plan, tuple(done)).as_dict()
    energy_j, duration_s = (sum(float(one.facts[name]) for one in done) for name in ("energy_j", "on_time_s"))
    first = next(iter(told.values()), {})
    return {
        "plan": whole["plan"],
        "tissue": first.get("tissue"),
        "model": first.get("model"),
        "duration_s": round(duration_s, 1),
        "energy_j": round(energy_j, 1),
        "applications": [{**one, "result": PREDICTED} for one in whole["applications"]],
        "targets": whole["targets"],
    }


def _done(step: Step, protocol: LoadedProtocol, told: dict[str, Any]) -> Done:
    facts = {"energy_j": told["energy_j"], "on_time_s": told["duration_s"], "rolloffs": told["rolloffs"]}
    return Done(
        target=step.target.target,
        index=step.index,
        result=COMPLETED,
        at_mm=step.at_mm,
        axis=step.axis,
        protocol=protocol.protocol.protocol,
        profile=promised(told),
        basis=PREDICTED + CUT * is_cut(told.get("picture") or {}),
        facts=facts,
    )
