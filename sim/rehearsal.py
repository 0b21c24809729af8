"""The whole stack in one process on virtual time: daemon, watchdog rules and devices; same code, same bytes, one seed
one result.
"""

from __future__ import annotations

import asyncio
import math
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from controller.config.problems import ConfigError, Problem
from controller.config.setup import Setup
from controller.daemon.app import Daemon, Surroundings
from controller.daemon.latch import LatchFile
from controller.daemon.telemetry import Silence
from controller.daemon.ticker import LoopAlarm
from controller.records.ids import seeded_id
from controller.records.session import Recorder
from controller.treatment.loading import PlanSetup
from controller.treatment.runner import Act, Earlier, act_of, with_plan
from drivers.contract import DeviceError
from drivers.transport.base import Link, SerialSettings
from safety.types import Fault, Trip
from safety.watchdog.client import InProcessWatchdog
from sim.bench import SimBench
from sim.clock import VirtualLoop
from sim.power_log import PowerLog

Watch = Callable[[dict[str, Any]], None]
UTC_ZERO = "2000-01-01T00:00:00.000Z"
"""The wall clock of a rehearsal: no date of its own, so that its record depends on the seed alone."""


class Rehearsal:
    """A protocol or a plan on the bench of ``setup``, against emulated devices in memory. Make and use it inside a
    :class:`~sim.clock.VirtualLoop`.
    """

    def __init__(
        self,
        setup: Setup | PlanSetup,
        *,
        seed: int | None,
        faults: Sequence[str],
        out: Path,
        drawn: Mapping[str, Any] | None = None,
    ) -> None:
        bench = setup.bench.bench
        for name, device in bench.devices.items():
            for url in device.ports().values():
                if not url.startswith("sim://"):
                    remedy = "virtual time is for simulated benches; use --speed 1 for real ports"
                    raise DeviceError(name, f"port {url} is no sim:// port", remedy)
        loop = asyncio.get_running_loop()
        self._setup = setup
        self.seed = seed if seed is not None else int((bench.simulation or {}).get("seed", 1))
        self.power = PowerLog()
        plain = bench.model_dump(mode="json")
        plain["simulation"] = {**(plain["simulation"] or {}), **(drawn or {})}
        try:
            self.sim = SimBench(plain, seed=self.seed, faults=faults, on_power=self.power.put)
        except ValueError as error:
            raise ConfigError([Problem(str(setup.bench.path), 0, "", str(error))]) from error
        self.sim.start(loop)
        watchdog = InProcessWatchdog(
            write_off=self._write_off,
            write_enable=self._write_enable,
            on_cut=self._cut,
            lease_s=bench.lease_s,
        )
        self._watchdog = watchdog
        self._links: dict[str, Link] = {}
        self._enable: Link | None = None
        self.daemon = Daemon(
            setup.bench,
            Surroundings(
                open_link=self._open,
                watchdog=watchdog,
                alarm=LoopAlarm(loop),
                latch=LatchFile(None, bench.bench),
                make_recorder=partial(
                    Recorder.create,
                    out,
                    utc=lambda: UTC_ZERO,
                    threaded=False,
                    new_id=partial(seeded_id, self.seed, UTC_ZERO),
                ),
                specimen=self._specimen,
                hands=self._hands,
                utc=lambda: UTC_ZERO,
                aside=_inline,
                telemetry=Silence(),
                simulated=True,
            ),
        )

    async def _open(self, url: str, baud: int, _: SerialSettings) -> tuple[Link, str]:
        return self.sim.open_link(url, baud), url

    def _write_off(self, device: str, data: bytes) -> None:
        if device not in self._links:
            plans = self.daemon.instruments.source.safe_off_plans()
            self._links[device] = self.sim.open_link(next(port.url for plan, port in plans if plan.device == device))
            self._links[device].start(lambda _: None, lambda _: None)
        self._links[device].write(data)

    def _write_enable(self, data: bytes) -> None:
        name = self._setup.bench.bench.roles.enable
        assert name is not None
        try:
            if self._enable is None:
                self._enable = self.sim.open_link(self._setup.bench.bench.devices[name].port)
                self._enable.start(self._watchdog.feed_enable, lambda _: None)
            self._enable.write(data)
        except OSError:
            self._enable = None  # a cable that was pulled: opened anew for the next bytes, as the process does

    def _cut(self, trip: Trip) -> None:
        """A live daemon would be dead now; here it is told, so that its record can say why."""
        self.daemon.hub.fault(
            Fault(trip.hazard, trip.monitor, trip.device, trip.text, trip.check, trip.t_s, lockout=True)
        )

    async def _hands(self, kind: str, value: float | None) -> None:
        self.sim.hand(kind, value)

    async def _operator(self, prompt: dict[str, Any]) -> float | None:
        """Does what is asked, in the time that hands need, while he is there."""
        loop, options = asyncio.get_running_loop(), self.sim.world.options  # type: ignore[attr-defined]
        await asyncio.sleep(options.operator_s)
        if loop.time() - self.sim.t0_s >= options.operator_leaves_s:
            await loop.create_future()  # for ever
        return None

    async def _specimen(self) -> dict[str, Any] | None:
        told = self.sim.snapshot()
        return {"zone": told["zone"], "picture": told["picture"]}

    async def run(self, act: Act, watch: Watch, interrupted: Callable[[], bool]) -> dict[str, Any]:
        """``act``, from connecting the devices to the closed session file; return the result object."""
        daemon = self.daemon
        loop = asyncio.get_running_loop()
        ticking: asyncio.Task[None] | None = None
        try:
            await daemon.start()
            ticking = loop.create_task(daemon.run(), name="daemon")
            acting = loop.create_task(
                act(daemon.desk, watch=watch, answer=self._operator, interrupted=interrupted), name="operator"
            )
            await asyncio.wait({ticking, acting}, return_when=asyncio.FIRST_COMPLETED)
            if not acting.done():
                acting.cancel()
                await ticking
            status = await acting
            await daemon.desk.shutdown("rehearsal")
            await ticking
            return self._judged(status)
        finally:
            if ticking is not None:
                ticking.cancel()
                await asyncio.gather(ticking, return_exceptions=True)
            await daemon.close()
            self.sim.stop()

    def _judged(self, status: dict[str, Any]) -> dict[str, Any]:
        """The daemon's result, with what only the tissue knows in place of what the daemon believes."""
        result = dict(status.get("result") or {"result": "aborted", "trip": status.get("trip")})
        result["seed"] = self.seed
        onset_s = self.sim.first_onset_s
        if onset_s is not None:
            t0_s = self.sim.t0_s
            result["fault_onset_s"] = onset_s
            result["energy_after_fault_j"] = round(self.power.energy_j(t0_s + onset_s), 6)
            off_s = self.power.off_since_s()
            result["time_to_off_s"] = round(off_s - t0_s - onset_s, 6) if off_s is not None else None
        result["state_at_end"] = status["state"]
        result["power_at_end_w"] = self.power.now_w()
        result["energy_delivered_j"] = round(self.power.energy_j(-math.inf), 6)
        return result


