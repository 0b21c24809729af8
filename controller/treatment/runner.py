"""A plan from the first placing of the probe to the last application, as the foreground does it: the same code over the
control socket and in a rehearsal.

Between two applications the operator is asked to move the probe, and says when it lies. Each application is prepared,
armed and fired on its own: one FIRE never covers two. A trip or a stop ends the plan there; what is left is told, and
another session goes on with it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from controller.config.loading import LoadedProtocol
from controller.config.problems import ConfigError, Problem
from controller.config.setup import Setup
from controller.daemon.control import Operator
from controller.perform import Answer, Interrupted, NotDone, NotReady, Watch, inquire, perform, settle
from controller.predictors import predict
from controller.records.outcome import COMPLETED
from controller.records.reader import open_session
from controller.treatment.coverage import is_cut
from controller.treatment.dry_run import promised
from controller.treatment.loading import PlanSetup
from controller.treatment.placing import Probe, position
from controller.treatment.summary import PREDICTED, Done, Treatment, from_session, plan_event

Act = Callable[..., Coroutine[Any, Any, dict[str, Any]]]
"""``act(operator, watch=…, answer=…, interrupted=…)``: a protocol or a plan, performed; returns the last status."""


def act_of(
    setup: Setup | PlanSetup,
    *,
    before: Earlier | None = None,
    reset_reason: str | None = None,
    resume: bool = False,
    however_old: bool = False,
    anew: bool = False,
) -> Act:
    """What is to be performed on a bench; see :func:`controller.perform.perform` and :func:`perform_plan`."""
    if isinstance(setup, PlanSetup):
        return partial(
            perform_plan,
            setup=setup,
            before=before,
            reset_reason=reset_reason,
            however_old=however_old,
            anew=anew,
        )
    return partial(
        perform,
        protocol=str(setup.protocol.path.resolve()),
        reset_reason=reset_reason,
        resume=resume,
        however_old=however_old,
    )


@dataclass(frozen=True)
class Earlier:
    """What earlier sessions did of this plan. ``continues``: the newest of them."""

    done: tuple[Done, ...] = ()
    continues: str | None = None


def earlier(setup: PlanSetup, session: Path) -> Earlier:
    """What is to be skipped or continued, from the record of an earlier session.

    Raises:
        ConfigError: the session holds no plan, another one, or one of which nothing is left.
        RecordError: it cannot be read.
    """
    with open_session(session) as opened:
        found, plans = from_session(opened), opened.events("plan")
        name = str(opened.header.get("id"))
    if found is None:
        raise ConfigError([Problem(str(session), 0, "", "no plan was run in this session", "nothing can be resumed")])
    if found.plan != setup.plan.plan:
        told = f"another plan was run in this session: {plans[-1].data.get('name')}, or this one was edited since"
        hint = "its text is in the session: ablate sessions show SESSION --json"
        raise ConfigError([Problem(str(session), 0, "", told, hint)])
    if not found.left:
        raise ConfigError(
            [Problem(str(session), 0, "", "this plan is done", "nothing is left; run it without --resume")]
        )
    return Earlier(tuple(replace(done, number=0) for done in found.done), name)


def sha256(text: str) -> str:
    """Of the plan file as it is."""
    return hashlib.sha256(text.encode()).hexdigest()


async def perform_plan(
    operator: Operator,
    watch: Watch,
    *,
    setup: PlanSetup,
    answer: Answer | None = None,
    before: Earlier | None = None,
    reset_reason: str | None = None,
    interrupted: Interrupted = lambda: False,
    however_old: bool = False,
    anew: bool = False,
) -> dict[str, Any]:
    """Work through the plan; return the last status, its ``result`` that of the whole plan (:meth:`Run.told`).

    Args:
        operator: the daemon, near or over its socket.
        watch: called with every status that was seen.
        answer: answers prompts, see :func:`controller.perform.perform`; None: somebody else does (`ablate confirm`).
        before: what earlier sessions did: completed applications are skipped, an unfinished one is continued.
        reset_reason: clear a latch left by an earlier trip first, with this reason in the record.
        interrupted: asked ten times a second; once true, application and plan end.
        however_old: continue an application that was broken off more than an hour ago.
        anew: do an application that was broken off from its beginning, whatever it delivered.

    Raises:
        Latched, NotReady: the bench refuses; nothing was energised by what was refused.
    """
    before = before or Earlier()
    plan, text = setup.plan.plan, setup.plan.document.text
    so_far = Treatment(plan, before.done)
    left = {step.key for step in so_far.left}
    run = Run()
    status = await settle(operator, watch, reset_reason=reset_reason, interrupted=interrupted)
    await operator.note("plan", plan_event(plan, text, sha256(text), before.done, before.continues), "")
    probe = Probe()
    ask = partial(inquire, operator, watch=watch, answer=answer, interrupted=interrupted)
    for step, on_bench in zip(setup.plan.steps, setup.setups, strict=True):
        if step.key not in left:
            continue
        try:
            step = await probe.put(step, on_bench, ask)
            _unchanged(on_bench.protocol)
            status = await perform(
                operator,
                str(on_bench.protocol.path.resolve()),
                watch,
                interrupted=interrupted,
                answer=answer,
                resume=so_far.begun(step) and not anew,
                however_old=however_old,
                site={"target": step.target.target, "index": step.index, "position": position(step)},
            )
        except NotDone as error:
            status = await operator.status()
            run.refused = [str(error)]
            break
        except NotReady as error:
            if not run.results:
                raise
            run.refused = error.blocked_by or [str(error)]
            run.not_ready = True
            break
        result = status.get("result") or {}
        if (result.get("target"), result.get("index")) != step.key:  # it never fired
            break
        run.results.append({**result, "application": step.index, "protocol": on_bench.protocol.protocol.protocol})
        if result["result"] != COMPLETED:
            break
    if not interrupted():
        await run.predict(operator, setup)
    return {**status, "result": run.told(status, bool(interrupted()), len(left))}


def _unchanged(protocol: LoadedProtocol) -> None:
    """What was checked with the plan is what is run (H34). Raises NotReady."""
    path = protocol.path
    if not path.is_file() or path.read_bytes().decode("utf-8-sig") != protocol.document.text:
        raise NotReady("prepare refused", [f"{path} was edited after the plan was checked; start it again"])


# ---- what is told at the end


@dataclass
class Run:
    """What came of the applications of this session. ``refused``: why the plan went no further, if not for a trip;
    ``unpredicted``: why no zone could be predicted where nobody sees the tissue.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    not_ready: bool = False
    unpredicted: str | None = None

    async def predict(self, operator: Operator, setup: PlanSetup) -> None:
        """Of each completed application of which nobody saw the tissue: note the zone that its dry run promises."""
        protocols = {one.protocol.protocol.protocol: one.protocol for one in setup.setups}
        notes: dict[str, dict[str, Any]] = {}
        for number, result in enumerate(self.results, start=1):
            if result.get("zone") is not None or result["result"] != COMPLETED:
                continue
            name = result["protocol"]
            try:
                if name not in notes:
                    notes[name] = await asyncio.to_thread(_promised, setup, protocols[name])
            except ConfigError as error:
                self.unpredicted = str(error)
                return
            await operator.note(PREDICTED, {"number": number, **notes[name]}, "")

    def told(self, status: Mapping[str, Any], interrupted: bool, wanted: int) -> dict[str, Any]:
        """All of it as one result; ``wanted``: how many applications were left when it began."""
        results = self.results
        trip = status.get("trip") or next((one["trip"] for one in results if one.get("trip")), None)
        if trip is not None:
            result = "tripped"
        elif interrupted or len(results) < wanted or any(one["result"] != COMPLETED for one in results):
            result = "aborted"
        else:
            result = COMPLETED
        reason = next((one["reason"] for one in results if one.get("reason")), None)
        return {
            "result": result,
            "reason": reason or "; ".join(self.refused) or None,
            "trip": trip,
            "not_ready": self.not_ready,
            "unpredicted": self.unpredicted,
            **{name: round(sum(one[name] for one in results), 3) for name in ("duration_s", "energy_j")},
            "energy_after_fault_j": results[-1]["energy_after_fault_j"] if results else 0.0,
            "time_to_off_s": results[-1]["time_to_off_s"] if results else None,
            "rolloffs": sum(one["rolloffs"] for one in results),
            "zone": None,
            **{name: status.get(name) for name in ("session_file", "simulated", "ticks", "late_ticks")},
        }


def _promised(setup: PlanSetup, protocol: LoadedProtocol) -> dict[str, Any]:
    """The zone of a dry run on the plan's tissue. Raises ConfigError: nothing can predict it."""
    told = predict(protocol, setup.bench, setup.plan.plan.specimen.tissue)
    found, picture = promised(told), told.get("picture") or {}
    if found is None:
        raise ConfigError([Problem(str(protocol.path), 0, "", "no prediction: the dry run leaves no zone")])
    return {"zone": found.as_dict(), "cut": is_cut(picture), "model": told.get("model"), "tissue": told.get("tissue")}


def with_plan(result: dict[str, Any]) -> dict[str, Any]:
    """The ``--json`` object of a plan: ``result``, and from the record what was done, covered and left."""
    session = result.get("session_file")
    if session is None:
        return result
    with open_session(session) as opened:
        found = from_session(opened)
    if found is None:  # the daemon ended before it took the plan
        return result
    return {**result, **found.as_dict()}
