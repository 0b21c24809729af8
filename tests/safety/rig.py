"""A bench of numbers: channels that arrive each in its own time, a source that follows its set-point, an operator."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from safety.config import ChannelRule, Config, Judged, Limits, Roles, Timing
from safety.gate import Gate
from safety.kernel import KernelState, initial, step
from safety.types import (
    Demand,
    Fault,
    Inputs,
    Origin,
    Outputs,
    Quality,
    RecordStatus,
    Request,
    Sample,
    State,
    Trip,
    Verb,
    WatchdogStatus,
)

HASH = "b7c1"
ROLES = Roles(
    power="gen.power_w",
    forward="gen.forward_power_w",
    rf_on="gen.rf_on",
    setpoint="gen.setpoint_w",
    impedance="gen.impedance_ohm",
    tip="tc.tip_c",
    tissue=("tc.tissue_10mm_c", "tc.tissue_20mm_c"),
    coolant="tc.coolant_in_c",
    flow="flow.flow_ml_min",
    air="flow.air_in_line_flag",
    estop=("inputs.estop_a_closed", "inputs.estop_b_closed"),
    footswitch=("inputs.foot_no_closed", "inputs.foot_nc_closed"),
    door="inputs.door_closed",
)
CHANNELS = (
    ChannelRule("gen.power_w", -5.0, 300.0),
    ChannelRule("gen.forward_power_w", -5.0, 300.0),
    ChannelRule("gen.rf_on", 0.0, 1.0),
    ChannelRule("gen.setpoint_w", 0.0, 300.0),
    ChannelRule("gen.impedance_ohm", 0.0, 20_000.0, noise_floor=0.01, judged=Judged.POWERED),
    ChannelRule("gen.heatsink_c", -20.0, 150.0, judged=Judged.SEEN),
    ChannelRule("tc.tip_c", -50.0, 200.0, age_limit_s=0.8, noise_floor=0.02, max_rate=50.0),
    ChannelRule("tc.tissue_10mm_c", -50.0, 200.0, age_limit_s=0.8, noise_floor=0.02, max_rate=50.0),
    ChannelRule("tc.tissue_20mm_c", -50.0, 200.0, age_limit_s=0.8, noise_floor=0.02, max_rate=50.0),
    ChannelRule("tc.coolant_in_c", -50.0, 200.0, age_limit_s=0.8, noise_floor=0.02, max_rate=50.0),
    ChannelRule("flow.flow_ml_min", -600.0, 600.0, noise_floor=0.02),
    ChannelRule("flow.air_in_line_flag", 0.0, 1.0),
    ChannelRule("inputs.estop_a_closed", 0.0, 1.0),
    ChannelRule("inputs.estop_b_closed", 0.0, 1.0),
    ChannelRule("inputs.foot_no_closed", 0.0, 1.0),
    ChannelRule("inputs.foot_nc_closed", 0.0, 1.0),
    ChannelRule("inputs.door_closed", 0.0, 1.0),
)
LIMITS = Limits(
    power_w=200.0,
    energy_j=200_000.0,
    on_time_s=900.0,
    tip_c=60.0,
    tissue_c=115.0,
    coolant_c=35.0,
    impedance_low_ohm=25.0,
    impedance_high_ohm=500.0,
    flow_min_ml_min=40.0,
)
PERIODS = {"gen": 0.05, "tc": 0.2, "flow": 0.05, "inputs": 0.02}
NOISE = {"tip_c": 0.1, "tissue_10mm_c": 0.1, "tissue_20mm_c": 0.1, "coolant_in_c": 0.1, "flow_ml_min": 0.5}


def config(**changes: Any) -> Config:
    """The reference bench."""
    base: dict[str, Any] = {
        "channels": CHANNELS,
        "roles": ROLES,
        "layers": (("generator", Limits(power_w=300.0)), ("bench", LIMITS)),
        "config_hash": HASH,
        "timing": Timing(prime_s=0.5, run_on_s=1.0),
    }
    return Config(**{**base, **changes})


class Rig:
    """Daemon, gate, bench and operator around the kernel under test, in virtual time."""

    def __init__(
        self, cfg: Config | None = None, seed: int = 1, latch: Trip | None = None, tick_s: float = 0.05
    ) -> None:
        self.config = cfg or config()
        self.state: KernelState = initial(self.config, latch)
        self.random = random.Random(seed)
        self.tick_s, self.now_s = tick_s, 100.0
        self.gate = Gate(self.config.power_cap_w, 200.0)
        self.demand_w = 0.0
        self.load_ohm = 80.0
        self.values: dict[str, float] = {
            "inputs.estop_a_closed": 1.0,
            "inputs.estop_b_closed": 1.0,
            "inputs.foot_no_closed": 0.0,
            "inputs.foot_nc_closed": 1.0,
            "inputs.door_closed": 1.0,
            "tc.tip_c": 21.0,
            "tc.tissue_10mm_c": 22.0,
            "tc.tissue_20mm_c": 21.5,
            "tc.coolant_in_c": 18.0,
            "flow.air_in_line_flag": 0.0,
            "gen.heatsink_c": 30.0,
        }
        self.override: dict[str, float] = {}  # what a faulty sensor says instead
        self.silent: set[str] = set()  # devices and channels whose samples no longer arrive
        self.quality: dict[str, Quality] = {}
        self.noise, self.jitter = 1.0, 0.1  # times NOISE; part of a period by which an answer comes early or late
        self.snapshot: dict[str, Sample] = {}
        self.due = dict.fromkeys(PERIODS, self.now_s)
        self.output_w = 0.0
        self.gen_gain = 1.0
        self.stuck_w: float | None = None
        self.sent: list[tuple[float, float]] = []
        self.applied_w, self.applied_t_s = 0.0, self.now_s
        self.lease = False
        self.line_closed = False
        self.watchdog_alive, self.watchdog_ready, self.record_healthy = True, True, True
        self.watchdog_t_s = self.record_t_s = self.now_s
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.hash = HASH
        self.mangle: Callable[[Inputs], Inputs] = lambda inputs: inputs
        self.log: list[tuple[float, Outputs]] = []
        self.out: Outputs

    def ask(self, verb: Verb, origin: Origin = Origin.LOCAL, who: str = "anna") -> None:
        """Put a request before the next tick."""
        self.requests.append(Request(verb, origin, self.now_s, who))

    def press(self, down: bool = True) -> None:
        """Press or release the footswitch."""
        self.values["inputs.foot_no_closed"] = float(down)
        self.values["inputs.foot_nc_closed"] = float(not down)

    def _in_force(self, t_s: float) -> float:
        return next((power for since, power in reversed(self.sent) if since <= t_s), 0.0)

    def _source(self, t_s: float) -> None:
        wanted = self._in_force(t_s - 0.1)
        if not self.line_closed:
            wanted = 0.0
        self.output_w = self.stuck_w if self.stuck_w is not None else wanted * self.gen_gain
        gamma = abs(self.load_ohm - 50.0) / (self.load_ohm + 50.0)
        self.values["gen.forward_power_w"] = self.output_w
        self.values["gen.power_w"] = self.output_w * (1.0 - gamma * gamma)
        self.values["gen.rf_on"] = float(self.output_w > 0.0)
        self.values["gen.setpoint_w"] = self._in_force(t_s - 0.02)
        self.values["gen.impedance_ohm"] = self.load_ohm

    def _acquire(self, until_s: float) -> None:
        for device, period in PERIODS.items():
            while self.due[device] <= until_s:
                t = self.due[device]
                self._source(t)
                self.values["flow.flow_ml_min"] = 80.0 if self.state.pump_on else 0.0
                for rule in self.config.channels:
                    name = rule.channel
                    if name.partition(".")[0] != device or {device, name} & self.silent:
                        continue
                    if name == "gen.impedance_ohm" and self.output_w < 2.0:
                        continue
                    quantity = name.partition(".")[2]
                    value = self.values[name] + self.random.gauss(0.0, self.noise * NOISE.get(quantity, 0.0))
                    if quantity == "impedance_ohm":
                        value += self.random.gauss(0.0, self.noise * 0.3)
                    value = self.override.get(name, value)
                    self.snapshot[name] = Sample(name, value, t, self.quality.get(name, Quality.GOOD))
                self.due[device] += period * self.random.uniform(1.0 - self.jitter, 1.0 + self.jitter)

    def inputs(self) -> Inputs:
        """What the daemon would hand over now."""
        if self.watchdog_alive:
            self.watchdog_t_s = self.now_s - 0.01
        if self.record_healthy:
            self.record_t_s = self.now_s - 0.1
        inputs = Inputs(
            snapshot=dict(self.snapshot),
            requests=tuple(self.requests),
            faults=tuple(self.faults),
            foreground_lease_s=self.now_s - 0.05 if self.lease else None,
            watchdog=WatchdogStatus(self.watchdog_t_s, self.watchdog_ready, self.line_closed, self.line_closed),
            record=RecordStatus(self.record_t_s, self.record_healthy, "" if self.record_healthy else "disk full"),
            applied_w=self.applied_w,
            applied_t_s=self.applied_t_s,
            config_hash=self.hash,
        )
        return self.mangle(inputs)

    def tick(self, n: int = 1, dt_s: float | None = None) -> Outputs:
        """Let ``n`` ticks pass."""
        for _ in range(n):
            self.now_s += self.tick_s if dt_s is None else dt_s
            self._acquire(self.now_s - 0.005)
            inputs = self.inputs()
            self.state, self.out = step(self.config, self.state, inputs, self.now_s)
            self.requests, self.faults = [], []
            setpoint = self.gate.decide(Demand(self.demand_w), self.out.permit, self.now_s)
            power = 0.0 if self.out.command_off else setpoint.power_w
            if power != self.applied_w:
                self.applied_w, self.applied_t_s = power, self.now_s + 0.005
                self.sent.append((self.applied_t_s, power))
            self.line_closed = self.out.enable
            self.log.append((self.now_s, self.out))
        return self.out

    def until(self, state: State, limit_s: float = 20.0) -> Outputs:
        """Tick until ``state`` is reached."""
        end = self.now_s + limit_s
        while self.state.state is not state:
            assert self.now_s < end, f"{self.state.state} {self.out.blocked_by} {self.out.first_trip} {self.out.events}"
            self.tick()
        return self.out

    def to(self, state: State) -> Rig:
        """Drive a healthy bench to ``state`` by the operator's acts."""
        for act, reached in (
            (None, State.SAFE),
            (Verb.PREPARE, State.PRECHECK),
            (None, State.READY),
            (Verb.ARM, State.ARMED),
            (Verb.FIRE, State.FIRING),
        ):
            if act is Verb.FIRE:
                self.lease = True
                self.ask(act, Origin.FOREGROUND)
            elif act is not None:
                self.ask(act)
            self.until(reached)
            if reached is state:
                return self
        if state is State.STOPPING:
            self.ask(Verb.STOP)
            self.tick()
        elif state is State.COOLDOWN:
            self.fired(60.0).ask(Verb.STOP)
            self.until(State.COOLDOWN)
        elif state is State.TRIPPED:
            self.trip().until(State.TRIPPED)
        elif state is State.LOCKOUT:
            self.fired(60.0)
            self.stuck_w = 60.0
            self.ask(Verb.STOP)
            self.until(State.LOCKOUT)
        return self

    def fired(self, power_w: float, settle_s: float = 2.0) -> Rig:
        """In FIRING, with ``power_w`` flowing for ``settle_s``."""
        if self.state.state is not State.FIRING:
            self.to(State.FIRING)
        self.demand_w = power_w
        self.tick(round(settle_s / self.tick_s))
        assert self.out.state is State.FIRING, self.out.first_trip
        return self

    def trip(self) -> Rig:
        """Press the E-stop for a tick or two."""
        self.values["inputs.estop_a_closed"] = self.values["inputs.estop_b_closed"] = 0.0
        self.tick(2)
        self.values["inputs.estop_a_closed"] = self.values["inputs.estop_b_closed"] = 1.0
        return self

    def kinds(self) -> list[str]:
        """Kinds of all events so far."""
        return [kind for _, out in self.log for kind, _ in out.events]


def trip_of(rig: Rig, limit_s: float = 5.0) -> tuple[Trip, float]:
    """The first trip from now on and after how long energy was withheld, checked to be so in the tick of the trip."""
    start = rig.now_s
    while rig.out.first_trip is None:
        assert rig.now_s - start < limit_s, "no trip"
        rig.tick()
    out = rig.out
    assert out.new_trips[0] == out.first_trip
    assert (out.permit.max_w, out.enable, out.command_off or out.state is not State.STOPPING) == (0.0, False, True)
    assert out.first_trip.text
    assert out.first_trip.check
    assert out.first_trip.device
    return out.first_trip, rig.now_s - start


def quiet(rig: Rig, seconds: float) -> None:
    """Nothing trips for so long."""
    rig.tick(round(seconds / rig.tick_s))
    assert rig.out.first_trip is None, rig.out.first_trip
    assert rig.out.state is State.FIRING


__all__ = ["HASH", "Config", "Rig", "config", "quiet", "replace", "trip_of"]
