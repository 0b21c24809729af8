"""Constant current until the tissue no longer conducts.

Published rule (Rempp et al., Acad Radiol 2014;21(5): internally cooled applicators, 1100 to 1300 mA, monopolar): the
current is held for at most 15 min; the ablation ends earlier when conductivity is lost, that is, when the generator can
no longer drive the current. The demand is the power that drives it, P = I^2 Z.

    PROBE  ``low_w`` until impedance has been read for a second
    RISE   the current goes from 0 to ``current_a`` within ``rise_s``
    HOLD   the current is held
    LOST   0 W for ``lost_s`` once a reading says that the current cannot be driven, then PROBE: does it conduct again?
    BLIND  0 W for 2 s after impedance was missing, then PROBE
    END    conductivity lost, or ``duration_s`` from FIRE

Conductivity is lost where the current would take more than ``power_max_w``, ``voltage_max_v`` (where given), or where
impedance is above ``impedance_max_ohm`` (where given): still after LOST, or again within 30 s. Ours, not published: the
filter of impedance, ``lost_s``, and those 30 s. One reading is enough, as tissue that dries goes from twice its
impedance to ten times within a quarter of a second: for END where impedance had been near the limit before, otherwise
for LOST, so that a reading that was only noise costs ``lost_s``.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from controller.laws.base import Law, LawParams, Observation, permitted_w, present, sane_dt_s
from controller.laws.contradiction import rising
from controller.laws.impedance import MISSING_S, Meter
from safety.types import Demand, Permit

PROBE_S, PROBE_PATIENCE_S, BLIND_S = 1.0, 2.0, 2.0
JUMP_OHM = 50.0
NEAR = 0.8
"""Filtered impedance above this share of the limit makes a reading above the limit credible."""
RISEN = 2.0
"""While the current rises: times the least impedance."""
AGAIN_S = 30.0
"""A loss so soon after one that healed is final."""

Phase = Literal["PROBE", "RISE", "HOLD", "LOST", "BLIND", "END"]


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
    lost_s: Annotated[float, Field(ge=0.2, le=10, description="pause in which a loss may heal, s")] = 1.0
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
    since_loss_s: float = math.inf
    meter: Meter = Meter()
    least_ohm: float = math.inf
    ended: str = ""


def limit_ohm(params: ConstantCurrentParams) -> float:
    """Impedance above which the current cannot be driven."""
    most_ohm = params.power_max_w / params.current_a**2
    if params.voltage_max_v is not None:
        most_ohm = min(most_ohm, params.voltage_max_v / params.current_a)
    return most_ohm if params.impedance_max_ohm is None else min(most_ohm, params.impedance_max_ohm)


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
    state = state._replace(meter=meter, phase_s=state.phase_s + dt_s, since_loss_s=state.since_loss_s + dt_s)
    state = _next_phase(params, state, observation, cap_w)
    if state.phase == "END":
        return state._replace(power_w=0.0), Demand(0.0, state.ended)
    if state.phase == "BLIND":
        wanted_w, reason = 0.0, "impedance missing"
    elif state.phase == "LOST":
        wanted_w, reason = 0.0, "conductivity is being lost"
    elif state.phase == "PROBE":
        wanted_w, reason = params.low_w, "reading impedance"
    else:
        z_ohm = state.meter.filtered_ohm
        current_a = min(params.current_a, state.current_a + params.current_a * dt_s / params.rise_s)
        wanted_w = min(current_a * current_a * z_ohm, params.power_max_w)
        reason = "rise" if state.phase == "RISE" else "constant current"
        driven_a = math.sqrt(min(wanted_w, cap_w) / z_ohm)
        state = state._replace(current_a=driven_a, least_ohm=min(state.least_ohm, z_ohm))
    power_w = min(wanted_w, cap_w)
    if power_w < wanted_w:
        reason = "held down by permit"
    return state._replace(power_w=power_w, meter=state.meter.after(state.power_w, power_w)), Demand(power_w, reason)


def _next_phase(params: ConstantCurrentParams, state: State, observation: Observation, cap_w: float) -> State:
    phase, meter, most_ohm = state.phase, state.meter, limit_ohm(params)
    if phase == "PROBE":
        if state.phase_s >= PROBE_S + PROBE_PATIENCE_S:
            return _enter("BLIND", state)
        if not meter.known or meter.missing_s > 0.0:
            return state
        if state.since_loss_s < AGAIN_S and meter.filtered_ohm > most_ohm:
            return _lost(state, observation.t_s, meter.filtered_ohm)
        if state.phase_s < PROBE_S:
            return state
        # The power that probes is where the current starts from: no step down.
        start_a = min(params.current_a, math.sqrt(state.power_w / meter.filtered_ohm))
        return state._replace(phase="RISE", phase_s=0.0, current_a=start_a)
    if phase in ("BLIND", "LOST"):
        return _enter("PROBE", state) if state.phase_s >= (BLIND_S if phase == "BLIND" else params.lost_s) else state
    if cap_w <= 0.0:
        return _enter("PROBE", state)
    if phase == "RISE":  # cold tissue may take more than the generator has; it is lost where impedance has risen
        most_ohm = max(most_ohm, RISEN * state.least_ohm)
    z_ohm = observation.impedance_ohm
    if z_ohm is not None and present(z_ohm) and z_ohm > most_ohm and state.phase_s - observation.impedance_age_s > 0.0:
        if state.since_loss_s < AGAIN_S or meter.filtered_ohm > NEAR * most_ohm:
            return _lost(state, observation.t_s, z_ohm)
        return _enter("LOST", state)._replace(since_loss_s=0.0)
    if meter.missing_s > MISSING_S:
        return _enter("BLIND", state)
    if phase == "RISE" and state.current_a >= params.current_a:
        return state._replace(phase="HOLD", phase_s=0.0)
    return state


def _enter(phase: Phase, state: State) -> State:
    return state._replace(phase=phase, phase_s=0.0, current_a=0.0, meter=Meter())


def _lost(state: State, t_s: float, z_ohm: float) -> State:
    return state._replace(phase="END", ended=f"conductivity lost at {t_s:.0f} s: {z_ohm:.0f} ohm")


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
            "rolloffs": float(self.rolloffs),
        }
        told = {name: x for name, x in numbers.items() if math.isfinite(x)}
        return {"phase": state.phase, "ended": state.ended, **told}
