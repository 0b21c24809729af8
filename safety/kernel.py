"""The safety kernel: which state, how much power may flow, until when, and why not more.

:func:`step` is pure and total: no clock, no input or output, no exception. It allows energy only while every permit
item is proven this tick; anything unknown is a reason not to. Its output is a lease, not a command.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from safety.config import Config
from safety.monitors import ITEMS
from safety.monitors.base import Finding, View
from safety.permits import BY_STATE
from safety.state import KernelState
from safety.transitions import PUMPING, advance
from safety.turn import Turn
from safety.types import Event, Fault, Inputs, Outputs, Permit, State, Trip

__all__ = ["Config", "KernelState", "adopt", "initial", "step"]

ENERGY_MAX_J = 1e12  # integrals saturate, they never wrap
_ORDER = {item: k for k, item in enumerate(ITEMS)}
_OFF_UNTIL_PROVEN = frozenset({State.BOOT, State.STOPPING, State.TRIPPED, State.LOCKOUT})


def initial(config: Config, latch: Trip | None = None, resets: tuple[float, ...] = ()) -> KernelState:
    """The state before the first tick. ``latch`` and ``resets`` are what :func:`safety.latch.recall` made of the files.

    BOOT proves off first; with a latch it ends in TRIPPED. A lockout latch starts in LOCKOUT and stays there.
    """
    locked = latch is not None and latch.lockout
    return KernelState(
        state=State.LOCKOUT if locked else State.BOOT,
        memories=tuple(monitor.start() for monitor in config.monitors),
        trips=() if latch is None else (latch,),
        resets=resets,
    )


def adopt(config: Config, state: KernelState) -> KernelState:
    """The state for another ``config`` (another protocol on this bench): monitors start anew, all else is kept.

    Energy and time count from the next FIRE: what was delivered under other limits says nothing about these (H07).

    Raises:
        ValueError: the kernel is not in SAFE; stop and wait, or reset, first.
    """
    if state.state is not State.SAFE:
        raise ValueError(f"a configuration is exchanged in SAFE, not in {state.state.value}; stop or reset first")
    new = state.fork()
    new.memories = tuple(monitor.start() for monitor in config.monitors)
    new.energy_j = new.on_time_s = 0.0
    return new


def step(config: Config, state: KernelState, inputs: Inputs, now_s: float) -> tuple[KernelState, Outputs]:
    """One tick. ``now_s`` is the daemon's monotonic time; any value, NaN included, is survived with energy off."""
    try:
        return _step(config, state, inputs, now_s)
    except Exception as error:  # an unknown state of the kernel itself is off, for good (H32)
        return _collapse(state, error, now_s)


def _step(config: Config, state: KernelState, inputs: Inputs, now_s: float) -> tuple[KernelState, Outputs]:
    s = state.fork()
    if not math.isfinite(now_s):
        raise ValueError(f"time is {now_s!r}")
    if state.now_s is None:
        s.entered_s = s.off_at_s = s.pump_since_s = s.enable_since_s = now_s
        dt_s = None
    else:
        dt_s = now_s - state.now_s
    s.now_s = now_s

    samples = [inputs.snapshot.get(name) for name in config.names]
    at = View(config, s, inputs, samples, now_s, dt_s)
    _see_power(at)
    memories = []
    findings: list[Finding] = []
    for monitor, memory in zip(config.monitors, state.memories, strict=True):
        memory, found = monitor.update(memory, at)
        memories.append(memory)
        if found:
            findings += found
    s.memories = tuple(memories)

    turn = Turn(at, findings, _withheld(at, findings))
    advance(turn)
    return s, _outputs(config, s, turn)


def _withheld(at: View, findings: Iterable[Finding]) -> list[str]:
    """Permit items that are not met in the state as it is now, in their fixed order."""
    items = sorted({f.item for f in findings}, key=_ORDER.__getitem__) if findings else []
    return items + [name for name, holds in BY_STATE[at.state] if not holds(at)]


