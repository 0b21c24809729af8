"""A process that runs beside a bench because one of its ports needs it (an emulated bench, say)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from drivers.contract import DeviceError

READY_S = 90.0  # a first start may have to compile


@contextlib.asynccontextmanager
async def beside(argv: list[str], log: Path | None = None) -> AsyncIterator[None]:
    """Run a process for as long as the context lasts; enter when it has printed READY.

    It gets a session of its own, so that Ctrl-C does not end it before whoever needs it. ``log`` takes its errors.

    Raises:
        DeviceError: it ended, or was not ready in time.
    """
    name = " ".join(argv[argv.index("-m") + 1 : argv.index("-m") + 2]) if "-m" in argv else argv[0]
    where = f"see {log}" if log is not None else "see what it printed above"
    with log.open("ab") if log is not None else contextlib.nullcontext() as errors:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    assert process.stdout is not None
    stdout = process.stdout

    async def drain() -> None:
        while await stdout.readline():
            pass

    try:
        try:
            async with asyncio.timeout(READY_S):
                while (line := await stdout.readline()).strip() != b"READY":
                    if not line:
                        raise DeviceError(name, "ended at its start", where)
        except TimeoutError:
            raise DeviceError(name, f"not ready after {READY_S:.0f} s", where) from None
        draining = asyncio.create_task(drain())
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
    await draining
