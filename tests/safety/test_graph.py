"""The shipped kernel, searched exhaustively over abstract inputs: only allowed edges occur, and the invariants hold.

Time is counted in ticks and every timer is a few ticks long, so that a state relative to its own time is one of
finitely many. The bench is the smallest that has every state: power, output flag, E-stop pair, footswitch pair.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Any

from safety.config import ChannelRule, Config, Limits, Roles, Timing
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
    Trip,
    Verb,
    WatchdogStatus,
)

TICK_S = 0.125  # a power of two: times stay exact
FAR = 3 * TICK_S  # longer than every timer below
CHANNELS = ("g.power_w", "g.rf_on", "i.a_closed", "i.b_closed", "i.no_closed", "i.nc_closed")
CONFIG = Config(
    channels=tuple(ChannelRule(name, 0.0, 300.0, age_limit_s=0.2) for name in CHANNELS),
    roles=Roles("g.power_w", "g.rf_on", ("i.a_closed", "i.b_closed"), footswitch=("i.no_closed", "i.nc_closed")),
    layers=(("bench", Limits(power_w=50.0)),),
    config_hash="h",
    timing=Timing(
        tick_s=TICK_S,
        permit_lease_s=0.15,
        dt_max_s=0.2,
        operator_lease_s=0.2,
        off_c1_s=TICK_S,
        off_c2_s=1.5 * TICK_S,
        boot_proof_s=2 * TICK_S,
        precheck_s=2 * TICK_S,
        ready_s=2 * TICK_S,
        arm_s=2 * TICK_S,
        cooldown_max_s=2 * TICK_S,
        run_on_s=TICK_S,
        reset_clear_s=TICK_S,
        reset_window_s=0.0,  # the reset budget has a test of its own
        enable_open_s=TICK_S,
        enable_close_s=2 * TICK_S,
        response_s=TICK_S,
        record_trip_s=2 * TICK_S,
        pair_s=TICK_S,
    ),
)

EDGES = {
    "BOOT": {"SAFE", "TRIPPED", "LOCKOUT"},
    "SAFE": {"PRECHECK", "STOPPING"},
    "PRECHECK": {"READY", "STOPPING"},
    "READY": {"ARMED", "STOPPING"},
    "ARMED": {"SAFE", "FIRING", "STOPPING"},
    "FIRING": {"STOPPING"},
    "STOPPING": {"COOLDOWN", "TRIPPED", "LOCKOUT"},
    "COOLDOWN": {"SAFE", "STOPPING"},
    "TRIPPED": {"SAFE", "LOCKOUT"},
    "LOCKOUT": set(),
}
"""Everything else is a defect."""

ACTS = (
    (),
    *(((verb, Origin.LOCAL),) for verb in (Verb.PREPARE, Verb.ARM, Verb.STOP, Verb.ACK, Verb.RESET)),
    ((Verb.FIRE, Origin.FOREGROUND),),
    ((Verb.COMPLETE, Origin.PROTOCOL),),
    tuple((verb, Origin.NETWORK) for verb in Verb if verb is not Verb.STOP),
)
RAISING = ((), *(((verb, Origin.LOCAL),) for verb in (Verb.ARM, Verb.RESET)), ((Verb.FIRE, Origin.FOREGROUND),))
GOOD: dict[str, Any] = {"power": 0.0, "flag": 0.0, "estop": (1.0, 1.0), "foot": (0.0, 1.0), "lease": True, "wd": True}
BAD: tuple[dict[str, Any], ...] = (
    {"power": 20.0, "flag": 1.0},
    {"power": math.nan},
    {"power": None},
    {"estop": (0.0, 0.0)},
    {"estop": (1.0, 0.0)},
    {"wd": False},
    {"dt": 2 * TICK_S},
    {"dt": -TICK_S},
    {"fault": True},
    {"record": False},
    {"hash": "other"},
    {"line": "welded"},
    {"line": "open"},
)
HUMAN: tuple[dict[str, Any], ...] = (
    {},
    {"lease": False},
    {"foot": (1.0, 0.0), "lease": False},
    {"foot": (1.0, 1.0), "lease": False},
)


def classes(state: State) -> Iterator[dict[str, Any]]:
    """Acts times hands on a good bench; the acts that raise energy on a bench with one thing wrong."""
    power = {"power": 20.0, "flag": 1.0} if state is State.FIRING else {}
    for acts in ACTS:
        for hands in HUMAN:
            yield {**GOOD, **power, **hands, "acts": acts}
    for bad in BAD:
        if bad.get("dt") != -TICK_S or state is State.FIRING:
            for acts in RAISING:
                yield {**GOOD, **power, **bad, "acts": acts}
    if state is State.FIRING:
        yield {**GOOD, "acts": ()}


def inputs_of(kind: dict[str, Any], now_s: float, enable: bool) -> Inputs:
    """Concrete inputs of a class; fresh samples are one hundredth of a second old."""
    t = now_s - 0.01
    values = (kind["power"], kind["flag"], *kind["estop"], *kind["foot"])
    snapshot = {n: Sample(n, v, t) for n, v in zip(CHANNELS, values, strict=True) if v is not None}
    closed = {"welded": True, "open": False}.get(kind.get("line", ""), enable)
    return Inputs(
        snapshot=snapshot,
        requests=tuple(Request(verb, origin, t) for verb, origin in kind["acts"]),
        faults=(Fault("H32", "task", "pump", "died", "log", t),) if kind.get("fault") else (),
        foreground_lease_s=t if kind["lease"] else None,
        watchdog=WatchdogStatus(t, True, closed, enable) if kind["wd"] else None,
        record=RecordStatus(t, kind.get("record", True)),
        applied_w=20.0 if kind["power"] == 20.0 else 0.0,
        applied_t_s=t,
        config_hash=kind.get("hash", "h"),
    )


def back(t_s: float, now_s: float) -> float:
    """A time relative to now, saturated: long ago is long ago, and far ahead is ahead."""
    return t_s if math.isinf(t_s) else min(max(round(t_s - now_s, 6), -FAR), TICK_S)


def moved(memory: Any, now_s: float, timed: bool) -> Any:
    """A monitor's memory relative to now; ``timed``: it looks at how long a spell lasts."""
    if isinstance(memory, Pending):
        return Pending(-0.01, memory.bits, back(memory.since_s, now_s) if timed else 0.0)
    if isinstance(memory, dict):
        return {k: moved(v, now_s, timed) for k, v in memory.items()}
    return back(memory, now_s) if isinstance(memory, float) else memory