async def _inline(work: Callable[[], Any]) -> Any:
    """What a live daemon gives to a thread."""
    return work()


def run_virtual(
    setup: Setup | PlanSetup,
    *,
    speed: float,
    out: Path | None,
    watch: Watch,
    interrupted: Callable[[], bool],
    loop: Callable[[Coroutine[Any, Any, int], Callable[[int], None]], int] | None = None,
    signals: list[int] | None = None,
    before: Earlier | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """The runner behind ``ablate run --speed X|max`` (entry point ``openablate.runners``: virtual)."""
    return rehearse(
        setup, speed=speed, out=out, watch=watch, interrupted=interrupted, signals=signals, before=before, resume=resume
    )


def rehearse(
    setup: Setup | PlanSetup,
    *,
    seed: int | None = None,
    faults: Sequence[str] = (),
    speed: float = math.inf,
    out: Path | None = None,
    watch: Watch = lambda status: None,
    interrupted: Callable[[], bool] = lambda: False,
    signals: list[int] | None = None,
    drawn: Mapping[str, Any] | None = None,
    before: Earlier | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """Rehearse ``setup``; return the JSON object of ``ablate rehearse --json``.

    Args:
        seed: of the world's noise; None: the bench file's.
        faults: specifications ``device.fault[=value][@onset_s][+duration_s]``, onset from the start of the bench.
        speed: virtual seconds per real second at most.
        out: folder for the session file; None: the bench file's records folder.
        drawn: keys of ``simulation:`` that need not be plain data (``sim.world.scenario.Scenario.simulation``).
        before: of a plan: what earlier sessions did of it.
        resume: of a protocol: continue its newest application, which must be unfinished.

    Raises:
        DeviceError, ConfigError, NotReady: as the live command would.
    """
    import signal

    folder = Path(out) if out is not None else Path(setup.bench.bench.records.folder)

    async def main() -> dict[str, Any]:
        running = asyncio.get_running_loop()
        if signals is not None:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                running.add_signal_handler(number, signals.append, number)
        rehearsal = Rehearsal(setup, seed=seed, faults=faults, out=folder, drawn=drawn)
        return await rehearsal.run(act_of(setup, before=before, resume=resume), watch, interrupted)

    with asyncio.Runner(loop_factory=lambda: VirtualLoop(speed)) as runner:
        result = runner.run(main())
    return with_plan(result) if isinstance(setup, PlanSetup) else result


def kept(folder: Path) -> tuple[Path, Callable[[], None]]:
    """A folder that stays."""
    return folder, lambda: None


def scratch() -> tuple[Path, Callable[[], None]]:
    """A folder for a record that nobody keeps, and what removes it."""
    folder = Path(tempfile.mkdtemp(prefix="ablate-rehearsal-"))
    return folder, lambda: shutil.rmtree(folder, ignore_errors=True)
