"""The daemon: composition root of one bench, and its life from connecting to the end of the record."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from controller import tagged
from controller.config import setup
from controller.config.loading import LoadedBench, LoadedProtocol
from controller.config.problems import ConfigError, Problem
from controller.config.protocol import Protocol
from controller.daemon import describe, sleep, witness
from controller.daemon.acquire import acquire
from controller.daemon.alarms import Alarms, flowing
from controller.daemon.claim import Claim
from controller.daemon.compose import Instruments, OpenLink, connect
from controller.daemon.coolant import Chill, Coolant
from controller.daemon.course import AT_REST, Course
from controller.daemon.desk import Desk
from controller.daemon.guard import guard
from controller.daemon.hub import Hub
from controller.daemon.latch import LatchFile
from controller.daemon.prompts import Hands, no_hands
from controller.daemon.resume import Part, search
from controller.daemon.supply import Supply
from controller.daemon.switchboard import Switchboard
from controller.daemon.telemetry import Telemetry
from controller.daemon.tick import ControlLoop
from controller.daemon.ticker import Alarm, Ticker
from controller.daemon.timing import Timing
from controller.daemon.unclean import Unclean, UnderWay
from controller.records.ids import utc_now
from controller.records.session import Recorder
from safety import kernel
from safety.config import Config
from safety.types import Fault, Outputs, Quality, Sample
from safety.watchdog.client import Watchdog
from safety.watchdog.frames import Hello

log = logging.getLogger("controller.daemon")

SWEEP_TICKS = 20
"""Ticks between two collections of the youngest garbage; a full one would hold the loop for tens of milliseconds."""
OFF_PATIENCE_S = 3.0
"""How long the daemon stays to prove off once it was told to end; then the watchdog goes on asserting it alone."""

Specimen = Callable[[], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True)
class Surroundings:
    """What a daemon needs from outside: a live bench and a rehearsal differ in these values only."""

    open_link: OpenLink
    watchdog: Watchdog
    alarm: Alarm
    latch: LatchFile
    make_recorder: Callable[..., Recorder]
    specimen: Specimen
    telemetry: Telemetry
    simulated: bool = False  # copied into records and banners
    hands: Hands = no_hands
    bag: Path | None = None  # the file that remembers what is left of the saline bag
    under_way: UnderWay = field(default_factory=lambda: UnderWay(None))
    commissioned: Mapping[str, Any] | None = None  # what `ablate commission` found last, for the record's header
    claim: Claim = field(default_factory=Claim)
    clocks: Callable[[], sleep.Clocks] | None = None  # where sleep is to be seen; None: time is virtual
    utc: Callable[[], str] = utc_now
    aside: Callable[[Callable[[], Any]], Awaitable[Any]] = asyncio.to_thread  # runs what would hold the loop


class Daemon:
    """Runs one bench. ``start`` connects, ``run`` ticks until ``shutdown``, ``close`` leaves it off and recorded."""

    def __init__(self, loaded: LoadedBench, surroundings: Surroundings) -> None:
        self.bench, self.loaded, self.around = loaded.bench, loaded, surroundings
        self.protocol: Protocol | None = None
        self.hub = Hub()
        self.desk = Desk(self)
        self.recorder: Recorder
        self.control: ControlLoop
        self.instruments: Instruments
        self._loop = asyncio.get_running_loop()
        self.course = Course(self)
        self.supply = Supply(self)
        self._tasks: list[asyncio.Task[None]] = []
        self._watching: list[asyncio.Future[None]] = []  # who waits for the next tick
        self._ending, self._ending_s = False, 0.0
        self.bench_sha256 = self.config_hash = setup.config_hash(loaded)
        self.files: dict[Path, str] = {loaded.path: loaded.path.read_text()}
        self._chill: Chill | None = None
        self._ticker: Ticker
        self.times = Timing(self.hub.polls)
        self.alarms: Alarms
        self.unready: list[str] = []
        self._sleep = sleep.Sleep(surroundings.clocks)

    # ---- life

    async def start(self) -> None:
        """Connect the devices, begin the record, hand the plans to the watchdog, start acquiring.

        Raises:
            DeviceError, ConfigError, RecordError, WatchdogError: with a sentence and a remedy; nothing was energised.
        """
        around = self.around
        self.instruments = await connect(self.loaded, around.open_link)
        around.claim.on_lost = lambda text: self._loop.call_soon_threadsafe(self._note_claim, text)
        await around.claim.take()  # after the drivers were imported, which takes the processor for long
        period_s = 1.0 / self.bench.tick_hz
        declarations = self.instruments.declarations()
        try:
            layers = tuple((layer.name, layer.limits) for layer in self.loaded.layers)
            config = guard(self.bench, None, declarations, layers, self.config_hash)
        except ValueError as error:
            raise ConfigError([Problem(str(self.loaded.path), 0, "", str(error))]) from error
        head, channels = describe.header(
            self.bench, self.files[self.loaded.path], self.instruments, around.simulated, self.config_hash
        )
        head["kernel"] = tagged.plain(config)
        head["commissioning"], head["loop"] = around.commissioned, around.claim.as_dict()
        channels += [{"name": channel} for channel in witness.CHANNELS]
        self.recorder = around.make_recorder(header=head, channels=channels, t_s=self._loop.time())
        around.claim.share()  # the record's thread and VISA's; what comes later (MQTT) can wait
        source = self.instruments.source
        modality = declarations[source.name].modality or "rf"
        self.alarms = Alarms(describe.hazards(), modality, self.bench.roles.tissue)
        plans = tuple((plan, port.fileno()) for plan, port in self.instruments.ways_off)
        line, line_plan = self.instruments.enable, self.instruments.enable_plan
        enable = (line_plan, line.port.fileno()) if line is not None and line_plan is not None else None
        chiller, switch = self.instruments.chiller, self.instruments.switch
        # A circulator answers slowly and is asked in seconds; where its bath matters the age of its samples tells.
        progress = tuple(name for name, driver in self.instruments.acquired.items() if driver is not chiller)
        budgets = tuple((name, 1.0) for name in progress)
        await around.watchdog.hello(Hello(plans, enable, period_s, budgets))
        if line is not None:
            await line.port.close()  # the watchdog holds a duplicate; from here on it alone speaks to the enable line
        latch, resets = around.latch.read(self._loop.time())
        unclean: Unclean | None = await around.aside(around.under_way.left)
        if unclean is not None:
            latch = unclean.latched(latch, self._loop.time())
            around.latch.follow((latch,), resets)  # on the disk before the session that it tells of is forgotten
        await around.aside(partial(around.under_way.begins, self.recorder.path))
        self.control = ControlLoop(
            config,
            kernel.initial(config, latch, resets),
            hub=self.hub,
            source=source,
            watchdog=around.watchdog,
            recorder=self.recorder,
            begin=self.course.begin,
            progress_of=progress,
            config_hash=lambda: self.config_hash,
            switchboard=Switchboard(switch, source.name, self.hub, self._note_electrodes) if switch else None,
        )
        pump = self.instruments.pump
        self.supply.pump = Coolant(pump) if pump is not None else None
        self._chill = Chill(chiller) if chiller is not None else None
        followers = {id(pump): self.supply.pump, id(chiller): self._chill}
        for name, driver in self.instruments.acquired.items():
            follower = followers.get(id(driver))
            before = follower.follow if follower is not None else None
            period = min(spec.period_s for spec in driver.declaration().channels)
            self._tasks.append(
                self._loop.create_task(acquire(driver, self.hub, period, before), name=f"acquire {name}")
            )
        around.telemetry.attach(
            self.recorder,
            self.desk.stop_from_network,
            {key: head[key] for key in ("software", "devices", "bench_sha256")},
        )
        start = {"latch": latch.as_dict() if latch else None, "unclean": unclean._asdict() if unclean else None}
        self.recorder.event(self._loop.time(), "start", start)
        gc.collect()
        gc.freeze()  # what exists now stays; collections look only at what a tick leaves behind
        gc.disable()
        self._ticker = Ticker(period_s, around.alarm, self._loop)
        self.times.ticker = self._ticker

    async def run(self) -> None:
        """Tick until told to end; an exception on the way turns everything off first."""
        try:
            took = self.times.tick
            while not (self._ending and self._at_rest()):
                now_s = await self._ticker.next()
                if slept_s := self._sleep.look():
                    self._note_sleep(slept_s, now_s)
                out = await self.control.tick(now_s)
                took.add(self._loop.time() - now_s)
                self._after(out, now_s)
        except BaseException as error:
            self.control.send_off()
            self.recorder.event(self._loop.time(), "crash", {"error": f"{type(error).__name__}: {error}"})
            raise

    async def close(self) -> None:
        """Off has been proven or given to the watchdog; stop acquiring, end the record, release the ports."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if hasattr(self, "control"):
            await self.control.close()
            with contextlib.suppress(OSError):
                await self.around.watchdog.bye()
            self._ticker.close()
        if hasattr(self, "recorder"):
            await self.course.close()
            await self.supply.close()
            self.desk.refusals.flush()
            self.recorder.event(self._loop.time(), "end", self.times.record())
            result = self.course.result or self.course.summary()
            summary = {key: value for key, value in result.items() if key != "session_file"}
            self.recorder.finish(summary)
            await self.around.telemetry.detach()
            self.recorder.close(summary)
            self.around.under_way.ends()
        self.around.watchdog.close()
        if hasattr(self, "instruments"):
            await self.instruments.close()
        gc.enable()
        gc.unfreeze()

    def _at_rest(self) -> bool:
        out, now_s = self.control.outputs, self._loop.time()
        if out is None or out.state not in AT_REST or not self.course.concluded:
            return False
        if out.command_off and now_s <= self._ending_s + OFF_PATIENCE_S:
            return False
        return self.supply.at_rest(cooling="cool" in out.blocked_by and out.pump_on, now_s=now_s)

    def _note_electrodes(self, data: dict[str, object]) -> None:
        self.recorder.event(self._loop.time(), "electrodes", data)

    def _note_sleep(self, slept_s: float, now_s: float) -> None:
        log.warning("this computer slept for %.1f s", slept_s)
        self.recorder.event(now_s, "slept", {"for_s": slept_s})
        if (fault := sleep.fault(slept_s, self.control.state.state, now_s)) is not None:
            self.hub.fault(fault)

    def _note_claim(self, text: str) -> None:
        log.warning("%s", text)
        self.recorder.event(self._loop.time(), "loop", {**self.around.claim.as_dict(), "text": text})

    def _after(self, out: Outputs, now_s: float) -> None:
        """What follows a tick without touching energy: coolant, latch, account, waiting people."""
        self.supply.follow(self.protocol, self.hub.latest, out.pump_on, now_s)
        status = self.around.watchdog.status
        if self.instruments.enable is not None and status is not None and status.enable_closed is not None:
            channel = f"{self.bench.roles.enable}.closed_on"
            sample = Sample(channel, float(status.enable_closed), status.t_s, Quality.GOOD)
            self.hub.put(str(self.bench.roles.enable), (sample,))
        if self._chill is not None:
            self.hub.put(str(self.bench.roles.chiller), self._chill.signs(now_s))
        trips = self.control.state.trips
        self.around.latch.follow(trips, self.control.state.resets)
        powered = flowing(self.hub.latest, self.bench.roles.source, self.control.applied_w)
        low, late = self.supply.bag is not None and self.supply.bag.low, self._ticker.late_ticks
        seen = self.hub.latest
        listed = self.alarms.follow(out, trips, now_s, powered=powered, late_ticks=late, bag_low=low, snapshot=seen)
        if listed is not None:
            self.recorder.event(now_s, "alarms", {"list": listed})
        self.desk.refusals.heard(out.events)
        for kind, data in out.events:
            why = data.get("texts") or data.get("blocked_by") if kind == "precheck_failed" else None
            if isinstance(why, list):
                trouble = self._chill.trouble if self._chill is not None else ""
                self.unready = [str(text) for text in (*why, trouble) if text]
        prompt = self.course.prompts.open
        self.around.telemetry.follow(out, prompt.as_dict() if prompt is not None else None)
        if out.state in AT_REST:
            self.control.acts.lease_s = None
        self.course.follow(out, now_s)
        if self._ticker.ticks % SWEEP_TICKS == 0:
            gc.collect(1)
        watching, self._watching = self._watching, []
        for ticked in watching:
            if not ticked.done():
                ticked.set_result(None)

    async def judged(self) -> None:
        """Wait until a tick has seen what was asked: the one under way may have begun before it."""
        for _ in range(2):
            ticked = self._loop.create_future()  # of its own: half the cost of a common one behind a shield
            self._watching.append(ticked)
            await ticked

    def take(self, protocol: LoadedProtocol, config: Config, config_hash: str) -> None:
        """From here on the kernel guards ``protocol``; only in SAFE."""
        self.protocol, self.config_hash, self.unready = protocol.protocol, config_hash, []
        self.files = {self.loaded.path: self.files[self.loaded.path], protocol.path: protocol.document.text}
        if (module := self.course.law_file) is not None:
            self.files[module] = module.read_text(errors="replace")
        if self._chill is not None:
            cooling = protocol.protocol.cooling
            self._chill.wish_c = cooling.coolant_c if cooling is not None else None
        self.control.load(config)

    async def unfinished(self, protocol: str, sha256: str, target: str | None, however_old: bool) -> Part:
        """The application that ``prepare`` is to continue.

        Raises:
            ValueError: there is none, or it is not to be continued; says why.
        """
        found = self.course.newest(protocol, target)
        if found is None:
            path, name = self.recorder.path, self.bench.bench
            look = partial(search, path.parents[3], name, protocol, target, besides=path, utc=self.around.utc())
            found = await self.around.aside(look)
        if found is None:
            where = f" on target {target}" if target is not None else ""
            raise ValueError(f"nothing to resume: no earlier application of {protocol}{where} on this bench")
        return found.part(sha256=sha256, bench_sha256=self.bench_sha256, however_old=however_old)

    def end(self) -> None:
        """Leave, once off has been proven."""
        self.course.hurry()
        self.course.prompts.withdraw("the daemon ends")
        if not self._ending:
            self._ending, self._ending_s = True, self._loop.time()

    def timing(self) -> dict[str, Any]:
        """How punctual it is."""
        return self.times.as_dict(self._loop.time())

    def counts(self) -> dict[str, Any]:
        """What the result of an application tells of the daemon itself."""
        timing = self.timing()
        return {
            "ticks": timing["ticks"],
            "late_ticks": timing["late_ticks"],
            "seed": (self.bench.simulation or {}).get("seed"),
            "simulated": self.around.simulated,
        }

    def hurt(self, text: str) -> None:
        """The watchdog is gone: a fault like any other."""
        check = "whether the watchdog process was killed; the daemon must be restarted"
        self.hub.fault(Fault("H27", "watchdog", "watchdog", text, check, self._loop.time()))
