"""Switching one generator between several electrodes: three internally cooled needles that take turns.

Published rule (multi-electrode switching controllers: FRANC, PMC6435052, switch at a rise of 30 ohm over the
electrode's own baseline; Dual-switching study, PMC3655292, 12 min in all for three electrodes): the power goes to the
next electrode of the ring after ``turn_s`` (30 s) or at once when its impedance has risen by ``rise_ohm``; an
electrode that rolled off is skipped for ``recovery_s`` (15 s). With ``together: 2`` a turn drives two neighbours of
the ring at one potential (dual switching).

    GAP    0 W for ``gap_s`` while the switch changes over: it is never switched under power
    PROBE  ``low_w`` for half a second, in which the new electrode's impedance is read
    ON     from the turn's own power upwards at ``ramp_w_per_min`` to ``power_max_w`` or ``current_max_a``
    REST   0 W: every electrode recovers
    BLIND  0 W for 2 s after impedance was missing, then the next turn
    END    at ``duration_s`` from FIRE

Each turn's power begins at ``start_w``, goes on in its next turn from where it was, and after a roll-off from
``resume`` times that, each time coming up at 50 W/s (ours, like gap, probe and filter). A demand names the electrodes
of its turn in ``channels``; where the bench tells which ones are connected, power waits in GAP until they are.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from controller.laws.base import Law, LawParams, Observation, permitted_w, sane_dt_s
from controller.laws.contradiction import Contradiction, rising
from controller.laws.impedance import MISSING_S, Meter
from safety.types import Demand, Permit

PROBE_S, PROBE_PATIENCE_S, SETTLE_S, BLIND_S = 0.5, 2.0, 1.0, 2.0
RISE_W_PER_S = 50.0

Phase = Literal["GAP", "PROBE", "ON", "REST", "BLIND", "END"]


class SwitchingParams(LawParams):
    """Parameters of :class:`Switching`."""

    NEEDS: ClassVar[tuple[str, ...]] = ("impedance", "switch")

    kind: Literal["switching"]
    electrodes: Annotated[int, Field(ge=2, le=8, description="electrodes on the switch")]
    together: Annotated[int, Field(ge=1, le=2, description="electrodes that a turn connects")] = 1
    start_w: Annotated[float, Field(gt=0, description="power of a first turn at its start, W")]
    ramp_w_per_min: Annotated[float, Field(gt=0, description="rate of the ramp, W/min")]
    power_max_w: Annotated[float, Field(gt=0, description="power at which the ramp holds, W")]
    current_max_a: Annotated[float, Field(gt=0, description="current that is never demanded beyond, A rms")]
    turn_s: Annotated[float, Field(ge=1, description="longest turn, s")] = 30.0
    rise_ohm: Annotated[float, Field(gt=0, description="rise over the baseline that ends a turn, ohm")] = 30.0
    recovery_s: Annotated[float, Field(ge=0, description="how long an electrode rests after a roll-off, s")] = 15.0
    resume: Annotated[float, Field(gt=0, le=1, description="power after a roll-off as a fraction of that at it")] = 0.7
    duration_s: Annotated[float, Field(gt=0, description="time from FIRE to the end, s")]
    gap_s: Annotated[float, Field(ge=0, le=2, description="time without power for the switch to change over, s")] = 0.2
    low_w: Annotated[float, Field(ge=2, le=20, description="power enough to read impedance, W")] = 10.0

    @model_validator(mode="after")
    def _ordered(self) -> SwitchingParams:
        rising(self, "low_w", "start_w", "power_max_w")
        if not self.together < self.electrodes:
            raise Contradiction("together must be less than electrodes", ("together",), ("electrodes",))
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

    @property
    def addresses(self) -> int:
        return self.electrodes

    def channels(self, turn: int) -> tuple[int, ...]:
        """The electrodes of turn ``turn`` of the ring, from 0."""
        return tuple((turn + k) % self.electrodes for k in range(self.together))


class Turn(NamedTuple):
    """What is kept of a turn until its next time."""

    power_w: float
    ready_s: float = -math.inf  # when it has recovered
    baseline_ohm: float = math.inf
    rolloffs: int = 0


class State(NamedTuple):
    """Between two ticks."""

    phase: Phase = "GAP"
    phase_s: float = 0.0
    turn: int = 0
    power_w: float = 0.0
    meter: Meter = Meter()
    turns: tuple[Turn, ...] = ()


def advance(
    params: SwitchingParams, state: State, observation: Observation, permit: Permit, dt_s: float
) -> tuple[State, Demand]:
    """One tick: read impedance, change turn or phase, form the demand."""
    if state.phase == "END" or not observation.t_s < params.duration_s:
        return state._replace(phase="END", power_w=0.0), Demand(0.0, "end of protocol", ())
    if not state.turns:
        state = state._replace(turns=(Turn(params.start_w),) * params.electrodes)
    cap_w = permitted_w(permit)
    dt_s = sane_dt_s(dt_s) if cap_w > 0.0 else 0.0
    turn = state.turn
    channels = params.channels(turn)
    connected = observation.channels
    there = connected is None or connected == channels or set(connected) == set(channels)
    meter = state.meter.read(observation if there else Observation(observation.t_s), dt_s, params.rise_ohm)
    state = state._replace(meter=meter, phase_s=state.phase_s + dt_s)
    state = _next_phase(params, state, observation.t_s, cap_w, there)
    goal_w, reason = _goal(params, state, dt_s)
    wanted_w = min(goal_w, state.power_w + RISE_W_PER_S * dt_s) if state.phase == "ON" else goal_w
    power_w = min(wanted_w, cap_w)
    if power_w < wanted_w:
        reason = "held down by permit"
    if state.phase == "ON" and cap_w > 0.0:
        kept = state.turns[state.turn]
        baseline_ohm = kept.baseline_ohm
        if state.phase_s >= PROBE_S and state.meter.known:
            baseline_ohm = min(baseline_ohm, state.meter.filtered_ohm)
        level_w = power_w if power_w < wanted_w else goal_w
        state = _keep(state, kept._replace(power_w=level_w, baseline_ohm=baseline_ohm))
    named = channels if state.turn == turn else params.channels(state.turn)
    state = state._replace(power_w=power_w, meter=state.meter.after(state.power_w, power_w))
    return state, Demand(power_w, reason, named)


def _keep(state: State, turn: Turn) -> State:
    turns = (*state.turns[: state.turn], turn, *state.turns[state.turn + 1 :])
    return state._replace(turns=turns)


def _enter(phase: Phase, state: State) -> State:
    return state._replace(phase=phase, phase_s=0.0, meter=Meter())


def _next_phase(params: SwitchingParams, state: State, t_s: float, cap_w: float, there: bool) -> State:
    phase, phase_s, meter = state.phase, state.phase_s, state.meter
    turn = state.turns[state.turn]
    if phase == "GAP":
        return _enter("PROBE", state) if phase_s >= params.gap_s and there else state
    if phase == "PROBE":
        if phase_s >= PROBE_S and meter.known and meter.missing_s == 0.0:
            return state._replace(phase="ON", phase_s=0.0)
        return _enter("BLIND", state) if phase_s >= PROBE_S + PROBE_PATIENCE_S else state
    if phase == "BLIND":
        return _next_turn(params, state, t_s) if phase_s >= BLIND_S else state
    if phase == "REST":
        return _next_turn(params, state, t_s)
    if meter.filtered_ohm > turn.baseline_ohm + params.rise_ohm and phase_s >= SETTLE_S:
        lower_w = max(params.start_w, params.resume * turn.power_w)
        rolled = Turn(lower_w, t_s + params.recovery_s, turn.baseline_ohm, turn.rolloffs + 1)
        return _next_turn(params, _keep(state, rolled), t_s)
    if cap_w <= 0.0:
        return _enter("PROBE", state)
    if meter.missing_s > MISSING_S or not there:
        return _enter("BLIND", state)
    return _next_turn(params, state, t_s) if phase_s >= params.turn_s else state


def _next_turn(params: SwitchingParams, state: State, t_s: float) -> State:
    """The next turn of the ring that has recovered; it may be the same one again."""
    for step in range(1, params.electrodes + 1):
        turn = (state.turn + step) % params.electrodes
        if state.turns[turn].ready_s <= t_s:
            return _enter("GAP", state)._replace(turn=turn)
    return state if state.phase == "REST" else _enter("REST", state)


def _goal(params: SwitchingParams, state: State, dt_s: float) -> tuple[float, str]:
    """What the phase is after; within a turn the power comes up to it at RISE_W_PER_S, and the ramp waits for it."""
    if state.phase == "GAP":
        return 0.0, "changing electrodes"
    if state.phase == "REST":
        return 0.0, "every electrode recovers"
    if state.phase == "BLIND":
        return 0.0, "impedance missing"
    if state.phase == "PROBE":
        return params.low_w, "reading impedance"
    level_w = state.turns[state.turn].power_w
    ramp_w = params.ramp_w_per_min * dt_s / 60.0 if state.power_w >= level_w else 0.0
    power_w = min(level_w + ramp_w, params.power_max_w)
    if state.meter.known:
        current_cap_w = params.current_max_a**2 * state.meter.filtered_ohm
        if current_cap_w < power_w:
            return current_cap_w, "current limit"
    return power_w, f"electrode {state.turn + 1}"


class Switching(Law[SwitchingParams]):
    """See the module's text."""

    PARAMS = SwitchingParams

    def __init__(self, params: SwitchingParams) -> None:
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
        return sum(turn.rolloffs for turn in self.state.turns)

    def internals(self) -> dict[str, float | str]:
        state = self.state
        numbers = {
            "electrode": state.turn + 1.0,
            "power_w": state.power_w,
            "filtered_ohm": state.meter.filtered_ohm,
            "baseline_ohm": state.turns[state.turn].baseline_ohm if state.turns else math.inf,
            "rolloffs": float(self.rolloffs),
        }
        return {"phase": state.phase, **{name: x for name, x in numbers.items() if math.isfinite(x)}}
