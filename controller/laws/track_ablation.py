"""Track ablation: heating the channel while the applicator is drawn back, so that nothing living is carried along.

Customary rule (operators' texts of the machines): 20 to 30 W during withdrawal, or withdrawal in steps of 1 cm whenever
the tip has reached 70 degC. Coolant is off.

    ON   ``power_w``; with ``target_c`` less the nearer the tip is to it: full power to ``band_c`` below, none
         ``band_c`` above
    END  at ``duration_s`` from FIRE

With ``target_c`` the advice is to wait until the tip has reached it, then to withdraw. Ours, not published: the band,
and that power rises within ``rise_s``.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from controller.laws.base import Law, LawParams, Observation, permitted_w, present, sane_dt_s
from safety.types import Demand, Permit


class TrackAblationParams(LawParams):
    """Parameters of :class:`TrackAblation`."""

    kind: Literal["track-ablation"]
    power_w: Annotated[float, Field(gt=0, le=60, description="power during withdrawal, W")]
    target_c: Annotated[float, Field(ge=50, le=110, description="tip before it is drawn on")] | None = None
    band_c: Annotated[float, Field(gt=0, le=20, description="half the width in which power goes to zero, K")] = 5.0
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


class State(NamedTuple):
    """Between two ticks."""

    power_w: float = 0.0
    reached: bool = False  # the target, at this tick
    finished: bool = False


def advance(
    params: TrackAblationParams, state: State, observation: Observation, permit: Permit, dt_s: float
) -> tuple[State, Demand]:
    """One tick. Where the permit clamps, the demand follows it down at once and returns at the rate of the rise."""
    if state.finished or not observation.t_s < params.duration_s:
        return State(finished=True), Demand(0.0, "end of protocol")
    share, reached = 1.0, True
    if params.target_c is not None:
        tip_c = observation.tip_c
        if tip_c is None or not present(tip_c):
            return State(), Demand(0.0, "tip is not read")
        reached = tip_c >= params.target_c
        share = max(0.0, min(1.0, 0.5 - (tip_c - params.target_c) / (2.0 * params.band_c)))
    climb_w = params.power_w * sane_dt_s(dt_s) / params.rise_s
    wanted_w = min(share * params.power_w, state.power_w + climb_w)
    power_w = min(wanted_w, permitted_w(permit))
    if power_w < wanted_w:
        return State(power_w, reached), Demand(power_w, "held down by permit")
    return State(power_w, reached), Demand(power_w, "withdraw" if reached else "wait for the tip")


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

    def internals(self) -> dict[str, float | str]:
        advice = "" if self.state.finished else "withdraw" if self.state.reached else "wait"
        return {"phase": "END" if self.state.finished else "ON", "power_w": self.state.power_w, "advice": advice}
