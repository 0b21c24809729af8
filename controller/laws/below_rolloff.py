"""Ours: power kept just below roll-off, by impedance alone and without a model of tissue or applicator.

While tissue warms, impedance falls; where it begins to boil, impedance rises long before it rolls off. The law climbs
until it sees that rise, steps back by a share, waits, and returns: fast while far below the power at the last rise,
slowly around it, faster again beyond. That is CUBIC (Ha, Rhee & Xu, ACM SIGOPS Oper Syst Rev 2008;42(5):64-74), which
finds and follows the capacity of a network path in the same way. Not a published treatment: docs/laws.md compares it
with pulsed impedance.

    PROBE   ``low_w`` until impedance has been read for a second
    CLIMB   upwards at ``ramp_w_per_min`` until the first rise, afterwards along a cubic that is at the last limit after
            ``back_s``; ``rise_ohm`` over the least filtered impedance since the last step back is a rise: the limit
            becomes the power it came at, the power ``resume`` times that
    SETTLE  that power for ``settle_s``, in which the rise may die away
    OFF     ``low_w`` for ``off_s`` after a roll-off: ``rolloff_ohm`` over the least impedance of the last minutes
    BLIND   0 W for 2 s after impedance was missing, then PROBE
    END     at ``duration_s`` from FIRE

A rise that comes below the last limit sets the limit lower still, half-way to the power after the step back, so that a
limit that falls is followed. The least impedance of a roll-off drifts up by 1 ohm a minute, so that one low reading
does not count for ever. After a pause by the permit the law probes and climbs on from half the power it had.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from controller.laws.base import Law, LawParams, Observation, permitted_w, sane_dt_s
from controller.laws.contradiction import rising
from controller.laws.impedance import MISSING_S, Meter
from safety.types import Demand, Permit

PROBE_S, PROBE_PATIENCE_S, BLIND_S = 1.0, 2.0, 2.0
SLOW_OHM_PER_S = 0.05
"""Impedance that rises no faster than this is tissue that cools or shrinks, not steam."""
DRIFT_OHM_PER_S = 1.0 / 60.0
AFTER_PAUSE = 0.5
SLOWEST = 0.001
"""Of the mean rate of a climb: the least rate, at the limit itself, where the cubic stands still."""

Phase = Literal["PROBE", "CLIMB", "SETTLE", "OFF", "BLIND", "END"]


class BelowRolloffParams(LawParams):
    """Parameters of :class:`BelowRolloff`."""

    NEEDS: ClassVar[tuple[str, ...]] = ("impedance",)

    kind: Literal["below-rolloff"]
    start_w: Annotated[float, Field(gt=0, description="power at the start of the first climb, W")]
    ramp_w_per_min: Annotated[float, Field(gt=0, description="rate of the first climb, W/min")]
    back_s: Annotated[float, Field(ge=5, le=600, description="from a step back to the last limit, s")] = 60.0
    power_max_w: Annotated[float, Field(gt=0, description="power never demanded beyond, W")]
    current_max_a: Annotated[float, Field(gt=0, description="current that is never demanded beyond, A rms")]
    rise_ohm: Annotated[float, Field(gt=0, description="rise after which power steps back, ohm")]
    resume: Annotated[float, Field(gt=0, lt=1, description="power after a step back as a fraction of that before")]
    settle_s: Annotated[float, Field(ge=0.5, le=60, description="how long a step back is held, s")] = 3.0
    rolloff_ohm: Annotated[float, Field(gt=0, description="rise that is a roll-off, ohm")] = 20.0
    off_s: Annotated[float, Field(gt=0, description="how long power stays low after a roll-off, s")] = 10.0
    low_w: Annotated[float, Field(ge=2, le=20, description="power enough to read impedance, W")] = 10.0
    duration_s: Annotated[float, Field(gt=0, description="time from FIRE to the end, s")]

    @model_validator(mode="after")
    def _ordered(self) -> BelowRolloffParams:
        rising(self, "low_w", "start_w", "power_max_w")
        rising(self, "rise_ohm", "rolloff_ohm", strictly=True)
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
    """Between two ticks. ``level_w`` is what CLIMB and SETTLE are at, kept through the other phases."""

    phase: Phase = "PROBE"
    phase_s: float = 0.0
    power_w: float = 0.0
    level_w: float = 0.0
    limit_w: float = 0.0  # where the last rise came, or below
    meter: Meter = Meter()
    local_ohm: float = math.inf  # least since the last step back
    least_ohm: float = math.inf  # least of the last minutes
    backs: int = 0
    rolloffs: int = 0


def advance(
    params: BelowRolloffParams, state: State, observation: Observation, permit: Permit, dt_s: float
) -> tuple[State, Demand]:
    """One tick: read impedance, change phase, form the demand."""
    if state.phase == "END" or not observation.t_s < params.duration_s:
        return state._replace(phase="END", power_w=0.0), Demand(0.0, "end of protocol")
    cap_w = permitted_w(permit)
    dt_s = sane_dt_s(dt_s) if cap_w > 0.0 else 0.0
    meter = state.meter.read(observation, dt_s, params.rise_ohm)
    state = _next_phase(params, state._replace(meter=meter, phase_s=state.phase_s + dt_s), cap_w)
    if state.phase == "CLIMB" and meter.known:
        local_ohm = min(state.local_ohm + SLOW_OHM_PER_S * dt_s, meter.filtered_ohm)
        least_ohm = min(state.least_ohm + DRIFT_OHM_PER_S * dt_s, meter.filtered_ohm)
        state = state._replace(local_ohm=local_ohm, least_ohm=least_ohm)
    wanted_w, reason = _wanted(params, state, dt_s)
    power_w = min(wanted_w, cap_w)
    if power_w < wanted_w:
        reason = "held down by permit"
    if state.phase in ("CLIMB", "SETTLE") and cap_w > 0.0:
        state = state._replace(level_w=power_w)
    return state._replace(power_w=power_w, meter=state.meter.after(state.power_w, power_w)), Demand(power_w, reason)


def _enter(phase: Phase, state: State) -> State:
    return state._replace(phase=phase, phase_s=0.0, meter=Meter(), local_ohm=math.inf)


def _next_phase(params: BelowRolloffParams, state: State, cap_w: float) -> State:
    phase, phase_s, meter = state.phase, state.phase_s, state.meter
    if phase == "PROBE":
        if phase_s >= PROBE_S and meter.known and meter.missing_s == 0.0:
            level_w = max(params.start_w, state.level_w) if state.backs == 0 else state.level_w
            return state._replace(phase="CLIMB", phase_s=0.0, level_w=level_w, local_ohm=math.inf)
        return _enter("BLIND", state) if phase_s >= PROBE_S + PROBE_PATIENCE_S else state
    if phase == "BLIND":
        return _enter("PROBE", state) if phase_s >= BLIND_S else state
    if phase == "OFF":
        return _enter("CLIMB", state) if phase_s >= params.off_s else state
    if meter.filtered_ohm > state.least_ohm + params.rolloff_ohm:
        return _enter("OFF", _step_back(params, state))._replace(rolloffs=state.rolloffs + 1)
    if cap_w <= 0.0:
        return _enter("PROBE", state)._replace(level_w=max(params.low_w, AFTER_PAUSE * state.level_w))
    if meter.missing_s > MISSING_S:
        return _enter("BLIND", state)._replace(level_w=max(params.low_w, AFTER_PAUSE * state.level_w))
    if phase == "CLIMB" and meter.filtered_ohm > state.local_ohm + params.rise_ohm:
        return _step_back(params, state)._replace(phase="SETTLE", phase_s=0.0)
    if phase == "SETTLE" and phase_s >= params.settle_s:
        return state._replace(phase="CLIMB", phase_s=0.0, local_ohm=math.inf)
    return state


def _step_back(params: BelowRolloffParams, state: State) -> State:
    limit_w = state.level_w
    if limit_w < state.limit_w:
        limit_w *= 0.5 * (1.0 + params.resume)
    level_w = max(params.low_w, params.resume * state.level_w)
    return state._replace(level_w=level_w, limit_w=limit_w, backs=state.backs + 1)


def _rate_w_per_s(params: BelowRolloffParams, state: State) -> float:
    """Of the climb: the slope of P = limit + depth (t / back_s - 1)^3, as a function of P instead of t, so that nothing
    runs on while the permit holds the power down.
    """
    if state.backs == 0:
        return params.ramp_w_per_min / 60.0
    depth_w = max((1.0 - params.resume) * state.limit_w, 1.0)
    away = abs(state.level_w - state.limit_w) / depth_w
    return 3.0 * max(SLOWEST, float(away ** (2.0 / 3.0))) * depth_w / params.back_s


def _wanted(params: BelowRolloffParams, state: State, dt_s: float) -> tuple[float, str]:
    if state.phase == "BLIND":
        return 0.0, "impedance missing"
    if state.phase == "PROBE":
        return params.low_w, "reading impedance"
    if state.phase == "OFF":
        return params.low_w, f"roll-off {state.rolloffs}"
    climbs = state.phase == "CLIMB" and state.phase_s > 0.0
    power_w = min(params.power_max_w, state.level_w + (_rate_w_per_s(params, state) * dt_s if climbs else 0.0))
    if state.meter.known:
        current_cap_w = params.current_max_a**2 * state.meter.filtered_ohm
        if current_cap_w < power_w:
            return current_cap_w, "current limit"
    return power_w, "climbing" if state.phase == "CLIMB" else "stepped back"


class BelowRolloff(Law[BelowRolloffParams]):
    """See the module's text."""

    PARAMS = BelowRolloffParams

    def __init__(self, params: BelowRolloffParams) -> None:
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
            "limit_w": state.limit_w,
            "filtered_ohm": state.meter.filtered_ohm,
            "local_ohm": state.local_ohm,
            "least_ohm": state.least_ohm,
            "steps_back": float(state.backs),
            "rolloffs": float(state.rolloffs),
        }
        return {"phase": state.phase, **{name: x for name, x in numbers.items() if math.isfinite(x)}}
