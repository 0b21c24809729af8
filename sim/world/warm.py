"""Compile every kernel once, into numba's cache: ``python -m sim.world.warm``. Later processes load them at once."""

from __future__ import annotations

import sys
import time

from sim.world.bench import World

BENCH_APPLICATOR = {"kind": "cooled-needle", "gauge": 17, "active_tip_mm": 30}


def warm() -> float:
    """Run one simulated second on the fast mesh; returns what it took, s."""
    began_s = time.perf_counter()
    world = World(BENCH_APPLICATOR, {}, seed=1)
    world.advance(0.0)
    world.drive(60.0)
    world.advance(1.0)
    world.temperature_c("tissue_10mm")
    return time.perf_counter() - began_s


def main() -> None:
    """Warm the cache and say how long it took."""
    if sys.stderr.isatty():
        print("compiling the tissue model (once per machine, some seconds) ...", file=sys.stderr, flush=True)
    print(f"tissue model ready after {warm():.1f} s")


if __name__ == "__main__":
    main()
