"""The checklist on a live bench: its processes are started, ended, and once killed, from here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from controller.client import Client, Unreachable
from controller.commissioning.hands import Person, Provided
from controller.commissioning.job import Hands, Job
from controller.commissioning.run import go_through, protocols
from controller.commissioning.table import Step
from controller.config.loading import LoadedBench
from controller.launch import LiveBench
from controller.perform import settle
from controller.providers import Providers
from controller.terminal import NoOperator

ENDED_LOOKS = 300


@dataclass
class Found:
    """What there is for the record so far."""

    done: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    emulated: bool = False


class LivePlant:
    """See :class:`~controller.commissioning.job.Plant`."""

    def __init__(self, loaded: LoadedBench) -> None:
        self._loaded = loaded
        self._live: LiveBench | None = None
        self._kept: int | None = None

    @property
    def operator(self) -> Client:
        assert self._live is not None
        return self._live.client

    async def begin(self) -> None:
        """Start the processes."""
        live = LiveBench(self._loaded.bench, self._loaded.reference, None)
        await live.__aenter__()
        self._live = live

    async def end(self) -> None:
        """End them; without effect where none runs."""
        if self._kept is not None:
            os.close(self._kept)
            self._kept = None
        live, self._live = self._live, None
        if live is not None:
            await live.__aexit__(None, None, None)

    async def kill_watchdog(self) -> float:
        """SIGKILL. The clock is the daemon's: CLOCK_MONOTONIC is one for all processes."""
        assert self._live is not None
        pid = int((await self.operator.status())["pids"]["watchdog"])
        self._kept = self._live.keep_daemon()
        at_s = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        return at_s

    async def restart(self) -> None:
        """The daemon is waited for: its watchdog, which would have done so, may be dead."""
        pid = int((await self.operator.status())["pids"]["daemon"])
        with contextlib.suppress(Unreachable):  # it may be gone before it has answered
            await self.operator.shutdown()
        for _ in range(ENDED_LOOKS):
            if not _runs(pid):
                break
            await asyncio.sleep(0.1)
        await self.end()
        await self.begin()


def _runs(pid: int) -> bool:
    """A process that has ended and was not yet reaped by whoever adopted it counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def commission(
    loaded: LoadedBench,
    steps: Iterable[Step],
    found: Found,
    say: Callable[[str], None],
    reset_reason: str | None = None,
) -> None:
    """Go through ``steps`` on the live bench; ``found`` grows, and holds what was seen when it is broken off.
    ``reset_reason``: acknowledge and reset an earlier trip first.

    Raises:
        NoOperator: hands are needed and nobody is at a terminal.
        DeviceError, ConfigError, StartFailed, Latched: the bench cannot be started as it is.
    """
    urls = loaded.bench.ports()
    providers = Providers(urls)
    plant = LivePlant(loaded)
    with contextlib.ExitStack() as held:
        hands: Hands
        if providers.provides(urls):
            runtime_dir = str(LiveBench(loaded.bench, loaded.reference, None).runtime_dir)
            hands = Provided(partial(providers.touch, runtime_dir), say)
        elif os.isatty(0):
            hands = held.enter_context(Person(say, 0))
        else:
            raise NoOperator("commissioning needs hands at the bench and a terminal; nothing was touched")
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="abl-")))
        job = Job(loaded, plant, hands, protocols(loaded.bench, folder), sessions=found.sessions)
        try:
            await plant.begin()
            await settle(plant.operator, lambda status: None, reset_reason=reset_reason)
            status = await plant.operator.status()
            found.emulated = bool(status["simulated"])
            job.sessions.append(str(status["session_file"]))
            await go_through(job, steps, found.done)
        finally:
            await plant.end()
