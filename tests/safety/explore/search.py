"""Breadth-first, over any transition function."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from safety.state import KernelState

Key = Hashable
Edge = tuple[str, str, str]
"""(from, to, why), in the words of ``states.lock``."""

Follow = Callable[[KernelState, Any], tuple[KernelState, str]]
"""What one class of inputs makes of a state, and why that was left ("" if it was not)."""


@dataclass
class Graph:
    """All that can be reached: a representative and a name for each key."""

    states: dict[Key, KernelState] = field(default_factory=dict)
    names: dict[Key, str] = field(default_factory=dict)
    edges: set[Edge] = field(default_factory=set)
    transitions: int = 0


@dataclass(frozen=True)
class Space:
    """What is searched. ``key`` is equal for states whose futures are; ``canonical`` is a state's representative at
    time 0; ``name`` is one for all states of a key.
    """

    starts: Callable[[], Iterable[KernelState]]
    kinds: Callable[[KernelState], Iterable[Any]]
    follow: Follow
    key: Callable[[KernelState], Key]
    canonical: Callable[[KernelState], KernelState]
    name: Callable[[KernelState], str]


def search(space: Space) -> Graph:
    """Every state that any of the kinds of inputs lead to.

    Raises:
        AssertionError: an invariant fails; the message names the state and the inputs.
    """
    graph = Graph()
    states, names, edges = graph.states, graph.names, graph.edges
    key, follow = space.key, space.follow
    queue: deque[Key] = deque()

    def add(found: Key, state: KernelState) -> None:
        states[found], names[found] = space.canonical(state), space.name(state)
        queue.append(found)

    for state in space.starts():
        add(key(state), state)
    while queue:
        at = queue.popleft()
        before, was = states[at], names[at]
        for kind in space.kinds(before):
            try:
                after, why = follow(before, kind)
                found = key(after)
            except AssertionError as error:
                raise AssertionError(f"{error}\nin {was}: {before}\nfor {kind}") from error
            graph.transitions += 1
            if found not in states:
                add(found, after)
            if found != at and (why or names[found] != was):
                edges.add((was, names[found], why))
    return graph
