"""The panel's process, as the launcher keeps it beside a bench: its end is said and mended, and never the bench's end.

Here nothing of the panel is imported; a bench without the extra ``panel`` goes on without one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import webbrowser
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from controller.client import Unreachable, listens, runtime_root

FILE, LOG = "panel.json", "panel.log"
READY_S = 20.0
LEAVE_S = 5.0
AGAIN_S = (0.5, 30.0)
"""Pause before a panel that died is started again: doubled from the first to the second."""
LIVED_S = 60.0
NO_EXTRA = "no panel: it needs aiohttp; pip install 'openablate[panel]'"


class PanelFailed(Exception):
    """The panel that was asked for by its port did not start (exit code 4)."""

    code = 4


class Where(NamedTuple):
    """What ``panel.json`` tells. Links carry the token behind ``#``, which browsers send to nobody."""

    url: str
    port: int
    pid: int
    token: str
    viewer_token: str

    def link(self, *, viewer: bool = False) -> str:
        return f"{self.url}#token={self.viewer_token if viewer else self.token}"

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True


def where(runtime_dir: Path) -> Where | None:
    """The panel of a running bench; None: it has none."""
    try:
        told = json.loads((runtime_dir / FILE).read_text())
        return Where(*(told[name] for name in Where._fields))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def of_bench(bench: str | None) -> tuple[str, Where]:
    """Name and panel of ``bench``, or of the only bench that runs one.

    Raises:
        Unreachable: there is none, or there are several and none was named.
    """
    root = runtime_root()
    folders = [root / bench] if bench is not None else sorted(path.parent for path in root.glob("*/control.sock"))
    if not folders or not (folders[0] / "control.sock").exists():
        raise Unreachable(f"no bench is running (looked in {root}); start one with: ablate serve BENCH")
    found = [(folder.name, told) for folder in folders if (told := where(folder)) is not None and told.alive]
    if not found:
        running = [folder for folder in folders if listens(folder / "control.sock")]
        if not running:
            raise Unreachable(f"no bench is running (looked in {root}); start one with: ablate serve BENCH")
        names = ", ".join(folder.name for folder in running)
        raise Unreachable(f"{names}: running without a panel; {running[0] / LOG} may say why")
    if len(found) > 1:
        names = ", ".join(name for name, _ in found)
        raise Unreachable(f"several benches are running ({names}); name one with --bench NAME")
    return found[0]


def can_open() -> bool:
    """Whether a person sits before a screen here: a terminal, and a display to open a page on."""
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform == "darwin"
    return sys.stdout.isatty() and bool(screen)


def open_page(link: str) -> bool:
    """Open a browser; False: there is none."""
    with contextlib.suppress(webbrowser.Error, OSError):
        return webbrowser.open(link)
    return False


class BesidePanel:
    """Keeps a panel for one bench. ``say`` gets a sentence whenever something happens to it."""

    def __init__(self, bench: Path, runtime_dir: Path, records: Path, port: int | None, say: Callable[[str], None]):
        self._dir, self._port, self._say = runtime_dir, port, say
        self._argv = [sys.executable, "-P", "-m", "controller.panel", "--bench-file", str(bench)]
        self._argv += ["--runtime-dir", str(runtime_dir), "--records", str(records), "--exit-with-parent"]
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    @property
    def where(self) -> Where | None:
        """Its address, while it runs."""
        return where(self._dir) if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Start it, and keep it. What goes wrong is said; the bench goes on.

        Raises:
            PanelFailed: at a port that was named, it cannot.
        """
        (self._dir / FILE).unlink(missing_ok=True)
        if find_spec("aiohttp") is None:
            self._say(NO_EXTRA)
            return
        trouble = await self._begin([] if self._port is None else ["--port", str(self._port)])
        if trouble and self._port is not None:
            raise PanelFailed(trouble)
        if trouble:
            self._say(f"no panel: {trouble}")
            return
        self._keeping = asyncio.create_task(self._keep(), name="panel")

    async def _begin(self, more: list[str]) -> str:
        """Why it did not start; empty: it is ready."""
        log = self._dir / LOG
        with log.open("ab") as out:
            from_here = out.tell()
            process = await asyncio.create_subprocess_exec(
                *self._argv,
                *more,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=out,
                start_new_session=True,
            )
        self._process = process
        assert process.stdout is not None
        try:
            async with asyncio.timeout(READY_S):
                ready = (await process.stdout.readline()).strip() == b"READY"
        except TimeoutError:
            ready = False
        except asyncio.CancelledError:
            await self._end_process()
            raise
        if ready:
            return ""
        await self._end_process()
        words = log.read_bytes()[from_here:].decode(errors="replace").strip().splitlines()
        return words[-1].removeprefix("panel: ") if words else f"it was not ready after {READY_S:.0f} s"

    async def _keep(self) -> None:
        """Start it again whenever it dies, with the same port and tokens: open pages find it again."""
        pause_s, loop = AGAIN_S[0], asyncio.get_running_loop()
        while True:
            assert self._process is not None
            began_s = loop.time()
            code = await self._process.wait()
            if loop.time() - began_s > LIVED_S:
                pause_s = AGAIN_S[0]
            self._say(
                f"the panel has died (exit code {code}); the bench goes on; starting it again, see {self._dir / LOG}"
            )
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, AGAIN_S[1])
            trouble = await self._begin(["--again"])
            if trouble:
                self._say(f"no panel: {trouble}")

    async def close(self) -> None:
        """End it; its pages are told."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._process is not None:  # another bench's file is not ours to remove
            await self._end_process()
            (self._dir / FILE).unlink(missing_ok=True)

    async def _end_process(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(LEAVE_S):
                await process.wait()
        except TimeoutError:  # frozen, say
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
