"""Published burns as data: one YAML file a case, with source, applicator, law, what was measured and what must hold.

A case names what the paper names: tissue and applicator come from the library, each with one set of numbers, and
``changes`` of a tissue are the experiment's own settings (perfusion that the authors pumped, the temperature at which
they began). What a paper leaves open stands under ``assumptions``, one choice for the whole series.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from controller.config.bench import Model
from controller.config.loading import load_protocol
from controller.config.problems import ConfigError, Problem, did_you_mean
from controller.config.validate import validate
from controller.config.yaml_loader import Document, load
from controller.laws import registry
from controller.laws.base import LawParams
from drivers.registry import PluginError
from sim.validation.checks import Check, Id, Peak

PLACED = re.compile(r"(max|end|time_to_54c)_(\d{1,2}(?:\.\d)?)mm_(c|s)")
"""Quantities of a probe: hottest and last temperature n mm from the axis, and when 54 degC was reached there."""
QUANTITIES: dict[str, str] = {
    "short_axis_mm": "short axis, mm",
    "long_axis_mm": "long axis, mm",
    "volume_ml": "volume, mL",
    "aspect": "short over long axis",
    "energy_j": "energy, J",
    "energy_per_ml_j": "energy per volume, J/mL",
    "duration_s": "duration, s",
    "rolloffs": "roll-offs",
    "first_rolloff_s": "first roll-off, s",
    "impedance_start_ohm": "impedance at start, ohm",
    "impedance_min_ohm": "least impedance, ohm",
}
"""What a run yields, and how the page names it."""


def title_of(quantity: str) -> str:
    """A quantity as the page names it."""
    placed = PLACED.fullmatch(quantity)
    if placed is None:
        return QUANTITIES[quantity]
    what = {"max": "hottest, °C", "end": "at the end, °C", "time_to_54c": "54 °C after, s"}[placed[1]]
    return f"{placed[2]} mm from the axis: {what}"


class Measured(Model):
    """A published figure. ``tolerance``: only where the general rule (:meth:`allowed`) has none or another is given."""

    value: float
    sd: Annotated[float, Field(ge=0)] | None = None
    tolerance: Annotated[float, Field(gt=0)] | None = None
    gate: bool = False

    def allowed(self, quantity: str) -> float:
        """How far a prediction may be away, in the quantity's unit. Raises ValueError where there is no rule."""
        sd = self.sd or 0.0
        if self.tolerance is not None:
            return self.tolerance
        match quantity:
            case "short_axis_mm":
                return max(3.0, 1.5 * sd)
            case "long_axis_mm":
                return max(5.0, 1.5 * sd)
            case "volume_ml":
                return 0.30 * self.value
            case "energy_j":
                return 0.25 * self.value
        if quantity.endswith("_c"):
            return max(8.0, sd)
        raise ValueError(f"{quantity}: no general tolerance; write one")


def _merged(above: dict[str, Any], below: dict[str, Any]) -> dict[str, Any]:
    """``above`` with what it leaves out taken from ``below``; nothing is taken from another kind."""
    return above if above.get("kind", below.get("kind")) != below.get("kind") else {**below, **above}


class Scene(Model):
    """What a burn is made with; a burn's own keys go over those of its case, and those over a shipped protocol's."""

    protocol: Annotated[str, Field(description="a shipped protocol: its applicator, law and flow")] | None = None
    tissue: str | None = None
    changes: dict[str, float] = Field(default_factory=dict)
    applicator: dict[str, Any] = Field(default_factory=dict)
    simulation: dict[str, float] = Field(default_factory=dict)
    flow_ml_min: Annotated[float, Field(ge=0)] | None = None
    law: dict[str, Any] = Field(default_factory=dict)

    def over(self, below: Scene) -> Scene:
        """This scene with what it leaves out taken from ``below``."""
        return Scene(
            protocol=self.protocol or below.protocol,
            tissue=self.tissue or below.tissue,
            changes={**below.changes, **self.changes},
            applicator=_merged(self.applicator, below.applicator),
            simulation={**below.simulation, **self.simulation},
            flow_ml_min=self.flow_ml_min if self.flow_ml_min is not None else below.flow_ml_min,
            law=_merged(self.law, below.law),
        )


@functools.cache
def _shipped(name: str) -> Scene:
    """A protocol as a scene without tissue. Raises ConfigError."""
    protocol = load_protocol(name).protocol
    return Scene(
        applicator=protocol.applicator.model_dump(exclude_none=True),
        law=protocol.law.model_dump(exclude_unset=True),
        flow_ml_min=protocol.cooling.flow_ml_min if protocol.cooling is not None else None,
    )


class InTheLoop(Model):
    """A shipped protocol on a bench of ``examples/benches`` that make this burn with the controller in the loop."""

    protocol: Annotated[str, Field(min_length=1)]
    bench: Annotated[str, Field(min_length=1, description="a file there, without .yaml")]


class Burn(Scene):
    """One burn. ``x``: the quantity that the series varies, for trends; ``until_short_axis_mm``: stop at this size;
    ``turns``: electrodes of applications one after the other, each with the law from its beginning; ``in_the_loop``:
    what rehearses it as well.
    """

    x: float | None = None
    turns: tuple[tuple[int, ...], ...] = ()
    until_short_axis_mm: Annotated[float, Field(gt=0)] | None = None
    in_the_loop: InTheLoop | None = None
    measured: dict[str, Measured] = Field(default_factory=dict)


