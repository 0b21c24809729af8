"""One control tick: snapshot, judgement, demand, set-point, the device, the watchdog, the record; in this order, every
period.

Everything slow happens elsewhere: acquisition tasks filled the hub, the recorder's own thread writes, MQTT follows the
file. The only await is the set-point on its way to the source, and it is bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from controller.daemon import ending
from controller.daemon.application import Application
from controller.daemon.bound import Bound
from controller.daemon.hub import Hub
from controller.daemon.lease import Lease
from controller.daemon.switchboard import Applied, Switchboard
from controller.daemon.witness import Switch, Told, Witness
from controller.records.session import Recorder, TickRow
from drivers.contract import BadReply, LinkLost, NoReply, PowerSource, Refused
from safety import kernel
from safety.config import Config, Judged
from safety.gate import Gate
from safety.types import Demand, Fault, Inputs, Origin, Outputs, Request, Sample, Setpoint, Snapshot, State, Verb
from safety.watchdog.client import Watchdog

APPLY_TIMEOUT_S = 0.1  # no acknowledgement within this: the set-point may or may not have arrived (H22)
REFUSAL_GRACE_S = 0.3  # after a refusal, with the source told to be off
IDLE_RECORD_S = 1.0  # while nothing happens one tick a second is recorded; from PRECHECK on, and in BOOT, every one
NOTHING = Demand(0.0, "no application")
_FIRING, _SAFE = State.FIRING, State.SAFE  # an enumeration's own look-up costs a tenth of a microsecond each time


@dataclass
class Acts:
    """What people and the protocol asked since the last tick, and how fresh the foreground's hold is."""

    requests: list[Request] = field(default_factory=list)
    lease_s: float | None = None

    def take(self) -> tuple[Request, ...]:
        """The requests since the last call."""
        taken, self.requests = tuple(self.requests), []
        return taken


