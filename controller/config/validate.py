"""From a document to a model, with pydantic's complaints turned into ``file:line: path: message``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from controller.config.problems import Problem, did_you_mean
from controller.config.units import SUFFIXES, suffix, unit
from controller.config.yaml_loader import Document, Loc, dotted
from controller.laws.contradiction import Contradiction

M = TypeVar("M", bound=BaseModel)


def validate(model: type[M], document: Document, at: Loc = ()) -> tuple[M | None, list[Problem]]:
    """Validate the part of ``document`` at ``at``.

    Strict, as JSON: a number written as text, or a whole number written with a fraction, is an error, whatever the
    model says.
    """
    data: Any = document.data
    for part in at:
        data = data[part]
    try:
        return model.model_validate_json(json.dumps(data), strict=True), []
    except ValidationError as error:
        return None, [_problem(model, document, at, details) for details in error.errors(include_url=False)]


def _problem(model: type[BaseModel], document: Document, at: Loc, details: ErrorDetails) -> Problem:
    inner = tuple(part for part in details["loc"] if part != "[key]")
    loc, kind, given = (*at, *_untagged(model, inner)), details["type"], details["input"]
    if kind.startswith("union_tag"):
        return _unknown_kind(document, loc, kind, details)
    if kind == "extra_forbidden":
        return document.problem(loc, "unknown key", _advice(str(loc[-1]), _fields(model, inner[:-1])))
    if kind == "missing":
        return document.problem(loc, "missing", _describe(model, inner))
    if isinstance(clash := details.get("ctx", {}).get("error"), Contradiction):
        return _clash(document, loc, clash)
    message = details["msg"].removeprefix("Value error, ").replace("String should", "Input should")
    message = message.replace("Input should", "must", 1)
    if "must" in message and isinstance(given, (str, int, float, bool)):
        message += f", not {json.dumps(given)}"
    says_little = kind in ("string_pattern_mismatch", "string_too_short")
    hint = _describe(model, inner) if says_little else _conversion(loc, kind, given)
    return document.problem(loc, message, hint)


def _clash(document: Document, loc: Loc, clash: Contradiction) -> Problem:
    """Two values that contradict each other: told at the one, with the line of the other."""
    other = (*loc, *clash.against)
    written = f"at line {document.line(other)}" if other in document.lines else "by default"
    what = dotted(clash.against)
    return document.problem((*loc, *clash.at), str(clash), f"change it, or {what}, set {written}")


def _untagged(model: type[BaseModel], inner: Loc) -> Loc:
    """``inner`` as the file has it: behind a union told apart by a key, pydantic names the option that it took."""
    field = model.model_fields.get(str(inner[0])) if inner else None
    if field is not None and field.discriminator is not None:
        return (inner[0], *inner[2:])
    return inner


def _unknown_kind(document: Document, loc: Loc, kind: str, details: ErrorDetails) -> Problem:
    """The key that tells the options of a union apart is missing, or names none of them."""
    context = details["ctx"]
    at = (*loc, str(context["discriminator"]).strip("'"))
    if kind == "union_tag_not_found":
        return document.problem(at, "missing")
    tag, known = str(context["tag"]), str(context["expected_tags"]).replace("'", "").split(", ")
    near = did_you_mean(tag, known)
    hint = f"did you mean {near}?" if near else f"known: {', '.join(sorted(known))}"
    return document.problem(at, f"there is no {loc[-1]} {tag}", hint)


def _advice(word: str, known: list[str]) -> str:
    """What to write instead of an unknown key."""
    stem = word[: -len(suffix(word))] if suffix(word) else word
    near = did_you_mean(word, known) or next((name for name in known if stem and name.startswith(f"{stem}_")), "")
    if near:
        return f"did you mean {near}?" + (f" (in {unit(near)})" if unit(near) else "")
    return f"known here: {', '.join(sorted(known))}" if known else "nothing may be written here"


def _conversion(loc: Loc, kind: str, given: object) -> str:
    """A hint for values of the wrong type."""
    name = str(loc[-1]) if loc else ""
    number_wanted = kind in ("float_type", "float_parsing", "int_type")
    if number_wanted and isinstance(given, str) and given[:1].isdigit() and unit(name):
        return f"write the number alone: {name} is in {unit(name)}"
    if kind.startswith("bool"):
        return "write true or false"
    if kind.startswith("string") and isinstance(given, (int, float)):
        return "quote it"
    return ""


def _describe(model: type[BaseModel], inner: Loc) -> str:
    """What a missing field is for."""
    owner = next(_models(model, inner[:-1]), None)
    field = owner.model_fields.get(str(inner[-1])) if owner is not None else None
    if field is not None and field.description:
        return field.description
    return f"give it in {unit(str(inner[-1]))}" if unit(str(inner[-1])) else ""


def _fields(model: type[BaseModel], inner: Loc) -> list[str]:
    return [name for found in _models(model, inner) for name in found.model_fields]


def _models(annotation: Any, inner: Loc) -> Iterator[type[BaseModel]]:
    """The models that may stand at ``inner`` below ``annotation``."""
    if get_origin(annotation) is Annotated:
        yield from _models(get_args(annotation)[0], inner)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not inner:
            yield annotation
        elif (field := annotation.model_fields.get(str(inner[0]))) is not None:
            if isinstance(field.discriminator, str) and len(inner) > 1:
                tagged = (m for m in get_args(field.annotation) if _tags(m, field.discriminator, inner[1]))
                for option in tagged:
                    yield from _models(option, inner[2:])
            else:
                yield from _models(field.annotation, inner[1:])
    elif get_origin(annotation) in (dict, tuple, list):
        if inner:
            yield from _models(get_args(annotation)[-1 if get_origin(annotation) is dict else 0], inner[1:])
    else:
        for option in get_args(annotation):  # a union
            yield from _models(option, inner)


def _tags(model: type[BaseModel], key: str, tag: object) -> bool:
    return tag in get_args(model.model_fields[key].annotation)


def numeric_fields(
    model: type[BaseModel], seen: frozenset[type] = frozenset()
) -> Iterator[tuple[type[BaseModel], str]]:
    """Every field of ``model`` and of the models within it that holds a number. For the test of the suffix table."""
    for name, field in model.model_fields.items():
        for leaf in _leaves(field.annotation):
            if isinstance(leaf, type) and issubclass(leaf, BaseModel) and leaf not in seen:
                yield from numeric_fields(leaf, seen | {model, leaf})
            elif leaf in (int, float):
                yield model, name


def _leaves(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _leaves(get_args(annotation)[0])
    elif get_args(annotation):
        for part in get_args(annotation):
            yield from _leaves(part)
    else:
        yield annotation


def carries_unit(name: str, dimensionless: frozenset[str]) -> bool:
    """True when ``name`` ends in a suffix of the table or is a known dimensionless name."""
    return name in dimensionless or any(name.endswith(s) for s in SUFFIXES)
