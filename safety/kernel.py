"""The safety kernel: which state, how much power may flow, until when, and why not more.

:func:`step` is pure and total: no clock, no input or output, no exception. It allows energy only while every permit
item is proven this tick; anything unknown is a reason not to. Its output is a lease, not a command.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from safety.config import Config
from safety.monitors import ITEMS
from safety.monitors.base import Finding, View
from safety.permits import BY_STATE, Evidence
from safety.state import KernelState
from safety.transitions import PUMPING, advance
from safety.turn import Turn
from safety.types import Inputs, Outputs, Permit, Quality, Sample, State, Trip

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

    get = inputs.snapshot.get
    samples = [get(name) for name in config.names]
    _see_power(config, s, inputs, samples, now_s, dt_s)
    at = Evidence(config, s, inputs, samples, now_s)
    view = View(
        now_s,
        dt_s,
        s.state,
        now_s - s.entered_s,
        samples,
        inputs,
        now_s - s.flowing_since_s if s.flowing_from_s is not None else 0.0,
        s.flowing_from_s if s.flowing_from_s is not None else now_s,
        s.history,
        s.energy_j,
        s.on_time_s,
        s.pump_on,
        now_s - s.pump_since_s,
        s.enable,
        now_s - s.enable_since_s,
        s.fired,
    )
    memories = []
    findings: list[Finding] = []
    for monitor, memory in zip(config.monitors, state.memories, strict=True):
        memory, found = monitor.update(memory, view)
        memories.append(memory)
        if found:
            findings += found
    s.memories = tuple(memories)

    turn = Turn(at, findings, _withheld(at, findings))
    advance(turn)
    return s, _outputs(config, s, turn)


def _withheld(at: Evidence, findings: Iterable[Finding]) -> list[str]:
    """Permit items that are not met in the state as it is now, in their fixed order."""
    items = sorted({f.item for f in findings}, key=_ORDER.__getitem__) if findings else []
    for name, holds in BY_STATE[at.state.state]:
        if not holds(at):
            items.append(name)
    return items


def _see_power(
    config: Config, s: KernelState, inputs: Inputs, samples: Sequence[Sample | None], now_s: float, dt_s: float | None
) -> None:
    """Set-point history, whether power flows, and the integrals at their worst case, max(measured, commanded)."""
    applied_w = inputs.applied_w if 0.0 <= inputs.applied_w < math.inf else config.power_cap_w
    if not s.history or s.history[-1][1] != applied_w:
        since_s = min(inputs.applied_t_s, now_s)
        history = (*s.history, (max(since_s, s.history[-1][0]) if s.history else since_s, applied_w))
        keep_from_s = now_s - config.history_s
        while len(history) > 1 and history[1][0] < keep_from_s:
            history = history[1:]
        s.history = history

    flowing_w, seen_s, measured_w = config.thresholds.flowing_w, None, None
    for i in config.meters:
        sample = samples[i]
        if (
            sample is not None
            and sample.quality is Quality.GOOD
            and -config.thresholds.off_w <= sample.value < math.inf  # a meter's zero is not exact
            and 0.0 <= now_s - sample.t_request_s <= config.source_age_s
        ):
            if sample.value >= flowing_w:
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
    return Outputs(
        state=state,
        permit=Permit(max_w, now_s + config.timing.permit_lease_s, s.epoch, state, why),
        pump_on=pump_on,
        enable=enable,
        command_off=state in _OFF_UNTIL_PROVEN and "off" in blocked,
        first_trip=s.trips[0] if s.trips else None,
        new_trips=tuple(turn.new_trips),
        events=tuple(turn.events),
        energy_j=s.energy_j,
        on_time_s=s.on_time_s,
        blocked_by=blocked,
    )


def _collapse(state: KernelState, error: Exception, now_s: float) -> tuple[KernelState, Outputs]:
    """Off, latched, for good. Uses nothing that may have raised."""
    try:
        s = state.fork()
        s.epoch = int(s.epoch) + 1
    except Exception:
        s = KernelState(State.LOCKOUT, ())
    t_s = now_s if isinstance(now_s, float) and math.isfinite(now_s) else 0.0
    trip = Trip(
        hazard="H32",
        monitor="kernel",
        device="kernel",
        channel="",
        value=math.nan,
        limit=math.nan,
        age_s=0.0,
        t_s=t_s,
        text=f"the safety kernel failed: {type(error).__name__}: {error}",
        check="report this defect with the session file; do not use the bench until it is understood",
        lockout=True,
    )
    known = any(t.hazard == "H32" for t in s.trips)
    events: tuple[tuple[str, dict[str, object]], ...] = ()
    if not known:
        s.trips = (*s.trips, trip)
        before = s.state.value
        events = (
            ("trip", trip.as_dict()),
            ("state", {"from": before, "to": "LOCKOUT", "reason": "kernel failed", "who": ""}),
        )
    s.state, s.enable, s.entered_s = State.LOCKOUT, False, t_s
    pump_on = s.pump_on = not any(t.pump_off for t in s.trips)
    permit = Permit(0.0, t_s, s.epoch, State.LOCKOUT, ("lockout",))
    return s, Outputs(
        state=State.LOCKOUT,
        permit=permit,
        pump_on=pump_on,
        enable=False,
        command_off=True,
        first_trip=s.trips[0],
        new_trips=() if known else (trip,),
        events=events,
        energy_j=s.energy_j,
        on_time_s=s.on_time_s,
        blocked_by=("lockout",),
    )
