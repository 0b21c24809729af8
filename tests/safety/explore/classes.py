"""The classes of inputs of the state machine: what the source, the tip, the line, the clock, a foot, a lease and a
person can say; and, of the monitors, every kind of finding.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from safety.config import ChannelRule, Config, Limits, Roles, Timing
from safety.monitors.base import INHIBIT, STOP, TRIP, Finding
from safety.state import KernelState
from safety.types import Inputs, Origin, Quality, Request, Sample, State, Verb, WatchdogStatus

TICK_S = 0.125  # a power of two: times stay exact
FAR_S = 3 * TICK_S  # longer than every timer below
CHANNELS = ("g.power_w", "g.rf_on", "i.a_closed", "i.b_closed", "i.no_closed", "i.nc_closed", "t.tip_c")
TIMING = Timing(
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
    prime_s=TICK_S,
    run_on_s=TICK_S,
    cooldown_max_s=2 * TICK_S,
    reset_clear_s=TICK_S,
    resets_max=1,
    reset_window_s=1e9,  # a reset that has left the window is as good as none, so both are explored
)
CONFIG = Config(
    channels=tuple(ChannelRule(name, 0.0, 300.0, age_limit_s=0.2) for name in CHANNELS),
    roles=Roles(
        "g.power_w",
        "g.rf_on",
        ("i.a_closed", "i.b_closed"),
        footswitch=("i.no_closed", "i.nc_closed"),
        tip="t.tip_c",
    ),
    layers=(("bench", Limits(power_w=50.0)),),
    config_hash="h",
    timing=TIMING,
)

# ---- classes of inputs


class Kind(NamedTuple):
    """One class of inputs, ready to be judged, and in plain words what is true of it."""

    name: str
    now_s: float  # the tick before was at 0
    inputs: Inputs
    samples: Sequence[Sample | None]
    findings: list[Finding]
    off_t_s: float  # when the samples that say off were asked for; NaN: they do not say off
    cold: bool
    closed: bool  # the enable line is read back closed
    lease: bool
    pressed: bool
    released_t_s: float  # NaN: not released
    acts: frozenset[Verb]  # fresh, and from where they may come
    stop: bool


def _finding(item: str, severity: Any, hazard: str, lockout: bool = False, pump_off: bool = False) -> Finding:
    text = {INHIBIT: "a monitor inhibits", STOP: "a monitor stops", TRIP: "a monitor trips"}[severity]
    return Finding(item, severity, hazard, item, "d.x", 1.0, 0.0, 0.0, text, "look", "d", lockout, pump_off)


_AGE = {"": 0.01, "before": 1.2 * TICK_S, "old": 3 * TICK_S, "future": -0.01}
SOURCE: dict[str, tuple[float, float, str, Quality] | None] = {
    "off": (0.0, 0.0, "", Quality.GOOD),
    "power": (20.0, 1.0, "", Quality.GOOD),
    "flag": (0.0, 1.0, "", Quality.GOOD),
    "nan": (math.nan, 0.0, "", Quality.GOOD),
    "bad": (0.0, 0.0, "", Quality.BAD),
    "before": (0.0, 0.0, "before", Quality.GOOD),
    "old": (0.0, 0.0, "old", Quality.GOOD),
    "future": (0.0, 0.0, "future", Quality.GOOD),
    "none": None,
}
TIP: dict[str, tuple[float, str, Quality] | None] = {
    "cold": (20.0, "", Quality.GOOD),
    "hot": (45.0, "", Quality.GOOD),
    "nan": (math.nan, "", Quality.GOOD),
    "bad": (20.0, "", Quality.BAD),
    "old": (20.0, "old", Quality.GOOD),
    "none": None,
}
FOOT: dict[str, tuple[float, float, str] | None] = {
    "up": (0.0, 1.0, ""),
    "down": (1.0, 0.0, ""),
    "both": (1.0, 1.0, ""),
    "up before": (0.0, 1.0, "before"),
    "down old": (1.0, 0.0, "old"),
    "none": None,
}
LEASE = {"none": None, "held": 0.01, "old": 0.25, "future": -0.01, "nan": math.nan}
LINE = {"closed": (True,), "open": (False,), "unread": (None,), "silent": ()}
FOUND: dict[str, list[Finding]] = {
    "nothing": [],
    "inhibit": [_finding("estop", INHIBIT, "H66")],
    "stop": [_finding("record", STOP, "H36")],
    "trip": [_finding("temperature", TRIP, "H45")],
    "leak": [_finding("flags", TRIP, "H82", pump_off=True)],
    "lockout": [_finding("estop", TRIP, "H67", lockout=True)],
    "power": [_finding("power", TRIP, "H01")],
    "line": [_finding("enable", TRIP, "H06")],
    "stop and trip": [_finding("record", STOP, "H36"), _finding("temperature", TRIP, "H45")],
}
DT_S = {"tick": TICK_S, "two": 2 * TICK_S, "same": 0.0, "back": -TICK_S}

HANDS = {
    Verb.PREPARE: Origin.LOCAL,
    Verb.ARM: Origin.LOCAL,
    Verb.FIRE: Origin.FOREGROUND,
    Verb.COMPLETE: Origin.PROTOCOL,
    Verb.ACK: Origin.LOCAL,
    Verb.RESET: Origin.LOCAL,
}
"""Where each act may come from."""
WRONG = {
    Verb.PREPARE: Origin.SIGNAL,
    Verb.ARM: Origin.PROTOCOL,
    Verb.FIRE: Origin.LOCAL,
    Verb.COMPLETE: Origin.FOREGROUND,
    Verb.ACK: Origin.PROTOCOL,
    Verb.RESET: Origin.SIGNAL,
}
_NET = tuple((verb, Origin.NETWORK, 0.01) for verb in HANDS)
ACTS: dict[str, tuple[tuple[Verb, Origin, float], ...]] = {
    "-": (),
    **{verb.value: ((verb, origin, 0.01),) for verb, origin in HANDS.items()},
    "stop": ((Verb.STOP, Origin.NETWORK, 0.01),),
    "all": tuple((verb, origin, 0.01) for verb, origin in HANDS.items()),
    "all and stop": (*((verb, origin, 0.01) for verb, origin in HANDS.items()), (Verb.STOP, Origin.SIGNAL, 9.0)),
    "ack, reset": ((Verb.ACK, Origin.LOCAL, 0.01), (Verb.RESET, Origin.LOCAL, 0.01)),
    "network": _NET,
    "wrong hands": tuple((verb, origin, 0.01) for verb, origin in WRONG.items()),
    "stale": tuple((verb, origin, 1.01) for verb, origin in HANDS.items()),
    "future": tuple((verb, origin, -0.01) for verb, origin in HANDS.items()),
}


def _samples(source: str, tip: str, foot: str, now_s: float) -> list[Sample | None]:
    samples: list[Sample | None] = [None] * len(CHANNELS)

    def say(i: int, value: float, age: str, quality: Quality = Quality.GOOD) -> None:
        samples[i] = Sample(CHANNELS[i], value, now_s - _AGE[age], quality)

    if (said := SOURCE[source]) is not None:
        power_w, flag, age, quality = said
        say(0, power_w, age, quality)
        say(1, flag, age, quality)
    if (contacts := FOOT[foot]) is not None:
        no, nc, age = contacts
        say(4, no, age)
        say(5, nc, age)
    if (temperature := TIP[tip]) is not None:
        say(6, *temperature)
    return samples


def kind(source: str, tip: str, found: str, line: str, dt: str, acts: str, foot: str, lease: str) -> Kind:
    """The class of that name in each dimension."""
    now_s = DT_S[dt]
    age_s = LEASE[lease]
    closed = LINE[line]
    inputs = Inputs(
        snapshot={},
        requests=tuple(Request(verb, origin, now_s - age, "anna") for verb, origin, age in ACTS[acts]),
        foreground_lease_s=None if age_s is None else now_s - age_s,
        watchdog=WatchdogStatus(now_s - 0.01, True, closed[0], True) if closed else None,
        config_hash="h",
    )
    rightful = acts in ("all", "all and stop", "ack, reset") or acts in [verb.value for verb in HANDS]
    return Kind(
        name=f"source {source}, tip {tip}, monitors say {found}, line {line}, clock {dt}, acts {acts}, foot {foot},"
        f" lease {lease}",
        now_s=now_s,
        inputs=inputs,
        samples=_samples(source, tip, foot, now_s),
        findings=FOUND[found],
        off_t_s=now_s - {"off": 0.01, "before": 0.15, "old": 0.375}.get(source, math.nan),
        cold=tip == "cold",
        closed=line == "closed",
        lease=lease == "held",
        pressed=foot == "down",
        released_t_s=now_s - {"up": 0.01, "up before": 0.15}.get(foot, math.nan),
        acts=frozenset(verb for verb, _, _ in ACTS[acts] if verb is not Verb.STOP) if rightful else frozenset(),
        stop=acts in ("stop", "all and stop"),
    )


def _evidence(wrong: int) -> list[tuple[str, ...]]:
    """Evidence of which at most ``wrong`` parts are not as they should be."""
    good = tuple(next(iter(part)) for part in (SOURCE, TIP, FOUND, LINE, DT_S))
    bad = [list(part)[1:] for part in (SOURCE, TIP, FOUND, LINE, DT_S)]
    found = [good]
    for count in range(1, wrong + 1):
        for places in itertools.combinations(range(len(good)), count):
            for values in itertools.product(*(bad[place] for place in places)):
                spoilt = dict(zip(places, values, strict=True))
                found.append(tuple(spoilt.get(place, name) for place, name in enumerate(good)))
    return found


@functools.cache
def kinds(*, full: bool) -> Callable[[KernelState], Sequence[Kind]]:
    """Where energy is near, up to two things wrong with the evidence, single acts with every hand and foot, and crowds
    of acts with some; elsewhere, where no hand is looked at, one thing wrong, or two in the ``full`` search.
    """
    crowds = [acts for acts in ACTS if len(ACTS[acts]) > 1]
    some = [("up", "none"), ("down", "held"), ("up", "held"), ("down", "none"), ("both", "none"), ("both", "held")]
    leases = [lease for lease in LEASE if full or lease not in ("future", "nan")]
    people = [(acts, *hands) for acts in ACTS if acts not in crowds for hands in itertools.product(FOOT, leases)]
    people += [(acts, *hands) for acts in crowds for hands in some]
    near = [kind(*(*proof, *person)) for proof in _evidence(2) for person in people]
    people = [(acts, *hands) for acts in ACTS for hands in some[: 3 if full else 2]]
    far = [kind(*(*proof, *person)) for proof in _evidence(2 if full else 1) for person in people]
    return lambda s: near if s.state in (State.ARMED, State.FIRING) else far
