"""The daemon: composition root of one bench, and the ``Operator`` that people talk to (controller.daemon.control)."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.config import setup
from controller.config.loading import LoadedBench, load_protocol
from controller.config.problems import ConfigError, Problem
from controller.config.protocol import Protocol
from controller.daemon import describe
from controller.daemon.account import Account
from controller.daemon.acquire import acquire
from controller.daemon.application import Application
from controller.daemon.compose import Instruments, OpenLink, connect
from controller.daemon.coolant import Coolant
from controller.daemon.guard import guard
from controller.daemon.hub import Hub
from controller.daemon.latch import LatchFile
from controller.daemon.telemetry import Telemetry
from controller.daemon.tick import ControlLoop
from controller.daemon.ticker import Alarm, Ticker
from controller.providers import BANNERS
from controller.records.session import Recorder
from safety import kernel
from safety.types import Fault, Origin, Outputs, Quality, Request, Sample, State, Verb
from safety.watchdog.client import Watchdog
from safety.watchdog.frames import Hello

log = logging.getLogger(__name__)

SWEEP_TICKS = 20
"""Ticks between two collections of the youngest garbage; a full one would hold the loop for tens of milliseconds."""
OFF_PATIENCE_S = 3.0
"""How long the daemon stays to prove off once it was told to end; then the watchdog goes on asserting it alone."""
AT_REST = frozenset({State.SAFE, State.TRIPPED, State.LOCKOUT})

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


class Daemon:
    """Runs one bench. ``start`` connects, ``run`` ticks until ``shutdown``, ``close`` leaves it off and recorded."""

    def __init__(self, loaded: LoadedBench, surroundings: Surroundings) -> None:
        self.bench, self._loaded, self._around = loaded.bench, loaded, surroundings
        self.protocol: Protocol | None = None
        self.hub = Hub()
        self.recorder: Recorder
        self.control: ControlLoop
        self.instruments: Instruments
        self.result: dict[str, Any] | None = None
        self._loop = asyncio.get_running_loop()
        self._account = Account()
        self._tasks: list[asyncio.Task[None]] = []
        self._ticked: asyncio.Future[None] = self._loop.create_future()
        self._ending, self._ending_s = False, 0.0
        self._hash = setup.config_hash(loaded)
        self._files: dict[Path, str] = {loaded.path: loaded.path.read_text()}
        self._coolant: Coolant | None = None
        self._ticker: Ticker
        self._latched_now = False
        self._conclusion: asyncio.Task[None] | None = None
        self._unready: list[str] = []

    # ---- life

    async def start(self) -> None:
        """Connect the devices, begin the record, hand the plans to the watchdog, start acquiring.

        Raises:
            DeviceError, ConfigError, RecordError, WatchdogError: with a sentence and a remedy; nothing was energised.
        """
        around = self._around
        self.instruments = await connect(self._loaded, around.open_link)
        period_s = 1.0 / self.bench.tick_hz
        declarations = self.instruments.declarations()
        try:
            layers = tuple((layer.name, layer.limits) for layer in self._loaded.layers)
            config = guard(self.bench, None, declarations, layers, self._hash)
        except ValueError as error:
            raise ConfigError([Problem(str(self._loaded.path), 0, "", str(error))]) from error
        head, channels = describe.header(
            self.bench, self._files[self._loaded.path], self.instruments, around.simulated, self._hash
        )
        self.recorder = around.make_recorder(header=head, channels=channels, t_s=self._loop.time())
        source = self.instruments.source
        plan = source.safe_off_plan()
        plans = ((plan, source.port.fileno()),) if plan is not None else ()
        line = self.instruments.enable
        enable = (line.enable_plan(), line.port.fileno()) if line is not None else None
        progress = tuple(self.instruments.acquired)
        budgets = tuple((name, 1.0) for name in progress)
        await around.watchdog.hello(Hello(plans, enable, period_s, budgets))
        if line is not None:
            await line.port.close()  # the watchdog holds a duplicate; from here on it alone speaks to the enable line
        latch = around.latch.read()
        self.control = ControlLoop(
            config,
            kernel.initial(config, latch),
            hub=self.hub,
            source=source,
            watchdog=around.watchdog,
            recorder=self.recorder,
            begin=self._begin,
            progress_of=progress,
            config_hash=lambda: self._hash,
        )
        pump = self.instruments.pump
        self._coolant = Coolant(pump) if pump is not None else None
        for name, driver in self.instruments.acquired.items():
            before = self._coolant.follow if self._coolant is not None and driver is pump else None
            period = min(spec.period_s for spec in driver.declaration().channels)
            self._tasks.append(
                self._loop.create_task(acquire(driver, self.hub, period, before), name=f"acquire {name}")
            )
        around.telemetry.attach(
            self.recorder, self, {key: head[key] for key in ("software", "devices", "bench_sha256")}
        )
        self.recorder.event(
            self._loop.time(), "start", {"latch": latch.as_dict() if latch else None}
        )
        gc.collect()
        gc.freeze()  # what exists now stays; collections look only at what a tick leaves behind
        gc.disable()
        self._ticker = Ticker(period_s, around.alarm, self._loop)

    async def run(self) -> None:
        """Tick until told to end; an exception on the way turns everything off first."""
        try:
            while not (self._ending and self._at_rest()):
                now_s = await self._ticker.next()
                out = await self.control.tick(now_s)
                self._after(out, now_s)
        except BaseException as error:
            self.control.send_off()
            self.recorder.event(self._loop.time(), "crash", {"error": f"{type(error).__name__}: {error}"})
            raise

    async def close(self) -> None:
        """Off has been proven or given to the watchdog; stop acquiring, end the record, release the ports."""
        tasks = [*self._tasks, self._conclusion] if self._conclusion is not None else self._tasks
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if hasattr(self, "control"):
            await self.control.close()
            with contextlib.suppress(OSError):
                await self._around.watchdog.bye()
            self._ticker.close()
        if hasattr(self, "recorder"):
            self.recorder.event(self._loop.time(), "end", self._timing())
            summary = {key: value for key, value in (self.result or self._result()).items() if key != "session_file"}
            self.recorder.finish(summary)
            await self._around.telemetry.detach()
            self.recorder.close(summary)
        self._around.watchdog.close()
        if hasattr(self, "instruments"):
            await self.instruments.close()
        gc.enable()
        gc.unfreeze()

    def _at_rest(self) -> bool:
        out = self.control.outputs
        concluded = self._account.ended_s is None or self.result is not None
        if out is None or out.state not in AT_REST or not concluded:
            return False
        return not out.command_off or self._loop.time() > self._ending_s + OFF_PATIENCE_S

    def _begin(self, now_s: float) -> Application:
        assert self.protocol is not None  # FIRING is only reached through prepare
        self._account, self._conclusion, self.result = Account(fired_s=now_s), None, None
        return Application(self.protocol, self.bench.roles, now_s)

    def _after(self, out: Outputs, now_s: float) -> None:
        """What follows a tick without touching energy: coolant, latch, account, waiting people."""
        if self._coolant is not None:
            cooling = self.protocol.cooling if self.protocol is not None else None
            self._coolant.wish_ml_min = cooling.flow_ml_min if out.pump_on and cooling is not None else 0.0
        status = self._around.watchdog.status
        if self.instruments.enable is not None and status is not None and status.enable_closed is not None:
            channel = f"{self.bench.roles.enable}.closed_on"
            sample = Sample(channel, float(status.enable_closed), status.t_s, Quality.GOOD)
            self.hub.put(str(self.bench.roles.enable), (sample,))
        if out.first_trip is not None and not self._latched_now:
            self._latched_now = True
            try:
                self._around.latch.write(out.first_trip)
            except OSError as error:
                log.error("the latch could not be written: %s", error)
        elif out.first_trip is None and self._latched_now:
            self._latched_now = False
            self._around.latch.clear()
        for kind, data in out.events:
            why = data.get("texts") or data.get("blocked_by") if kind == "precheck_failed" else None
            if isinstance(why, list):
                self._unready = [str(text) for text in why]
        self._around.telemetry.follow(out)
        if out.state in AT_REST:
            self.control.acts.lease_s = None
        self._account.follow(out, self.hub.latest, self.bench.roles.source, now_s)
        if self._account.ended_s is not None and self._conclusion is None and out.state in AT_REST:
            self._conclusion = self._loop.create_task(self._conclude(), name="conclude")
        if self._ticker.ticks % SWEEP_TICKS == 0:
            gc.collect(1)
        ticked, self._ticked = self._ticked, self._loop.create_future()
        if not ticked.done():
            ticked.set_result(None)

    # ---- what people ask (controller.daemon.control.Operator)

    def _post(self, verb: Verb, who: str, *, origin: Origin = Origin.LOCAL, reason: str = "") -> None:
        self.control.acts.requests.append(Request(verb, origin, self._loop.time(), who, reason))

    async def _judged(self) -> None:
        """Wait until a tick has seen what was asked: the one under way may have begun before it."""
        for _ in range(2):
            await asyncio.shield(self._ticked)

    async def _ask(
        self, verb: Verb, who: str, wanted: set[State], origin: Origin = Origin.LOCAL, reason: str = ""
    ) -> dict[str, Any]:
        before = self.control.outputs
        if before is None or before.state in wanted:
            already = before.state.value if before is not None else "starting"
            return {"ok": False, "error": f"{verb.value} refused: already {already}"}
        self._post(verb, who, origin=origin, reason=reason)
        await self._judged()
        out = self.control.outputs
        assert out is not None
        if out.state in wanted:
            return {"ok": True, "state": out.state.value}
        return {"ok": False, "error": f"{verb.value} refused in {out.state.value}", "blocked_by": list(out.blocked_by)}

    async def prepare(self, protocol: str, who: str) -> dict[str, Any]:
        """Load ``protocol``, check it against the bench, and begin PRECHECK."""
        out = self.control.outputs
        if out is None or out.state is not State.SAFE:
            return {"ok": False, "error": f"prepare needs SAFE, not {out.state.value if out else 'BOOT'}"}
        try:
            joined = setup.combine(self._loaded, load_protocol(protocol))
            loaded = joined.protocol
            declarations = self.instruments.declarations()
            config = guard(self.bench, loaded.protocol, declarations, joined.kernel_layers, joined.config_hash)
        except (ConfigError, ValueError) as error:
            return {"ok": False, "error": str(error), "blocked_by": str(error).splitlines(), "configuration": True}
        self.protocol, self._hash, self.result, self._unready = loaded.protocol, joined.config_hash, None, []
        self._files = {self._loaded.path: self._files[self._loaded.path], loaded.path: loaded.path.read_text()}
        self.control.load(config)
        self.recorder.event(
            self._loop.time(),
            "protocol",
            {
                "name": loaded.protocol.protocol,
                "text": self._files[loaded.path],
                "sha256": joined.config_hash,
                "limits": {name: {"value": bound.value, "layer": bound.layer} for name, bound in config.limits.items()},
                "law": loaded.protocol.law.model_dump(),
                "who": who,
            },
        )
        return await self._ask(Verb.PREPARE, who, {State.PRECHECK, State.READY})

    async def arm(self, who: str) -> dict[str, Any]:
        """First act. Files that were edited since they were checked are refused (H34)."""
        for path, text in self._files.items():
            if not path.is_file() or path.read_text() != text:
                why = f"{path} was edited after it was checked"
                return {"ok": False, "error": why, "blocked_by": [f"{why}; check it, then prepare again"]}
        return await self._ask(Verb.ARM, who, {State.ARMED})

    async def fire(self, who: str) -> dict[str, Any]:
        """Second act. The caller's hold begins here; it lasts as long as it is renewed."""
        if self.control.acts.lease_s is not None:
            return {"ok": False, "error": "another foreground holds the application"}
        self.control.acts.lease_s = self._loop.time()
        answer = await self._ask(Verb.FIRE, who, {State.FIRING}, Origin.FOREGROUND)
        if not answer["ok"]:
            self.control.acts.lease_s = None
        return answer

    async def renew(self) -> dict[str, Any]:
        """Go on holding. A hold that has ended is not brought back: the next application begins with its own FIRE."""
        if self.control.acts.lease_s is not None:
            """Hold on. Before ARM and after the end there is nothing to hold."""
        state = self.control.state.state
        if state in (State.ARMED, State.FIRING):
            self.control.acts.lease_s = self._loop.time()
        return {"ok": True, "state": state.value}

    async def release(self) -> dict[str, Any]:
        self.control.acts.lease_s = None
        return {"ok": True}

    async def stop(self, who: str, reason: str, origin: Origin = Origin.LOCAL) -> dict[str, Any]:
        self._post(Verb.STOP, who, origin=origin, reason=reason)
        self._account.stop_asked(reason or "stop")
        await self._judged()
        return {"ok": True}

    def stop_from_network(self, who: str, reason: str) -> None:
        """STOP as it comes from the broker; the only verb there is."""
        self._post(Verb.STOP, who, origin=Origin.NETWORK, reason=reason)
        self._account.stop_asked(reason or "stop from the network")

    async def ack(self, who: str) -> dict[str, Any]:
        self._post(Verb.ACK, who)
        await self._judged()
        return {"ok": True}

    async def reset(self, who: str, reason: str) -> dict[str, Any]:
        if not reason:
            return {"ok": False, "error": "a reset needs a reason; it is kept in the record"}
        return await self._ask(Verb.RESET, who, {State.SAFE}, reason=reason)

    async def shutdown(self, who: str) -> dict[str, Any]:
        """End: stop if need be, wait until off is proven, and leave."""
        self._post(Verb.STOP, who, reason="shutdown")
        await self._judged()
        if not self._ending:
            self._ending, self._ending_s = True, self._loop.time()
        return {"ok": True, "session_file": str(self.recorder.path)}

    async def status(self) -> dict[str, Any]:
        """Everything a person or a script may want to see at a glance."""
        out = self.control.outputs
        if out is None:
            return {"ok": True, "state": State.BOOT.value}
        status = describe.status(self.bench, self.control, self.hub.latest, self._account, self._loop.time())
        record = self.recorder.status()
        status |= {
            "ok": True,
            "simulated": self._around.simulated,
            "banner": BANNERS[self._around.simulated],
            "protocol": self.protocol.protocol if self.protocol is not None else None,
            "session_file": str(self.recorder.path),
            "record": {"healthy": record.healthy, "text": record.text, "age_s": self._loop.time() - record.t_durable_s},
            "pids": {"daemon": os.getpid(), "watchdog": self._around.watchdog.pid},
            "result": self.result,
            "unready": self._unready,
            **self._timing(),
        }
        return status

    def _timing(self) -> dict[str, Any]:
        ticker = self._ticker
        return {"ticks": ticker.ticks, "late_ticks": ticker.late_ticks, "worst_late_s": round(ticker.worst_late_s, 6)}

    async def _conclude(self) -> None:
        """The account of the application that has just ended, with what is known of the specimen."""
        try:
            told = await self._around.specimen() or {}
        except Exception as error:  # a neighbour that is gone must not cost the record its result
            log.warning("nothing known of the specimen: %s", error)
            told = {}
        if picture := told.get("picture"):
            self.recorder.arrays(self._loop.time(), "picture", picture)
        result = self._result(told.get("zone"))
        self.recorder.event(self._loop.time(), "result", result)
        self.result = {**result, "session_file": str(self.recorder.path)}

    def _result(self, zone: dict[str, Any] | None = None) -> dict[str, Any]:
        trip = self.control.outputs.first_trip if hasattr(self, "control") and self.control.outputs else None
        return {
            **self._account.result(trip),
            "rolloffs": self.control.application.law.rolloffs
            if hasattr(self, "control") and self.control.application
            else 0,
            "zone": zone,
            "ticks": self._ticker.ticks if hasattr(self, "_ticker") else 0,
            "late_ticks": self._ticker.late_ticks if hasattr(self, "_ticker") else 0,
            "seed": (self.bench.simulation or {}).get("seed"),
            "simulated": self._around.simulated,
        }

    def hurt(self, text: str) -> None:
        """The watchdog is gone: a fault like any other."""
        check = "whether the watchdog process was killed; the daemon must be restarted"
        self.hub.fault(Fault("H27", "watchdog", "watchdog", text, check, self._loop.time()))
