"""Coolant reaches the applicator: flow (H38, H39, H40) and air in the line (H41), and after energy as well (H44)."""

from __future__ import annotations

from collections.abc import Iterable

from safety.monitors.base import CHECKED, INHIBIT, NOTHING, TRIP, Debounce, Debounces, Finding, Monitor, View, grade
from safety.types import State

ENDING = frozenset({State.STOPPING, State.COOLDOWN})
WAITING = frozenset({State.READY, State.ARMED})


def _runs(view: View) -> bool:
    """Coolant must flow: from PRECHECK on, and after energy until the applicator is cold."""
    return view.s.pump_on and (view.state in CHECKED or (view.s.fired and view.state in ENDING))


class Flow(Monitor):
    """Flow at the downstream sensor, for as long as the pump is asked to run; the pump is given a second to come up.

    That second is no leave to fire without coolant: nobody arms, nor stays armed, while a reading is low, and in FIRING
    every reading counts.

    In gas a flow sensor reads nothing: while ``air`` says so, the verdict is left to :class:`Air`, which lets a bubble
    pass. Without that a stall would have to be waited for as long as a bubble, and air would be called a stall.
    """

    DEBOUNCE = Debounce(2, 4, 0.08)
    SPIN_UP_S = 1.0

    def __init__(self, index: int, channel: str, min_ml_min: float, air: int | None = None) -> None:
        self._index, self._channel, self._min, self._air = index, channel, min_ml_min, air

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        sample = view.samples[self._index]
        if not _runs(view) or sample is None:
            return {}, NOTHING
        least = max(view.inputs.flow_due_ml_min, self._min)  # in this order NaN stays, and is no evidence of flow
        low = not sample.value >= least
        spins = view.now_s - view.s.pump_since_s < self.SPIN_UP_S
        severity = INHIBIT if view.state is State.PRECHECK or (spins and view.state in WAITING) else TRIP
        if severity is INHIBIT:
            memory, fires = {}, low
        elif spins and view.state is not State.FIRING:
            return {}, NOTHING
        else:
            air = view.samples[self._air] if self._air is not None else None
            gas = air is not None and air.value != 0.0
            memory, fires = self.DEBOUNCE.judge(memory, 0, sample.t_request_s, low and not gas)
        if not fires:
            return memory, NOTHING
        text = f"{self._channel} is {sample.value:.1f} ml/min, at least {least:g} is needed"
        check = "pump, tubing, kinks, leaks and the fluid bag"
        found = ("H38", "coolant_flow", self._channel, sample.value, least, view.now_s - sample.t_request_s)
        return memory, [Finding("flow", severity, *found, text, check)]


class Air(Monitor):
    """No air passes the sensor for longer than a bubble takes."""

    DEBOUNCE = Debounce(2, 3, 0.3)

    def __init__(self, index: int, channel: str) -> None:
        self._index, self._channel = index, channel

    def update(self, memory: Debounces, view: View) -> tuple[Debounces, Iterable[Finding]]:
        """Judge one tick."""
        sample = view.samples[self._index]
        if not _runs(view) or sample is None:
            return {}, NOTHING
        memory, fires = self.DEBOUNCE.judge(memory, 0, sample.t_request_s, sample.value != 0.0)
        if not fires:
            return memory, NOTHING
        severity = INHIBIT if view.state is State.READY else grade(view.state)
        age, value = view.now_s - sample.t_request_s, sample.value
        text = f"{self._channel}: air in the coolant line"
        check = "the fluid bag and every joint on the suction side; prime the line"
        return memory, [Finding("air", severity, "H41", "air_in_line", self._channel, value, 0.0, age, text, check)]
