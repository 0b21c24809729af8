"""The plug-in behind ``port: sim://<name>`` in a bench file (entry-point group ``openablate.transports``).

A bench with such ports gets a neighbour process that emulates them; ``sim://gen`` then is the PTY ``<runtime
directory>/ports/gen``, opened like any other serial port.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from sim.assembly import SCHEME


class Provider:
    """What the launcher needs to know of a transport plug-in."""

    simulated = True

    def neighbour(self, bench_path: str, runtime_dir: str) -> list[str] | None:
        """Command line of the process to run beside the bench; it prints ``READY`` when its ports are open."""
        command = [sys.executable, "-P", "-m", "sim.serve", "--bench", bench_path, "--runtime-dir", runtime_dir]
        return [*command, "--exit-with-parent"]

    def resolve(self, url: str, runtime_dir: str) -> str:
        """The serial path of ``url``. Raises ValueError for a URL that is not ``sim://<name>``."""
        name = url.removeprefix(SCHEME).strip("/")
        if not url.startswith(SCHEME) or not name or "/" in name or name.startswith("."):
            raise ValueError(f"port {url!r}: write {SCHEME}<name>, for example {SCHEME}gen")
        return str(Path(runtime_dir) / "ports" / name)

    async def specimen(self, runtime_dir: str) -> dict[str, Any] | None:
        """Zone, picture and applicator of the simulated tissue, from the neighbour's back door; None: no answer."""
        told = await _at_the_back_door(runtime_dir, {"snapshot": True})
        if told is None:
            return None
        snapshot = told.get("snapshot", told)
        return {name: snapshot.get(name) for name in ("zone", "picture", "metal")}

    async def hands(self, runtime_dir: str, kind: str, value: float | None) -> None:
        """Move the simulated probe. Raises ValueError: the bench cannot do it, or does not answer."""
        told = await _at_the_back_door(runtime_dir, {"hand": [kind, value]})
        if told is None or not told.get("ok"):
            raise ValueError(str((told or {}).get("error", "the simulated bench does not answer")))

    async def touch(self, runtime_dir: str, thing: str, how: str) -> bool:
        """Open or close a simulated contact, warm a sensor, stall the pump. Raises ValueError: it cannot be done."""
        told = await _at_the_back_door(runtime_dir, touched(thing, how))
        if told is None or not told.get("ok"):
            raise ValueError(str((told or {}).get("error", "the simulated bench does not answer")))
        return True

    async def foot(self, runtime_dir: str, pressed: bool) -> bool:
        """Press the emulated footswitch for 0.3 s, or let go of it; False: the bench has none, or does not answer."""
        told = await _at_the_back_door(runtime_dir, {"foot": pressed}, limit_s=0.5)
        return told is not None and told.get("ok") is True


WARMED_K = 6.0


def touched(thing: str, how: str) -> dict[str, Any]:
    """What is asked of the back door for hands that do ``how`` (open, close, warm, leave, stall, turn) to a channel or
    a device. Raises ValueError for anything else.
    """
    match how:
        case "open" | "close":
            return {"input": {thing.partition(".")[2].removesuffix("_closed"): how == "close"}}
        case "warm":
            return {"fault": f"{thing}.bias={WARMED_K:g}"}
        case "leave":
            return {"clear": f"{thing}.bias={WARMED_K:g}"}
        case "stall":
            return {"fault": f"{thing}.stall"}
        case "turn":
            return {"clear": f"{thing}.stall"}
    raise ValueError(f"no simulated hand does {how!r}")


async def _at_the_back_door(runtime_dir: str, request: dict[str, Any], limit_s: float = 5.0) -> dict[str, Any] | None:
    """The neighbour's answer; None when there is none."""
    try:
        async with asyncio.timeout(limit_s):
            reader, writer = await asyncio.open_unix_connection(Path(runtime_dir) / "sim.sock", limit=1 << 24)
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                told: dict[str, Any] = json.loads(await reader.readline())
            finally:
                writer.close()
    except (OSError, ValueError, TimeoutError):
        return None
    return told


PROVIDER = Provider()
