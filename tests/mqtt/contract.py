"""Whether a message is what the documentation says: the models, strictly, and the committed AsyncAPI document."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import jsonschema

from controller.mqtt.models import MESSAGES, Stop

DOCUMENT = Path(__file__).parents[2] / "docs" / "asyncapi.json"


@functools.cache
def document() -> dict[str, Any]:
    loaded = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


@functools.cache
def _channels() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    return [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", channel["address"]) + "$"), channel)
        for channel in document()["channels"].values()
    ]


@functools.cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def check(topic: str, payload: bytes) -> str:
    """The name of the message that this is; empty for a retained one that is cleared. AssertionError, ValidationError:
    it is none that is documented for its topic."""
    found = [channel for pattern, channel in _channels() if pattern.match(topic)]
    assert len(found) == 1 or topic.split("/")[4] == "cmd", f"{topic} is not documented"
    if not payload or topic.split("/")[4] == "cmd":  # what others send may be anything
        return ""
    data = json.loads(payload)
    model = MESSAGES[data["schema"]]
    assert model is not Stop
    assert model.__name__ in found[0]["messages"], f"{model.__name__} on {topic}"
    model.model_validate(data)
    _validator(model.__name__).validate(data)
    return model.__name__
