"""Track ablation: heating the channel while the applicator is drawn back, so that nothing living is carried along.

Customary rule (operators' texts of the machines): 20 to 30 W during withdrawal, or withdrawal in steps of 1 cm whenever
the tip has reached 70 degC. Coolant is off.

    ON   ``power_w``; with ``target_c`` less the nearer the tip is to it: full power to ``band_c`` below, none
         ``band_c`` above
    END  at ``duration_s`` from FIRE

With ``target_c`` the operator is asked to draw back by ``step_mm`` each time the tip has reached it, without a target
by ``length_mm`` as soon as power flows. Withdrawn by ``length_mm``, where it is given, it ends. Ours, not published:
the band, that power rises within ``rise_s``, and that the tip is judged anew :data:`SETTLED_S` after a step, when the
sensor has followed.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from controller.laws.base import Ask, Law, LawParams, Observation, permitted_w, present, sane_dt_s
from safety.types import Demand, Permit

SETTLED_S = 3.0
"""A thermocouple in a needle follows within a second or two."""


class TrackAblationParams(LawParams):
    """Parameters of :class:`TrackAblation`."""

    kind: Literal["track-ablation"]
    power_w: Annotated[float, Field(gt=0, le=60, description="power during withdrawal, W")]
    target_c: Annotated[float, Field(ge=50, le=110, description="tip before it is drawn on")] | None = None
    band_c: Annotated[float, Field(gt=0, le=20, description="half the width in which power goes to zero, K")] = 5.0
    step_mm: Annotated[float, Field(gt=0, le=50, description="drawn back at a time, once the tip is hot")] = 10.0
    length_mm: Annotated[float, Field(gt=0, le=300, description="withdrawn this far, it ends, mm")] | None = None
    duration_s: Annotated[float, Field(gt=0, description="time from FIRE to the end, s")]
    rise_s: Annotated[float, Field(gt=0, le=60, description="time in which the power rises from 0 W, s")] = 2.0

    @property
    def needs(self) -> tuple[str, ...]:
        return ("tip",) if self.target_c is not None else ()

    @property
    def peak(self) -> tuple[str, float]:
        return "power_w", self.power_w

    @property
    def end(self) -> tuple[str, float]:
        return "duration_s", self.duration_s

    @property
    def target(self) -> tuple[str, float] | None:
        return ("target_c", self.target_c) if self.target_c is not None else None

    @property
    def hands(self) -> bool:
        return self.target_c is not None or self.length_mm is not None


class State(NamedTuple):
    """Between two ticks."""

    power_w: float = 0.0
    reached: bool = False  # the target, at this tick
    finished: bool = False
    due: bool = False  # to be drawn back: stays until it was
    withdrawn_mm: float = 0.0  # as confirmed
    settling_s: float = 0.0  # left of SETTLED_S


def advance(
    params: TrackAblationParams, state: State, observation: Observation, permit: Permit, dt_s: float
) -> tuple[State, Demand]:
    """One tick. Where the permit clamps, the demand follows it down at once and returns at the rate of the rise."""
    if state.finished or not observation.t_s < params.duration_s:
        return State(finished=True), Demand(0.0, "end of protocol")
    dt_s = sane_dt_s(dt_s)
    due, withdrawn_mm, settling_s = state.due, state.withdrawn_mm, max(0.0, state.settling_s - dt_s)
    if observation.withdrawn_mm is not None and observation.withdrawn_mm > withdrawn_mm:
        due, withdrawn_mm, settling_s = False, observation.withdrawn_mm, SETTLED_S
        if params.length_mm is not None and withdrawn_mm >= params.length_mm:
            return State(finished=True, withdrawn_mm=withdrawn_mm), Demand(0.0, "withdrawn")
    share, reached = 1.0, True
    if params.target_c is not None:
        tip_c = observation.tip_c
        if tip_c is None or not present(tip_c):
            blind = State(due=due, withdrawn_mm=withdrawn_mm, settling_s=settling_s)
            return blind, Demand(0.0, "tip is not read")
        reached = tip_c >= params.target_c
        share = max(0.0, min(1.0, 0.5 - (tip_c - params.target_c) / (2.0 * params.band_c)))
    due = due or (reached and settling_s <= 0.0)
    climb_w = params.power_w * dt_s / params.rise_s
    wanted_w = min(share * params.power_w, state.power_w + climb_w)
    power_w = min(wanted_w, permitted_w(permit))
    state = State(power_w, reached, due=due, withdrawn_mm=withdrawn_mm, settling_s=settling_s)
    if power_w < wanted_w:
        return state, Demand(power_w, "held down by permit")
    return state, Demand(power_w, "withdraw" if reached else "wait for the tip")


class TrackAblation(Law[TrackAblationParams]):
    """See the module's text."""

    PARAMS = TrackAblationParams

    def __init__(self, params: TrackAblationParams) -> None:
        super().__init__(params)
        self.state = State()

    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        self.state, demand = advance(self.params, self.state, observation, permit, dt_s)
        return demand

    @property
    def finished(self) -> bool:
        return self.state.finished

    @property
    def asks(self) -> Ask | None:
        params, state = self.params, self.state
        if state.finished or not state.due or not params.hands:
            return None
        left_mm = math.inf if params.length_mm is None else params.length_mm - state.withdrawn_mm
        step_mm = min(params.step_mm if params.target_c is not None else left_mm, left_mm)
        return Ask("pull-back", step_mm, f"draw the applicator back by {step_mm:g} mm")

    def internals(self) -> dict[str, float | str]:
        advice = "" if self.state.finished else "withdraw" if self.state.reached else "wait"
        return {"phase": "END" if self.state.finished else "ON", "power_w": self.state.power_w, "advice": advice}
