"""Pulsed impedance control of an internally cooled needle ("Cool-tip style").

Published rule (Ji et al., Acad Radiol 2011, ex vivo comparison; lineage Goldberg et al., J Vasc Interv Radiol 1999):
power is raised gradually to 200 W and held until impedance has risen 20 ohm, reduced to 10 W, and switched on again
after 15 s, for 12 min in all. Operator texts give 10 ohm over baseline for the same machine; 10, 20 and 30 ohm are all
in use.

    PROBE  ``low_w`` until impedance has been read for ``probe_s``
    RAMP   from ``start_w`` upwards at ``ramp_w_per_min`` to ``power_max_w`` or ``current_max_a``, where it holds; the
           baseline is the running minimum of filtered impedance in this phase; ``rise_ohm`` over it is a roll-off
    OFF    ``low_w`` for ``off_s``, then RAMP from ``resume`` times the power at roll-off, but not below ``start_w``
    BLIND  0 W for ``off_s`` after impedance was missing, then PROBE
    END    at ``duration_s`` from FIRE

Ours, not published: the filter (time constant 0.3 s, one reading may move it by at most ``rise_ohm`` times its gain, so
that a spike is no roll-off); readings requested within ``blank_s`` of a step of power are not used; no roll-off in the
first second of RAMP; the floor ``start_w`` on resuming, without which repeated roll-offs would lower the power for
ever; after a pause by the permit the law probes and ramps as after FIRE.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from controller.laws.base import Law, LawParams, Observation, permitted_w, sane_dt_s
from controller.laws.contradiction import rising
from controller.laws.impedance import Meter
from safety.types import Demand, Permit

SETTLE_S = 1.0
"""No roll-off is looked for in the first second of RAMP."""
PROBE_PATIENCE_S = 2.0
"""How long beyond ``probe_s`` PROBE waits for a reading before it gives up."""

Phase = Literal["PROBE", "RAMP", "OFF", "BLIND", "END"]


class PulsedImpedanceParams(LawParams):
    """Parameters of :class:`PulsedImpedance`."""

    NEEDS: ClassVar[tuple[str, ...]] = ("impedance",)

    kind: Literal["pulsed-impedance"]
    start_w: Annotated[float, Field(gt=0, description="power at the start of the ramp, W")]
    ramp_w_per_min: Annotated[float, Field(gt=0, description="rate of the ramp, W/min")]
    power_max_w: Annotated[float, Field(gt=0, description="power at which the ramp holds, W")]
    current_max_a: Annotated[float, Field(gt=0, description="current that is never demanded beyond, A rms")]
    rise_ohm: Annotated[float, Field(gt=0, description="rise over the baseline that is a roll-off, ohm")]
    low_w: Annotated[float, Field(ge=2, le=20, description="power while off, enough to read impedance, W")]
    off_s: Annotated[float, Field(gt=0, description="how long power stays low after a roll-off, s")]
    resume: Annotated[float, Field(gt=0, le=1, description="power after OFF as a fraction of that at roll-off")]
    duration_s: Annotated[float, Field(gt=0, description="time from FIRE to the end, s")]
    probe_s: Annotated[float, Field(ge=0.5, le=10, description="how long impedance is read before the ramp, s")] = 1.0
    filter_s: Annotated[float, Field(ge=0, le=2, description="time constant of the impedance filter, s")] = 0.3
    blank_s: Annotated[float, Field(ge=0.1, le=1, description="blanking of impedance after a step of power, s")] = 0.15
    missing_s: Annotated[float, Field(gt=0, le=2, description="how long impedance may be missing, s")] = 0.5

    @model_validator(mode="after")
    def _ordered(self) -> PulsedImpedanceParams:
        rising(self, "low_w", "start_w", "power_max_w")
        return self

    @property
    def peak(self) -> tuple[str, float]:
        return "power_max_w", self.power_max_w

    @property
    def end(self) -> tuple[str, float]:
        return "duration_s", self.duration_s

    @property
    def current(self) -> tuple[str, float] | None:
        return "current_max_a", self.current_max_a

    @property
    def sensing_w(self) -> float:
        return self.low_w


class State(NamedTuple):
    """Between two ticks. ``baseline_ohm`` is infinite until there is one."""

    phase: Phase = "PROBE"
    phase_s: float = 0.0
    power_w: float = 0.0  # the newest demand
    resume_w: float = 0.0  # where RAMP starts
    meter: Meter = Meter()
    baseline_ohm: float = math.inf
    rolloffs: int = 0
    first_rolloff_s: float = math.nan


def advance(
    params: PulsedImpedanceParams, state: State, observation: Observation, permit: Permit, dt_s: float
) -> tuple[State, Demand]:
    """One tick: read impedance, change phase, form the demand."""
    if state.phase == "END" or not observation.t_s < params.duration_s:  # a time that is no number ends it too
        return state._replace(phase="END", power_w=0.0), Demand(0.0, "end of protocol")
    dt_s = sane_dt_s(dt_s)
    cap_w = permitted_w(permit)
    read = _read(params, state, observation, dt_s if cap_w > 0.0 else 0.0)
    entered = _next_phase(params, read, cap_w, observation.t_s)
    wanted_w, reason = _wanted(params, entered, dt_s)
    power_w = min(wanted_w, cap_w)
    if power_w < wanted_w:
        reason = "held down by permit"
    return entered._replace(power_w=power_w, meter=entered.meter.after(state.power_w, power_w)), Demand(power_w, reason)


def _read(params: PulsedImpedanceParams, state: State, observation: Observation, dt_s: float) -> State:
    """The state with time advanced and impedance taken in. ``dt_s`` is 0 while the permit is 0: nothing is due then."""
    meter = state.meter.read(observation, dt_s, params.rise_ohm, params.blank_s, params.filter_s)
    baseline_ohm = state.baseline_ohm
    if state.phase == "RAMP" and meter.known and state.phase_s >= params.blank_s + params.filter_s:
        baseline_ohm = min(baseline_ohm, meter.filtered_ohm)
    return state._replace(phase_s=state.phase_s + dt_s, meter=meter, baseline_ohm=baseline_ohm)


def _next_phase(params: PulsedImpedanceParams, state: State, cap_w: float, t_s: float) -> State:
    """The state in the phase that this tick belongs to. A new phase forgets the filter: other power, other load."""
    phase, phase_s = state.phase, state.phase_s
    if phase == "RAMP":
        if state.meter.filtered_ohm > state.baseline_ohm + params.rise_ohm and phase_s >= SETTLE_S:
            resume_w = max(params.start_w, params.resume * state.power_w)
            first_s = t_s if state.rolloffs == 0 else state.first_rolloff_s
            counted = state._replace(resume_w=resume_w, rolloffs=state.rolloffs + 1, first_rolloff_s=first_s)
            return _enter("OFF", counted)
        if cap_w <= 0.0:
            return _enter("PROBE", state)
        if state.meter.missing_s > params.missing_s:
            return _enter("BLIND", state)
    elif phase == "PROBE":
        if phase_s >= params.probe_s and state.meter.known and state.meter.missing_s == 0.0:
            # What PROBE read bounds the current until RAMP has a reading of its own.
            probed_ohm = min(state.baseline_ohm, state.meter.filtered_ohm)
            return _enter("RAMP", state)._replace(resume_w=params.start_w, baseline_ohm=probed_ohm)
        if phase_s >= params.probe_s + PROBE_PATIENCE_S:
            return _enter("BLIND", state)
    elif phase_s >= params.off_s:  # OFF or BLIND
        return _enter("RAMP" if phase == "OFF" else "PROBE", state)
    return state


def _enter(phase: Phase, state: State) -> State:
    return state._replace(phase=phase, phase_s=0.0, meter=Meter(since_step_s=state.meter.since_step_s))


def _wanted(params: PulsedImpedanceParams, state: State, dt_s: float) -> tuple[float, str]:
    """What the phase asks for, before the permit."""
    if state.phase == "BLIND":
        return 0.0, "impedance missing"
    if state.phase == "PROBE":
        return params.low_w, "reading impedance"
    if state.phase == "OFF":
        return params.low_w, f"roll-off {state.rolloffs}"
    power_w = state.resume_w if state.phase_s == 0.0 else state.power_w + params.ramp_w_per_min * dt_s / 60.0
    z_ohm = state.meter.filtered_ohm if state.meter.known else state.baseline_ohm
    current_cap_w = params.current_max_a**2 * z_ohm
    if current_cap_w < min(power_w, params.power_max_w):
        return current_cap_w, "current limit"
    return min(power_w, params.power_max_w), "ramp" if power_w < params.power_max_w else "hold"


class PulsedImpedance(Law[PulsedImpedanceParams]):
    """See the module's text."""

    PARAMS = PulsedImpedanceParams

    def __init__(self, params: PulsedImpedanceParams) -> None:
        super().__init__(params)
        self.state = State()

    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        self.state, demand = advance(self.params, self.state, observation, permit, dt_s)
        return demand

    @property
    def finished(self) -> bool:
        return self.state.phase == "END"

    @property
    def rolloffs(self) -> int:
        return self.state.rolloffs

    def internals(self) -> dict[str, float | str]:
        numbers = {
            "power_w": self.state.power_w,
            "resume_w": self.state.resume_w,
            "filtered_ohm": self.state.meter.filtered_ohm,
            "baseline_ohm": self.state.baseline_ohm,
            "rolloffs": float(self.state.rolloffs),
            "first_rolloff_s": self.state.first_rolloff_s,
        }
        return {"phase": self.state.phase, **{name: x for name, x in numbers.items() if math.isfinite(x)}}
