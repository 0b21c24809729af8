"""Which state comes next, and which operator acts are accepted. Every edge of the state machine is a ``go`` in this
file.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from safety.monitors.base import STOP, TRIP, Finding
from safety.monitors.contacts import released
from safety.permits import footswitch_held, foreground_held
from safety.turn import Turn
from safety.types import Origin, Quality, Request, State, Verb

PUMPING = frozenset(State) - {State.BOOT, State.SAFE, State.LOCKOUT}
"""Coolant runs before, during and after energy; only a trip that says ``pump_off`` (a leak) stops it."""

_LOCAL = frozenset({Origin.LOCAL, Origin.FOREGROUND})

ACCEPTED: dict[Verb, tuple[frozenset[Origin], State]] = {
    Verb.PREPARE: (_LOCAL, State.SAFE),
    Verb.ARM: (_LOCAL, State.READY),
    Verb.FIRE: (frozenset({Origin.FOREGROUND}), State.ARMED),
    Verb.COMPLETE: (frozenset({Origin.PROTOCOL}), State.FIRING),
    Verb.ACK: (_LOCAL, State.TRIPPED),
    Verb.RESET: (_LOCAL, State.TRIPPED),
}
"""Who may ask for what, and in which state it means something. STOP is for everybody, at any time."""


def _hear(turn: Turn) -> None:
    """Sort this tick's requests into the one stop, the acts to try, and the refused."""
    at = turn.at
    for request in at.inputs.requests:
        if request.verb is Verb.STOP:
            turn.stop = turn.stop or request
            turn.accept(request)
            continue
        origins, state = ACCEPTED[request.verb]
        if request.origin not in origins:
            turn.refuse(request, ("origin", *turn.items))
        elif not 0.0 <= at.now_s - request.t_s <= at.config.timing.request_age_s:
            turn.refuse(request, ("stale request",))
        elif at.state is not state or request.verb in turn.acts:
            turn.refuse(request, (f"state {at.state.value}", *turn.items))
        else:
            turn.acts[request.verb] = request


def advance(turn: Turn) -> None:
    """Hear requests, latch trips, make at most one ordinary transition."""
    state = turn.at.state
    if turn.at.inputs.requests:
        _hear(turn)
    trips = [f.trip(turn.at.now_s) for f in turn.findings if f.severity is TRIP] if turn.findings else []
    if trips:
        turn.latch(trips)
        if state in _FALLS:
            turn.refuse_all(turn.items)
            turn.halt(trips[0].text)
            return
    if turn.stop is not None:
        turn.refuse_all(("stop",))
    _BY_STATE[state](turn)


def _boot(turn: Turn) -> None:
    at = turn.at
    for i, off in at.config.source:
        sample = at.samples[i]
        if sample is not None and sample.quality is Quality.GOOD and not sample.value <= off:
            channel, age_s = sample.channel, at.now_s - sample.t_request_s
            text = f"{channel} was {sample.value:g} when the daemon started"
            check = "why the generator was on; switch it off at its front panel"
            found = Finding("off", TRIP, "H35", "found_on", channel, sample.value, off, age_s, text, check)
            turn.latch([found.trip(at.now_s)])
    if "off" not in turn.items:
        _off_proven(turn, State.SAFE)
    elif not 0.0 <= at.now_s - at.s.entered_s <= at.config.timing.boot_proof_s:
        _lock_unproven(turn)


def _off_proven(turn: Turn, otherwise: State) -> None:
    """Off at last: where the trips ask for, or else ``otherwise``."""
    s = turn.at.s
    if any(trip.lockout for trip in s.trips):
        turn.go(State.LOCKOUT, s.trips[0].text)
        turn.items = ["lockout"]
    elif s.trips:
        s.acked, s.clear_since_s, s.powered_since_s = False, None, None
        turn.go(State.TRIPPED, s.trips[0].text)
    else:
        turn.go(otherwise, "off proven")


