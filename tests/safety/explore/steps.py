"""The whole step with the shipped monitors, on the smallest bench that has every state: power, output flag, E-stop
pair, footswitch pair, enable line, watchdog, record.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from safety.config import ChannelRule, Config, Limits, Roles
from safety.kernel import initial, step
from safety.monitors.base import Pending
from safety.monitors.power import Spontaneous
from safety.state import KernelState
from safety.types import (
    Fault,
    Inputs,
    Origin,
    Outputs,
    RecordStatus,
    Request,
    Sample,
    State,
    Verb,
    WatchdogStatus,
)
from tests.safety.explore.classes import FAR_S, TICK_S, TIMING
from tests.safety.explore.decisions import cause, stand_in
from tests.safety.explore.invariants import BOOT, COOLDOWN, FIRING, HEALTHY, LOCKOUT, PAIRS, SAFE, STOPPING, TRIPPED
from tests.safety.explore.search import Space

CHANNELS = ("g.power_w", "g.rf_on", "i.a_closed", "i.b_closed", "i.no_closed", "i.nc_closed")
CONFIG = Config(
    channels=tuple(ChannelRule(name, 0.0, 300.0, age_limit_s=0.2) for name in CHANNELS),
    roles=Roles("g.power_w", "g.rf_on", ("i.a_closed", "i.b_closed"), footswitch=("i.no_closed", "i.nc_closed")),
    layers=(("bench", Limits(power_w=50.0)),),
    config_hash="h",
    timing=replace(
        TIMING,
        prime_s=0.0,
        reset_window_s=0.0,  # the other layer has the resets
        enable_open_s=TICK_S,
        enable_close_s=2 * TICK_S,
        response_s=TICK_S,
        record_trip_s=2 * TICK_S,
        pair_s=TICK_S,
    ),
)
START = initial(CONFIG)


class Kind(NamedTuple):
    """One class of inputs; ``wrong`` are names of :data:`WRONG`, ``hands`` one of :data:`HANDS`."""

    acts: tuple[tuple[Verb, Origin], ...]
    hands: str
    wrong: frozenset[str]
    power: bool  # the source delivers what it was told


WRONG: dict[str, dict[str, Any]] = {
    "power": {"power": 20.0, "flag": 1.0},
    "flag": {"flag": 1.0},
    "power nan": {"power": math.nan},
    "power missing": {"power": None},
    "power high": {"power": 60.0},
    "E-stop": {"a": 0.0, "b": 0.0},
    "E-stop a": {"a": 0.0},
    "E-stop b": {"b": 0.0},
    "watchdog silent": {"watchdog": None},
    "watchdog not ready": {"watchdog": False},
    "late tick": {"dt_s": 2 * TICK_S},
    "time back": {"dt_s": -TICK_S},
    "fault": {"fault": True},
    "record": {"record": False},
    "hash": {"hash": "other"},
    "line closed": {"line": True},
    "line open": {"line": False},
    "line unread": {"line": None},
    "set-point nan": {"applied": math.nan},
}
HANDS: dict[str, tuple[float, float, bool]] = {
    "lease": (0.0, 1.0, True),
    "none": (0.0, 1.0, False),
    "foot": (1.0, 0.0, False),
    "both": (1.0, 1.0, False),
}
"""(normally open, normally closed, lease)."""
NONE: tuple[tuple[Verb, Origin], ...] = ()
ACTS = (
    NONE,
    *(((verb, Origin.LOCAL),) for verb in (Verb.PREPARE, Verb.ARM, Verb.STOP, Verb.ACK, Verb.RESET)),
    ((Verb.FIRE, Origin.FOREGROUND),),
    ((Verb.COMPLETE, Origin.PROTOCOL),),
    tuple((verb, Origin.NETWORK) for verb in Verb if verb is not Verb.STOP),
)
IDLE = Kind(NONE, "none", frozenset(), False)
NEXT = {
    State.SAFE: ACTS[1],
    State.READY: ACTS[2],
    State.ARMED: ACTS[6],
    State.TRIPPED: ACTS[5],
}
"""The act that leads on from a state."""


@functools.cache
def inputs(given: Kind, enable: bool) -> tuple[Inputs, float]:
    """Concrete inputs of a class, and the time of the tick; the tick before was at 0. Fresh is 0.01 s old."""
    no, nc, lease = HANDS[given.hands]
    said: dict[str, Any] = {"power": 20.0 if given.power else 0.0, "flag": float(given.power), "a": 1.0, "b": 1.0}
    said |= {"watchdog": True, "line": enable, "dt_s": TICK_S, "applied": 20.0 if given.power else 0.0}
    for what in sorted(given.wrong):
        said |= WRONG[what]
    now_s = said["dt_s"]
    t = now_s - 0.01
    values = (said["power"], said["flag"], said["a"], said["b"], no, nc)
    watchdog = said["watchdog"]
    return Inputs(
        snapshot={n: Sample(n, v, t) for n, v in zip(CHANNELS, values, strict=True) if v is not None},
        requests=tuple(Request(verb, origin, t) for verb, origin in given.acts),
        faults=(Fault("H32", "task", "pump", "died", "log", t),) if said.get("fault") else (),
        foreground_lease_s=t if lease else None,
        watchdog=None if watchdog is None else WatchdogStatus(t, watchdog, said["line"], enable),
        record=RecordStatus(t, said.get("record", True)),
        applied_w=said["applied"],
        applied_t_s=t,
        config_hash=said.get("hash", "h"),
    ), now_s


@functools.cache
def kinds(*, full: bool) -> Callable[[KernelState], Sequence[Kind]]:
    """Acts times hands on a good bench; no act, and the one that leads on, on one with a thing wrong; while firing,
    and in the ``full`` search in every state, with two. Time runs backwards while firing only: elsewhere it adds
    states, and what it does to the state machine is the other layer's.
    """
    made: dict[State, list[Kind]] = {}
    for state in State:
        names = [name for name in WRONG if state is FIRING or name != "time back"]
        wrong: list[tuple[str, ...]] = [(name,) for name in names]
        wrong += itertools.combinations(names, 2) if state is FIRING or full else ()
        power = (True, False) if state is FIRING else (False,)
        found = [Kind(act, hands, frozenset(), p) for act in ACTS for hands in HANDS for p in power]
        for act in dict.fromkeys((NONE, NEXT.get(state, NONE))):
            found += [Kind(act, "lease", frozenset(bad), power[0]) for bad in wrong]
        if state is State.ARMED or state is FIRING:
            found += [Kind(NONE, "foot", frozenset(bad), power[0]) for bad in wrong]
        made[state] = found
    return lambda s: made[s.state]


# ---- states


def _back(t_s: float, now_s: float) -> float:
    """A time relative to now, saturated: long ago is long ago, and far ahead is ahead."""
    return t_s if math.isinf(t_s) else min(max(round(t_s - now_s, 6), -FAR_S), TICK_S)


def _moved(memory: Any, now_s: float, timed: bool) -> Any:
    """A monitor's memory relative to now; ``timed``: it looks at how long a spell lasts."""
    if isinstance(memory, Pending):
        return Pending(-0.01, memory.bits, _back(memory.since_s, now_s) if timed else 0.0)
    if isinstance(memory, dict):
        return {k: _moved(v, now_s, timed) for k, v in memory.items()}
    return _back(memory, now_s) if isinstance(memory, float) else memory


