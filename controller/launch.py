"""Starts the processes of a live bench beside a foreground command: neighbours, then the watchdog, which starts the
daemon.

Each runs in a session of its own, so that Ctrl-C and a closed terminal reach the foreground alone: it can then still
ask for a stop and see the proof of off.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from controller import held
from controller.beside_panel import BesidePanel
from controller.client import Client, Unreachable, runtime_root, state_root
from controller.config.bench import Bench
from controller.neighbour import beside
from controller.providers import Providers
from controller.records import past
from drivers.contract import DeviceError

PYTHON = (sys.executable, "-P", "-m")
"""-P: a ``safety`` folder in the current directory must not become the watchdog."""
DAEMON_READY_S = 20.0
CUT_S = 5.0
"""For a watchdog to prove off and say why, once its daemon is gone."""
LEAVE_S = 15.0
"""For daemon and watchdog to prove off and leave, besides the time that the coolant runs on."""
LOOK_S = 0.1
"""Between two looks at whether a daemon without a watchdog is still there."""
TRIP_LOOKS = 5
"""Within which it has tripped, where there was anything to trip (H27: 0.3 s)."""


class StartFailed(Exception):
    """The daemon ended before it answered. ``code`` is its exit code, the text its own last words."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class PanelWish(NamedTuple):
    """A panel is wanted: at this port and no other (None: the first that is free); ``say`` tells what happens to it."""

    port: int | None
    say: Callable[[str], None]


