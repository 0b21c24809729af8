"""What a route is: its handler, and what the OpenAPI document tells of it. Both come from one decorator, so that the
two cannot disagree.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from drivers.plain import plain

ROOT, METRICS = "/api/v1", "/metrics"
MAX_BODY = 16 * 1024
"""Bytes of a request: an act is a few words."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Asked = TypeVar("Asked", bound=BaseModel)


@dataclass(frozen=True)
class Told:
    """What the document says of a route. ``done``: the status of an answer that is none of the ``errors``."""

    summary: str
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    errors: tuple[int, ...] = ()
    answer_type: str = "application/json"
    done: int = 200


class Refused(Exception):
    """An answer that is none: ``status`` of HTTP, a sentence, and what to do."""

    def __init__(self, status: int, error: str, remedy: str = "") -> None:
        super().__init__(error)
        self.status, self.error, self.remedy = status, error, remedy


def refusal(status: int, error: str, remedy: str = "") -> web.Response:
    """``{"ok": false, "error": ..., "remedy": ...}``."""
    return web.json_response({"ok": False, "error": plain(error, 500), "remedy": remedy}, status=status)


def described(handler: object) -> Told | None:
    """What :func:`api` was told of a handler; None for one without it."""
    return getattr(handler, "told", None)


def api(told: Told) -> Callable[[Handler], Handler]:
    """Give a handler its place in the document. Handlers get what was asked by :func:`body` and :func:`query`."""

    def give(handler: Handler) -> Handler:
        handler.told = told  # type: ignore[attr-defined]
        return handler

    return give


async def body(request: web.Request, model: type[Asked]) -> Asked:
    """The request's JSON object as ``model``; no body at all is an empty object.

    Raises:
        Refused: another content type, too large, no JSON, or not as the model says; with the field.
    """
    if request.content_type != "application/json":
        raise Refused(415, "the body must be JSON", "send Content-Type: application/json")
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused(413, f"the body is larger than {MAX_BODY} bytes", "send less") from None
    except UnicodeDecodeError:
        raise Refused(400, "the body cannot be read", "send JSON in UTF-8") from None
    try:
        found = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError):
        raise Refused(400, "the body is no JSON", "send an object, for example {}") from None
    return checked(found, model)


def query(request: web.Request, model: type[Asked]) -> Asked:
    """The request's query as ``model``. Raises :class:`Refused`."""
    told = request.query
    if len(told) != len(set(told)):
        raise Refused(400, "a parameter is there twice", "name each once")
    return checked(dict(told), model, strict=False)


def checked(found: object, model: type[Asked], *, strict: bool = True) -> Asked:
    """``found`` as ``model``. Raises :class:`Refused`, naming the fields."""
    try:
        return model.model_validate(found, strict=strict)
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors()[:5]]
        raise Refused(400, plain("; ".join(wrong), 400), f"see {ROOT}/openapi.json") from None


def told_json(found: Any, status: int = 200) -> web.Response:
    """An answer; what is not a number becomes null."""
    return web.Response(text=compact(found), status=status, content_type="application/json")


def compact(found: Any) -> str:
    """JSON as the panel sends it: no spaces, and never NaN or infinity, which no browser reads."""
    try:
        return json.dumps(found, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(found), separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not -1e308 < value < 1e308:
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value
