"""Constant power for a set time.

Rule: after FIRE the demand rises linearly from 0 W to ``power_w`` within ``rise_s`` and stays there until
``duration_s``. This is the regime of most published ex vivo and model studies, e.g. 30 W for 12 min at 450 kHz
(Haemmerich et al., IEEE Trans Biomed Eng 2011, PMC3108076).
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from controller.laws.base import Law, LawParams, Observation, permitted_w, sane_dt_s
from safety.types import Demand, Permit


class ConstantPowerParams(LawParams):
    """Parameters of :class:`ConstantPower`."""

    kind: Literal["constant-power"]
    power_w: Annotated[float, Field(gt=0, description="power held, W")]
    duration_s: Annotated[float, Field(gt=0, description="time from FIRE to the end, s")]
    rise_s: Annotated[float, Field(ge=0, le=60, description="time in which the power rises from 0 W, s")] = 1.0

    @property
    def peak(self) -> tuple[str, float]:
        return "power_w", self.power_w

    @property
    def end(self) -> tuple[str, float]:
        return "duration_s", self.duration_s


class State(NamedTuple):
    """Between two ticks."""

    power_w: float = 0.0
    finished: bool = False


def advance(
    params: ConstantPowerParams, state: State, observation: Observation, permit: Permit, dt_s: float
) -> tuple[State, Demand]:
    """One tick. Where the permit clamps, the demand follows it down at once and returns at the rate of the rise."""
    if state.finished or not observation.t_s < params.duration_s:  # a time that is no number ends it too
        return State(0.0, finished=True), Demand(0.0, "end of protocol")
    climb_w = params.power_w * sane_dt_s(dt_s) / params.rise_s if params.rise_s > 0.0 else params.power_w
    wanted_w = min(params.power_w, state.power_w + climb_w)
    power_w = min(wanted_w, permitted_w(permit))
    if power_w < wanted_w:
        return State(power_w), Demand(power_w, "held down by permit")
    return State(power_w), Demand(power_w, "constant power" if power_w == params.power_w else "rise")


class ConstantPower(Law[ConstantPowerParams]):
    """See the module's text."""

    PARAMS = ConstantPowerParams

    def __init__(self, params: ConstantPowerParams) -> None:
        super().__init__(params)
        self.state = State()

    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        self.state, demand = advance(self.params, self.state, observation, permit, dt_s)
        return demand

    @property
    def finished(self) -> bool:
        return self.state.finished

    def internals(self) -> dict[str, float | str]:
        return {"phase": "END" if self.state.finished else "ON", "power_w": self.state.power_w}
