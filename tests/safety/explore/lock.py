"""``states.lock``: every abstract state and every way out of it, so that a change of the kernel shows as a diff."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.safety.explore.search import Graph

FILE = Path(__file__).with_name("states.lock")
RENEW = "python -m tests.safety.explore --lock"


def render(title: str, graph: Graph) -> str:
    """One layer: names with the number of abstract states that bear them, and under each where it leads and why."""
    count = Counter(graph.names.values())
    lines = [f"[{title}]"]
    for name in sorted(count):
        lines.append(f"{name}  ({count[name]})")
        lines += [f"    -> {to} | {why or 'stays'}" for was, to, why in sorted(graph.edges) if was == name]
    return "\n".join(lines) + "\n"


def write(layers: dict[str, Graph]) -> str:
    """The whole file."""
    head = f"# Abstract states of the shipped kernel, how many there are of each, and every edge. Renew: {RENEW}\n"
    return head + "".join("\n" + render(title, graph) for title, graph in layers.items())
