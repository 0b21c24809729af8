"""The real panel before a daemon that says what another one said in a rehearsal: any state, for as long as wanted."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Any

from controller.beside_panel import Where
from controller.config.loading import load_bench
from controller.daemon.control import ControlSocket
from controller.panel.context import Context
from controller.panel.server import bound, served
from tests.browser.takes import Take
from tests.panel.rig import TOKENS, Daemon, Feet


class Said(Daemon):
    """``told`` as if it were of now, after the end of what was recorded: everything in it is as old as it was, and
    counts down no further.
    """

    def __init__(self, end_s: float) -> None:
        super().__init__()
        self._ahead_s = end_s - asyncio.get_running_loop().time()

    async def status(self) -> dict[str, Any]:
        now_s = asyncio.get_running_loop().time()
        return {**await super().status(), "t_s": round(now_s + self._ahead_s, 3)}


class Showing:
    """A context manager. ``daemon.told`` may be changed at any time; ``where`` is the panel."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self.daemon: Said
        self.where: Where
        self._ready, self._loop, self._over = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="showing")

    def show(self, name: str) -> dict[str, Any]:
        """Say this state or question from now on; what is said of it."""
        self.daemon.told = {**self._take.seen[name], "session_file": str(self._take.session)}
        return self.daemon.told

    def hang(self) -> None:
        """Say nothing any more, as a daemon that is stuck."""
        self._loop.call_soon_threadsafe(self.daemon.hangs.clear)

    def __enter__(self) -> Showing:
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._serve())
            except BaseException as error:  # told to whoever entered
                self._error = error
            finally:
                self._ready.set()

    async def _serve(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="abs-", dir="/tmp"))  # short: sockets' names have 107 bytes
        self.daemon, feet = Said(self._take.end_s), Feet()
        feet.zone = self._take.specimen
        self.show("SAFE")
        control = ControlSocket(self.daemon, folder / "control.sock")
        listener = bound(None)
        try:
            await control.start()
            port = listener.getsockname()[1]
            loaded = load_bench(self._take.bench).fixed()
            context = Context(loaded, self._take.bench, folder, folder / "records", feet, TOKENS, port)
            async with served(context, listener):
                self.where = Where(f"http://127.0.0.1:{port}/", port, 0, TOKENS.control, TOKENS.viewer)
                self._ready.set()
                await self._over.wait()
        finally:
            await control.close()
            await asyncio.sleep(0.05)  # its connections end in the next turns
            shutil.rmtree(folder, ignore_errors=True)