class Case(Model):
    """One published study, or one series of it."""

    case: Id
    title: Annotated[str, Field(min_length=5)]
    source: Annotated[str, Field(min_length=10, description="the paper")]
    modality: Literal["rf", "microwave"]
    confidence: Annotated[
        Literal["gated", "supporting", "trend"], Field(description="how much is known of geometry and protocol")
    ]
    status: Literal["computed", "not-computed"] = "computed"
    reason: str = ""
    assumptions: tuple[str, ...] = ()
    remark: str = ""
    common: Scene = Scene()
    burns: dict[Id, Burn] = Field(default_factory=dict)
    checks: tuple[Check, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Case:
        if self.status == "not-computed" and not self.reason:
            raise ValueError("a case that is not computed needs its reason")
        if self.confidence != "gated" and any(m.gate for b in self.burns.values() for m in b.measured.values()):
            raise ValueError("only a case of confidence 'gated' may gate a figure")
        return self

    def scene(self, burn: str) -> Scene:
        """What ``burn`` is made with. Raises ConfigError for a protocol that cannot be read."""
        scene = self.burns[burn].over(self.common)
        return scene.over(_shipped(scene.protocol)) if scene.protocol is not None else scene

    def law(self, burn: str) -> LawParams:
        """The law of ``burn``. Raises PluginError for an unknown kind, pydantic.ValidationError for wrong numbers."""
        block = self.scene(burn).law
        return registry.find(str(block.get("kind"))).PARAMS.model_validate_json(json.dumps(block))


def load_cases(folder: Path) -> dict[str, Case]:
    """Every case of ``folder``, by id in the order of file names.

    Raises:
        ConfigError: no file there, or every problem found in them, each with file and line.
    """
    files = sorted(folder.glob("*.yaml"), key=_natural)
    if not files:
        raise ConfigError([Problem(str(folder), 0, "", "no case (*.yaml) in this folder")])
    problems: list[Problem] = []
    read: list[tuple[Document, Case]] = []
    for path in files:
        document = load(path)
        case, found = validate(Case, document)
        problems += found
        if case is not None:
            read.append((document, case))
    problems += _across(read)
    if problems:
        raise ConfigError(problems)
    return {case.case: case for _, case in read}


def _natural(path: Path) -> list[tuple[int, str]]:
    """R2 before R12."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path.stem)]


def _across(read: Iterable[tuple[Document, Case]]) -> list[Problem]:
    """What no single model can see: ids used twice, quantities and burns that do not exist, scenes left incomplete."""
    read = list(read)
    problems: list[Problem] = []
    homes: dict[str, str] = {}
    cases: dict[str, str] = {}
    for document, case in read:
        if case.case in cases:
            problems.append(document.problem(("case",), f"{case.case} is also in {cases[case.case]}"))
        cases[case.case] = document.file
        for name in case.burns:
            if name in homes:
                problems.append(document.problem(("burns", name), f"{name} is also in {homes[name]}"))
            homes[name] = document.file
    computed = {name for _, case in read if case.status == "computed" for name in case.burns}
    for document, case in read:
        for name, burn in case.burns.items():
            for quantity, measured in burn.measured.items():
                problems += _quantity(document, ("burns", name, "measured", quantity), quantity, measured)
            if case.status == "computed":
                problems += _complete(document, case, name)
        for i, check in enumerate(case.checks):
            at = ("checks", i)
            problems += _quantity(document, (*at, "of"), check.of, None)
            known = computed if case.status == "computed" else homes
            for name in (*check.burns, *(check.among if isinstance(check, Peak) else ())):
                if name not in known:
                    near = did_you_mean(name, known)
                    hint = f"did you mean {near}?" if near else ""
                    problems.append(document.problem((*at, "burns"), f"{name}: no such burn is computed", hint))
    return problems


def _quantity(document: Document, at: tuple[str | int, ...], name: str, measured: Measured | None) -> list[Problem]:
    if name not in QUANTITIES and not PLACED.fullmatch(name):
        near = did_you_mean(name, QUANTITIES)
        hint = f"did you mean {near}?" if near else f"known here: {', '.join(QUANTITIES)}, max_<n>mm_c and the like"
        return [document.problem(at, f"{name!r} is nothing that a run yields", hint)]
    if measured is not None:
        try:
            measured.allowed(name)
        except ValueError as error:
            return [document.problem(at, str(error))]
    return []


def _complete(document: Document, case: Case, name: str) -> list[Problem]:
    at = ("burns", name)
    try:
        scene = case.scene(name)
    except ConfigError as error:
        return [document.problem((*at, "protocol"), str(error))]
    problems = [
        document.problem(at, f"{key} is given neither here nor under common")
        for key, value in (("tissue", scene.tissue), ("applicator", scene.applicator), ("law", scene.law))
        if not value
    ]
    if scene.law:
        try:
            case.law(name)
        except ValidationError as error:
            for found in error.errors(include_url=False, include_input=False):
                where = (*at, "law", *found["loc"])
                problems.append(document.problem(where, found["msg"].removeprefix("Value error, ")))
        except PluginError as error:
            problems.append(document.problem((*at, "law", "kind"), str(error)))
    return problems


def burns_of(cases: Mapping[str, Case]) -> dict[str, Case]:
    """Every burn that is to be computed, with its case."""
    return {name: case for case in cases.values() if case.status == "computed" for name in case.burns}


def rehearsals_of(cases: Mapping[str, Case]) -> dict[str, Case]:
    """Those of them that are to be rehearsed as well."""
    return {name: case for name, case in burns_of(cases).items() if case.burns[name].in_the_loop is not None}