_UNTIMED = tuple(isinstance(monitor, Spontaneous) for monitor in CONFIG.monitors)


def canonical(s: KernelState) -> KernelState:
    """The same state at time 0, without what its successors do not look at, field by field."""
    now_s, state = s.now_s, s.state
    assert now_s is not None
    c = KernelState(state, (), trips=stand_in(cause(s.trips)), now_s=0.0, enable=s.enable, pump_on=s.pump_on)
    c.holder, c.acked = s.holder, s.acked and state is TRIPPED
    c.entered_s = _back(s.entered_s, now_s)
    if state in (SAFE, TRIPPED):
        c.entered_s = max(c.entered_s, -2 * TICK_S)
    c.off_at_s = _back(s.off_at_s, now_s)
    if state is STOPPING:
        c.off_alarmed = s.off_alarmed
    else:  # only "before the newest request" matters
        c.off_at_s = max(c.off_at_s, -TICK_S)
    if state is TRIPPED:
        for name in ("powered_since_s", "clear_since_s"):
            value = getattr(s, name)
            setattr(c, name, None if value is None else _back(value, now_s))
    if state is State.ARMED:
        c.armed_at_s, c.foot_released = _back(s.armed_at_s, now_s), s.foot_released
    c.enable_since_s = max(_back(s.enable_since_s, now_s), -FAR_S if s.enable else -2 * TICK_S)
    c.fired = s.fired and state is not LOCKOUT
    c.history = tuple((-FAR_S, w) for _, w in s.history[-1:]) if state is FIRING else ()
    c.memories = tuple(_moved(m, now_s, not untimed) for m, untimed in zip(s.memories, _UNTIMED, strict=True))
    if state is LOCKOUT:  # absorbing whatever it remembers
        c.memories, c.entered_s, c.off_at_s, c.enable_since_s = START.memories, 0.0, -TICK_S, 0.0
        c.acked, c.pump_on = True, False
    return c


