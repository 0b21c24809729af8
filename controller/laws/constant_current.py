"""Constant current until the tissue no longer conducts.

Published rule (Rempp et al., Acad Radiol 2014;21(5): internally cooled applicators, 1100 to 1300 mA, monopolar): the
current is held for at most 15 min; the ablation ends earlier when conductivity is lost, that is, when the generator can
no longer drive the current. The demand is the power that drives it, P = I^2 Z.

    PROBE  ``low_w`` until impedance has been read for a second
    RISE   the current goes from 0 to ``current_a`` within ``rise_s``
    HOLD   the current is held
    BLIND  0 W for 2 s after impedance was missing, then PROBE
    END    conductivity lost for ``lost_s``, or ``duration_s`` from FIRE

Conductivity is lost when the current would take more than ``power_max_w``, ``voltage_max_v`` (where given), or when
impedance is above ``impedance_max_ohm`` (where given). Ours, not published: the filter of impedance, ``lost_s``,
and that a loss which heals within it does not end the ablation; meanwhile the demand stays at the limits.
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
JUMP_OHM = 50.0

Phase = Literal["PROBE", "RISE", "HOLD", "BLIND", "END"]


class ConstantCurrentParams(LawParams):
    """Parameters of :class:`ConstantCurrent`."""

    NEEDS: ClassVar[tuple[str, ...]] = ("impedance",)

    kind: Literal["constant-current"]
    current_a: Annotated[float, Field(gt=0, le=5, description="current held, A rms")]
    power_max_w: Annotated[float, Field(gt=0, description="power beyond which conductivity is lost, W")]
    voltage_max_v: Annotated[float, Field(gt=0, description="voltage beyond which it is lost, V rms")] | None = None
    impedance_max_ohm: Annotated[float, Field(gt=0, description="impedance above which it is lost, ohm")] | None = None
    duration_s: Annotated[float, Field(gt=0, description="time from FIRE to the end, s")]
    rise_s: Annotated[float, Field(gt=0, le=120, description="time in which the current rises from 0 A, s")] = 10.0
    lost_s: Annotated[float, Field(ge=0, le=10, description="how long conductivity is lost before the end, s")] = 1.0
    low_w: Annotated[float, Field(ge=2, le=20, description="power enough to read impedance, W")] = 5.0

    @model_validator(mode="after")
    def _ordered(self) -> ConstantCurrentParams:
        rising(self, "low_w", "power_max_w")
        return self

    @property
    def peak(self) -> tuple[str, float]:
        return "power_max_w", self.power_max_w

    @property
    def end(self) -> tuple[str, float]:
        return "duration_s", self.duration_s

    @property
    def current(self) -> tuple[str, float] | None:
        return "current_a", self.current_a

    @property
    def sensing_w(self) -> float:
        return self.low_w


class State(NamedTuple):
    """Between two ticks."""

    phase: Phase = "PROBE"
    phase_s: float = 0.0
    power_w: float = 0.0
    current_a: float = 0.0  # asked now
    lost_s: float = 0.0
    meter: Meter = Meter()
    least_ohm: float = math.inf
    ended: str = ""


def advance(
    params: ConstantCurrentParams, state: State, observation: Observation, permit: Permit, dt_s: float
) -> tuple[State, Demand]:
    """One tick: read impedance, change phase, form the demand."""
    if state.phase == "END" or not observation.t_s < params.duration_s:
        ended = state.ended or "end of protocol"
        return state._replace(phase="END", power_w=0.0, ended=ended), Demand(0.0, ended)
    cap_w = permitted_w(permit)
    dt_s = sane_dt_s(dt_s) if cap_w > 0.0 else 0.0
    meter = state.meter.read(observation, dt_s, JUMP_OHM)
    state = _next_phase(params, state._replace(meter=meter, phase_s=state.phase_s + dt_s), cap_w)
    z_ohm = state.meter.filtered_ohm
    if state.phase == "BLIND":
        wanted_w, reason = 0.0, "impedance missing"
    elif state.phase == "PROBE":
        wanted_w, reason = params.low_w, "reading impedance"
    else:
        current_a = min(params.current_a, state.current_a + params.current_a * dt_s / params.rise_s)
        needed_w = current_a * current_a * z_ohm
        limit_w = params.power_max_w
        if params.voltage_max_v is not None:
            limit_w = min(limit_w, params.voltage_max_v**2 / z_ohm)
        lost = needed_w > limit_w or (params.impedance_max_ohm is not None and z_ohm > params.impedance_max_ohm)
        lost_s = state.lost_s + dt_s if lost else 0.0
        state = state._replace(lost_s=lost_s, least_ohm=min(state.least_ohm, z_ohm))
        if lost and lost_s >= params.lost_s:
            ended = f"conductivity lost at {observation.t_s:.0f} s: {z_ohm:.0f} ohm"
            return state._replace(phase="END", power_w=0.0, ended=ended), Demand(0.0, ended)
        wanted_w = min(needed_w, limit_w)
        reason = "conductivity is being lost" if lost else "rise" if state.phase == "RISE" else "constant current"
        state = state._replace(current_a=math.sqrt(min(wanted_w, cap_w) / z_ohm))
    power_w = min(wanted_w, cap_w)
    if power_w < wanted_w:
        reason = "held down by permit"
    return state._replace(power_w=power_w, meter=state.meter.after(state.power_w, power_w)), Demand(power_w, reason)


def _next_phase(params: ConstantCurrentParams, state: State, cap_w: float) -> State:
    phase, meter = state.phase, state.meter
    if phase == "PROBE":
        if state.phase_s >= PROBE_S and meter.known and meter.missing_s == 0.0:
            # The power that probes is where the current starts from: no step down.
            start_a = min(params.current_a, math.sqrt(state.power_w / meter.filtered_ohm))
            return state._replace(phase="RISE", phase_s=0.0, current_a=start_a)
        if state.phase_s >= PROBE_S + PROBE_PATIENCE_S:
            return state._replace(phase="BLIND", phase_s=0.0, meter=Meter())
    elif phase == "BLIND":
        if state.phase_s >= BLIND_S:
            return state._replace(phase="PROBE", phase_s=0.0, meter=Meter())
    elif cap_w <= 0.0:
        return state._replace(phase="PROBE", phase_s=0.0, lost_s=0.0, current_a=0.0, meter=Meter())
    elif meter.missing_s > MISSING_S:
        return state._replace(phase="BLIND", phase_s=0.0, lost_s=0.0, current_a=0.0, meter=Meter())
    elif phase == "RISE" and state.current_a >= params.current_a:
        return state._replace(phase="HOLD", phase_s=0.0)
    return state


class ConstantCurrent(Law[ConstantCurrentParams]):
    """See the module's text."""

    PARAMS = ConstantCurrentParams

    def __init__(self, params: ConstantCurrentParams) -> None:
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
        return 1 if self.state.ended.startswith("conductivity lost") else 0

    def internals(self) -> dict[str, float | str]:
        state = self.state
        numbers = {
            "power_w": state.power_w,
            "current_a": state.current_a,
            "filtered_ohm": state.meter.filtered_ohm,
            "least_ohm": state.least_ohm,
        }
        told = {name: x for name, x in numbers.items() if math.isfinite(x)}
        return {"phase": state.phase, "ended": state.ended, **told}