START = initial(CONFIG)
UNTIMED = tuple(isinstance(m, Spontaneous) for m in CONFIG.monitors)


def canonical(s: KernelState) -> KernelState:
    """The same state at time 0, without what its successors do not look at, listed field by field."""
    now = s.now_s
    assert now is not None
    c = s.fork()
    c.now_s = 0.0
    for name in ("entered_s", "off_at_s", "armed_at_s", "enable_since_s"):
        setattr(c, name, back(getattr(s, name), now))
    for name in ("powered_since_s", "clear_since_s"):
        value = getattr(s, name)
        setattr(c, name, None if value is None or s.state is not State.TRIPPED else back(value, now))
    if s.state is not State.STOPPING:  # only "before the newest request" matters
        c.off_at_s, c.off_alarmed = max(c.off_at_s, -TICK_S), False
    if s.state is not State.ARMED:
        c.armed_at_s = math.inf
    if s.state not in (State.PRECHECK, State.READY, State.ARMED, State.FIRING):
        c.enable_since_s = 0.0
    c.pump_since_s, c.flowing_from_s, c.flowing_since_s = 0.0, None, 0.0  # no coolant and no impedance on this bench
    c.resets = ()
    c.foot_released = s.foot_released and s.state is State.ARMED
    c.fired = s.fired and s.state in (State.STOPPING, State.COOLDOWN, State.TRIPPED, State.LOCKOUT)
    if s.state in (State.SAFE, State.TRIPPED):
        c.entered_s = max(c.entered_s, -2 * TICK_S)
    c.history = tuple((-FAR, w) for _, w in s.history[-1:]) if s.state is State.FIRING else ()
    c.memories = tuple(moved(m, now, not untimed) for m, untimed in zip(s.memories, UNTIMED, strict=True))
    if s.state is State.LOCKOUT:  # absorbing whatever it remembers
        c.memories, c.entered_s, c.off_at_s, c.resets, c.acked = START.memories, 0.0, -TICK_S, (), True
    locked = any(t.lockout for t in s.trips)
    c.trips = (Trip("Hxx", "", "", "", 0.0, 0.0, 0.0, 0.0, "", "", locked),) if s.trips else ()
    c.epoch = 0
    c.energy_j = c.on_time_s = c.power_w = 0.0
    return c