def _lock_unproven(turn: Turn) -> None:
    at = turn.at
    sample = at.samples[at.config.source[0][0]]
    value = math.nan if sample is None else sample.value
    waited = at.now_s - at.s.off_at_s
    text = f"the generator was told to turn off {waited:.1f} s ago and has not shown that it did (last: {value:g} W)"
    check = "pull the generator's mains plug; then its link, its output relay and its power meter"
    turn.lock("H04", "off_unproven", text, check, value, at.config.thresholds.off_w)


def _safe(turn: Turn) -> None:
    prepare = turn.acts.get(Verb.PREPARE)
    if prepare is not None and turn.granted(prepare):
        turn.at.s.fired = False
        turn.go(State.PRECHECK, "prepare", prepare.who)


def _precheck(turn: Turn) -> None:
    at = turn.at
    if turn.stop is not None:
        turn.halt("stop", turn.stop.who)
    elif not turn.items:
        turn.go(State.READY, "all permits")
    elif at.now_s - at.s.entered_s > at.config.timing.precheck_s:
        first = {f.channel or f.monitor: f.text for f in reversed(turn.findings)}  # one sentence a channel, its first
        texts: list[object] = [f.text for f in turn.findings if first.pop(f.channel or f.monitor, None) is not None]
        turn.events.append(("precheck_failed", {"blocked_by": list(turn.items), "texts": texts}))
        turn.halt(f"precheck failed: {', '.join(turn.items)}")


def _ready(turn: Turn) -> None:
    at, s = turn.at, turn.at.s
    arm = turn.acts.get(Verb.ARM)
    if turn.stop is not None:
        turn.halt("stop", turn.stop.who)
    elif at.now_s - s.entered_s > at.config.timing.ready_s:
        if arm is not None:
            turn.refuse(arm, ("prepare again",))
        turn.halt("nobody armed in time")
    elif arm is not None and turn.granted(arm):
        s.epoch += 1
        s.armed_at_s, s.foot_released = at.now_s, False
        turn.go(State.ARMED, "arm", arm.who)


def _armed(turn: Turn) -> None:
    at, s = turn.at, turn.at.s
    fire = turn.acts.get(Verb.FIRE)
    reason = ""
    if turn.stop is not None:
        reason = "stop"
    elif turn.items:
        reason = f"no longer ready: {', '.join(turn.items)}"
    elif at.now_s - s.armed_at_s > at.config.timing.arm_s:
        reason = "nobody fired in time"
    if reason:
        if fire is not None:
            turn.refuse(fire, turn.items or ("arm",))
        s.epoch += 1
        turn.go(State.SAFE, reason, turn.stop.who if turn.stop is not None else "")
        return
    if fire is not None:
        if foreground_held(at):
            turn.accept(fire)
            _fire(turn, "foreground", fire.who)
        else:
            turn.refuse(fire, ("hold",))
    elif at.config.foot is not None:
        if s.foot_released and footswitch_held(at):
            turn.events.append(("fire", {"origin": "footswitch", "who": "", "reason": ""}))
            _fire(turn, "footswitch", "footswitch")
        elif released(at.samples, at.config.foot):
            times = [sample.t_request_s for i in at.config.foot if (sample := at.samples[i]) is not None]
            s.foot_released = s.foot_released or min(times) > s.armed_at_s


def _fire(turn: Turn, holder: str, who: str) -> None:
    s = turn.at.s
    s.holder, s.fired = holder, True
    s.energy_j = s.on_time_s = 0.0
    s.armed_at_s = math.inf  # each FIRE consumes its ARM
    turn.go(State.FIRING, "fire", who)
    if turn.at.config.enable_line:
        turn.items = ["line"]  # closed by the watchdog; power waits for its read-back


