"""The back door of a served bench, for tests and reports only: JSON lines on a Unix socket.

    {"fault": SPEC}                 begin a fault; its onset counts from now
    {"clear": SPEC}                 end it
    {"input": {"estop_a": false}}   act on contacts (true: closed)
    {"foot": true}                  press the footswitch for 0.3 s, and again from then on; false: let go
    {"hand": ["deploy", 30]}        act on the probe: deploy, pull-back (mm), reposition, retract (null)
    {"snapshot": true}              look; "brief" instead of true leaves the picture out

Each line is answered ``{"ok": true, ...}`` or ``{"ok": false, "error": ...}``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from pathlib import Path
from typing import Any

from sim.bench import SimBench

VERBS = ("fault", "clear", "input", "foot", "hand", "snapshot")
MAX_LINE = 65536


class Backdoor:
    """Open with :meth:`open`; connections live as long as their clients."""

    def __init__(self, bench: SimBench, path: Path) -> None:
        self._bench = bench
        self._path = path
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @classmethod
    async def open(cls, bench: SimBench, path: Path) -> Backdoor:
        """Listen at ``path``, replacing a socket that was left there. Raises OSError."""
        self = cls(bench, path)
        self._make_room()
        try:
            self._server = await asyncio.start_unix_server(self._serve, path, limit=MAX_LINE)
        except OSError as error:
            if "too long" in str(error):
                raise OSError(f"{path} is too long for a socket's name; choose a shorter runtime directory") from error
            raise
        os.chmod(path, 0o600)
        return self

    def _make_room(self) -> None:
        self._path.unlink(missing_ok=True)
        self._path.parent.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Hang up and remove the socket."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.close()
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(answer(self._bench, line), allow_nan=False).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass
        finally:
            self._writers.discard(writer)
            with contextlib.suppress(Exception):
                writer.close()


def answer(bench: SimBench, line: bytes) -> dict[str, Any]:
    """Do what one line asks; never raises."""
    try:
        asked = json.loads(line)
        if not isinstance(asked, dict) or len(asked) != 1 or next(iter(asked)) not in VERBS:
            raise ValueError(f"expected one of {', '.join(VERBS)} in a JSON object")
        verb, what = next(iter(asked.items()))
        if verb == "fault":
            bench.add_fault(str(what))
        elif verb == "clear":
            bench.clear_fault(str(what))
        elif verb == "input":
            if not isinstance(what, dict):
                raise ValueError('"input" takes an object of contacts, for example {"estop_a": false}')
            bench.set_inputs(what)
        elif verb == "foot":
            bench.foot(what is True)
        elif verb == "hand":
            if not isinstance(what, list) or len(what) != 2:
                raise ValueError('"hand" takes what is done and how far, for example ["pull-back", 10]')
            bench.hand(str(what[0]), None if what[1] is None else float(what[1]))
        else:
            return {"ok": True, **_plain(bench.snapshot(), picture=what != "brief")}
    except (ValueError, OSError) as error:
        return {"ok": False, "error": str(error)}
    return {"ok": True, "t_s": bench.now_s()}


def _plain(seen: dict[str, Any], *, picture: bool) -> dict[str, Any]:
    arrays = seen.pop("picture", None)
    if picture and arrays is not None:
        seen["picture"] = {name: array.tolist() for name, array in arrays.items()}
    return seen
