"""``python -m controller.daemon BENCH …``: the daemon of a live bench, started by the watchdog, which is its parent.

Exit codes are the command line's (0 done, 3 configuration, 4 device). What stopped a start is one readable text in
``<runtime dir>/daemon.error``, because this process has no terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path

from controller.commissioning.note import noted
from controller.config.loading import LoadedBench, load_bench
from controller.config.problems import ConfigError
from controller.daemon import logs
from controller.daemon.app import Daemon, Surroundings
from controller.daemon.claim import Claim
from controller.daemon.control import ControlSocket
from controller.daemon.fast_loop import NOT_INSTALLED, LoopFactory, loop_factory
from controller.daemon.latch import LatchFile
from controller.daemon.sleep import live_clocks
from controller.daemon.telemetry import telemetry_of
from controller.daemon.ticker import live_alarm
from controller.daemon.unclean import UnderWay
from controller.providers import Providers
from controller.records.session import Recorder
from controller.records.store import RecordError
from drivers.contract import DeviceError
from drivers.transport.base import Link, SerialSettings
from drivers.transport.open import open_link
from safety.watchdog.client import WatchdogClient, WatchdogError

log = logging.getLogger("controller.daemon")

SWITCH_S = 0.0005
"""How long another thread of this process (record, MQTT) may go on computing when the control loop's turn has come;
Python's own 5 ms are a tenth of a tick, and may come several times in one."""


async def serve(args: argparse.Namespace, loaded: LoadedBench, claim: Claim) -> int:
    """Run the daemon until it is told to end."""
    loop = asyncio.get_running_loop()
    bench, runtime_dir = loaded.bench, str(args.runtime_dir)
    providers = Providers(bench.ports())
    watchdog = WatchdogClient.from_environment(lambda text: daemon.hurt(text))

    async def open_port(url: str, baud: int, settings: SerialSettings) -> tuple[Link, str]:
        resolved = providers.resolve(url, runtime_dir)
        return await open_link(resolved, baud, settings=settings), resolved

    daemon = Daemon(
        loaded,
        Surroundings(
            open_link=open_port,
            watchdog=watchdog,
            alarm=live_alarm(loop),
            latch=LatchFile(args.state_dir / "latch.json", bench.bench),
            make_recorder=partial(Recorder.create, args.out or bench.records.folder),
            specimen=partial(providers.specimen, runtime_dir),
            telemetry=telemetry_of(bench, providers.simulated),
            simulated=providers.simulated,
            hands=partial(providers.hands, runtime_dir),
            bag=args.state_dir / "bag.json",
            under_way=UnderWay(args.state_dir / "session.txt"),
            commissioned=noted(bench.bench, args.state_dir),
            claim=claim,
            clocks=live_clocks,
        ),
    )
    control = ControlSocket(daemon.desk, args.runtime_dir / "control.sock", daemon.desk.refusals.tell)
    try:
        await daemon.start()
        await control.start()
        _end_with_the_launcher(daemon, loop)
        await daemon.run()
    finally:
        await control.close()
        await daemon.close()
    return 0


def _end_with_the_launcher(daemon: Daemon, loop: asyncio.AbstractEventLoop) -> None:
    """SIGTERM and the end of standard input (the launcher has died) mean: stop, prove off, leave."""
    tasks: set[asyncio.Task[object]] = set()

    def end(why: str) -> None:
        task: asyncio.Task[object] = loop.create_task(daemon.desk.shutdown(why))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def listen() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            end("the launcher has gone")

    loop.add_signal_handler(signal.SIGTERM, end, "SIGTERM")
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError, ValueError):  # a file or /dev/null has no end to wait for
        loop.add_reader(0, listen)


def _claimed(loaded: LoadedBench) -> tuple[LoopFactory | None, Claim]:
    """The event loop that the bench file asks for (None: asyncio's own), and what else it claims."""
    wish = loaded.bench.loop
    if not wish.uvloop:
        return None, Claim(realtime=wish.realtime)
    try:
        return loop_factory(), Claim(realtime=wish.realtime, event_loop="uvloop")
    except ImportError:
        return None, Claim(realtime=wish.realtime, refused=(NOT_INSTALLED,))


def main() -> int:
    """Parse, run, and leave a readable reason when the start fails."""
    parser = argparse.ArgumentParser(prog="python -m controller.daemon")
    parser.add_argument("bench", type=Path)
    parser.add_argument("--runtime-dir", type=Path, required=True)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    logs.begin()
    sys.setswitchinterval(SWITCH_S)
    try:
        loaded = load_bench(args.bench).fixed()  # a daemon lives with one applicator
        made, claim = _claimed(loaded)
        with asyncio.Runner(loop_factory=made) as runner:
            return runner.run(serve(args, loaded, claim))
    except (ConfigError, DeviceError, RecordError, WatchdogError) as error:
        log.error("%s", error)
        (args.runtime_dir / "daemon.error").write_text(f"{error}\n")
        return 3 if isinstance(error, ConfigError) else 4
    except Exception as error:
        log.exception("the daemon died")
        (args.runtime_dir / "daemon.error").write_text(
            f"{type(error).__name__}: {error}; see {args.runtime_dir}/daemon.log\n"
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())
