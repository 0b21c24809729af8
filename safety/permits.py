"""What must hold besides the monitors' findings, as a table of independent predicates.

Each row alone withholds energy or an operator's act in the states that it names. Together with
:data:`safety.monitors.ITEMS` the rows give ``blocked_by``, always in the same order.
"""

from __future__ import annotations

from collections.abc import Callable

from safety.monitors.base import View
from safety.monitors.contacts import pressed
from safety.types import Quality, State


def off_proven(at: View, after_s: float) -> bool:
    """Every channel of the source says off, each in answer to a request made after ``after_s``, not in the future."""
    for i, off in at.config.source:
        sample = at.samples[i]
        if sample is None or sample.quality is not Quality.GOOD or not after_s < sample.t_request_s <= at.now_s:
            return False
        if not sample.value <= off:
            return False
    return True


def _off(at: View) -> bool:
    """Off is proven, and in PRECHECK and once proven anew: by a young sample."""
    if at.state is State.PRECHECK:
        return off_proven(at, at.s.entered_s)
    if at.state is State.TRIPPED or at.state is State.LOCKOUT:
        return off_proven(at, max(at.s.off_at_s, at.now_s - at.config.source_age_s))
    return off_proven(at, at.s.off_at_s)


def _cool(at: View) -> bool:
    """The applicator is cold and the coolant has run on, or it had its longest cool-down, or nothing was fired."""
    config, in_state_s = at.config, at.now_s - at.s.entered_s
    if not at.s.fired or in_state_s >= config.timing.cooldown_max_s:
        return True
    if config.roles.tip is not None:
        i = config.index[config.roles.tip]
        sample = at.young(i, config.channels[i].age_limit_s)
        if sample is None or not sample.value < config.thresholds.cold_c:
            return False
    return in_state_s >= config.timing.run_on_s


def foreground_held(at: View) -> bool:
    """The foreground process renewed its lease in time."""
    renewed = at.inputs.foreground_lease_s
    return renewed is not None and 0.0 <= at.now_s - renewed <= at.config.timing.operator_lease_s


def footswitch_held(at: View) -> bool:
    """A young sample of both contacts says pressed."""
    pair, lease_s = at.config.foot, at.config.timing.operator_lease_s
    if pair is None or not pressed(at.samples, pair):
        return False
    return all(at.young(i, lease_s) is not None for i in pair)


def _hold(at: View) -> bool:
    """Whoever fired still holds."""
    return footswitch_held(at) if at.s.holder == "footswitch" else foreground_held(at)


def _line(at: View) -> bool:
    """The enable line, where there is one, is read back closed."""
    return not at.config.enable_line or (at.inputs.watchdog is not None and at.inputs.watchdog.enable_closed is True)


def _prime(at: View) -> bool:
    return at.s.pump_on and at.now_s - at.s.pump_since_s >= at.config.timing.prime_s


def _clear(at: View) -> bool:
    since = at.s.clear_since_s
    return since is not None and at.now_s - since >= at.config.timing.reset_clear_s


Predicate = Callable[[View], bool]

TABLE: tuple[tuple[str, frozenset[State], Predicate], ...] = (
    ("lockout", frozenset({State.LOCKOUT}), lambda at: False),
    ("ack", frozenset({State.TRIPPED}), lambda at: at.s.acked),
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