def _firing(turn: Turn) -> None:
    complete = turn.acts.get(Verb.COMPLETE)
    stops = [f for f in turn.findings if f.severity is STOP]
    if complete is not None:
        turn.accept(complete)
    if turn.stop is not None:
        turn.halt(f"stop: {turn.stop.reason or turn.stop.origin.value}", turn.stop.who)
    elif complete is not None:
        turn.halt("complete")
    elif "hold" in turn.items:
        turn.halt(f"{turn.at.s.holder} let go")
    elif stops:
        turn.halt(stops[0].text)
    elif any(item != "line" for item in turn.items):
        turn.halt(f"permit lost: {', '.join(turn.items)}")


def _stopping(turn: Turn) -> None:
    at, s = turn.at, turn.at.s
    waited_s = at.now_s - s.off_at_s
    if "off" not in turn.items:
        _off_proven(turn, State.COOLDOWN)
    elif not 0.0 <= waited_s <= at.config.timing.off_c2_s:
        _lock_unproven(turn)
    elif waited_s > at.config.timing.off_c1_s and not s.off_alarmed:
        s.off_alarmed = True
        turn.events.append(("alarm", {"priority": "high", "text": "OFF NOT CONFIRMED", "waited_s": waited_s}))


def _cooldown(turn: Turn) -> None:
    if "cool" not in turn.items:
        turn.go(State.SAFE, "cool")


def _tripped(turn: Turn) -> None:
    at, s, now_s = turn.at, turn.at.s, turn.at.now_s
    s.powered_since_s = _since(s.powered_since_s, now_s, any(f.hazard == "H01" for f in turn.findings))
    if any(trip.lockout for trip in s.trips):  # found while tripped: it is not for an operator to reset
        turn.go(State.LOCKOUT, s.trips[-1].text)
        turn.items = ["lockout", "off"]
    elif s.powered_since_s is not None and now_s - s.powered_since_s > at.config.timing.off_c2_s:
        _lock_unproven(turn)
    if s.state is State.LOCKOUT:
        turn.refuse_all(turn.items)
        return
    s.clear_since_s = _since(s.clear_since_s, now_s, not turn.findings)
    ack, reset = turn.acts.get(Verb.ACK), turn.acts.get(Verb.RESET)
    if ack is not None:
        turn.accept(ack)
        s.acked = True
    if reset is not None:
        _reset(turn, reset)


def _since(since_s: float | None, now_s: float, holds: bool) -> float | None:
    """From when on it has held without a break."""
    return (now_s if since_s is None else since_s) if holds else None


def _reset(turn: Turn, reset: Request) -> None:
    at, s, timing = turn.at, turn.at.s, turn.at.config.timing
    if turn.items:
        turn.refuse(reset, turn.items)  # an acknowledgement of this very tick does not count yet
        return
    s.resets = tuple(t for t in s.resets if at.now_s - t < timing.reset_window_s)
    if len(s.resets) >= timing.resets_max:
        text = f"more than {timing.resets_max} resets in {timing.reset_window_s / 60:g} minutes"
        turn.lock("H74", "resets", text, "the cause that keeps coming back", len(s.resets) + 1, timing.resets_max)
        turn.refuse(reset, turn.items)
        return
    turn.accept(reset)
    s.resets = (*s.resets, at.now_s)
    s.trips, s.acked, s.clear_since_s, s.fired = (), False, None, False
    turn.go(State.SAFE, "reset", reset.who)


def _lockout(turn: Turn) -> None:
    """Absorbing: only a maintainer with a new process gets out."""


_FALLS = frozenset({State.SAFE, State.PRECHECK, State.READY, State.ARMED, State.FIRING, State.COOLDOWN})

_BY_STATE: dict[State, Callable[[Turn], None]] = {
    State.BOOT: _boot,
    State.SAFE: _safe,
    State.PRECHECK: _precheck,
    State.READY: _ready,
    State.ARMED: _armed,
    State.FIRING: _firing,
    State.STOPPING: _stopping,
    State.COOLDOWN: _cooldown,
    State.TRIPPED: _tripped,
    State.LOCKOUT: _lockout,
}