class ControlLoop:
    """Owns the kernel's state and the gate; nobody else changes either."""

    def __init__(
        self,
        config: Config,
        state: kernel.KernelState,
        *,
        hub: Hub,
        source: PowerSource,
        watchdog: Watchdog,
        recorder: Recorder,
        begin: Callable[[float], Application],
        progress_of: tuple[str, ...],
        config_hash: Callable[[], str],
        switchboard: Switchboard | None = None,
    ) -> None:
        """``begin`` makes the application at FIRE; ``progress_of`` are the devices whose progress the heartbeat
        carries; ``config_hash`` is the hash of bench and protocol as loaded now; ``switchboard``: where one source
        serves several electrodes.
        """
        self.config, self.state = config, state
        self.acts = Acts()
        self.application: Application | None = None
        self.outputs: Outputs | None = None
        self.setpoint: Setpoint | None = None
        self.applied_w, self.applied_s = 0.0, -math.inf
        self.flow_due_ml_min = 0.0
        self.ticks = 0
        self._hub, self._source, self._watchdog, self._recorder = hub, source, watchdog, recorder
        self._begin, self._progress_of, self._config_hash = begin, progress_of, config_hash
        self._switchboard = switchboard
        self._gate, self._needed = self._new_gate(config), self._needed_by(config)
        self._loop = asyncio.get_running_loop()
        self._lease = Lease(self._loop, self._lapsed)
        self._apply_bound = Bound(APPLY_TIMEOUT_S, self._loop)
        self._off: asyncio.Task[None] | None = None
        self._refused: tuple[float, str] | None = None
        self._recorded_s = -math.inf
        self._witness = Witness()
        self._ended_s = math.inf  # when the law had come to its end

    def load(self, config: Config) -> None:
        """Another protocol: new limits. Only while nothing can be energised (the caller has seen SAFE)."""
        self.config, self.state = config, kernel.adopt(config, self.state)
        self._gate, self._needed = self._new_gate(config), self._needed_by(config)
        self._witness.adopted()

    @staticmethod
    def _new_gate(config: Config) -> Gate:
        return Gate(config.power_cap_w, config.thresholds.slew_up_w_per_s)

    @staticmethod
    def _needed_by(config: Config) -> tuple[str, ...]:
        return tuple(rule.channel for rule in config.channels if rule.judged is Judged.ALWAYS)

    async def tick(self, now_s: float) -> Outputs:
        """One tick at ``now_s``."""
        fresh, faults = self._hub.take()
        snapshot = self._hub.latest  # what the acquisition tasks have brought; no device is asked before _apply
        inputs = Inputs(
            snapshot,
            self.acts.take(),
            faults,
            self.acts.lease_s,
            self._watchdog.status,
            self._recorder.status(),
            self.applied_w,
            self.applied_s,
            self._config_hash(),
            self.flow_due_ml_min,
        )
        known, switch = self.state, None
        self.state, out = kernel.step(self.config, known, inputs, now_s)  # what is allowed
        self.outputs = out
        if (board := self._switchboard) is None:
            demand = self._demand(known.state, out, now_s)  # what the law wants
        else:
            (connected, since_s), before = board.wired, board.settled
            demand = self._demand(known.state, out, now_s)
            applied = Applied(self.applied_w, self.applied_s)
            demand = board.route(demand, out.state is _FIRING, snapshot, applied)  # 0 W until it is connected
            switch = Switch(connected, since_s, before, board.settled)
        told = Told(inputs, self.application.hands if self.application is not None else None, switch)
        forward = demand  # what the generator must be told so that the load gets that, never above the permit
        if self.application is not None:
            forward = self.application.levelled(demand, snapshot, out.permit, now_s)
        setpoint = self._gate.decide(forward, out.permit, now_s)  # what may be sent
        await self._apply(setpoint, out)  # the one await: bounded, and void if the epoch has moved on
        self._watchdog.beat(  # evidence of a finished tick, so it comes after everything that can fail
            state=out.state,
            epoch=out.permit.epoch,
            grant_w=setpoint.power_w,
            enable_request=out.enable,
            config_hash=self.config.config_hash,
            progress=tuple([self._hub.progress.get(device, 0) for device in self._progress_of]),
            oldest_sample_age_s=now_s - self._oldest_request_s(snapshot, now_s),
        )
        self.ticks += 1
        self._record(fresh, known, told, demand, setpoint, out, now_s)
        return out

    def _oldest_request_s(self, snapshot: Snapshot, now_s: float) -> float:
        """When the oldest sample was requested that energy depends on. A missing one is the kernel's to judge."""
        oldest_s = now_s
        for channel in self._needed:
            sample = snapshot.get(channel)
            if sample is not None and sample.t_request_s < oldest_s:
                oldest_s = sample.t_request_s
        return oldest_s

    def _demand(self, before: State, out: Outputs, now_s: float) -> Demand:
        if out.state is not _FIRING:
            return NOTHING
        if before is not _FIRING:
            self.application, self._ended_s = self._begin(now_s), math.inf
        if self.application is None:
            return NOTHING
        if self._ended_s <= now_s:
            return self._end(now_s)
        try:
            if (board := self._switchboard) is None:
                demand = self.application.step(self._hub.latest, out.permit, now_s)
            else:
                demand = self.application.step(self._hub.latest, board.permit(out.permit), now_s, board.wired)
        except Exception as error:  # a law may come from anywhere; what it cannot do is keep energy on
            text = f"the law failed: {type(error).__name__}: {error}"
            self._hub.fault(Fault("H32", "law", "law", text, "report it to whoever wrote the law", now_s))
            return Demand(0.0, text)
        if stopped := self.application.stopped:
            self._ask(Verb.STOP, stopped, now_s)
        elif self.application.finished:
            self._ended_s = now_s
            return self._end(now_s)
        return demand

    def _ask(self, verb: Verb, reason: str, now_s: float) -> None:
        self.acts.requests.append(Request(verb, Origin.PROTOCOL, now_s, reason=reason))

    def _end(self, now_s: float) -> Demand:
        """The law has come to its end: the generator must show that it is off; until then the line stays closed."""
        said = ending.word(self.config, self._hub.latest, self._ended_s, now_s)
        if (sample := said.against) is not None:
            text = f"OFF NOT OBEYED: {sample.channel} is {sample.value:g} after the end; the enable line cuts"
            check = "the generator's link, firmware and output relay; do not use it before it obeys"
            self._hub.fault(Fault("H04", "generator_off", self._source.name, text, check, now_s))
        elif said.off or now_s - self._ended_s > self.config.timing.response_s or not self.config.enable_line:
            self._ask(Verb.COMPLETE, "protocol complete", now_s)
        return Demand(0.0, "the end: the generator is to show that it is off")

    async def _apply(self, setpoint: Setpoint, out: Outputs) -> None:
        """Bring the set-point to the source. What goes wrong is UNCERTAIN, counted as the larger power, and trips."""
        self.setpoint = setpoint
        self._source.revoke(out.permit.epoch)
        if out.command_off or out.state is not _FIRING:
            self._lease.drop()
            if out.command_off:
                self.send_off()
            self._refused = None
            if self.applied_w != 0.0:
                self.applied_w, self.applied_s = 0.0, self._loop.time()
            return
        if self._refused is not None:
            self._judge_refusal()
            return
        before_w = self.applied_w
        self.applied_w = max(before_w, setpoint.power_w)
        if setpoint.power_w != before_w:
            self.applied_s = self._loop.time()
        try:
            with self._apply_bound:
                await self._source.apply(setpoint)
        except Refused as error:
            self._refused = (self._loop.time(), str(error))
            self._lease.drop()
            self.send_off()
            return
        except (TimeoutError, NoReply, BadReply, LinkLost) as error:
            text = f"set-point {setpoint.power_w:.0f} W not acknowledged: {error or 'time-out'}"
            check = f"cable of {self._source.name}; the generator's own display"
            self._hub.fault(Fault("H22", "apply", self._source.name, text, check, self._loop.time()))
            return
        self.applied_w = setpoint.power_w
        self._lease.hold(setpoint)

    def _judge_refusal(self) -> None:
        """A source that says no is off and stays off. Why it says no (an opened interlock, say) is for the interlocks
        to find, so they get a moment before the refusal itself becomes the cause.
        """
        assert self._refused is not None
        since_s, why = self._refused
        if self._loop.time() - since_s >= REFUSAL_GRACE_S:
            check = "the generator's own display: interlock, front panel, another controller"
            text = f"the generator refuses power: {why}"
            self._hub.fault(Fault("H22", "apply", self._source.name, text, check, self._loop.time()))

    def _lapsed(self) -> None:
        """No tick renewed the set-point in time."""
        self.send_off()
        text = "the permit's lease ran out: a tick did not finish in time"
        self._hub.fault(Fault("H25", "lease", self._source.name, text, "what held the control loop", self._loop.time()))

    def send_off(self) -> None:
        """Send off, now, without waiting; one at a time, as often as asked."""
        if self._off is None or self._off.done():
            self._off = self._loop.create_task(self._turn_off())

    async def _turn_off(self) -> None:
        # A failure is no proof of off: the kernel asks again at the next tick, for ever; the watchdog has its own way.
        with contextlib.suppress(NoReply, BadReply, Refused, LinkLost, OSError):
            await self._source.off()

    def _record(
        self,
        fresh: list[Sample],
        known: kernel.KernelState,
        told: Told,
        demand: Demand,
        setpoint: Setpoint,
        out: Outputs,
        now_s: float,
    ) -> None:
        idle = out.state is _SAFE and not out.events
        if idle and now_s - self._recorded_s < IDLE_RECORD_S:
            self._witness.skip(fresh)
            return
        self._recorded_s = now_s
        if (state := self._witness.before(self.ticks, known, idle=idle)) is not None:
            self._recorder.event(now_s, "kernel", state)
        if (rare := self._witness.rare(self.ticks, told)) is not None:
            self._recorder.event(now_s, "inputs", rare)
        for kind, data in out.events:
            self._recorder.event(now_s, kind, data)
        application = self.application
        law: Mapping[str, object] = application.internals() if application and out.state is _FIRING else {}
        self._recorder.tick(
            TickRow(
                self.ticks,
                now_s,
                out.state.value,
                demand.power_w,
                out.permit.max_w,
                setpoint.power_w,
                out.permit.epoch,
                self._witness.samples(fresh, told),
                law,
                out.energy_j,
            )
        )

    async def close(self) -> None:
        """Wait for an off, and for a change of electrodes, that is under way; no lease remains."""
        self._lease.drop()
        if self._switchboard is not None:
            await self._switchboard.close()
        if self._off is not None:
            await asyncio.wait({self._off}, timeout=1.0)
            self._off.cancel()
