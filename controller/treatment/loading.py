"""From a plan file to a checked plan, alone and on a bench. What is wrong is told by the line of the plan."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from controller.config import setup as setups
from controller.config.loading import LoadedBench, LoadedProtocol, load_bench, load_protocol
from controller.config.problems import ConfigError, Problem
from controller.config.schema import DRAFT, add_units
from controller.config.setup import Setup
from controller.config.shipped import shipped
from controller.config.validate import validate
from controller.config.yaml_loader import Document, Loc, load
from controller.treatment.plan import Plan, PlannedApplication, Step, steps

FARTHEST_MM = 100.0
"""From a lesion's centre to a tip; a longer way is a slip of the pen or another frame."""
UNIT_WITHIN = 1.0e-3
TRACK_LAWS = ("track-ablation",)
"""Laws that know of a probe that is drawn back while energy flows."""


@dataclass(frozen=True)
class LoadedPlan:
    """A plan that is consistent in itself. ``protocols``: of every delivery, by the word that names it in the plan."""

    path: Path
    document: Document = field(repr=False)
    plan: Plan
    protocols: dict[str, LoadedProtocol]
    warnings: tuple[Problem, ...] = ()

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every delivery in order."""
        return steps(self.plan)


@dataclass(frozen=True)
class PlanSetup:
    """A plan on a bench that can deliver all of it: one set-up for each delivery, in order, all with one applicator."""

    bench: LoadedBench
    plan: LoadedPlan
    setups: tuple[Setup, ...]


def is_plan(argument: str | os.PathLike[str]) -> bool:
    """Does this name a plan? By the file's first words; everything else is left to those who read protocols."""
    path = Path(argument)
    if not path.is_file():
        return False
    try:
        return "plan" in load(path).data
    except ConfigError:
        return False


def load_plan(path: str | os.PathLike[str]) -> LoadedPlan:
    """Read and check a plan, with every protocol that it names.

    Raises:
        ConfigError: with every problem found.
    """
    return check_plan(load(os.fspath(path)), Path(path))


def check_plan(document: Document, path: Path) -> LoadedPlan:
    """Check a plan that was read; see :func:`load_plan`."""
    plan, problems = validate(Plan, document)
    if plan is None:
        raise ConfigError(problems)
    problems += _empty(document, plan)
    problems += _names(document, plan)
    for at, planned in _applications(plan):
        problems += _position(document, at, planned)
    protocols, more = _protocols(document, path, plan)
    problems += more
    if problems:
        raise ConfigError(problems)
    return LoadedPlan(path, document, plan, protocols, tuple(_warnings(document, plan)))


def schema() -> dict[str, Any]:
    """The JSON Schema of a plan file, for editors."""
    made = TypeAdapter(Plan).json_schema()
    add_units(made)
    return {"$schema": DRAFT, **made, "title": "Openablate plan file"}


def join(bench: str | os.PathLike[str], plan: str | os.PathLike[str]) -> PlanSetup:
    """Load both and check that the bench can deliver every application.

    Raises:
        ConfigError: with every problem found, of both files where both are wrong.
    """
    problems: list[Problem] = []
    loaded_bench, loaded_plan = None, None
    try:
        loaded_bench = load_bench(bench)
    except ConfigError as error:
        problems += error.problems
    try:
        loaded_plan = load_plan(plan)
    except ConfigError as error:
        problems += error.problems
    if loaded_bench is None or loaded_plan is None:
        raise ConfigError(problems)
    return combine(loaded_bench, loaded_plan)


def load_work(bench: str | os.PathLike[str], work: str | os.PathLike[str]) -> Setup | PlanSetup:
    """A bench and what is to be done on it: a plan (:func:`is_plan`) or a protocol.

    Raises:
        ConfigError: with every problem found.
    """
    return join(bench, work) if is_plan(work) else setups.load(bench, work)


def combine(bench: LoadedBench, plan: LoadedPlan) -> PlanSetup:
    """Check that the bench can deliver every application.

    Raises:
        ConfigError: with what is missing, once for each application that lacks it.
    """
    problems: list[Problem] = []
    found: list[Setup] = []
    for at, name in _protocol_places(plan.plan):
        try:
            found.append(setups.combine(bench, plan.protocols[name]))
        except ConfigError as error:
            problems += [_on_bench(plan.document, at, name, told) for told in error.problems]
            continue
        first, mounted = found[0].bench.bench.applicator.name, found[-1].bench.bench.applicator.name
        if mounted != first:
            message = f"{name} needs the applicator {mounted}, an earlier application {first}"
            hint = "a session has one applicator: make a plan for each"
            problems.append(plan.document.problem(at, message, hint))
    if problems:
        raise ConfigError(problems)
    return PlanSetup(load_bench(found[0].bench.reference), plan, tuple(found))


