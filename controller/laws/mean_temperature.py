"""Mean-temperature control with staged deployment (expandable arrays, "RITA style"), or of one electrode by its tip.

Published rule (Go-Smart protocol files ``rita-*.xml``): the mean temperature of the tines is brought to the target
(105 degC) with at most 150 W; a stage's hold starts when the mean first reaches the target; then the array is
deployed to the next stage. A tine above its cut-off is inactive until it has cooled to its re-activation temperature;
a tine without a reading is left out of the mean. After the last hold power is off and the mean is read after 30 and
60 s; below 60 degC after 60 s the ablation is repeated. With ``sensors: tip`` the same loop holds a single electrode
at its own tip sensor (Luo et al., Acad Radiol 2010;17(8): 83 to 113 degC, 30 W).

    HEAT  proportional-integral control, the mean below the stage's target since the stage began
    HOLD  the same, the stage's time running; it stands still once the mean was 10 K short for 60 s, until it is not
    COOL  0 W for ``cool_s``, the mean noted after 30 and 60 s
    END   after COOL; heating ends at ``duration_s`` from FIRE at the latest

Ours, not published: gains; an integral that waits until the proportional part has brought the mean near or to a
standstill, grows at half its pace near the target, where tissue boils and power only dries it, gives way faster than
it grows and stands still while power is clamped; a brake (tissue that has just dried warms by 10 K/s): when the mean
would be 1 K past its target within 1.5 s, what a watt has just made is remembered for some seconds, and power is at
most what would bring the mean there in that time; the 20 W/s at which it may rise; all tines hang on one output, so a
tine above ``cut_c`` halves the power and leaves the mean until it is below ``resume_c`` (the one tip is left to the
loop); a tine is missing after three bad readings in a row; with less than half of the tines read there is no power;
where the operator confirms deployments, a hold starts only after the stage's has been confirmed. When impedance says
that tissue begins to dry (``laws.drying``), power is halved and the integral gives way, once until it has been wetted
again, and power falls as impedance rises, as at constant voltage. Above ``impedance_max_ohm``, where it is given,
there is no power (customary: 250 ohm).
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from controller.laws.base import Ask, Law, Observation, permitted_w, sane_dt_s
from controller.laws.drying import Drying
from controller.laws.stages import COOL_READINGS_S, MeanTemperatureParams
from controller.laws.tines import Tines
from safety.types import Demand, Permit

RATE_W_PER_S = 20.0
NEAR_C, STILL_C_PER_S, TREND_S = 10.0, 0.8, 0.25
"""The integral works when the mean is this near its target or moves no faster than that; time constant of its trend."""
NEAR, GIVES_WAY = 0.5, 2.0
"""Pace of the integral near the target and above it: what dried takes half of the power."""
FAST_C_PER_S, BRAKE_S, PAST_C = 2.0, 1.5, 1.0
"""The brake: slower is noise or the loop's own work; twice what readings and generator take; meant past the target."""
LATE_S, FORGET_S = 0.6, 7.0
"""Power shows in the mean so much later; a quick place is remembered for so long."""
REACHED_WITHIN_C = 1.5
"""What a thermocouple of type K, class 1, promises (IEC 60584-1): the loop comes up from below, ever more slowly."""
LAG_C, LAG_S = 10.0, 60.0
"""A hold stands still once the mean has been this far below the target for this long."""
DRY_S = 1.0
"""How long a reading above ``impedance_max_ohm`` keeps power off; it is the last one, for it takes power to measure."""
DEPLOYED_WITHIN_MM = 0.5

Phase = Literal["HEAT", "HOLD", "COOL", "END"]


class State(NamedTuple):
    """Between two ticks."""

    phase: Phase = "HEAT"
    stage: int = 0
    held_s: float = 0.0
    short_s: float = 0.0  # how long the mean has been LAG_C short
    power_w: float = 0.0
    integral_w: float = 0.0
    ceiling_w: float = math.inf  # while a tine is hot
    tines: Tines = Tines()
    lagged_c: float = math.nan  # the mean, TREND_S behind
    lagged_w: float = 0.0  # power, LATE_S behind
    quick: float = 0.0  # the most that a watt has made of late where the mean rose fast, K/s
    dry: bool = False  # impedance is too high
    drying: Drying = Drying()  # its onsets: in this stage
    cooled_s: float = 0.0
    cooled_c: tuple[float, ...] = ()  # the mean at COOL_READINGS_S
    stopped: str = ""