def check(before: KernelState, kind: dict[str, Any], out: Outputs) -> None:
    """Invariants of one step."""
    was, now = before.state, out.state
    healthy = {k: v for k, v in kind.items() if k not in ("acts", "lease", "foot", "power", "flag")}
    assert now is was or now.value in EDGES[was.value], (was, now, kind)
    assert out.enable is False or now is State.FIRING
    assert out.permit.max_w in (0.0, 50.0)
    if out.permit.max_w > 0.0:
        assert (now, out.blocked_by) == (State.FIRING, ())
        assert kind["estop"] != (0.0, 0.0)  # a single contact is given pair_s
        assert healthy.get("wd") is True
        assert not healthy.get("fault")
        assert kind["power"] in (0.0, 20.0)
        assert "dt" not in kind
        assert out.permit.expires_at_s == 0.0 + kind.get("dt", TICK_S) + 0.15
    if now is State.FIRING and was is not State.FIRING:
        assert kind["acts"] == ((Verb.FIRE, Origin.FOREGROUND),) or kind["foot"] == (1.0, 0.0)
    if was is State.STOPPING and now in (State.COOLDOWN, State.TRIPPED):
        assert (kind["power"], kind["flag"]) == (0.0, 0.0)
    if was is State.TRIPPED and now is State.SAFE:
        assert kind["acts"] == ((Verb.RESET, Origin.LOCAL),)
        assert before.acked
        assert kind["foot"] == (0.0, 1.0)
    if out.first_trip is not None and was is State.FIRING:
        assert now is State.STOPPING
    assert out.pump_on or now in (State.BOOT, State.SAFE, State.LOCKOUT)
    if now in (State.SAFE, State.PRECHECK, State.READY, State.ARMED, State.FIRING, State.COOLDOWN):
        assert out.first_trip is None
    assert now is not State.TRIPPED or out.first_trip is not None


def test_only_the_allowed_edges_and_every_one_of_them() -> None:
    edges: dict[str, set[str]] = {name: set() for name in EDGES}
    seen: set[str] = set()
    queue: deque[KernelState] = deque()
    latch = Trip("H45", "", "", "", 0.0, 0.0, 0.0, 0.0, "", "")
    fresh: list[KernelState] = [initial(CONFIG), initial(CONFIG, latch)]
    steps = 0
    for start in fresh:
        after, _ = step(CONFIG, start, inputs_of({**GOOD, "power": None, "acts": ()}, 0.0, False), 0.0)
        queue.append(canonical(after))
    seen = {repr(s) for s in queue}
    while queue:
        before = queue.popleft()
        for kind in classes(before.state):
            now_s = kind.get("dt", TICK_S)
            after, out = step(CONFIG, before, inputs_of(kind, now_s, before.enable), now_s)
            steps += 1
            assert "H32" not in [t.hazard for t in out.new_trips if t.monitor == "kernel"], out.first_trip
            check(before, kind, out)
            if out.state is not before.state:
                edges[before.state.value].add(out.state.value)
            following = canonical(after)
            key = repr(following)
            if key not in seen:
                seen.add(key)
                queue.append(following)
    assert edges == EDGES
    assert len(seen) > 700  # fewer: the search, or the kernel, has lost something
    assert steps > 60_000