def key(s: KernelState) -> str:
    """Equal for states that nothing tells apart from now on."""
    return repr(canonical(s))


def name(s: KernelState) -> str:
    """What ``states.lock`` calls a state."""
    words = [s.state.value, *([f"by {s.holder}"] if s.holder else [])]
    words += [f"after {cause(s.trips)}"] if s.trips else []
    return " ".join(words) + ("; line closed" if s.enable else "")


# ---- transitions


AT_ONCE = frozenset(
    {
        "power nan", "power missing", "E-stop", "watchdog silent", "watchdog not ready", "late tick", "time back",
        "fault", "record", "hash", "set-point nan",
    }
)  # fmt: skip
"""What no energy survives for a tick; the rest of WRONG is debounced or given the time a relay takes."""
UNRESET = AT_ONCE - {"watchdog silent", "watchdog not ready", "record"}
"""What no reset survives; a watchdog that shares the latch is ready only after it."""


def check(before: KernelState, given: Kind, s: KernelState, out: Outputs) -> None:
    """Every invariant of one transition."""
    was, now, now_s = before.state, s.state, s.now_s
    assert now_s is not None
    assert not any(trip.monitor == "kernel" for trip in out.new_trips)
    assert now is was or (was, now) in PAIRS
    assert out.state is out.permit.state is now
    if out.enable:
        assert now is FIRING
        assert not given.wrong & AT_ONCE
        assert was is State.ARMED or given.hands == {"footswitch": "foot", "foreground": "lease"}[before.holder]
    if out.permit.max_w != 0.0:
        assert (out.permit.max_w, was, out.blocked_by) == (50.0, FIRING, ())
        assert out.enable
        assert not given.wrong & {"line open", "line unread"}
        assert out.permit.expires_at_s == now_s + 0.15
    if now is FIRING and was is not FIRING:
        by_foot = given.hands == "foot" and before.foot_released
        assert by_foot or (given.acts, given.hands) == (((Verb.FIRE, Origin.FOREGROUND),), "lease")
    if was is STOPPING and now in (COOLDOWN, TRIPPED):
        assert not given.power
        assert not given.wrong & {"power", "flag", "power nan", "power missing", "power high"}
    if was is TRIPPED and now is SAFE:
        assert given.acts == ((Verb.RESET, Origin.LOCAL),)
        assert before.acked
        assert given.hands in ("lease", "none")  # the foot is up
        assert not given.wrong & UNRESET
    if out.new_trips:
        assert out.first_trip == (before.trips or out.new_trips)[0]
        assert was not in HEALTHY or now is STOPPING
    assert out.first_trip is None or now not in HEALTHY
    assert now is not TRIPPED or (out.first_trip is not None and not any(trip.lockout for trip in s.trips))
    assert out.pump_on is (now not in (BOOT, SAFE)) or now is LOCKOUT


def follow(before: KernelState, given: Kind) -> tuple[KernelState, str]:
    """One transition, with every invariant judged, and why the state was left."""
    said, now_s = inputs(given, before.enable)
    s, out = step(CONFIG, before, said, now_s)
    check(before, given, s, out)
    if out.new_trips:
        return s, f"{out.new_trips[0].hazard} {out.new_trips[0].monitor}"
    return s, next((reason(before.state, str(data["reason"])) for what, data in out.events if what == "state"), "")


def reason(was: State, told: str) -> str:
    """Why a state was left, without the numbers of this once."""
    return "off proven" if was in (BOOT, STOPPING) else told.partition(":")[0]


def starts() -> Iterator[KernelState]:
    """After the first tick, without a reading: with no latch and with one."""
    said, now_s = inputs(Kind(NONE, "none", frozenset({"power missing"}), False), False)
    for told in ("", "trip"):
        yield step(CONFIG, initial(CONFIG, next(iter(stand_in(told)), None)), said, now_s)[0]


def space(*, full: bool = False) -> Space:
    """This layer."""
    return Space(starts, kinds(full=full), follow, key, canonical, name)
