"""The panel's routes that act. Every act is the daemon's to grant; here is only asked who may ask."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from controller.client import Unreachable
from controller.panel import models
from controller.panel.api import ROOT, Handler, Refused, Told, api, body, told_json
from controller.panel.context import CONTEXT, Context
from controller.panel.library_protocols import NoProtocol, find
from controller.panel.link import GONE, SLOW_ACT_S

ERRORS = (400, 401, 403, 413, 415, 503)


async def ask(context: Context, who: str, verb: str, limit_s: float = 5.0, **fields: object) -> web.Response:
    """Pass an act on; the answer is the daemon's. Raises :class:`Refused`: there is none."""
    try:
        return told_json(await context.link.act(verb, who, limit_s=limit_s, **fields))
    except Unreachable:
        raise Refused(503, GONE, "ablate serve BENCH") from None


@api(Told("Load a protocol, check everything, begin PRECHECK", models.Answer, models.Prepare, errors=ERRORS))
async def prepare(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    who, asked = context.controls(request), await body(request, models.Prepare)
    protocol = await asyncio.to_thread(_file, context, asked.protocol)
    return await ask(context, who, "prepare", SLOW_ACT_S, **(asked.model_dump() | {"protocol": protocol}))


def _file(context: Context, name: str) -> str:
    """A protocol that lies beside the bench file is known by its name to the picker, and by its path to the daemon."""
    with contextlib.suppress(NoProtocol):
        origin, path = find(context.loaded, name)
        return str(path) if origin == "own" else name
    return name


def plain(verb: str, text: str) -> Handler:
    """An act that takes no words with it."""

    @api(Told(text, models.Answer, models.NoWords, errors=ERRORS))
    async def act(request: web.Request) -> web.StreamResponse:
        context = request.app[CONTEXT]
        who, _ = context.controls(request), await body(request, models.NoWords)
        return await ask(context, who, verb)

    return act


@api(
    Told(
        "STOP: energy off, for any token and whatever the body says",
        models.Answer,
        models.Stop,
        errors=(401, 403, 503),
    )
)
async def stop(request: web.Request) -> web.StreamResponse:
    try:
        reason = (await body(request, models.Stop)).reason
    except Refused:
        reason = ""
    return told_json(await stop_now(request.app[CONTEXT], request.headers.get("X-Client", ""), reason))


async def stop_now(context: Context, client: str, reason: str) -> dict[str, object]:
    """STOP for whoever asks. Raises :class:`Refused`: the daemon does not answer."""
    try:
        answer = await context.link.stop(f"panel {client[:8]}", reason or "stop")
    except Unreachable:
        remedy = "Use the footswitch, the emergency stop, or the generator's own switch"
        raise Refused(503, GONE, remedy) from None
    finally:
        context.spawn(context.foot.release())
    return answer


@api(
    Told("Leave an acknowledged trip behind, with a reason for the record", models.Answer, models.Reset, errors=ERRORS)
)
async def reset(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    who, asked = context.controls(request), await body(request, models.Reset)
    return await ask(context, who, "reset", reason=asked.reason)


@api(Told("What the operator was asked to do by hand is done", models.Answer, models.Confirm, errors=ERRORS))
async def confirm(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    who, asked = context.controls(request), await body(request, models.Confirm)
    return await ask(context, who, "confirm", prompt=asked.prompt, value=asked.value)


@api(Told("A new saline bag hangs", models.Answer, models.Bag, errors=ERRORS))
async def bag(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    who, asked = context.controls(request), await body(request, models.Bag)
    return await ask(context, who, "bag", bag_ml=asked.bag_ml)


@api(Told("Keep in the record what somebody saw, and when", models.Answer, models.Mark, errors=ERRORS))
async def mark(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    who, asked = context.controls(request), await body(request, models.Mark)
    return await ask(context, who, "note", kind="mark", data=asked.model_dump())


@api(Told("Control this bench; whoever did before is told", models.Control, models.NoWords, errors=ERRORS))
async def take(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    context.may_control(request)
    await body(request, models.NoWords)
    client = context.client(request)
    if not client:
        raise Refused(400, "the page does not say who it is (X-Client)", "send the header")
    context.role.take(client)
    return told_json({"ok": True, "controller": client, "you": "controller"})


@api(Told("Control no longer", models.Control, models.NoWords, errors=ERRORS))
async def release(request: web.Request) -> web.StreamResponse:
    context = request.app[CONTEXT]
    context.may_control(request)
    await body(request, models.NoWords)
    context.role.release(context.client(request))
    return told_json({"ok": True, "controller": context.role.now, "you": "may_control"})


POSTS: tuple[tuple[str, Handler], ...] = (
    ("prepare", prepare),
    ("arm", plain("arm", "First act: ARM, for 30 s")),
    ("stop", stop),
    ("ack", plain("ack", "The alarms were seen; a trip stays latched")),
    ("silence", plain("silence", "Pause the sound of the alarms that are there")),
    ("reset", reset),
    ("confirm", confirm),
    ("bag", bag),
    ("mark", mark),
    ("control/take", take),
    ("control/release", release),
)


def routes() -> list[web.RouteDef]:
    """All of them."""
    return [web.post(f"{ROOT}/{path}", handler) for path, handler in POSTS]
