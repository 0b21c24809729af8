"""The other end of the control socket: what ``ablate run``, ``arm``, ``stop`` and a script use."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from pathlib import Path
from typing import Any

from controller.daemon.control import MAX_LINE
from controller.held import LOG
from controller.records.ids import account

ANSWER_S = 5.0
"""A daemon that goes on answers within a tick or two; one that does not is frozen, and nobody waits for it."""
PREPARE_S = 60.0
"""To read, check and plan an application may take long on a busy machine."""

STOP_OTHERWISE = "; use the footswitch, the emergency stop, or the generator's own switch"


HUNG_UP = (
    "the daemon hung up. If it has ended, its watchdog turns the energy off; see that the generator is off. "
    "Why may stand in"
)


class Unreachable(Exception):
    """No daemon answers at the control socket (exit code 7)."""


def runtime_root() -> Path:
    """Where running benches keep sockets and pids: ``$ABLATE_RUNTIME_DIR``, else the user's runtime directory, else
    /tmp.

    Raises:
        Unreachable: somebody else has made the folder in /tmp.
    """
    if chosen := os.environ.get("ABLATE_RUNTIME_DIR"):
        return Path(chosen)
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and os.access(base, os.W_OK):
        return Path(base) / "ablate"
    path = Path(f"/tmp/ablate-{os.getuid()}")
    with contextlib.suppress(FileNotFoundError):
        if path.lstat().st_uid != os.getuid():  # whoever made it could put his own socket there
            raise Unreachable(f"{path} belongs to another user; name a folder of yours in ABLATE_RUNTIME_DIR")
    return path


def state_root() -> Path:
    """Where latches outlive reboots: ``$ABLATE_STATE_DIR``, else ``~/.local/state/ablate``."""
    if chosen := os.environ.get("ABLATE_STATE_DIR"):
        return Path(chosen)
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "ablate"


def find_socket(bench: str | None) -> Path:
    """The control socket of ``bench``, or of the only running bench.

    Raises:
        Unreachable: no bench is running, or several are and none was named.
    """
    root = runtime_root()
    left = sorted(root.glob("*/control.sock"))
    running = [path for path in left if listens(path)]
    if bench is not None:
        path = root / bench / "control.sock"
        if running and path not in running:
            names = ", ".join(p.parent.name for p in running)
            raise Unreachable(f"no bench {bench!r} is running{_died([path], left)}; running: {names}")
        if not running and path in left:
            raise Unreachable(f"no bench {bench!r} is running{_died([path], left)}; start it with: ablate serve BENCH")
        return path
    if not running:
        where = f"looked in {root}{_died(left, left)}"
        raise Unreachable(f"no daemon is running ({where}); start one with: ablate serve BENCH")
    if len(running) > 1:
        names = ", ".join(p.parent.name for p in running)
        raise Unreachable(f"several benches are running ({names}); name one with --bench NAME")
    return running[0]


def running() -> list[str]:
    """The names of all running benches."""
    return [path.parent.name for path in sorted(runtime_root().glob("*/control.sock")) if listens(path)]


def listens(path: Path) -> bool:
    """Whether a daemon is behind the socket: one that was killed leaves its file behind."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # busy, or not for us: whoever asks will be told
            return True
    return True


def _died(asked: list[Path], left: list[Path]) -> str:
    """Of daemons that left a socket and are gone: where their last words are."""
    logs = [str(path.with_name(LOG)) for path in asked if path in left]
    return f"; died, see {', '.join(logs)}" if logs else ""


class Client:
    """An :class:`~controller.daemon.control.Operator` over the socket. One request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, who: str) -> None:
        self._reader, self._writer, self.who = reader, writer, who
        self._turn = asyncio.Lock()
        self.log = "the daemon's log"

    @classmethod
    async def connect(cls, path: Path, *, patience_s: float = 0.0, who: str | None = None) -> Client:
        """Connect, waiting up to ``patience_s`` for a daemon that is starting. ``who``: for the record; default: the
        account's name, or its number where it has none.

        Raises:
            Unreachable: nobody answers there.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + patience_s
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(path, limit=MAX_LINE)
                made = cls(reader, writer, who or account())
                made.log = str(path.with_name(LOG))
                return made
            except OSError as error:
                if loop.time() >= until:
                    raise Unreachable(f"no daemon answers at {path} ({error.strerror or error})") from error
                await asyncio.sleep(0.02)

    async def send(self, verb: str, **fields: object) -> dict[str, Any]:
        """Send one request and return its answer.

        Raises:
            Unreachable: the daemon hung up, or did not answer in :data:`ANSWER_S`; then this connection is closed, for
                an answer that comes yet would be taken for the next one's.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(PREPARE_S if verb == "prepare" else ANSWER_S):
                    self._writer.write(json.dumps({"verb": verb, "who": self.who, **fields}).encode() + b"\n")
                    await self._writer.drain()
                    line = await self._reader.readline()
            except ConnectionError as error:
                raise Unreachable(f"{HUNG_UP} {self.log}") from error
            except TimeoutError as error:
                self._writer.transport.abort()
                text = f"the daemon does not answer {verb}: it may be frozen"
                raise Unreachable(text + (STOP_OTHERWISE if verb == "stop" else "")) from error
        if not line:
            raise Unreachable(f"{HUNG_UP} {self.log}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def status(self) -> dict[str, Any]:
        return await self.send("status")

    async def look(self) -> dict[str, Any]:
        return await self.send("look")

    async def prepare(
        self,
        protocol: str,
        who: str = "",
        *,
        resume: bool = False,
        however_old: bool = False,
        site: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        return await self.send("prepare", protocol=protocol, resume=resume, however_old=however_old, site=site)

    async def ask(
        self, kind: str, text: str, value: float | None = None, unit: str = "mm", who: str = ""
    ) -> dict[str, Any]:
        return await self.send("ask", kind=kind, text=text, value=value, unit=unit)

    async def confirm(self, prompt_id: int | None = None, who: str = "", value: float | None = None) -> dict[str, Any]:
        return await self.send("confirm", prompt=prompt_id, value=value)

    async def bag(self, who: str = "", bag_ml: float | None = None) -> dict[str, Any]:
        return await self.send("bag", bag_ml=bag_ml)

    async def note(self, kind: str, data: dict[str, Any], who: str = "") -> dict[str, Any]:
        return await self.send("note", kind=kind, data=data)

    async def arm(self, who: str = "") -> dict[str, Any]:
        return await self.send("arm")

    async def fire(self, who: str = "") -> dict[str, Any]:
        return await self.send("fire")

    async def renew(self) -> dict[str, Any]:
        return await self.send("renew")

    async def release(self) -> dict[str, Any]:
        await self.close()
        return {"ok": True}

    async def stop(self, who: str = "", reason: str = "") -> dict[str, Any]:
        return await self.send("stop", reason=reason)

    async def ack(self, who: str = "") -> dict[str, Any]:
        return await self.send("ack")

    async def silence(self, who: str = "") -> dict[str, Any]:
        return await self.send("silence")

    async def reset(self, who: str = "", reason: str = "") -> dict[str, Any]:
        return await self.send("reset", reason=reason)

    async def shutdown(self, who: str = "") -> dict[str, Any]:
        return await self.send("shutdown")

    async def close(self) -> None:
        """Hang up; a foreground lease held by this connection ends."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()
