"""Permits, state machine and outputs, whatever the monitors say: :func:`safety.transitions.advance` between the
kernel's own ``_withheld`` and ``_outputs``, which is all of its step but the reading of meters and the monitors.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from safety.kernel import _outputs, _withheld, initial
from safety.monitors.base import View
from safety.state import KernelState
from safety.transitions import advance
from safety.turn import Turn
from safety.types import Outputs, State, Trip
from tests.safety.explore.classes import CONFIG, FAR_S, TICK_S, Kind, kind, kinds
from tests.safety.explore.invariants import check
from tests.safety.explore.search import Space

# ---- states


def cause(trips: tuple[Trip, ...]) -> str:
    """What trips mean to the state machine: of which kind the first is, and what any of them asks for."""
    if not trips:
        return ""
    first = trips[0]
    told = "lockout" if first.lockout else "leak" if first.pump_off else "trip"
    for word, asked in (("lockout", any(t.lockout for t in trips)), ("leak", any(t.pump_off for t in trips))):
        if asked and word not in told:
            told += f", then {word}"
    return told


@functools.cache
def stand_in(told: str) -> tuple[Trip, ...]:
    """Trips of that cause."""
    plain = Trip("H00", "any", "d", "d.y", 0.0, 0.0, 0.0, 0.0, "earlier", "")
    made = {"trip": plain, "lockout": replace(plain, lockout=True), "leak": replace(plain, pump_off=True)}
    return tuple(made[word] for word in told.split(", then ")) if told else ()


TIMES = {
    State.BOOT: (("entered_s", FAR_S), ("off_at_s", FAR_S)),
    State.SAFE: (),
    State.PRECHECK: (("entered_s", FAR_S), ("pump_since_s", TICK_S)),
    State.READY: (("entered_s", FAR_S),),
    State.ARMED: (("armed_at_s", FAR_S),),
    State.FIRING: (),
    State.STOPPING: (("off_at_s", FAR_S),),
    State.COOLDOWN: (("entered_s", FAR_S),),
    State.TRIPPED: (
        ("off_at_s", 2 * TICK_S),
        ("powered_since_s", 2 * TICK_S),
        ("clear_since_s", TICK_S),
        ("entered_s", 2 * TICK_S),
    ),
    State.LOCKOUT: (("off_at_s", 2 * TICK_S), ("entered_s", 2 * TICK_S)),
}
"""The times that a state's future depends on, and from when on they are long ago; ``entered_s`` of the last three
only where something was fired. That nothing else matters is tested by walking beside them."""
_COOLING = frozenset({State.COOLDOWN, State.TRIPPED, State.LOCKOUT})
_EXTRA = {
    State.ARMED: "foot_released",
    State.FIRING: "holder",
    State.STOPPING: "off_alarmed",
    State.TRIPPED: "acked",
    State.LOCKOUT: "pump_on",
}


def key(s: KernelState) -> tuple[Any, ...]:
    """Equal for states that nothing tells apart from now on: state, cause, a reset before, fired, what else the state
    has, and its times relative to now; far ahead is ahead.
    """
    state, now_s = s.state, s.now_s
    assert now_s is not None
    extra = getattr(s, _EXTRA[state]) if state in _EXTRA else None
    found: list[Any] = [state, cause(s.trips) if s.trips else "", bool(s.resets), s.fired, extra]
    for name, floor_s in TIMES[state]:
        t_s = getattr(s, name)
        if t_s is not None:
            t_s -= now_s
            if t_s < -floor_s:
                t_s = -floor_s
            elif t_s > TICK_S:
                t_s = TICK_S
        found.append(t_s)
    if state in _COOLING and not s.fired:
        found[-1] = 0.0
    return tuple(found)


def canonical(s: KernelState) -> KernelState:
    """The state of the same key at time 0, without what its future does not depend on."""
    state, told, reset, fired, extra, *times = key(s)
    c = KernelState(state, (), trips=stand_in(told), now_s=0.0, fired=fired, pump_on=s.pump_on, enable=s.enable)
    c.resets = (0.0,) if reset else ()
    if state in _EXTRA:
        setattr(c, _EXTRA[state], extra)
    for (name, _), t_s in zip(TIMES[state], times, strict=True):
        setattr(c, name, t_s)
    return c


def name(s: KernelState) -> str:
    """What ``states.lock`` calls a state; the same for all of one key."""
    words = [s.state.value, *([f"by {s.holder}"] if s.holder else [])]
    words += [f"after {cause(s.trips)}"] if s.trips else []
    return " ".join(words) + ("; line closed" if s.enable else "") + ("; pump" if s.pump_on else "")


# ---- transitions


def decide(before: KernelState, given: Kind) -> tuple[KernelState, Turn, Outputs]:
    """The last lines of the kernel's step, with ``given.findings`` for what the monitors said."""
    s = before.fork()
    s.now_s = given.now_s
    at = View(CONFIG, s, given.inputs, given.samples, given.now_s)
    turn = Turn(at, given.findings, _withheld(at, given.findings))
    advance(turn)
    return s, turn, _outputs(CONFIG, s, turn)


def why(turn: Turn) -> str:
    """For what a state was left, "" if it was not."""
    for what, data in turn.events:
        if what == "state":
            if data["to"] == "LOCKOUT" and turn.new_trips and turn.new_trips[-1].lockout:
                return turn.new_trips[-1].monitor
            if data["from"] in ("BOOT", "STOPPING"):
                return "off proven"
            return str(data["reason"]).partition(":")[0]
    return ""


def follow(before: KernelState, given: Kind) -> tuple[KernelState, str]:
    """One transition, with every invariant judged, and why the state was left."""
    s, turn, out = decide(before, given)
    check(before, given, s, turn, out)
    return s, why(turn) if s.state is not before.state else ""


def starts() -> Iterator[KernelState]:
    """After the first tick, without a reading: with no latch, with one, and with one of a leak."""
    nothing = kind("none", "none", "nothing", "silent", "same", "-", "none", "none")
    for told in ("", "trip", "leak", "lockout"):
        first = initial(CONFIG, next(iter(stand_in(told)), None))
        first.now_s = first.entered_s = first.off_at_s = 0.0
        s, _, _ = decide(first, nothing)
        yield s


def space(*, full: bool = False) -> Space:
    """This layer."""
    return Space(starts, kinds(full=full), follow, key, canonical, name)
