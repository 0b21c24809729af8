"""JSON Schemas for editors: completion and underlining while writing. The commands check more than a schema can say."""

from __future__ import annotations

import functools
import operator
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.json_schema import models_json_schema

from controller.config.bench import Bench
from controller.config.protocol import ProtocolOf
from controller.config.shipped import Kind
from controller.config.units import unit
from controller.config.words import add_meaning
from controller.laws import registry as laws
from drivers.registry import load_driver, offered

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema(kind: Kind) -> dict[str, Any]:
    """The schema of a bench or protocol file, with every installed driver's options or law's parameters.

    Raises:
        PluginError: an installed plug-in does not load.
    """
    made = _bench() if kind == "bench" else _protocol()
    add_units(made)
    add_meaning(made, kind.capitalize())
    return {"$schema": DRAFT, **made, "title": f"Openablate {kind} file"}


def _bench() -> dict[str, Any]:
    options = {name: load_driver(name).OPTIONS for name in sorted(offered())}
    models = [(Bench, "validation"), *((model, "validation") for model in options.values())]
    refs, shared = models_json_schema(models, ref_template="#/$defs/{model}")  # type: ignore[arg-type]
    defs: dict[str, Any] = shared["$defs"]
    device = defs["Device"]
    device["properties"]["driver"]["enum"] = sorted(options)
    device["allOf"] = [
        {
            "if": {"properties": {"driver": {"const": name}}, "required": ["driver"]},
            "then": {"properties": {"options": refs[(model, "validation")]}},
        }
        for name, model in options.items()
    ]
    bench = defs.pop(refs[(Bench, "validation")]["$ref"].rsplit("/", 1)[1])
    one = bench["properties"]["applicator"]
    bench["properties"]["applicator"] = {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}
    return {**bench, "$defs": defs}


def _protocol() -> dict[str, Any]:
    params = [laws.find(name).PARAMS for name in laws.names()]
    union = functools.reduce(operator.or_, params)
    law: Any = Annotated[union, Field(discriminator="kind")] if len(params) > 1 else union
    made: dict[str, Any] = TypeAdapter(ProtocolOf[law]).json_schema()
    return made


def add_units(node: Any) -> None:
    """``unit`` beside every property whose name carries one."""
    if isinstance(node, dict):
        properties = node.get("properties")
        for name, found in properties.items() if isinstance(properties, dict) else ():
            if isinstance(found, dict) and unit(name):
                found["unit"] = unit(name)
        for child in node.values():
            add_units(child)
    elif isinstance(node, list):
        for child in node:
            add_units(child)
