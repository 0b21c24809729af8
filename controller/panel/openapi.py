"""The OpenAPI 3.1 document, from the route table and the models: ``python -m controller.panel.openapi`` writes
``docs/openapi.json``."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from controller.panel.api import ROOT, Told, described
from controller.panel.guards import PUBLIC
from controller.panel.models import Refusal

FILE = Path("docs/openapi.json")
REF = "#/components/schemas/{model}"
_ERRORS = {
    400: "a field, a parameter or the JSON is wrong",
    401: "no valid token",
    403: "another host, another site's page, or not the one who may",
    404: "there is none",
    409: "not now",
    413: "the body is too large",
    415: "the body is no JSON",
    503: "the daemon does not answer",
}


def document(routes: Iterable[web.RouteDef]) -> dict[str, Any]:
    """What the routes are, as :func:`controller.panel.api.api` was told."""
    told = [(route, found) for route in routes if (found := described(route.handler)) is not None]
    answers = {model for _, each in told for model in (each.answer, Refusal) if model is not None}
    asked = {model for _, each in told for model in (each.body, each.query) if model is not None}
    models: list[tuple[type[BaseModel], Any]] = [(model, "serialization") for model in answers]
    models += [(model, "validation") for model in asked]
    models.sort(key=lambda pair: pair[0].__name__)
    refs, schemas = models_json_schema(models, ref_template=REF)
    paths: dict[str, Any] = {}
    for route, each in told:
        path = re.sub(r"\{(\w+):[^}]*\}+", r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(
            path, route, each, {model: ref for (model, _), ref in refs.items()}
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Openablate panel",
            "version": "1",
            "description": "One bench, on 127.0.0.1 only. Acts but STOP belong to the page that controls (X-Client).",
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.get("$defs", {}).items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(path: str, route: web.RouteDef, told: Told, refs: Mapping[Any, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    if told.query is not None:
        schema = told.query.model_json_schema()
        parameters += [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "schema": {key: value for key, value in field.items() if key != "title"},
            }
            for name, field in schema["properties"].items()
        ]
    if route.method == "POST":
        name_schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
        parameters.append({"name": "X-Client", "in": "header", "required": False, "schema": name_schema})
    content = {told.answer_type: {"schema": refs[told.answer]} if told.answer is not None else {}}
    done = {"description": told.summary} | ({"content": content} if told.answer_type else {})
    refused = {"application/json": {"schema": refs[Refusal]}}
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{re.sub(r'[^a-z]+', '_', path.removeprefix(ROOT)).strip('_')}",
        "summary": told.summary,
        "parameters": parameters,
        "responses": {str(told.done): done}
        | {str(code): {"description": _said(code), "content": refused} for code in told.errors},
    }
    if told.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": refs[told.body]}}}
    if path in PUBLIC:
        operation["security"] = []
    return operation


def _said(code: int) -> str:
    return _ERRORS.get(code, HTTPStatus(code).phrase.lower())


def text() -> str:
    """The published file."""
    from controller.panel.server import route_table

    nobody: Any = SimpleNamespace(records=Path(), bench_reference="", sockets=None)
    return json.dumps(document(route_table(nobody).routes), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Write it."""
    FILE.write_text(text(), encoding="utf-8")
    print(f"wrote {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
