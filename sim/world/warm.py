"""Compile every kernel once, into numba's cache: ``python -m sim.world.warm [KIND]...``; later processes load them at
once. Without a name, all kinds."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from sim.world.bench import World

BENCH_APPLICATOR = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}
KINDS: dict[str, Mapping[str, Any]] = {
    "needle": BENCH_APPLICATOR,
    "antenna": {"kind": "microwave-antenna", "antenna": "cooled-2450"},
    "several needles": {"kind": "switched-needles", "gauge": 17, "active_tip_mm": 30, "needles": 2, "spacing_mm": 20},
    "several antennas": {"kind": "microwave-antennas", "antenna": "cooled-2450", "antennas": 2, "spacing_mm": 20},
}
"""One of each kind that has kernels of its own."""


def warm(applicator: Mapping[str, Any] = BENCH_APPLICATOR) -> float:
    """Run one simulated second of ``applicator`` on the fast mesh; returns what it took, s."""
    began_s = time.perf_counter()
    world = World(applicator, {}, seed=1)
    world.advance(0.0)
    world.drive(60.0)
    world.advance(1.0)
    world.temperature_c("tissue_10mm")
    return time.perf_counter() - began_s


def main() -> None:
    """Warm the cache and say how long it took."""
    for kind in sys.argv[1:] or KINDS:
        applicator = KINDS[kind]
        if sys.stderr.isatty():
            print(f"{kind}: compiling the tissue model (once per machine) ...", file=sys.stderr, flush=True)
        print(f"{kind}: tissue model ready after {warm(applicator):.1f} s", flush=True)


if __name__ == "__main__":
    main()
