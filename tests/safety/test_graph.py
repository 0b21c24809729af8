"""The shipped kernel, searched exhaustively over abstract inputs: :mod:`tests.safety.explore` says over which, and
judges the invariants of each transition; here is what holds of all of them together.
"""

from __future__ import annotations

import functools
import random
from typing import Any

import pytest

from safety import kernel, transitions
from safety.monitors.base import Pending
from safety.permits import BY_STATE
from safety.state import KernelState
from safety.turn import Turn
from safety.types import State, Verb
from tests.safety.explore import LAYERS, decisions, lock, steps
from tests.safety.explore.classes import Kind, kind
from tests.safety.explore.invariants import EDGES
from tests.safety.explore.search import Graph, Space, search

pytestmark = pytest.mark.timeout(900)  # half a minute of one quiet core
REST = (State.SAFE, State.TRIPPED, State.LOCKOUT)
each_layer = pytest.mark.parametrize("layer", LAYERS)


@functools.cache
def graph(layer: str) -> Graph:
    """One search for all tests."""
    return search(LAYERS[layer]())


@each_layer
def test_only_the_allowed_edges_and_every_one_of_them(layer: str) -> None:
    edges: dict[str, set[str]] = {name: set() for name in EDGES}
    for was, now, _ in graph(layer).edges:
        a, b = (name.partition(" ")[0].rstrip(";") for name in (was, now))
        if a != b:
            edges[a].add(b)
    assert edges == EDGES


def test_the_graph_is_the_one_in_the_lock_file() -> None:
    found = lock.write({layer: graph(layer) for layer in LAYERS})
    assert lock.FILE.read_text(encoding="utf-8") == found, f"look at each edge, then renew it: {lock.RENEW}"


def test_two_million_transitions_were_judged() -> None:
    counts = {layer: graph(layer).transitions for layer in LAYERS}
    assert counts["decisions"] > 1_800_000
    assert counts["steps"] > 150_000
    assert sum(counts.values()) > 2_000_000


@each_layer
def test_i07_energy_is_four_acts_away_from_every_start(layer: str) -> None:
    """Only reset, prepare, arm, fire lead from a trip to FIRING, and nothing leads from LOCKOUT."""
    ways = {"TRIPPED": {"reset"}, "SAFE": {"prepare"}, "READY": {"arm"}, "ARMED": {"fire"}}
    onward = {"TRIPPED": "SAFE", "SAFE": "PRECHECK", "READY": "ARMED", "ARMED": "FIRING"}
    for state, to in onward.items():
        assert {why for a, b, why in graph(layer).edges if a.startswith(state) and b.startswith(to)} == ways[state]
    assert {a.partition(" ")[0].rstrip(";") for a, b, _ in graph(layer).edges if b.startswith("FIRING")} == {"ARMED"}


# ---- liveness: a bench that is well and left alone comes to rest; a fault ends the energy in time


def quiet(layer: str, act: Verb | None) -> Any:
    """The class of inputs of a healthy bench, and of nobody who holds anything."""
    if layer == "decisions":
        acts = "-" if act is None else act.value
        return kind("off", "cold", "nothing", "open", "tick", acts, "up", "none")
    local = {None: steps.NONE, Verb.ACK: steps.ACTS[4], Verb.RESET: steps.ACTS[5]}
    return steps.Kind(local[act], "none", frozenset(), False)


@each_layer
def test_a_healthy_bench_comes_to_rest_and_out_of_a_trip(layer: str) -> None:
    space = LAYERS[layer]()

    def after(state: KernelState, act: Verb | None = None) -> KernelState:
        return space.canonical(space.follow(state, quiet(layer, act))[0])

    for state in graph(layer).states.values():
        s, ticks = after(state), 1
        while s.state not in REST:
            s, ticks = after(s), ticks + 1
            assert ticks <= 12, state
        if s.state is State.TRIPPED:
            for act in (Verb.ACK, None, None, None):
                s = after(s, act)
            assert after(s, Verb.RESET).state is (State.LOCKOUT if s.resets else State.SAFE), state


ENDS_WITHIN = {
    **dict.fromkeys(sorted(steps.AT_ONCE), 1),
    "E-stop a": 2,
    "E-stop b": 2,
    "power high": 2,
    "line open": 4,
    "line unread": 4,
}
"""Ticks of a fault that stays, at most, until the enable line is let go."""


@pytest.mark.parametrize("fault", ENDS_WITHIN)
def test_a_fault_that_stays_ends_the_energy(fault: str) -> None:
    firing = [s for s in graph("steps").states.values() if s.enable]
    assert len(firing) > 10
    for state in firing:
        s, ticks = state, 0
        while s.enable:
            hands = "foot" if s.holder == "footswitch" else "lease"
            given = steps.Kind(steps.NONE, hands, frozenset({fault}), True)
            s, ticks = steps.canonical(steps.follow(s, given)[0]), ticks + 1
            assert ticks <= ENDS_WITHIN[fault], state


