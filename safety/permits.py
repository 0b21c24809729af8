"""What must hold besides the monitors' findings, as a table of independent predicates, and what is evidence for it.

Each row alone withholds energy or an operator's act in the states that it names. Together with
:data:`safety.monitors.ITEMS` the rows give ``blocked_by``, always in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from safety.config import Config
from safety.monitors.contacts import pressed
from safety.state import KernelState
from safety.types import Inputs, Quality, Sample, State


class Evidence(NamedTuple):
    """One tick, as the predicates see it."""

    config: Config
    state: KernelState
    inputs: Inputs
    samples: Sequence[Sample | None]
    now_s: float


def off_proven(at: Evidence, after_s: float) -> bool:
    """Every channel of the source says off, each in answer to a request made after ``after_s``, not in the future."""
    off_w = at.config.thresholds.off_w
    for i, is_flag in at.config.source:
        sample = at.samples[i]
        if sample is None or sample.quality is not Quality.GOOD or not after_s < sample.t_request_s <= at.now_s:
            return False
        if not sample.value <= (0.0 if is_flag else off_w):
            return False
    return True


def _off(at: Evidence) -> bool:
    """Off is proven, and in PRECHECK and once proven anew: by a young sample."""
    state = at.state.state
    if state is State.PRECHECK:
        return off_proven(at, at.state.entered_s)
    if state is State.TRIPPED or state is State.LOCKOUT:
        return off_proven(at, max(at.state.off_at_s, at.now_s - at.config.source_age_s))
    return off_proven(at, at.state.off_at_s)


def _cool(at: Evidence) -> bool:
    """The applicator is cold and the coolant has run on, or it had its longest cool-down, or nothing was fired."""
    state, timing = at.state, at.config.timing
    in_state_s = at.now_s - state.entered_s
    if not state.fired or in_state_s >= timing.cooldown_max_s:
        return True
    tip = at.config.roles.tip
    if tip is not None:
        i = at.config.index[tip]
        sample, age_limit_s = at.samples[i], at.config.channels[i].age_limit_s
        if (
            sample is None
            or sample.quality is not Quality.GOOD
            or not 0.0 <= at.now_s - sample.t_request_s <= age_limit_s
        ):
            return False
        if not sample.value < at.config.thresholds.cold_c:
            return False
    return in_state_s >= timing.run_on_s


def foreground_held(at: Evidence) -> bool:
    """The foreground process renewed its lease in time."""
    renewed = at.inputs.foreground_lease_s
    return renewed is not None and 0.0 <= at.now_s - renewed <= at.config.timing.operator_lease_s


def footswitch_held(at: Evidence) -> bool:
    """A young sample of both contacts says pressed."""
    pair, lease_s = at.config.foot, at.config.timing.operator_lease_s
    if pair is None or not pressed(at.samples, pair):
        return False
    for i in pair:
        sample = at.samples[i]
        if sample is None or not 0.0 <= at.now_s - sample.t_request_s <= lease_s:
            return False
    return True


def _hold(at: Evidence) -> bool:
    """Whoever fired still holds."""
    return footswitch_held(at) if at.state.holder == "footswitch" else foreground_held(at)


def _line(at: Evidence) -> bool:
    """The enable line, where there is one, is read back closed."""
    return not at.config.enable_line or (at.inputs.watchdog is not None and at.inputs.watchdog.enable_closed is True)


def _prime(at: Evidence) -> bool:
    return at.state.pump_on and at.now_s - at.state.pump_since_s >= at.config.timing.prime_s


def _clear(at: Evidence) -> bool:
    since = at.state.clear_since_s
    return since is not None and at.now_s - since >= at.config.timing.reset_clear_s


Predicate = Callable[[Evidence], bool]

TABLE: tuple[tuple[str, frozenset[State], Predicate], ...] = (
    ("lockout", frozenset({State.LOCKOUT}), lambda at: False),
    ("ack", frozenset({State.TRIPPED}), lambda at: at.state.acked),
    ("off", frozenset({State.BOOT, State.PRECHECK, State.STOPPING, State.TRIPPED, State.LOCKOUT}), _off),
    ("clear", frozenset({State.TRIPPED}), _clear),
    ("cool", frozenset({State.COOLDOWN, State.TRIPPED, State.LOCKOUT}), _cool),
    ("prime", frozenset({State.PRECHECK}), _prime),
    ("hold", frozenset({State.FIRING}), _hold),
    ("line", frozenset({State.FIRING}), _line),
)
"""(item, states in which it counts, predicate)."""

BY_STATE: dict[State, tuple[tuple[str, Predicate], ...]] = {
    state: tuple((name, predicate) for name, states, predicate in TABLE if state in states) for state in State
}
