"""Who may ask what: the panel's tokens, and what every request is judged by before a handler sees it.

A page of another site can reach 127.0.0.1 from the operator's browser: by a form or a script (CSRF), by a name that it
lets point here (DNS rebinding), by a frame around this page. Hence one exact list of hosts, one origin, a token that no
other site can know, JSON only, and no frame.
"""

from __future__ import annotations

import enum
import hmac
import logging
import secrets
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from aiohttp import web

from controller.panel.api import METRICS, ROOT, Handler, Refused, refusal

log = logging.getLogger("controller.panel")

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost", "[::1]")
PUBLIC = frozenset({f"{ROOT}/health", f"{ROOT}/openapi.json"})
LINK = "open the link that `ablate panel` prints"


def is_told(path: str) -> bool:
    """Whether something of the bench is told there, unlike the page's own files, which are anybody's."""
    return path.startswith(ROOT) or path == METRICS


def says_hello(handler: Handler) -> Handler:
    """A WebSocket: its token is in its first message, because a browser cannot send headers with one."""
    handler.says_hello = True  # type: ignore[attr-defined]
    return handler


class May(enum.Enum):
    """What a token is good for."""

    VIEW = "viewer"
    CONTROL = "may_control"


class Tokens(NamedTuple):
    """Made anew whenever a bench starts. ``viewer`` may look and STOP."""

    control: str
    viewer: str

    @classmethod
    def new(cls) -> Tokens:
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24))

    def may(self, given: str) -> May | None:
        """What ``given`` is good for; None: nothing."""
        known = given.encode("utf-8", "replace")
        if hmac.compare_digest(known, self.control.encode()):
            return May.CONTROL
        return May.VIEW if hmac.compare_digest(known, self.viewer.encode()) else None


def policy(port: int) -> str:
    """What a page of the panel may load: its own files, and its own stream."""
    streams = " ".join(f"ws://{host}" for host in hosts(port) if not host.startswith("["))  # none may stand in a policy
    return (
        f"default-src 'self'; connect-src 'self' {streams}; img-src 'self' data: blob:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def hosts(port: int) -> Iterator[str]:
    """Every Host that is ours, exactly as it must be sent."""
    return (f"{name}:{port}" for name in NAMES)


class Guard:
    """Judges requests for one port and one pair of tokens."""

    def __init__(self, port: int, tokens: Tokens) -> None:
        self._hosts, self._tokens = frozenset(hosts(port)), tokens
        self._headers = {
            "Content-Security-Policy": policy(port),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
        self._port = port

    def place(self, request: web.Request) -> None:
        """Refuse what did not come to this very address, or comes from another site's page.

        Raises:
            Refused: 403 with the header that is wrong.
        """
        sent = request.headers.getall("Host", [])
        if len(sent) != 1 or sent[0].lower() not in self._hosts:
            raise Refused(
                403,
                "this host name is not the panel's",
                f"use http://127.0.0.1:{self._port}; through an SSH tunnel take the same port at both ends",
            )
        origin = request.headers.get("Origin")
        if origin is not None and not self._same(origin, sent[0]):
            raise Refused(403, "this request comes from another site's page", LINK)
        site = request.headers.get("Sec-Fetch-Site", "none")
        if is_told(request.path) and site not in ("same-origin", "none"):
            raise Refused(403, "this request comes from another site's page", LINK)

    @staticmethod
    def _same(origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return origin.lower() == f"http://{host.lower()}" and parts.scheme == "http"

    def may(self, request: web.Request) -> May:
        """What the request's bearer token is good for. Raises :class:`Refused`."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        found = self._tokens.may(token.strip()) if kind.lower() == "bearer" else None
        if found is None:
            raise Refused(401, "the token is missing, or of an earlier start of this bench", LINK)
        return found

    @property
    def middleware(self) -> object:
        """For the application: judges, and makes of every refusal and every failure an answer in words."""

        @web.middleware
        async def judged(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                self.place(request)
                late = getattr(request.match_info.handler, "says_hello", False)
                if is_told(request.path) and request.path not in PUBLIC and not late:
                    self.may(request)
                answer = await handler(request)
            except Refused as error:
                answer = refusal(error.status, error.error, error.remedy)
                if error.status == 401:
                    answer.headers["WWW-Authenticate"] = "Bearer"
            except web.HTTPException as error:
                answer = refusal(
                    error.status, error.reason or "not found", "GET /api/v1/openapi.json lists what is there"
                )
                if allow := error.headers.get("Allow"):
                    answer.headers["Allow"] = allow
            except Exception:
                log.exception("%s %s failed", request.method, request.path)
                answer = refusal(
                    500, "the panel failed at this; the bench goes on", "panel.log says where: `ablate bundle`"
                )
            if not answer.prepared:
                for name, value in self._headers.items():
                    answer.headers.setdefault(name, value)
            return answer

        return judged
