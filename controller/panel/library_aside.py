"""The panel's end of the library's process: one question at a time, bounded in time and size, killed when it is late.

The body of an answer is not looked at here: it goes to the browser as it is, whatever its size.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any, NamedTuple

PYTHON = (sys.executable, "-P", "-m")
MOST_WAITING = 32
MOST_BYTES = 64 * 1024 * 1024
BUSY = b'{"ok":false,"error":"the library is busy","remedy":"wait a moment, then ask again"}'
LATE = '{"ok":false,"error":"there was no answer within %g s","remedy":"ask for less, or use ablate sessions"}'
FELL = b'{"ok":false,"error":"the library\'s process ended","remedy":"ask again; the panel\'s log says why"}'


class Told(NamedTuple):
    """An answer as HTTP has it."""

    status: int
    type: str
    body: bytes

    @property
    def ok(self) -> bool:
        return self.status == 200

    def json(self) -> dict[str, Any]:
        """Small bodies only."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Aside:
    """A process that is started by the first question and lives until :meth:`close`."""

    def __init__(self, records: str, bench: str) -> None:
        self._argv = (*PYTHON, "controller.panel.library_work", records, bench)
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._asked: set[asyncio.Task[Told]] = set()
        self._stopped = self._closed = False

    async def ask(self, verb: str, limit_s: float, **fields: object) -> Told:
        """One question; whatever goes wrong is an answer too. Who goes away before it comes disturbs nobody."""
        if len(self._asked) >= MOST_WAITING:
            return Told(503, "application/json", BUSY)
        line = json.dumps({"verb": verb, **fields}).encode() + b"\n"
        work = asyncio.get_running_loop().create_task(self._in_turn(line, limit_s), name=f"library {verb}")
        self._asked.add(work)
        work.add_done_callback(self._asked.discard)
        return await asyncio.shield(work)

    async def stop(self) -> None:
        """Kill the process: what is under way is not answered. The next question starts another."""
        self._stopped = True
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def close(self) -> None:
        """For good."""
        self._closed = True
        await self.stop()
        await asyncio.gather(*self._asked)

    async def _in_turn(self, line: bytes, limit_s: float) -> Told:
        async with self._turn:
            self._stopped = self._closed
            try:
                async with asyncio.timeout(limit_s):
                    return await self._exchange(line)
            except TimeoutError:
                told = Told(504, "application/json", (LATE % limit_s).encode())
            except (OSError, EOFError, ValueError):
                told = Told(503, "application/json", FELL)
            await self.stop()  # its answer would be the next one's
            return told

    async def _exchange(self, line: bytes) -> Told:
        if not self._stopped and (self._process is None or self._process.returncode is not None):
            self._process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True
            )
        if self._stopped or self._process is None:
            raise EOFError
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(line)
        await stdin.drain()
        head = json.loads(await stdout.readline())
        if head["length"] > MOST_BYTES:
            raise ValueError("too long an answer")
        return Told(head["status"], head["type"], await stdout.readexactly(head["length"]))