def _see_power(at: View) -> None:
    """Set-point history, whether power flows, and the integrals at their worst case, max(measured, commanded)."""
    config, s, now_s, dt_s = at.config, at.s, at.now_s, at.dt_s
    applied_w = at.inputs.applied_w if 0.0 <= at.inputs.applied_w < math.inf else config.power_cap_w
    if not s.history or s.history[-1][1] != applied_w:
        since_s = min(at.inputs.applied_t_s, now_s)
        history = (*s.history, (max(since_s, s.history[-1][0]) if s.history else since_s, applied_w))
        keep_from_s = now_s - config.history_s
        while len(history) > 1 and history[1][0] < keep_from_s:
            history = history[1:]
        s.history = history

    seen_s = measured_w = None
    for i in config.meters:
        sample = at.young(i, config.source_age_s)
        if sample is None or not -config.thresholds.off_w <= sample.value < math.inf:  # a meter's zero is not exact
            continue
        if sample.value >= config.thresholds.flowing_w:
            seen_s = sample.t_request_s
        if measured_w is None:  # the first meter is what the load absorbs
            measured_w = sample.value
    if seen_s is None:
        s.flowing_from_s = None
    elif s.flowing_from_s is None:
        s.flowing_from_s, s.flowing_since_s = seen_s, now_s

    power_w = max(applied_w, s.power_w if measured_w is None else measured_w)
    s.power_w = power_w
    if dt_s is not None and dt_s > 0.0:
        spending = s.state is State.FIRING or s.state is State.STOPPING
        if spending or power_w > config.thresholds.off_w:
            s.energy_j = min(s.energy_j + power_w * dt_s, ENERGY_MAX_J)
        if spending:
            s.on_time_s = min(s.on_time_s + dt_s, ENERGY_MAX_J)


def _outputs(config: Config, s: KernelState, turn: Turn) -> Outputs:
    now_s, state = turn.at.now_s, s.state
    blocked = tuple(turn.items)
    firing = state is State.FIRING
    max_w, why = 0.0, blocked or (state.value,)
    if firing and not blocked:
        max_w, why = config.power_cap_w, config.power_why
    enable = firing and (not blocked or blocked == ("line",))
    if enable != s.enable:
        s.enable, s.enable_since_s = enable, now_s
    warm = state is State.LOCKOUT and ("off" in blocked or "cool" in blocked)
    pump_on = (state in PUMPING or warm) and not any(trip.pump_off for trip in s.trips)
    if pump_on != s.pump_on:
        s.pump_on, s.pump_since_s = pump_on, now_s
    permit = Permit(max_w, now_s + config.timing.permit_lease_s, s.epoch, state, why)
    command_off = state in _OFF_UNTIL_PROVEN and "off" in blocked
    return _told(s, permit, command_off, turn.new_trips, turn.events, blocked)


def _told(
    s: KernelState, permit: Permit, off: bool, trips: Iterable[Trip], events: Iterable[Event], blocked: tuple[str, ...]
) -> Outputs:
    """A state that is decided, as outputs."""
    new = (s.trips[0] if s.trips else None, tuple(trips), tuple(events))
    return Outputs(s.state, permit, s.pump_on, s.enable, off, *new, s.energy_j, s.on_time_s, blocked)


def _collapse(state: KernelState, error: Exception, now_s: float) -> tuple[KernelState, Outputs]:
    """Off, latched, for good. Uses nothing that may have raised."""
    try:
        s = state.fork()
        s.epoch = int(s.epoch) + 1
    except Exception:
        s = KernelState(State.LOCKOUT, ())
    t_s = now_s if isinstance(now_s, float) and math.isfinite(now_s) else 0.0
    trips: tuple[Trip, ...] = ()
    events: tuple[Event, ...] = ()
    if not any(t.hazard == "H32" for t in s.trips):
        text = f"the safety kernel failed: {type(error).__name__}: {error}"
        check = "report this defect with the session file; do not use the bench until it is understood"
        trip = Fault("H32", "kernel", "kernel", text, check, t_s, lockout=True).trip()
        moved: dict[str, object] = {"from": s.state.value, "to": "LOCKOUT", "reason": "kernel failed", "who": ""}
        s.trips, trips, events = (*s.trips, trip), (trip,), (("trip", trip.as_dict()), ("state", moved))
    s.state, s.enable, s.entered_s = State.LOCKOUT, False, t_s
    s.pump_on = not any(t.pump_off for t in s.trips)
    blocked = ("lockout",)
    return s, _told(s, Permit(0.0, t_s, s.epoch, State.LOCKOUT, blocked), True, trips, events, blocked)
