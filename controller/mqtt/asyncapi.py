"""The AsyncAPI document of what a bench says and hears: ``python -m controller.mqtt.asyncapi > docs/asyncapi.json``.

Made from :mod:`controller.mqtt.models`, so that it cannot tell another story. Format: AsyncAPI 3.0.0
(asyncapi.com/docs/reference/specification/v3.0.0).
"""

from __future__ import annotations

import json
import sys
from typing import Any, NamedTuple

from pydantic.json_schema import models_json_schema

from controller.config.schema import add_units
from controller.mqtt.messages import ROOT
from controller.mqtt.models import (
    Alarm,
    Backfilled,
    BackfillRequest,
    Birth,
    Closed,
    Event,
    Latest,
    Samples,
    SessionMeta,
    Sessions,
    State,
    Status,
    Stop,
)

VERSION = "1.0.0"  # of the topics and payloads, not of the program


class _Channel(NamedTuple):
    """A topic below the bench's root. ``heard``: the bench subscribes to it; else it publishes there."""

    topic: str
    models: tuple[type, ...]
    retained: bool = False
    heard: bool = False


CHANNELS = {
    "birth": _Channel("birth", (Birth,), True),
    "status": _Channel("status", (Status,), True),
    "state": _Channel("state", (State,), True),
    "latest": _Channel("latest", (Latest,), True),
    "alarm": _Channel("alarm/{monitor}", (Alarm,), True),
    "sessions": _Channel("sessions", (Sessions,), True),
    "sessionMeta": _Channel("session/{session}/meta", (SessionMeta,), True),
    "sessionSamples": _Channel("session/{session}/samples", (Samples,)),
    "sessionEvents": _Channel("session/{session}/events", (Event, Closed)),
    "backfillMeta": _Channel("backfill/{asker}/meta", (SessionMeta,)),
    "backfillSamples": _Channel("backfill/{asker}/samples", (Samples,)),
    "backfillEvents": _Channel("backfill/{asker}/events", (Event, Closed)),
    "backfillDone": _Channel("backfill/{asker}/done", (Backfilled,)),
    "backfillAsk": _Channel("cmd/backfill", (BackfillRequest,), heard=True),
    "stop": _Channel("cmd/stop", (Stop,), heard=True),
}

PARAMETERS = {
    "site": "mqtt.site of the bench file.",
    "bench": "Name of the bench.",
    "monitor": "The interlock that tripped.",
    "session": "Id of the session.",
    "asker": "reply_to of the request.",
}


def document() -> dict[str, Any]:
    """The whole document."""
    models = {model for channel in CHANNELS.values() for model in channel.models}
    _, shared = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda m: m.__name__)],
        ref_template="#/components/schemas/{model}",
    )
    schemas = shared["$defs"]
    _open(schemas)
    add_units(schemas)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Openablate bench",
            "version": VERSION,
            "description": "Telemetry of an ablation bench over MQTT. Delivery is at least once; consumers ignore "
            "fields that they do not know. Nothing here arms, starts or raises energy: STOP alone acts on a bench.",
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(channel) for name, channel in CHANNELS.items()},
        "operations": {name: _operation(name, channel) for name, channel in CHANNELS.items()},
        "components": {
            "schemas": schemas,
            "messages": {
                model.__name__: {
                    "name": model.__name__,
                    "summary": (model.__doc__ or "").strip().splitlines()[0],
                    "contentType": "application/json",
                    "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
                }
                for model in sorted(models, key=lambda m: m.__name__)
            },
        },
    }


def _channel(channel: _Channel) -> dict[str, Any]:
    address = f"{ROOT}/{{site}}/{{bench}}/{channel.topic}"
    return {
        "address": address,
        "messages": {m.__name__: {"$ref": f"#/components/messages/{m.__name__}"} for m in channel.models},
        "parameters": {name: {"description": text} for name, text in PARAMETERS.items() if f"{{{name}}}" in address},
    }


def _operation(name: str, channel: _Channel) -> dict[str, Any]:
    """As the bench does it: ``send`` publishes."""
    return {
        "action": "receive" if channel.heard else "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "messages": [{"$ref": f"#/channels/{name}/messages/{m.__name__}"} for m in channel.models],
        "bindings": {"mqtt": {"qos": 1, "retain": channel.retained, "bindingVersion": "0.2.0"}},
    }


def _open(node: Any) -> None:
    """Consumers ignore what they do not know: the next version may say more."""
    if isinstance(node, dict):
        if node.get("additionalProperties") is False:
            del node["additionalProperties"]
        for child in node.values():
            _open(child)
    elif isinstance(node, list):
        for child in node:
            _open(child)


def text() -> str:
    """As it is committed in docs/asyncapi.json."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
