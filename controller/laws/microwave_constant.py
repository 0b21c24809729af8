"""Constant forward power into a microwave antenna, with soft start, reflected-power fold-back and duty cycle.

Published regime (thermosphere-type and AMICA-type 2.45 GHz systems): a constant preset (45, 75 or 100 W; 20 to 120 W)
for 2.5, 5 or 10 min with circulated saline; interlocks on flow, reflected power and shaft temperature. With a duty
cycle the tissue sees the mean power, as long as the period is short against the diffusion time of 2 mm, 29 s.

    PRIME  0 W until coolant has flowed at ``flow_min_ml_min`` (where given) for ``prime_s``; stopped after 60 s of
           waiting
    SOFT   20 W for a second; stopped when a quarter of it or more comes back
    RUN    ``power_w``, or pulses of it: ``duty`` of every ``period_s``
    BLIND  0 W while forward or reflected power cannot be read, then SOFT
    END    ``duration_s`` of RUN, or stopped

More than ``fold_above`` reflected for half a second halves the power, once and for good; more than ``stop_above``
reflected, or a shaft above ``shaft_max_c`` for 2 s, stops. The thresholds (0.25, 0.5, 45 degC) are customary in such
machines and ours in these figures. Reflected power is judged only while at least 2 W go forward and 0.2 s after a step.
The time of RUN counts while power is permitted; the end of everything is at most ``slack_s`` later than without pauses.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from controller.laws.base import Law, LawParams, Observation, permitted_w, present, sane_dt_s
from controller.laws.contradiction import rising
from safety.types import Demand, Permit

PRIME_PATIENCE_S = 60.0
SOFT_W, SOFT_S, SOFT_REFLECTED = 20.0, 1.0, 0.25
FOLD_S, SHAFT_S, MISSING_S = 0.5, 2.0, 0.5
JUDGED_ABOVE_W, SETTLE_S, STEP_W = 2.0, 0.2, 2.0
RISE_W_PER_S = 100.0

Phase = Literal["PRIME", "SOFT", "RUN", "BLIND", "END"]


class MicrowaveConstantParams(LawParams):
    """Parameters of :class:`MicrowaveConstant`."""

    NEEDS: ClassVar[tuple[str, ...]] = ("reflectometer",)

    kind: Literal["microwave-constant"]
    power_w: Annotated[float, Field(gt=0, description="forward power at the generator, W")]
    duration_s: Annotated[float, Field(gt=0, description="time at that power, s")]
    duty: Annotated[float, Field(gt=0, le=1, description="share of each period with power")] = 1.0
    period_s: Annotated[float, Field(ge=0.5, le=5, description="period of the duty cycle, s")] = 2.0
    prime_s: Annotated[float, Field(ge=0, le=60, description="how long coolant flows before power, s")] = 3.0
    flow_min_ml_min: Annotated[float, Field(gt=0, description="flow that counts as flowing, mL/min")] | None = None
    shaft_max_c: Annotated[float, Field(gt=0, description="shaft above this for 2 s: stop; null: none")] | None = 45.0
    fold_above: Annotated[float, Field(gt=0, lt=1, description="reflected share that halves the power")] = 0.25
    stop_above: Annotated[float, Field(gt=0, le=1, description="reflected share that stops")] = 0.5
    slack_s: Annotated[float, Field(ge=10, le=600, description="what prime, pauses and soft starts may take, s")] = 70.0

    @model_validator(mode="after")
    def _ordered(self) -> MicrowaveConstantParams:
        rising(self, "fold_above", "stop_above", strictly=True)
        return self

    @property
    def needs(self) -> tuple[str, ...]:
        shaft = ("shaft",) if self.shaft_max_c is not None else ()
        flow = ("flow",) if self.flow_min_ml_min is not None else ()
        return (*self.NEEDS, *shaft, *flow)

    @property
    def peak(self) -> tuple[str, float]:
        return "power_w", self.power_w

    @property
    def end(self) -> tuple[str, float]:
        return "duration_s", self.duration_s + self.slack_s


class State(NamedTuple):
    """Between two ticks."""

    phase: Phase = "PRIME"
    phase_s: float = 0.0
    ran_s: float = 0.0  # of duration_s
    flowing_s: float = 0.0  # how long coolant has been seen to flow
    power_w: float = 0.0
    since_step_s: float = 0.0
    high_s: float = 0.0  # how long too much has come back
    missing_s: float = 0.0
    warm_s: float = 0.0
    folded: bool = False
    reflected: float = math.nan
    stopped: str = ""


def advance(
    params: MicrowaveConstantParams, state: State, observation: Observation, permit: Permit, dt_s: float
) -> tuple[State, Demand]:
    """One tick: judge what comes back and the shaft, change phase, form the demand."""
    if state.phase == "END" or not observation.t_s < params.end[1]:
        return state._replace(phase="END", power_w=0.0), Demand(0.0, state.stopped or "end of protocol")
    cap_w = permitted_w(permit)
    dt_s = sane_dt_s(dt_s) if cap_w > 0.0 else 0.0
    state = _judge(params, state, observation, dt_s)
    if not state.stopped:
        state = _next_phase(params, state)
    if state.stopped or state.phase == "END":
        return state._replace(phase="END", power_w=0.0), Demand(0.0, state.stopped or "end of protocol")
    if cap_w <= 0.0 and state.phase == "RUN":
        state = state._replace(phase="SOFT", phase_s=0.0)
    wanted_w, reason = _wanted(params, state, dt_s)
    power_w = min(wanted_w, cap_w)
    if power_w < wanted_w:
        reason = "held down by permit"
    since_step_s = 0.0 if abs(power_w - state.power_w) > STEP_W else state.since_step_s
    return state._replace(power_w=power_w, since_step_s=since_step_s), Demand(power_w, reason)


def _judge(params: MicrowaveConstantParams, state: State, observation: Observation, dt_s: float) -> State:
    """The state with time advanced, reflected share and shaft judged."""
    forward_w, reverse_w, shaft_c = observation.forward_w, observation.reverse_w, observation.shaft_c
    since_step_s, reflected, high_s, stopped = state.since_step_s + dt_s, math.nan, state.high_s, state.stopped
    missing = forward_w is None or reverse_w is None or not (present(forward_w) and present(reverse_w))
    if forward_w is not None and reverse_w is not None and not missing and forward_w >= JUDGED_ABOVE_W:
        reflected = max(0.0, reverse_w) / forward_w
        if since_step_s > SETTLE_S:
            high_s = high_s + dt_s if reflected > params.fold_above else 0.0
            soft = state.phase == "SOFT"
            if reflected > params.stop_above or (soft and reflected >= SOFT_REFLECTED):
                stopped = f"{100.0 * reflected:.0f} % of the power comes back: antenna, cable, contact with tissue"
    warm_s = state.warm_s
    if params.shaft_max_c is not None:
        if shaft_c is None or not present(shaft_c):
            missing = True
        else:
            warm_s = warm_s + dt_s if shaft_c > params.shaft_max_c else 0.0
            if warm_s >= SHAFT_S:
                stopped = f"shaft at {shaft_c:.0f} degC: coolant of the shaft"
    flow_ml_min, enough_ml_min = observation.flow_ml_min, params.flow_min_ml_min
    flows = enough_ml_min is None or (flow_ml_min is not None and flow_ml_min >= enough_ml_min)
    fold = high_s >= FOLD_S and not state.folded
    return state._replace(
        phase_s=state.phase_s + dt_s,
        ran_s=state.ran_s + dt_s if state.phase == "RUN" else state.ran_s,
        flowing_s=state.flowing_s + dt_s if flows else 0.0,
        since_step_s=since_step_s,
        high_s=0.0 if fold else high_s,
        missing_s=state.missing_s + dt_s if missing else 0.0,
        warm_s=warm_s,
        folded=state.folded or fold,
        reflected=reflected,
        stopped=stopped,
    )


def _next_phase(params: MicrowaveConstantParams, state: State) -> State:
    phase, phase_s = state.phase, state.phase_s
    if phase == "PRIME":
        if params.flow_min_ml_min is None or state.flowing_s >= params.prime_s:
            return state._replace(phase="SOFT", phase_s=0.0)
        if phase_s >= PRIME_PATIENCE_S:
            return state._replace(stopped="coolant does not flow: pump, tubing, bag")
        return state
    if phase == "BLIND":
        return state._replace(phase="SOFT", phase_s=0.0) if state.missing_s == 0.0 else state
    if state.missing_s > MISSING_S:
        return state._replace(phase="BLIND", phase_s=0.0)
    if phase == "SOFT":
        return state._replace(phase="RUN", phase_s=0.0) if phase_s >= SOFT_S else state
    return state._replace(phase="END") if state.ran_s >= params.duration_s else state


def _wanted(params: MicrowaveConstantParams, state: State, dt_s: float) -> tuple[float, str]:
    if state.phase == "PRIME":
        return 0.0, "waiting for coolant"
    if state.phase == "BLIND":
        return 0.0, "forward, reflected power or shaft cannot be read"
    full_w = 0.5 * params.power_w if state.folded else params.power_w
    if state.phase == "SOFT":
        return min(SOFT_W, full_w), "soft start"
    if params.duty < 1.0 and state.ran_s % params.period_s >= params.duty * params.period_s:
        return 0.0, "duty cycle: off"
    # Pulses switch at once; without them power rises, so that a permit that returns is no step.
    rise_w = RISE_W_PER_S * dt_s if params.duty == 1.0 else full_w
    power_w = min(full_w, state.power_w + rise_w)
    return power_w, "half power: too much comes back" if state.folded else "constant power"


class MicrowaveConstant(Law[MicrowaveConstantParams]):
    """See the module's text."""

    PARAMS = MicrowaveConstantParams

    def __init__(self, params: MicrowaveConstantParams) -> None:
        super().__init__(params)
        self.state = State()

    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        self.state, demand = advance(self.params, self.state, observation, permit, dt_s)
        return demand

    @property
    def finished(self) -> bool:
        return self.state.phase == "END"

    @property
    def stopped(self) -> str:
        return self.state.stopped

    def internals(self) -> dict[str, float | str]:
        state = self.state
        numbers = {
            "power_w": state.power_w,
            "ran_s": state.ran_s,
            "reflected": state.reflected,
            "folded": float(state.folded),
        }
        told = {name: x for name, x in numbers.items() if math.isfinite(x)}
        return {"phase": state.phase, "stopped": state.stopped, **told}