class LiveBench:
    """The processes of one bench, as an async context. ``client`` is connected inside it; ``panel`` is what was wished
    for, and may have died."""

    client: Client

    def __init__(
        self,
        bench: Bench,
        bench_path: Path,
        out: Path | None,
        *,
        state_dir: Path | None = None,
        panel: PanelWish | None = None,
    ) -> None:
        self._bench, self._bench_path, self._out = bench, bench_path.resolve(), out
        self.runtime_dir = runtime_root() / bench.bench
        self.state_dir = state_dir or state_root() / bench.bench
        self._lock: int | None = None
        self._log: int | None = None
        self.session_file: str | None = None  # as the daemon said when it was told to end
        self._neighbours = contextlib.AsyncExitStack()
        self._watchdog: asyncio.subprocess.Process | None = None
        self._log_from = 0
        self.panel: BesidePanel | None = None
        if panel is not None:
            records = Path(out or bench.records.folder).absolute()
            self.panel = BesidePanel(self._bench_path, self.runtime_dir, records, panel.port, panel.say)

    async def __aenter__(self) -> LiveBench:
        try:
            await self._start()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._end()

    @property
    def control_socket(self) -> Path:
        """Where the daemon answers."""
        return self.runtime_dir / "control.sock"

    async def wait(self) -> int:
        """Wait until the watchdog has ended; return its exit code. It ends after its daemon, unless it was killed."""
        assert self._watchdog is not None
        return await self._watchdog.wait()

    def lives(self) -> bool:
        """Whether watchdog or daemon is there: a daemon whose watchdog was killed cools before it leaves."""
        return held.has_processes(self.runtime_dir)

    async def gone(self) -> None:
        """Wait until watchdog and daemon have ended."""
        while self.lives():  # noqa: ASYNC110 - the lock of other processes tells nobody when it is released
            await asyncio.sleep(LOOK_S)

    async def orphaned(self) -> str:
        """What is said of a daemon whose watchdog has ended before it: why, and that it is waited for. Empty where
        none is."""
        if self._watchdog is None or self._watchdog.returncode is None or not self.lives():
            return ""
        told: dict[str, Any] = {}
        with contextlib.suppress(Unreachable):
            for _ in range(TRIP_LOOKS):
                told = await self.client.status()
                if told.get("trip"):
                    break
                await asyncio.sleep(LOOK_S)
        cause = f" ({told['trip']['text']})" if told.get("trip") else ""
        does = f"the daemon is {told['state']}{cause}, cools and then ends" if told else "the daemon ends"
        return f"the watchdog has ended; {does}; this command waits for it, after Ctrl-C too; all it says: {self.log}"

    def last_words(self) -> str:
        """What the daemon said when it could not go on; empty where it had no time for it."""
        try:
            return (self.runtime_dir / "daemon.error").read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    async def why_ended(self) -> str:
        """Why the daemon is no longer there, as the watchdog or the daemon itself says; empty where neither does."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CUT_S):
                await self.wait()
        if words := self.last_words():
            return words
        with self.log.open("rb") as log:
            log.seek(self._log_from)
            said = [line for line in log.read().decode(errors="replace").splitlines() if line.startswith("watchdog: ")]
        return said[-1] if said else ""

    @property
    def log(self) -> Path:
        """What watchdog and daemon have printed."""
        return self.runtime_dir / held.LOG

    def keep_daemon(self) -> int:
        """A second hold on the daemon's standard input, which otherwise ends with the watchdog: the daemon then stays
        to tell what it sees after the watchdog's death. Close the descriptor to let it leave.
        """
        assert self._watchdog is not None
        assert self._watchdog.stdin is not None
        return os.dup(self._watchdog.stdin.transport.get_extra_info("pipe").fileno())

    async def _start(self) -> None:
        for folder in (self.runtime_dir, self.state_dir):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = self._bench.bench
        try:
            self._lock = held.take(self.runtime_dir)
        except BlockingIOError:
            problem = "this bench is already being run by another ablate process"
            raise DeviceError(name, problem, "stop that one first") from None
        try:
            self._log = held.take_log(self.runtime_dir)  # before anything of a daemon that lives is unlinked
        except BlockingIOError:
            pid = held.daemon_pid(self.runtime_dir)
            problem = f"the daemon of an earlier run{f' (pid {pid})' if pid is not None else ''} is still there"
            remedy = "it cools (ablate status shows it) and ends by itself; one that hangs: kill -9, then look at the "
            raise DeviceError(name, problem, f"{remedy}generator") from None
        records = Path(self._out or self._bench.records.folder)
        past.check(records, name, self.state_dir, state_root() / past.ACCEPTED)
        for left in ("control.sock", "daemon.error", "pids.json"):
            (self.runtime_dir / left).unlink(missing_ok=True)
        providers = Providers(self._bench.ports())
        for argv in providers.neighbours(str(self._bench_path), str(self.runtime_dir)):
            await self._neighbours.enter_async_context(beside(argv, self.runtime_dir / "neighbour.log"))
        showing = asyncio.create_task(self.panel.start()) if self.panel is not None else None
        try:
            await self._start_watchdog()
            if showing is not None:
                await showing
        finally:
            if showing is not None:
                showing.cancel()
                await asyncio.gather(showing, return_exceptions=True)

    async def _start_watchdog(self) -> None:
        daemon = [*PYTHON, "controller.daemon", str(self._bench_path), "--runtime-dir", str(self.runtime_dir)]
        daemon += ["--state-dir", str(self.state_dir)]
        daemon += ["--out", str(self._out.resolve())] if self._out else []
        argv = [*PYTHON, "safety.watchdog", "--runtime-dir", str(self.runtime_dir)]
        argv += ["--state-dir", str(self.state_dir), "--bench", self._bench.bench]
        argv += ["--lease-ms", str(round(1000 * self._bench.lease_s))]
        argv += ["--", *daemon]
        assert self._log is not None
        self._log_from = os.lseek(self._log, 0, os.SEEK_END)
        self._watchdog = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.PIPE, stdout=self._log, stderr=self._log, start_new_session=True
        )  # standard input is never written: its end tells the daemon that the foreground has died
        self._let_go_of_log()
        ended = asyncio.create_task(self._watchdog.wait())
        connecting = asyncio.create_task(Client.connect(self.control_socket, patience_s=DAEMON_READY_S))
        await asyncio.wait({ended, connecting}, return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            ended.cancel()
            self.client = connecting.result()
            return
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError, Unreachable):
            await connecting
        raise StartFailed(self.last_words() or f"the daemon ended at start; see {self.log}", ended.result())

    def _let_go_of_log(self) -> None:
        """From here on the log's lock says whether watchdog or daemon is there."""
        if self._log is not None:
            os.close(self._log)
            self._log = None

    async def _end(self) -> None:
        """Ask the daemon to end, wait until the watchdog has proven off and the daemon has gone, then let the
        neighbours go, in this order. A daemon without a watchdog that does not go keeps its bench by its own lock.
        """
        self._let_go_of_log()
        patience_s = LEAVE_S
        ended: dict[str, Any] = {}
        if hasattr(self, "client"):
            with contextlib.suppress(Unreachable, OSError):
                ended = await self.client.shutdown()
                patience_s += float(ended.get("rest_s", 0.0))
                await self.client.close()
        if self._watchdog is not None:
            try:
                async with asyncio.timeout(patience_s):
                    await self._watchdog.wait()
                    await self.gone()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self._watchdog.send_signal(signal.SIGTERM)  # it cuts, then kills the daemon
                await self._watchdog.wait()
        if "session_file" in ended:
            self.session_file = str(ended["session_file"])
            with contextlib.suppress(OSError):
                past.remember(Path(self.session_file), self.state_dir)
        if self.panel is not None:
            await self.panel.close()
        await self._neighbours.aclose()
        if self._lock is not None:
            os.close(self._lock)