def advance(
    params: MeanTemperatureParams, state: State, observation: Observation, permit: Permit, dt_s: float
) -> tuple[State, Demand]:
    """One tick: read the tines, keep the times, form the demand."""
    if state.phase == "END" or not observation.t_s < math.inf:
        return state._replace(phase="END", power_w=0.0), Demand(0.0, "end of protocol")
    dt_s = sane_dt_s(dt_s)
    state = _sense(params, state, observation)
    if state.phase != "COOL" and observation.t_s >= params.duration_s:
        late = f"not finished within {params.duration_s:g} s: stage {state.stage + 1} of {len(params.stages)}"
        state = state._replace(phase="COOL", stopped=late)
    if state.phase != "COOL":
        cap_w = permitted_w(permit)
        state = _keep_time(params, state, observation, dt_s if cap_w > 0.0 else 0.0)
        if state.phase != "COOL":
            return _regulate(params, state, observation, cap_w, dt_s)
    cooled_s, cooled_c = state.cooled_s + dt_s, state.cooled_c
    if len(cooled_c) < len(COOL_READINGS_S) and cooled_s >= COOL_READINGS_S[len(cooled_c)]:
        cooled_c = (*cooled_c, state.tines.mean_c)
    phase: Phase = "END" if cooled_s >= params.cool_s else "COOL"
    state = state._replace(phase=phase, power_w=0.0, cooled_s=cooled_s, cooled_c=cooled_c)
    return state, Demand(0.0, "cooling down" if phase == "COOL" else "end of protocol")


def _sense(params: MeanTemperatureParams, state: State, observation: Observation) -> State:
    if params.sensors == "tip":
        tines = state.tines.read((observation.tip_c,), (), math.inf, math.inf)
    else:
        tines = state.tines.read(observation.tine_c, params.masked, params.cut_c, params.resume_c)
    ceiling_w = state.ceiling_w if tines.hot else math.inf
    return state._replace(tines=tines, ceiling_w=0.5 * state.power_w if tines.onset else ceiling_w)


def _keep_time(params: MeanTemperatureParams, state: State, observation: Observation, dt_s: float) -> State:
    stage = params.stages[state.stage]
    held_s, short_s, phase = state.held_s, state.short_s, state.phase
    if phase == "HEAT":
        there = state.tines.mean_c >= stage.target_c - REACHED_WITHIN_C and not asked_mm(params, state, observation)
        return state._replace(phase="HOLD") if there else state
    short_s = short_s + dt_s if not state.tines.mean_c >= stage.target_c - LAG_C else 0.0
    if short_s < LAG_S:
        held_s += dt_s
    if held_s < stage.hold_s:
        return state._replace(held_s=held_s, short_s=short_s)
    if state.stage + 1 < len(params.stages):
        drying = state.drying._replace(onsets=0)  # tines are still where it is dry; further out impedance is less
        return state._replace(phase="HEAT", stage=state.stage + 1, held_s=0.0, short_s=0.0, drying=drying)
    return state._replace(phase="COOL", held_s=held_s)


def asked_mm(params: MeanTemperatureParams, state: State, observation: Observation) -> float:
    """The deployment that the operator has yet to make, mm; 0: none, or nobody tells."""
    wanted_mm, there_mm = params.stages[state.stage].deployment_mm, observation.deployment_mm
    if wanted_mm is None or there_mm is None or there_mm >= wanted_mm - DEPLOYED_WITHIN_MM:
        return 0.0
    return wanted_mm


def _give_way(state: State, drying: Drying) -> State:
    """Half of power and integral when tissue begins to dry, of this later a fifth, thrice: more would keep it wet."""
    if not drying.onset or drying.onsets > 3:
        return state._replace(drying=drying)
    keeps = 0.5 if drying.onsets == 1 else 0.8
    return state._replace(drying=drying, power_w=0.5 * state.power_w, integral_w=keeps * state.integral_w)


