"""The control socket: a Unix socket that speaks JSON lines to local people. Nothing else can arm, fire or reset.

Requests are ``{"verb": …}``; answers ``{"ok": true, …}`` or ``{"ok": false, "error": …, "blocked_by": […]}``. The
connection that sends ``fire`` becomes the foreground lease: it must say ``renew`` at least every 300 ms, and closing it
ends the hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from controller.daemon.prompts import number
from drivers.plain import NAME_LENGTH, plain

MAX_LINE = 1 << 20
RATE_HZ, BURST = 500.0, 1000
"""Requests of one connection: a foreground that holds sends a dozen a second. One that sends more than this is out of
its mind, and is hung up on before it delays a tick."""
MAX_CONNECTIONS = 32
"""Beyond them a connection is heard once, and only for STOP."""


class Operator(Protocol):
    """What a person can do to the daemon. Implemented by the daemon itself and, over the socket, by its clients."""

    async def status(self) -> dict[str, Any]: ...
    async def look(self) -> dict[str, Any]: ...
    async def prepare(
        self,
        protocol: str,
        who: str,
        *,
        resume: bool = False,
        however_old: bool = False,
        site: dict[str, Any] | None = None,
    ) -> dict[str, Any]: ...
    async def ask(
        self, kind: str, text: str, value: float | None = None, unit: str = "mm", who: str = ""
    ) -> dict[str, Any]: ...
    async def confirm(self, prompt_id: int | None, who: str, value: float | None = None) -> dict[str, Any]: ...
    async def bag(self, who: str, bag_ml: float | None = None) -> dict[str, Any]: ...
    async def note(self, kind: str, data: dict[str, Any], who: str = "") -> dict[str, Any]: ...
    async def arm(self, who: str) -> dict[str, Any]: ...
    async def fire(self, who: str) -> dict[str, Any]: ...
    async def renew(self) -> dict[str, Any]: ...
    async def release(self) -> dict[str, Any]: ...
    async def stop(self, who: str, reason: str) -> dict[str, Any]: ...
    async def ack(self, who: str) -> dict[str, Any]: ...
    async def silence(self, who: str) -> dict[str, Any]: ...
    async def reset(self, who: str, reason: str) -> dict[str, Any]: ...
    async def shutdown(self, who: str) -> dict[str, Any]: ...


def peer(writer: asyncio.StreamWriter) -> tuple[int, int]:
    """(pid, uid) of the process at the other end, as the kernel of the operating system vouches for them."""
    sock: socket.socket = writer.get_extra_info("socket")
    if not hasattr(socket, "SO_PEERCRED"):
        return 0, os.getuid()  # the socket's mode 0600 is then the only guard
    pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid, uid


class UnknownVerbError(ValueError):
    """Nobody here does that."""


def _word(verb: object) -> str:
    """A verb as it is shown and recorded; one that is no text has none."""
    return plain(verb, NAME_LENGTH) if isinstance(verb, str) else "none"


async def answer(operator: Operator, message: dict[str, Any], who: str) -> dict[str, Any]:
    """Carry out one request.

    Raises:
        ValueError: a field is not what it should be.
    """
    match message.get("verb"):
        case "status":
            return await operator.status()
        case "look":
            return await operator.look()
        case "prepare":
            site = message.get("site")
            return await operator.prepare(
                str(message.get("protocol", "")),
                who,
                resume=message.get("resume") is True,
                however_old=message.get("however_old") is True,
                site=site if isinstance(site, dict) else None,
            )
        case "ask":
            kind, text, unit = (str(message.get(key) or "")[:200] for key in ("kind", "text", "unit"))
            return await operator.ask(kind, text, number(message.get("value")), unit, who)
        case "confirm":
            asked = number(message.get("prompt"))
            return await operator.confirm(None if asked is None else int(asked), who, number(message.get("value")))
        case "note":
            data = message.get("data")
            return await operator.note(str(message.get("kind", "")), data if isinstance(data, dict) else {}, who)
        case "bag":
            return await operator.bag(who, number(message.get("bag_ml")))
        case "arm":
            return await operator.arm(who)
        case "fire":
            return await operator.fire(who)
        case "renew":
            return await operator.renew()
        case "stop":
            return await operator.stop(who, str(message.get("reason", ""))[:200])
        case "ack":
            return await operator.ack(who)
        case "silence":
            return await operator.silence(who)
        case "reset":
            return await operator.reset(who, str(message.get("reason", ""))[:200])
        case "shutdown":
            return await operator.shutdown(who)
        case verb:
            raise UnknownVerbError(f"unknown verb {_word(verb)!r}")


class Allowance:
    """How many requests a connection may still make: ``BURST`` at once, ``RATE_HZ`` in the long run."""

    def __init__(self, now_s: float) -> None:
        self._left, self._seen_s = float(BURST), now_s

    def take(self, now_s: float) -> bool:
        """True while there is one left."""
        self._left = min(float(BURST), self._left + (now_s - self._seen_s) * RATE_HZ)
        self._seen_s = now_s
        self._left = max(-1.0, self._left - 1.0)
        return self._left >= 0.0


Refused = Callable[[str, str, Sequence[str]], object]
"""(verb, who, reasons): keeps in the record what was refused here, before any operator was asked."""


def unrecorded(verb: str, who: str, by: Sequence[str]) -> None:
    """For a socket without a record."""


class ControlSocket:
    """Serves an :class:`Operator` at ``path``, mode 0600."""

    def __init__(self, operator: Operator, path: Path, refused: Refused = unrecorded) -> None:
        self._operator, self._path, self._refused = operator, path, refused
        self._server: asyncio.Server | None = None
        self._lease_holder: asyncio.StreamWriter | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen. A socket file that nobody answers on is replaced."""
        self._path.unlink(missing_ok=True)
        old = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path, limit=MAX_LINE)
        finally:
            os.umask(old)

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
            for writer in list(self._writers):
                writer.close()
            await self._server.wait_closed()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            pid, uid = peer(writer)
            who = f"uid {uid} pid {pid}"
            if uid not in (0, os.getuid()):
                await self._say(writer, self._no("connect", who, f"user {uid} may not control this bench"))
                return
            loop = asyncio.get_running_loop()
            allowance, crowded = Allowance(loop.time()), len(self._writers) > MAX_CONNECTIONS
            while line := await reader.readline():
                may = allowance.take(loop.time()) and not crowded
                try:
                    message = json.loads(line)
                    if not isinstance(message, dict):
                        raise ValueError("not an object")
                except (ValueError, RecursionError) as error:
                    await self._say(writer, self._no("unreadable", who, f"not a JSON object on one line: {error}"))
                    if may:
                        continue
                    return
                verb = message.get("verb")
                if not may:
                    if verb == "stop":  # never refused, and the last that is heard of such a connection
                        await self._say(writer, await answer(self._operator, message, who))
                    else:
                        why = f"{MAX_CONNECTIONS} connections" if crowded else f"{RATE_HZ:g} requests in a second"
                        await self._say(writer, self._no(_word(verb), who, f"more than {why}: hung up"))
                    return
                if verb == "renew" and self._lease_holder is not writer:
                    reply = self._no("renew", who, "this connection did not fire")
                else:
                    named = message.get("who")
                    person = f"{plain(named, NAME_LENGTH)} ({who})" if isinstance(named, str) else who
                    try:
                        reply = await answer(self._operator, message, person)
                    except UnknownVerbError as error:
                        reply = self._no(_word(verb), person, str(error))
                    except (ValueError, OverflowError, RecursionError, OSError) as error:
                        reply = self._no(_word(verb), person, f"{_word(verb)}: {error}")
                if verb == "fire" and reply.get("ok"):
                    self._lease_holder = writer
                await self._say(writer, reply)
        except (ConnectionError, asyncio.LimitOverrunError, ValueError):
            pass  # a client that vanished or babbled; its lease ends below
        finally:
            if self._lease_holder is writer:
                self._lease_holder = None
                await self._operator.release()
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _no(self, verb: str, who: str, error: str) -> dict[str, Any]:
        self._refused(verb, who, (error,))
        return {"ok": False, "error": error}

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, reply: dict[str, Any]) -> None:
        writer.write(json.dumps(reply).encode() + b"\n")
        await writer.drain()