def _on_bench(document: Document, at: Loc, name: str, told: Problem) -> Problem:
    where = f"{told.file}:{told.line}: {told.path}" if told.path else f"{told.file}:{told.line}"
    return document.problem(at, f"{name} does not fit this bench: {told.message} ({where})", told.hint)


def _applications(plan: Plan) -> Iterator[tuple[Loc, PlannedApplication]]:
    for i, target in enumerate(plan.targets):
        for k, planned in enumerate(target.applications):
            yield ("targets", i, "applications", k), planned


def _protocol_places(plan: Plan) -> list[tuple[Loc, str]]:
    """Where each delivery's protocol is named, in the order of :func:`controller.treatment.plan.steps`."""
    found: list[tuple[Loc, str]] = []
    for i, target in enumerate(plan.targets):
        for k, planned in enumerate(target.applications):
            found.append((("targets", i, "applications", k, "protocol"), planned.protocol))
        if target.track is not None:
            found.append((("targets", i, "track"), target.track))
    return found


def _empty(document: Document, plan: Plan) -> Iterator[Problem]:
    if not plan.targets:
        yield document.problem(("targets",), "an empty list", "name at least one target")
    for i, target in enumerate(plan.targets):
        if not target.applications:
            yield document.problem(("targets", i, "applications"), "an empty list", "name at least one application")


def _names(document: Document, plan: Plan) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for i, target in enumerate(plan.targets):
        at: Loc = ("targets", i, "target")
        if target.target in first:
            message = f"{target.target} is already the target of line {first[target.target]}"
            yield document.problem(at, message, "give each target a name of its own")
        first.setdefault(target.target, document.line(at))
    specimen = plan.specimen
    if specimen.organ is not None and specimen.phantom is not None:
        message = "an organ and a phantom"
        yield document.problem(("specimen", "phantom"), message, "name what lies on the bench, one of them")


def _position(document: Document, at: Loc, planned: PlannedApplication) -> Iterator[Problem]:
    length = math.hypot(*planned.axis)
    if length == 0.0:
        yield document.problem((*at, "axis"), "has no direction", "from the tip to the handle, e.g. [0, 0, 1]")
    elif abs(length - 1.0) > UNIT_WITHIN:
        right = ", ".join(f"{x / length:.4g}" for x in planned.axis)
        yield document.problem((*at, "axis"), f"its length is {length:.4g}, not 1", f"write [{right}]")
    elif (far_mm := max(math.hypot(*planned.tip_mm), math.hypot(*planned.at_mm))) > FARTHEST_MM:
        message = f"the tip is {far_mm:.0f} mm from the lesion's centre, which is the frame's origin"
        yield document.problem((*at, "tip_mm"), message, f"give mm, at most {FARTHEST_MM:g} mm away")


def _protocols(document: Document, path: Path, plan: Plan) -> tuple[dict[str, LoadedProtocol], list[Problem]]:
    """Every protocol that is named, and what is wrong with one or with all together."""
    found: dict[str, LoadedProtocol] = {}
    problems: list[Problem] = []
    bad: dict[str, tuple[Problem, ...]] = {}
    for at, name in _protocol_places(plan):
        if name not in found and name not in bad:
            try:
                found[name] = load_protocol(_protocol_path(name, path))
            except ConfigError as error:
                bad[name] = error.problems
                problems += [told for told in error.problems if told.line]
        problems += [
            document.problem(at, f"{name}: {told.message}", told.hint) for told in bad.get(name, ()) if not told.line
        ]
        if name not in found:
            continue
        protocol, first = found[name].protocol, next(iter(found.values())).protocol
        if protocol.modality != first.modality:
            message = f"{name} is {protocol.modality}, an earlier application {first.modality}"
            problems.append(document.problem(at, message, "a bench has one generator: make a plan for each"))
        if (at[-1] == "track") != (protocol.law.kind in TRACK_LAWS):
            problems.append(document.problem(at, *_withdrawn(name, protocol.law.kind, at[-1] == "track")))
    return found, problems


def _withdrawn(name: str, law: str, track: bool) -> tuple[str, str]:
    if track:
        return f"{name} runs {law}, which does not know that the probe is drawn back", f"take one of {TRACK_LAWS[0]}"
    return f"{name} is for a probe that is drawn back", "name it as track: of the target"


def _protocol_path(name: str, plan: Path) -> str:
    """Beside the plan first, then as everywhere."""
    beside = plan.parent / name
    if beside.is_file():
        return str(beside)
    written = plan.parent / f"{name}.yaml"
    return str(written) if written.is_file() and name not in shipped("protocol") else name


def _warnings(document: Document, plan: Plan) -> Iterator[Problem]:
    places = [at for at, _ in _applications(plan)]
    planned = [step for step in steps(plan) if not step.track]
    for i, (at, step) in enumerate(zip(places, planned, strict=True)):
        for j in range(i):
            if step.same_place(planned[j]):
                message = f"at the same place as the application of line {document.line(places[j])}"
                yield document.problem(at, message, "it heats the same tissue again: is that meant?")
                break