def _regulate(
    params: MeanTemperatureParams, state: State, observation: Observation, cap_w: float, dt_s: float
) -> tuple[State, Demand]:
    mean_c = state.tines.mean_c
    if math.isnan(mean_c):
        why = "every tine is hot" if state.tines.hot else "too few tines are read"
        return state._replace(power_w=0.0, lagged_c=math.nan), Demand(0.0, why)
    z_ohm, most_ohm = observation.impedance_ohm, params.impedance_max_ohm
    fresh = observation.impedance_age_s <= DRY_S  # without power nothing is measured: then it is tried again
    if most_ohm is not None and z_ohm is not None and fresh and not z_ohm <= most_ohm:
        integral_w = state.integral_w if state.dry else 0.5 * state.integral_w
        return state._replace(power_w=0.0, integral_w=integral_w, dry=True), Demand(0.0, "impedance too high: dry")
    if params.sensors == "tines":
        state = _give_way(state, state.drying.read(observation, state.power_w, dt_s))
    error_c = params.stages[state.stage].target_c - mean_c
    ahead_c = 0.0 if math.isnan(state.lagged_c) else mean_c - state.lagged_c
    rise_c_per_s, room_c = ahead_c / TREND_S, max(0.0, error_c + PAST_C)
    quick = state.quick * (1.0 - dt_s / FORGET_S)
    if rise_c_per_s > FAST_C_PER_S and BRAKE_S * rise_c_per_s > room_c and state.lagged_w > 1.0:
        quick = max(quick, rise_c_per_s / state.lagged_w)
    braked_w = room_c / (BRAKE_S * quick) if quick > 0.0 else math.inf
    wanted_w = state.drying.share * (params.gain_w_per_k * error_c + state.integral_w)
    limit_w = max(0.0, min(params.power_max_w, state.ceiling_w))
    power_w = max(0.0, min(state.power_w + RATE_W_PER_S * dt_s, wanted_w, limit_w, braked_w))
    reason = "heating" if state.phase == "HEAT" else "holding"
    if limit_w < params.power_max_w:
        reason = "half power: a tine is hot"
    if power_w > cap_w:
        power_w, reason = cap_w, "held down by permit"
    integral_w = state.integral_w
    held_back = power_w < wanted_w if error_c > 0.0 else power_w > wanted_w
    if not held_back and (abs(error_c) < NEAR_C or abs(ahead_c) < STILL_C_PER_S * TREND_S):
        pace = 1.0 if error_c > NEAR_C else NEAR if error_c > 0.0 else GIVES_WAY
        integral_w += pace * params.gain_w_per_k * error_c * dt_s / params.integral_s
        integral_w = max(0.0, min(params.power_max_w, integral_w))
    lagged_c = mean_c - ahead_c * TREND_S / (TREND_S + dt_s)
    lagged_w = state.lagged_w + (power_w - state.lagged_w) * dt_s / (LATE_S + dt_s)
    state = state._replace(power_w=power_w, integral_w=integral_w, dry=False)
    state = state._replace(lagged_c=lagged_c, lagged_w=lagged_w, quick=quick)
    return state, Demand(power_w, reason)


class MeanTemperature(Law[MeanTemperatureParams]):
    """See the module's text."""

    PARAMS = MeanTemperatureParams

    def __init__(self, params: MeanTemperatureParams) -> None:
        super().__init__(params)
        self.state = State()
        self._asked_mm = asked_mm(params, self.state, Observation(0.0, deployment_mm=0.0))

    def step(self, observation: Observation, permit: Permit, dt_s: float) -> Demand:
        self.state, demand = advance(self.params, self.state, observation, permit, dt_s)
        self._asked_mm = asked_mm(self.params, self.state, observation)
        return demand

    @property
    def finished(self) -> bool:
        return self.state.phase == "END"

    @property
    def stopped(self) -> str:
        return self.state.stopped

    @property
    def asks(self) -> Ask | None:
        mark_mm = self._asked_mm
        if not mark_mm > 0.0 or self.state.phase not in ("HEAT", "HOLD"):
            return None
        return Ask("deploy", mark_mm, f"deploy the array to {mark_mm:g} mm")

    @property
    def stage(self) -> int:
        over = self.state.phase in ("COOL", "END") and not self.state.stopped
        return len(self.params.stages) if over else self.state.stage

    @property
    def advice(self) -> str:
        """What the operator should do: deploy further, or ablate again; empty: nothing."""
        state, below_c = self.state, self.params.reablate_below_c
        if state.phase in ("HEAT", "HOLD"):
            return f"deploy to {self._asked_mm:g} mm" if self._asked_mm > 0.0 else ""
        if state.cooled_c and math.isnan(state.cooled_c[-1]):
            return "the temperature after cooling was not read"
        if state.cooled_c and state.cooled_c[-1] < below_c:
            return f"re-ablate: {state.cooled_c[-1]:.0f} degC after cooling is below {below_c:g} degC"
        return ""

    def internals(self) -> dict[str, float | str]:
        state, stage = self.state, self.params.stages[self.state.stage]
        numbers = {
            "stage": state.stage + 1.0,
            "target_c": stage.target_c,
            "deployment_mm": math.nan if stage.deployment_mm is None else stage.deployment_mm,
            "mean_c": state.tines.mean_c,
            "power_w": state.power_w,
            "held_s": state.held_s,
            "tines_hot": float(state.tines.hot),
            "tines_missing": float(state.tines.missing),
            **{f"cooled_{t:.0f}s_c": c for t, c in zip(COOL_READINGS_S, state.cooled_c, strict=False)},
        }
        told = {name: x for name, x in numbers.items() if math.isfinite(x)}
        return {"phase": state.phase, "advice": self.advice, **told}
