"""Stepped impedance roll-off of an expandable array ("RF3000 style").

Published rule (Go-Smart re-implementation for the RF3000, ``boston-scientific.xml``): power rises at a rate of its
own for each array, at most to 200 W; when impedance exceeds a threshold the power and time of this roll-off are
noted; 0 W for 30 s; then half the power until impedance exceeds the threshold again, which ends the ablation; without
that the ramp begins anew 330 s after the first roll-off. At 900 s all ends.

    PROBE  ``low_w`` until impedance has been read for a second
    RAMP   from ``start_w`` upwards at ``ramp_w_per_min``, at most ``power_max_w``
    REST   0 W for ``rest_s`` after a roll-off
    HALF   ``resume`` times the power at roll-off; the next roll-off is final; ``restart_s`` after the first it is RAMP
    BLIND  0 W for 2 s after impedance was missing, then PROBE
    END    at the final roll-off, or ``duration_s`` from FIRE

The thresholds of the maker are not public: a roll-off is ``rise_ohm`` over the running minimum, or ``rolloff_ohm``
where an absolute threshold is given. Ours, not published: that, the filter of impedance, no roll-off within a second
after a phase began, and that power changes by at most 50 W/s upwards.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from controller.laws.base import Law, LawParams, Observation, permitted_w, sane_dt_s
from controller.laws.contradiction import rising
from controller.laws.impedance import MISSING_S, Meter
from safety.types import Demand, Permit

PROBE_S, PROBE_PATIENCE_S, SETTLE_S, BLIND_S = 1.0, 2.0, 1.0, 2.0
RISE_W_PER_S = 50.0

Phase = Literal["PROBE", "RAMP", "REST", "HALF", "BLIND", "END"]


class SteppedRolloffParams(LawParams):
    """Parameters of :class:`SteppedRolloff`."""

    NEEDS: ClassVar[tuple[str, ...]] = ("impedance",)

    kind: Literal["stepped-rolloff"]
    start_w: Annotated[float, Field(gt=0, description="power at the start of a ramp, W")]
    ramp_w_per_min: Annotated[float, Field(gt=0, description="rate of the ramp, W/min")]
    power_max_w: Annotated[float, Field(gt=0, description="power at which the ramp holds, W")]
    rise_ohm: Annotated[float, Field(gt=0, description="rise over the least impedance that is a roll-off, ohm")]
    rolloff_ohm: Annotated[float, Field(gt=0, description="impedance that always is a roll-off, ohm")] | None = None
    rest_s: Annotated[float, Field(gt=0, description="time without power after a roll-off, s")] = 30.0
    resume: Annotated[float, Field(gt=0, le=1, description="second phase: share of the power at roll-off")] = 0.5
    restart_s: Annotated[float, Field(gt=0, description="from a roll-off to a new ramp if no other follows, s")] = 330.0
    duration_s: Annotated[float, Field(gt=0, description="time from FIRE to the end, s")] = 900.0
    low_w: Annotated[float, Field(ge=2, le=20, description="power enough to read impedance, W")] = 10.0

    @model_validator(mode="after")
    def _ordered(self) -> SteppedRolloffParams:
        rising(self, "low_w", "start_w", "power_max_w")
        rising(self, "rest_s", "restart_s", strictly=True)
        return self

    @property
    def peak(self) -> tuple[str, float]:
        return "power_max_w", self.power_max_w

    @property
    def end(self) -> tuple[str, float]:
        return "duration_s", self.duration_s

    @property
    def sensing_w(self) -> float:
        return self.low_w


class State(NamedTuple):
    """Between two ticks. ``half_w`` is 0 in a first phase: then PROBE leads to RAMP, otherwise to HALF."""

    phase: Phase = "PROBE"
    phase_s: float = 0.0
    since_s: float = 0.0  # since the first roll-off of the pair
    power_w: float = 0.0
    ramp_w: float = 0.0  # where the ramp is
    half_w: float = 0.0
    meter: Meter = Meter()
    least_ohm: float = math.inf
    rolloffs: int = 0
    ended: str = ""


def advance(
    params: SteppedRolloffParams, state: State, observation: Observation, permit: Permit, dt_s: float
) -> tuple[State, Demand]:
    """One tick: read impedance, change phase, form the demand."""
    if state.phase == "END" or not observation.t_s < params.duration_s:
        ended = state.ended or "end of protocol"
        return state._replace(phase="END", power_w=0.0, ended=ended), Demand(0.0, ended)
    cap_w = permitted_w(permit)
    dt_s = sane_dt_s(dt_s) if cap_w > 0.0 else 0.0
    meter = state.meter.read(observation, dt_s, params.rise_ohm)
    since_s = state.since_s + dt_s if state.half_w > 0.0 else 0.0
    state = state._replace(meter=meter, phase_s=state.phase_s + dt_s, since_s=since_s)
    state = _next_phase(params, state, cap_w)
    if state.phase == "END":
        return state._replace(power_w=0.0), Demand(0.0, state.ended)
    if state.phase in ("RAMP", "HALF") and state.meter.known and state.phase_s >= SETTLE_S:
        state = state._replace(least_ohm=min(state.least_ohm, state.meter.filtered_ohm))
    wanted_w, reason = _wanted(params, state, dt_s)
    power_w = min(wanted_w, cap_w)
    if power_w < wanted_w:
        reason = "held down by permit"
    if state.phase == "RAMP":
        state = state._replace(ramp_w=power_w)
    return state._replace(power_w=power_w, meter=state.meter.after(state.power_w, power_w)), Demand(power_w, reason)


def _enter(phase: Phase, state: State) -> State:
    return state._replace(phase=phase, phase_s=0.0, meter=Meter())


def _heat(state: State) -> State:
    """Back to heating, after PROBE."""
    return state._replace(phase="HALF" if state.half_w > 0.0 else "RAMP", phase_s=0.0)


def _next_phase(params: SteppedRolloffParams, state: State, cap_w: float) -> State:
    phase, phase_s, meter = state.phase, state.phase_s, state.meter
    if phase == "PROBE":
        if phase_s >= PROBE_S and meter.known and meter.missing_s == 0.0:
            return _heat(state)
        return _enter("BLIND", state) if phase_s >= PROBE_S + PROBE_PATIENCE_S else state
    if phase == "BLIND":
        return _enter("PROBE", state) if phase_s >= BLIND_S else state
    if phase == "REST":
        return _enter("HALF", state) if phase_s >= params.rest_s else state
    threshold_ohm = state.least_ohm + params.rise_ohm
    if params.rolloff_ohm is not None:
        threshold_ohm = min(threshold_ohm, params.rolloff_ohm)
    if meter.filtered_ohm > threshold_ohm and phase_s >= SETTLE_S:
        counted = state._replace(rolloffs=state.rolloffs + 1)
        if phase == "HALF":
            return counted._replace(phase="END", ended="final roll-off")
        return _enter("REST", counted._replace(half_w=params.resume * state.power_w, since_s=0.0))
    if cap_w <= 0.0:
        return _enter("PROBE", state._replace(ramp_w=0.0))
    if meter.missing_s > MISSING_S:
        return _enter("BLIND", state._replace(ramp_w=0.0))
    if phase == "HALF" and state.since_s >= params.restart_s:
        return state._replace(phase="RAMP", phase_s=0.0, ramp_w=0.0, half_w=0.0)
    return state


def _wanted(params: SteppedRolloffParams, state: State, dt_s: float) -> tuple[float, str]:
    if state.phase == "BLIND":
        return 0.0, "impedance missing"
    if state.phase == "REST":
        return 0.0, f"roll-off {state.rolloffs}"
    if state.phase == "PROBE":
        return params.low_w, "reading impedance"
    if state.phase == "HALF":
        return min(state.half_w, state.power_w + RISE_W_PER_S * dt_s), "second phase"
    power_w = params.start_w if state.ramp_w <= 0.0 else state.ramp_w + params.ramp_w_per_min * dt_s / 60.0
    return min(power_w, params.power_max_w), "ramp" if power_w < params.power_max_w else "hold"


class SteppedRolloff(Law[SteppedRolloffParams]):
    """See the module's text."""

    PARAMS = SteppedRolloffParams

    def __init__(self, params: SteppedRolloffParams) -> None:
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
        state = self.state
        numbers = {
            "power_w": state.power_w,
            "half_w": state.half_w,
            "filtered_ohm": state.meter.filtered_ohm,
            "least_ohm": state.least_ohm,
            "rolloffs": float(state.rolloffs),
        }
        told = {name: x for name, x in numbers.items() if math.isfinite(x)}
        return {"phase": state.phase, "ended": state.ended, **told}