# ---- the search itself: what it forgets does not matter, and it sees what is wrong


@each_layer
def test_nothing_that_matters_is_forgotten(layer: str) -> None:
    """A kernel that remembers everything goes the same way as its representative, over long walks forwards: a step
    back in time brings nearer what the representative only knows to be long ago.
    """
    space, draw = LAYERS[layer](), random.Random(7)
    for _ in range(60):
        whole = draw.choice(list(space.starts()))
        for _ in range(60):
            brief = space.canonical(whole)
            given: Any = draw.choice(list(space.kinds(whole)))
            if draw.random() < 0.5 or backwards(given):
                given = quiet(layer, None)
            one, two = shifted(space, whole, given), space.follow(brief, given)[0]
            assert (space.key(one), space.name(one)) == (space.key(two), space.name(two)), (whole, given)
            whole = one


def backwards(given: Any) -> bool:
    """Time runs back in this class of inputs."""
    return given.now_s < 0.0 if isinstance(given, Kind) else "time back" in given.wrong


def shifted(space: Space, whole: KernelState, given: Any) -> KernelState:
    """A step of a state that keeps its history, with its present moved to time 0, where the classes are."""
    s, now_s = whole.fork(), whole.now_s
    assert now_s is not None
    for name in ("now_s", "entered_s", "off_at_s", "powered_since_s", "armed_at_s", "pump_since_s", "enable_since_s",
                 "clear_since_s", "flowing_from_s", "flowing_since_s"):  # fmt: skip
        value = getattr(s, name)
        setattr(s, name, None if value is None else value - now_s)
    s.history = tuple((t - now_s, w) for t, w in s.history)
    s.resets = tuple(t - now_s for t in s.resets)
    s.memories = tuple(earlier(memory, now_s) for memory in s.memories)
    return space.follow(s, given)[0]


def earlier(memory: Any, by_s: float) -> Any:
    """A monitor's memory with its times moved."""
    if isinstance(memory, Pending):
        return memory._replace(t_sample_s=memory.t_sample_s - by_s, since_s=memory.since_s - by_s)
    if isinstance(memory, dict):
        return {key: earlier(value, by_s) for key, value in memory.items()}
    return memory - by_s if isinstance(memory, float) else memory


ROWS = [
    (state, item) for state, rows in BY_STATE.items() for item, _ in rows if (state, item) != (State.LOCKOUT, "lockout")
]


def judged_anew(states: set[State]) -> None:
    """Every state of the unbroken graph that is one of these, with every class of inputs, in a drawn order."""
    space, draw = decisions.space(), random.Random(3)
    for state in [s for s in graph("decisions").states.values() if s.state in states]:
        kinds = list(space.kinds(state))
        for given in draw.sample(kinds, min(len(kinds), 4000)):
            space.follow(state, given)


@pytest.mark.parametrize("state, item", ROWS, ids=lambda value: getattr(value, "value", value))
def test_a_permit_that_is_taken_out_is_noticed(state: State, item: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BY_STATE, state, tuple(row for row in BY_STATE[state] if row[0] != item))
    with pytest.raises(AssertionError):
        judged_anew({state})


def without_epoch(turn: Turn, reason: str, who: str = "") -> None:
    turn.at.s.off_at_s, turn.at.s.holder = turn.at.now_s, ""
    turn.go(State.STOPPING, reason, who)


@pytest.mark.parametrize(
    "place, name, broken, states",
    [
        (Turn, "halt", without_epoch, {State.FIRING}),
        (Turn, "latch", lambda turn, trips: None, {State.FIRING}),
        (Turn, "refuse", lambda turn, request, by: None, {State.SAFE}),
        (transitions, "foreground_held", lambda at: True, {State.ARMED}),
        (transitions, "footswitch_held", lambda at: True, {State.ARMED}),
        (transitions, "released", lambda samples, pair: True, {State.ARMED}),
        (transitions, "_FALLS", frozenset({State.FIRING}), {State.COOLDOWN}),
        (kernel, "PUMPING", frozenset(State), {State.SAFE}),
        (kernel, "PUMPING", frozenset(), {State.TRIPPED}),
        (kernel, "_OFF_UNTIL_PROVEN", frozenset(), {State.STOPPING}),
    ],
)
def test_a_broken_state_machine_is_noticed(
    place: Any, name: str, broken: Any, states: set[State], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, broken)
    with pytest.raises(AssertionError):
        judged_anew(states)
