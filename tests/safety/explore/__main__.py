"""``make explore``: the search with more classes of inputs, and its figures as evidence for the safety case. Minutes.

``--lock`` writes ``states.lock`` anew instead, from the search that ``make test`` makes.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from controller.evidence import store
from controller.evidence.revision import origin
from tests.safety.explore import LAYERS, lock
from tests.safety.explore.search import Graph, search

REPOSITORY = Path(__file__).parents[3]
TRANSITIONS_MIN = 10_000_000


def main() -> int:
    """Search; 1 when an invariant fails or fewer than ten million transitions were there to be judged."""
    parser = argparse.ArgumentParser(prog="python -m tests.safety.explore", description=__doc__)
    parser.add_argument("--lock", action="store_true", help="write states.lock anew")
    parser.add_argument("--out", type=Path, default=REPOSITORY / store.FOLDER / "exploration.json")
    args = parser.parse_args()
    made_from = origin("exploration")
    graphs: dict[str, Graph] = {}
    figures: dict[str, int | float] = {}
    for title, layer in LAYERS.items():
        began_s = time.process_time()
        graphs[title] = graph = search(layer(full=not args.lock))
        took_s = time.process_time() - began_s
        told = (len(graph.states), len(graph.edges), graph.transitions)
        print(
            f"{title}: {told[0]} states, {told[1]} edges, {told[2]:,} transitions in {took_s:.0f} s of CPU", flush=True
        )
        names = ("states", "edges", "transitions")
        figures |= {f"{title}_{name}": value for name, value in zip(names, told, strict=True)}
        figures[f"{title}_cpu_s"] = round(took_s, 1)
    if args.lock:
        lock.FILE.write_text(lock.write(graphs), encoding="utf-8")
        print(f"wrote {lock.FILE}")
        return 0
    figures["transitions"] = sum(graph.transitions for graph in graphs.values())
    figures["violations"] = 0  # the first one ends the search with an error
    known = lock.FILE.read_text(encoding="utf-8")
    rows = [
        {
            "layer": title,
            "from": was,
            "to": to,
            "why": why,
            "in_states_lock": f"    -> {to} | {why or 'stays'}\n" in known,
        }
        for title, graph in graphs.items()
        for was, to, why in sorted(graph.edges)
    ]
    print(store.write(args.out, "search of the kernel's states", "make explore", figures, rows, origin=made_from))
    if figures["transitions"] < TRANSITIONS_MIN:
        print(
            f"fewer than {TRANSITIONS_MIN:,} transitions: the search, or the kernel, has lost something",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
